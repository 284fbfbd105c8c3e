"""Rows on their way to Salesforce: written once as text, cut into CSV parts, and found again by what Salesforce gives back.

Everything happens in SQL, on columns and files; no row is ever a Python object. Files hold rows, are readable by their owner only,
and are gone when the run is over.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.dataplane.workspace import ROWS_PER_BATCH, Workspace

if TYPE_CHECKING:
    import duckdb

PART_BYTES: Final = 24_000_000
"""Of one upload; Salesforce takes 100 MB raw, and a part is held in memory while it is sent."""
ERASING: Final = "#N/A"


def stage(
    rows: duckdb.DuckDBPyConnection,
    workspace: Workspace,
    columns: Mapping[str, str],
    target: Path,
    *,
    key: str,
    erases: bool,
) -> tuple[int, dict[str, int]]:
    """Write the rows of the view ``rows`` that can be sent to *target* (Parquet), as text, numbered from 1 in column 0.

    key: column that tells records apart, or "". erases: whether a missing value is sent as one that empties the field.
    Rejected rows go to a file beside it. Returns all rows, and reason -> rows that cannot be sent.
    """
    texts = ", ".join(f"{_text(name, kind)} AS {_quoted(name)}" for name, kind in columns.items())
    numbered = rows.sql(f"SELECT row_number() OVER () AS tdr_row, {texts} FROM rows")
    empty = f"'{ERASING}'" if erases else "NULL"
    kept = ", ".join(
        f"nullif({_quoted(name)}, '') AS {_quoted(name)}"
        if name == key or not erases
        else f"coalesce(nullif({_quoted(name)}, ''), {empty}) AS {_quoted(name)}"
        for name in columns
    )
    verdict = "NULL"
    if key:
        verdict = (
            f"CASE WHEN {_quoted(key)} IS NULL THEN 'empty_key' "
            f"WHEN count(*) OVER (PARTITION BY lower({_quoted(key)})) > 1 THEN 'duplicate_key' END"
        )
    with numbered.to_arrow_reader(ROWS_PER_BATCH) as reader:

        def work(engine: duckdb.DuckDBPyConnection) -> tuple[int, dict[str, int]]:
            engine.from_arrow(reader).create_view("numbered", replace=True)
            engine.execute(
                f"CREATE OR REPLACE TABLE judged AS SELECT *, {verdict} AS tdr_reason FROM (SELECT tdr_row, {kept} FROM numbered)"
            )
            _save(engine, "SELECT * EXCLUDE (tdr_reason) FROM judged WHERE tdr_reason IS NULL ORDER BY tdr_row", target)
            rejected = "SELECT tdr_row, tdr_reason FROM judged WHERE tdr_reason IS NOT NULL"
            _save(engine, rejected, target.with_suffix(".rejected"))
            [(total,)] = engine.sql("SELECT count(*) FROM judged").fetchall()
            counts = dict(
                engine.sql(f"SELECT tdr_reason, count(*) FROM ({rejected}) GROUP BY ALL ORDER BY ALL").fetchall()
            )
            engine.execute("DROP TABLE judged")
            return int(total), counts

        # The stream is read once, so that there is no second try with more memory: what does not fit is spilled.
        return workspace.once(work)


def parts(workspace: Workspace, staged: Path, columns: Sequence[str]) -> list[tuple[int, int, int]]:
    """First row, last row and number of rows of each part of *staged*."""
    size = " + ".join(f"coalesce(strlen(replace({_quoted(name)}, '\"', '\"\"')), 0) + 3" for name in columns)
    query = f"""
        SELECT min(tdr_row), max(tdr_row), count(*) FROM (
            SELECT tdr_row, sum({size}) OVER (ORDER BY tdr_row) // {PART_BYTES} AS part FROM {_file(staged)}
        ) GROUP BY part ORDER BY part
    """
    return [
        (int(first), int(last), int(rows))
        for first, last, rows in workspace.once(lambda one: one.sql(query).fetchall())
    ]


def part_csv(workspace: Workspace, staged: Path, columns: Sequence[str], first: int, last: int, target: Path) -> bytes:
    """The CSV of rows *first* to *last*, header included, by way of the file *target*."""
    names = ", ".join(map(_quoted, columns))
    query = f"SELECT {names} FROM {_file(staged)} WHERE tdr_row BETWEEN {first} AND {last} ORDER BY tdr_row"
    try:
        target.touch(mode=0o600)
        workspace.once(
            lambda one: one.execute(f"COPY ({query}) TO {_literal(target)} (FORMAT csv, HEADER true, NULLSTR '')")
        )
        return target.read_bytes()
    finally:
        target.unlink(missing_ok=True)


def found_again(
    workspace: Workspace, staged: Path, columns: Sequence[str], span: tuple[int, int], results: bytes, scratch: Path
) -> list[tuple[int, str]]:
    """Row number and code of each row of *results*, CSV that Salesforce gave back for the rows *span*, in any order.

    Rows alike in all columns are told apart by nothing, and any of them is as good. Code "" for rows without an error.
    """
    head = next(csv.reader(io.StringIO(results[:1_000_000].decode("utf-8", errors="replace"))), [])
    if not head:
        return []
    spelled = {name.lower(): name for name in columns}
    told = [spelled.get(name.lower(), name) for name in head]
    shared = [name for name in columns if name in told]
    struct = ", ".join(f"{_literal(name)}: 'VARCHAR'" for name in told)
    same = " AND ".join(f"coalesce(g.{_quoted(name)}, '') = coalesce(s.{_quoted(name)}, '')" for name in shared)
    by = ", ".join(f"coalesce({_quoted(name)}, '')" for name in shared)
    code = "split_part(coalesce(g.sf__Error, ''), ':', 1)" if "sf__Error" in told else "''"
    query = f"""
        WITH given AS (
            SELECT *, row_number() OVER (PARTITION BY {by}) AS tdr_place FROM read_csv({_literal(scratch)}, auto_detect=false,
                header=true, delim=',', quote='"', escape='"', columns={{{struct}}}, max_line_size=20000000, parallel=false)
        ), sent AS (
            SELECT *, row_number() OVER (PARTITION BY {by} ORDER BY tdr_row) AS tdr_place FROM {_file(staged)}
            WHERE tdr_row BETWEEN {span[0]} AND {span[1]}
        )
        SELECT s.tdr_row, {code} FROM given g JOIN sent s ON {same} AND g.tdr_place = s.tdr_place ORDER BY 1
    """
    try:
        scratch.touch(mode=0o600)
        scratch.write_bytes(results)
        return [(int(row), str(said)) for row, said in workspace.once(lambda one: one.sql(query).fetchall())]
    finally:
        scratch.unlink(missing_ok=True)


def rejected(workspace: Workspace, staged: Path) -> list[tuple[int, str]]:
    """Row number and reason of the first 10,000 rows that could not be sent at all."""
    query = f"SELECT tdr_row, tdr_reason FROM {_file(staged.with_suffix('.rejected'))} ORDER BY 1 LIMIT 10000"
    return [(int(row), str(reason)) for row, reason in workspace.once(lambda one: one.sql(query).fetchall())]


def _save(engine: duckdb.DuckDBPyConnection, query: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    target.touch(mode=0o600)
    engine.execute(f"COPY ({query}) TO {_literal(target)} (FORMAT parquet, ROW_GROUP_SIZE 20480)")


def _text(name: str, kind: str) -> str:
    """SQL of a column as Salesforce reads it: times in UTC with a Z, several values joined by ``;``, line ends as LF."""
    column, base = _quoted(name), kind.upper()
    if base.startswith("TIMESTAMP"):
        instant = f"make_timestamp_ms(epoch_ms({column}))"
        return f"strftime({instant}, '%Y-%m-%dT%H:%M:%S.%gZ')"
    if base.endswith("[]"):
        return f"array_to_string({column}, ';')"
    return f"replace(replace(CAST({column} AS VARCHAR), chr(13) || chr(10), chr(10)), chr(13), chr(10))"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _file(path: Path) -> str:
    return f"read_parquet({_literal(path)})"
