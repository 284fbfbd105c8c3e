"""Connections (v4) and results (v3), which are one collection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from reconciler.errors import TdrError
from reconciler.ports.exports import ExportRequest
from reconciler.service.answers import ApiError, invalid
from reconciler.service.masking import masked
from reconciler.service.requests import Call, whole_number
from reconciler.service.routing import route
from reconciler.service.runner import reason

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


def validate_settings(service: Service, call: Call) -> Any:
    """Settings of an export, checked as they are before a run; those of the connection that is named hold them up."""
    type_, settings = call.text("type"), _settings_of(call)
    held: Mapping[str, Any] = {}
    if call.text("connection_id"):
        connection = service.connections.open(whole_number("connection_id", call.text("connection_id"), 1, 2**53))
        if type_ and type_ != connection.type:
            raise invalid(f"Type {type_!r} is not that of the connection: {connection.type!r}")
        type_, held = connection.type, connection.settings
    if not type_:
        raise ApiError(422, "'type' parameter is required")
    try:
        # No column is known here; this one fits every export, so what is refused is in the settings.
        service.exporter.check(ExportRequest(type_, {**held, **settings}, "validation"), {"email": "VARCHAR"})
    except TdrError as error:
        raise invalid(reason(error)) from error
    return {"type": type_, "settings": masked(settings)}


def restrictions(_service: Service, _call: Call) -> Any:
    """Connectors that the account may not use for something: none is restricted here."""
    return {}


def _settings_of(call: Call) -> dict[str, Any]:
    try:
        settings = orjson.loads(call.text("settings", "{}"))
    except orjson.JSONDecodeError as error:
        raise invalid("Settings is not a JSON object") from error
    if not isinstance(settings, dict):
        raise invalid("Settings is not a JSON object")
    return settings


ROUTES = [
    route("POST", "/v3/connector_configs/validate_with_connection", validate_settings),
    route("GET", "/v3/data_connector_restrictions", restrictions),
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
