"""The JSON documents: versioned, sorted, the same bytes for the same facts. Their schemas are in `schemas/`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from reconciler import __version__
from reconciler.diagnostics import Diagnostic
from reconciler.engine import approvals
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
from reconciler.model.unknown import Unknown
from reconciler.reports import leaving

if TYPE_CHECKING:
    from reconciler.engine.applying import Applied
    from reconciler.engine.approvals import Approval
    from reconciler.engine.world import Fingerprint
    from reconciler.model.record import State
    from reconciler.ports.store import Holder

FORMAT_VERSION = "1.0"

Document = dict[str, Json]


def heading(name: str, created_at: str) -> Document:
    """The first keys of every document. *created_at* is RFC 3339."""
    return {
        "format": f"tdr.{name}",
        "format_version": FORMAT_VERSION,
        "tdr_version": __version__,
        "created_at": created_at,
    }


def plan_document(
    prepared: Prepared, plan_digest: str, created_at: str, fingerprint: Fingerprint | None = None
) -> Document:
    """A plan, with what it was derived from; also what a saved plan holds. No secret is in it.

    fingerprint: tells a secret by its reference and a keyed fingerprint instead of its value; without, by nothing.
    """
    plan = prepared.plan
    return heading("plan", created_at) | {
        "environment": plan.base.environment,
        "complete": plan.complete,
        "base": {
            "accounts": dict(plan.base.accounts),
            "config_digest": plan.base.config_digest,
            "lineage": plan.base.lineage,
            "policy_digest": plan.base.policy_digest,
            "serial": plan.base.serial,
        },
        "plan_digest": plan_digest,
        "summary": plan.summary(),
        "origins": plan.origins(),
        "gates": [
            {
                "rule": gate.rule,
                "message": gate.message,
                "addresses": [str(address) for address in gate.addresses],
                "hint": gate.hint,
                "approve": approvals.flag(gate.rule, plan_digest) or None,
            }
            for gate in plan.gates
        ],
        "egress": leaving.entries(plan.egress),
        "warnings": [_diagnostic(warning) for warning in plan.warnings],
        "api_calls": dict(plan.api_calls),
        "changes": [_whole(change, prepared, fingerprint) for change in plan.changes],
    }


def _whole(change: Change, prepared: Prepared, fingerprint: Fingerprint | None) -> Document:
    plan, address = prepared.plan, change.address
    document = _change(change, prepared.resolutions.get(address), plan.sources.get(address, ""), plan.depends_on)
    if not isinstance(change, Keep):
        document |= _told_of(change, prepared, fingerprint)
    return document


def _change(
    change: Change, resolution: Resolution | None, source: str, depends_on: Mapping[Address, tuple[Address, ...]]
) -> Document:
    document: Document = {
        "address": str(change.address),
        "actions": [action(change)],
        "reason": reason_of(change),
        "id": getattr(change, "remote_id", "") or None,
        "source": source,
        "depends_on": [str(need) for need in depends_on.get(change.address, ())],
        "fields": [_field(field) for field in fields_of(change).values()],
    }
    if isinstance(change, Keep) and change.note:
        document["note"] = change.note
    if isinstance(change, Undecided):
        document["note"] = change.why
    if isinstance(change, Move):
        document["moved_to"] = str(change.to)
    if isinstance(change, Create | Replace) and change.via is not None:
        document["made_by"] = str(change.via)
    if resolution is not None and resolution.mode:
        document["resolved"] = {
            "outcome": resolution.outcome.value,
            "mode": resolution.mode,
            "why": resolution.why,
            "evidence": resolution.evidence,
            "steps": list(BOOTSTRAP_STEPS) if resolution.outcome is Outcome.BOOTSTRAP else [],
        }
    return document


def _told_of(change: Change, prepared: Prepared, fingerprint: Fingerprint | None) -> Document:
    """Risks of a change and the secrets it sends, where there are any."""
    document: Document = {}
    if risks := prepared.plan.risks.get(change.address):
        document["risk"] = list(risks)
    secret_paths = {path for path, field in fields_of(change).items() if field.secret}
    desired = prepared.desired.get(change.address) if secret_paths and fingerprint else None
    if desired is not None and fingerprint is not None:
        document["secrets"] = [
            {"path": path, "reference": secret.reference, "fingerprint": fingerprint(secret, path)}
            for path, secret in sorted(secrets_in(desired.attributes), key=lambda found: found[0])
            if path in secret_paths
        ]
    return document


BOOTSTRAP_STEPS = (
    "write the export in create mode, schedule off",
    "run it once and wait",
    "find the audience and verify it",
    "write the export in update mode, schedule on",
)


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


def _field(field: FieldChange) -> Document:
    conflict: Document = {"applied": field.applied} if field.origin is Origin.BOTH else {}
    return conflict | {
        "path": field.path,
        "before": value_of(field.before),
        "after": value_of(field.after),
        "origin": field.origin.value,
        "sensitive": field.secret,
        "unknown": isinstance(field.after, Unknown),
    }


def _diagnostic(diagnostic: Diagnostic) -> Document:
    position = diagnostic.position
    return {
        "rule": diagnostic.rule,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "hint": diagnostic.hint,
        "subject": diagnostic.subject,
        "path": diagnostic.path,
        "file": position.file if position else None,
        "line": position.line if position else None,
        "column": position.column if position else None,
        "frame": diagnostic.frame,
    }


def validation_document(diagnostics: tuple[Diagnostic, ...], created_at: str) -> Document:
    """Everything `validate` found, in reading order."""
    errors = sum(diagnostic.is_error for diagnostic in diagnostics)
    return heading("validation", created_at) | {
        "valid": not errors,
        "summary": {"errors": errors, "others": len(diagnostics) - errors},
        "diagnostics": [_diagnostic(diagnostic) for diagnostic in diagnostics],
    }


def run_document(applied: Applied, plan: Document, run: str, exit_code: int, created_at: str) -> Document:
    """What an apply did, computed from the results of its operations."""
    summary: dict[str, int] = {}
    for result in applied.results:
        summary[result.status.value] = summary.get(result.status.value, 0) + 1
    return heading("run", created_at) | {
        "run": run,
        "environment": plan["environment"],
        "plan_digest": plan["plan_digest"],
        "exit_code": exit_code,
        "interrupted": applied.interrupted,
        "summary": dict(sorted(summary.items())),
        "results": [
            {
                "address": str(result.address),
                "action": result.action,
                "status": result.status.value,
                "message": result.message,
                "hint": result.hint,
            }
            for result in applied.results
        ],
        "unsettled": list(applied.unsettled),
    }


def approvals_given(given: Sequence[Approval], who: str, reason: str) -> list[Json]:
    """Who lifted which gate of which plan, and why."""
    return [
        {"rule": approval.rule, "plan_digest": approval.plan_digest, "who": who, "reason": reason} for approval in given
    ]


def kept_run_document(
    report: Document, holder: Holder, commit: str, before: State, after: State, *, ended_at: str
) -> Document:
    """A run's report as it is kept: with who it was, and for every operation what was remembered before and after it.

    commit: of the project; "" when unknown.
    before, after: the state as the run found it and as it left it.
    ended_at: to the microsecond.
    """
    results = report["results"]
    return report | {
        "ended_at": ended_at,
        "who": holder.who,
        "host": holder.host,
        "operation": holder.operation,
        "commit": commit,
        "approvals": report.get("approvals", []),
        "lineage": after.lineage,
        "serial_before": before.serial,
        "serial_after": after.serial,
        "results": [
            {
                **result,
                "record_before": _remembered(before, str(result["address"])),
                "record_after": _remembered(after, str(result["address"])),
            }
            for result in (results if isinstance(results, list) else ())
            if isinstance(result, dict)
        ],
    }


def _remembered(state: State, address: str) -> Json:
    record = state.records.get(Address.parse(address))
    return record.to_json() if record else None
