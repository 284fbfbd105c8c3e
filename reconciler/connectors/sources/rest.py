"""Rows from any REST API that a source specification describes; see `reconciler.sourcespec`.

All pages are read before a row is stored, so a run that fails leaves the table and the position as they were.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson

from reconciler import spills
from reconciler.connectors.sources.rest_ahead import Ahead
from reconciler.connectors.sources.rest_auth import authentication, with_secrets
from reconciler.connectors.sources.rest_behind import Behind
from reconciler.connectors.sources.rest_places import hold_allowed, resource
from reconciler.dataplane.spool import RowSpool, spill_folder
from reconciler.errors import Permanent, ProviderError
from reconciler.http.answer import Answer
from reconciler.http.client import Client
from reconciler.http.credentials import Credentials
from reconciler.http.dialect import Dialect
from reconciler.http.request import Request, Safety
from reconciler.http.retry import RetryPolicy
from reconciler.http.wire import Sent, Timeouts
from reconciler.model.json import Json
from reconciler.ports.clock import Clock
from reconciler.ports.exports import Progress
from reconciler.ports.loads import LoadedRows, LoadRequest
from reconciler.ports.tokens import TokenStore
from reconciler.sourcespec import addresses, windows
from reconciler.sourcespec.answers import NotJson, decoded
from reconciler.sourcespec.checking import check
from reconciler.sourcespec.findings import Refused
from reconciler.sourcespec.foreseeing import foreseen
from reconciler.sourcespec.paging import Ask, Done, Follow, Page, PagingError, Walk
from reconciler.sourcespec.peeking import Peek
from reconciler.sourcespec.rows import Shaper
from reconciler.sourcespec.specification import Specification

if TYPE_CHECKING:
    import duckdb
    import httpx

# Source: what peers do (Airbyte: 5 tries, 10 minutes), and Data Factory's time for one answer.
POLICY: Final = RetryPolicy(attempts=6, first_wait_s=1.0, longest_wait_s=600.0, total_s=600.0)
TIMEOUTS: Final = Timeouts(read_s=100.0)
_NO_CONTENT: Final = 204
_UNTIL: Final = "until"
_OF: Final = "of"
_LIMIT: Final = "REQUEST_LIMIT_EXCEEDED"


@dataclass(frozen=True, slots=True)
class RestSource:
    """An `Importer` for sources of type `rest`.

    transport: base address, and whether private networks may be reached -> what carries requests there.
    tokens: where tokens are kept that are renewed.
    Pages are put down beside what the connection spills, whose owner removes them.
    """

    transport: Callable[[str, bool], httpx.BaseTransport]
    tokens: Callable[[], TokenStore]
    clock: Clock

    def read(self, request: LoadRequest, connection: duckdb.DuckDBPyConnection, progress: Progress) -> LoadedRows:
        """Read all pages of the window that is due, and make their rows one relation.

        Raises:
            Permanent: the specification or what is put into it cannot be used, the answers are not what it says, or the vendor
                refuses.
            Transient: the vendor does not answer.
        """
        run = _prepared(request, self.clock)
        beside = spill_folder(connection)
        if beside is not None:
            folder = Path(tempfile.mkdtemp(prefix="rest-", dir=beside))
            return self._read(run, folder, connection, progress)
        with spills.spilling(None) as folder:
            loaded = self._read(run, folder, connection, progress)
            # The files go with the folder, so the rows move into the connection.
            connection.execute(f"CREATE OR REPLACE TEMP TABLE rest_rows AS SELECT * FROM {loaded.relation}")
            return replace(loaded, relation="rest_rows")

    def _read(self, run: _Run, folder: Path, connection: duckdb.DuckDBPyConnection, progress: Progress) -> LoadedRows:
        """A relation that reads what is put down in *folder*."""
        spool = RowSpool(folder)
        try:
            notices = list(self._pages(run, spool, progress))
        except Refused as refused:
            raise _permanent(refused) from None
        except PagingError as error:
            raise Permanent(str(error), hint="nothing was stored; the next run asks for the same again") from None
        relation = spool.relation(connection)
        told = tuple(dict.fromkeys(notices))
        return LoadedRows(relation, _key(run.specification, spool), run.position(), told, lasts=True)

    def _pages(self, run: _Run, spool: RowSpool, progress: Progress) -> Iterator[str]:
        yield from run.notices
        shaper = Shaper(run.specification)
        first = self._first(run, run.windows[0])
        hold_allowed(first.url, run.allowed_hosts)
        origin = addresses.origin(first.url)
        base = f"{origin[0]}://{first.url.split('://', 1)[1].split('/', 1)[0]}"

        def open_client(at: str, credentials: Credentials | None = None) -> Client:
            if at.startswith("http://") and not run.allows_private:
                raise Permanent(
                    f"{at} is not https",
                    hint="credentials and rows go encrypted, or `allow_private: true` says otherwise",
                )
            return Client(
                at,
                _DIALECT,
                credentials=credentials,
                timeouts=TIMEOUTS,
                policy=POLICY,
                clock=self.clock,
                transport=self.transport(at, run.allows_private),
            )

        credentials = authentication(run.auth, run.auth_spec, self.tokens(), open_client, self.clock)
        count = 0
        with open_client(base, credentials) as client, Behind() as behind:
            for window in run.windows:
                walk = Walk(run.specification)
                begun = self._first(run, window, walk)
                dropped = 0
                for page in self._walked(client, begun, walk, run, shaper, origin, behind.begin):
                    # The next request leaves before these rows are put down, which needs the interpreter, too.
                    behind.hold(partial(spool.add, page.rows, size_bytes=page.size_bytes))
                    count += len(page.rows)
                    progress(count, 0)
                    dropped += page.dropped
                yield from walk.notices
                if dropped:
                    yield f"{dropped} rows had no list to explode and are left out; `x-tdr: {{outer: true}}` keeps them"

    def _first(self, run: _Run, window: windows.Window, walk: Walk | None = None) -> addresses.Request:
        asked = windows.asked(run.specification, run.kind, window)
        ask = (walk or Walk(run.specification)).first()
        return addresses.first_request(
            run.specification,
            run.values,
            schedule_text=asked.text,
            schedule_query=asked.query,
            paging_query=ask.query,
            paging_headers=ask.headers,
        )

    def _walked(
        self,
        client: Client,
        first: addresses.Request,
        walk: Walk,
        run: _Run,
        shaper: Shaper,
        origin: tuple[str, str, int],
        sent: Sent,
    ) -> Iterator[_Rows]:
        asked = first
        pause_s = run.specification.paging.delay_s
        peek = Peek(run.specification)
        with Ahead(lambda request, sent: client.whole(_built(request), sent=sent), sent) as ahead:
            while True:
                answer = ahead.answer(asked)
                headers = {name.lower(): value for name, value in answer.headers.items()}
                told = peek.told(headers, answer.body) if answer.status != _NO_CONTENT and not pause_s else None
                if told is not None and (sure := walk.sure(told)) is not None:
                    ahead.begin(_following(sure, asked, first, origin))
                page, rows = _read(answer, headers, shaper, with_digest=walk.compares_pages)
                if asked is first and (asks := list(foreseen(run.specification, page))):
                    ahead.expect(_with(first, ask.query, ask.headers) for ask in asks)
                following = walk.after(page)
                yield rows
                if isinstance(following, Done):
                    return
                asked = _following(following, asked, first, origin)
                if pause_s:
                    self.clock.sleep(pause_s)


@dataclass(frozen=True, slots=True)
class _Rows:
    rows: list[dict[str, Json]]
    size_bytes: int
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class _Run:
    """What a load's configuration comes to."""

    specification: Specification
    values: addresses.Values
    kind: windows.RunKind
    windows: tuple[windows.Window, ...]
    auth: Mapping[str, Json]
    auth_spec: Mapping[str, Json]
    allows_private: bool
    allowed_hosts: Json
    resource: str
    notices: tuple[str, ...]

    def position(self) -> dict[str, Json] | None:
        """What the next run goes on from."""
        if self.specification.window is None or self.kind == "once":
            return None
        return {_UNTIL: self.windows[-1].end.isoformat(), _OF: self.resource}


