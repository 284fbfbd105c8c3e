"""Rows on their way to Salesforce, written once as the text that they are sent as; `salesforce_staged` sends them from there.

Everything happens in SQL, on columns and files; no row is ever a Python object. Files hold rows, are readable by their owner only,
and are gone when the run is over.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.dataplane.reading import reading
from reconciler.dataplane.workspace import ROWS_PER_BATCH, Workspace, open_workspace

if TYPE_CHECKING:
    import duckdb

ERASING: Final = "#N/A"
_FRAME_BYTES: Final = 3
"""Of a value in CSV at most: two quotes and what follows."""
FIELD_CHARACTERS: Final = 131_072
"""The most that any field of Salesforce holds. Source: Bulk API limits; long text areas."""
RECORD_CHARACTERS: Final = 400_000
"""The most of all fields of one row. Source: Bulk API limits."""


def stage(
    rows: duckdb.DuckDBPyConnection,
    workspace: Workspace,
    columns: Mapping[str, str],
    target: Path,
    *,
    key: str,
    erases: bool,
) -> tuple[int, dict[str, int]]:
    """Write the rows of the view ``rows`` that can be sent to *target* (Parquet), as text, numbered from 1 in `tdr_row`.

    `tdr_bytes` is what a row takes as CSV. Rows stand in no order that means anything.

    key: column that tells records apart, or "". erases: whether a missing value is sent as one that empties the field.
    Rejected rows go to a file beside it. Returns all rows, and reason -> rows that cannot be sent.

    Raises:
        Permanent: the rows cannot be read.
    """
    texts = ", ".join(f"{_text(name, kind)} AS {quoted(name)}" for name, kind in columns.items())
    numbered = f"SELECT row_number() OVER () AS tdr_row, {texts} FROM rows"
    empty = f"'{ERASING}'" if erases else "NULL"
    kept = ", ".join(
        f"{_value(name)} AS {quoted(name)}"
        if name == key or not erases or "." in name
        else f"coalesce({_value(name)}, {empty}) AS {quoted(name)}"
        for name in columns
    )
    # A parent's key that is erased would be looked for as a parent of that name; the parent's own Id field can be erased.
    parents = [name for name in columns if erases and "." in name]
    raw = target.with_suffix(".raw")
    with reading(rows, numbered, ROWS_PER_BATCH) as result:

        def written(engine: duckdb.DuckDBPyConnection) -> None:
            engine.from_arrow(result.stream()).create_view("numbered", replace=True)
            save(
                engine,
                f"SELECT *, {size_sql(list(columns))} AS tdr_bytes FROM (SELECT tdr_row, {kept} FROM numbered)",
                raw,
            )

        # The stream is read once, so that there is no second try with more memory. An engine of its own, for what comes after
        # can be done again, and so gets by with less.
        with open_workspace() as passing:
            passing.once(lambda one: one.execute("SET threads = 1"))
            passing.once(written)
    rejected = target.with_suffix(".rejected")

    def judged(engine: duckdb.DuckDBPyConnection) -> tuple[int, dict[str, int]]:
        [(total,)] = engine.sql(f"SELECT count(*) FROM {file_sql(raw)}").fetchall()
        counts = _reject(engine, raw, columns, key, parents, rejected)
        if counts:
            bad = f"SELECT tdr_row FROM {file_sql(rejected)}"
            save(engine, f"SELECT * FROM {file_sql(raw)} WHERE tdr_row NOT IN ({bad})", target)
        return int(total), counts

    total, counts = workspace.with_room(judged)
    if counts:
        raw.unlink()
    else:
        raw.rename(target)
    return total, counts


def _reject(
    engine: duckdb.DuckDBPyConnection,
    raw: Path,
    columns: Collection[str],
    key: str,
    parents: Sequence[str],
    target: Path,
) -> dict[str, int]:
    """Write number and reason of each row of *raw* that cannot be sent to *target*, and return reason -> rows."""
    [(smallest, largest)] = engine.sql(f"SELECT min(tdr_bytes), max(tdr_bytes) FROM {file_sql(raw)}").fetchall()
    cases = [f"WHEN {quoted(name)} IS NULL THEN 'empty_parent_key'" for name in parents]
    if key:
        one = same_key(quoted(key), key)
        # Grouping by one column spills well, and nearly always finds nothing; only then rows are looked at by their key.
        engine.execute(
            f"CREATE OR REPLACE TEMP TABLE twins AS SELECT {one} AS tdr_key FROM {file_sql(raw)} GROUP BY 1 HAVING count(*) > 1"
        )
        cases.insert(0, f"WHEN {quoted(key)} IS NULL THEN 'empty_key'")
        cases.append(f"WHEN {one} IN (SELECT tdr_key FROM twins) THEN 'duplicate_key'")
    if smallest == _FRAME_BYTES * len(columns):
        # An empty line of a CSV is no row for Salesforce, so that it would be missed for ever.
        cases.append(f"WHEN tdr_bytes = {smallest} THEN 'empty_row'")
    if (largest or 0) > FIELD_CHARACTERS:  # which few queries come to, and to count characters takes time
        # Such a row would be refused, and by what Salesforce documents all others of its batch along with it.
        sizes = [f"coalesce(length({quoted(name)}), 0)" for name in columns]
        too_long = f"greatest({', '.join(sizes)}) > {FIELD_CHARACTERS} OR {' + '.join(sizes)} > {RECORD_CHARACTERS}"
        cases.append(f"WHEN tdr_bytes > {FIELD_CHARACTERS} AND ({too_long}) THEN 'too_long'")
    verdict = f"CASE {' '.join(cases)} END" if cases else "NULL::VARCHAR"
    judged = f"SELECT tdr_row, {verdict} AS tdr_reason FROM {file_sql(raw)}"
    save(engine, f"SELECT * FROM ({judged}) WHERE tdr_reason IS NOT NULL", target)
    query = f"SELECT tdr_reason, count(*) FROM {file_sql(target)} GROUP BY ALL ORDER BY ALL"
    return {str(reason): int(count) for reason, count in engine.sql(query).fetchall()}


def size_sql(columns: Sequence[str]) -> str:
    """SQL of the bytes that a row takes as CSV, at most."""
    texts = map(quoted, columns)
    quotes_doubled = (f"strlen(replace({text}, '\"', '\"\"'))" for text in map(quoted, columns))
    sizes = (
        f"CASE WHEN contains({text}, '\"') THEN {doubled} ELSE coalesce(strlen({text}), 0) END"
        for text, doubled in zip(texts, quotes_doubled, strict=True)
    )
    return " + ".join(sizes) + f" + {_FRAME_BYTES * len(columns)}"


def rejected(workspace: Workspace, folder: Path) -> list[tuple[int, str]]:
    """Row number and reason of the first 10,000 rows that could not be sent at all."""
    if not list(folder.glob("*.rejected")):
        return []
    query = f"SELECT tdr_row, tdr_reason FROM read_parquet({literal(folder / '*.rejected')}) ORDER BY 1 LIMIT 10000"
    return [(int(row), str(reason)) for row, reason in workspace.with_room(lambda one: one.sql(query).fetchall())]


def save(engine: duckdb.DuckDBPyConnection, query: str, target: Path) -> None:
    """Write what *query* finds to *target*, readable by its owner only."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    target.touch(mode=0o600)
    engine.execute(f"COPY ({query}) TO {literal(target)} (FORMAT parquet, ROW_GROUP_SIZE 20480, USE_TMP_FILE false)")


