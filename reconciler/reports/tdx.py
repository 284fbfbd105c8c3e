"""Files that were written from those of tdx, or for it, as a document and as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from reconciler.reports.documents import Document, heading
from reconciler.reports.values import counted


class File(Protocol):
    """A file that is written."""

    @property
    def path(self) -> str:
        """Relative to the project, or to the folder that is written."""
        ...

    @property
    def text(self) -> str:
        """All that is in it."""
        ...


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that is not taken over. *where* is a file or an address."""

    where: str
    why: str


def document(
    files: Iterable[File], left_out: Iterable[LeftOut], notes: Sequence[str], created_at: str, *, dry_run: bool
) -> Document:
    """What was written, or would be, and what was not taken over. *created_at* is RFC 3339."""
    return heading("tdx", created_at) | {
        "dry_run": dry_run,
        "files": [{"path": one.path, "text": one.text} for one in files],
        "left_out": [{"where": one.where, "why": one.why} for one in left_out],
        "notes": list(notes),
    }


def text(document: Mapping[str, Any]) -> str:
    """The same for people. Ends with a line break."""
    return "\n".join([*_lines(document), ""])


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    for file in document["files"]:
        yield f"+ {file['path']}" if document["dry_run"] else f"+ {file['path']}  written"
        if document["dry_run"]:
            yield from (f"    {line}" for line in file["text"].splitlines())
    yield from (f"? {one['where']}: left alone: {one['why']}" for one in document["left_out"])
    yield from (f"notice: {note}" for note in document["notes"])
    files = counted(len(document["files"]), "file")
    left = f"{len(document['left_out'])} left alone"
    yield (
        f"{files} would be written, {left}. Nothing was changed."
        if document["dry_run"]
        else f"{files} written, {left}."
    )
