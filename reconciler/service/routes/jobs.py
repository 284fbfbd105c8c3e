"""Jobs: issuing, looking, killing, and the rows they gave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from reconciler.service import jobs
from reconciler.service.answers import ApiError, invalid
from reconciler.service.jobs import NewJob
from reconciler.service.loads import check_place, read_config, seal_config
from reconciler.service.queries import checked_engine, checked_query
from reconciler.service.requests import Call, whole_number
from reconciler.service.routing import route
from reconciler.service.targets import NO_TARGET, read_target

if TYPE_CHECKING:
    from reconciler.service.service import Service

_LATEST = 253_402_300_799


def issue(service: Service, call: Call) -> Any:
    """Queue a query or a bulk load."""
    database = call.names["database"]
    service.catalog.database_id(database)
    job = _load(service, call, database) if call.names["type"] == "bulkload" else _query(service, call, database)
    job_id = str(service.issue(job))
    return {"job": job_id, "job_id": job_id, "database": database}


def list_jobs(service: Service, call: Call) -> Any:
    """Jobs, newest first; `to` is included."""
    start = call.offset("from", 0)
    end = call.offset("to", start + 19)
    found = service.jobs.newest(start, end, call.query.get("status", ""))
    return {"jobs": found, "count": len(found), "from": start, "to": end}


def show(service: Service, call: Call) -> Any:
    """One job with its log."""
    return jobs.shown_in_full(service.jobs.row(call.names["id"]))


def status(service: Service, call: Call) -> Any:
    """The short form of a job."""
    return jobs.status(service.jobs.row(call.names["id"]))


def status_by_domain_key(service: Service, call: Call) -> Any:
    """The short form of the job issued with a domain key."""
    return jobs.status(service.jobs.of_domain_key(call.names["key"]))


def kill(service: Service, call: Call) -> Any:
    """Kill a job that is not finished."""
    row = service.jobs.row(call.names["id"])
    return {"job_id": str(row["id"]), "former_status": service.runner.kill(row["id"])}


def result(service: Service, call: Call) -> Response:
    """The rows a job gave, in one of five formats."""
    row = service.jobs.row(call.names["id"])
    if row["status"] not in jobs.FINISHED:
        raise ApiError(404, f"Job {row['id']} is not finished")
    return service.results.response(row, call)


def result_export(service: Service, call: Call) -> Any:
    """Export the kept rows of a finished job."""
    row = service.jobs.row(call.names["id"])
    target = read_target(call, service.sealer, service.connections)
    if target is None or target.sealed is None:
        raise ApiError(422, "'result' parameter is required")
    if row["status"] != "success":
        raise invalid(f"Job {row['id']} has no result to export: it is {row['status']}")
    service.results.require(row)
    job = NewJob(
        type="export",
        database=row["database"],
        target=target.sealed,
        result=target.result,
        priority=call.integer("priority", 0, -2, 2),
        domain_key=call.text("domain_key") or None,
        exported_job=row["id"],
    )
    job_id = service.issue(job)
    service.jobs.link_export(row["id"], job_id)
    return {"job_id": str(job_id)}


def retry_export(service: Service, call: Call) -> Any:
    """Finish the export of a job: from where it broke off, or with the rows once more that were refused in it."""
    row = service.jobs.row(call.names["id"])
    if row["target"] is None or row["export_job"] is None:
        raise invalid(f"Job {row['id']} has no export that could be finished")
    last = service.jobs.row(row["export_job"])
    if last["status"] not in jobs.FINISHED:
        raise ApiError(409, f"The export of job {row['id']} is still {last['status']}")
    job = NewJob(
        type=jobs.RETRY,
        database=row["database"],
        target=row["target"],
        result=row["result"],
        priority=row["priority"],
        exported_job=row["id"],
    )
    job_id = service.issue(job)
    service.jobs.link_export(row["id"], job_id)
    return {"job_id": str(job_id)}


def _query(service: Service, call: Call, database: str) -> NewJob:
    engine = checked_engine(call.names["type"])
    target = read_target(call, service.sealer, service.connections) or NO_TARGET
    moment = call.text("scheduled_time")
    return NewJob(
        type=engine,
        database=database,
        query=checked_query(call, engine),
        target=target.sealed,
        result=target.result,
        priority=call.integer("priority", 0, -2, 2),
        retry_limit=call.integer("retry_limit", 0, 0, 32),
        domain_key=call.text("domain_key") or None,
        scheduled_time=whole_number("scheduled_time", moment, 0, _LATEST) if moment else None,
    )


def _load(service: Service, call: Call, database: str) -> NewJob:
    table = call.required("table")
    service.catalog.table(database, table)
    config = read_config(call.fields.get("config"), call.text("time_column"))
    check_place(config, database, table)
    return NewJob(
        type="bulkload",
        database=database,
        table=table,
        config=seal_config(config, service.sealer),
        domain_key=call.text("domain_key") or None,
    )


ROUTES = [
    route("POST", "/v3/job/issue/{type}/{database}", issue),
    route("GET", "/v3/job/list", list_jobs),
    route("GET", "/v3/job/show/{id}", show),
    route("GET", "/v3/job/status/{id}", status),
    route("GET", "/v3/job/status_by_domain_key/{key}", status_by_domain_key),
    route("POST", "/v3/job/kill/{id}", kill),
    route("GET", "/v3/job/result/{id}", result),
    route("POST", "/v3/job/result_export/{id}", result_export),
    route("POST", "/v3/job/retry_export/{id}", retry_export),
]
