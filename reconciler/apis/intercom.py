"""Intercom's REST API, as far as an import needs it: what is there, page after page.

A search takes its cursor in the body, where an address would be ignored and the first page come back for ever. An empty cursor is
never sent, for it asks for the first page again. Source: Intercom's description 2.16, and `apis/intercom_dialect.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self, TypeAlias

from reconciler.errors import NotFound, OutcomeUnknown, Transient
from reconciler.http.bucket import TokenBucket
from reconciler.http.client import Client
from reconciler.http.request import Request, Safety, get, path, send_json
from reconciler.model.json import Json
from reconciler.ports.clock import Clock

Row: TypeAlias = Mapping[str, Json]
Query: TypeAlias = Mapping[str, Json]

PAGE_SIZE: Final = 150
"""The most a page may hold; always sent, because defaults differ between endpoints and have changed."""
_NUMBERED_SIZE: Final = 60
_SCROLL_IDLE_S: Final = 60.0
_SCROLLS: Final = 3
_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class Workspace:
    """What `/me` tells of a workspace, "" for what it leaves out.

    timezone: whose days contacts are filtered by. calls, left: in a window of ten seconds; None when that is not told.
    """

    id: str
    name: str
    region: str
    timezone: str
    calls: int | None
    left: int | None


class IntercomClient:
    """Reads one workspace. Safe for many threads but for `companies`, of which an app may read once at a time."""

    def __init__(self, client: Client, clock: Clock, bucket: TokenBucket | None = None) -> None:
        """Speak through *client*; see `intercom_connect.connect`. *bucket*: pace; None to go as fast as the answers come."""
        self._client = client
        self._clock = clock
        self._bucket = bucket

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        return self._client.calls

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def contacts(self, query: Query) -> Iterator[Sequence[Row]]:
        """Pages of the contacts that *query* takes, those changed longest ago first."""
        return self._search("/contacts/search", "data", query)

    def conversations(self, query: Query) -> Iterator[Sequence[Row]]:
        """Pages of the conversations that *query* takes, without their parts, those changed longest ago first."""
        return self._search("/conversations/search", "conversations", query)

    def conversation(self, conversation_id: str) -> Row:
        """One conversation with its parts, the newest 500 at most.

        Raises:
            NotFound: it is gone.
        """
        request = get(path("conversations", conversation_id))
        return self._object(request, self._client.json(request, bucket=self._bucket))

    def workspace(self) -> Workspace:
        """Whose token it is, as far as the workspace goes; who the person is stays out of it."""
        request = get("/me")
        answer = self._client.send(request, bucket=self._bucket)
        told = self._object(request, answer.json())
        app = told.get("app")
        if not isinstance(app, Mapping):
            raise self._client.unusable(request, "no `app`")
        return Workspace(
            str(app.get("id_code") or ""),
            str(app.get("name") or ""),
            str(app.get("region") or ""),
            str(app.get("timezone") or ""),
            calls=_count(answer.headers.get("x-ratelimit-limit", "")),
            left=_count(answer.headers.get("x-ratelimit-remaining", "")),
        )

    def tags(self) -> Sequence[Row]:
        """All tags, which are told whole."""
        return self._whole(get("/tags"), "data")

    def segments(self) -> Sequence[Row]:
        """All segments of people with how many are in each, which are told whole."""
        return self._whole(get("/segments", {"include_count": "true"}), "segments")

    def tags_of(self, contact_id: str) -> Sequence[Row]:
        """All tags of a contact, of which the contact itself tells ten.

        Raises:
            NotFound: the contact is gone, or merged into another.
        """
        return self._whole(get(path("contacts", contact_id, "tags")), "data")

    def companies_of(self, contact_id: str) -> Sequence[Row]:
        """All companies of a contact, of which the contact itself tells ten.

        Raises:
            NotFound: the contact is gone, or merged into another.
        """
        at, found, number = path("contacts", contact_id, "companies"), list[Row](), 1
        while True:
            request = get(at, {"per_page": str(_NUMBERED_SIZE), "page": str(number)})
            told = self._object(request, self._client.json(request, bucket=self._bucket))
            rows = self._rows(request, told, "data")
            found += rows
            pages = told.get("pages")
            if not rows or not isinstance(pages, Mapping) or not pages.get("next"):
                return found
            number += 1

    def companies(self) -> Iterator[Sequence[Row]]:
        """Pages of all companies. After a failure on the way they come again from the first, for a scroll cannot be resumed.

        The parameter of a scroll stays the same to its end, which is an empty page or, as was seen, a page that is not there.

        Raises:
            Transient: it failed too often, or another scroll of the app stays open.
        """
        for attempt in range(1, _SCROLLS + 1):
            try:
                yield from self._scroll()
            except (OutcomeUnknown, Transient):
                if attempt == _SCROLLS:
                    raise
            else:
                return

    # -- pages ---------------------------------------------------------------------------------------------------

    def _scroll(self) -> Iterator[Sequence[Row]]:
        param, since = "", self._clock.now()
        while True:
            # A page is gone once it was told: only what Intercom cannot have acted on is asked again.
            params = {"scroll_param": param} if param else {}
            request = Request("GET", "/companies/scroll", params, safety=Safety.ONCE)
            try:
                told = self._object(request, self._client.json(request, bucket=self._bucket))
            except NotFound:
                if param and self._clock.now() - since < _SCROLL_IDLE_S:
                    return
                raise self._client.unusable(request, "a scroll that ended because it was idle for a minute") from None
            since = self._clock.now()
            rows = self._rows(request, told, "data")
            if not rows:
                return
            yield rows
            following = told.get("scroll_param")
            if not isinstance(following, str) or not following:
                raise self._client.unusable(request, "a page of a scroll without its parameter")
            param = following

    def _search(self, at: str, name: str, query: Query) -> Iterator[Sequence[Row]]:
        """Pages up to the first without a cursor; an empty one with a cursor is not the end.

        Raises:
            Transient: a cursor leads in a circle, so that the pages cannot be believed.
        """
        cursors: set[str] = set()
        pagination: dict[str, Json] = {"per_page": PAGE_SIZE}
        while True:
            asked = {
                "query": query,
                "sort": {"field": "updated_at", "order": "ascending"},
                "pagination": pagination,
            }
            request = send_json("POST", at, asked, safety=Safety.READ)
            told = self._object(request, self._client.json(request, bucket=self._bucket))
            yield self._rows(request, told, name)
            cursor = self._cursor(request, told)
            if not cursor:
                return
            if cursor in cursors:
                shown = cursor if len(cursor) <= _SHOWN else f"{cursor[:_SHOWN]}…"
                raise self._client.unusable(request, f"the cursor {shown!r} twice, so its pages never end")
            cursors.add(cursor)
            pagination = {"per_page": PAGE_SIZE, "starting_after": cursor}

    def _cursor(self, request: Request, told: Row) -> str:
        pages = told.get("pages")
        following = pages.get("next") if isinstance(pages, Mapping) else None
        cursor = following.get("starting_after") if isinstance(following, Mapping) else None
        if cursor is not None and not isinstance(cursor, str):
            raise self._client.unusable(request, "a cursor that is no text")
        return cursor or ""

    def _whole(self, request: Request, name: str) -> Sequence[Row]:
        told = self._object(request, self._client.json(request, bucket=self._bucket))
        if self._cursor(request, told):
            raise self._client.unusable(request, "a cursor where everything is told at once")
        return self._rows(request, told, name)

    def _object(self, request: Request, told: Json) -> Row:
        if not isinstance(told, Mapping) or told.get("type") == "error.list":
            raise self._client.unusable(request, "a list of errors" if isinstance(told, Mapping) else "no object")
        return told

    def _rows(self, request: Request, told: Row, name: str) -> Sequence[Row]:
        rows = told.get(name)
        if not isinstance(rows, list):
            raise self._client.unusable(request, f"no list `{name}`")
        if not all(isinstance(row, Mapping) and isinstance(row.get("id"), str) for row in rows):
            raise self._client.unusable(request, f"something in `{name}` that has no id")
        return [row for row in rows if isinstance(row, Mapping)]


def _count(header: str) -> int | None:
    return int(header) if header.isascii() and header.isdecimal() else None