def _prepared(request: LoadRequest, clock: Clock) -> _Run:
    source = request.source
    inputs, auth = _object(source, "params"), with_secrets(_object(source, "auth"))
    told = _object(auth, "params")
    checked = check(_object(source, "spec"), inputs, declared=told.keys())
    for finding in checked.findings:
        if finding.severity == "error":
            raise Permanent(f"the source specification: {finding.at}: {finding.message}", hint=finding.hint)
    specification = checked.specification
    if specification is None:
        raise AssertionError(checked)
    tick = datetime.fromtimestamp(request.until or int(clock.now()), UTC)
    position = request.position.get(_UNTIL)
    reads = resource(specification, inputs)
    is_other = request.position.get(_OF, reads) != reads
    since = datetime.fromisoformat(position) if isinstance(position, str) and not is_other else None
    first = source.get("first")
    begins = datetime.fromisoformat(first) if isinstance(first, str) else tick
    backfill = source.get("backfill", True) is not False
    kind: windows.RunKind = "incremental" if since or not backfill else "backfill"
    if specification.window is None or source.get("incremental") is False:
        kind = "once"
    whole = windows.next_window(specification, since, tick, backfill=backfill, first=begins)
    cut = tuple(whole.parts(specification.extensions.longest_window)) or (whole,)
    return _Run(
        specification=specification,
        values=addresses.Values(inputs, told),
        kind=kind,
        windows=cut if kind != "once" else cut[-1:],
        auth=auth,
        auth_spec=_object(source, "auth_spec"),
        allows_private=source.get("allow_private") is True,
        allowed_hosts=source.get("allowed_hosts"),
        resource=reads,
        notices=(
            *(["another resource than the last run read: this one begins anew"] if is_other else []),
            *(windows.notices(specification) if kind != "once" else ()),
        ),
    )


