"""A state as a whole: which one a place takes, from elsewhere, from its history, or mended."""

from __future__ import annotations

from dataclasses import replace

import pytest
from contract_values import CRM, RECORD, VIP, OpenStore, done, filled, intent

from reconciler.errors import StateError
from reconciler.model.record import State


def test_an_empty_place_begins_with_a_state_from_elsewhere(open_store: OpenStore) -> None:
    state = State("lineage-1", "prod", 7, {"td": "1"}, {VIP: RECORD}, ("p1",))
    past = [replace(state, serial=5, records={}), replace(state, serial=6)]
    store = open_store()
    with store.lock("state migrate", "a", 0):
        store.begin_with(state, (intent("op1"),), past)
        store.append(done("op2", address=CRM))

    after = open_store().read()
    assert after.state == state.with_record(CRM, RECORD)
    assert after.unfinished == (intent("op1"),)
    assert [open_store().past(serial) for serial in open_store().history()] == past


def test_a_place_that_remembers_something_begins_with_nothing_else(open_store: OpenStore) -> None:
    filled(open_store())
    before = open_store().read()
    store = open_store()
    with store.lock("state migrate", "b", 0), pytest.raises(StateError, match="holds a state already"):
        store.begin_with(State("lineage-1", "prod", 7), (), ())

    assert open_store().read() == before


def test_a_journal_that_is_whole_is_not_mended(open_store: OpenStore) -> None:
    filled(open_store())
    before = open_store().read()
    store = open_store()
    with store.lock("state mend", "b", 0):
        mended = store.mend()

    assert (mended.state, mended.lost, mended.aside) == (before.state, 0, "")
    assert open_store().read() == before


def test_restoring_goes_back_and_keeps_what_the_journal_knows(open_store: OpenStore) -> None:
    filled(open_store())
    store = open_store()
    with store.lock("state restore", "b", 0):
        restored = store.restore(0)

    after = open_store().read()
    assert (dict(restored.records), restored.serial) == ({VIP: RECORD}, 3)
    assert after.state == restored
    assert after.unfinished == (intent("op2"),)


def test_the_state_of_another_project_or_environment_is_refused(open_store: OpenStore) -> None:
    open_store(project="shop").read()

    with pytest.raises(StateError, match="is the state of project 'shop', not of 'club'"):
        open_store(project="club").read()
    assert open_store(project="shop").read().state.project == "shop"
