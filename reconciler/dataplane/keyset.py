"""Sets of keys of any size: the distinct ones, and those that another set has not.

A key is spread over buckets by some of its bits. A set that outgrows its buffer goes to one file, a run of bucket after bucket each
time the buffer is full; then each bucket is small enough to be sorted by itself, in memory that does not grow with the set.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from functools import partial
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from reconciler.dataplane.keyfile import KEY_BYTES, keys_of, raw_keys, write_keys
from reconciler.dataplane.ordered import in_order

if TYPE_CHECKING:
    import pyarrow as pa

    from reconciler.dataplane.keyfile import Keys

BUFFERED_KEYS: Final = 500_000
"""16 MB."""
BUCKETS: Final = 256
"""Of a set that was written: those of a hundred million keys have 400,000 each."""


class KeySet:
    """Takes keys in, in any order and more than once. What it wrote is gone when the context ends.

    spill: the file that it makes when it has to; its folder is there, and nobody else uses the name.
    room: keys that are kept in memory before any are written.
    """

    def __init__(self, spill: Path, room: int = BUFFERED_KEYS) -> None:
        self._path = spill
        self._room = room
        self._lock = threading.Lock()
        self._waiting: list[Keys] = []
        self._count = 0
        self._spilled: _Spilled | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._spilled is not None:
            self._spilled.remove()

    def add(self, keys: Keys) -> None:
        """Take *keys* in. Any number of threads may do so, and each writes what it made too many."""
        with self._lock:
            self._waiting.append(keys)
            self._count += len(keys)
            if self._count < self._room:
                return
            many, spilled = self._taken_out()
        spilled.write(many)

    def save(self, target: Path, pool: Executor) -> int:
        """Put every key once into the file *target*, durable and for its owner only; returns how many. The set is done with.

        The order means nothing. pool: see `in_order`; it ends before this set does.
        """
        if self._spilled is not None:
            many, spilled = self._taken_out()
            spilled.write(many)
            if all(in_order(pool, spilled.is_distinct, range(BUCKETS))):
                # What is there is what is wanted. On a machine that has its memory lent, as most in a cloud, pages of a
                # new file cost more than all that was done with the keys in them.
                return spilled.become(target)
        return write_keys(target, self.distinct(pool))

    def distinct(self, pool: Executor) -> Iterator[Keys]:
        """Every key once, many at a time, in an order that means nothing."""
        return in_order(pool, lambda read: _distinct(read()), self._buckets(in_buckets=self._spilled is not None))

    def less(self, other: KeySet, pool: Executor) -> Iterator[Keys]:
        """Every key that *other* has not, once, many at a time, in an order that means nothing."""
        return in_order(pool, lambda pair: _less(pair[0](), pair[1]()), self._pairs(other))

    def apart(self, other: KeySet, pool: Executor) -> Iterator[tuple[Keys, Keys]]:
        """As `less`, and beside it what only *other* has."""

        def both(pair: tuple[Callable[[], Keys], Callable[[], Keys]]) -> tuple[Keys, Keys]:
            ours, theirs = pair[0](), pair[1]()
            return _less(ours, theirs), _less(theirs, ours)

        return in_order(pool, both, self._pairs(other))

    def _pairs(self, other: KeySet) -> Iterator[tuple[Callable[[], Keys], Callable[[], Keys]]]:
        in_buckets = self._spilled is not None or other._spilled is not None
        return zip(self._buckets(in_buckets=in_buckets), other._buckets(in_buckets=in_buckets), strict=True)

    def _buckets(self, *, in_buckets: bool) -> Iterator[Callable[[], Keys]]:
        """What reads each bucket; else one that has everything."""
        if not in_buckets:
            yield partial(_joined, self._waiting)
            return
        many, spilled = self._taken_out()
        spilled.write(many)
        for number in range(BUCKETS):
            yield partial(spilled.bucket, number)

    def _taken_out(self) -> tuple[list[Keys], _Spilled]:
        """What waited, and where it has to go."""
        if self._spilled is None:
            self._spilled = _Spilled(self._path)
        many, self._waiting, self._count = self._waiting, [], 0
        return many, self._spilled


class _Spilled:
    """The file of a set: runs of keys, each of them bucket after bucket."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        self._lock = threading.Lock()
        self._end = 0
        self._runs: list[tuple[int, list[int]]] = []
        """Where each begins in the file, in keys, and where in it each bucket ends."""

    def write(self, parts: list[Keys]) -> None:
        import pyarrow.compute as pc  # noqa: PLC0415 - heavy, and only runs that move rows need it

        keys = _joined(parts)
        if not len(keys):
            return
        numbers = _bucket_of(keys)
        run = raw_keys(keys.take(pc.array_sort_indices(numbers)))
        told: Any = pc.value_counts(numbers)
        sizes = dict(zip(told.field(0).to_pylist(), told.field(1).to_pylist(), strict=True))
        ends = list(accumulate(sizes.get(number, 0) for number in range(BUCKETS)))
        with self._lock:
            start = self._end
            self._end += len(keys)
            self._runs.append((start, ends))
        place = start * KEY_BYTES
        while run:
            written = os.pwrite(self._descriptor, run, place)
            run, place = run[written:], place + written

    def bucket(self, number: int) -> Keys:
        parts = []
        for start, ends in self._runs:
            first = ends[number - 1] if number else 0
            parts.append(os.pread(self._descriptor, (ends[number] - first) * KEY_BYTES, (start + first) * KEY_BYTES))
        return keys_of(b"".join(parts))

    def is_distinct(self, number: int) -> bool:
        """Whether no key of a bucket is there twice."""
        keys = self.bucket(number)
        return len(_distinct(keys)) == len(keys)

    def become(self, target: Path) -> int:
        """Turn into a file of keys, durable; returns how many they are."""
        os.fsync(self._descriptor)
        self._path.replace(target)
        return self._end

    def remove(self) -> None:
        os.close(self._descriptor)
        self._path.unlink(missing_ok=True)


def _joined(parts: list[Keys]) -> Keys:
    import pyarrow as pa  # noqa: PLC0415 - as above

    return pa.concat_arrays(parts) if parts else keys_of(b"")


def _bucket_of(keys: Keys) -> pa.Array[Any]:
    """The bucket of each, by a byte at either end: keys are mostly digests, and else often numbers with a start in common."""
    import pyarrow as pa  # noqa: PLC0415 - as above
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    def byte(place: int) -> pa.Array[Any]:
        sliced: Any = pc.binary_slice(keys, place, place + 1)
        return pa.Array.from_buffers(pa.uint8(), len(keys), [None, sliced.buffers()[1]])

    numbers: pa.Array[Any] = pc.bit_wise_xor(byte(0), byte(KEY_BYTES - 1))
    return numbers


def _distinct(keys: Keys) -> Keys:
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    found: Keys = pc.unique(keys)
    return found


def _less(keys: Keys, others: Keys) -> Keys:
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    distinct = _distinct(keys)
    kept: Keys = distinct.filter(pc.invert(pc.is_in(distinct, value_set=others)))
    return kept