def _built(asked: addresses.Request) -> Request:
    params: dict[str, list[str]] = {}
    for name, value in asked.query:
        params.setdefault(name, []).append(value)
    path = asked.url.split("://", 1)[1]
    path = "/" + path.split("/", 1)[1] if "/" in path else "/"
    body, content_type = None, ""
    if asked.method == "POST":
        content_type = next((v for k, v in asked.headers.items() if k.lower() == "content-type"), "application/json")
        body = _form(asked.body) if "form-urlencoded" in content_type else orjson.dumps(asked.body or {})
    # Reading, whatever the verb is: asking twice changes nothing at the vendor.
    return Request(asked.method, path, params, body, content_type, dict(asked.headers), Safety.READ)


def _form(body: Json) -> bytes:
    from urllib.parse import urlencode  # noqa: PLC0415 - the rare form

    return urlencode(dict(body) if isinstance(body, Mapping) else {}, doseq=True).encode()


def _with(first: addresses.Request, query: addresses.Query, headers: Mapping[str, str]) -> addresses.Request:
    """The first request with other paging parameters."""
    names = {name for name, _ in query}
    kept = tuple((name, value) for name, value in first.query if name not in names)
    return addresses.Request(first.method, first.url, (*kept, *query), {**first.headers, **headers}, first.body)


def _following(
    ask: Ask | Follow, before: addresses.Request, first: addresses.Request, origin: tuple[str, str, int]
) -> addresses.Request:
    if isinstance(ask, Ask):
        return _with(first, ask.query, ask.headers)
    asked = addresses.linked_request(before, ask.link)
    _hold_origin(asked, origin)
    return asked


def _read(answer: Answer, headers: Mapping[str, str], shaper: Shaper, *, with_digest: bool) -> tuple[Page, _Rows]:
    if answer.status == _NO_CONTENT:
        return Page(0, None, headers, b"", [], has_content=False), _Rows([], 0)
    try:
        document = decoded(answer.body)
    except NotJson as error:
        raise Permanent(
            f"{_DIALECT.name}: {error}", hint="is the address that of the API, and not of a page for people?"
        ) from None
    shaped = shaper.rows(document)
    digest = hashlib.blake2b(answer.body, digest_size=16).digest() if with_digest else b""
    page = Page(shaped.elements, document, headers, digest, shaped.rows)
    return page, _Rows(shaped.rows, len(answer.body), shaped.dropped)


def _hold_origin(asked: addresses.Request, origin: tuple[str, str, int]) -> None:
    there = addresses.origin(asked.url)
    if there != origin:
        raise PagingError(
            f"next link leaves the host; credentials are not sent there: from {origin[0]}://{origin[1]} to {there[0]}://{there[1]}"
        )


def _key(specification: Specification, spool: RowSpool) -> tuple[str, ...]:
    names = []
    for path in specification.extensions.key:
        name = spool.name_of([str(step) for step in path.steps])
        if name is None:
            if not spool.count:
                return ()
            raise Permanent(
                f"rows are known by {path.text}, and none has it",
                hint="`key` names the path inside a row, wrapper and all",
            )
        names.append(name)
    return tuple(names)


def _permanent(refused: Refused) -> Permanent:
    return Permanent(
        f"the source specification: {refused.finding.at}: {refused.finding.message}", hint=refused.finding.hint
    )


def _object(of: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    value = of.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise Permanent(f"`{name}` of a rest source must be an object")
    return value


def _error(answer: Answer) -> type[ProviderError] | None:
    """A limit that is told as a refusal: neither a missing permission nor worth asking again at once."""
    return Permanent if answer.status == 403 and _LIMIT.encode() in answer.body else None


def _advice(answer: Answer) -> str:
    if _error(answer) is not None:
        return "a limit, not a permission: it counts the requests of the last 24 hours; run again when some of them are older"
    return ""


_DIALECT: Final = Dialect("the source", error=_error, advice=_advice)
