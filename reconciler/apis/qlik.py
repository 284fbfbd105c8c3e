"""The REST API of a tenant of Qlik Cloud: spaces, data sources, connections; `projects` holds the rest.

Source: API references of data-connections, data-sources, spaces and di-projects. What a page of a list is followed by is told
as an address; only its parameters are used, so that no key goes to another host.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from reconciler.apis.qlik_projects import QlikProjects
from reconciler.apis.qlik_values import Connection, Gateway, Source, Space
from reconciler.errors import Permanent
from reconciler.http.client import Client
from reconciler.http.request import Request, Safety, get, path, send_empty, send_json
from reconciler.model.json import Json, canonical
from reconciler.model.secret import Secret
from reconciler.ports.clock import Clock

Row: TypeAlias = Mapping[str, Json]

_PAGE: Final = "100"
_CONNECTIONS: Final = "/api/v1/data-connections"
_BARREN: Final = 10
"""So many pages in a row may tell nothing new."""
_CODE: Final = "qlik-auth-code"


class QlikClient:
    """One tenant. Safe for many threads."""

    def __init__(self, client: Client, clock: Clock, tokens: Client | None = None) -> None:
        """Speak through *client*; see `qlik_connect.connect`. *tokens*: what asks for tokens, closed with this."""
        self._client = client
        self._tokens = tokens
        self.projects = QlikProjects(client, clock)

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        return self._client.calls + (self._tokens.calls if self._tokens else 0)

    @property
    def address(self) -> str:
        """Of the tenant, without a slash at the end."""
        return self._client.base_url

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
        if self._tokens is not None:
            self._tokens.close()

    def never_show(self, secret: Secret) -> None:
        """Keep *secret* out of messages, should an answer repeat it."""
        self._client.scrubber.add(secret)

    def listed(self, at: str, params: Mapping[str, str] | None = None) -> list[Row]:
        """All rows of a list, page after page, each once.

        Raises:
            Transient: its pages lead in a circle or tell nothing new, or a page is none.
        """
        asked, rows, barren = dict(params or {}), dict[bytes, Row](), 0
        seen: set[tuple[tuple[str, str], ...]] = set()
        while True:
            request = get(at, asked)
            told = self._client.json(request)
            found = told.get("data") if isinstance(told, Mapping) else None
            if not isinstance(told, Mapping) or not isinstance(found, list):
                raise self._client.unusable(request, "no list `data`")
            if not all(isinstance(row, Mapping) for row in found):
                raise self._client.unusable(request, "something in `data` that is no object")
            new = {canonical(row): row for row in found if isinstance(row, Mapping)}
            barren = 0 if new.keys() - rows.keys() else barren + 1
            if barren > _BARREN:
                raise self._client.unusable(request, f"nothing new on {barren} pages, so its pages never end")
            rows |= new
            following = _next(told)
            if not following:
                return list(rows.values())
            asked = dict(parse_qsl(urlsplit(following).query))
            mark = tuple(sorted(asked.items()))
            if mark in seen:
                raise self._client.unusable(request, "the same next page twice, so its pages never end")
            seen.add(mark)

    def spaces(self) -> list[Space]:
        """All spaces that the key sees."""
        return [Space.of(row) for row in self.listed("/api/v1/spaces", {"limit": _PAGE})]

    def sources(self) -> list[Source]:
        """Data sources that connections can be made to."""
        return [Source.of(row) for row in self.listed("/api/v1/data-sources")]

    def properties(self, source_id: str) -> tuple[str, ...]:
        """Names of the properties of a data source, sorted. Their form is not described, so three are understood."""
        request = get(path("api", "v1", "data-sources", source_id, "api-specs"))
        told = self._client.json(request)
        specs = told.get("connectionProperties") if isinstance(told, Mapping) else None
        if isinstance(specs, Mapping):
            within = specs.get("properties")
            named = within if isinstance(within, Mapping) else specs
            return tuple(sorted(named))
        if isinstance(specs, list):
            names = [row.get("name") for row in specs if isinstance(row, Mapping)]
            return tuple(sorted(name for name in names if isinstance(name, str)))
        raise self._client.unusable(request, "no `connectionProperties`")

    def gateways(self, source_id: str) -> list[Gateway]:
        """Gateways that a data source can be reached through."""
        return [Gateway.of(row) for row in self.listed(path("api", "v1", "data-sources", source_id, "gateways"))]

    def connections(self) -> list[Connection]:
        """All connections, without their properties."""
        return [Connection.of(row) for row in self.listed(_CONNECTIONS, {"limit": _PAGE, "noDatafiles": "true"})]

    def connection(self, connection_id: str) -> Connection:
        """One with its properties.

        Raises:
            NotFound: it is not there.
        """
        request = get(path("api", "v1", "data-connections", connection_id), {"parseConnection": "true"})
        told = self._object(request)
        # What is only told here may hold the secret of the connection, which nobody needs.
        return Connection.of({name: value for name, value in told.items() if name != "qConnectionSecret"})

    def page_of_consent(self, source_id: str, name: str, space: str, properties: Row) -> str:
        """Address of the page on which a person lets the app read.

        Nothing is made by this, but Qlik pays `authUrlOnly` no heed where a source knows no consent. So name and space are those of
        the connection itself: one that is there already stands in the way of another, and one that is made all the same is removed.

        Raises:
            Conflict: `authUrlOnly` was paid no heed, and the connection is there.
            Permanent: it was paid no heed, and what that made is removed again.
            Transient: no address came.
        """
        body = self._form(source_id, name, space, properties) | {"authUrlOnly": True}
        request = send_json("POST", _CONNECTIONS, body, safety=Safety.ONCE)
        told = self._object(request)
        if isinstance(made := told.get("qID"), str) and made:
            self.delete_connection(made)
            raise Permanent("Qlik Cloud tells no page of consent for this data source")
        address = told.get("authUrl")
        if not isinstance(address, str) or urlsplit(address).scheme not in {"http", "https"}:
            raise self._client.unusable(request, "no `authUrl`")
        return address

    def create_connection(self, source_id: str, name: str, space: str, properties: Row, code: str = "") -> Connection:
        """Make one. *space*: id, "" for the personal one. *code*: of a person who consented.

        Raises:
            Conflict: the name is taken there.
            OutcomeUnknown: it may be there, or not.
        """
        request = send_json("POST", _CONNECTIONS, self._form(source_id, name, space, properties), safety=Safety.ONCE)
        return Connection.of(self._object(self._with_code(request, code)))

    def patch_connection(self, connection_id: str, operations: Sequence[Row], code: str = "") -> None:
        """Change members of one.

        Raises:
            NotFound: it is not there.
            Conflict: the name is taken.
            Permanent: a member cannot be changed, or the code is of no use.
        """
        at = path("api", "v1", "data-connections", connection_id)
        safety = Safety.ONCE if code else Safety.IDEMPOTENT  # a code is good for one use
        self._client.send(self._with_code(send_json("PATCH", at, list(operations), safety=safety), code))

    def delete_connection(self, connection_id: str) -> None:
        """Take one away.

        Raises:
            NotFound: it is gone already.
        """
        self._client.send(send_empty("DELETE", path("api", "v1", "data-connections", connection_id)))

    @staticmethod
    def _form(source_id: str, name: str, space: str, properties: Row) -> dict[str, Json]:
        """A new connection by its properties. Without a space it is in the personal one."""
        told: dict[str, Json] = {"datasourceID": source_id, "qName": name, "connectionProperties": dict(properties)}
        return told | {"space": space} if space else told

    def _with_code(self, request: Request, code: str) -> Request:
        if not code:
            return request
        self._client.scrubber.add_token(code)
        return request.with_headers({_CODE: code})

    def _object(self, request: Request) -> Row:
        told = self._client.json(request)
        if not isinstance(told, Mapping):
            raise self._client.unusable(request, "no object")
        return told


def _next(told: Row) -> str:
    links = told.get("links")
    following = links.get("next") if isinstance(links, Mapping) else None
    address = following.get("href") if isinstance(following, Mapping) else None
    return address if isinstance(address, str) else ""
