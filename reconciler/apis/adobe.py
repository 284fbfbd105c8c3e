"""Adobe's Flow Service: specifications, connections, flows, and the etags they are changed under.

Lists come whole, page by page. GET of one object answers a list of one. Specifications have no etag and are put as a whole;
connections, flows and their parts are patched under ``If-Match``, whose text keeps the quotes it came with.
Source: Adobe's API description of the Flow Service and its tutorials.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias
from urllib.parse import parse_qs, urlsplit

from reconciler.errors import NotFound, Transient
from reconciler.http.client import Client
from reconciler.http.request import Request, Safety, get, path, send_empty, send_json
from reconciler.model.json import Json
from reconciler.ports.clock import Clock
from reconciler.scrubbing import Scrubber

Object: TypeAlias = Mapping[str, Json]

PREFIX: Final = "/data/foundation/flowservice"
_PAGE: Final = "100"
_BARREN: Final = 10
"""So many pages in a row may tell nothing new: a filter can leave pages empty."""
_SETTLING_S: Final = 120.0
_LOOK_S: Final = 5.0
_PASSING: Final = frozenset({"disabling", "updating", "enabled-finalizing", "delete-finalizing"})
"""States in which a flow takes no calls. Source: Adobe's page of Flow Service error messages."""
_NEW: Final = "initializing"
"""State of a flow that may be on its way or not; only its last operation tells."""
_UNFINISHED: Final = frozenset({"inprogress", "queued", "scheduled"})
"""What ``lastOperation.status.value`` is meanwhile. How it is spelled differs, so letters alone count.

Source: the values of a status in Adobe's API description. It does not say that ``lastOperation`` has one.
"""
_NOT_FOR_FILTERS: Final = frozenset('"\\,')
"""What a filter ends at, or cannot be known to take: how a value is escaped is described nowhere, and commas join filters."""


class Kind(StrEnum):
    """Collections of the service, as its paths call them."""

    CONNECTION_SPECS = "connectionSpecs"
    FLOW_SPECS = "flowSpecs"
    CONNECTIONS = "connections"
    SOURCES = "sourceConnections"
    TARGETS = "targetConnections"
    FLOWS = "flows"
    RUNS = "runs"


@dataclass(frozen=True, slots=True)
class Change:
    """One operation of a PATCH."""

    op: str
    path: str
    value: Json = None

    def body(self) -> dict[str, Json]:
        """As it is sent."""
        told: dict[str, Json] = {"op": self.op, "path": self.path}
        return told if self.op == "remove" else {**told, "value": self.value}


