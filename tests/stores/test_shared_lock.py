"""Whoever loses the lock of a shared place writes nothing more, whatever it believes about its lock."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from places import Place, SteppingClock

from reconciler.errors import LockHeld, StateError
from reconciler.model.address import Address
from reconciler.model.record import Record
from reconciler.model.secret import Secret
from reconciler.ports.store import Entry, Phase, StateStore
from reconciler.stores.holding import Writer
from reconciler.stores.http_server import Addresses, StateServer

OURS, THEIRS = Writer("mika", "build-1", 11), Writer("noor", "build-2", 22)
VIP, CRM = Address("audience", "vip"), Address("connection", "crm")

leased = pytest.mark.parametrize("place", ["postgres", "s3"], indirect=True)
without_folder = pytest.mark.parametrize("place", ["http", "http-409", "postgres", "s3"], indirect=True)


def _intent(op: str, address: Address = VIP) -> Entry:
    return Entry(op, Phase.INTENT, "create", address, 1.5, run="r1")


def _done(op: str, address: Address = VIP) -> Entry:
    return Entry(op, Phase.DONE, "create", address, 2.0, run="r1", remembers=True, record=Record(op, {}))


def _alive(pid: int) -> str:
    return f"began-{pid}"


def _append(store: StateStore) -> None:
    store.append(_done("late"))


def _checkpoint(store: StateStore) -> None:
    state = store.read().state
    store.checkpoint(state.with_record(VIP, Record("late", {})), state.serial)


def _keep_run(store: StateStore) -> None:
    store.append(_intent("late"))


@leased
@pytest.mark.parametrize("write", [_append, _checkpoint, _keep_run])
@pytest.mark.parametrize("written", [(), (CRM,)], ids=["had written nothing", "had written"])
def test_after_a_lease_ran_out_and_was_taken_its_old_holder_cannot_write(
    place: Place, write: Callable[[StateStore], None], written: tuple[Address, ...]
) -> None:
    now, later = SteppingClock(), SteppingClock()
    later.time_s += 121
    first = place.open(writer=OURS, started=_alive, lease_clock=now)
    second = place.open(writer=THEIRS, started=_alive, lease_clock=later)
    with first.lock("apply", "r1", 0):
        for address in written:
            first.append(_done("early", address))
        with second.lock("apply", "r2", 0):
            with pytest.raises(StateError, match="was taken away from this run") as refused:
                write(first)
            second.append(_done("new"))
    expected = {VIP: Record("new", {}), **{address: Record("early", {}) for address in written}}

    assert refused.value.hint.startswith("nothing more is written")
    assert dict(place.open().read().state.records) == expected


@leased
def test_who_takes_over_sees_what_the_old_holder_began(place: Place) -> None:
    now, later = SteppingClock(), SteppingClock()
    later.time_s += 121
    first = place.open(writer=OURS, started=_alive, lease_clock=now)
    second = place.open(writer=THEIRS, started=_alive, lease_clock=later)
    with first.lock("apply", "r1", 0):
        first.append(_intent("op1"))
        with second.lock("apply", "r2", 0):
            seen = second.read().unfinished
            second.append(_done("op1"))

    assert [entry.op for entry in seen] == ["op1"]
    assert place.open().read().unfinished == ()


@leased
def test_a_checkpoint_after_taking_over_leaves_nothing_for_the_old_holder(place: Place) -> None:
    now, later = SteppingClock(), SteppingClock()
    later.time_s += 121
    first = place.open(writer=OURS, started=_alive, lease_clock=now)
    second = place.open(writer=THEIRS, started=_alive, lease_clock=later)
    with first.lock("apply", "r1", 0):
        first.append(_intent("op1", CRM))
        with second.lock("apply", "r2", 0):
            for number in range(3):
                state = second.read().state
                second.checkpoint(state.with_record(VIP, Record(str(number), {})), state.serial)
            with pytest.raises(StateError, match="was taken away"):
                first.append(_intent("op2", CRM))

    after = place.open().read()
    assert (dict(after.state.records), [entry.op for entry in after.unfinished]) == ({VIP: Record("2", {})}, ["op1"])


@leased
def test_a_lease_that_is_renewed_is_not_taken(place: Place) -> None:
    now, later = SteppingClock(), SteppingClock()
    first = place.open(writer=OURS, started=_alive, lease_clock=now, renew_s=0.02)
    second = place.open(writer=THEIRS, started=_alive, lease_clock=later)
    with first.lock("apply", "r1", 0) as holder:
        now.time_s += 100
        later.time_s += 130
        while second.holder() is None:  # until the next renewal
            time.sleep(0.01)
        with pytest.raises(LockHeld, match="`apply` by mika on build-1"), second.lock("apply", "r2", 0):
            pass
        assert second.holder() == holder


@leased
def test_a_holder_whose_renewal_is_refused_stops_by_itself(place: Place) -> None:
    now, later = SteppingClock(), SteppingClock()
    later.time_s += 121
    first = place.open(writer=OURS, started=_alive, lease_clock=now, renew_s=0.02)
    with first.lock("apply", "r1", 0):
        second = place.open(writer=THEIRS, started=_alive, lease_clock=later)
        with second.lock("apply", "r2", 0):
            while not first._lock._lost.is_set():  # type: ignore[attr-defined]
                later.time_s += 200
                time.sleep(0.01)
                with place.open(writer=THEIRS, started=lambda pid: None, lease_clock=later).lock("x", "r3", 0):
                    pass
            with pytest.raises(StateError, match="was taken away from this run"):
                first.append(_intent("op1"))


@without_folder
def test_a_dead_process_of_this_machine_holds_nothing(place: Place) -> None:
    dead = place.open(writer=OURS, started=_alive)
    with dead.lock("apply", "r1", 0):
        dead.append(_intent("op1"))
        heir = place.open(writer=Writer("mika", "build-1", 12), started=lambda pid: None if pid == 11 else _alive(pid))
        assert heir.holder() is None
        with heir.lock("apply", "r2", 0) as holder:
            assert holder.pid == 12
            assert [entry.op for entry in heir.read().unfinished] == ["op1"]
            with pytest.raises(StateError, match="taken away"):
                dead.append(_done("op1"))


@without_folder
def test_a_process_of_another_machine_is_respected_until_somebody_releases_it(place: Place) -> None:
    first = place.open(writer=OURS, started=_alive)
    second = place.open(writer=THEIRS, started=lambda pid: None)
    with first.lock("apply", "r1", 0) as holder:
        with pytest.raises(LockHeld, match="`apply` by mika on build-1"), second.lock("apply", "r2", 0):
            pass
        second.release(holder.lock_id)
        with second.lock("apply", "r2", 0):
            second.append(_done("op2"))
        with pytest.raises(StateError, match="was taken away from this run"):
            first.append(_done("op1"))

    assert dict(place.open().read().state.records) == {VIP: Record("op2", {})}


@leased  # a server of Terraform's protocol takes writes of anybody while nothing is locked
def test_a_run_whose_lock_was_released_cannot_write_even_while_nobody_has_it(place: Place) -> None:
    first = place.open(writer=OURS, started=_alive)
    with first.lock("apply", "r1", 0) as holder:
        first.append(_done("op1"))
        place.open(writer=THEIRS).release(holder.lock_id)
        with pytest.raises(StateError, match="was taken away"):
            first.append(_done("op2", CRM))

    assert list(place.open().read().state.records) == [VIP]


@pytest.mark.parametrize("place", ["http", "http-409"], indirect=True)
def test_a_place_that_cannot_compare_and_swap_says_so(place: Place) -> None:
    assert "does not compare and swap" in place.open().caveat


@pytest.mark.parametrize("place", ["local", "postgres", "s3"], indirect=True)
def test_a_place_that_can_says_nothing(place: Place) -> None:
    assert place.open().caveat == ""


@pytest.mark.parametrize("place", ["http", "http-409"], indirect=True)
def test_a_wrong_password_is_told_without_it(place: Place) -> None:
    server = StateServer(Addresses(place.address), username="tdr", password=Secret("env:P", "FAKE-wrong"))
    with pytest.raises(StateError) as refused:
        server.get()
    server.close()

    assert refused.value.message == f"{place.address} answered 401 to GET"
    assert refused.value.hint == "check `username` and `password` of `state`"


@pytest.mark.parametrize("place", ["http-409"], indirect=True)
def test_a_server_without_locks_is_refused(place: Place) -> None:
    server = StateServer(Addresses(place.address), username="tdr", password=Secret("env:P", "FAKE-state-password"))
    with pytest.raises(StateError, match="has no locks: it answered 405 to LOCK"):
        server.lock({"ID": "1"})
    server.close()
