"""Rows from a workspace at Intercom.

An incremental load asks for more than it needs and keeps what it needs. Intercom compares dates of contacts by whole days in the
workspace's zone and begins with the day *after* the one that is named, so the question goes a day and an hour back (a day of
changed clocks has 25 hours); and its search notices changes late, so rows up to `overlap` before the newest of the run before are
taken again. Rows are known by their id, so that what comes again replaces what is there. The position is the newest change that a
run brought, never the time of the run: what search has not noticed by then would be lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.connectors.sources.intercom_client import Connect, IntercomApi, Row
from reconciler.connectors.sources.intercom_rows import Columns, columns_of, flat, with_old_names
from reconciler.connectors.sources.intercom_settings import IntercomSettings, read_settings
from reconciler.dataplane.spool import RowSpool
from reconciler.errors import NotFound
from reconciler.model.imports import IntercomTarget
from reconciler.model.json import Json
from reconciler.ports.exports import Progress
from reconciler.ports.loads import LoadedRows, LoadRequest
from reconciler.ports.readers import readers

if TYPE_CHECKING:
    import duckdb

RELATION: Final = "intercom_rows"
_ORDER: Final = "tdr_order"
_DAY_S: Final = 25 * 3_600
_AT_ONCE: Final = 8
"""Conversations whose parts are fetched side by side."""
_VANISHED: Final = (
    "contacts that were merged or deleted at Intercom, and deleted conversations, are not told of: rows of theirs that are there "
    "already stay until a load with `mode: replace`"
)


class IntercomSource:
    """An `Importer` for sources of type `intercom`."""

    def __init__(self, connect: Connect) -> None:
        """Open the API by *connect*."""
        self._connect = connect

    def read(self, request: LoadRequest, connection: duckdb.DuckDBPyConnection, progress: Progress) -> LoadedRows:
        """Make the rows one relation, each id once and as it was told last.

        Raises:
            Permanent: the settings cannot work, or Intercom refuses.
            Transient: Intercom did not answer as it should, also after repeating; nothing of the run is kept.
        """
        settings = read_settings(request.source)
        since = _since(settings, request.position)
        run = _Run(settings, since)
        rows = _Rows(connection, columns_of(settings.target, parts=settings.parts, old_names=settings.old_names))
        with closing(self._connect(settings)) as api:
            for page in run.pages(api):
                rows.add(page)
                progress(rows.count, 0)
                if request.enough and rows.count >= request.enough:
                    break
        relation = rows.relation()
        if not settings.incremental:
            return LoadedRows(relation, notices=run.notices())
        return LoadedRows(relation, ("id",), run.position(), run.notices())


class _Run:
    """One load: what is asked, what is kept of it, and how far it came. *since*: newest change of the run before; 0 for none."""

    def __init__(self, settings: IntercomSettings, since: int) -> None:
        self._settings = settings
        self._since = since
        self._newest = since
        self._vanished = 0

    def pages(self, api: IntercomApi) -> Iterator[Sequence[Row]]:
        """Pages of rows, those that are not wanted left out."""
        match self._settings.target:
            case IntercomTarget.USERS:
                for page in api.contacts(self._query(self._role())):
                    kept = [self._whole(row, api) for row in self._kept(page)]
                    rows = [row for row in kept if row is not None]
                    yield [with_old_names(row) for row in rows] if self._settings.old_names else rows
            case IntercomTarget.CONVERSATIONS:
                for page in api.conversations(self._query()):
                    kept_rows = self._kept(page)
                    yield self._with_parts(kept_rows, api) if self._settings.parts else kept_rows
            case IntercomTarget.COMPANIES:
                yield from api.companies()
            case IntercomTarget.SEGMENTS:
                yield api.segments()
            case IntercomTarget.TAGS:
                yield api.tags()

    def position(self) -> Mapping[str, Json]:
        """What the next run has to know."""
        return {**_question(self._settings), "updated_at": self._newest}

    def notices(self) -> tuple[str, ...]:
        """What a reader of the job's log should know."""
        told = []
        if self._since:
            told.append(f"asked again from {self._settings.overlap} s before the newest row of the run before")
            told.append(_VANISHED)
        if self._vanished:
            told.append(f"{self._vanished} were gone before they could be read whole, and are left out")
        return tuple(told)

    def _query(self, *filters: Row) -> Row:
        """What is asked of a search, which needs a filter: always one of the time of the last change."""
        asked = self._since - self._settings.overlap - _DAY_S if self._since else 0
        changed: Row = {"field": "updated_at", "operator": ">", "value": max(0, asked)}
        if not self._since and filters:
            return filters[0]
        return {"operator": "AND", "value": [*filters, changed]} if filters else changed

    def _role(self) -> Row:
        user: Row = {"field": "role", "operator": "=", "value": "user"}
        lead: Row = {"field": "role", "operator": "=", "value": "lead"}
        return {"operator": "OR", "value": [user, lead]} if self._settings.leads else user

    def _kept(self, page: Sequence[Row]) -> list[Row]:
        """Those of *page* that changed late enough; the newest of them is where the next run goes on."""
        bound = self._since - self._settings.overlap if self._since else 0
        kept = [row for row in page if not bound or _changed_at(row) >= bound]
        self._newest = max([self._newest, *map(_changed_at, kept)])
        return kept

    def _whole(self, row: Row, api: IntercomApi) -> Row | None:
        """*row* with all its tags and companies, of which it tells ten itself; None when it is gone meanwhile."""
        told = dict(row)
        try:
            for name, read in (("tags", api.tags_of), ("companies", api.companies_of)):
                short = row.get(name)
                if isinstance(short, Mapping) and short.get("has_more"):
                    told[name] = {**short, "data": list(read(str(row["id"]))), "has_more": False}
        except NotFound:
            # Merged or deleted since its page was read: a row of it would be one of nobody.
            self._vanished += 1
            return None
        return told

    def _with_parts(self, rows: Sequence[Row], api: IntercomApi) -> list[Row]:
        with readers(_AT_ONCE, "intercom-parts") as pool:
            whole = list(pool.map(lambda row: _conversation(row, api), rows))
        self._vanished += whole.count(None)
        return [row for row in whole if row is not None]


