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


@dataclass(slots=True)
class Reading:
    """A result under way, to be read once. *failure*: of the query, where it failed in the middle."""

    schema: pa.Schema
    reader: pa.RecordBatchReader
    failure: Permanent | None = None

    def batches(self) -> Iterator[pa.RecordBatch]:
        """What is left of it.

        Raises:
            Permanent: the query failed.
        """
        import duckdb  # noqa: PLC0415 - heavy, and only runs that move rows need it
        import pyarrow as pa  # noqa: PLC0415 - as above

        while True:
            try:
                batch = self.reader.read_next_batch()
            except StopIteration:
                return
            # Arrow hands on what an engine says in the middle of a stream as an error of input and output.
            except (duckdb.Error, OSError, pa.ArrowException) as error:
                kind = _KIND.match(str(error))
                name = "".join(word.capitalize() for word in kind[1].split()) if kind else ""
                self.failure = unreadable(f"{name}Exception" if name else type(error).__name__)
                raise self.failure from None
            yield batch

    def stream(self) -> pa.RecordBatchReader:
        """The same for another engine, which gives what it is told in words of its own."""
        import pyarrow as pa  # noqa: PLC0415 - as above

        return pa.RecordBatchReader.from_batches(self.schema, self.batches())


@contextmanager
def reading(connection: duckdb.DuckDBPyConnection, query: str, rows: int) -> Iterator[Reading]:
    """The result of *query*, *rows* at a time; while inside, *connection* takes no other query.

    Raises:
        Permanent: the query failed, now or while its batches are read, by whichever engine.
    """
    import duckdb  # noqa: PLC0415 - as above

    # Only a relation streams; execute() would hold the whole result (DuckDB 2.0). The stream is closed whatever happens: a
    # connection with an open result takes no other query.
    try:
        reader = connection.sql(query).to_arrow_reader(rows)
    except duckdb.Error as error:
        raise unreadable(type(error).__name__) from None
    with reader:
        result = Reading(reader.schema, reader)
        try:
            yield result
        except duckdb.Error:
            if result.failure is not None:
                raise result.failure from None
            raise


def unreadable(kind: str) -> Permanent:
    """The error for rows of which the engine said an error of that kind."""
    return Permanent(
        f"the rows could not be read: {kind}", hint="run the query by itself; the engine's message may quote values"
    )
