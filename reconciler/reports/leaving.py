"""The part of a plan that is about people's data: which columns start, stop or change leaving, to whom, from when on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.model.egress import EgressChange, Leaving
from reconciler.model.json import Json

SYMBOLS = {"starts": "+", "stops": "-", "changes": "~"}


def entries(changes: Sequence[EgressChange]) -> list[Json]:
    """As they stand in the plan's document, in the order given."""
    return [
        {
            "activation": str(change.activation),
            "destination": change.destination,
            "change": change.movement.value,
            **_leaving(change.leaving),
            "before": _leaving(change.before) if change.before != change.leaving else None,
            "effective": change.effective,
        }
        for change in changes
    ]


def _leaving(leaving: Leaving) -> dict[str, Json]:
    return {"column": leaving.column, "pii": leaving.pii or None, "hashing": leaving.hashing or None}


def lines(told: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """As text, under a heading of its own; nothing when nothing changes."""
    if told:
        yield "Data that leaves:"
    for entry in told:
        what = _words(entry) if entry["before"] is None else f"{_words(entry['before'])} → {_words(entry)}"
        verb = f"{entry['change']} leaving to {entry['destination']}"
        yield f"  {SYMBOLS.get(entry['change'], '~')} {what} {verb}, {entry['effective']}"
        yield f"      by {entry['activation']}"
    if told:
        yield ""


def _words(entry: Mapping[str, Any]) -> str:
    if entry["pii"] == "unknown":
        return "columns that the query does not name"
    pii = f"{entry['pii']}, " if entry["pii"] else ""
    return f"{entry['column']} ({pii}{entry['hashing'] or 'plain'})"
