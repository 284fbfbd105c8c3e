"""What a plan says of one resource, as part of its document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from reconciler.engine.diff import secrets_in
from reconciler.engine.planning import Prepared
from reconciler.model.activation import Outcome, Resolution
from reconciler.model.address import Address
from reconciler.model.change import (
    Change,
    Create,
    FieldChange,
    Keep,
    Move,
    Origin,
    Reason,
    Replace,
    Undecided,
    action,
    fields_of,
)
from reconciler.model.json import Json
from reconciler.model.plan import Plan, origin_of
from reconciler.model.unknown import Unknown

if TYPE_CHECKING:
    from reconciler.engine.world import Fingerprint

WrittenAt = Callable[[Address, str], str]
"""Address and pointer of an attribute -> ``file:line:column`` of its value in the manifests; "" when none says it."""

BOOTSTRAP_STEPS = (
    "write the export in create mode, schedule off",
    "run it once and wait",
    "find the audience and verify it",
    "write the export in update mode, schedule on",
)


def nowhere(_address: Address, _path: str) -> str:
    """The place of a value when nobody looked for it."""
    return ""


def change_documents(prepared: Prepared, fingerprint: Fingerprint | None, written_at: WrittenAt) -> list[Json]:
    """Every change of the plan, by address; `order` counts from 1 in the order in which they are executed."""
    plan = prepared.plan
    held: dict[Address, list[str]] = {}
    for gate in plan.gates:
        for address in gate.addresses:
            held.setdefault(address, []).append(gate.rule)
    told = [
        (change.address, _whole(change, prepared, order, held.get(change.address, ()), fingerprint, written_at))
        for order, change in enumerate(plan.changes, 1)
    ]
    return [document for _, document in sorted(told, key=lambda one: one[0])]


def _whole(
    change: Change,
    prepared: Prepared,
    order: int,
    rules: Sequence[str],
    fingerprint: Fingerprint | None,
    written_at: WrittenAt,
) -> dict[str, Json]:
    plan, address = prepared.plan, change.address
    risks = plan.risks.get(address, ())
    document: dict[str, Json] = {
        "address": str(address),
        "order": order,
        "account": account_of(plan, address),
        "actions": [action(change)],
        "reason": reason_of(change),
        "origin": None if isinstance(change, Keep | Undecided) else origin_of(change).value,
        "id": getattr(change, "remote_id", "") or None,
        "identity": _identity(change, prepared),
        "source": plan.sources.get(address, ""),
        "depends_on": [str(need) for need in plan.depends_on.get(address, ())],
        "risk": list(risks),
        "gates": list(dict.fromkeys(rules)),
        "irreversible": "irreversible" in risks,
        "fields": [_field(field, written_at(address, field.path)) for field in fields_of(change).values()],
    }
    return document | _told_of(change, prepared.resolutions.get(address), prepared, fingerprint)


def account_of(plan: Plan, address: Address) -> str | None:
    """``vendor:account`` that *address* belongs to; None for what is nothing at any vendor, or when it did not tell."""
    vendor = plan.vendors.get(address.kind)
    account = plan.base.accounts.get(vendor) if vendor else None
    return f"{vendor}:{account}" if account else None


def _identity(change: Change, prepared: Prepared) -> dict[str, Json]:
    """Who the object is at its vendor; the key of what is not declared any more is not known."""
    desired = prepared.desired.get(change.address)
    return {"id": getattr(change, "remote_id", "") or None, "natural_key": desired.natural_key if desired else None}


def _told_of(
    change: Change, resolution: Resolution | None, prepared: Prepared, fingerprint: Fingerprint | None
) -> dict[str, Json]:
    """What only some changes have."""
    document: dict[str, Json] = {}
    match change:
        case Keep(note=note) if note:
            document["note"] = note
        case Undecided(why=why):
            document["note"] = why
        case Move(to=to):
            document["moved_to"] = str(to)
        case Create(via=Address() as via) | Replace(via=Address() as via):
            document["made_by"] = str(via)
        case _:
            pass
    if resolution is not None and resolution.mode:
        document["resolved"] = {
            "outcome": resolution.outcome.value,
            "mode": resolution.mode,
            "why": resolution.why,
            "evidence": resolution.evidence,
            "steps": list(BOOTSTRAP_STEPS) if resolution.outcome is Outcome.BOOTSTRAP else [],
        }
    if isinstance(change, Keep) or fingerprint is None:
        return document
    return document | _secrets(change, prepared, fingerprint)


def _secrets(change: Change, prepared: Prepared, fingerprint: Fingerprint) -> dict[str, Json]:
    """The secrets that a change sends, by reference and fingerprint."""
    paths = {path for path, field in fields_of(change).items() if field.secret}
    desired = prepared.desired.get(change.address) if paths else None
    if desired is None:
        return {}
    return {
        "secrets": [
            {"path": path, "reference": secret.reference, "fingerprint": fingerprint(secret, path)}
            for path, secret in sorted(secrets_in(desired.attributes), key=lambda found: found[0])
            if path in paths
        ]
    }


def reason_of(change: Change) -> str:
    """The code that says why *change* is planned, such as ``config_changed``."""
    match change:
        case Keep():
            return Reason.IN_SYNC.value
        case Undecided():
            return Reason.UNREADABLE.value
        case _:
            return change.reason.value


def value_of(value: Json | Unknown) -> Json:
    """A field's value in a document; what is known only after an apply as text."""
    return str(value) if isinstance(value, Unknown) else value


def _field(field: FieldChange, source: str) -> dict[str, Json]:
    conflict: dict[str, Json] = {"applied": field.applied} if field.origin is Origin.BOTH else {}
    since: dict[str, Json] = {"introduced_in": field.introduced_in} if field.introduced_in else {}
    return (
        conflict
        | since
        | {
            "path": field.path,
            "before": value_of(field.before),
            "after": value_of(field.after),
            "origin": field.origin.value,
            "sensitive": field.secret,
            "unknown": isinstance(field.after, Unknown),
            "source": source,
        }
    )
