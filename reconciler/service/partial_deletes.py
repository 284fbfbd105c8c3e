"""Removes the rows of a span of time from a table, as a job."""

from __future__ import annotations

import sqlite3
from typing import Final

from reconciler.errors import TdrError
from reconciler.service.answers import invalid
from reconciler.service.catalog import Catalog
from reconciler.service.jobs import Jobs, NewJob
from reconciler.service.warehouse import Warehouse

PARTIAL_DELETE: Final = "partialdelete"
"""Type of the job. Its query says the span, for people and for the thread that carries it out."""
_HOUR_S: Final = 3600
_WORD: Final = "time >= {start} AND time < {end}"


def partial_delete(database: str, table: str, start: int, end: int) -> NewJob:
    """The job for rows from *start* to before *end*, both whole hours in Unix seconds, as td-client-java demands.

    Raises:
        ApiError: 422 for a span that is none.
    """
    if start % _HOUR_S or end % _HOUR_S:
        raise invalid(f"from and to must be whole hours, multiples of {_HOUR_S}")
    if start >= end:
        raise invalid("from must be before to")
    return NewJob(type=PARTIAL_DELETE, database=database, table=table, query=_WORD.format(start=start, end=end))


def delete_part(row: sqlite3.Row, catalog: Catalog, warehouse: Warehouse, jobs: Jobs) -> None:
    """Carry out the job *row* and close it."""
    from reconciler.service.tables import Tables  # noqa: PLC0415 - brings duckdb

    words = str(row["query"]).split()
    table = catalog.find_table(row["database"], row["table"])
    if table is None:
        raise TdrError(f"table {row['database']}.{row['table']} does not exist")
    with warehouse.connection() as connection, warehouse.writing:
        left = Tables(catalog, connection).delete_between(table, int(words[2]), int(words[-1]))
    jobs.finish(row["id"], "success", f"{left} rows are left in {row['database']}.{row['table']}")
