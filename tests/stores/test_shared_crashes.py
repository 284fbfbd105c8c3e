"""A process that ends between any two requests to a shared place leaves a state that the next one goes on from."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field

import pytest
from places import SteppingClock

from reconciler.model.address import Address
from reconciler.model.record import Record
from reconciler.ports.store import Entry, Keeps, Phase
from reconciler.stores.holding import Writer
from reconciler.stores.lease import LeaseLock
from reconciler.stores.shared import SharedStore
from reconciler.stores.shelf import Kept, TakenError

FEW = Keeps(3, 3)
_versions = itertools.count()
VIP, CRM = Address("audience", "vip"), Address("connection", "crm")


class Ended(BaseException):
    """The process ends here."""


@dataclass
class Memory:
    """A shelf in memory, as one process sees it, which ends before or after a certain write and then writes no more."""

    objects: dict[str, Kept] = field(default_factory=dict)
    writes: int = 0
    end_before: int = 0
    end_after: int = 0
    where: str = "memory"
    caveat: str = ""
    keeps: Keeps = FEW
    has_ended: bool = False

    def get(self, key: str) -> Kept | None:
        return self.objects.get(key)

    def put(self, key: str, data: bytes, expected: str | None) -> str:
        self._count(self.end_before, next_one=True)
        found = self.objects.get(key)
        if (found.version if found else None) != expected:
            raise TakenError(key)
        self.objects[key] = Kept(data, str(next(_versions)))
        self._count(self.end_after, next_one=False)
        return self.objects[key].version

    def scan(self, prefix: str) -> Sequence[tuple[str, bytes]]:
        return [(key, self.objects[key].data) for key in sorted(self.objects) if key.startswith(prefix)]

    def sizes(self, prefix: str) -> Mapping[str, int]:
        return {key: len(data) for key, data in self.scan(prefix)}

    def remove(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._count(self.end_before, next_one=True)
            self.objects.pop(key, None)
            self._count(self.end_after, next_one=False)

    def together(self) -> AbstractContextManager[None]:
        return nullcontext()

    def _count(self, end: int, *, next_one: bool) -> None:
        if next_one:
            self.writes += 1
        if self.has_ended or self.writes == end:
            self.has_ended = True
            raise Ended


def _open(shelf: Memory, pid: int) -> SharedStore:
    clock = SteppingClock()
    ids = iter(f"{pid}{number:07}-0000" for number in range(10**6))
    lock = LeaseLock(
        shelf,
        clock=clock,
        lease_clock=clock,
        writer=Writer("mika", "build-1", pid),
        new_id=lambda: next(ids),
        started=lambda asked: "now" if asked == pid else None,
    )
    return SharedStore(shelf, "prod", lock, clock=clock, new_id=lambda: "lineage-1")


def _entry(op: str, phase: Phase, address: Address = VIP) -> Entry:
    remembers = phase is Phase.DONE
    return Entry(op, phase, "create", address, 1.0, remembers=remembers, record=Record(op, {}) if remembers else None)


def _run(store: SharedStore, told: list[str]) -> None:
    """Two runs. *told* is what came back as done, step by step."""
    for run in ("a", "b"):
        with store.lock("apply", run, 0):
            store.append(_entry(f"open-{run}", Phase.INTENT, CRM))
            told.append(f"open-{run}")
            for number in range(2):
                op = f"{run}{number}"
                store.append(_entry(op, Phase.INTENT))
                store.append(_entry(op, Phase.DONE))
                told.append(op)
            state = store.read().state
            store.checkpoint(state.with_record(CRM, Record(run, {})), state.serial)
            told.append(f"checkpoint-{run}")


def _writes() -> int:
    shelf = Memory()
    _run(_open(shelf, 1), [])
    return shelf.writes


@pytest.mark.parametrize("side", ["end_before", "end_after"])
@pytest.mark.parametrize("number", range(1, _writes() + 1))
def test_nothing_that_was_told_is_lost_wherever_the_process_ends(number: int, side: str) -> None:
    shelf = Memory()
    setattr(shelf, side, number)
    told: list[str] = []
    with suppress(Ended):
        _run(_open(shelf, 1), told)
    heir = _open(Memory(shelf.objects), 2)
    with heir.lock("apply", "c", 0):
        snapshot = heir.read()
        heir.append(_entry("c0", Phase.INTENT))
        heir.append(_entry("c0", Phase.DONE))
        state = heir.read().state
        heir.checkpoint(state.with_record(CRM, Record("c", {})), state.serial)

    done = [op for op in told if not op.startswith(("open", "check"))]
    remembered = snapshot.state.records.get(VIP)
    order = ["a0", "a1", "b0", "b1"]
    at_least = order.index(done[-1]) if done else -1
    assert (order.index(remembered.remote_id) if remembered else -1) in (at_least, at_least + 1)
    begun = [op for op in told if op.startswith("open")]
    assert [entry.op for entry in snapshot.unfinished if entry.op in begun] == begun
    after = _open(Memory(shelf.objects), 3).read()
    assert {address: record.remote_id for address, record in after.state.records.items()} == {VIP: "c0", CRM: "c"}
    assert [entry.op for entry in after.unfinished] == [entry.op for entry in snapshot.unfinished]
