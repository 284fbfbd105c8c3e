"""`tdr diff`: two saved plans by what they would do, not by their text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconciler.commands import saved_plan
from reconciler.commands.answer import DIFFERENCES, OK, Answer
from reconciler.engine.operations import differences, operations
from reconciler.errors import TdrError
from reconciler.ports.clock import SystemClock, rfc3339
from reconciler.reports.documents import Document, heading


def diff(one: Path, other: Path) -> Answer:
    """Compare two saved plans: operations, gates, and what leaves.

    Raises:
        TdrError: one of them is no saved plan.
        StalePlan: one of them was changed after it was saved.
    """
    a, b = _plan(one), _plan(other)
    try:
        document = _document(a, b)
    except (LookupError, TypeError, AttributeError) as error:
        raise TdrError(
            "one of the files is no whole plan", hint="name files that `tdr plan --out FILE` wrote"
        ) from error
    return Answer(document, OK if document["equal"] else DIFFERENCES)


def _plan(path: Path) -> dict[str, Any]:
    document = saved_plan.load(path)
    if document["format"] != "tdr.plan":
        raise TdrError(f"{str(path)!r} is no plan", hint="name a file that `tdr plan --out FILE` wrote")
    return document


def _document(a: Mapping[str, Any], b: Mapping[str, Any]) -> Document:
    found = list(differences(operations(a), operations(b)))
    gates_a, gates_b = ({(gate["rule"], gate["message"]) for gate in plan["gates"]} for plan in (a, b))
    leaving_a, leaving_b = (_leaving(plan) for plan in (a, b))
    moved = [
        (kind, side, text)
        for kind, then, now in (
            ("gate", {": ".join(gate) for gate in gates_a}, {": ".join(gate) for gate in gates_b}),
            ("egress", leaving_a, leaving_b),
        )
        for side, texts in (("a", then - now), ("b", now - then))
        for text in sorted(texts)
    ]
    return heading("plan_diff", rfc3339(SystemClock().now())) | {
        "equal": not found and not moved and a["environment"] == b["environment"],
        "environments": [a["environment"], b["environment"]],
        "plan_digests": [a["plan_digest"], b["plan_digest"]],
        "operations": [{"address": one.address, "path": one.path, "a": one.one, "b": one.other} for one in found],
        "only": [{"what": kind, "in": side, "text": text} for kind, side, text in moved],
    }


def _leaving(plan: Mapping[str, Any]) -> set[str]:
    return {
        f"{entry['column']} {entry['change']} leaving to {entry['destination']} by {entry['activation']}"
        for entry in plan.get("egress", ())
    }
