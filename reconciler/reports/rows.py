"""Rows of a query for people to look at: who somebody is cannot be read from them, whatever the format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from reconciler.model.json import Json
from reconciler.policy.columns import pii_class
from reconciler.reports.values import aligned, counted, show
from reconciler.scrubbing import MASK, Scrubber

_TELLING_NOBODY: Final = frozenset({"", "gender"})
_WIDEST: Final = 60
"""Characters of a cell; a longer one ends in an ellipsis."""
_BESIDE: Final = 3
"""Rows of a preview that stand beside each other on a terminal."""


def masked(columns: Sequence[str], values: Sequence[Sequence[Json]]) -> dict[str, Json]:
    """*columns* and ``first_rows`` of a document: ``***`` in columns whose name tells of a person and in place of addresses."""
    scrubber = Scrubber()
    hidden = [pii_class(name) not in _TELLING_NOBODY for name in columns]
    shown: list[Json] = [
        [_shown(value, scrubber, is_hidden=is_hidden) for value, is_hidden in zip(row, hidden, strict=False)]
        for row in values
    ]
    return {"columns": list(columns), "first_rows": shown}


def folded(row: Sequence[Json]) -> list[Json]:
    """*row* with ``{…}`` and ``[…]`` in the place of objects and lists, as JSON text too: who is in them has many names."""
    return [_folded(value) for value in row]


def _folded(value: Json) -> Json:
    if isinstance(value, Mapping) or (isinstance(value, str) and value.startswith("{") and value.endswith("}")):
        return "{…}"
    if isinstance(value, list) or (isinstance(value, str) and value.startswith("[") and value.endswith("]")):
        return "[…]"
    return value


def _shown(value: Json, scrubber: Scrubber, *, is_hidden: bool) -> Json:
    match value:
        case None | bool():
            return value
        case _ if is_hidden:
            return MASK
        case str():
            return scrubber.clean(value)
        case int() | float():
            return value
        case Mapping():
            return {str(name): _shown(inner, scrubber, is_hidden=False) for name, inner in value.items()}
        case _:
            return [_shown(inner, scrubber, is_hidden=False) for inner in value]


def job(document: Mapping[str, Any]) -> str:
    """A run: how it ended, its first rows as a table, and its log. Ends with a line break."""
    lines = [
        f"{document['address']}: job {document['job_id']} {document['status']}, {counted(document['rows'], 'row')}"
    ]
    if "first_rows" in document:
        lines += ["", *_table(document["columns"], document["first_rows"])]
        left_out = document["rows"] - len(document["first_rows"])
        lines += [f"… and {counted(left_out, 'more row')}"] if left_out > 0 else []
    if document["log"]:
        lines += ["", document["log"].rstrip()]
    return "\n".join(lines) + "\n"


def _sending(document: Mapping[str, Any]) -> str:
    told = document["sending"]
    among = "" if told["is_whole"] else "the first "
    lines = [f"{document['address']}: {among}{counted(told['rows'], 'row')}, nothing is sent"]
    if "sent" in told:
        lines += [
            f"  {told['sent']} would be sent, {told['already_hashed']} of the rows came hashed already",
            *([f"  {told['duplicates']} say the same as another"] if told["duplicates"] else []),
            *(f"  {count} left out: {reason}" for reason, count in told["left_out"].items()),
        ]
    if document["first_rows"]:
        lines += ["", *_table(document["columns"], document["first_rows"])]
    return "\n".join(lines) + "\n"


def preview(document: Mapping[str, Any]) -> str:
    """What an import would bring: a line a column with its first values; or what an activation would send, row by row.

    Ends with a line break.
    """
    if "sending" in document:
        return _sending(document)
    first, schema = document["first_rows"], document["schema"]
    lines = [f"{document['address']}: {counted(len(schema), 'column')}, first {counted(len(first), 'row')}"]
    if schema:
        told = [
            [one["name"], one["type"], *(_cell(row[index]) for row in first[:_BESIDE])]
            for index, one in enumerate(schema)
        ]
        lines += ["", *aligned(told)]
    return "\n".join(lines) + "\n"


def _table(columns: Sequence[str], values: Sequence[Sequence[Json]]) -> Iterator[str]:
    return aligned([list(columns), *([_cell(value) for value in row] for row in values)])


def _cell(value: Json) -> str:
    text = "" if value is None else value if isinstance(value, str) else show(value)
    text = " ".join(text.split())
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"
