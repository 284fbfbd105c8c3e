"""Bulk imports: sessions that parts are uploaded into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from reconciler.service.requests import Call
from reconciler.service.routing import route

if TYPE_CHECKING:
    from reconciler.service.service import Service


def list_sessions(service: Service, _call: Call) -> Any:
    """All sessions."""
    return {"bulk_imports": service.bulk_imports.all()}


def show_session(service: Service, call: Call) -> Any:
    """One session."""
    return service.bulk_imports.get(call.names["name"])


def create_session(service: Service, call: Call) -> Any:
    """Open a session for a table."""
    service.bulk_imports.create(call.names["name"], call.names["database"], call.names["table"])
    return _reference(call)


def delete_session(service: Service, call: Call) -> Any:
    """Remove a session with its parts."""
    service.bulk_imports.delete(call.names["name"])
    return _reference(call)


def list_parts(service: Service, call: Call) -> Any:
    """Names of the parts of a session."""
    return {**_reference(call), "parts": service.bulk_imports.parts(call.names["name"])}


def upload_part(service: Service, call: Call) -> Any:
    """Keep a part, gzipped msgpack."""
    service.bulk_imports.upload(call.names["name"], call.names["part"], call.content)
    return {**_reference(call), "part_name": call.names["part"]}


def delete_part(service: Service, call: Call) -> Any:
    """Remove a part."""
    service.bulk_imports.delete_part(call.names["name"], call.names["part"])
    return {**_reference(call), "part_name": call.names["part"]}


def freeze(service: Service, call: Call) -> Any:
    """Close a session for uploads."""
    service.bulk_imports.set_frozen(call.names["name"], frozen=True)
    return _reference(call)


def unfreeze(service: Service, call: Call) -> Any:
    """Open it again."""
    service.bulk_imports.set_frozen(call.names["name"], frozen=False)
    return _reference(call)


def perform(service: Service, call: Call) -> Any:
    """Check the parts, in a job."""
    job_id = service.bulk_imports.perform(call.names["name"])
    service.runner.submit(job_id)
    return {**_reference(call), "job_id": str(job_id)}


def commit(service: Service, call: Call) -> Any:
    """Put the good rows into the table."""
    service.bulk_imports.commit(call.names["name"])
    return _reference(call)


def error_records(service: Service, call: Call) -> Any:
    """What was no row, as gzipped msgpack."""
    return Response(service.bulk_imports.error_records(call.names["name"]), media_type="application/octet-stream")


def _reference(call: Call) -> dict[str, str]:
    return {"name": call.names["name"], "bulk_import": call.names["name"]}


ROUTES = [
    route("GET", "/v3/bulk_import/list", list_sessions),
    route("GET", "/v3/bulk_import/show/{name}", show_session),
    route("POST", "/v3/bulk_import/create/{name}/{database}/{table}", create_session),
    route("POST", "/v3/bulk_import/delete/{name}", delete_session),
    route("GET", "/v3/bulk_import/list_parts/{name}", list_parts),
    route("PUT", "/v3/bulk_import/upload_part/{name}/{part}", upload_part),
    route("POST", "/v3/bulk_import/delete_part/{name}/{part}", delete_part),
    route("POST", "/v3/bulk_import/freeze/{name}", freeze),
    route("POST", "/v3/bulk_import/unfreeze/{name}", unfreeze),
    route("POST", "/v3/bulk_import/perform/{name}", perform),
    route("POST", "/v3/bulk_import/commit/{name}", commit),
    route("GET", "/v3/bulk_import/error_records/{name}", error_records),
]
