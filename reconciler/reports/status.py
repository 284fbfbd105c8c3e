"""How what was applied is doing: runs over time, next runs by meaning, findings; as a document and as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.engine.health import seconds
from reconciler.ports.clock import rfc3339
from reconciler.reports.documents import Document, heading
from reconciler.reports.values import aligned
from reconciler.schedule import Dialect, ScheduleError, meaning, next_runs, parse
from reconciler.schedule.words import duration

if TYPE_CHECKING:
    from reconciler.engine.health import Problem
    from reconciler.model.address import Address
    from reconciler.model.observation import Observation
    from reconciler.model.record import Record
    from reconciler.ports.provider import Job

NEXT = 3
RECENT = 3
"""How many runs a listing of everything shows of each resource."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One resource as it was looked at. *error* says why not all of it could be read, or is ""."""

    address: Address
    record: Record
    found: Observation | None
    runs: Sequence[Job]
    problems: Sequence[Problem]
    error: str = ""


def document(
    shown: Sequence[Seen],
    environment: str,
    *,
    dialect: Dialect | str,
    now: float,
    in_full: bool,
    notes: Sequence[str] = (),
) -> Document:
    """Everything that was looked at, sorted by address.

    now: Unix seconds. in_full: whether it is about one resource, whose runs are then all shown as text.
    notes: what else could not be read.
    """
    problems = [problem for one in shown for problem in one.problems]
    return heading("status", rfc3339(now)) | {
        "environment": environment,
        "healthy": not problems,
        "complete": not notes and all(not one.error for one in shown),
        "in_full": in_full,
        "findings": [
            {
                "address": str(problem.address),
                "rule": problem.rule,
                "message": problem.message,
                "hint": problem.hint,
            }
            for problem in problems
        ],
        "unread": list(notes),
        "resources": [_resource(one, Dialect(dialect), now) for one in shown],
    }


def _resource(one: Seen, dialect: Dialect, now: float) -> Document:
    told = one.found.computed if one.found is not None else {}
    return {
        "address": str(one.address),
        "id": one.record.remote_id,
        "error": one.error,
        "note": one.found.note if one.found is not None else "",
        "size": told.get("size"),
        "schedule": _schedule(one.found, dialect, now),
        "runs": [
            {
                "job_id": run.job_id,
                "status": run.status.value,
                "created_at": _time(run.created_at),
                "started_at": _time(run.started_at),
                "ended_at": _time(run.ended_at),
                "seconds": None if (took := seconds(run, now)) is None else int(took),
                "rows": run.done,
            }
            for run in one.runs
        ],
    }


def _time(unix_s: int | None) -> str | None:
    return None if unix_s is None else rfc3339(unix_s)


def _schedule(found: Observation | None, dialect: Dialect, now: float) -> Document | None:
    """When it runs next; None for what does not run by itself."""
    told = found.attributes if found is not None else {}
    cron, zone, delay = told.get("cron"), str(told.get("timezone") or "UTC"), told.get("delay")
    if not isinstance(cron, str) or not cron:
        return None
    late = delay if isinstance(delay, int) else 0
    document: Document = {"cron": cron, "timezone": zone, "delay": late}
    try:
        parsed = parse(cron, dialect)
        runs = next_runs(parsed, zone, now, NEXT)
    except ScheduleError as error:
        return document | {"meaning": str(error), "next": []}
    return document | {
        "meaning": meaning(parsed, zone, late),
        "next": [rfc3339(run.utc.timestamp() + late) for run in runs],
    }


def text(document: Mapping[str, Any]) -> str:
    """What is wrong first, then how each resource is doing. Ends with a line break."""
    lines = [f"Environment {document['environment']}"]
    for found in document["findings"]:
        lines += [f"! {found['rule']}: {found['address']} {found['message']}", f"    {found['hint']}"]
    lines += [f"? {note}" for note in document["unread"]]
    for one in document["resources"]:
        lines += _told(one, in_full=document["in_full"])
    count = len(document["findings"])
    verdict = f"{count} finding{'' if count == 1 else 's'}" if count else "nothing is wrong"
    if not document["complete"]:
        verdict += ", but not all could be read"
    lines.append(f"Status: {verdict}.")
    return "\n".join(lines) + "\n"


def _told(one: Mapping[str, Any], *, in_full: bool) -> Iterator[str]:
    size = f"  {one['size']} members" if one["size"] is not None else ""
    yield f"{one['address']}  {one['id']}{size}" + (f"  {one['note']}" if one["note"] else "")
    if one["error"]:
        yield f"  ? cannot be read: {one['error']}"
    schedule = one["schedule"]
    if schedule is not None:
        yield f"  runs {schedule['meaning']}"
        yield from (f"  next {at}" for at in schedule["next"][: NEXT if in_full else 1])
    runs = one["runs"] if in_full else one["runs"][:RECENT]
    if runs:
        heads = ["job", "status", "started", "took", "rows"]
        yield from (f"  {line}" for line in aligned([heads, *(_run(run) for run in runs)]))


def _run(run: Mapping[str, Any]) -> list[str]:
    took = "" if run["seconds"] is None else duration(run["seconds"])
    return [run["job_id"], run["status"], run["started_at"] or run["created_at"] or "", took, f"{run['rows']:,}"]
