"""Files that rows are written to: where one may be, and how its name says what stands in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated, Final

from pydantic import AfterValidator

from reconciler.model.spec import ConnectionName, Spec


class FileFormat(StrEnum):
    """How a file's rows are written."""

    CSV = "csv"
    PARQUET = "parquet"
    JSONL = "jsonl"


WORD: Final = re.compile(r"\{([^{}]*)\}")
WORDS: Final = ("date", "job_id")
"""What may stand in braces in a path: the day of a run in UTC, and the id of its job."""
_SUFFIXES: Final[Mapping[str, FileFormat]] = {
    ".csv": FileFormat.CSV,
    ".jsonl": FileFormat.JSONL,
    ".ndjson": FileFormat.JSONL,
    ".parquet": FileFormat.PARQUET,
}


class PathError(ValueError):
    """A path that no rows can be written to. *what* is wrong, and what to do *now*."""

    def __init__(self, what: str, now: str) -> None:
        super().__init__(f"{what}: {now}")
        self.what = what
        self.now = now


@dataclass(frozen=True, slots=True)
class FileForm:
    """How rows stand in a file. compressed: with gzip."""

    format: FileFormat
    compressed: bool


def form_of(path: str) -> FileForm:
    """How rows are written to *path*, which its end says.

    Raises:
        PathError: it leaves its place, has words that stand for nothing, or does not say how.
    """
    _stays(path)
    for word in WORD.findall(path):
        if word not in WORDS:
            known = ", ".join(f"`{{{name}}}`" for name in WORDS)
            raise PathError(f"`{{{word}}}` in `path` stands for nothing", f"known: {known}")
    suffixes = [suffix.lower() for suffix in PurePosixPath(path).suffixes]
    compressed = bool(suffixes) and suffixes[-1] == ".gz"
    told = _SUFFIXES.get(suffixes[-2 if compressed else -1]) if len(suffixes) > compressed else None
    # The name must say it: no export can take the place of a manifest, or of any other file that is no data.
    if told is None:
        known = ", ".join(f"`{suffix}`" for suffix in _SUFFIXES)
        raise PathError(f"path {path!r} does not say how its rows are written", f"let it end in one of {known}")
    if compressed and told is FileFormat.PARQUET:
        raise PathError("Parquet is compressed by itself", "let the path end in `.parquet`")
    return FileForm(told, compressed)


def _stays(path: str) -> None:
    if not path.strip() or path.startswith("/") or ".." in PurePosixPath(path).parts or "\\" in path:
        raise PathError(f"path {path!r} leaves the folder it is below", "write a path relative to the connection's")
    if not path.isprintable():
        raise PathError(f"path {path!r} holds characters that nobody can see", "take them out")


def check_table_file(path: str) -> str:
    """*path*, if a table can be kept there: one Parquet file, whichever run writes it.

    Raises:
        PathError: it leaves its place, or is no such name.
    """
    _stays(path)
    if WORD.search(path):
        raise PathError(
            f"path {path!r} has words in braces", "a table is one file, which every run changes: take them out"
        )
    if PurePosixPath(path).suffix.lower() != ".parquet":
        raise PathError(f"path {path!r} is not that of a Parquet file", "let it end in `.parquet`")
    return path


def _writable(path: str) -> str:
    form_of(path)
    return path


class ToFile(Spec):
    """Target of an activation: a file."""

    path: Annotated[str, AfterValidator(_writable)]
    """Such as out/buyers.csv, .jsonl or .parquet; `{date}` and `{job_id}` in it stand for those of the run."""
    connection: ConnectionName | None = None
    """Name of a Connection document of type files, which the path is below; the project's folder when left out."""


class FileWriting(StrEnum):
    """What a run does to files that are there."""

    REPLACE = "replace"
    APPEND = "append"
