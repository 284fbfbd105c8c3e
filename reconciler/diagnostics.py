"""What is wrong with something a person wrote: where, why and what to write instead.

A value like any other: the manifest loader, providers and the engine produce diagnostics, reports render them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

UNRESOLVED_SECRET = "unresolved-secret"  # noqa: S105 - the name of a rule
"""Rule of the one finding that says nothing against a document: `validate`, which needs no secret, does not have it."""


class Severity(StrEnum):
    """How bad it is. Only errors stop a run; a notice tells something the reader should know."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file. *line* and *column* start at 1; *file* is relative to the project."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    rule: stable id in kebab case, such as ``unknown-key``; documented, never reused.
    subject: the address concerned, or "" when the finding is about a file.
    path: where inside the document, as a JSON pointer such as ``/spec/schedule/cron``; "" for the whole.
    frame: the source line, when a person should see it (never a secret).
    """

    rule: str
    message: str
    severity: Severity = Severity.ERROR
    position: Position | None = None
    subject: str = ""
    path: str = ""
    hint: str = ""
    frame: str = ""

    @property
    def is_error(self) -> bool:
        """Whether this stops the run."""
        return self.severity is Severity.ERROR


def sorted_by_place(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """In reading order: by file, line and column, then by subject and rule; the placeless first."""
    nowhere = Position("", 0, 0)
    return sorted(diagnostics, key=lambda d: (d.position or nowhere, d.subject, d.path, d.rule, d.message))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The nearest of *known* as a hint, ``did you mean `cron`?``, or "" when nothing is near."""
    near = closest(word, list(known))
    return f"did you mean `{near}`?" if near else ""


def closest(word: str, known: Sequence[str]) -> str:
    """The entry of *known* nearest to *word*, or ""."""
    by_folded = {entry.casefold(): entry for entry in known}
    matches = difflib.get_close_matches(word.casefold(), list(by_folded), n=1, cutoff=0.6)
    return by_folded[matches[0]] if matches else ""