def _value(name: str) -> str:
    """SQL of a column's text; none where it says nothing. There is no way to send the text that Salesforce reads as null."""
    return f"CASE WHEN {quoted(name)} NOT IN ('', '{ERASING}') THEN {quoted(name)} END"


def _text(name: str, kind: str) -> str:
    """SQL of a column as Salesforce reads it: times in UTC with a Z, several values joined by ``;``, line ends as LF."""
    column, base = quoted(name), kind.upper()
    if base.startswith("TIMESTAMP") and not base.endswith("]"):
        # Of other units than microseconds the milliseconds cannot be asked for.
        moment = f"CAST({column} AS TIMESTAMP)" if base.startswith("TIMESTAMP_") else column
        return f"strftime(make_timestamp_ms(epoch_ms({moment})), '%Y-%m-%dT%H:%M:%S.%gZ')"
    text = f"array_to_string({column}, ';')" if base.endswith("[]") else f"CAST({column} AS VARCHAR)"
    # Numbers, dates and truths have no line ends.
    if not base.endswith("[]") and not base.startswith(("VARCHAR", "ENUM", "UUID", "JSON")):
        return text
    lines = f"replace(replace({text}, chr(13) || chr(10), chr(10)), chr(13), chr(10))"
    return f"CASE WHEN contains({text}, chr(13)) THEN {lines} ELSE {text} END"


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
