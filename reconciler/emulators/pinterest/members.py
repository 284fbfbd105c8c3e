"""Who is on a customer list, as far as Pinterest remembers: digests, never addresses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Protocol

from reconciler.emulators.pinterest.records import Batch

_PARTS = 1 << 32


class Members(Protocol):
    """The members of one list. *kind* is the knob's word for how they are kept."""

    @property
    def kind(self) -> Literal["keep", "count"]:
        """``keep`` or ``count``."""
        ...

    def add(self, batch: Batch) -> None:
        """Take in a batch. Who is there already stays once."""
        ...

    def remove(self, batch: Batch) -> None:
        """Take a batch out. Who is not there is no error."""
        ...

    def matched(self, ratio: float) -> int:
        """How many of them have an account, if *ratio* (0 to 1) of all people have one. Repeatable."""
        ...

    def digests(self) -> list[bytes]:
        """All of them, sorted."""
        ...

    def __len__(self) -> int: ...


class KeptMembers:
    """A set of digests: about 130 bytes a member."""

    kind: Literal["keep"] = "keep"

    def __init__(self, digests: Iterable[bytes] = ()) -> None:
        """Start with *digests*."""
        self._digests = set(digests)

    def add(self, batch: Batch) -> None:
        """Union."""
        self._digests.update(batch.digests)

    def remove(self, batch: Batch) -> None:
        """Difference."""
        self._digests.difference_update(batch.digests)

    def matched(self, ratio: float) -> int:
        """Those whose first four bytes fall into the lower *ratio* of their range."""
        if ratio >= 1:
            return len(self._digests)
        bound = int(ratio * _PARTS).to_bytes(4, "big")
        return sum(digest[:4] < bound for digest in self._digests)

    def digests(self) -> list[bytes]:
        """Sorted."""
        return sorted(self._digests)

    def __len__(self) -> int:
        return len(self._digests)


class CountedMembers:
    """Numbers only, as if every record sent were a person of its own."""

    kind: Literal["count"] = "count"

    def __init__(self, number: int = 0) -> None:
        """Start with *number*."""
        self._number = number

    def add(self, batch: Batch) -> None:
        """More."""
        self._number += batch.sent

    def remove(self, batch: Batch) -> None:
        """Fewer, not below none."""
        self._number = max(0, self._number - batch.sent)

    def matched(self, ratio: float) -> int:
        """The ratio of the number."""
        return int(self._number * ratio)

    def digests(self) -> list[bytes]:
        """None are known."""
        return []

    def __len__(self) -> int:
        return self._number
