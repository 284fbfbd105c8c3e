"""Why a resource is in the plan as it is, as a document and as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.model.change import Keep, Undecided, action
from reconciler.reports.changes import reason_of
from reconciler.reports.documents import Document, heading
from reconciler.reports.values import dotted, is_long, show

if TYPE_CHECKING:
    from reconciler.model.activation import Resolution
    from reconciler.model.address import Address
    from reconciler.model.change import Change
    from reconciler.model.json import Json
    from reconciler.model.observation import Observation
    from reconciler.model.plan import Gate
    from reconciler.model.record import Record

RULES = {
    "input": "compared",
    "immutable": "compared; a change means making it anew",
    "set": "compared in any order",
    "write_only": "never told back; compared with what was last applied",
    "secret": "compared by fingerprint",
    "ignored": "ignored: others may change it",
    "not_declared": "not declared, so nobody's business",
}


@dataclass(frozen=True, slots=True)
class Side:
    """A value, or *why* there is none."""

    value: Json = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One field from all sides. *rule*: how it is compared. *origin*: who moved it, "" when nobody did."""

    path: str
    declared: Side
    applied: Side
    remote: Side
    origin: str
    rule: str
    source: str


def document(
    change: Change,
    fields: Sequence[Field],
    *,
    gates: Sequence[Gate],
    resolution: Resolution | None,
    record: Record | None,
    found: Observation | None,
    candidates: Sequence[str],
    source: str,
    depends_on: Sequence[Address],
    environment: str,
    created_at: str,
) -> Document:
    """Everything known of one resource. *candidates*: ids of the objects of its natural key."""
    return heading("explanation", created_at) | {
        "environment": environment,
        "address": str(change.address),
        "action": action(change),
        "reason": reason_of(change),
        "note": change.why if isinstance(change, Undecided) else change.note if isinstance(change, Keep) else "",
        "id": record.remote_id if record is not None else None,
        "candidates": list(candidates),
        "phase": record.phase if record is not None else "",
        "source": source,
        "depends_on": [str(need) for need in depends_on],
        "gates": [{"rule": gate.rule, "message": gate.message, "hint": gate.hint} for gate in gates],
        "resolved": None
        if resolution is None
        else {
            "outcome": resolution.outcome.value,
            "mode": resolution.mode,
            "why": resolution.why,
            "evidence": resolution.evidence,
        },
        "computed": dict(found.computed) if found is not None else {},
        "fields": [
            {
                "path": field.path,
                "declared": field.declared.value,
                "applied": field.applied.value,
                "remote": field.remote.value,
                "note": field.remote.why,
                "origin": field.origin,
                "rule": field.rule,
                "source": field.source,
            }
            for field in fields
        ],
    }


def text(document: Mapping[str, Any]) -> str:
    """What is planned and why, then each field. Ends with a line break."""
    lines = [f"{document['address']}: {document['action']} [{document['reason']}]"]
    lines += [f"  {label}: {value}" for label, value in _facts(document) if value]
    for gate in document["gates"]:
        lines += [f"! {gate['rule']}: {gate['message']}", *([f"    {gate['hint']}"] if gate["hint"] else [])]
    resolved = document["resolved"]
    if resolved is not None:
        lines.append(f"  resolved: {resolved['outcome']} {resolved['mode']} ({resolved['why']})")
        lines.append(f"    {resolved['evidence']}")
    for field in document["fields"]:
        lines += _field(field)
    return "\n".join(lines) + "\n"


def _facts(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "declared at", document["source"] or "nowhere"
    yield "id", document["id"] or ""
    yield "of its name exist", ", ".join(document["candidates"])
    yield "needs", ", ".join(document["depends_on"])
    yield "first run", document["phase"]
    yield "note", document["note"]
    yield "told by its vendor", ", ".join(f"{name} {show(value)}" for name, value in document["computed"].items())


def _field(field: Mapping[str, Any]) -> Iterator[str]:
    mark = "~" if field["origin"] else " "
    origin = f" [{field['origin']}]" if field["origin"] else ""
    yield f"{mark} {dotted(field['path'])}{origin}: {RULES.get(field['rule'], field['rule'])}"
    for label, key in (("declared", "declared"), ("last applied", "applied"), ("found", "remote")):
        value = field["note"] if key == "remote" and field["note"] else _short(field[key])
        yield f"      {label:<13} {value}"
    if field["source"]:
        yield f"      {'written at':<13} {field['source']}"


def _short(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, str) and is_long(value):
        first = value.splitlines()[0][:60]
        return f"{show(first)} … ({len(value)} characters)"
    return show(value)
