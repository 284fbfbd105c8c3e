"""Activations of segments ("syndications") by both generations of addresses. Source: oas-cdp."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response

from reconciler.service.answers import json_response
from reconciler.service.cdp.errors import ENTITIES, CdpError, EntityError, as_entity, plainly
from reconciler.service.requests import Call
from reconciler.service.routes.entities import attributes
from reconciler.service.routing import route

if TYPE_CHECKING:
    from reconciler.service.service import Service

TYPE: Final = "syndication"
EXECUTION: Final = "execution-syndication"
_IN_SUMMARIES: Final = ("name", "description", "segmentId", "connectionId", "valid", "createdAt", "updatedAt")


# -- below /audiences: plain objects -----------------------------------------------------------------------------------


def list_of_parent(service: Service, call: Call) -> Any:
    """All activations of a parent segment, whole."""
    parent = service.cdp.parents.find(call.names["audience"])
    if parent is None:
        raise _plain_absence("parent segment")
    return [
        service.cdp.syndications.shown(row, parent["id"]) for row in service.cdp.syndications.of_parent(parent["id"])
    ]


def list_plain(service: Service, call: Call) -> Any:
    """All activations of a segment."""
    segment = _plain_segment(service, call)
    rows = service.cdp.syndications.of_segment(segment["id"])
    return [service.cdp.syndications.shown(row, segment["audience_id"]) for row in rows]


def create_plain(service: Service, call: Call) -> Any:
    """Make an activation of a segment."""
    segment = _plain_segment(service, call)
    made = plainly(lambda: service.cdp.syndications.create(segment, call.fields))
    return _shown(service, segment, str(made), _plain_absence)


def show_plain(service: Service, call: Call) -> Any:
    """One activation."""
    return _shown(service, _plain_segment(service, call), call.names["id"], _plain_absence)


def update_plain(service: Service, call: Call) -> Any:
    """Change the given fields of an activation."""
    row = _own(service, _plain_segment(service, call), call.names["id"], _plain_absence)
    plainly(lambda: service.cdp.syndications.update(row, call.fields))
    return show_plain(service, call)


def delete_plain(service: Service, call: Call) -> Any:
    """Remove an activation."""
    told = show_plain(service, call)
    service.cdp.syndications.delete(_own(service, _plain_segment(service, call), call.names["id"], _plain_absence))
    return told


# -- below /entities: JSON:API -----------------------------------------------------------------------------------------


def summaries(service: Service, call: Call) -> Response:
    """All activations of a parent segment, without schedules, notices and runs."""
    parent = service.cdp.parents.find(call.names["id"])
    if parent is None:
        raise _absence(TYPE)
    rows = service.cdp.syndications.of_parent(parent["id"])
    told = [service.cdp.syndications.shown(row, parent["id"]) for row in rows]
    return _told([_entity({"id": one["id"], **{key: one[key] for key in _IN_SUMMARIES}}) for one in told])


def list_entities(service: Service, call: Call) -> Response:
    """All activations of a segment."""
    segment = _segment(service, call)
    rows = service.cdp.syndications.of_segment(segment["id"])
    return _told([_entity(service.cdp.syndications.shown(row, segment["audience_id"])) for row in rows])


def create_entity(service: Service, call: Call) -> Response:
    """Make an activation of a segment."""
    segment = _segment(service, call)
    made = as_entity(lambda: service.cdp.syndications.create(segment, attributes(call)))
    return _told(_entity(_shown(service, segment, str(made), _absence)))


def show_entity(service: Service, call: Call) -> Response:
    """One activation."""
    return _told(_entity(_shown(service, _segment(service, call), call.names["id"], _absence)))


def update_entity(service: Service, call: Call) -> Response:
    """Change the given attributes of an activation."""
    row = _own(service, _segment(service, call), call.names["id"], _absence)
    as_entity(lambda: service.cdp.syndications.update(row, attributes(call)))
    return show_entity(service, call)


def delete_entity(service: Service, call: Call) -> Response:
    """Remove an activation."""
    told = show_entity(service, call)
    service.cdp.syndications.delete(_own(service, _segment(service, call), call.names["id"], _absence))
    return told


def run(service: Service, call: Call) -> Response:
    """Run an activation now. The answer's id is that of the attempt."""
    row = _own(service, _segment(service, call), call.names["id"], _absence)
    job_id = service.issue(service.cdp.syndications.run_of(row, int(service.clock.now()), ""))
    execution = service.cdp.syndications.execution(row, job_id)
    return _told({"id": execution["workflowAttemptId"], "type": EXECUTION, "attributes": execution})


# -- what both have ----------------------------------------------------------------------------------------------------


def _shown(service: Service, segment: sqlite3.Row, syndication_id: str, absence: Callable[[str], Exception]) -> Any:
    row = _own(service, segment, syndication_id, absence)
    return service.cdp.syndications.shown(row, segment["audience_id"])


def _own(
    service: Service, segment: sqlite3.Row, syndication_id: str, absence: Callable[[str], Exception]
) -> sqlite3.Row:
    """The activation that is named, which must be of the segment that is named."""
    row = service.cdp.syndications.find(syndication_id)
    if row is None or row["segment_id"] != segment["id"]:
        raise absence(TYPE)
    return row


def _plain_segment(service: Service, call: Call) -> sqlite3.Row:
    row = service.cdp.segments.find(call.names["segment"])
    if row is None or str(row["audience_id"]) != call.names["audience"]:
        raise _plain_absence("segment")
    return row


def _segment(service: Service, call: Call) -> sqlite3.Row:
    row = service.cdp.segments.find(call.names["segment"])
    if row is None:
        raise _absence("segment")
    return row


def _plain_absence(what: str) -> CdpError:
    return CdpError(404, "record-not-found-error", f"No such {what}")


def _absence(_what: str) -> EntityError:
    return EntityError(404, "record-not-found-error", "Record not found")


def _entity(told: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": told["id"], "type": TYPE, "attributes": {key: told[key] for key in told if key != "id"}}


def _told(data: Any) -> Response:
    return json_response({"data": data, "included": []}, media_type=ENTITIES)


_PLAIN: Final = "/audiences/{audience}/segments/{segment}/syndications"
_ENTITIES: Final = "/entities/segments/{segment}/syndications"

ROUTES = [
    route("GET", "/audiences/{audience}/syndications", list_of_parent),
    route("GET", _PLAIN, list_plain),
    route("POST", _PLAIN, create_plain),
    route("GET", f"{_PLAIN}/{{id}}", show_plain),
    route("PUT", f"{_PLAIN}/{{id}}", update_plain),
    route("DELETE", f"{_PLAIN}/{{id}}", delete_plain),
    route("GET", "/entities/parent_segments/{id}/syndications", summaries),
    route("GET", _ENTITIES, list_entities),
    route("POST", _ENTITIES, create_entity),
    route("GET", f"{_ENTITIES}/{{id}}", show_entity),
    route("PATCH", f"{_ENTITIES}/{{id}}", update_entity),
    route("DELETE", f"{_ENTITIES}/{{id}}", delete_entity),
    route("POST", f"{_ENTITIES}/{{id}}/run", run),
]
