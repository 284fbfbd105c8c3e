"""The page of the ledger that says which files hold which keys of a target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from reconciler.dataplane.durable import write_document
from reconciler.dataplane.slices import Slice
from reconciler.errors import StateError
from reconciler.model.json import Json

FORMAT = "tdr.ledger"
VERSION = 1


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run that was begun and not counted up.

    final: what the target has when all is done, for runs that decide it whole; None where other members stay.
    """

    number: int
    job_id: str
    add: tuple[Slice, ...]
    remove: tuple[Slice, ...]
    final: tuple[Slice, ...] | None


@dataclass(frozen=True, slots=True)
class Book:
    """What is known of a target.

    confirmed, uncertain: sets of keys without a key in common.
    complete: the target has no other members than these.
    removed, removed_by: what an unfinished removal got done, and its job.
    """

    confirmed: tuple[Slice, ...] = ()
    uncertain: tuple[Slice, ...] = ()
    complete: bool = False
    next_number: int = 1
    removed: tuple[Slice, ...] = ()
    removed_by: str = ""
    run: OpenRun | None = None

    def opened(self, run: OpenRun) -> Book:
        """This book with *run* begun."""
        return replace(self, run=run)

    def files(self) -> set[str]:
        """Names of all files this book refers to."""
        parts = [*self.confirmed, *self.uncertain, *self.removed]
        names = set()
        if self.run is not None:
            parts += [*self.run.add, *self.run.remove, *(self.run.final or ())]
            names.add(f"{self.run.number:08d}.progress")
        return names | {part.file for part in parts}

    def save(self, path: Path) -> None:
        """Write it to *path*, durable, all or nothing."""
        run = self.run
        document: dict[str, Json] = {
            "format": FORMAT,
            "format_version": VERSION,
            "confirmed": _written(self.confirmed),
            "uncertain": _written(self.uncertain),
            "complete": self.complete,
            "next_number": self.next_number,
            "removed": _written(self.removed),
            "removed_by": self.removed_by,
            "run": None
            if run is None
            else {
                "number": run.number,
                "job_id": run.job_id,
                "add": _written(run.add),
                "remove": _written(run.remove),
                "final": None if run.final is None else _written(run.final),
            },
        }
        write_document(path, document)

    @classmethod
    def of(cls, document: Mapping[str, Json] | None) -> Book:
        """Read what `save` wrote; an empty book when there is none.

        Raises:
            StateError: it was written by something else, or by a newer tdr.
        """
        if document is None:
            return cls()
        if document.get("format") != FORMAT or document.get("format_version") != VERSION:
            raise StateError("the ledger was written by another version", hint="use the version of tdr that wrote it")
        try:
            return _read(document)
        except (KeyError, TypeError, ValueError) as error:
            raise StateError("the ledger is damaged", hint="restore its folder from a backup") from error


def _read(document: Mapping[str, Json]) -> Book:
    run = document["run"]
    return Book(
        confirmed=_slices(document["confirmed"]),
        uncertain=_slices(document["uncertain"]),
        complete=document["complete"] is True,
        next_number=_number(document["next_number"]),
        removed=_slices(document["removed"]),
        removed_by=str(document["removed_by"]),
        run=_open_run(run) if isinstance(run, Mapping) else None,
    )


def _open_run(run: Mapping[str, Json]) -> OpenRun:
    return OpenRun(
        number=_number(run["number"]),
        job_id=str(run["job_id"]),
        add=_slices(run["add"]),
        remove=_slices(run["remove"]),
        final=None if run["final"] is None else _slices(run["final"]),
    )


def _written(parts: Sequence[Slice]) -> list[Json]:
    return [[part.file, part.start, part.stop] for part in parts]


def _slices(value: Json) -> tuple[Slice, ...]:
    return tuple(
        Slice(str(file), _number(start), _number(stop)) for file, start, stop in cast("list[list[Json]]", value)
    )


def _number(value: Json) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(value)
    return value
