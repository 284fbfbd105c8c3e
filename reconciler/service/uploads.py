"""Rows that clients bring in the body of a request: read, told apart from what is no row, and written into their table."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import orjson

from reconciler.ports.clock import Clock
from reconciler.service.answers import invalid
from reconciler.service.catalog import Catalog, Table
from reconciler.service.columns import TIME, aliases, types
from reconciler.service.warehouse import Warehouse

if TYPE_CHECKING:
    from reconciler.service.rows import Rows
    from reconciler.service.tables import Tables

FORMATS: Final = ("msgpack.gz", "msgpack", "json.gz", "json")
"""What an upload may be, by the words of td-client. It reads CSV and TSV itself and sends them as the first of these."""
Parts: TypeAlias = Callable[[], Iterable[Sequence[Mapping[str, Any]]]]
"""Gives the same rows whenever it is called, in parts that fit into memory."""
_ROWS, _INCOMING = "rows", "incoming"
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


class _Kind(IntEnum):
    """What holds every value of a column; each holds what those before it do."""

    WHOLE = 0
    NUMBER = 1
    TEXT = 2


class Uploads:
    """Puts rows into tables."""

    def __init__(self, catalog: Catalog, warehouse: Warehouse, clock: Clock) -> None:
        """Write into *warehouse*."""
        self._catalog = catalog
        self._warehouse = warehouse
        self._clock = clock

    def append(self, database: str, name: str, rows: Sequence[Mapping[str, Any]]) -> int:
        """Add *rows* to a table that must exist, all or none, and return how many there were.

        Raises:
            ApiError: 404 for a table that is not there, 422 for a value that its column cannot hold.
        """
        return self.append_all(database, name, lambda: [rows])

    def append_all(self, database: str, name: str, parts: Parts) -> int:
        """As `append`, for the rows of all *parts* at once, of which one is in memory at a time."""
        table = self._catalog.table(database, name)
        kinds: dict[str, _Kind] = {}
        count = 0
        for rows in parts():
            count += len(rows)
            for column in dict.fromkeys(column for row in rows for column in row):
                kinds[column] = max(kinds.get(column, _Kind.WHOLE), _kind([row.get(column) for row in rows]))
        if not count:
            return 0
        if not kinds:
            kinds[TIME] = _Kind.WHOLE  # rows that say nothing have a time all the same
        import duckdb  # noqa: PLC0415 - 100 ms, only when rows come

        from reconciler.service.tables import Tables  # noqa: PLC0415 - as above
        from reconciler.service.thrift import Thrift  # noqa: PLC0415 - as above

        now = int(self._clock.now())
        thrift = Thrift(self._warehouse, len(kinds))
        with self._warehouse.connection() as connection, self._warehouse.writing:
            tables = Tables(self._catalog, connection, thrift)
            arrived = thrift.tried(lambda: _copied(parts, kinds, tables))
            table = self._catalog.current(table)
            try:
                written = thrift.tried(lambda: tables.added(arrived, table, time_column="", now=now))
            except duckdb.ConversionException:
                # The engine's own words quote the value, which may be a customer's.
                raise invalid(f"a value does not fit the type of its column in {database}.{name}") from None
            tables.record(written)
        return count

    def newest(self, database: str, name: str, count: int) -> list[dict[str, Any]]:
        """The *count* rows of a table whose `time` is latest, the latest first."""
        table = self._catalog.table(database, name)
        from reconciler.service.tables import Tables  # noqa: PLC0415 - brings duckdb

        with self._warehouse.connection() as connection:
            with self._warehouse.writing:
                Tables(self._catalog, connection).prepare(table)
            there = aliases(types(connection.table(_where(table))))
            found = connection.execute(
                f"SELECT * FROM {_where(table)} AS newest ({', '.join(there.values())})"
                f" ORDER BY {there[TIME]} DESC, rowid DESC LIMIT {count}"
            ).fetchall()
            return [dict(zip(there, row, strict=True)) for row in found]


def read_rows(content: bytes, form: str) -> tuple[list[dict[str, Any]], list[Any]]:
    """The rows in *content*, and what stands between them and is none: no map, or one whose keys are no text.

    A value without a name is left out: pytd sends the numbers of a frame's rows so, and does not mean them as a column.

    Raises:
        ApiError: 422 for a format or bytes that cannot be read.
    """
    if form not in FORMATS:
        raise invalid(f"Format is not included in the list: {form!r}; use one of {', '.join(FORMATS)}")
    try:
        plain = gzip.decompress(content) if form.endswith(".gz") else content
        read = list(_json(plain) if form.startswith("json") else _msgpack(plain))
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise invalid(f"the body is not {form}: {type(error).__name__}") from error
    good: list[dict[str, Any]] = []
    strangers: list[Any] = []
    for one in read:
        if isinstance(one, dict) and all(isinstance(key, str) for key in one):
            good.append({key: value for key, value in one.items() if key})
        else:
            strangers.append(one)
    return good, strangers


def _msgpack(plain: bytes) -> Iterator[Any]:
    import msgpack  # noqa: PLC0415 - only when rows come

    unpacker = msgpack.Unpacker(raw=False, strict_map_key=False, max_buffer_size=0, unicode_errors="replace")
    unpacker.feed(plain)
    try:
        yield from unpacker
    except msgpack.exceptions.ExtraData as error:
        raise ValueError(str(error)) from error
    if unpacker.tell() != len(plain):
        message = "it ends within a row"
        raise ValueError(message)


def _json(plain: bytes) -> Iterator[Any]:
    return (orjson.loads(line) for line in plain.splitlines() if line.strip())


def _copied(parts: Parts, kinds: Mapping[str, _Kind], tables: Tables) -> Rows:
    """The rows of all *parts* in a temporary table; *kinds*: of its columns."""
    import pyarrow as pa  # noqa: PLC0415 - 100 ms, only when rows come

    from reconciler.service.rows import Rows  # noqa: PLC0415 - brings duckdb

    types: dict[_Kind, pa.DataType] = {_Kind.WHOLE: pa.int64(), _Kind.NUMBER: pa.float64(), _Kind.TEXT: pa.string()}
    schema = pa.schema([(name, types[kind]) for name, kind in kinds.items()])
    connection = tables.connection
    connection.register(_INCOMING, schema.empty_table())
    copied = tables.copied(Rows(connection, _INCOMING), _ROWS)
    for rows in parts():
        arrays = [pa.array([_as(kind, row.get(name)) for row in rows], types[kind]) for name, kind in kinds.items()]
        connection.register(_INCOMING, pa.table(arrays, schema=schema))
        with tables.sparing(copied):
            connection.execute(f"INSERT INTO {_ROWS} SELECT * FROM {_INCOMING}")
    connection.unregister(_INCOMING)
    return copied


def _kind(values: Iterable[Any]) -> _Kind:
    present = [value for value in values if value is not None]
    kinds = {type(value) for value in present}
    if kinds <= {bool, int} and all(_SMALLEST <= int(value) <= _LARGEST for value in present):
        return _Kind.WHOLE
    return _Kind.NUMBER if kinds <= {bool, int, float} else _Kind.TEXT


def _as(kind: _Kind, value: Any) -> int | float | str | None:
    if value is None:
        return None
    match kind:
        case _Kind.WHOLE:
            return int(value)
        case _Kind.NUMBER:
            return float(value)
        case _Kind.TEXT:
            return _text(value)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _where(table: Table) -> str:
    return f'"{table.home}"."t{table.physical}"'


def with_time(rows: Iterable[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Those of *rows* that say when they happened, in Unix seconds, and the others, which a bulk import refuses."""
    good: list[dict[str, Any]] = []
    bad: list[dict[str, Any]] = []
    for row in rows:
        is_told = isinstance(row.get("time"), int | float) and not isinstance(row["time"], bool)
        (good if is_told else bad).append(row)
    return good, bad
