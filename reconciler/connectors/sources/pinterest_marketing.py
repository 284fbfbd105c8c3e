"""Rows of advertising at Pinterest: objects, and how they went by day.

No list can be asked for changes, so that each run reads all of it and keeps rows whose time is not before that of the newest row
of the run before; rows are known by their key, and what comes again replaces what is there. Metrics of past days go on changing
while clicks are credited, so that each run reads the last `attribution_days` again, in windows as wide as Pinterest allows, less
a day on each side, for its day may have turned already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import orjson

from reconciler.connectors.sources.pinterest_marketing_keys import known, refuse_another_key, refuse_twins
from reconciler.connectors.sources.pinterest_marketing_settings import (
    METRICS,
    PinterestMarketingSettings,
    read_settings,
)
from reconciler.connectors.sources.pinterest_marketing_tables import TABLES, Metrics, Objects
from reconciler.dataplane.spool import RowSpool
from reconciler.errors import ProviderError, Transient
from reconciler.model.advertising import INCREMENTAL, UpdateMethod
from reconciler.model.json import Json
from reconciler.model.secret import Secret
from reconciler.ports.clock import Clock, SystemClock
from reconciler.ports.exports import Progress
from reconciler.ports.loads import Changes, LoadedRows, LoadRequest
from reconciler.ports.tokens import TokenStore

if TYPE_CHECKING:
    import duckdb
    import httpx

    from reconciler.apis.pinterest_marketing import MarketingClient

Row: TypeAlias = Mapping[str, Json]
Connect: TypeAlias = Callable[[PinterestMarketingSettings], "MarketingClient"]

_AT_ONCE: Final = 250
"""Ids of one question; of ads a hundred."""
_AT_ONCE_ADS: Final = 100
_TYPES_AT_ONCE: Final = 5
"""Targeting types of one report; each is told apart from the others, so that more of them are more reports."""
_ATTRIBUTION_DAYS: Final = 30
"""As wide as the vendor's own windows of attribution are where nobody says how wide."""
_NO_CATALOG: Final = 409


def connector(
    tokens: TokenStore,
    *,
    base_url: str | None = None,
    clock: Clock | None = None,
    transport: Callable[[], httpx.BaseTransport] | None = None,
) -> Connect:
    """What opens the API for a load.

    base_url: for settings that name none.
    transport: makes what carries the requests of a load in the place of the network; not the download of a report, which is no
        part of the API.
    """

    def connect(settings: PinterestMarketingSettings) -> MarketingClient:
        from reconciler.apis import pinterest_connect  # noqa: PLC0415 - only a run that calls Pinterest pays for it
        from reconciler.apis.pinterest_dialect import PINTEREST  # noqa: PLC0415 - as above
        from reconciler.apis.pinterest_marketing import MarketingClient  # noqa: PLC0415 - as above
        from reconciler.http.client import Client  # noqa: PLC0415 - as above

        names = ("client_id", "client_secret", "refresh_token")
        app = pinterest_connect.App(
            *(Secret(f"in:{name}", getattr(settings, name).get_secret_value()) for name in names)
        )
        client = pinterest_connect.connect(
            app,
            tokens,
            base_url=settings.base_url or base_url,
            clock=clock,
            transport=transport() if transport is not None else None,
        )
        at = clock or SystemClock()
        return MarketingClient(
            client, at, settings.ad_account_id, lambda origin: Client(origin, PINTEREST, clock=clock)
        )

    return connect


class PinterestMarketingSource:
    """An `Importer` for sources of type `pinterest_marketing`. *clock* tells today where a run has no time of its own."""

    def __init__(self, connect: Connect, clock: Clock) -> None:
        self._connect = connect
        self._clock = clock

    def read(self, request: LoadRequest, connection: duckdb.DuckDBPyConnection, progress: Progress) -> LoadedRows:
        """Make the rows one relation.

        Raises:
            Permanent: the settings cannot work, or Pinterest refuses.
            Transient: Pinterest did not answer as it should, also after repeating; nothing of the run is kept.
        """
        settings = read_settings(request.source)
        [(spills,)] = connection.execute("SELECT current_setting('temp_directory')").fetchall()
        folder = Path(spills) / "pinterest_marketing"
        folder.mkdir(parents=True, exist_ok=True)
        spool = RowSpool(folder)
        run = _Run(settings, request.position, datetime.fromtimestamp(self._clock.now(), UTC).date())
        with closing(self._connect(settings)) as api:
            for row in run.rows(api):
                spool.add([_flat(row)])
                if spool.count % _AT_ONCE == 0:
                    progress(spool.count, 0)
                if request.enough and spool.count >= request.enough:
                    break
        key = settings.known_by
        whole = bool(settings.compare) or settings.method not in INCREMENTAL
        relation = spool.relation(connection)
        if key and isinstance(settings.source, Metrics) and (settings.source.level or settings.source.is_targeted):
            refuse_twins(connection, relation, key, settings.table)
        return LoadedRows(relation, key, run.position(), run.notices(), whole=whole, changes=run.changes(), lasts=True)


