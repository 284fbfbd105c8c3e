"""What every state store promises, whatever it is made of."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from reconciler.errors import LockHeld, StateError, TdrError
from reconciler.model.address import Address
from reconciler.model.json import Json
from reconciler.model.record import Record, State
from reconciler.model.secret import Secret
from reconciler.model.spec import OnDelete
from reconciler.ports.store import Entry, Phase, StateStore
from reconciler.sealing import MasterKey, key_from, new_key
from reconciler.stores.cipher import Cipher

OpenStore = Callable[..., StateStore]

VIP = Address("audience", "vip")
CRM = Address("connection", "crm")
RECORD = Record(
    remote_id="2542620905475",
    applied={"title": "VIP 日本", "sizes": [1, 2.5, None, True], "nested": {"a": {"b": []}}},
    fingerprints={"/client_secret": "ab" * 32},
    depends_on=(CRM,),
    protect=True,
    on_delete=OnDelete.FORGET,
    resolved={"mode": "REPLACE_CURRENT_AUDIENCE"},
    phase="created",
)


def _intent(op: str, address: Address = VIP) -> Entry:
    return Entry(
        op, Phase.INTENT, "create", address, 1.5, run="r1", natural_key="pinterest:1/vip", details={"title": "VIP"}
    )


def _done(op: str, record: Record | None = RECORD, address: Address = VIP) -> Entry:
    return Entry(op, Phase.DONE, "create", address, 2.0, run="r1", remembers=True, record=record)


def test_a_new_state_is_empty_and_keeps_its_lineage(open_store: OpenStore) -> None:
    first = open_store().read()

    assert first.unfinished == ()
    assert first.state == State(first.state.lineage, "prod", 0)
    assert open_store().read() == first


def test_what_is_appended_is_remembered_by_the_next_run(open_store: OpenStore) -> None:
    store = open_store()
    start = store.read().state
    with store.lock("apply", "r1", 0):
        store.append(_intent("op1"))
        store.append(_done("op1"))

    assert open_store().read().state == replace(start, serial=1, records={VIP: RECORD})


def test_forgetting_is_appended_like_remembering(open_store: OpenStore) -> None:
    store = open_store()
    with store.lock("apply", "r1", 0):
        store.append(_done("op1"))
        store.append(_done("op2", record=None))
        store.append(_done("op3", record=None))

    state = open_store().read().state
    assert dict(state.records) == {}
    assert state.serial == 3


def test_the_serial_grows_by_what_is_remembered_and_by_nothing_else(open_store: OpenStore) -> None:
    store = open_store()
    serials = []
    with store.lock("apply", "r1", 0):
        for entry in (
            _intent("op1"),
            _done("op1"),
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
            _intent("op1"),
            _intent("op2", CRM),
            _intent("op3"),
            _done("op1"),
            _intent("op4"),
            Entry("op4", Phase.FAILED, "create", VIP, 3.0),
        ):
            store.append(entry)

    assert open_store().read().unfinished == (_intent("op2", CRM), _intent("op3"))


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
        store.append(_done("op0"))
        store.append(_intent("op1", CRM))
        store.checkpoint(store.read().state, expected_serial=1)
        store.append(_done("op2"))
        store.checkpoint(store.read().state, expected_serial=2)

    assert open_store().read().unfinished == (_intent("op1", CRM),)
    assert open_store().read().state.serial == 2


def test_an_unfinished_intent_can_be_closed_after_a_checkpoint(open_store: OpenStore) -> None:
    store = open_store()
    with store.lock("apply", "r1", 0):
        store.append(_intent("op1"))
        store.checkpoint(store.read().state, expected_serial=0)
    with open_store().lock("apply", "r2", 0):
        pass
    again = open_store()
    with again.lock("apply", "r2", 0):
        again.append(_done("op1"))

    assert open_store().read().unfinished == ()
    assert dict(open_store().read().state.records) == {VIP: RECORD}


def test_a_remembering_intent_is_not_applied_again_after_a_checkpoint(open_store: OpenStore) -> None:
    store = open_store()
    intent = replace(_intent("op1"), remembers=True, record=RECORD)
    with store.lock("apply", "r1", 0):
        store.append(intent)
        state = store.read().state.with_record(VIP, None)
        store.checkpoint(state, expected_serial=1)

    assert open_store().read().state == state
    assert open_store().read().unfinished == (intent,)


def test_appending_goes_on_after_a_checkpoint(open_store: OpenStore) -> None:
    store = open_store()
    with store.lock("apply", "r1", 0):
        store.append(_done("op1"))
        store.checkpoint(store.read().state.with_record(CRM, Record("9", {})), expected_serial=1)
        store.append(_done("op2", record=None))

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
        store.append(_done("op1"))
        store.append(_done("op2", address=CRM))
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


def test_writing_needs_the_lock(open_store: OpenStore) -> None:
    store = open_store()
    state = store.read().state

    with pytest.raises(StateError, match="only under its lock"):
        store.append(_done("op1"))
    with pytest.raises(StateError, match="only under its lock"):
        store.checkpoint(state.with_record(VIP, RECORD), 0)
    assert open_store().read().state == state


def test_a_secret_never_reaches_the_store(open_store: OpenStore) -> None:
    store = open_store()
    secret = Secret("env:TOKEN", "FAKE-hunter2")
    with store.lock("apply", "r1", 0):
        with pytest.raises(StateError, match="cannot be written as JSON") as appended:
            store.append(replace(_intent("op1"), details={"token": secret}))  # type: ignore[dict-item]
        leaky = store.read().state.with_record(VIP, Record("1", {"token": secret}))  # type: ignore[dict-item]
        with pytest.raises(StateError, match="cannot be written as JSON") as checkpointed:
            store.checkpoint(leaky, 0)
        store.append(_done("op1"))

    assert "hunter2" not in f"{appended.value}{checkpointed.value}"
    assert open_store().read().state.serial == 1


def test_the_lock_is_held_by_one_and_names_its_holder(open_store: OpenStore) -> None:
    first, second = open_store(), open_store()
    with first.lock("apply", "run-1", 0) as holder:
        assert (holder.operation, holder.run, holder.since) == ("apply", "run-1", "2026-02-02T02:40:00Z")
        assert second.holder() == holder
        with pytest.raises(LockHeld) as refused, second.lock("apply", "run-2", 0):
            pass
    said = f"{refused.value.message} {refused.value.hint}"
    assert [word for word in (holder.who, holder.host, str(holder.pid), holder.since) if word not in said] == []
    assert f"`tdr lock release {holder.lock_id}`" in said
    assert second.holder() is None


def test_the_lock_is_free_after_an_error(open_store: OpenStore) -> None:
    store = open_store()
    with pytest.raises(ZeroDivisionError), store.lock("apply", "r1", 0):
        raise ZeroDivisionError

    with open_store().lock("apply", "r2", 0):
        pass


def test_waiting_for_the_lock_ends_at_the_timeout(open_store: OpenStore, clock: object) -> None:
    with open_store().lock("apply", "r1", 0):
        before = clock.now()  # type: ignore[attr-defined]
        with pytest.raises(LockHeld), open_store().lock("apply", "r2", 30):
            pass
        assert clock.now() - before == pytest.approx(30)  # type: ignore[attr-defined]


def test_threads_exclude_each_other_and_lose_nothing(open_store: OpenStore) -> None:
    def work(worker: int) -> None:
        store = open_store()
        for number in range(10):
            with store.lock("apply", f"r{worker}", 1e9):
                address = Address("audience", f"a-{worker}-{number}")
                state = store.read().state
                if number % 2:
                    store.append(_done(f"{worker}-{number}", address=address))
                else:
                    store.checkpoint(state.with_record(address, RECORD), state.serial)

    open_store().read()
    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    state = open_store().read().state
    assert (state.serial, len(state.records)) == (40, 40)


def test_threads_of_one_run_append_side_by_side(open_store: OpenStore) -> None:
    store = open_store()

    def work(worker: int) -> None:
        for number in range(20):
            op = f"{worker}-{number}"
            store.append(_intent(op))
            store.append(_done(op, address=Address("audience", f"a-{op}")))

    with store.lock("apply", "r1", 0):
        threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    snapshot = open_store().read()
    assert (snapshot.state.serial, len(snapshot.state.records), snapshot.unfinished) == (80, 80, ())


def test_releasing_needs_the_right_id_and_a_holder_that_is_gone(open_store: OpenStore) -> None:
    with pytest.raises(TdrError, match=r"^there is no lock 'x': nothing is locked$") as refused:
        open_store().release("x")
    assert refused.value.exit_code == 1  # and not 5, which says that somebody writes
    with open_store().lock("apply", "r1", 0) as holder:
        with pytest.raises(LockHeld, match=f"the lock is {holder.lock_id}"):
            open_store().release("x")
        with pytest.raises(LockHeld, match="its holder is alive"):
            open_store().release(holder.lock_id)
        assert open_store().holder() == holder


def _report(run_id: str, minute: int, serial: int) -> dict[str, Json]:
    return {
        "format": "tdr.run",
        "created_at": f"2026-02-02T02:{minute:02}:00Z",
        "run": run_id,
        "serial_after": serial,
        "results": [],
    }


def test_runs_are_kept_in_order_and_read_back_whole(open_store: OpenStore) -> None:
    store = open_store()
    with store.lock("apply", "c", 0):
        store.keep_run("c", _report("c", 1, 1))
        store.keep_run("b", _report("b", 2, 9))
        store.keep_run("a", _report("a", 2, 10))

    assert list(open_store().runs()) == ["c", "b", "a"]
    assert open_store().run("b") == _report("b", 2, 9)


def test_runs_of_one_second_that_left_one_serial_are_kept_in_order(open_store: OpenStore) -> None:
    def ended(run_id: str, fraction: str) -> dict[str, Json]:
        return _report(run_id, 1, 7) | {"ended_at": f"2026-02-02T02:01:00.{fraction}Z"}

    store = open_store()
    with store.lock("apply", "c", 0):
        store.keep_run("c", _report("c", 0, 7))  # as an earlier version kept it
        store.keep_run("b", ended("b", "000450"))
        store.keep_run("a", ended("a", "120000"))

    assert list(open_store().runs()) == ["c", "b", "a"]
    assert open_store().run("b") == ended("b", "000450")


def test_a_run_that_is_not_kept_is_told_with_those_that_are(open_store: OpenStore) -> None:
    store = open_store()
    with store.lock("apply", "a", 0):
        store.keep_run("a", _report("a", 1, 1))

    with pytest.raises(StateError) as refused:
        open_store().run("z")

    assert (refused.value.message, refused.value.hint) == ("no run 'z' is kept", "the newest that are: a")


def test_the_oldest_runs_go(open_store: OpenStore) -> None:
    store = open_store()
    with store.lock("apply", "a", 0):
        for number in range(store.keeps.runs + 2):
            store.keep_run(f"r{number}", _report(f"r{number}", 1, number))

    assert list(open_store().runs()) == [f"r{number}" for number in range(2, store.keeps.runs + 2)]


def test_a_run_is_kept_only_under_the_lock(open_store: OpenStore) -> None:
    with pytest.raises(StateError):
        open_store().keep_run("a", _report("a", 1, 1))


def _filled(store: StateStore) -> None:
    start = store.read().state
    with store.lock("apply", "a", 0):
        store.checkpoint(start.with_record(CRM, Record("9", {})), start.serial)
        store.append(_done("op1"))
        store.append(_intent("op2"))
        store.keep_run("a", _report("a", 1, 2))


def test_an_empty_place_begins_with_a_state_from_elsewhere(open_store: OpenStore) -> None:
    state = State("lineage-1", "prod", 7, {"td": "1"}, {VIP: RECORD}, ("p1",))
    past = [replace(state, serial=5, records={}), replace(state, serial=6)]
    store = open_store()
    with store.lock("state migrate", "a", 0):
        store.begin_with(state, (_intent("op1"),), past)
        store.append(_done("op2", address=CRM))

    after = open_store().read()
    assert after.state == state.with_record(CRM, RECORD)
    assert after.unfinished == (_intent("op1"),)
    assert [open_store().past(serial) for serial in open_store().history()] == past


def test_a_place_that_remembers_something_begins_with_nothing_else(open_store: OpenStore) -> None:
    _filled(open_store())
    before = open_store().read()
    store = open_store()
    with store.lock("state migrate", "b", 0), pytest.raises(StateError, match="holds a state already"):
        store.begin_with(State("lineage-1", "prod", 7), (), ())

    assert open_store().read() == before


def test_a_journal_that_is_whole_is_not_mended(open_store: OpenStore) -> None:
    _filled(open_store())
    before = open_store().read()
    store = open_store()
    with store.lock("state mend", "b", 0):
        mended = store.mend()

    assert (mended.state, mended.lost, mended.aside) == (before.state, 0, "")
    assert open_store().read() == before


def test_restoring_goes_back_and_keeps_what_the_journal_knows(open_store: OpenStore) -> None:
    _filled(open_store())
    store = open_store()
    with store.lock("state restore", "b", 0):
        restored = store.restore(0)

    after = open_store().read()
    assert (dict(restored.records), restored.serial) == ({VIP: RECORD}, 3)
    assert after.state == restored
    assert after.unfinished == (_intent("op2"),)


def test_the_state_of_another_project_or_environment_is_refused(open_store: OpenStore) -> None:
    open_store(project="shop").read()

    with pytest.raises(StateError, match="is the state of project 'shop', not of 'club'"):
        open_store(project="club").read()
    assert open_store(project="shop").read().state.project == "shop"


def test_a_sealed_state_is_read_with_its_key_only(open_store: OpenStore) -> None:
    first, second = _key(), _key()
    _filled(open_store(cipher=Cipher([first])))
    before = open_store(cipher=Cipher([first])).read()

    with pytest.raises(StateError, match=f"is sealed with the key '{first.key_id}', and TDR_STATE_KEY holds none"):
        open_store().read()
    with pytest.raises(StateError, match=f"holds only {second.key_id}"):
        open_store(cipher=Cipher([second])).read()
    assert open_store(cipher=Cipher([second, first])).read() == before
    assert open_store(cipher=Cipher([second, first])).run("a") == _report("a", 1, 2)
    assert [record.applied for record in before.state.records.values()] == [{}, RECORD.applied]


def test_after_a_write_the_first_of_several_keys_is_enough(open_store: OpenStore) -> None:
    first, second = _key(), _key()
    _filled(open_store(cipher=Cipher([first])))
    both = open_store(cipher=Cipher([second, first]))
    before = both.read()
    with both.lock("apply", "b", 0):
        both.checkpoint(replace(before.state, serial=before.state.serial + 1), before.state.serial)

    after = open_store(cipher=Cipher([second])).read()
    assert after.state.records == before.state.records
    assert after.unfinished == before.unfinished


def test_a_state_that_was_not_sealed_is_sealed_by_the_next_write(open_store: OpenStore) -> None:
    _filled(open_store())
    key = _key()
    store = open_store(cipher=Cipher([key]))
    before = store.read()
    with store.lock("apply", "b", 0):
        store.append(_done("op2", CRM_RECORD, CRM))
        store.checkpoint(replace(store.read().state, consumed_plans=("p",), serial=4), 3)

    with pytest.raises(StateError, match="is sealed with the key"):
        open_store().read()
    assert open_store(cipher=Cipher([key])).read().state.records == {**before.state.records, CRM: CRM_RECORD}


CRM_RECORD = Record("10", {"title": "new"})


def _key() -> MasterKey:
    return key_from(new_key(), "TDR_STATE_KEY")
