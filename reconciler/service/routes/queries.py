"""Saved queries: reading, writing, running."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response

from reconciler.service.answers import ApiError, invalid, utc_text
from reconciler.service.jobs import scheduled
from reconciler.service.requests import Call, whole_number
from reconciler.service.routing import route
from reconciler.service.runs import run_of
from reconciler.service.schedules import Timing

if TYPE_CHECKING:
    from reconciler.service.service import Service

_MOST_RUNS: Final = 10  # documented limit of `num`
_LATEST: Final = 253_402_300_799


def list_queries(service: Service, _call: Call) -> Response:
    """All saved queries."""
    return Response(service.queries.all(), media_type="application/json")


def create_query(service: Service, call: Call) -> Any:
    """Make a saved query."""
    return service.queries.create(call.names["name"], call)


def update_query(service: Service, call: Call) -> Any:
    """Change the given fields of a saved query."""
    return service.queries.update(call.names["name"], call)


def delete_query(service: Service, call: Call) -> Any:
    """Remove a saved query."""
    return service.queries.delete(call.names["name"])


def history(service: Service, call: Call) -> Any:
    """The runs of a saved query, newest first; `to` is excluded."""
    start = call.offset("from", 0)
    end = call.offset("to", start + 20)
    rows = service.jobs.of_query(service.queries.row(call.names["name"])["id"])
    return {"count": len(rows), "from": start, "to": end, "history": [scheduled(row) for row in rows[start:end]]}


def run_query(service: Service, call: Call) -> Any:
    """Run a saved query as of a time, and *num* - 1 scheduled times after it."""
    row = service.queries.row(call.names["name"])
    first = whole_number("time", call.names["time"], 0, _LATEST)
    count = call.integer("num", 1, 1, _MOST_RUNS)
    timing = Timing(row["cron"], row["timezone"], row["delay"])
    if count > 1 and timing.cron is None:
        raise invalid("Num must be 1 for a query without a schedule")
    jobs: list[dict[str, Any]] = []
    moment: float | None = first
    for number in range(count):
        if moment is None:
            break
        key = call.text("domain_key")
        job_id = issue_run(service, row, int(moment), f"{key}-{number}" if key and number else key)
        jobs.append({"job_id": str(job_id), "type": row["type"], "scheduled_at": utc_text(moment)})
        moment = service.schedules.next_after(timing, moment)
    return {"jobs": jobs}


def run_query_of_id(service: Service, call: Call) -> Any:
    """Run a saved query by id. Source: td-client-java."""
    row = service.queries.row_of_id(call.names["id"])
    moment = call.text("scheduled_time")
    scheduled_time = _unix(moment) if moment else int(service.clock.now())
    return {"id": str(issue_run(service, row, scheduled_time, call.text("domain_key")))}


def issue_run(service: Service, row: sqlite3.Row, scheduled_time: int, domain_key: str) -> int:
    """Queue one run of a saved query."""
    return service.issue(run_of(row, scheduled_time, domain_key))


def _unix(text: str) -> int:
    if text.isdecimal():
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ApiError(400, f"'scheduled_time' is not a time: {text!r}") from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


ROUTES = [
    route("GET", "/v3/schedule/list", list_queries),
    route("POST", "/v3/schedule/create/{name}", create_query),
    route("POST", "/v3/schedule/update/{name}", update_query),
    route("POST", "/v3/schedule/delete/{name}", delete_query),
    route("GET", "/v3/schedule/history/{name}", history),
    route("POST", "/v3/schedule/run/{name}/{time}", run_query),
    route("POST", "/v4/queries/{id}/jobs", run_query_of_id),
]
