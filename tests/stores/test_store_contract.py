"""What every state store promises of lines, checkpoints and history, whatever it is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from contract_values import CRM, RECORD, VIP, OpenStore, done, intent

from reconciler.errors import StateError
from reconciler.model.record import Record, State
from reconciler.ports.store import Entry, Phase


def test_a_new_state_is_empty_and_keeps_its_lineage(open_store: OpenStore) -> None:
    first = open_store().read()

    assert first.unfinished == ()
    assert first.state == State(first.state.lineage, "prod", 0)
    assert open_store().read() == first


def test_what_is_appended_is_remembered_by_the_next_run(open_store: OpenStore) -> None:
    store = open_store()
    start = store.read().state
    with store.lock("apply", "r1", 0):
        store.append(intent("op1"))
        store.append(done("op1"))

    assert open_store().read().state == replace(start, serial=1, records={VIP: RECORD})


def test_forgetting_is_appended_like_remembering(open_store: OpenStore) -> None:
    store = open_store()
    with store.lock("apply", "r1", 0):
        store.append(done("op1"))
        store.append(done("op2", record=None))
        store.append(done("op3", record=None))

    state = open_store().read().state
    assert dict(state.records) == {}
    assert state.serial == 3


def test_the_serial_grows_by_what_is_remembered_and_by_nothing_else(open_store: OpenStore) -> None:
    store = open_store()
    serials = []
    with store.lock("apply", "r1", 0):
        for entry in (
            intent("op1"),
            done("op1"),
            Entry("op2", Phase.FAILED, "update", VIP, 3.0),
            Entry("op3", Phase.RECORD, "observe", VIP, 4.0, remembers=True, record=RECORD),
        ):
            store.append(entry)
            serials.append(open_store().read().state.serial)

    assert serials == [0, 1, 1, 2]


def test_what_nothing_closed_is_unfinished_in_order_and_in_full(open_store: OpenStore) -> None:
    store = open_store()
    with store.lock("apply", "r1", 0):
        for entry in (
            intent("op1"),
            intent("op2", CRM),
            intent("op3"),
            done("op1"),
            intent("op4"),
            Entry("op4", Phase.FAILED, "create", VIP, 3.0),
        ):
            store.append(entry)

    assert open_store().read().unfinished == (intent("op2", CRM), intent("op3"))


def test_a_checkpoint_is_read_back_whole(open_store: OpenStore) -> None:
    store = open_store()
    start = store.read().state
    state = replace(
        start,
        serial=7,
        accounts={"treasure_data": "us01/1234", "pinterest": "549755885175"},
        records={VIP: RECORD, CRM: Record("9", {})},
        consumed_plans=("p1", "p2"),
    )
    with store.lock("apply", "r1", 0):
        store.checkpoint(state, expected_serial=0)

    assert open_store().read().state == state


def test_unfinished_intents_survive_checkpoints(open_store: OpenStore) -> None:
    store = open_store()
    with store.lock("apply", "r1", 0):
        store.append(done("op0"))
        store.append(intent("op1", CRM))
        store.checkpoint(store.read().state, expected_serial=1)
        store.append(done("op2"))
        store.checkpoint(store.read().state, expected_serial=2)

    assert open_store().read().unfinished == (intent("op1", CRM),)
    assert open_store().read().state.serial == 2


def test_an_unfinished_intent_can_be_closed_after_a_checkpoint(open_store: OpenStore) -> None:
    store = open_store()
    with store.lock("apply", "r1", 0):
        store.append(intent("op1"))
        store.checkpoint(store.read().state, expected_serial=0)
    with open_store().lock("apply", "r2", 0):
        pass
    again = open_store()
    with again.lock("apply", "r2", 0):
        again.append(done("op1"))

    assert open_store().read().unfinished == ()
    assert dict(open_store().read().state.records) == {VIP: RECORD}


def test_a_remembering_intent_is_not_applied_again_after_a_checkpoint(open_store: OpenStore) -> None:
    store = open_store()
    remembering = replace(intent("op1"), remembers=True, record=RECORD)
    with store.lock("apply", "r1", 0):
        store.append(remembering)
        state = store.read().state.with_record(VIP, None)
        store.checkpoint(state, expected_serial=1)

    assert open_store().read().state == state
    assert open_store().read().unfinished == (remembering,)


def test_appending_goes_on_after_a_checkpoint(open_store: OpenStore) -> None:
    store = open_store()
    with store.lock("apply", "r1", 0):
        store.append(done("op1"))
        store.checkpoint(store.read().state.with_record(CRM, Record("9", {})), expected_serial=1)
        store.append(done("op2", record=None))

    state = open_store().read().state
    assert (state.serial, dict(state.records)) == (3, {CRM: Record("9", {})})


@pytest.mark.parametrize(
    ("wrong", "expected_serial", "message"),
    [
        (lambda s: replace(s, serial=5), 0, "another writer won"),
        (lambda s: replace(s, serial=1), 2, "older than the stored one"),
        (lambda s: replace(s, lineage="other", serial=9), 2, "of lineage other cannot replace"),
        (lambda s: replace(s, consumed_plans=("p1",)), 2, "two different states"),
    ],
    ids=["behind", "lower-serial", "other-lineage", "same-serial-other-content"],
)
def test_a_state_that_does_not_follow_is_refused(
    open_store: OpenStore, wrong: Callable[[State], State], expected_serial: int, message: str
) -> None:
    store = open_store()
    with store.lock("apply", "r1", 0):
        store.append(done("op1"))
        store.append(done("op2", address=CRM))
        before = store.read()
        with pytest.raises(StateError, match=message):
            store.checkpoint(wrong(before.state), expected_serial)

    assert open_store().read() == before


def test_of_two_that_began_from_one_state_the_second_is_refused(open_store: OpenStore) -> None:
    first, second = open_store(), open_store()
    start = first.read().state
    with first.lock("apply", "r1", 0):
        first.checkpoint(start.with_record(VIP, RECORD), start.serial)
    with second.lock("apply", "r2", 0), pytest.raises(StateError, match="another writer won"):
        second.checkpoint(start.with_record(CRM, RECORD), start.serial)

    assert list(open_store().read().state.records) == [VIP]


def test_history_keeps_earlier_states(open_store: OpenStore) -> None:
    store = open_store()
    states = [store.read().state]
    with store.lock("apply", "r1", 0):
        for number in range(3):
            states.append(states[-1].with_record(VIP, Record(str(number), {})))
            store.checkpoint(states[-1], states[-2].serial)

    assert list(open_store().history()) == [0, 1, 2]
    assert [open_store().past(serial) for serial in (0, 1, 2)] == states[:3]


def test_history_is_bounded_and_keeps_the_newest(open_store: OpenStore) -> None:
    store = open_store()
    state = store.read().state
    with store.lock("apply", "r1", 0):
        for _ in range(store.keeps.states + 5):
            previous, state = state, state.with_record(VIP, RECORD)
            store.checkpoint(state, previous.serial)

    assert list(store.history()) == list(range(5, store.keeps.states + 5))


def test_a_state_that_is_not_kept_is_an_error(open_store: OpenStore) -> None:
    with pytest.raises(StateError, match="no state 42 is kept"):
        open_store().past(42)
