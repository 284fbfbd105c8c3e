"""Sets of keys as parts of key files, and the two set operations that the ledger needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.dataplane.keyfile import KEYS_AT_ONCE, key_slices, keys_of, write_keys, written
from reconciler.dataplane.keyset import KeySet
from reconciler.dataplane.ordered import threads


@dataclass(frozen=True, slots=True)
class Slice:
    """Keys *start* to before *stop* of the key file named *file*."""

    file: str
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


def total(parts: Iterable[Slice]) -> int:
    """Number of keys in *parts*."""
    return sum(len(part) for part in parts)


def subtract(folder: Path, parts: Sequence[Slice], without: Sequence[Slice], name: str) -> tuple[Slice, ...]:
    """Distinct keys of *parts* that are not in *without*, as the new key file *name* of *folder*, durable.

    Raises:
        StateError: a file is shorter than its slices.
    """
    with (
        KeySet(folder / f"{name}.spill") as keys,
        KeySet(folder / f"{name}.without.spill") as others,
        threads() as pool,
    ):
        _read(folder, parts, keys)
        _read(folder, without, others)
        return _slices(name, write_keys(folder / name, keys.less(others, pool)))


def apart(
    folder: Path, parts: Sequence[Slice], others: Sequence[Slice], names: tuple[str, str]
) -> tuple[tuple[Slice, ...], tuple[Slice, ...]]:
    """What `subtract` makes of *parts* without *others*, and of *others* without *parts*, by reading both once.

    Raises:
        StateError: a file is shorter than its slices.
    """
    ours, theirs = names
    with (
        KeySet(folder / f"{ours}.spill") as left,
        KeySet(folder / f"{theirs}.spill") as right,
        threads() as pool,
    ):
        _read(folder, parts, left)
        _read(folder, others, right)
        counts = [0, 0]
        with written(folder / ours) as write_ours, written(folder / theirs) as write_theirs:
            for only_ours, only_theirs in left.apart(right, pool):
                counts[0] += write_ours(only_ours)
                counts[1] += write_theirs(only_theirs)
    return _slices(ours, counts[0]), _slices(theirs, counts[1])


def distinct_union(folder: Path, parts: Sequence[Slice], name: str) -> tuple[Slice, ...]:
    """Distinct keys of *parts*, as the new key file *name* of *folder*, durable.

    Raises:
        StateError: a file is shorter than its slices.
    """
    with KeySet(folder / f"{name}.spill") as keys, threads() as pool:
        _read(folder, parts, keys)
        return _slices(name, keys.save(folder / name, pool))


def _read(folder: Path, parts: Sequence[Slice], into: KeySet) -> None:
    for part in parts:
        for raw in key_slices(folder / part.file, part.start, part.stop, KEYS_AT_ONCE):
            into.add(keys_of(raw))


def _slices(name: str, count: int) -> tuple[Slice, ...]:
    return (Slice(name, 0, count),) if count else ()
