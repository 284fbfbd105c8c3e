"""What differs between two lists, entry by entry, instead of both lists in full."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any


def entries_that_differ(before: Sequence[object], after: Sequence[object]) -> Iterator[str]:
    """A line for each entry that came, went or changed, with its place counted from 1.

    Entries are compared as wholes and aligned, so that one put in front is one line and not a change of all.
    """
    from deepdiff import DeepDiff  # noqa: PLC0415 - a third of a second, and most plans change no list

    found = DeepDiff([_text(one) for one in before], [_text(one) for one in after], view="tree")
    lines = [
        (_place(one), line)
        for kind, line_of in _LINES.items()
        for one in found.get(kind, ())
        for line in [line_of(_place(one), one)]
    ]
    yield from (line for _, line in sorted(lines))


_LINES: dict[str, Any] = {
    "iterable_item_removed": lambda place, one: f"- {place}: {one.t1}",
    "iterable_item_added": lambda place, one: f"+ {place}: {one.t2}",
    "values_changed": lambda place, one: f"~ {place}: {one.t1} → {one.t2}",
}


def _place(one: Any) -> int:
    return int(one.path(output_format="list")[0]) + 1


def _text(entry: object) -> str:
    return json.dumps(entry, ensure_ascii=False, sort_keys=True)
