"""Pinterest's API v5, as far as customer lists and audiences need it.

Names are not unique there, members cannot be read, a list can be neither renamed nor removed, and an audience is removed by
an update. A create is never sent a second time unless Pinterest cannot have acted on the first; whoever asked looks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

import orjson

from reconciler.apis.pinterest_values import (
    CUSTOMER_LIST,
    AdAccount,
    Audience,
    CustomerList,
    ListType,
    MemberChange,
    UserAccount,
    ad_account,
    audience,
    customer_list,
    user_account,
)
from reconciler.errors import Permanent
from reconciler.http.bucket import TokenBucket
from reconciler.http.client import Client
from reconciler.http.request import Params, Request, Safety, get, path, send_bytes, send_json
from reconciler.model.json import Json, canonical
from reconciler.ports.clock import Clock

T = TypeVar("T")

PAGE_SIZE = "250"
"""The most a page may hold. Source: Pinterest API v5, parameter page_size."""


_MOST_EMPTY_PAGES = 200
"""In a row. One was seen before the end; a filter that passes nothing of 50,000 objects would be as many."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Requests a second, and how many may go at once after a pause."""

    reads_per_s: float
    writes_per_s: float
    burst: int


STANDARD_PACE = Pace(reads_per_s=900 / 60, writes_per_s=300 / 60, burst=100)
"""Within 1000 reads and 400 writes a minute, and 100 requests a second, for one user of one app with standard access."""


