"""A file is replaced whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler import durable


def test_a_file_is_replaced_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    durable.replace(path, b"old")
    durable.replace(path, b"new")

    assert path.read_bytes() == b"new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(("mode", "found"), [(durable.PRIVATE, 0o600), (durable.SHARED, 0o640)])
def test_it_is_for_its_owner_unless_others_may(tmp_path: Path, mode: int, found: int) -> None:
    before = os.umask(0o027)
    try:
        durable.replace(tmp_path / "file", b"x", mode)
    finally:
        os.umask(before)

    assert (tmp_path / "file").stat().st_mode & 0o777 == found


def test_what_cannot_be_put_in_place_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    (tmp_path / "target" / "inside").mkdir(parents=True)

    with pytest.raises(OSError):
        durable.replace(tmp_path / "target", b"new")

    assert [entry.name for entry in tmp_path.iterdir()] == ["target"]
    assert (tmp_path / "target" / "inside").is_dir()


def test_appending_adds_and_needs_a_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        durable.append(tmp_path / "file", b"x")
    durable.write(tmp_path / "file", b"one")
    durable.append(tmp_path / "file", b", two")

    assert (tmp_path / "file").read_bytes() == b"one, two"
