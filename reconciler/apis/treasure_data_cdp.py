"""Treasure Data's customer data platform: parent segments, folders, segments, their activations ("syndications"), journeys.

Two generations of addresses lead to the same objects. Here parent segments and all reading go by ``/audiences``, which is the
one that tells rules reliably; folders and segments are written by ``/entities``, the only one that can delete them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

import orjson

from reconciler.apis.treasure_data_answers import unexpected
from reconciler.errors import Conflict, ProviderError
from reconciler.http.answer import Answer
from reconciler.http.client import Client
from reconciler.http.request import Request, Safety, get, path, send_bytes, send_empty, send_json
from reconciler.model.json import Json

Raw: TypeAlias = Mapping[str, Json]
"""One object of an answer."""

ENTITIES: Final = "application/vnd.treasuredata.v1+json"
FOLDER: Final = "folder-segment"
SEGMENT: Final = "segment-batch"
JOURNEY_STEP: Final = "journeyActivationStep"
_DEEPEST: Final = "32"
"""Levels of folders; what td-mcp-server asks for."""


class CustomerData:
    """The parent segments of one account, spoken to through *http*. Safe for many threads.

    What makes an object is sent once: OutcomeUnknown then says that it may or may not be there, and whoever asked looks.
    """

    def __init__(self, http: Client) -> None:
        """Keep *http*; nothing is sent yet."""
        self._http = http

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        return self._http.calls

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def parents(self) -> list[Raw]:
        """All parent segments, whole."""
        return self._list(get("/audiences"))

    def parent(self, parent_id: str) -> Raw:
        """One parent segment, whole."""
        return self._object(get(path("audiences", parent_id)))

    def run_parent(self, parent_id: str) -> Raw:
        """Build the tables of a parent segment anew: the execution. Each call starts a build."""
        request = send_empty("POST", path("audiences", parent_id, "run"))
        answer = self._http.json(request)
        if not isinstance(answer, dict) or not answer.get("workflowAttemptId"):
            raise unexpected(request, answer, "an execution with its attempt", self._http.scrubber)
        return answer

    def executions(self, parent_id: str) -> list[Raw]:
        """The builds of a parent segment."""
        return self._list(get(path("audiences", parent_id, "executions")), identified_by="workflowAttemptId")

    def create_parent(self, body: Raw) -> Raw:
        """Make a parent segment. Conflict when there is one of that name."""
        return self._object(send_json("POST", "/audiences", body))

    def replace_parent(self, parent_id: str, body: Raw) -> Raw:
        """Exchange a parent segment: what *body* leaves out is gone."""
        return self._object(send_json("PUT", path("audiences", parent_id), body))

    def delete_parent(self, parent_id: str) -> None:
        """Remove a parent segment with its folders and segments."""
        self._http.send(send_empty("DELETE", path("audiences", parent_id)))

    def folders(self, parent_id: str) -> list[Raw]:
        """All folders of a parent segment, its root among them, which has no parent."""
        return self._list(get(path("audiences", parent_id, "folders")))

    def parent_entities(self) -> list[Raw]:
        """All parent segments as the newer addresses tell them; in a list or below ``data``, as td-mcp-server reads both."""
        request = get("/entities/parent_segments")
        answer = self._http.json(request)
        told = answer.get("data") if isinstance(answer, dict) else answer
        if not isinstance(told, list) or not all(isinstance(one, dict) for one in told):
            raise unexpected(request, answer, "a list of parent segments", self._http.scrubber)
        return told

    def folder_parents(self, parent_id: str) -> dict[str, str]:
        """Folder -> the folder it is in, "" for the root, from the tree of folders that ``/entities`` tells."""
        relations = self._data(get(path("entities", "parent_segments", parent_id))).get("relationships")
        root = _related(relations, "parentSegmentFolder")
        request = get(path("entities", "by-folder", root), {"depth": _DEEPEST, "with_rule": "false"})
        folders = [one for one in self._data_list(request) if one.get("type") == FOLDER]
        up = {str(one["id"]): _related(one.get("relationships"), "parentFolder") for one in folders}
        return {**up, root: ""}

    def segments(self, parent_id: str) -> list[Raw]:
        """All segments of a parent segment. A rule may be left empty here: see `segment`."""
        return self._list(get(path("audiences", parent_id, "segments")))

    def segment(self, parent_id: str, segment_id: str) -> Raw:
        """One segment with its rule."""
        return self._object(get(path("audiences", parent_id, "segments", segment_id)))

    def create(self, kind: str, attributes: Raw, folder_id: str) -> Raw:
        """Make a folder or a segment (`FOLDER`, `SEGMENT`) in a folder. Conflict when the name is taken there."""
        body = _entity(kind, attributes, folder_id)
        return self._data(send_bytes("POST", _where(kind), body, ENTITIES, safety=Safety.ONCE))

    def update(self, kind: str, entity_id: str, attributes: Raw, folder_id: str) -> Raw:
        """Change the given attributes, and move it to a folder unless that is ""."""
        body = _entity(kind, attributes, folder_id)
        at = _where(kind) + path(entity_id)
        return self._data(send_bytes("PATCH", at, body, ENTITIES, safety=Safety.IDEMPOTENT))

    def delete(self, kind: str, entity_id: str) -> None:
        """Remove a folder or a segment. Conflict while something is in it, or refers to it."""
        self._http.send(send_empty("DELETE", _where(kind) + path(entity_id)))

    def syndications(self, parent_id: str) -> list[Raw]:
        """All activations of all segments of a parent segment, whole."""
        return self._list(get(path("audiences", parent_id, "syndications")))

    def syndication(self, parent_id: str, segment_id: str, syndication_id: str) -> Raw:
        """One activation of a segment, whole."""
        return self._object(get(_syndications(parent_id, segment_id, syndication_id)))

    def create_syndication(self, parent_id: str, segment_id: str, body: Raw) -> Raw:
        """Make an activation of a segment. Several may have one name."""
        return self._object(send_json("POST", _syndications(parent_id, segment_id), body))

    def update_syndication(self, parent_id: str, segment_id: str, syndication_id: str, body: Raw) -> Raw:
        """Change an activation. Whether what *body* leaves out stays is not documented: send all that may be written."""
        return self._object(send_json("PUT", _syndications(parent_id, segment_id, syndication_id), body))

    def delete_syndication(self, parent_id: str, segment_id: str, syndication_id: str) -> None:
        """Remove an activation."""
        self._http.send(send_empty("DELETE", _syndications(parent_id, segment_id, syndication_id)))

    def run_syndication(self, segment_id: str, syndication_id: str) -> str:
        """Run an activation now; the id of the attempt. Each call starts a run."""
        at = path("entities", "segments", segment_id, "syndications", syndication_id, "run")
        return str(self._data(send_empty("POST", at))["id"])

    def journeys(self, folder_id: str) -> list[Raw]:
        """The journeys in a folder, each version alone. Source: oas-cdp, tag Journeys; so are the next three."""
        return self._data_list(get("/entities/journeys", {"folder_id": folder_id}))

    def journey_activations(self, journey_id: str) -> list[Raw]:
        """The activations that steps of a journey are."""
        return self._data_list(get(_journey_activations(journey_id)))

    def journey_activation(self, journey_id: str, step_id: str) -> Raw:
        """One of them."""
        return self._data(get(_journey_activations(journey_id, step_id)))

    def update_journey_activation(self, journey_id: str, step_id: str, attributes: Raw) -> Raw:
        """Change one. Whether what *attributes* leave out stays is not documented: send all that may be written."""
        resource = {"id": step_id, "type": JOURNEY_STEP, "attributes": attributes, "relationships": {}}
        at = _journey_activations(journey_id, step_id)
        return self._data(send_bytes("PATCH", at, orjson.dumps(resource), ENTITIES, safety=Safety.IDEMPOTENT))

    def _object(self, request: Request) -> Raw:
        answer = self._http.json(request)
        if not isinstance(answer, dict) or not answer.get("id"):
            raise unexpected(request, answer, "an object with its id", self._http.scrubber)
        return answer

    def _data(self, request: Request) -> Raw:
        answer = self._http.json(request)
        told = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(told, dict) or not told.get("id"):
            raise unexpected(request, answer, "data with its id", self._http.scrubber)
        return told

    def _data_list(self, request: Request) -> list[Raw]:
        answer = self._http.json(request)
        told = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(told, list) or not all(isinstance(one, dict) and one.get("id") for one in told):
            raise unexpected(request, answer, "a list of data, each with its id", self._http.scrubber)
        return told

    def _list(self, request: Request, *, identified_by: str = "id") -> list[Raw]:
        answer = self._http.json(request)
        if not isinstance(answer, list) or not all(isinstance(one, dict) and one.get(identified_by) for one in answer):
            raise unexpected(request, answer, f"a list of objects, each with its {identified_by}", self._http.scrubber)
        return answer


def is_taken(answer: Answer) -> type[ProviderError] | None:
    """A name that is taken is answered with 400 here, where other vendors say 409."""
    if answer.status == 400 and (b"VIOLATES_UNIQUENESS" in answer.body or b"already been taken" in answer.body):
        return Conflict
    return None


def _related(relationships: Json, name: str) -> str:
    """The id of what a resource names as its *name*, "" for nothing."""
    relation = relationships.get(name) if isinstance(relationships, dict) else None
    data = relation.get("data") if isinstance(relation, dict) else None
    return str(data["id"]) if isinstance(data, dict) and data.get("id") else ""


def _syndications(parent_id: str, segment_id: str, *syndication_id: str) -> str:
    return path("audiences", parent_id, "segments", segment_id, "syndications", *syndication_id)


def _journey_activations(journey_id: str, *step_id: str) -> str:
    return path("entities", "journeys", journey_id, "activations", *step_id)


def _where(kind: str) -> str:
    return "/entities/folders" if kind == FOLDER else "/entities/segments"


def _entity(kind: str, attributes: Raw, folder_id: str) -> bytes:
    relation = {"parentFolder": {"data": {"id": folder_id, "type": FOLDER}}} if folder_id else {}
    return orjson.dumps({"type": kind, "attributes": attributes, "relationships": relation})
