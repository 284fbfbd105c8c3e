"""Tables of changes: beside a table, a row for each of its rows that came to be, became otherwise or went.

Source: documentation of Qlik's change tables for the number of a change; names and words of the other columns are as others
tell them. What is known of a row is what its last change says, and what the table holds where there was none, so that rows
which come again as they were change nothing, also where the table itself stays as it was loaded first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from reconciler.errors import TdrError
from reconciler.ports.loads import Changes
from reconciler.service.catalog import Catalog, Table
from reconciler.service.columns import aliases, duckdb_type, free, names, quoted
from reconciler.service.rows import Rows
from reconciler.service.tables import Tables, by_rowid, emptying, unix
from reconciler.service.widening import widened

_KNOWN: Final = "known_rows"
_FOUND: Final = "found_changes"
_HEADERS: Final = (
    "change_seq",
    "change_oper",
    "change_mask",
    "stream_position",
    "operation",
    "transaction_id",
    "timestamp",
)
_TIMED, _COUNTED = 16, 19
"""Digits of a change's number: of its time, and behind it of how many changes there were."""
_OPERATIONS: Final = {"I": "INSERT", "U": "UPDATE", "D": "DELETE"}


@dataclass(frozen=True, slots=True)
class Told:
    """What became of rows: *tables* that the catalog has to hear of, *count* changes, the number of the last one."""

    tables: tuple[Table, ...]
    count: int
    last: str


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a load.

    rows: what it brought, in a table of the connection that writes; they are known by *key*. whole: they are all that there are.
    time_column: see `Tables.append`.
    now: in Unix seconds; loaded_at: the same for the rows' `time`. last: the number of the last change of the runs before.
    """

    rows: Rows
    key: Sequence[str]
    changes: Changes
    whole: bool
    time_column: str
    now: float
    loaded_at: int
    last: str


def of(catalog: Catalog, table: Table, changes: Changes) -> Table:
    """The table of changes that belongs to *table*; it is made where it is not there.

    Raises:
        TdrError: what is there under its name is something else.
    """
    name = changes.table or f"{table.name}__ct"
    headers = {changes.prefix + header: "string" for header in _HEADERS}
    if name == table.name:
        raise TdrError(f"the changes of {table.database}.{name} cannot be told in the table itself")
    found = catalog.find_table(table.database, name)
    if found is None:
        return replace(catalog.create_table(table.database, name), columns=headers)
    if found.columns and not headers.keys() <= found.columns.keys():
        raise TdrError(
            f"{table.database}.{name} is no table of changes: it has no `{changes.prefix}change_seq`",
            hint="name another one with `change_table`, or remove that table",
        )
    return replace(found, columns={**found.columns, **headers})


def begun(tables: Tables, run: Run, table: Table, beside: Table) -> Told:
    """The first run: *table* has its rows, and *beside* has no changes, once the catalog is told of both."""
    full = table
    if run.rows.count():
        with tables.sparing(run.rows):
            _only_last(tables, run)
        full = tables.exchanged(run.rows, table, time_column=run.time_column, now=run.loaded_at)
    shape = {name: type_ for name, type_ in full.columns.items() if name not in beside.columns}
    empty = tables.emptied(replace(beside, columns={**beside.columns, **shape}))
    return Told((empty,) if full is table else (full, empty), 0, run.last)


def told(tables: Tables, run: Run, table: Table, beside: Table, before_commit: Callable[[Told], None]) -> Told:
    """A later run: *beside* has one row more for each change, and *table* is changed where changes are applied.

    before_commit: called in the transaction that writes, at its end.

    Raises:
        TdrError: a row has no key. Or all rows that are known would be told to be gone.
    """
    if not run.rows.count():  # then they may have no columns, either
        return Told((), 0, run.last)
    with tables.sparing(run.rows):
        _only_last(tables, run)
    connection = tables.connection
    beside = widened(run.rows, tables.held(beside), beside)
    wider, values = tables.wider(run.rows, beside)
    beside = replace(wider, columns={**beside.columns, **wider.columns})  # new ones behind, so that bits of masks stay
    key = [name.lower() for name in run.key]
    with tables.sparing(run.rows):
        _know(tables, run, table, beside, key)
    last = max(run.last, _newest(tables, run, beside))
    start, counted = max(last[:_TIMED], _time_part(run.now)), int(last[_TIMED:] or 0)
    with tables.sparing(run.rows):
        _find(tables, run, beside, values, key, numbered=(start, counted))
    [(count,)] = connection.execute(f"SELECT count(*) FROM {_FOUND}").fetchall()
    if not count:
        return Told((), 0, last)
    last = start + f"{counted + count:0{_COUNTED}d}"
    written: list[Table] = []

    def apply(changed: Table) -> None:
        written.append(changed)
        if run.changes.applies:
            at = run.time_column
            written.append(tables.merge(run.rows, table, run.key, time_column=at, now=run.loaded_at, whole=run.whole))
        before_commit(Told(tuple(written), count, last))

    tables.added(Rows(connection, _FOUND), beside, time_column="", now=run.loaded_at, before_commit=apply)
    return Told(tuple(written), count, last)


def _only_last(tables: Tables, run: Run) -> None:
    """Of rows with the same key the one that changed last counts, and of those the last that came."""
    tables.keys(run.rows, run.key)
    there = run.rows.types()
    called = aliases(there)
    by_name = {name.lower(): alias for name, alias in called.items()}
    when = (
        f"{unix(called[run.changes.time_column], there[run.changes.time_column])} NULLS FIRST, "
        if _has_time(run, there)
        else ""
    )
    last = (
        f"SELECT last(rowid ORDER BY {when}rowid) FROM {run.rows.relation} AS came ({', '.join(called.values())})"
        f" GROUP BY {', '.join(by_name[name.lower()] for name in run.key)}"
    )
    with by_rowid(tables.connection, run.rows.relation):
        tables.connection.execute(f"DELETE FROM {run.rows.relation} WHERE rowid NOT IN ({last})")


def _has_time(run: Run, there: Mapping[str, str]) -> bool:
    return bool(run.changes.time_column) and run.changes.time_column in there


def _own(beside: Table, prefix: str) -> list[str]:
    """The columns of the rows themselves."""
    headers = {prefix + header for header in _HEADERS}
    return [name for name in beside.columns if name not in headers]


def _know(tables: Tables, run: Run, table: Table, beside: Table, key: Sequence[str]) -> None:
    """Make `_KNOWN`: all rows as they were last told, in the types of *beside*."""
    connection = tables.connection
    number, kind = (quoted(run.changes.prefix + header) for header in ("change_seq", "change_oper"))
    gone, place = (free(name, beside.columns) for name in ("gone", "place"))
    sources = [f"SELECT {_as_in(beside, run, {})}, true AS {gone}, 2 AS {place} WHERE false"]
    if (changed := tables.held(beside)) is not None:
        shown = _as_in(beside, run, changed.types())
        newest = f"row_number() OVER (PARTITION BY {names(key)} ORDER BY {number} DESC) = 1"
        sources.append(
            f"(SELECT {shown}, {kind} = 'D' AS {gone}, 0 AS {place} FROM {changed.relation} QUALIFY {newest})"
        )
    if (loaded := tables.held(table)) is not None:
        shown = _as_in(beside, run, loaded.types())
        sources.append(f"SELECT {shown}, false AS {gone}, 1 AS {place} FROM {loaded.relation}")
    first = f"row_number() OVER (PARTITION BY {names(key)} ORDER BY {place}) = 1"
    connection.execute(f"DROP TABLE IF EXISTS {_KNOWN}")
    connection.execute(
        f"CREATE TEMP TABLE {_KNOWN} AS SELECT * EXCLUDE ({gone}, {place})"
        f" FROM (SELECT * FROM ({' UNION ALL '.join(sources)}) QUALIFY {first}) WHERE NOT {gone}"
    )


def _as_in(beside: Table, run: Run, there: Mapping[str, str]) -> str:
    """The columns of the rows, in the types of *beside*; null where a relation with the columns *there* has none."""
    return ", ".join(
        f"CAST({quoted(name) if name in there else 'NULL'} AS {duckdb_type(beside.columns[name])}) AS {quoted(name)}"
        for name in _own(beside, run.changes.prefix)
    )


def _newest(tables: Tables, run: Run, beside: Table) -> str:
    """The number of the last change that is kept; "" where there is none."""
    held = tables.held(beside)
    if held is None:
        return ""
    number = quoted(run.changes.prefix + "change_seq")
    [(newest,)] = tables.connection.execute(f"SELECT coalesce(max({number}), '') FROM {held.relation}").fetchall()
    return str(newest)


def _find(
    tables: Tables,
    run: Run,
    beside: Table,
    values: Mapping[str, str],
    key: Sequence[str],
    *,
    numbered: tuple[str, int],
) -> None:
    """Make `_FOUND`: the rows of *beside* that this run adds. *numbered*: time of the next numbers, and how many there were.

    What the rows do not say at all is as it was.

    Raises:
        TdrError: *run* is whole, and none of the rows that are known came again.
    """
    connection, prefix = tables.connection, run.changes.prefix
    own = _own(beside, prefix)
    kind, at, place, mask = (free(name, own) for name in ("kind", "at", "place", "mask"))
    there = run.rows.types()
    when = unix(run.changes.time_column, there[run.changes.time_column]) if _has_time(run, there) else "NULL"
    now = f"CAST({int(run.now)} AS BIGINT)"  # of its own a number so small is of 32 bits, and so is what is made of it
    came = ", ".join(f"{values[name]} AS {quoted(name)}" for name in own if name in values)
    same = " AND ".join(f"came.{quoted(name)} = known.{quoted(name)}" for name in key)
    differs = {
        name: f"came.{quoted(name)} IS DISTINCT FROM known.{quoted(name)}"
        for name in own
        if name in values and name not in key
    }
    is_new = f"known.{quoted(key[0])} IS NULL"
    shown = ", ".join(f"{'came' if name in values else 'known'}.{quoted(name)} AS {quoted(name)}" for name in own)
    changed = (
        f"SELECT CASE WHEN {is_new} THEN 'I' ELSE 'U' END AS {kind}, came.{at}, came.{place} AS {place},"
        f" CASE WHEN {is_new} THEN {_mask(own, dict.fromkeys(own, 'true'))} ELSE {_mask(own, differs)} END AS {mask}, {shown}"
        f" FROM (SELECT {came}, coalesce({when}, {now}) AS {at}, row_number() OVER () AS {place} FROM {run.rows.relation}) AS came"
        f" LEFT JOIN {_KNOWN} AS known ON {same} WHERE {' OR '.join([is_new, *differs.values()])}"
    )
    if run.whole:
        gone = f"NOT EXISTS (SELECT 1 FROM (SELECT {came} FROM {run.rows.relation}) AS came WHERE {same})"
        [(known, going)] = connection.execute(
            f"SELECT count(*), count(*) FILTER (WHERE {gone}) FROM {_KNOWN} AS known"
        ).fetchall()
        if known and known == going:
            raise emptying(beside, known)
        kept = ", ".join(f"known.{quoted(name)}" for name in own)
        changed += f" UNION ALL SELECT 'D', {now}, NULL, {_mask(own, {})}, {kept} FROM {_KNOWN} AS known WHERE {gone}"
    start, counted = numbered
    order = ", ".join([at, f"{place} NULLS LAST", *map(quoted, key)])
    number = f"lpad(CAST({counted} + row_number() OVER (ORDER BY {order}) AS VARCHAR), {_COUNTED}, '0')"
    words = " ".join(f"WHEN '{oper}' THEN '{word}'" for oper, word in _OPERATIONS.items())
    headers = {
        "change_seq": f"'{start}' || {number}",
        "change_oper": kind,
        "change_mask": mask,
        "stream_position": "''",
        "operation": f"CASE {kind} {words} END",
        "transaction_id": "''",
        "timestamp": f"strftime(make_timestamp({at} * 1000000), '%Y-%m-%d %H:%M:%S')",
    }
    told_as = ", ".join(f"{value} AS {quoted(prefix + header)}" for header, value in headers.items())
    connection.execute(f"DROP TABLE IF EXISTS {_FOUND}")
    connection.execute(f"CREATE TEMP TABLE {_FOUND} AS SELECT {told_as}, {names(own)} FROM ({changed}) ORDER BY 1")


def _mask(own: Sequence[str], changed: Mapping[str, str]) -> str:
    """An expression for which of the columns *own* changed, eight to a byte, the first one in the lowest bit; in hexadecimal."""
    parts = []
    for start in range(0, len(own), 8):
        bits = (
            f"CASE WHEN {changed[name]} THEN {1 << bit} ELSE 0 END"
            for bit, name in enumerate(own[start : start + 8])
            if name in changed
        )
        parts.append(f"printf('%02x', {' + '.join(bits) or '0'})")
    return " || ".join(parts)


def _time_part(now: float) -> str:
    """``YYYYMMDDHHmmSShh`` in UTC; the last two are hundredths."""
    at = datetime.fromtimestamp(now, UTC)
    return f"{at:%Y%m%d%H%M%S}{at.microsecond // 10_000:02d}"
