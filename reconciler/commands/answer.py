"""What a command returns."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.reports.documents import Document

OK = 0
FAILED = 1
DIFFERENCES = 2
BLOCKED = 3
PARTIAL = 6
INVALID = 7


@dataclass(frozen=True, slots=True)
class Answer:
    """A document, whose `format` tells what it is, and the exit code that goes with it."""

    document: Document
    exit_code: int = OK
