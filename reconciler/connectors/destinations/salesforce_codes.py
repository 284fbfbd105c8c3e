"""What Salesforce says of rows and batches, and which of it passes when they are sent again. Pure.

Rows are matched on their code alone: the words behind it differ by version and language, and may quote values.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from reconciler.errors import Permanent

LOCKED: Final = "UNABLE_TO_LOCK_ROW"
NOT_PROCESSED: Final = "not_processed"
"""Salesforce says that it never looked at the row."""
UNKNOWN: Final = "outcome_unknown"
"""The row's batch ended, and nobody says what became of the row."""

_GONE: Final = frozenset({"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY"})
_PASSING: Final = ("InternalServerError", "Timeout", "TooManyLockFailure", "Unknown")
_UNKNOWN_FIELD: Final = re.compile(
    r"[Ff]ield name not found\s*:\s*(\S+)|relationship:\s*(\S+)|No such column '([^']+)'"
)


def is_removal(operation: str) -> bool:
    """Whether *operation* deletes."""
    return operation in {"delete", "hardDelete"}


def is_worth_repeating(code: str, operation: str) -> bool:
    """Whether a row that ended with *code* is sent again. An insert of unknown outcome would be a record twice."""
    return code in {LOCKED, NOT_PROCESSED} or (code == UNKNOWN and operation != "insert")


def not_taken(rows: Iterable[tuple[int, str]], operation: str) -> list[tuple[int, str]]:
    """*rows* (number, code) without those that came to what was wanted: a record to be deleted that is gone already."""
    return [(row, code) for row, code in rows if code and not (is_removal(operation) and code in _GONE)]


def passes(message: str) -> bool:
    """Whether what was said of a whole batch or job lies with Salesforce and not with what was sent."""
    return message.strip().startswith(_PASSING)


def refused_as_a_whole(message: str, sobject: str, columns: Collection[str]) -> Permanent:
    """The error for rows of which none was looked at, because their columns or their form cannot be used."""
    named = {name.lower() for found in _UNKNOWN_FIELD.findall(message) for name in found if name}
    unknown = [name for name in columns if name.lower() in named or name.partition(".")[0].lower() in named]
    if unknown:
        told = ", ".join(f"`{name}`" for name in unknown)
        return Permanent(
            f"{sobject} has no field that this user may write for the column {told} of the query",
            hint="rename it with AS to the field's API name (custom fields end in __c), or allow the user that field",
        )
    return Permanent(
        f"Salesforce refused all rows as a whole: {message[:300] or 'without a word'}",
        hint=f"look at the columns of the query: {', '.join(columns)}",
    )


def counted(reasons: Mapping[str, int]) -> str:
    """``2 duplicate_key, 1 empty_key``."""
    return ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
