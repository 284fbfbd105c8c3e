"""Tables in Parquet files: their rows, and what loads note beside them in the file's metadata, where both change in one step.

The note is JSON below one key: for each load that filled the file the name of its import, the job of its last run and how many
rows that brought, and where reading stopped. What is in the file from elsewhere has no note, and loses what else it says of itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import orjson

from reconciler.errors import TdrError
from reconciler.model.json import Json
from reconciler.service.columns import free, names, quoted, result_schema

_NOTE: Final = "tdr.imports"
_NOT_THE_FILE: Final = (duckdb.InterruptException, duckdb.OutOfMemoryException)
"""What is no fault of a file that is read."""


@dataclass(frozen=True, slots=True)
class Landed:
    """What the last run of a load left in a file. load: its name. rows: that the run brought. position: see `LoadedRows`."""

    load: str
    job_id: int
    rows: int
    position: Mapping[str, Json]


def landed_in(connection: duckdb.DuckDBPyConnection, path: Path, named: str) -> dict[str, Landed]:
    """Identity of a load -> what it left in the file at *path*; empty for a file from elsewhere.

    named: the file, in messages.

    Raises:
        TdrError: it is no Parquet file, or its note is nobody's.
    """
    try:
        found = connection.execute(
            f"SELECT decode(value) FROM parquet_kv_metadata({_pattern(path)}) WHERE decode(key) = ?", [_NOTE]
        ).fetchall()
    except _NOT_THE_FILE:
        raise
    except duckdb.Error:
        raise _unreadable(named) from None
    try:
        told: dict[str, dict[str, Json]] = orjson.loads(found[0][0]) if found else {}
        return {identity: Landed(**one) for identity, one in told.items()}  # type: ignore[arg-type]
    except (ValueError, TypeError, AttributeError):
        raise TdrError(
            f"what {named} says of `{_NOTE}` in its metadata was written by another version of tdr, or by nobody",
            hint="use that version, or move the file away and load anew",
        ) from None


def columns_of(connection: duckdb.DuckDBPyConnection, path: Path) -> list[list[str]]:
    """Names and types of the columns of a file, as results tell them."""
    return result_schema(connection.sql(f"SELECT * FROM {_reader(path)}"))


def show(connection: duckdb.DuckDBPyConnection, path: Path, named: str, view: str) -> None:
    """Make the rows of the file readable as *view*, every value of which was read, so that a broken file is found before.

    Raises:
        TdrError: it is broken.
    """
    try:
        found = free("found", connection.sql(f"SELECT * FROM {_reader(path)}").columns)
        # A hash of whole rows needs every value, so nothing is skipped; its result does not matter.
        connection.execute(f"SELECT bit_xor(hash({found})) FROM {_reader(path)} AS {found}").fetchall()
    except _NOT_THE_FILE:
        raise
    except duckdb.Error:
        raise _unreadable(named) from None
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {quoted(view)} AS SELECT * FROM {_reader(path)}")


def write(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    columns: Iterable[str],
    landed: Mapping[str, Landed],
    path: Path,
    named: str,
) -> None:
    """Write *columns* of *relation* to the file that is at *path*, in its place, with the note *landed*.

    Raises:
        TdrError: the disk refuses.
    """
    told = {
        identity: {field: getattr(one, field) for field in Landed.__slots__} for identity, one in sorted(landed.items())
    }
    note = orjson.dumps(told).decode().replace("'", "''")
    try:
        connection.execute(
            f"COPY (SELECT {names([*columns])} FROM {relation}) TO {_literal(str(path))}"
            # By itself DuckDB writes beside a file that is there, and then what is locked is no longer the file.
            f" (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false, KV_METADATA {{'{_NOTE}': '{note}'}})"
        )
    except duckdb.IOException:
        raise TdrError(
            f"{named} cannot be written",
            hint="see whether its disk has room; the file of the run before is still there as it was, so run it again then",
        ) from None


def _reader(path: Path) -> str:
    return f"read_parquet({_pattern(path)}, hive_partitioning = false)"


def _pattern(path: Path) -> str:
    # The engine expands globs, so that signs of a glob inside a name stand in brackets.
    return _literal(re.sub(r"[\[*?]", r"[\g<0>]", str(path)))


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _unreadable(named: str) -> TdrError:
    return TdrError(
        f"{named} cannot be read as Parquet, and its rows are not exchanged for others unseen",
        hint="see what it is, and move it away or name another file",
    )
