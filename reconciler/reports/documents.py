"""The JSON documents: versioned, sorted, the same bytes for the same facts. Their schemas are in `schemas/`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from reconciler import __version__
from reconciler.diagnostics import Diagnostic, Position
from reconciler.engine import approvals
from reconciler.engine.planning import Prepared
from reconciler.errors import TdrError
from reconciler.model.address import Address
from reconciler.model.change import action
from reconciler.model.json import Json
from reconciler.reports import leaving
from reconciler.reports.changes import WrittenAt, account_of, change_documents, nowhere

if TYPE_CHECKING:
    from reconciler.engine.applying import Applied
    from reconciler.engine.approvals import Approval
    from reconciler.engine.world import Fingerprint
    from reconciler.model.record import State
    from reconciler.ports.store import Holder

FORMAT_VERSION = "1.0"

Document = dict[str, Json]
_NONE: Mapping[Address, Mapping[str, Position]] = {}


def heading(name: str, created_at: str) -> Document:
    """The first keys of every document. *created_at* is RFC 3339."""
    return {
        "format": f"tdr.{name}",
        "format_version": FORMAT_VERSION,
        "tdr_version": __version__,
        "created_at": created_at,
    }


def plan_document(
    prepared: Prepared,
    plan_digest: str,
    created_at: str,
    fingerprint: Fingerprint | None = None,
    written_at: WrittenAt = nowhere,
) -> Document:
    """A plan, with what it was derived from; also what a saved plan holds. No secret is in it.

    fingerprint: tells a secret by its reference and a keyed fingerprint instead of its value; without, by nothing.
    written_at: where the manifests say a field.
    """
    plan = prepared.plan
    return heading("plan", created_at) | {
        "environment": plan.base.environment,
        "complete": plan.complete,
        "replace": [str(address) for address in plan.replace],
        "refreshed": plan.refreshed,
        "partial": None if plan.complete else plan.scope.to_json(),
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
        "kinds": _counted((change.address.kind, action(change)) for change in plan.changes),
        "accounts": _counted(
            (account, action(change)) for change in plan.changes if (account := account_of(plan, change.address))
        ),
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
        "warnings": [diagnostic_document(warning) for warning in plan.warnings],
        "api_calls": dict(plan.api_calls),
        "changes": change_documents(prepared, fingerprint, written_at),
    }


def _counted(pairs: Iterable[tuple[str, str]]) -> Document:
    """Name -> action -> how many, both sorted."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for name, done in pairs:
        counts[name][done] += 1
    return {name: dict(sorted(counts[name].items())) for name in sorted(counts)}


def diagnostic_document(diagnostic: Diagnostic) -> Document:
    """One finding."""
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


def validation_document(
    diagnostics: tuple[Diagnostic, ...], created_at: str, overlays: Mapping[Address, Mapping[str, Position]] = _NONE
) -> Document:
    """Everything `validate` found, in reading order, and which values an environment says otherwise, and where."""
    errors = sum(diagnostic.is_error for diagnostic in diagnostics)
    return heading("validation", created_at) | {
        "valid": not errors,
        "summary": {"errors": errors, "others": len(diagnostics) - errors},
        "diagnostics": [diagnostic_document(diagnostic) for diagnostic in diagnostics],
        "overlays": [
            {"address": str(address), "path": path, "file": place.file, "line": place.line, "column": place.column}
            for address, values in sorted(overlays.items())
            for path, place in values.items()
        ],
    }


def error_document(command: str, error: BaseException, exit_code: int, created_at: str) -> Document:
    """Why *command*, such as ``tdr apply``, did not come to a result.

    error: of ours, with its hint; of any other only the type is told, for its text may hold anything.
    """
    is_told = isinstance(error, TdrError)
    return heading("error", created_at) | {
        "command": command,
        "exit_code": exit_code,
        "error": type(error).__name__,
        "message": error.message if isinstance(error, TdrError) else f"unexpected {type(error).__name__}",
        "hint": error.hint if isinstance(error, TdrError) else "",
        "request_id": (getattr(error, "request_id", "") or None) if is_told else None,
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
        "complete": plan["complete"],
        "kinds": plan["kinds"],
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
