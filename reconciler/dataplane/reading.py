"""Rows of a connection, some at a time. What its engine says of one may quote its values, so only the kind of error is told on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reconciler.errors import Permanent

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_KIND: Final = re.compile("([A-Za-z ]+) Error: ")
"""What a message of the engine begins with, as it comes out of a stream."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A result under way, to be read once."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]


@contextmanager
def reading(connection: duckdb.DuckDBPyConnection, query: str, rows: int) -> Iterator[Reading]:
    """The result of *query*, *rows* at a time; while inside, *connection* takes no other query.

    Raises:
        Permanent: the query failed, now or while its batches are read.
    """
    import duckdb  # noqa: PLC0415 - heavy, and only runs that move rows need it

    # Only a relation streams; execute() would hold the whole result (DuckDB 2.0). The stream is closed whatever happens: a
    # connection with an open result takes no other query.
    try:
        reader = connection.sql(query).to_arrow_reader(rows)
    except duckdb.Error as error:
        raise unreadable(type(error).__name__) from None
    with reader:
        yield Reading(reader.schema, _batches(reader))


def _batches(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    import duckdb  # noqa: PLC0415 - as above
    import pyarrow as pa  # noqa: PLC0415 - as above

    while True:
        try:
            batch = reader.read_next_batch()
        except StopIteration:
            return
        # Arrow hands on what an engine says in the middle of a stream as an error of input and output.
        except (duckdb.Error, OSError, pa.ArrowException) as error:
            kind = _KIND.match(str(error))
            name = (
                "".join(word.capitalize() for word in kind[1].split()) + "Exception" if kind else type(error).__name__
            )
            raise unreadable(name) from None
        yield batch


def unreadable(kind: str) -> Permanent:
    """The error for rows of which the engine said an error of that kind."""
    return Permanent(
        f"the rows could not be read: {kind}", hint="run the query by itself; the engine's message may quote values"
    )
