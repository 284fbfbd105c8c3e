"""Connections (v4) and results (v3), which are one collection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.service.answers import ApiError
from reconciler.service.requests import Call
from reconciler.service.routing import route

if TYPE_CHECKING:
    from reconciler.service.service import Service


def lookup(service: Service, call: Call) -> Any:
    """The id of a connection, by name."""
    if not call.query.get("name"):
        raise ApiError(422, "'name' parameter is required")
    return {"id": service.connections.lookup(call.query["name"])}


def list_connections(service: Service, _call: Call) -> Any:
    """All connections, masked."""
    return service.connections.all()


def create_connection(service: Service, call: Call) -> Any:
    """Make a connection."""
    return service.connections.create(call.fields)


def show_connection(service: Service, call: Call) -> Any:
    """One connection, masked."""
    return service.connections.get(call.names["id"])


def update_connection(service: Service, call: Call) -> Any:
    """Change the given fields of a connection."""
    return service.connections.update(call.names["id"], call.fields)


def delete_connection(service: Service, call: Call) -> Any:
    """Remove a connection."""
    return service.connections.delete(call.names["id"])


def list_results(service: Service, _call: Call) -> Any:
    """All connections, as results."""
    return {"results": service.connections.results()}


def create_result(service: Service, call: Call) -> Any:
    """Make a connection of a URL."""
    service.connections.create_result(call.names["name"], call.required("url"))
    return {"name": call.names["name"], "result": call.names["name"]}


def delete_result(service: Service, call: Call) -> Any:
    """Remove a connection by name."""
    service.connections.delete_result(call.names["name"])
    return {"name": call.names["name"], "result": call.names["name"]}


ROUTES = [
    route("GET", "/v3/connections/lookup", lookup),
    route("GET", "/v4/connections", list_connections),
    route("POST", "/v4/connections", create_connection),
    route("GET", "/v4/connections/{id}", show_connection),
    route("PUT", "/v4/connections/{id}", update_connection),
    route("PATCH", "/v4/connections/{id}", update_connection),
    route("DELETE", "/v4/connections/{id}", delete_connection),
    route("GET", "/v3/result/list", list_results),
    route("POST", "/v3/result/create/{name}", create_result),
    route("POST", "/v3/result/delete/{name}", delete_result),
]