class _Rows:
    """Rows on their way into a relation: on disk beside what the connection itself spills, and for as long."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, columns: Columns) -> None:
        self._connection = connection
        self._columns = columns
        self._others: dict[str, None] = {}
        [(spills,)] = connection.execute("SELECT current_setting('temp_directory')").fetchall()
        folder = Path(spills) / "intercom"
        folder.mkdir(parents=True, exist_ok=True)
        self._spool = RowSpool(folder)

    @property
    def count(self) -> int:
        """Rows so far, those that came twice counted twice."""
        return self._spool.count

    def add(self, page: Sequence[Row]) -> None:
        """Take *page* in."""
        rows = flat(page, self._columns)
        for number, row in enumerate(rows, start=self.count):
            self._others.update(dict.fromkeys(name for name in row if name not in self._columns))
            row[_ORDER] = number
        self._spool.add(rows)

    def relation(self) -> str:
        """The name of a view that has each id once, as it came last, in the same columns whatever the rows say."""
        source = self._spool.relation(self._connection)
        parts = [f"CAST({self._told(name)} AS {type_}) AS {_quoted(name)}" for name, type_ in self._columns.items()]
        if self.count:
            parts += [f"{self._told(name)} AS {_quoted(name)}" for name in self._others]
            last = f"QUALIFY row_number() OVER (PARTITION BY id ORDER BY {_ORDER} DESC) = 1 ORDER BY {_ORDER}"
        else:
            last = ""
        sql = f"SELECT {', '.join(parts)} FROM {source} {last}"
        self._connection.execute(f"CREATE OR REPLACE TEMP VIEW {RELATION} AS {sql}")
        return RELATION

    def _told(self, name: str) -> str:
        told = self._spool.name_of((name,))
        return "NULL" if told is None else _quoted(told)


def _conversation(row: Row, api: IntercomApi) -> Row | None:
    try:
        return {**row, **api.conversation(str(row["id"]))}
    except NotFound:
        return None


def _changed_at(row: Row) -> int:
    told = row.get("updated_at")
    return told if isinstance(told, int) else 0


def _question(settings: IntercomSettings) -> dict[str, Json]:
    """What a position belongs to: that of another question says nothing."""
    return {"target": settings.target.value, "leads": settings.leads}


def _since(settings: IntercomSettings, position: Mapping[str, Json]) -> int:
    told = position.get("updated_at")
    if not settings.incremental or not isinstance(told, int):
        return 0
    question = _question(settings)
    return told if {name: position.get(name) for name in question} == question else 0


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
