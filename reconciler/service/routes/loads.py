"""Bulk loads: reading, writing, running."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.service.answers import ApiError
from reconciler.service.loads import read_config, run_of, run_record
from reconciler.service.requests import Call, whole_number
from reconciler.service.routing import route

if TYPE_CHECKING:
    from reconciler.service.service import Service

_LATEST = 253_402_300_799


def list_loads(service: Service, _call: Call) -> Any:
    """All bulk loads."""
    return service.loads.all()


def create_load(service: Service, call: Call) -> Any:
    """Make a bulk load."""
    return service.loads.create(call)


def show_load(service: Service, call: Call) -> Any:
    """One bulk load."""
    return service.loads.get(call.names["name"])


def update_load(service: Service, call: Call) -> Any:
    """Change the given fields of a bulk load."""
    return service.loads.update(call.names["name"], call)


def delete_load(service: Service, call: Call) -> Any:
    """Remove a bulk load."""
    return service.loads.delete(call.names["name"])


def load_jobs(service: Service, call: Call) -> Any:
    """The runs of a bulk load, newest first."""
    row = service.loads.row(call.names["name"])
    return [run_record(row, job) for job in service.jobs.of_load(row["id"])]


def run_load(service: Service, call: Call) -> Any:
    """Run a bulk load now."""
    row = service.loads.row(call.names["name"])
    moment = call.text("scheduled_time")
    scheduled_time = whole_number("scheduled_time", moment, 0, _LATEST) if moment else int(service.clock.now())
    return {"job_id": str(service.issue(run_of(row, scheduled_time, call.text("domain_key"))))}


def guess(service: Service, call: Call) -> Any:
    """A configuration, completed with what its source tells of itself."""
    return {"config": service.previews.guess(_config(call))}


def preview(service: Service, call: Call) -> Any:
    """The first rows that a configuration would load; nothing is kept of them."""
    return service.previews.preview(_config(call))


def _config(call: Call) -> dict[str, Any]:
    if "config" not in call.fields:
        raise ApiError(422, "'config' parameter is required")
    return read_config(call.fields["config"], call.text("time_column"))


ROUTES = [
    route("GET", "/v3/bulk_loads", list_loads),
    route("POST", "/v3/bulk_loads", create_load),
    route("POST", "/v3/bulk_loads/guess", guess),
    route("POST", "/v3/bulk_loads/preview", preview),
    route("GET", "/v3/bulk_loads/{name}", show_load),
    route("PUT", "/v3/bulk_loads/{name}", update_load),
    route("DELETE", "/v3/bulk_loads/{name}", delete_load),
    route("GET", "/v3/bulk_loads/{name}/jobs", load_jobs),
    route("POST", "/v3/bulk_loads/{name}/jobs", run_load),
]
