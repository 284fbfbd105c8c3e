from __future__ import annotations

import random
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.dataplane.keyfile import keys_of
from reconciler.dataplane.keyset import KeySet
from reconciler.dataplane.ordered import threads

if TYPE_CHECKING:
    from reconciler.dataplane.keyfile import Keys


POOL = threads()


def raw(parts: Iterable[Keys]) -> list[bytes]:
    return [key for part in parts for key in part.to_pylist()]


def filled(folder: Path, name: str, keys: list[bytes], room: int) -> KeySet:
    """A set that was given *keys*, a few at a time."""
    made = KeySet(folder / name, room)
    for start in range(0, len(keys), 7):
        made.add(keys_of(b"".join(keys[start : start + 7])))
    return made


# Few values for each word, so that there are the same keys, and different keys that look alike.
WORD = st.sampled_from([bytes(8), b"\x01" + bytes(7), bytes(7) + b"\x80", b"\xff" * 8])
LIKE = st.lists(WORD, min_size=4, max_size=4).map(b"".join)
ANY = st.binary(min_size=32, max_size=32)
SETS = st.lists(LIKE | ANY, max_size=60)
ROOM = st.sampled_from([1, 3, 16, 1_000])


@settings(deadline=None)
@given(keys=SETS, room=ROOM)
def test_every_key_is_there_once(tmp_path_factory: pytest.TempPathFactory, keys: list[bytes], room: int) -> None:
    with filled(tmp_path_factory.mktemp("set"), "a", keys, room) as made:
        found = raw(made.distinct(POOL))
    assert sorted(found) == sorted(set(keys))


@settings(deadline=None)
@given(keys=SETS, room=ROOM)
def test_a_saved_set_has_every_key_once(tmp_path_factory: pytest.TempPathFactory, keys: list[bytes], room: int) -> None:
    folder = tmp_path_factory.mktemp("set")
    for name, some in (("again", keys), ("distinct", sorted(set(keys)))):
        with filled(folder, "spill", some, room) as made:
            count = made.save(folder / name, POOL)
        content = (folder / name).read_bytes()
        assert sorted(content[at : at + 32] for at in range(0, len(content), 32)) == sorted(set(keys))
        assert count == len(set(keys))
        assert (folder / name).stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in folder.iterdir()) == ["again", "distinct"]


@settings(deadline=None)
@given(keys=SETS, others=SETS, room=ROOM, other_room=ROOM)
def test_less_is_the_difference_of_sets(
    tmp_path_factory: pytest.TempPathFactory, keys: list[bytes], others: list[bytes], room: int, other_room: int
) -> None:
    folder = tmp_path_factory.mktemp("sets")
    with filled(folder, "a", keys, room) as made, filled(folder, "b", [*others, *keys[::2]], other_room) as without:
        found = raw(made.less(without, POOL))
        apart = list(made.apart(without, POOL))
    assert sorted(found) == sorted(set(keys) - {*others, *keys[::2]})
    assert sorted(raw(ours for ours, _ in apart)) == sorted(found)
    assert sorted(raw(theirs for _, theirs in apart)) == sorted({*others, *keys[::2]} - set(keys))


@pytest.mark.parametrize("likeness", ["xor", "first words", "numbers in a row"])
def test_keys_that_somebody_made_alike_are_told_apart(tmp_path: Path, likeness: str) -> None:
    """Digests come from queries, so anybody may write some that share what keys are sorted by."""
    numbers = range(20_000)
    keys = {
        "xor": [number.to_bytes(8, "big") * 2 + bytes(16) for number in numbers],
        "first words": [b"\x07" * 24 + number.to_bytes(8, "big") for number in numbers],
        "numbers in a row": [number.to_bytes(32, "little") for number in numbers],
    }[likeness]
    given_ = [*keys, *keys[:5_000]]
    random.Random(1).shuffle(given_)
    with filled(tmp_path, "a", given_, 3_000) as made, filled(tmp_path, "b", keys[10_000:], 3_000) as without:
        assert sorted(raw(made.distinct(POOL))) == sorted(keys)
        assert sorted(raw(made.less(without, POOL))) == sorted(keys[:10_000])


def test_what_is_written_is_private_and_gone_afterwards(tmp_path: Path) -> None:
    keys = [number.to_bytes(32, "big") for number in range(50)]
    with filled(tmp_path, "spill", keys, 10) as made:
        assert (tmp_path / "spill").stat().st_mode & 0o777 == 0o600
        assert sorted(raw(made.distinct(POOL))) == keys
    assert list(tmp_path.iterdir()) == []


def test_a_small_set_writes_nothing(tmp_path: Path) -> None:
    with filled(tmp_path, "spill", [bytes(32)] * 50, 1_000) as made:
        assert raw(made.distinct(POOL)) == [bytes(32)]
        assert list(tmp_path.iterdir()) == []


def test_a_set_may_be_read_twice(tmp_path: Path) -> None:
    keys = [number.to_bytes(32, "big") for number in range(50)]
    with filled(tmp_path, "a", keys, 10) as made, filled(tmp_path, "b", [], 10) as nothing:
        assert sorted(raw(made.distinct(POOL))) == sorted(raw(made.less(nothing, POOL))) == keys


def test_threads_may_fill_a_set_side_by_side(tmp_path: Path) -> None:
    keys = [number.to_bytes(32, "big") for number in range(40_000)]
    with KeySet(tmp_path / "a", 1_000) as made, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda start: made.add(keys_of(b"".join(keys[start : start + 100]))), range(0, len(keys), 100)))
        assert sorted(raw(made.distinct(POOL))) == keys
