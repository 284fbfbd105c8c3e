"""Values of documents as a reader wants them: JSON for the short ones, what differs for the long ones."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence

from reconciler.reports.collections import entries_that_differ

LONG_TEXT = 80


def is_long(value: object) -> bool:
    """Whether it is better shown by what differs."""
    return isinstance(value, str) and ("\n" in value or len(value) > LONG_TEXT)


def text_changes(before: object, after: object) -> Iterator[str]:
    """A unified diff with a few lines around what differs; a new text is shown by its first lines."""
    if before is None and isinstance(after, str):
        lines = after.splitlines()
        yield from lines[:8]
        if len(lines) > 8:
            yield f"… {len(lines) - 8} more lines"
        return
    one = str(before or "").splitlines()
    other = str(after or "").splitlines()
    hunks = difflib.unified_diff(one, other, n=2, lineterm="")
    yield from (line for line in hunks if not line.startswith(("---", "+++")))


def show(value: object) -> str:
    """A value as JSON; what is known only after an apply as it is called."""
    if isinstance(value, str) and value.startswith("(known after"):
        return value
    return json.dumps(value, ensure_ascii=False)


def dotted(pointer: str) -> str:
    """``export.action`` of ``/export/action``."""
    # Names of files are part of a path themselves, and read as such.
    return pointer[1:] if pointer.startswith("/files/") else pointer.strip("/").replace("/", ".")


def moved(pointer: str, before: object, after: object) -> Iterator[str]:
    """The lines of one field that went from *before* to *after*."""
    name = dotted(pointer)
    if isinstance(before, list) and isinstance(after, list):
        yield f"  ~ {name}:"
        yield from (f"      {line}" for line in entries_that_differ(before, after))
    elif is_long(before) or is_long(after):
        yield f"  ~ {name}:"
        yield from (f"      {line}" for line in text_changes(before, after))
    else:
        yield f"  ~ {name:<22} {show(before)} → {show(after)}"


def counted(count: int, word: str) -> str:
    """``1 row``, ``2 rows``."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows of cells as aligned lines; the first row is the heading."""
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))] if rows else []
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
