"""Collects everything found in one pass, each with its place, and shows source lines that hold no secret."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from reconciler.diagnostics import Diagnostic, Position, Severity
from reconciler.manifest.positions import Positions
from reconciler.manifest.source import Source, decode


class ManifestFile:
    """A file as read. Text and places are worked out only when a message needs them."""

    def __init__(self, file: str, data: bytes) -> None:
        """Hold the bytes of *file*, whose path is relative to the project."""
        self.file = file
        self.data = data

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the bytes, 64 hex digits."""
        return hashlib.sha256(self.data).hexdigest()

    @cached_property
    def source(self) -> Source:
        """The decoded text.

        Raises:
            Undecodable: it is not UTF-8.
        """
        return Source(self.file, decode(self.data))

    @cached_property
    def positions(self) -> Positions:
        """Places in it."""
        return Positions(self.source)


@dataclass(frozen=True, slots=True)
class Place:
    """A document: the one of *file* that begins at *line*. *is_secretive*: its lines may hold secrets."""

    file: ManifestFile
    line: int
    is_secretive: bool = False
    overlaid: Overlaid | None = None

    def written(self, path: str) -> tuple[Place, str]:
        """Where the value at *path* is written: there itself, or in what is laid over the document."""
        source = self.overlaid.source(path) if self.overlaid is not None else None
        return (self, path) if self.overlaid is None or source is None else (self.overlaid.place, source)

    def position(self, path: str = "", *, key: bool = False) -> Position:
        """Where the value at *path* (or its key) stands."""
        place, at = self.written(path)
        return place.file.positions.locate(place.line, at, key=key)

    def frame(self, position: Position) -> str:
        """The line at *position*, in the document or what is laid over it, for a message."""
        place = self.overlaid.place if self.overlaid is not None and position.file != self.file.file else self
        return place.file.source.frame(position.line, position.column, secretive=place.is_secretive)


@dataclass(frozen=True, slots=True)
class Overlaid:
    """What an environment says otherwise than a document.

    place: of the environment. paths: pointer in the merged document -> pointer there, of each value that comes from it.
    """

    place: Place
    paths: Mapping[str, str]

    def source(self, path: str) -> str | None:
        """Where the value at *path* of the merged document is written; None when the document itself says it."""
        above = path
        while above:
            if (found := self.paths.get(above)) is not None:
                return found + path[len(above) :]
            above = above.rpartition("/")[0]
        return None


@dataclass
class Findings:
    """What was found so far."""

    diagnostics: list[Diagnostic] = field(default_factory=list)

    @property
    def has_errors(self) -> bool:
        """Whether the run must stop."""
        return any(diagnostic.is_error for diagnostic in self.diagnostics)

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Add findings that are complete already."""
        self.diagnostics.extend(diagnostics)

    def add(
        self,
        rule: str,
        message: str,
        place: Place,
        path: str = "",
        *,
        hint: str = "",
        severity: Severity = Severity.ERROR,
        subject: str = "",
        at_key: bool = False,
    ) -> None:
        """Add a finding about the value at *path* of the document at *place*."""
        position = place.position(path, key=at_key)
        frame = place.frame(position)
        self.diagnostics.append(Diagnostic(rule, message, severity, position, subject, path, hint, frame))
