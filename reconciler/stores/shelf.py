"""What a place shared by several machines must be able to do to hold a state: few verbs, all of them atomic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from reconciler.ports.store import Keeps

DOCUMENT = "state.json"
"""Key of the whole state."""


class TakenError(Exception):
    """The object is not in the version that the writer expected: somebody else wrote it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An object as it was read. *version* changes with every write."""

    data: bytes
    version: str


class Shelf(Protocol):
    """Named objects, such as ``state.json`` and ``journal/…/00000001``, in one place of one environment.

    Every method raises StateError, naming the place, when the place does not answer or refuses; a `put` that raised it may
    have acted.

    where: the place, for people; without credentials.
    caveat: what it cannot do, for people; "" when it compares and swaps.
    keeps: how much of the past fits here.
    """

    where: str
    caveat: str
    keeps: Keeps

    def get(self, key: str) -> Kept | None:
        """The object *key*, or None."""
        ...

    def put(self, key: str, data: bytes, expected: str | None) -> str:
        """Write *key*, if it still has the version *expected* (None: if it does not exist). The new version; durable.

        Raises:
            TakenError: it has another version.
        """
        ...

    def scan(self, prefix: str) -> Sequence[tuple[str, bytes]]:
        """Every object whose key begins with *prefix*, by key."""
        ...

    def sizes(self, prefix: str) -> Mapping[str, int]:
        """Key -> size in bytes of every object whose key begins with *prefix*, by key."""
        ...

    def remove(self, keys: Iterable[str]) -> None:
        """Remove objects; one that is not there is a success."""
        ...

    def together(self) -> AbstractContextManager[None]:
        """Writes inside of it may reach the place only at its end, and then all at once where the place can do that.

        Raises:
            TakenError: at its end, where the writes reach the place only then.
        """
        ...
