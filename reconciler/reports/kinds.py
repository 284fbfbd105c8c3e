"""The kinds there are, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.reports.values import aligned


def text(document: Mapping[str, Any]) -> str:
    """A line for each kind and service, what is to be known of it below. Ends with a line break."""
    kinds = document["kinds"]
    rows = [["KIND", "PROVIDER", "SERVICE", "VERBS"], *(_cells(kind) for kind in kinds)]
    head, *lines = aligned(rows)
    told = [f"tdr {document['tdr_version']}, documents of {document['api_version']}", ""]
    told.append(head)
    for kind, line in zip(kinds, lines, strict=True):
        told += [line, *_remarks(kind)]
    told += ["", *(f"{one['provider']}: {one['api']}" for one in document["providers"])]
    return "\n".join(told) + "\n"


def _cells(kind: Mapping[str, Any]) -> list[str]:
    return [kind["kind"], kind["provider"] or "-", ", ".join(kind["services"]) or "-", " ".join(kind["verbs"]) or "-"]


def _remarks(kind: Mapping[str, Any]) -> Iterator[str]:
    if kind["immutable"]:
        yield f"    replaced when one of these changes: {', '.join(kind['immutable'])}"
    for note in kind["notes"]:
        yield f"    {note}"
