"""What moved since the last apply, as a document and as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from reconciler.model.scope import EVERYTHING, Scope
from reconciler.reports.changes import value_of
from reconciler.reports.documents import Document, diagnostic_document, heading
from reconciler.reports.partial import partial
from reconciler.reports.text import warning_lines
from reconciler.reports.values import moved

if TYPE_CHECKING:
    from reconciler.diagnostics import Diagnostic
    from reconciler.engine.drift import Drift, DriftReport
    from reconciler.engine.unmanaged import Inventory

SYMBOLS = {"drifted": "~", "missing": "-", "unknown": "?", "converging": "…", "in_sync": "="}


def document(
    report: DriftReport,
    environment: str,
    created_at: str,
    *,
    since: str = "",
    scope: Scope = EVERYTHING,
    warnings: Iterable[Diagnostic] = (),
) -> Document:
    """Every remembered resource of *scope* with its verdict. *since*: the digest that the caller knows, or "".

    warnings: of what moved outside of what is managed, and counts for neither verdict nor digest.
    """
    digest = report.digest()
    return heading("drift", created_at) | {
        "environment": environment,
        "clean": report.is_clean,
        "complete": report.is_complete and scope.is_everything,
        "partial": None if scope.is_everything else scope.to_json(),
        "digest": digest,
        "since": since,
        "changed": digest != since,
        "summary": report.summary(),
        "resources": [resource(entry) for entry in report.entries],
        "warnings": [diagnostic_document(warning) for warning in warnings],
    }


def with_inventory(document: Document, inventory: Inventory) -> Document:
    """*document* with what nothing manages."""
    return document | {
        "complete": bool(document["complete"]) and not inventory.unlisted,
        "unmanaged": [
            {"kind": found.kind, "id": found.remote_id, "name": found.label} for found in inventory.unmanaged
        ],
        "coverage": [
            {"kind": share.kind, "managed": share.managed, "total": share.total} for share in inventory.coverage
        ],
        "unlisted": [{"where": one.where, "why": one.why} for one in inventory.unlisted],
    }


def resource(entry: Drift) -> Document:
    """One resource, whatever became of it."""
    return {
        "address": str(entry.address),
        "verdict": entry.verdict.value,
        "id": entry.remote_id,
        "note": entry.note,
        "source": entry.source,
        "changed_at": entry.changed_at,
        "changed_by": entry.changed_by,
        "fields": [
            {"path": field.path, "applied": value_of(field.before), "found": value_of(field.after)}
            for field in entry.fields
        ],
    }


def text(document: Mapping[str, Any], *, verbose: bool = False) -> str:
    """What moved since the last apply. Ends with a line break."""
    lines = [f"Environment {document['environment']}"]
    if document.get("partial"):
        lines += partial("look", document["partial"])
    if document["since"] and not document["changed"] and not document["summary"]["unknown"]:
        lines += [*warning_lines(document), f"Drift: nothing new since {_short(document['since'])}."]
        return "\n".join(lines) + "\n"
    for entry in document["resources"]:
        if entry["verdict"] == "in_sync" and not verbose:
            continue
        note = f"  {entry['note']}" if entry["note"] else ""
        lines.append(f"{SYMBOLS[entry['verdict']]} {entry['address']:<46} {entry['verdict']}{note}")
        if entry["verdict"] in ("drifted", "missing") and (entry["source"] or entry["changed_at"]):
            lines.append("    " + ", ".join(filter(None, (entry["source"], changed(entry)))))
        for field in entry["fields"]:
            lines += moved(field["path"], field["applied"], field["found"])
    lines += [*_unmanaged(document), *warning_lines(document)]
    for one in document.get("accepted", []):
        lines.append(f"accepted: {one['address']}{one['path']} in {one['file']}")
    if document.get("accepted"):
        lines.append("The manifests say so now; the next `tdr apply` remembers it.")
    counts = ", ".join(f"{count} {verdict}" for verdict, count in document["summary"].items() if count)
    lines.append(f"Drift: {counts or 'nothing is remembered yet'}. {_short(document['digest'])}")
    return "\n".join(lines) + "\n"


def changed(entry: Mapping[str, Any]) -> str:
    """When and by whom, as far as its vendor tells; else ""."""
    if not entry["changed_at"]:
        return ""
    return f"changed at {entry['changed_at']}" + (f" by {entry['changed_by']}" if entry["changed_by"] else "")


def _unmanaged(document: Mapping[str, Any]) -> list[str]:
    lines = [
        f"+ {found['kind']} {found['id']}  unmanaged" + (f"  {found['name']}" if found["name"] != found["id"] else "")
        for found in document.get("unmanaged", [])
    ]
    lines += [
        f"  {share['kind']}: {share['managed']} of {share['total']} managed" for share in document.get("coverage", [])
    ]
    lines += [f"? {one['where']} cannot be listed: {one['why']}" for one in document.get("unlisted", [])]
    return lines


def _short(digest: str) -> str:
    return digest[:15]
