"""Rows as CSV, JSON lines or Parquet, as a stream: never all of them in memory."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, cast

from reconciler.dataplane.reading import reading
from reconciler.errors import Permanent
from reconciler.model.files import FileFormat

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_BATCH_ROWS: Final = 20_000
# What is written as it is; everything else as its text, and what has parts as JSON.
_PLAIN: Final = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT"}
    | {"FLOAT", "DOUBLE", "BOOLEAN", "VARCHAR"}
)
_FRACTIONS: Final = frozenset({"FLOAT", "DOUBLE"})

Written = Callable[[int], None]
"""Called with the number of rows that are written so far; may raise to stop."""


def write_rows(
    connection: duckdb.DuckDBPyConnection, path: Path, form: FileFormat, written: Written, *, compressed: bool
) -> int:
    """Write the view ``rows`` to *path* and return how many rows there are.

    Raises:
        Permanent: a value cannot be written in this form, named by row and column; or the rows cannot be read.
    """
    columns = {str(name): str(type_) for name, type_, *_ in connection.execute("DESCRIBE rows").fetchall()}
    with path.open("wb") as raw:
        if form is FileFormat.PARQUET:
            return _parquet(connection, raw, written)
        with _packed(raw, compressed=compressed) as out:
            if form is FileFormat.CSV:
                return _csv(connection, columns, out, written)
            return _lines(connection, columns, out, written)


@contextmanager
def _packed(raw: IO[bytes], *, compressed: bool) -> Iterator[IO[bytes]]:
    if not compressed:
        yield raw
        return
    # Without the time of writing the same rows are the same file.
    with gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0) as out:
        yield cast("IO[bytes]", out)


def _parquet(connection: duckdb.DuckDBPyConnection, out: IO[bytes], written: Written) -> int:
    import pyarrow.parquet as pq  # noqa: PLC0415 - heavy, and only runs that move rows need it

    with (
        reading(connection, "SELECT * FROM rows", _BATCH_ROWS) as result,
        pq.ParquetWriter(out, result.schema, compression="zstd") as writer,
    ):
        return _each(result.batches(), written, writer.write_batch)


def _csv(connection: duckdb.DuckDBPyConnection, columns: dict[str, str], out: IO[bytes], written: Written) -> int:
    import pyarrow.csv as pc  # noqa: PLC0415 - as above

    values = []
    for name, type_ in columns.items():
        quoted = _quoted(name)
        has_parts = type_.endswith("]") or type_.startswith(("STRUCT", "MAP"))
        plain = type_ in _PLAIN or type_.startswith("DECIMAL")
        text = f"CAST({f'to_json({quoted})' if has_parts else quoted} AS VARCHAR)"
        values.append(f"{quoted if plain else text} AS {quoted}")
    with (
        reading(connection, f"SELECT {', '.join(values)} FROM rows", _BATCH_ROWS) as result,
        pc.CSVWriter(out, result.schema) as writer,
    ):
        return _each(result.batches(), written, writer.write_batch)


def _lines(connection: duckdb.DuckDBPyConnection, columns: dict[str, str], out: IO[bytes], written: Written) -> int:
    for name, type_ in columns.items():
        if type_ not in _FRACTIONS:
            continue
        # All of it: a connection with an open result takes no other statement.
        [(found,)] = connection.execute(
            f"SELECT min(n) FROM (SELECT row_number() OVER () AS n, {_quoted(name)} AS value FROM rows)"
            " WHERE NOT isfinite(value)"
        ).fetchall()
        if found is not None:
            raise Permanent(
                f"row {found}: column `{name}` is not a finite number, and JSON has no other",
                hint="let the query leave it out, or write CSV or Parquet",
            )
    # Not `to_json(rows)`: a column may be called like the view.
    fields = ", ".join(f"{_quoted(name)} := {_quoted(name)}" for name in columns)
    query = f"SELECT CAST(to_json(struct_pack({fields})) AS VARCHAR) AS line FROM rows"

    def write(batch: pa.RecordBatch) -> None:
        out.write("".join(f"{line}\n" for line in batch.column(0).to_pylist()).encode())

    with reading(connection, query, _BATCH_ROWS) as result:
        return _each(result.batches(), written, write)


def _each(batches: Iterator[pa.RecordBatch], written: Written, write: Callable[[Any], None]) -> int:
    rows = 0
    for batch in batches:
        write(batch)
        rows += batch.num_rows
        written(rows)
    return rows


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
