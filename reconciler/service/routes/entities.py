"""Parent segments, folders and segments in JSON:API, by the addresses below ``/entities``. Source: oas-cdp.

A request's body is the bare resource; an answer wraps it in ``data``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response

from reconciler.service.answers import JSON, ApiError, iso_text, json_response
from reconciler.service.cdp.errors import ENTITIES, EntityError, as_entity, blank
from reconciler.service.requests import Call
from reconciler.service.routing import route

if TYPE_CHECKING:
    from reconciler.service.cdp.building import Build
    from reconciler.service.service import Service

FOLDER, SEGMENT, PARENT = "folder-segment", "segment-batch", "parentSegment"


def list_parents(service: Service, _call: Call) -> Response:
    """All parent segments, each with its root folder."""
    return _told([_parent(service, row) for row in service.cdp.parents.rows()])


def show_parent(service: Service, call: Call) -> Response:
    """One parent segment."""
    return _told(_parent(service, _found(service.cdp.parents.find(call.names["id"]))))


def by_folder(service: Service, call: Call) -> Response:
    """A folder with all that is in it, down to `depth`. Rules are empty unless `with_rule` asks for them."""
    root = _found(service.cdp.folders.find(call.names["id"]))
    if not call.query.get("depth", "").isdecimal():
        raise _parameter("depth", "INVALID_FORMAT", "depth is required and must be a number")
    folders = service.cdp.folders.of(root["audience_id"])
    depths = {root["id"]: 0}
    waiting = [root["id"]]
    while waiting:
        holder = waiting.pop()
        inside = [row["id"] for row in folders if row["parent_id"] == holder]
        depths |= dict.fromkeys(inside, depths[holder] + 1)
        waiting += inside
    most = int(call.query["depth"])
    told = [_folder(row) for row in folders if depths.get(row["id"], most + 1) <= most]
    build = service.cdp.builds.newest(root["audience_id"])
    told += [
        _segment(service, row, build, with_rule=call.query.get("with_rule") == "true")
        for row in service.cdp.segments.of(root["audience_id"])
        if depths.get(row["folder_id"], most + 1) < most or row["folder_id"] == root["id"]
    ]
    return _told(told, JSON)


def create_folder(service: Service, call: Call) -> Response:
    """Make a folder in another."""
    parent = required_folder(service, call)
    folder_id = as_entity(lambda: service.cdp.folders.create(parent, attributes(call)))
    return _told(_folder(_found(service.cdp.folders.find(str(folder_id)))))


def show_folder(service: Service, call: Call) -> Response:
    """One folder."""
    return _told(_folder(_found(service.cdp.folders.find(call.names["id"]))))


def update_folder(service: Service, call: Call) -> Response:
    """Change the given attributes of a folder, or move it."""
    row = _found(service.cdp.folders.find(call.names["id"]))
    as_entity(lambda: service.cdp.folders.update(row, attributes(call), _folder_named(service, call)))
    return show_folder(service, call)


def delete_folder(service: Service, call: Call) -> Response:
    """Remove an empty folder."""
    row = _found(service.cdp.folders.find(call.names["id"]))
    try:
        service.cdp.folders.delete(row)
    except EntityError as error:
        if error.status != 409 or call.headers.get("accept") != JSON:
            raise
        raise _FolderConflict(service, row) from error
    return _told(_folder(row))


def create_segment(service: Service, call: Call) -> Response:
    """Make a segment; its folder decides the parent segment."""
    folder = required_folder(service, call)
    segment_id = as_entity(lambda: service.cdp.segments.create(folder, attributes(call)))
    return _told_segment(service, str(segment_id))


def show_segment(service: Service, call: Call) -> Response:
    """One segment."""
    return _told_segment(service, call.names["id"])


def update_segment(service: Service, call: Call) -> Response:
    """Change the given attributes of a segment, or move it."""
    row = _found(service.cdp.segments.find(call.names["id"]))
    as_entity(lambda: service.cdp.segments.update(row, attributes(call), _folder_named(service, call)))
    return show_segment(service, call)


def delete_segment(service: Service, call: Call) -> Response:
    """Remove a segment that no other refers to."""
    row = _found(service.cdp.segments.find(call.names["id"]))
    told = _told_segment(service, call.names["id"])
    service.cdp.segments.delete(row)
    return told


class _FolderConflict(ApiError):
    """The older shape of a refused deletion, for clients that ask for plain JSON."""

    def __init__(self, service: Service, row: sqlite3.Row) -> None:
        super().__init__(409, "Folder has children")
        self._folder_id = str(row["id"])
        self._segments = [one for one in service.cdp.segments.of(row["audience_id"]) if one["folder_id"] == row["id"]]

    def body(self) -> dict[str, Any]:
        """As oas-cdp has it."""
        return {
            "errors": {"id": [self._folder_id], "deletion": [self.message]},
            "referencedBySegments": [{"id": str(one["id"])} for one in self._segments],
        }


def _told(data: Any, media_type: str = ENTITIES) -> Response:
    return json_response({"data": data, "included": []}, media_type=media_type)


def _found(row: sqlite3.Row | None) -> sqlite3.Row:
    if row is None:
        raise EntityError(404, "record-not-found-error", "Record not found")
    return row


def _parameter(name: str, code: str, message: str) -> EntityError:
    return EntityError(400, "bad-parameter-error", message, pointer=f"/{name}", meta={"parameterCode": code})


def attributes(call: Call) -> Mapping[str, Any]:
    """What a request says that an object is to be.

    Raises:
        EntityError: it is no object of JSON.
    """
    told = call.fields.get("attributes", {})
    if not isinstance(told, Mapping):
        raise _parameter("attributes", "INVALID_FORMAT", "attributes is not an object")
    return told


def required_folder(service: Service, call: Call) -> sqlite3.Row:
    """The folder of the relationship ``parentFolder``.

    Raises:
        EntityError: the request names none, or one that is not there.
    """
    folder = _folder_named(service, call)
    if folder is None:
        raise blank("parentFolder").entity()
    return folder


def _folder_named(service: Service, call: Call) -> sqlite3.Row | None:
    """The folder of the relationship ``parentFolder``, None when the request has none."""
    told = call.fields.get("relationships")
    if not told:
        return None
    match told:
        case {"parentFolder": {"data": {"id": folder_id}}}:
            return _found(service.cdp.folders.find(str(folder_id)))
        case _:
            raise _parameter("relationships/parentFolder", "INVALID_FORMAT", "parentFolder has no data with an id")


def _parent(service: Service, row: sqlite3.Row) -> dict[str, Any]:
    told = service.cdp.parent(row)
    keys = (
        "name",
        "description",
        "population",
        "scheduleType",
        "timezone",
        "matrixUpdatedAt",
        "createdAt",
        "updatedAt",
    )
    return {
        "id": told["id"],
        "type": PARENT,
        "attributes": {key: told[key] for key in keys},
        "relationships": {"parentSegmentFolder": {"data": {"id": told["rootFolderId"], "type": FOLDER}}},
    }


def _folder(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "type": FOLDER,
        "attributes": {
            "name": row["name"],
            "description": row["description"],
            "audienceId": str(row["audience_id"]),
            "createdAt": iso_text(row["created_at"]),
            "updatedAt": iso_text(row["updated_at"]),
        },
        "relationships": {"parentFolder": _relation(row["parent_id"])},
    }


def _told_segment(service: Service, segment_id: str) -> Response:
    row = _found(service.cdp.segments.find(segment_id))
    return _told(_segment(service, row, service.cdp.builds.newest(row["audience_id"]), with_rule=True))


def _segment(service: Service, row: sqlite3.Row, build: Build | None, *, with_rule: bool) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "type": SEGMENT,
        "attributes": {
            "name": row["name"],
            "description": row["description"],
            "audienceId": str(row["audience_id"]),
            "rule": orjson.loads(row["rule"]) if with_rule else {},
            "countPopulation": bool(row["count_population"]),
            "population": service.cdp.segments.population(row, build),
            "segmentInsightDashboardId": None,
            "createdAt": iso_text(row["created_at"]),
            "updatedAt": iso_text(row["updated_at"]),
        },
        "relationships": {"parentFolder": _relation(row["folder_id"])},
    }


def _relation(folder_id: int | None) -> dict[str, Any]:
    return {"data": None if folder_id is None else {"id": str(folder_id), "type": FOLDER}}


ROUTES = [
    route("GET", "/entities/parent_segments", list_parents),
    route("GET", "/entities/parent_segments/{id}", show_parent),
    route("GET", "/entities/by-folder/{id}", by_folder),
    route("POST", "/entities/folders", create_folder),
    route("GET", "/entities/folders/{id}", show_folder),
    route("PATCH", "/entities/folders/{id}", update_folder),
    route("DELETE", "/entities/folders/{id}", delete_folder),
    route("POST", "/entities/segments", create_segment),
    route("GET", "/entities/segments/{id}", show_segment),
    route("PATCH", "/entities/segments/{id}", update_segment),
    route("DELETE", "/entities/segments/{id}", delete_segment),
]
