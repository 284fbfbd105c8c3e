"""A shelf in memory, as processes see it that end between any two writes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from places import SteppingClock

from reconciler.ports.store import Keeps
from reconciler.stores.holding import Writer
from reconciler.stores.lease import LeaseLock
from reconciler.stores.shared import SharedStore
from reconciler.stores.shelf import Kept, TakenError

FEW = Keeps(3, 3)
_versions = itertools.count()


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


def opened(shelf: Memory, pid: int, *, lineage: str = "lineage-1") -> SharedStore:
    """The state on *shelf*, as a process with the id *pid* has it; of those before, none lives."""
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
    return SharedStore(shelf, "prod", lock, clock=clock, new_id=lambda: lineage)
