"""What is taken into the state because others changed it, as a document and as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reconciler.model.json import Json
from reconciler.model.scope import Scope
from reconciler.reports.documents import Document, heading
from reconciler.reports.drift import SYMBOLS, changed, resource
from reconciler.reports.partial import partial
from reconciler.reports.values import counted, moved

if TYPE_CHECKING:
    from reconciler.engine.drift import DriftReport
    from reconciler.engine.noticing import Noticed
    from reconciler.model.plan import Gate


def document(
    report: DriftReport,
    found: Sequence[Noticed],
    gates: Sequence[Gate],
    *,
    environment: str,
    created_at: str,
    serial: int,
    scope: Scope,
) -> Document:
    """Everything that was looked at, in order of addresses, before anything is remembered. *serial* is the state's."""
    return heading("refresh", created_at) | {
        "environment": environment,
        "remembered": False,
        "run": None,
        "serial": serial,
        "complete": report.is_complete and scope.is_everything,
        "partial": None if scope.is_everything else scope.to_json(),
        "digest": report.digest(),
        "summary": dict(Counter(map(_outcome, found))),
        "gates": [
            {
                "rule": gate.rule,
                "message": gate.message,
                "addresses": [str(address) for address in gate.addresses],
                "hint": gate.hint,
            }
            for gate in gates
        ],
        "resources": [_resource(one) for one in found],
    }


def _outcome(one: Noticed) -> str:
    if one.is_left:
        return "left"
    return "as_remembered" if one.after is None else "to_remember"


def _resource(one: Noticed) -> dict[str, Json]:
    return resource(one.found) | {"outcome": _outcome(one), "note": one.note, "hint": one.hint}


def text(document: Mapping[str, Any]) -> str:
    """What moved, and what becomes of it in the state. Ends with a line break."""
    lines = [f"Environment {document['environment']}"]
    if document["partial"]:
        lines += partial("refresh", document["partial"])
    for gate in document["gates"]:
        lines += [f"! {gate['rule']}: {gate['message']}", f"    {gate['hint']}"]
    for entry in document["resources"]:
        if entry["outcome"] != "as_remembered":
            lines += _lines(entry)
    return "\n".join([*lines, *_end(document)]) + "\n"


def _lines(entry: Mapping[str, Any]) -> list[str]:
    note = f"  {entry['note']}" if entry["note"] else ""
    lines = [f"{SYMBOLS[entry['verdict']]} {entry['address']:<46} {entry['verdict']}{note}"]
    place = ", ".join(filter(None, (entry["source"], changed(entry))))
    lines += [f"    {place}"] if place else []
    for field in entry["fields"]:
        lines += moved(field["path"], field["applied"], field["found"])
    return [*lines, f"    {entry['hint']}"] if entry["hint"] else lines


def closing(document: Mapping[str, Any]) -> str:
    """What was done, after `text` was shown before it. Ends with a line break."""
    return "\n".join(_end(document)) + "\n"


def _end(document: Mapping[str, Any]) -> list[str]:
    summary = document["summary"]
    count, left = summary.get("to_remember", 0), summary.get("left", 0)
    told = f", {left} left as {'it is' if left == 1 else 'they are'}" if left else ""
    if document["remembered"]:
        said = f"Refresh: {counted(count, 'resource')} remembered as found{told}; state {document['serial']}."
        return [said, "Manifests that say otherwise still do: see `tdr plan`."] if count else [said]
    if document["gates"]:
        return ["Refresh: nothing is remembered."]
    return [f"Refresh: {counted(count, 'resource')} to remember as found{told}."]