class _Run:
    """One load: what is asked, what is kept of it, and how far it came."""

    def __init__(self, settings: PinterestMarketingSettings, position: Row, today: date) -> None:
        self._settings = settings
        self._today = today
        is_incremental = settings.method in INCREMENTAL
        # Rows and columns that were not asked for before are told by no later run, so another question begins anew.
        self._question: Row = {
            "table": settings.table.value,
            "ad_account_id": settings.ad_account_id,
            "start_time": None if settings.start_time is None else str(settings.start_time),
            **({"metrics": sorted(self._columns)} if isinstance(settings.source, Metrics) else {}),
            **({"targeting_types": sorted(settings.targeting_types)} if settings.targeting_types else {}),
            **({"key": sorted(settings.key)} if settings.key else {}),
        }
        if is_incremental and isinstance(settings.source, Metrics):
            refuse_another_key(self._question, position, settings)
        self._way: Row = {}
        if settings.method is UpdateMethod.CHANGE_TABLES:
            self._way = {"method": settings.method.value, "apply": bool(settings.apply)}
        # By another way the table would be otherwise than this one leaves it.
        self._is_first = {name: position[name] for name in ("method", "apply") if name in position} != self._way
        self._told_changes = "method" in position
        is_mine = {name: position.get(name) for name in self._question} == self._question and not self._is_first
        told = position.get("cursor") if is_mine and is_incremental and not settings.compare else None
        self._since = told if isinstance(told, str | int) else None
        self._newest: str | int | None = self._since
        self._attribution_days = _ATTRIBUTION_DAYS if settings.attribution_days is None else settings.attribution_days
        self._notices: list[str] = []
        if position and not is_mine and is_incremental:
            self._notices.append("something else is asked for than by the last run: this one begins anew")

    def rows(self, api: MarketingClient) -> Iterator[Row]:
        """The rows that are wanted."""
        match self._settings.source:
            case Objects() as source:
                yield from self._objects(source, api)
            case Metrics() as source:
                yield from self._metrics(source, api)

    def position(self) -> Row | None:
        """What the next run has to know."""
        if self._settings.method not in INCREMENTAL or (self._newest is None and not self._way):
            # Where changes were told before, what is known of rows is old by now: they are told from the beginning again.
            return {} if self._is_first and self._told_changes else None
        return {**self._question, **self._way, **({} if self._newest is None else {"cursor": self._newest})}

    def changes(self) -> Changes | None:
        """How changes are told beside the table, where they are."""
        settings, source = self._settings, self._settings.source
        if settings.method is not UpdateMethod.CHANGE_TABLES:
            return None
        return Changes(
            settings.change_table or "",
            settings.header_prefix or "header__",
            source.cursor if isinstance(source, Objects) else "DATE",
            is_first=self._is_first,
            applies=bool(settings.apply),
        )

    @property
    def _columns(self) -> Sequence[str]:
        return self._settings.metrics or METRICS

    def notices(self) -> tuple[str, ...]:
        """What a reader of the job's log should know."""
        return tuple(self._notices)

    def _objects(self, source: Objects, api: MarketingClient) -> Iterator[Row]:
        for row in _listed(self._settings.table, source, api):
            changed = row.get(source.cursor) if source.cursor else None
            if isinstance(changed, str | int):
                if not self._is_within(changed) or (self._since is not None and _order(changed) < _order(self._since)):
                    continue
                if self._newest is None or _order(changed) > _order(self._newest):
                    self._newest = changed
            elif self._settings.undated is False:
                continue
            yield row

    def _is_within(self, changed: str | int) -> bool:
        day = datetime.fromtimestamp(_order(changed), UTC).date()
        settings = self._settings
        return (settings.start_time or day) <= day <= (settings.end_time or day)

    def _metrics(self, source: Metrics, api: MarketingClient) -> Iterator[Row]:
        back, wide = source.reach
        earliest = self._today - timedelta(days=back)
        first = max(self._settings.start_time or earliest, earliest)
        wanted = self._settings.start_time
        if isinstance(self._since, str):
            since = date.fromisoformat(self._since)
            first = max(first, since - timedelta(days=self._attribution_days))
            wanted = since
        last = min(self._settings.end_time or self._today, self._today)
        if wanted and wanted < earliest:
            told = f"Pinterest tells metrics of the last {back} days only: read from {first} on"
            lost = f", and days from {wanted} to {earliest - timedelta(days=1)} are not told any more"
            self._notices.append(told + (lost if self._since is not None else ""))
        ids = [str(row["id"]) for row in _listed(source.of, TABLES[source.of], api)] if source.of else []
        while first <= last:
            until = min(last, first + timedelta(days=wide))
            rows = self._window(source, api, ids, {"start_date": str(first), "end_date": str(until)})
            yield from known(rows, (source.id_column, "DATE"), self._settings.table)
            first = until + timedelta(days=1)
        self._newest = str(last)

    def _window(
        self, source: Metrics, api: MarketingClient, ids: Sequence[str], days: Mapping[str, str]
    ) -> Iterator[Row]:
        types = [type_.value for type_ in self._settings.targeting_types or ()]
        if source.level:
            question = {**days, "granularity": "DAY", "level": source.level, "columns": list(self._columns)}
            for start in range(0, len(types) or 1, _TYPES_AT_ONCE):
                apart = {"targeting_types": types[start : start + _TYPES_AT_ONCE]} if types else {}
                for key, rows in api.report({**question, **apart}).items():
                    yield from ({**_told_apart(row), source.id_column: key} for row in rows)
            return
        question = {**days, "granularity": "DAY", "columns": ",".join(self._columns)}
        if source.is_targeted:
            for row in api.targeting({**question, "targeting_types": ",".join(types)}):
                yield {**_told_apart(row), source.id_column: self._settings.ad_account_id}
        elif not source.of:
            yield from api.metrics("analytics", question)
        at_once = _AT_ONCE_ADS if source.of == "ads" else _AT_ONCE
        for start in range(0, len(ids), at_once):
            some = tuple(ids[start : start + at_once])
            yield from api.metrics(f"{source.of}/analytics", {**question, source.parameter: some})


