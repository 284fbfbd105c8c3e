"""A move that is killed at any write can be repeated, and never leaves two places that both seem to hold the state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from memory_shelf import Ended, Memory, opened
from places import SteppingClock

from reconciler.commands.state_transfer import migrate
from reconciler.errors import StateError
from reconciler.model.address import Address
from reconciler.model.record import Record
from reconciler.ports.store import Entry, Phase, StateStore
from reconciler.stores.files import Disk
from reconciler.stores.local import LocalStore
from reconciler.wiring import Runtime

VIP, CRM = Address("audience", "vip"), Address("connection", "crm")


@dataclass
class Ending(Disk):
    """The disk of a process that ends before or after the n-th change, and then makes no more."""

    end_before: int = 0
    end_after: int = 0
    changes: int = 0
    has_ended: bool = False

    def write(self, path: Path, data: bytes) -> None:
        self._change(lambda: Disk.write(self, path, data))

    def rename(self, source: Path, target: Path) -> None:
        self._change(lambda: Disk.rename(self, source, target))

    def link(self, source: Path, target: Path) -> None:
        self._change(lambda: Disk.link(self, source, target))

    def append(self, path: Path, data: bytes) -> None:
        self._change(lambda: Disk.append(self, path, data))

    def remove(self, path: Path) -> None:
        self._change(lambda: Disk.remove(self, path))

    def _change(self, act: Callable[[], None]) -> None:
        self.changes += 1
        if self.has_ended or self.changes == self.end_before:
            self.has_ended = True
            raise Ended
        act()
        if self.changes == self.end_after:
            self.has_ended = True
            raise Ended


@dataclass
class Folder:
    """A state in a folder; *ends* says when the process does that opens it."""

    folder: Path

    def open(self, **ends: int) -> StateStore:
        return LocalStore(self.folder, "prod", clock=SteppingClock(), files=Ending(**ends))


@dataclass
class Shared:
    """A state in a place that compares and swaps."""

    memory: Memory
    processes: int = 0

    def open(self, **ends: int) -> StateStore:
        self.processes += 1
        process = Memory(self.memory.objects, where=self.memory.where, **ends)
        return opened(process, self.processes, lineage=f"begun at {self.memory.where}")


def _place(kind: str, name: str, folder: Path) -> Folder | Shared:
    return Folder(folder / name) if kind == "local" else Shared(Memory(where=name))


def _fill(store: StateStore) -> None:
    start = store.read().state
    with store.lock("apply", "a", 0):
        store.checkpoint(start.with_record(CRM, Record("9", {})), start.serial)
        store.append(Entry("op1", Phase.DONE, "create", VIP, 2.0, remembers=True, record=Record("1", {"title": "VIP"})))
        store.append(Entry("op2", Phase.INTENT, "update", VIP, 3.0))
        store.keep_run("a", {"format": "tdr.run", "created_at": "2026-02-02T02:01:00Z", "run": "a", "serial_after": 2})


def _move(source: StateStore, target: StateStore) -> Any:
    runtime = SimpleNamespace(store=target, clock=SteppingClock(), environment_name="prod", run_id="b")
    return migrate(cast("Runtime", runtime), source, 0).document


def _holds_a_state(store: StateStore) -> bool:
    try:
        return bool(store.read().state.records)
    except StateError as error:
        if not error.message.startswith(f"the state is not at {store.where} but at "):
            raise
        return False


@pytest.mark.parametrize(("kind", "other"), [("local", "shared"), ("shared", "local"), ("shared", "shared")])
@pytest.mark.parametrize("when", ["end_before", "end_after"])
@pytest.mark.parametrize("dying", ["source", "target"])
def test_a_move_killed_at_any_write_is_repeated(tmp_path: Path, kind: str, other: str, when: str, dying: str) -> None:
    kills = 0
    for number in range(1, 100):
        folder = tmp_path / str(number)
        source, target = _place(kind, "old", folder), _place(other, "new", folder)
        _fill(source.open())
        before = source.open().read()
        ends = {when: number}
        try:
            _move(source.open(**ends if dying == "source" else {}), target.open(**ends if dying == "target" else {}))
        except Ended:
            kills += 1
        else:
            break
        assert [_holds_a_state(source.open()), _holds_a_state(target.open())] != [True, True]

        told = _move(source.open(), target.open())

        assert (told["resources"], told["unfinished"], told["runs"]) == (2, 1, 1)
        assert target.open().read() == before
        assert list(target.open().runs()) == ["a"]
        assert not _holds_a_state(source.open())
    assert kills >= 3  # the lock, what it is for, and the lock again


@pytest.mark.parametrize("kind", ["local", "shared"])
@pytest.mark.parametrize("other", ["local", "shared"])
def test_a_state_moves_there_and_back_again(tmp_path: Path, kind: str, other: str) -> None:
    old, new = _place(kind, "old", tmp_path), _place(other, "new", tmp_path)
    _fill(old.open())
    _move(old.open(), new.open())
    store = new.open()
    with store.lock("apply", "b", 0):
        store.checkpoint(store.read().state.with_record(CRM, None), 2)
    before = new.open().read()

    _move(new.open(), old.open())

    assert old.open().read() == before
    assert not _holds_a_state(new.open())


def test_a_place_that_was_left_is_not_moved_from_again(tmp_path: Path) -> None:
    old, new, third = (_place("shared", name, tmp_path) for name in ("old", "new", "third"))
    _fill(old.open())
    _move(old.open(), new.open())

    with pytest.raises(StateError, match="the state is not at old but at new: it was moved"):
        _move(old.open(), third.open())
    _move(new.open(), third.open())
    with pytest.raises(StateError, match="the state is not at new but at third: it was moved"):
        _move(old.open(), new.open())
    assert _holds_a_state(third.open())
