"""What of a load is in the data file although its process died before it could say so.

Rows are in one file and jobs in another, so no transaction spans both. A load leaves a note beside its rows, in their
transaction; whoever finds its job unfinished looks for the note, and finishes what is left to say. Without the note nothing
is stored, and the job has failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import orjson

from reconciler.model.json import Json
from reconciler.service.catalog import Table

if TYPE_CHECKING:
    import duckdb

_NOTES: Final = "main.stored_loads"


@dataclass(frozen=True, slots=True)
class Note:
    """That the rows of a job are stored.

    rows: how many the job brought. schema: of the result. position: see `LoadedRows`.
    columns: of the table, name -> type, with those that the rows added.
    others: physical number and columns of tables that were written with it, by name.
    """

    database: str
    table: str
    physical: int
    rows: int
    schema: list[list[str]]
    columns: Mapping[str, str]
    position: Mapping[str, Json] | None
    others: Mapping[str, tuple[int, Mapping[str, str]]] = field(default_factory=dict)

    def names(self) -> tuple[str, ...]:
        """Of all tables that were written."""
        return self.table, *self.others

    def grown(self, table: Table) -> Table | None:
        """*table* with the columns that the rows added; None when its rows have been replaced since."""
        physical, columns = self.others.get(table.name, (self.physical, self.columns))
        return replace(table, columns=dict(columns)) if table.physical == physical else None


def leave(connection: duckdb.DuckDBPyConnection, job_id: int, note: Note) -> None:
    """Write the note of a job."""
    connection.execute(f"CREATE TABLE IF NOT EXISTS {_NOTES} (job_id BIGINT PRIMARY KEY, note VARCHAR)")
    connection.execute(
        f"INSERT OR REPLACE INTO {_NOTES} VALUES (?, ?)",
        [job_id, orjson.dumps({field: getattr(note, field) for field in Note.__slots__}).decode()],
    )


def find(connection: duckdb.DuckDBPyConnection, job_id: int) -> Note | None:
    """The note of a job."""
    if not _is_there(connection):
        return None
    found = connection.execute(f"SELECT note FROM {_NOTES} WHERE job_id = ?", [job_id]).fetchall()
    if not found:
        return None
    told: dict[str, Any] = orjson.loads(found[0][0])
    return Note(**told)


def remove(connection: duckdb.DuckDBPyConnection, job_id: int) -> None:
    """Forget the note of a job that is finished, if there is one."""
    if _is_there(connection):
        connection.execute(f"DELETE FROM {_NOTES} WHERE job_id = ?", [job_id])


def _is_there(connection: duckdb.DuckDBPyConnection) -> bool:
    [(there,)] = connection.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE schema_name || '.' || table_name = ?", [_NOTES]
    ).fetchall()
    return bool(there)
