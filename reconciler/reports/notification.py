"""How a command ended, for whoever is to be told: addresses and names of fields, and no value of any."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.model.notifications import Event
from reconciler.reports import history
from reconciler.reports.documents import Document, heading

LISTED: Final = 50
"""Objects that are named; of the others it is told how many."""
_FIELDS: Final = 20
_RESULTS: Final = {
    Event.GATE: "held",
    Event.DRIFT: "drifted",
    Event.DRIFT_RESOLVED: "clean",
    Event.SCAN_FAILED: "incomplete",
}
"""What a document that is no run came to."""


def document(
    event: Event,
    command: str,
    run: str,
    exit_code: int,
    came_to: Mapping[str, Any],
    *,
    project: str,
    environment: str,
    link: str,
) -> Document:
    """What is told of a *command*, such as ``apply``, that *came_to* a document.

    run: what the call is named by.
    link: where a reader looks next; "" for nowhere.
    """
    name = came_to["format"]
    objects = list(_objects(came_to))
    is_run = name == "tdr.run"
    counted: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in objects:
        if name in {"tdr.run", "tdr.plan"}:
            counted[str(one["action"])][str(one["status"])] += 1
    return heading("notification", str(came_to["created_at"])) | {
        "event": event.value,
        "project": project,
        "environment": environment,
        "command": command,
        "run": run,
        "result": history.result(came_to) if is_run else _RESULTS.get(event, "failed"),
        "exit_code": exit_code,
        "changes": {action: dict(sorted(statuses.items())) for action, statuses in sorted(counted.items())},
        "drift": {verdict: n for verdict, n in came_to["summary"].items() if n} if name == "tdr.drift" else {},
        "digest": came_to.get("digest") or came_to.get("plan_digest"),
        "objects": list(objects[:LISTED]),
        "objects_left_out": max(0, len(objects) - LISTED),
        "gates": sorted({str(gate["rule"]) for gate in came_to.get("gates", ())}),
        "error": _error(came_to),
        "link": link or None,
    }


def _error(came_to: Mapping[str, Any]) -> str | None:
    """The kind of error where there is no result. Its message may say more than everybody is to know."""
    match came_to["format"]:
        case "tdr.error":
            return str(came_to["error"])
        case "tdr.validation":
            return "ManifestError"
        case _:
            return None


def _objects(came_to: Mapping[str, Any]) -> Iterator[Document]:
    match came_to["format"]:
        case "tdr.run":
            for one in came_to["results"]:
                yield _object(one, one["action"], one["status"])
        case "tdr.plan":
            for one in came_to["changes"]:
                if one["actions"] != ["noop"]:
                    yield _object(one, one["actions"][0], "planned")
        case "tdr.drift":
            for one in came_to["resources"]:
                if one["verdict"] in {"drifted", "missing", "unknown"}:
                    yield _object(one, None, one["verdict"])
        case "tdr.job":
            yield _object(came_to, "run", came_to["status"])


def _object(one: Mapping[str, Any], action: str | None, status: str) -> Document:
    fields = sorted({str(field["path"]) for field in one.get("fields", ())})
    return {
        "address": str(one["address"]),
        "action": action,
        "status": status,
        "fields": list(fields[:_FIELDS]),
        "fields_left_out": max(0, len(fields) - _FIELDS),
    }
