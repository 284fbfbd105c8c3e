"""Parent segments and what is in them, by the addresses below ``/audiences``. Source: oas-cdp."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import orjson

from reconciler.service.answers import iso_text
from reconciler.service.cdp.errors import CdpError, plainly
from reconciler.service.requests import Call
from reconciler.service.routing import route

if TYPE_CHECKING:
    from reconciler.service.cdp.building import Build
    from reconciler.service.service import Service


def list_parents(service: Service, _call: Call) -> Any:
    """All parent segments."""
    return [service.cdp.parent(row) for row in service.cdp.parents.rows()]


def create_parent(service: Service, call: Call) -> Any:
    """Make a parent segment with its root folder."""
    audience_id = plainly(lambda: service.cdp.parents.create(call.fields))
    return service.cdp.parent(_parent(service, str(audience_id)))


def show_parent(service: Service, call: Call) -> Any:
    """One parent segment."""
    return service.cdp.parent(_parent(service, call.names["audience"]))


def replace_parent(service: Service, call: Call) -> Any:
    """Exchange a parent segment as a whole."""
    row = _parent(service, call.names["audience"])
    plainly(lambda: service.cdp.parents.replace(row, call.fields))
    return show_parent(service, call)


def delete_parent(service: Service, call: Call) -> Any:
    """Remove a parent segment with its folders and segments."""
    row = _parent(service, call.names["audience"])
    told = service.cdp.parent(row)
    service.cdp.parents.delete(row)
    return told


def run_parent(service: Service, call: Call) -> Any:
    """Build the tables of a parent segment."""
    return service.cdp.builds.start(_parent(service, call.names["audience"]))


def executions(service: Service, call: Call) -> Any:
    """The runs of a parent segment, newest first."""
    return service.cdp.builds.executions(_parent(service, call.names["audience"])["id"])


def attributes(service: Service, call: Call) -> Any:
    """The attributes of a parent segment."""
    return show_parent(service, call)["attributes"]


def behaviors(service: Service, call: Call) -> Any:
    """The behaviours of a parent segment."""
    return show_parent(service, call)["behaviors"]


def list_folders(service: Service, call: Call) -> Any:
    """All folders of a parent segment, its root among them."""
    return [_folder(row) for row in service.cdp.folders.of(_parent(service, call.names["audience"])["id"])]


def list_segments(service: Service, call: Call) -> Any:
    """All segments of a parent segment."""
    audience_id = _parent(service, call.names["audience"])["id"]
    build = service.cdp.builds.newest(audience_id)
    return [_segment(service, row, build) for row in service.cdp.segments.of(audience_id)]


def create_segment(service: Service, call: Call) -> Any:
    """Make a segment, in the root folder when none is named."""
    parent = _parent(service, call.names["audience"])
    folder = _folder_of(service, parent, call) or service.cdp.folders.find(
        str(service.cdp.parents.root_folder(parent["id"]))
    )
    if folder is None:
        raise LookupError(parent["id"])
    segment_id = plainly(lambda: service.cdp.segments.create(folder, call.fields))
    made = _found(service.cdp.segments.find(str(segment_id)), "segment")
    return _segment(service, made, service.cdp.builds.newest(parent["id"]))


def show_segment(service: Service, call: Call) -> Any:
    """One segment with its rule."""
    row = _own(service, call)
    return _segment(service, row, service.cdp.builds.newest(row["audience_id"]))


def update_segment(service: Service, call: Call) -> Any:
    """Change the given fields of a segment."""
    row = _own(service, call)
    folder = _folder_of(service, _parent(service, call.names["audience"]), call)
    plainly(lambda: service.cdp.segments.update(row, call.fields, folder))
    return show_segment(service, call)


def query_sql(service: Service, call: Call) -> Any:
    """The SQL of a rule: a check of it, too."""
    parent = _parent(service, call.names["audience"])
    rule = call.fields.get("rule") or {}
    return {"sql": plainly(lambda: service.cdp.segments.sql(parent["id"], rule))}


def _parent(service: Service, audience_id: str) -> sqlite3.Row:
    return _found(service.cdp.parents.find(audience_id), "parent segment")


def _own(service: Service, call: Call) -> sqlite3.Row:
    """The segment that is named, which must be of the parent segment that is named."""
    parent = _parent(service, call.names["audience"])
    row = _found(service.cdp.segments.find(call.names["segment"]), "segment")
    return _found(row if row["audience_id"] == parent["id"] else None, "segment")


def _folder_of(service: Service, parent: sqlite3.Row, call: Call) -> sqlite3.Row | None:
    folder_id = call.text("segmentFolderId")
    if not folder_id:
        return None
    row = _found(service.cdp.folders.find(folder_id), "folder")
    return _found(row if row["audience_id"] == parent["id"] else None, "folder")


def _found(row: sqlite3.Row | None, what: str) -> sqlite3.Row:
    if row is None:
        raise CdpError(404, "record-not-found-error", f"No such {what}")
    return row


def _folder(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "audienceId": str(row["audience_id"]),
        "name": row["name"],
        "description": row["description"],
        "parentFolderId": None if row["parent_id"] is None else str(row["parent_id"]),
        "createdAt": iso_text(row["created_at"]),
        "updatedAt": iso_text(row["updated_at"]),
    }


def _segment(service: Service, row: sqlite3.Row, build: Build | None) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "audienceId": str(row["audience_id"]),
        "name": row["name"],
        "description": row["description"],
        "kind": row["kind"],
        "segmentFolderId": str(row["folder_id"]),
        "rule": orjson.loads(row["rule"]),
        "countPopulation": bool(row["count_population"]),
        "population": service.cdp.segments.population(row, build),
        "isVisible": True,
        "realtime": False,
        "createdAt": iso_text(row["created_at"]),
        "updatedAt": iso_text(row["updated_at"]),
    }


ROUTES = [
    route("GET", "/audiences", list_parents),
    route("POST", "/audiences", create_parent),
    route("GET", "/audiences/{audience}", show_parent),
    route("PUT", "/audiences/{audience}", replace_parent),
    route("DELETE", "/audiences/{audience}", delete_parent),
    route("POST", "/audiences/{audience}/run", run_parent),
    route("GET", "/audiences/{audience}/executions", executions),
    route("GET", "/audiences/{audience}/attributes", attributes),
    route("GET", "/audiences/{audience}/behaviors", behaviors),
    route("GET", "/audiences/{audience}/folders", list_folders),
    route("GET", "/audiences/{audience}/segments", list_segments),
    route("POST", "/audiences/{audience}/segments", create_segment),
    route("POST", "/audiences/{audience}/segments/query", query_sql),
    route("GET", "/audiences/{audience}/segments/{segment}", show_segment),
    route("PUT", "/audiences/{audience}/segments/{segment}", update_segment),
]
