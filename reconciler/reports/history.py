"""Runs as they are kept: a listing, and one in full."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.model.json import Json
from reconciler.reports.documents import Document, heading
from reconciler.reports.values import aligned, moved


def document(entries: Sequence[Document], environment: str, created_at: str) -> Document:
    """*entries* newest first."""
    return heading("history", created_at) | {"environment": environment, "runs": list(entries)}


_TEXTS = ("format", "run", "operation", "created_at", "who", "commit", "plan_digest")
_LISTS = ("approvals", "results", "unsettled")
_OF_A_RESULT = frozenset({"address", "action", "status", "message", "record_before", "record_after"})


def is_run(kept: Mapping[str, Json]) -> bool:
    """Whether *kept* has what a run is shown by: a file that somebody changed, or another program wrote, may be anything."""
    if not all(isinstance(kept.get(name), str) for name in _TEXTS) or kept["format"] != "tdr.run":
        return False
    if not all(isinstance(kept.get(name), list) for name in _LISTS) or not isinstance(kept.get("summary"), Mapping):
        return False
    results: Any = kept["results"]
    is_whole = all(isinstance(one, Mapping) and one.keys() >= _OF_A_RESULT for one in results)
    return is_whole and isinstance(kept.get("exit_code"), int) and {"serial_before", "serial_after"} <= kept.keys()


def entry(run: str, kept: Mapping[str, Json]) -> Document:
    """One line of the listing."""
    approvals, summary = kept.get("approvals"), kept.get("summary")
    return {
        "run": run,
        "at": str(kept.get("created_at", "")),
        "operation": str(kept.get("operation", "")),
        "who": str(kept.get("who", "")),
        "host": str(kept.get("host", "")),
        "commit": str(kept.get("commit", "")),
        "plan_digest": str(kept.get("plan_digest", "")),
        "result": result(kept),
        "exit_code": kept.get("exit_code"),
        "summary": summary if isinstance(summary, Mapping) else {},
        "approvals": len(approvals) if isinstance(approvals, list) else 0,
        "note": "",
    }


def damaged(run: str, why: str) -> Document:
    """A run whose document cannot be read."""
    return entry(run, {}) | {"result": "unknown", "note": why}


def result(kept: Mapping[str, Json]) -> str:
    """How a run ended, in a word."""
    if kept.get("interrupted"):
        return "interrupted"
    code = kept.get("exit_code")
    return {0: "done", 6: "partial"}.get(code if isinstance(code, int) else 1, "failed")


def text(document: Mapping[str, Any]) -> str:
    """The listing. Ends with a line break."""
    runs = document["runs"]
    if not runs:
        return f"Environment {document['environment']}\nNothing has run yet.\n"
    rows = [["run", "at", "operation", "result", "changes", "who", "commit", "plan"]]
    rows += [
        [
            run["run"],
            run["at"],
            run["operation"],
            run["result"] + (f": {run['note']}" if run["note"] else ""),
            _counts(run["summary"]),
            run["who"] + (f", {run['approvals']} approvals" if run["approvals"] else ""),
            run["commit"][:12],
            run["plan_digest"][:15],
        ]
        for run in runs
    ]
    return "\n".join([f"Environment {document['environment']}", *aligned(rows)]) + "\n"


def _counts(summary: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {status}" for status, count in summary.items())


def run_text(document: Mapping[str, Any]) -> str:
    """One run that was kept: who, when, from what, and what it did to each resource. Ends with a line break."""
    lines = [
        f"Run {document['run']} ({document['operation']}) of {document['created_at']}: {result(document)}",
        f"  by {document['who']}, commit {document['commit'][:12] or 'unknown'}, plan {document['plan_digest'][:15]}",
        f"  state {document['serial_before']} → {document['serial_after']}",
    ]
    lines += [f"  approved: {_approval(approval)}" for approval in document["approvals"]]
    for one in document["results"]:
        why = f": {one['message']}" if one["message"] else ""
        lines.append(f"{one['address']:<48} {one['action']:<10} {one['status']}{why}")
        lines += _fields(one["record_before"], one["record_after"])
    lines += [f"does not settle: {text}" for text in document["unsettled"]]
    lines.append(f"{document['operation'].capitalize()}: {_counts(document['summary']) or 'nothing to do'}.")
    return "\n".join(lines) + "\n"


def _approval(approval: object) -> str:
    if isinstance(approval, Mapping):
        return ", ".join(f"{name} {value}" for name, value in approval.items())
    return str(approval)


def _fields(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Iterator[str]:
    """What moved in what is remembered; nothing for what is new or gone as a whole."""
    if before is None or after is None:
        return
    yield from _leaves(before["applied"], after["applied"], "")


def _leaves(before: Mapping[str, Any], after: Mapping[str, Any], at: str) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        one, other = before.get(name), after.get(name)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            yield from _leaves(one, other, f"{at}/{name}")
        elif one != other:
            yield from moved(f"{at}/{name}", one, other)
