"""Who may write, as every state store promises."""

from __future__ import annotations

import threading

import pytest
from contract_values import RECORD, VIP, OpenStore, done, intent

from reconciler.errors import LockHeld, StateError, TdrError
from reconciler.model.address import Address


def test_writing_needs_the_lock(open_store: OpenStore) -> None:
    store = open_store()
    state = store.read().state

    with pytest.raises(StateError, match="only under its lock"):
        store.append(done("op1"))
    with pytest.raises(StateError, match="only under its lock"):
        store.checkpoint(state.with_record(VIP, RECORD), 0)
    assert open_store().read().state == state


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
                    store.append(done(f"{worker}-{number}", address=address))
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
            store.append(intent(op))
            store.append(done(op, address=Address("audience", f"a-{op}")))

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