class PinterestClient:
    """What one user of one app may do. Safe for many threads; writes to one list wait for each other.

    client: to version 5 of the API, with Pinterest's dialect; see `pinterest_connect.connect`.
    tokens: the client that refreshes its credentials, if any; closed and counted together.
    pace: None to go as fast as the answers come and rely on being told to wait.
    expires: when a person must authorise the app again, in Unix seconds; None where nobody knows.
    """

    def __init__(
        self,
        client: Client,
        clock: Clock,
        pace: Pace | None = STANDARD_PACE,
        tokens: Client | None = None,
        *,
        expires: Callable[[], float | None] = lambda: None,
    ) -> None:
        self.expires = expires
        self._client = client
        self._tokens = tokens
        self._reads = TokenBucket(pace.reads_per_s, pace.burst, clock) if pace else None
        self._writes = TokenBucket(pace.writes_per_s, pace.burst, clock) if pace else None
        self._guard = threading.Lock()
        self._writers: dict[str, threading.Lock] = {}

    @property
    def calls(self) -> int:
        """Requests sent so far, those for tokens included."""
        return self._client.calls + (self._tokens.calls if self._tokens else 0)

    @property
    def base_url(self) -> str:
        """Where it calls."""
        return self._client.base_url

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
        if self._tokens is not None:
            self._tokens.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- accounts ------------------------------------------------------------------------------------------------

    def user_account(self) -> UserAccount:
        """Whom the credentials belong to; needs the scope user_accounts:read."""
        return self._read(get("/user_account"), user_account)

    def ad_accounts(self) -> tuple[AdAccount, ...]:
        """The ad accounts that can be reached, those shared by others included."""
        return tuple(self._pages("/ad_accounts", {}, ad_account))

    def ad_account(self, account_id: str) -> AdAccount:
        """One ad account, and what the credentials may do in it."""
        return self._read(get(path("ad_accounts", account_id)), ad_account)

    # -- customer lists ------------------------------------------------------------------------------------------

    def customer_lists(self, account_id: str) -> Iterator[CustomerList]:
        """All lists of an ad account by id, page after page as they are taken."""
        at = path("ad_accounts", account_id, "customer_lists")
        return self._pages(at, {"order": "ASCENDING"}, customer_list)

    def customer_list(self, account_id: str, list_id: str) -> CustomerList:
        """One list, by id."""
        return self._read(get(path("ad_accounts", account_id, "customer_lists", list_id)), customer_list)

    def create_customer_list(self, account_id: str, name: str, list_type: ListType, records: bytes) -> CustomerList:
        """Make a list with its first members.

        records: digests in ASCII, joined by commas; must not be empty.

        Raises:
            OutcomeUnknown: it may exist now; the listing tells.
        """
        fields = {"name": name, "list_type": list_type.value}
        at = path("ad_accounts", account_id, "customer_lists")
        request = send_bytes("POST", at, _with_records(fields, records), "application/json", safety=Safety.ONCE)
        return self._write(request, customer_list)

    def change_members(self, account_id: str, list_id: str, change: MemberChange, records: bytes) -> CustomerList:
        """Add *records* to a list or remove them; one batch at a time for each list.

        A list is a set, so that a batch sent twice is as one sent once; only the list's counters tell.

        records: digests in ASCII, joined by commas; must not be empty.

        Raises:
            Permanent: status 413 when the batch is too large.
            OutcomeUnknown: it may have been taken; sending it again is right.
        """
        at = path("ad_accounts", account_id, "customer_lists", list_id)
        body = _with_records({"operation_type": change.value}, records)
        request = send_bytes("PATCH", at, body, "application/json", safety=Safety.IDEMPOTENT)
        with self._writing(list_id):
            changed = self._write(request, customer_list)
        if changed.problem:
            raise Permanent(
                f"Pinterest: list {list_id} reports a problem with its members: {self._client.scrubber.excerpt(changed.problem)}"
            )
        return changed

    # -- audiences -----------------------------------------------------------------------------------------------

    def audiences(self, account_id: str) -> Iterator[Audience]:
        """All audiences that an ad account owns, of every type, by id, page after page as they are taken."""
        at = path("ad_accounts", account_id, "audiences")
        return self._pages(at, {"ownership_type": "OWNED", "order": "ASCENDING"}, audience)

    def audience(self, account_id: str, audience_id: str) -> Audience:
        """One audience, by id."""
        return self._read(get(path("ad_accounts", account_id, "audiences", audience_id)), audience)

    def create_audience(self, account_id: str, name: str, list_id: str, description: str = "") -> Audience:
        """Make an audience of a customer list.

        Raises:
            OutcomeUnknown: it may exist now; the listing tells.
        """
        fields: dict[str, Json] = {"name": name, "audience_type": CUSTOMER_LIST, "rule": {"customer_list_id": list_id}}
        if description:
            fields["description"] = description
        at = path("ad_accounts", account_id, "audiences")
        return self._write(send_json("POST", at, fields, safety=Safety.ONCE), audience)

    def update_audience(self, account_id: str, audience_id: str, fields: Mapping[str, str]) -> Audience:
        """Change some of an audience's *fields*, ``name`` and ``description``; others stay."""
        at = path("ad_accounts", account_id, "audiences", audience_id)
        body = {"operation_type": "UPDATE", **fields}
        return self._write(send_json("PATCH", at, body, safety=Safety.IDEMPOTENT), audience)

    def remove_audience(self, account_id: str, audience_id: str) -> None:
        """Remove an audience; its list stays, for lists cannot be removed.

        Raises:
            NotFound: there is none of that id, or the ad account is not there for these credentials.
        """
        at = path("ad_accounts", account_id, "audiences", audience_id)
        request = send_json("PATCH", at, {"operation_type": "REMOVE"}, safety=Safety.IDEMPOTENT)
        # What a removal answers is not documented beyond its schema, so nothing is read from it.
        self._client.send(request, bucket=self._writes)

    # -- one call ------------------------------------------------------------------------------------------------

    def rows(self, at: str, params: Params) -> Iterator[Mapping[str, Json]]:
        """All items of the list at *at* as they are told, page after page as they are taken."""
        return self._pages(at, params, _row)

    def answer(self, request: Request) -> Json:
        """What Pinterest answers to *request*, which reads."""
        return self._client.json(request, bucket=self._reads)

    def _read(self, request: Request, parse: Callable[[Json], T]) -> T:
        return self._parsed(request, self._client.json(request, bucket=self._reads), parse)

    def _write(self, request: Request, parse: Callable[[Json], T]) -> T:
        return self._parsed(request, self._client.json(request, bucket=self._writes), parse)

    def _parsed(self, request: Request, data: Json, parse: Callable[[Json], T]) -> T:
        try:
            return parse(data)
        except ValueError as error:
            raise self._client.unusable(request, str(error)) from None

    def _pages(self, at: str, params: Params, parse: Callable[[Json], T]) -> Iterator[T]:
        """The items of all pages. The end is where no bookmark is, not where a page is short or empty.

        Raises:
            Transient: pages go round in a circle or come to no end, so that the listing cannot be believed.
        """
        bookmarks: set[str] = set()
        pages: set[int] = set()
        empty = 0
        request = get(at, {**params, "page_size": PAGE_SIZE})
        while True:
            page = self._client.json(request, bucket=self._reads)
            items = page.get("items") if isinstance(page, Mapping) else None
            if not isinstance(page, Mapping) or not isinstance(items, list):
                raise self._client.unusable(request, "a page without items")
            page_hash = hash(orjson.dumps(items))
            if items and page_hash in pages:
                raise self._client.unusable(request, "the same page twice")
            pages.add(page_hash)
            empty = 0 if items else empty + 1
            if empty == _MOST_EMPTY_PAGES:
                raise self._client.unusable(request, f"{empty} empty pages, each of which says that there is more")
            for item in items:
                yield self._parsed(request, item, parse)
            bookmark = page.get("bookmark")
            if not bookmark:
                return
            if not isinstance(bookmark, str) or bookmark in bookmarks:
                raise self._client.unusable(request, "a bookmark that leads in a circle")
            bookmarks.add(bookmark)
            request = get(at, {**params, "page_size": PAGE_SIZE, "bookmark": bookmark})

    @contextmanager
    def _writing(self, list_id: str) -> Iterator[None]:
        """The only writer of a list: writes that meet are answered with 429."""
        with self._guard:
            lock = self._writers.setdefault(list_id, threading.Lock())
        with lock:
            yield


def _row(data: Json) -> Mapping[str, Json]:
    if not isinstance(data, Mapping):
        raise ValueError("an item that is no object")  # noqa: TRY004 - told as all that cannot be read
    return data


def _with_records(fields: Mapping[str, Json], records: bytes) -> bytes:
    """A JSON body with *fields* and *records*, made around the records without looking at any one of them."""
    if not records:
        raise Permanent("Pinterest: there are no records to send")
    quoted = orjson.dumps(records.decode("ascii", errors="replace"))
    if len(quoted) != len(records) + 2:  # Something was escaped, or is no ASCII.
        raise Permanent("Pinterest: records hold characters that no digest has; hash them first")
    return b"".join((canonical(fields)[:-1], b',"records":', quoted, b"}"))