def _told_apart(row: Row) -> Row:
    """*row* with what it is told apart by as text: places and audiences are told by number, and genders by word."""
    value = row.get("TARGETING_VALUE")
    return {**row, "TARGETING_VALUE": str(value)} if isinstance(value, int) else row


def _listed(table: str, source: Objects | Metrics, api: MarketingClient) -> Iterator[Row]:
    """All rows of a table of objects, whatever it takes to have them told."""
    assert isinstance(source, Objects)  # noqa: S101 - metrics are of objects
    of_its_own = _OF_THEIR_OWN.get(table)
    if of_its_own is not None:
        rows = of_its_own(source, api)
    else:
        rows = (api.own if source.of_owner else api.listed)(source.name, source.params)
    yield from known(rows, source.key, table)


def _keywords(_source: Objects, api: MarketingClient) -> Iterator[Row]:
    """Without a filter only those of the account itself are told."""
    yield from api.listed("keywords", {})
    for name, parameter in (("campaigns", "campaign_id"), ("ad_groups", "ad_group_id")):
        for parent in _listed(name, TABLES[name], api):
            yield from api.listed("keywords", {parameter: str(parent["id"])})


def _groups_of_products(source: Objects, api: MarketingClient) -> Iterator[Row]:
    try:
        yield from api.own(source.name, source.params)
    except ProviderError as error:
        if error.status != _NO_CATALOG:  # an account without a catalog has no groups of products
            raise


def _feeds(source: Objects, api: MarketingClient) -> Iterator[Row]:
    for row in api.own(source.name, source.params):
        yield {name: value for name, value in row.items() if name != "credentials"}


def _audiences(source: Objects, api: MarketingClient) -> Iterator[Row]:
    for ownership in ("OWNED", "RECEIVED"):  # those that somebody shares are another list
        yield from api.listed(source.name, {"ownership_type": ownership})


_OF_THEIR_OWN: Final[Mapping[str, Callable[[Objects, MarketingClient], Iterator[Row]]]] = {
    "ad_accounts": lambda source, api: api.owned(source.name, {}),
    "audiences": _audiences,
    "catalogs_feeds": _feeds,
    "catalogs_product_groups": _groups_of_products,
    "keywords": _keywords,
    "user_account": lambda source, api: iter((api.one(source.name),)),
}
"""Tables that one list does not tell as it is."""


def _order(changed: str | int) -> float:
    """Unix seconds of a time, which some objects tell as a number and others as text without a zone, in UTC."""
    if isinstance(changed, int):
        return changed
    try:
        told = datetime.fromisoformat(changed)
    except ValueError:
        raise Transient("Pinterest: a time of a change is none", hint="run it again later") from None
    return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()


def _flat(row: Row) -> dict[str, Any]:
    """*row* with text in the place of objects and lists, so that nobody's settings give a table other columns."""
    return {
        name: orjson.dumps(value).decode() if isinstance(value, Mapping | list) else value
        for name, value in row.items()
    }
