"""Rows on their way to Salesforce, written once as the text that they are sent as; `salesforce_staged` sends them from there.

Everything happens in SQL, on columns and files; no row is ever a Python object. Files hold rows, are readable by their owner only,
and are gone when the run is over.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.dataplane.workspace import ROWS_PER_BATCH, Workspace

if TYPE_CHECKING:
    import duckdb

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
    texts = ", ".join(f"{_text(name, kind)} AS {quoted(name)}" for name, kind in columns.items())
    numbered = rows.sql(f"SELECT row_number() OVER () AS tdr_row, {texts} FROM rows")
    empty = f"'{ERASING}'" if erases else "NULL"
    kept = ", ".join(
        f"nullif({quoted(name)}, '') AS {quoted(name)}"
        if name == key or not erases or "." in name
        else f"coalesce(nullif({quoted(name)}, ''), {empty}) AS {quoted(name)}"
        for name in columns
    )
    # A parent's key that is erased would be looked for as a parent of that name; the parent's own Id field can be erased.
    cases = [f"WHEN {quoted(name)} IS NULL THEN 'empty_parent_key'" for name in columns if erases and "." in name]
    if key:
        cases.insert(0, f"WHEN {quoted(key)} IS NULL THEN 'empty_key'")
        cases.append(f"WHEN count(*) OVER (PARTITION BY {same_key(quoted(key), key)}) > 1 THEN 'duplicate_key'")
    verdict = f"CASE {' '.join(cases)} END" if cases else "NULL"
    with numbered.to_arrow_reader(ROWS_PER_BATCH) as reader:

        def work(engine: duckdb.DuckDBPyConnection) -> tuple[int, dict[str, int]]:
            engine.from_arrow(reader).create_view("numbered", replace=True)
            engine.execute(
                f"CREATE OR REPLACE TABLE judged AS SELECT *, {verdict} AS tdr_reason FROM (SELECT tdr_row, {kept} FROM numbered)"
            )
            save(engine, "SELECT * EXCLUDE (tdr_reason) FROM judged WHERE tdr_reason IS NULL ORDER BY tdr_row", target)
            rejected = "SELECT tdr_row, tdr_reason FROM judged WHERE tdr_reason IS NOT NULL"
            save(engine, rejected, target.with_suffix(".rejected"))
            [(total,)] = engine.sql("SELECT count(*) FROM judged").fetchall()
            counts = dict(
                engine.sql(f"SELECT tdr_reason, count(*) FROM ({rejected}) GROUP BY ALL ORDER BY ALL").fetchall()
            )
            engine.execute("DROP TABLE judged")
            return int(total), counts

        # The stream is read once, so that there is no second try with more memory: what does not fit is spilled.
        return workspace.once(work)


def rejected(workspace: Workspace, folder: Path) -> list[tuple[int, str]]:
    """Row number and reason of the first 10,000 rows that could not be sent at all."""
    query = f"SELECT tdr_row, tdr_reason FROM read_parquet({literal(folder / '*.rejected')}) ORDER BY 1 LIMIT 10000"
    return [(int(row), str(reason)) for row, reason in workspace.once(lambda one: one.sql(query).fetchall())]


def save(engine: duckdb.DuckDBPyConnection, query: str, target: Path) -> None:
    """Write what *query* finds to *target*, readable by its owner only."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    target.touch(mode=0o600)
    engine.execute(f"COPY ({query}) TO {literal(target)} (FORMAT parquet, ROW_GROUP_SIZE 20480, USE_TMP_FILE false)")


def _text(name: str, kind: str) -> str:
    """SQL of a column as Salesforce reads it: times in UTC with a Z, several values joined by ``;``, line ends as LF."""
    column, base = quoted(name), kind.upper()
    if base.startswith("TIMESTAMP"):
        instant = f"make_timestamp_ms(epoch_ms({column}))"
        return f"strftime({instant}, '%Y-%m-%dT%H:%M:%S.%gZ')"
    if base.endswith("[]"):
        return f"array_to_string({column}, ';')"
    return f"replace(replace(CAST({column} AS VARCHAR), chr(13) || chr(10), chr(10)), chr(13), chr(10))"


def same_key(column: str, key: str) -> str:
    """SQL by which two values of *column* are one key: of `Id` its 15 telling characters, of others their text in any case."""
    return f"left({column}, 15)" if key == "Id" else f"lower({column})"


def quoted(name: str) -> str:
    """*name* as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    """*value* as a string of SQL."""
    return "'" + str(value).replace("'", "''") + "'"


def file_sql(path: Path) -> str:
    """The rows of a Parquet file, in SQL."""
    return f"read_parquet({literal(path)})"
