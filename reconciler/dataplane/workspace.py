"""An SQL engine of our own, with little memory and a place to spill.

The connection that holds the rows belongs to the caller and may share its limits with others, so the heavy work
(twins of a key, joins with results) is done in an engine beside it, which reads from it as a stream.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from reconciler import spills

if TYPE_CHECKING:
    import duckdb

ROWS_PER_BATCH = 100_000
"""Rows of an Arrow batch. Measured: 20,000 costs a third more time, 500,000 gains nothing and needs more memory."""

THREADS = 2
FIRST_MEMORY_MIB = 92
"""What is tried first."""
LAST_MEMORY_MIB = 1_952

Made = TypeVar("Made")


class Workspace:
    """A private engine. Spills to disk, and is given more memory only when spilling was not enough."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, memory_mib: int) -> None:
        self._connection = connection
        self._memory_mib = memory_mib

    def with_room(self, work: Callable[[duckdb.DuckDBPyConnection], Made]) -> Made:
        """Do *work*, once more from its beginning with twice the memory each time the engine runs out of it."""
        import duckdb  # noqa: PLC0415 - heavy, and only runs that move rows need it

        while True:
            try:
                return work(self._connection)
            except duckdb.OutOfMemoryException:
                if self._memory_mib * 2 > LAST_MEMORY_MIB:
                    raise
                self._memory_mib *= 2
                self._connection.execute(f"SET memory_limit = '{self._memory_mib}MiB'")

    def once(self, work: Callable[[duckdb.DuckDBPyConnection], Made]) -> Made:
        """Do *work* that cannot begin again, such as reading a stream; it may use all the memory there is from the start."""
        if self._memory_mib < LAST_MEMORY_MIB:
            self._memory_mib = LAST_MEMORY_MIB
            self._connection.execute(f"SET memory_limit = '{self._memory_mib}MiB'")
        return work(self._connection)


@contextmanager
def open_workspace(scratch: Path | None = None, memory_mib: int = FIRST_MEMORY_MIB) -> Iterator[Workspace]:
    """A private in-memory engine that spills below *scratch* (the system's temporary folder by default).

    What is spilled is what the caller's SQL works on. It is gone when the context ends, and
    when the process is killed, with the next one.
    """
    import duckdb  # noqa: PLC0415 - heavy, and only runs that move rows need it

    with spills.spilling(scratch) as spill:
        connection = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": f"{memory_mib}MiB",
                "threads": str(min(THREADS, os.cpu_count() or 1)),
                "temp_directory": str(spill),
                "preserve_insertion_order": "false",
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            },
        )
        try:
            yield Workspace(connection, memory_mib)
        finally:
            connection.close()
