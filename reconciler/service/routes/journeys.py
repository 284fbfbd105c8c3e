"""Batch journeys and the activations of their steps in JSON:API. Source: oas-cdp, tag Journeys."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response

from reconciler.service.answers import json_response
from reconciler.service.cdp.errors import ENTITIES, EntityError, as_entity
from reconciler.service.requests import Call
from reconciler.service.routes.entities import FOLDER, attributes, required_folder
from reconciler.service.routing import route

if TYPE_CHECKING:
    from reconciler.service.service import Service

JOURNEY: Final = "journey"
STEP: Final = "journeyActivationStep"


def list_journeys(service: Service, call: Call) -> Response:
    """The journeys in a folder."""
    folder = service.cdp.folders.find(call.query.get("folder_id", ""))
    if folder is None:
        raise _absence()
    return _told([_journey(service, row) for row in service.cdp.journeys.in_folder(folder["id"])])


def create_journey(service: Service, call: Call) -> Response:
    """Draw a journey in a folder."""
    folder = required_folder(service, call)
    made = as_entity(lambda: service.cdp.journeys.create(folder, attributes(call)))
    return _told(_journey(service, _found(service.cdp.journeys.find(str(made)))))


def show_journey(service: Service, call: Call) -> Response:
    """One journey."""
    return _told(_journey(service, _own(service, call)))


def delete_journey(service: Service, call: Call) -> Response:
    """Remove a journey with its steps."""
    row = _own(service, call)
    told = _journey(service, row)
    service.cdp.journeys.delete(row)
    return _told(told)


def list_steps(service: Service, call: Call) -> Response:
    """The activations of a journey."""
    return _told([_step(service, row) for row in service.cdp.journeys.steps(_own(service, call)["id"])])


def create_step(service: Service, call: Call) -> Response:
    """Make an activation of a journey."""
    journey = _own(service, call)
    made = as_entity(lambda: service.cdp.journeys.create_step(journey, _params(call)))
    return _told(_step(service, _found(service.cdp.journeys.step(journey["id"], str(made)))))


def show_step(service: Service, call: Call) -> Response:
    """One activation of a journey."""
    return _told(_step(service, _own_step(service, call)))


def update_step(service: Service, call: Call) -> Response:
    """Change the given fields of an activation of a journey."""
    row = _own_step(service, call)
    as_entity(lambda: service.cdp.journeys.update_step(row, _params(call)))
    return show_step(service, call)


def _own(service: Service, call: Call) -> sqlite3.Row:
    return _found(service.cdp.journeys.find(call.names["journey"]))


def _own_step(service: Service, call: Call) -> sqlite3.Row:
    return _found(service.cdp.journeys.step(_own(service, call)["id"], call.names["id"]))


def _found(row: sqlite3.Row | None) -> sqlite3.Row:
    if row is None:
        raise _absence()
    return row


def _absence() -> EntityError:
    return EntityError(404, "record-not-found-error", "Record not found")


def _params(call: Call) -> Mapping[str, Any]:
    told = attributes(call).get("activationParams", {})
    if not isinstance(told, Mapping):
        meta = {"parameterCode": "INVALID_FORMAT"}
        pointer = "/attributes/activationParams"
        raise EntityError(400, "bad-parameter-error", "activationParams is not an object", pointer=pointer, meta=meta)
    return told


def _journey(service: Service, row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "type": JOURNEY,
        "attributes": service.cdp.journeys.shown(row),
        "relationships": {"parentFolder": {"data": {"id": str(row["folder_id"]), "type": FOLDER}}},
    }


def _step(service: Service, row: sqlite3.Row) -> dict[str, Any]:
    attributes = {"activationId": None, "activationParams": service.cdp.journeys.shown_step(row)}
    return {"id": str(row["id"]), "type": STEP, "attributes": attributes, "relationships": {}}


def _told(data: Any) -> Response:
    return json_response({"data": data, "included": []}, media_type=ENTITIES)


_STEPS: Final = "/entities/journeys/{journey}/activations"

ROUTES = [
    route("GET", "/entities/journeys", list_journeys),
    route("POST", "/entities/journeys", create_journey),
    route("GET", "/entities/journeys/{journey}", show_journey),
    route("DELETE", "/entities/journeys/{journey}", delete_journey),
    route("GET", _STEPS, list_steps),
    route("POST", _STEPS, create_step),
    route("GET", f"{_STEPS}/{{id}}", show_step),
    route("PATCH", f"{_STEPS}/{{id}}", update_step),
]
