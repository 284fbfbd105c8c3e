"""What happens during a run, one event a line: for programs that follow it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.errors import ManifestError, TdrError
from reconciler.reports.documents import Document, diagnostic_document, heading

NAMES = {
    "start": "op_start",
    "progress": "op_progress",
    "done": "op_done",
    "failed": "op_failed",
    "skipped": "op_skipped",
    "unknown": "op_unknown",
}
"""What an operation comes to -> the name of its event."""


def event(name: str, at: str, facts: Mapping[str, Any]) -> Document:
    """One event. *at* is RFC 3339."""
    return heading("event", at) | {"event": name, **facts}


def plan_loaded(plan: Mapping[str, Any]) -> Iterator[tuple[str, Document]]:
    """What is going to be done, and what the reader should know of it."""
    yield (
        "plan_loaded",
        {
            "environment": plan["environment"],
            "plan_digest": plan["plan_digest"],
            "complete": plan["complete"],
            "summary": dict(plan["summary"]),
            "gates": list(plan["gates"]),
            "operations": [
                {"address": one["address"], "action": one["actions"][0]}
                for one in sorted(plan["changes"], key=lambda one: int(one["order"]))
                if one["actions"] != ["noop"]
            ],
        },
    )
    for warning in plan["warnings"]:
        yield "diagnostic", dict(warning)


def failure(error: BaseException) -> Iterator[tuple[str, Document]]:
    """Why there is no result; of what is no error of ours only the type is told, for its text may hold anything."""
    if isinstance(error, ManifestError):
        for finding in error.diagnostics:
            yield "diagnostic", diagnostic_document(finding)
        return
    is_told = isinstance(error, TdrError)
    yield (
        "diagnostic",
        {
            "severity": "error",
            "rule": type(error).__name__,
            "message": error.message if isinstance(error, TdrError) else f"unexpected {type(error).__name__}",
            "hint": error.hint if isinstance(error, TdrError) else "",
            "request_id": (getattr(error, "request_id", "") or None) if is_told else None,
        },
    )


def summary(document: Mapping[str, Any] | None, exit_code: int) -> Document:
    """How it ended. *document*: what the command came to, or None."""
    is_result = document is not None and document["format"] != "tdr.plan"
    return {"exit_code": exit_code, "result": dict(document) if document is not None and is_result else None}
