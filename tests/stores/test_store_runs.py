"""Reports of runs, as every state store keeps them."""

from __future__ import annotations

import pytest
from contract_values import OpenStore, report

from reconciler.errors import StateError
from reconciler.model.json import Json


def test_runs_are_kept_in_order_and_read_back_whole(open_store: OpenStore) -> None:
    store = open_store()
    with store.lock("apply", "c", 0):
        store.keep_run("c", report("c", 1, 1))
        store.keep_run("b", report("b", 2, 9))
        store.keep_run("a", report("a", 2, 10))

    assert list(open_store().runs()) == ["c", "b", "a"]
    assert open_store().run("b") == report("b", 2, 9)


def test_runs_of_one_second_that_left_one_serial_are_kept_in_order(open_store: OpenStore) -> None:
    def ended(run_id: str, fraction: str) -> dict[str, Json]:
        return report(run_id, 1, 7) | {"ended_at": f"2026-02-02T02:01:00.{fraction}Z"}

    store = open_store()
    with store.lock("apply", "c", 0):
        store.keep_run("c", report("c", 0, 7))  # as an earlier version kept it
        store.keep_run("b", ended("b", "000450"))
        store.keep_run("a", ended("a", "120000"))

    assert list(open_store().runs()) == ["c", "b", "a"]
    assert open_store().run("b") == ended("b", "000450")


def test_a_run_that_is_not_kept_is_told_with_those_that_are(open_store: OpenStore) -> None:
    store = open_store()
    with store.lock("apply", "a", 0):
        store.keep_run("a", report("a", 1, 1))

    with pytest.raises(StateError) as refused:
        open_store().run("z")

    assert (refused.value.message, refused.value.hint) == ("no run 'z' is kept", "the newest that are: a")


def test_the_oldest_runs_go(open_store: OpenStore) -> None:
    store = open_store()
    with store.lock("apply", "a", 0):
        for number in range(store.keeps.runs + 2):
            store.keep_run(f"r{number}", report(f"r{number}", 1, number))

    assert list(open_store().runs()) == [f"r{number}" for number in range(2, store.keeps.runs + 2)]


def test_a_run_is_kept_only_under_the_lock(open_store: OpenStore) -> None:
    with pytest.raises(StateError):
        open_store().keep_run("a", report("a", 1, 1))
