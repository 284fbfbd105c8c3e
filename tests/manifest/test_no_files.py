"""Pipes, sockets, devices and folders where a file should be: told, and never waited for."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from manifest_texts import Refusals, brief, query

from reconciler.manifest.files import FileRefused, read_file


def pipe(path: Path) -> None:
    os.mkfifo(path)


def bound_socket(path: Path) -> None:
    """Bound by a relative name, for the whole of a long path does not fit."""
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(before)


def folder(path: Path) -> None:
    path.mkdir()


MADE: dict[str, Callable[[Path], None]] = {"a pipe": pipe, "a socket": bound_socket, "a folder": folder}


# A folder of any name may hold manifests.
PLACES = [
    (what, place)
    for what in MADE
    for place in ("manifests/x.yaml", "manifests/environments/p.yml")
    if (what, place) != ("a folder", "manifests/x.yaml")
]


@pytest.mark.parametrize(("what", "place"), PLACES)
def test_what_is_no_file_is_told_where_a_manifest_or_an_environment_should_be(
    what: str, place: str, root: Path, refused: Refusals
) -> None:
    (root / place).parent.mkdir(parents=True)
    MADE[what](root / place)
    files = {"manifests/a.yaml": query("sql: select 1")}
    assert brief(refused(files, environment="p" if "environments" in place else None)) == [
        f"not-a-file {place}:1:1 `{place}` is {what}, not a file"
    ]


@pytest.mark.parametrize("what", MADE)
def test_what_is_no_file_is_told_where_sql_should_be(what: str, root: Path, refused: Refusals) -> None:
    MADE[what](root / "q.sql")
    assert brief(refused({"manifests/a.yaml": query("file: q.sql")})) == [
        f"not-a-file manifests/a.yaml:6:9 `q.sql` is {what}, not a file"
    ]


def test_a_pipe_hides_no_mistake_of_the_other_files(root: Path, refused: Refusals) -> None:
    (root / "manifests").mkdir()
    pipe(root / "manifests/b.yaml")
    assert [one.rule for one in refused({"manifests/a.yaml": query("sql: select 1\npriorty: 1")})] == [
        "unknown-key",
        "not-a-file",
    ]


def test_a_device_is_no_file() -> None:
    with pytest.raises(FileRefused) as refused:
        read_file("/dev/zero", "x.yaml")
    assert refused.value.message == "`x.yaml` is a device, not a file"


def test_a_link_to_a_pipe_is_a_pipe(root: Path, refused: Refusals) -> None:
    (root / "manifests").mkdir()
    pipe(root / "hidden")
    (root / "manifests/b.yaml").symlink_to(root / "hidden")
    (found,) = refused({"manifests/a.yaml": query("sql: select 1")})
    assert found.message == "`manifests/b.yaml` is a pipe, not a file"


def test_a_file_that_is_not_there_any_more_says_so(root: Path, refused: Refusals) -> None:
    (root / "manifests").mkdir()
    (root / "manifests/b.yaml").symlink_to(root / "gone")
    (found,) = refused({"manifests/a.yaml": query("sql: select 1")})
    assert (found.rule, found.message) == (
        "file-not-readable",
        "`manifests/b.yaml` cannot be read: No such file or directory",
    )
