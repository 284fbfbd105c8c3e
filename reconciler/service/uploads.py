"""Rows that clients bring in the body of a request: read, told apart from what is no row, and written into their table."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import orjson

from reconciler.ports.clock import Clock
from reconciler.service.answers import invalid
from reconciler.service.catalog import Catalog, Table
from reconciler.service.warehouse import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS: Final = ("msgpack.gz", "msgpack", "json.gz", "json")
"""What an upload may be, by the words of td-client. It reads CSV and TSV itself and sends them as the first of these."""
_ROWS: Final = "rows"
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


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
        table = self._catalog.table(database, name)
        if not rows:
            return 0
        import duckdb  # noqa: PLC0415 - 100 ms, only when rows come

        from reconciler.service.tables import Tables  # noqa: PLC0415 - as above

        arrow = _arrow(rows)
        with self._warehouse.connection() as connection, self._warehouse.writing:
            connection.register("incoming", arrow)
            connection.execute(f"CREATE TEMP TABLE {_ROWS} AS SELECT * FROM incoming")
            connection.unregister("incoming")
            try:
                Tables(self._catalog, connection).append(_ROWS, table, time_column="", now=int(self._clock.now()))
            except duckdb.ConversionException:
                # The engine's own words quote the value, which may be a customer's.
                raise invalid(f"a value does not fit the type of its column in {database}.{name}") from None
        return len(rows)

    def newest(self, database: str, name: str, count: int) -> list[dict[str, Any]]:
        """The *count* rows of a table whose `time` is latest, the latest first."""
        table = self._catalog.table(database, name)
        from reconciler.service.tables import Tables  # noqa: PLC0415 - brings duckdb

        with self._warehouse.connection() as connection:
            with self._warehouse.writing:
                Tables(self._catalog, connection).prepare(table)
            found = connection.execute(f'SELECT * FROM {_where(table)} ORDER BY "time" DESC, rowid DESC LIMIT {count}')
            columns = [column[0] for column in found.description or ()]
            return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


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


def _arrow(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """*rows* as a table whose columns have a type that holds every value: whole number, number, or text."""
    import pyarrow as pa  # noqa: PLC0415 - 100 ms, only when rows come

    names = list(dict.fromkeys(name for row in rows for name in row))
    return pa.table({name: _column([row.get(name) for row in rows]) for name in names})


def _column(values: list[Any]) -> pa.Array[Any]:
    import pyarrow as pa  # noqa: PLC0415 - as above

    kinds = {type(value) for value in values if value is not None}
    if kinds <= {bool, int} and all(_SMALLEST <= int(value) <= _LARGEST for value in values if value is not None):
        return pa.array([None if value is None else int(value) for value in values], pa.int64())
    if kinds <= {bool, int, float}:
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    return pa.array([_text(value) for value in values], pa.string())


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
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