class FlowService:
    """One sandbox of one organisation. Safe for many threads."""

    def __init__(self, client: Client, clock: Clock, login: Client | None = None) -> None:
        """Speak through *client*; see `adobe_connect.connect`. *login* is closed along with it."""
        self._client = client
        self._clock = clock
        self._login = login

    @property
    def calls(self) -> int:
        """Requests sent so far, those for tokens too."""
        return self._client.calls + (self._login.calls if self._login else 0)

    @property
    def scrubber(self) -> Scrubber:
        """Knows what must not be shown."""
        return self._client.scrubber

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
        if self._login is not None:
            self._login.close()

    # -- looking -------------------------------------------------------------------------------------------------

    def listed(self, kind: Kind, *filters: str) -> list[Object]:
        """All objects of *kind* that the *filters* let through, such as ``name=="lists"``, each once.

        Raises:
            Transient: a page leads back to one that was told, or pages tell nothing new, so that they cannot be believed.
        """
        params: dict[str, str | Sequence[str]] = {"limit": _PAGE}
        if filters:
            params["property"] = filters
        found: dict[str, Object] = {}
        tokens: set[str] = set()
        barren = 0
        while True:
            request = get(PREFIX + path(kind.value), params)
            told = self._object(request, self._client.json(request))
            known = len(found)
            for one in self._items(request, told):
                found.setdefault(str(one["id"]), one)
            barren = barren + 1 if len(found) == known else 0
            if barren > _BARREN:
                raise self._client.unusable(request, f"nothing new on {barren} pages, so its pages never end")
            token = _token(told)
            if not token:
                return list(found.values())
            if token in tokens:
                raise self._client.unusable(request, "the same page twice, so its pages never end")
            tokens.add(token)
            params = {**params, "continuationToken": token}

    def named(self, kind: Kind, name: str) -> list[Object]:
        """All objects of *kind* that are called *name*, by a filter where one can say it."""
        filters = [] if _NOT_FOR_FILTERS & set(name) else [f'name=="{name}"']
        return [told for told in self.listed(kind, *filters) if told.get("name") == name]

    def newest(self, kind: Kind, filtered: str, limit: int) -> list[Object]:
        """At most *limit* objects of *kind* that the filter lets through, those made last."""
        params = {"limit": str(limit), "orderby": "-createdAt", "property": filtered}
        request = get(PREFIX + path(kind.value), params)
        return self._items(request, self._object(request, self._client.json(request)))

    def one(self, kind: Kind, object_id: str) -> Object:
        """One object.

        Raises:
            NotFound: it is not there.
        """
        request = get(PREFIX + path(kind.value, object_id))
        items = self._items(request, self._object(request, self._client.json(request)))
        if not items:
            raise NotFound(f"Adobe: there is no {kind.value}/{object_id}")
        return items[0]

    def may_read(self) -> None:
        """Ask for as little as possible, to know that credentials, organisation and sandbox are good.

        Raises:
            ProviderError: one of them is not.
        """
        self._client.json(get(PREFIX + path(Kind.FLOW_SPECS.value), {"limit": "1"}))

    def settled(self, flow_id: str) -> Object:
        """A flow once it takes calls.

        Raises:
            NotFound: it is not there.
            Transient: it stays on its way for minutes.
        """
        until = self._clock.now() + _SETTLING_S
        while is_on_its_way(flow := self.one(Kind.FLOWS, flow_id)):
            if self._clock.now() >= until:
                raise Transient(
                    f"Adobe: flow {flow_id} is on its way for {_SETTLING_S:.0f} s, now {flow.get('state')!r}",
                    hint="run again when it is settled",
                )
            self._clock.sleep(_LOOK_S)
        return flow

    # -- writing -------------------------------------------------------------------------------------------------

    def create(self, kind: Kind, body: Object) -> str:
        """Make an object and tell its id."""
        request = send_json("POST", PREFIX + path(kind.value), body)
        told = self._object(request, self._client.json(request))
        made = told.get("id")
        if not isinstance(made, str) or not made:
            raise self._client.unusable(request, "no id of what was made")
        return made

    def put(self, kind: Kind, object_id: str, body: Object) -> None:
        """Replace a specification as a whole."""
        self._client.json(send_json("PUT", PREFIX + path(kind.value, object_id), body))

    def patch(self, kind: Kind, object_id: str, etag: str, changes: Sequence[Change]) -> None:
        """Change members of the object that has *etag* still.

        Raises:
            Conflict: it has another by now.
        """
        body = [change.body() for change in changes]
        request = send_json("PATCH", PREFIX + path(kind.value, object_id), body)
        self._client.json(request.with_headers({"If-Match": etag}))

    def switch(self, flow_id: str, *, on: bool) -> None:
        """Enable or disable a flow."""
        params = {"op": "enable" if on else "disable"}
        at = PREFIX + path(Kind.FLOWS.value, flow_id, "action")
        self._client.json(send_empty("POST", at, params, safety=Safety.IDEMPOTENT))

    def delete(self, kind: Kind, object_id: str) -> None:
        """Remove an object.

        Raises:
            NotFound: it is not there.
            Conflict: something uses it.
        """
        self._client.json(send_empty("DELETE", PREFIX + path(kind.value, object_id)))

    # -- reading answers -----------------------------------------------------------------------------------------

    def _object(self, request: Request, told: Json) -> Object:
        if not isinstance(told, Mapping):
            raise self._client.unusable(request, "no object")
        return told

    def _items(self, request: Request, told: Object) -> list[Object]:
        items = told.get("items")
        if not isinstance(items, list) or not all(
            isinstance(one, Mapping) and isinstance(one.get("id"), str) for one in items
        ):
            raise self._client.unusable(request, "no list `items` of objects with an id")
        return [one for one in items if isinstance(one, Mapping)]


def is_on_its_way(flow: Object) -> bool:
    """Whether *flow* takes no calls now: by its last operation where that tells how far it is, and by its state."""
    operation = flow.get("lastOperation")
    status = operation.get("status") if isinstance(operation, Mapping) else None
    value = status.get("value") if isinstance(status, Mapping) else None
    if isinstance(value, str) and value:
        return letters(value) in _UNFINISHED or flow.get("state") in _PASSING
    return flow.get("state") in {*_PASSING, _NEW}


def letters(status: str) -> str:
    """*status* in small letters without anything between; how one is spelled differs from page to page."""
    return re.sub("[^a-z]", "", status.lower())


def _token(told: Object) -> str:
    links = told.get("_links")
    following = links.get("next") if isinstance(links, Mapping) else None
    href = following.get("href") if isinstance(following, Mapping) else None
    if not isinstance(href, str):
        return ""
    return (parse_qs(urlsplit(href).query).get("continuationToken") or [""])[0]
