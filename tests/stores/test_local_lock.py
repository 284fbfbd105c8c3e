"""The lock of a folder: a dead process of this machine holds nothing, another machine's is respected."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from reconciler.errors import LockHeld, StateError
from reconciler.model.address import Address
from reconciler.ports.clock import Clock
from reconciler.ports.store import Entry, Holder, Phase
from reconciler.stores.holding import Writer, process_started
from reconciler.stores.local import LocalStore

HERE = Writer("ana", "desk", 100)
INTENT = Entry("op1", Phase.INTENT, "create", Address("audience", "vip"), 1.0)


def _store(folder: Path, clock: Clock, *, running: dict[int, str] | None = None) -> LocalStore:
    processes = {100: "boot/1"} if running is None else running
    return LocalStore(folder, "prod", clock=clock, writer=HERE, new_id=lambda: "id-of-ours", started=processes.get)


def _left_behind(folder: Path, host: str, pid: int = 4200, started: str = "boot/7") -> Holder:
    """A record as a killed run leaves it."""
    holder = Holder("left-1", "apply", "ci-runner-7", host, pid, "run-9", "2026-02-02T00:40:00Z")
    folder.mkdir(exist_ok=True)
    fields = {name: getattr(holder, name) for name in Holder.__slots__}
    record = {"format": "tdr.lock", "format_version": "1.0", "started": started, **fields}
    (folder / "lock.json").write_text(json.dumps(record))
    return holder


@pytest.mark.parametrize("running", [{}, {4200: "boot/8"}, {4200: "other-boot/7"}], ids=["dead", "reused", "rebooted"])
def test_a_lock_of_a_dead_process_of_this_machine_is_taken_over_at_once(
    tmp_path: Path, clock: Clock, running: dict[int, str]
) -> None:
    _left_behind(tmp_path, host="desk")
    store = _store(tmp_path, clock, running=running)

    assert store.holder() is None
    with store.lock("apply", "r1", 0) as holder:
        assert holder == Holder("id-of-ours", "apply", "ana", "desk", 100, "r1", "2026-02-02T02:40:00Z")
    assert clock.slept_s == []  # type: ignore[attr-defined]


def test_a_lock_of_another_machine_is_respected_whatever_its_age(tmp_path: Path, clock: Clock) -> None:
    left = _left_behind(tmp_path, host="ci-7")
    store = _store(tmp_path, clock)
    clock.sleep(30 * 86400)

    assert store.holder() == left
    with pytest.raises(LockHeld) as refused, store.lock("apply", "r1", 10):
        pass
    assert refused.value.message == (
        "the state is locked: `apply` by ci-runner-7 on ci-7 (process 4200, run run-9) "
        "since 2026-02-02T00:40:00Z, lock id left-1"
    )
    assert refused.value.hint == (
        "wait with `--lock-timeout 5m`; if that process is gone for good, release it with `tdr lock release left-1`"
    )
    assert store.holder() == left


def test_a_lock_of_another_machine_can_be_released_by_its_id(tmp_path: Path, clock: Clock) -> None:
    _left_behind(tmp_path, host="ci-7")
    store = _store(tmp_path, clock)

    with pytest.raises(LockHeld, match="there is no lock 'left-2': the lock is left-1"):
        store.release("left-2")
    store.release("left-1")
    assert store.holder() is None
    with store.lock("apply", "r1", 0):
        pass


def test_a_lock_whose_process_runs_is_not_released(tmp_path: Path, clock: Clock) -> None:
    left = _left_behind(tmp_path, host="desk")
    store = _store(tmp_path, clock, running={4200: "boot/7"})

    with pytest.raises(LockHeld, match="its holder is alive"):
        store.release("left-1")
    assert store.holder() == left


def test_a_run_whose_lock_was_released_writes_nothing_more(tmp_path: Path, clock: Clock) -> None:
    store = _store(tmp_path, clock)
    with store.lock("apply", "r1", 0):
        store.append(INTENT)
        _left_behind(tmp_path, host="ci-7")  # released there, and taken
        with pytest.raises(StateError, match="lock id-of-ours was taken away from this run"):
            store.append(INTENT)
        with pytest.raises(StateError, match="was taken away"):
            store.checkpoint(store.read().state, 0)

    taken = store.holder()
    assert taken is not None
    assert taken.lock_id == "left-1"


def test_a_writer_that_ignores_the_lock_is_noticed(tmp_path: Path, clock: Clock) -> None:
    store = _store(tmp_path, clock)
    with store.lock("apply", "r1", 0):
        store.append(INTENT)
        with (tmp_path / "journal.jsonl").open("ab") as file:
            file.write(b"x")
        with pytest.raises(StateError, match="was written by somebody else"):
            store.append(INTENT)


def test_a_damaged_record_is_not_taken_for_a_free_lock(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "lock.json").write_bytes(b"")

    with pytest.raises(StateError, match=r"lock\.json cannot be read"), _store(tmp_path, clock).lock("apply", "r1", 0):
        pass


def test_a_process_is_told_from_those_that_ended() -> None:
    ended = subprocess.Popen([sys.executable, "-c", "pass"])
    ended.wait()

    assert process_started(ended.pid) is None
    assert process_started(Writer.here().pid) == process_started(Writer.here().pid) != None  # noqa: E711


WRITER = textwrap.dedent("""
    import sys
    from pathlib import Path
    from reconciler.model.address import Address
    from reconciler.model.record import Record
    from reconciler.ports.store import Entry, Phase
    from reconciler.stores.local import LocalStore

    folder, name, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    store = LocalStore(folder, "prod")
    print("ready", flush=True)
    for number in range(rounds):
        address, record = Address("audience", f"{name}-{number}"), Record(str(number), {})
        with store.lock("apply", name, 60):
            if number % 3:
                op = f"{name}-{number}"
                store.append(Entry(op, Phase.DONE, "create", address, 1.0, remembers=True, record=record))
            else:
                state = store.read().state
                store.checkpoint(state.with_record(address, record), state.serial)
""")


def test_processes_that_race_lose_no_update_and_readers_see_only_whole_states(tmp_path: Path) -> None:
    rounds = 40
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, tmp_path, name, str(rounds)], stdout=subprocess.PIPE)
        for name in ("a", "b")
    ]
    reader = LocalStore(tmp_path, "prod")
    serials = [0]
    while any(writer.poll() is None for writer in writers):
        state = reader.read().state
        assert state.serial == len(state.records)  # each round adds one record and one to the serial
        serials.append(state.serial)
    for writer in writers:
        assert writer.communicate(timeout=60) == (b"ready\n", None)

    assert [writer.returncode for writer in writers] == [0, 0]
    assert serials == sorted(serials)
    final = LocalStore(tmp_path, "prod").read().state
    assert sorted(str(address) for address in final.records) == sorted(
        f"audience/{name}-{number}" for name in ("a", "b") for number in range(rounds)
    )
    assert final.serial == 2 * rounds


HOLDER = textwrap.dedent("""
    import sys
    from pathlib import Path
    from reconciler.stores.local import LocalStore

    with LocalStore(Path(sys.argv[1]), "prod").lock("apply", "a", 0):
        print("locked", flush=True)
        sys.stdin.read()
""")


def test_a_killed_process_leaves_no_lock_behind(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"locked\n"
    store = LocalStore(tmp_path, "prod")
    with pytest.raises(LockHeld, match=f"process {holder.pid}"), store.lock("apply", "b", 0):
        pass
    holder.kill()
    holder.communicate()

    assert store.holder() is None
    with store.lock("apply", "b", 0):
        pass
