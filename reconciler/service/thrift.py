"""How much memory it takes to write rows: little, however many they are, unless single ones are very large."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final, Protocol, TypeVar

import duckdb

from reconciler.service.warehouse import limit

_Result = TypeVar("_Result")
_LEAST_MB: Final = 120
_COLUMN_MB: Final = 1
"""An engine holds a few blocks of each column that it writes."""
_OUT_OF_MEMORY: Final = "Out of Memory"


class _TooLittle(Exception):
    """A statement needs more memory than it was given; nothing of it is done."""


class Engine(Protocol):
    """An engine that writes rows, as one of those who use it sees it."""

    @property
    def memory_mb(self) -> int:
        """All that it may take."""
        ...

    def taking(self, memory_mb: int) -> AbstractContextManager[None]:
        """While inside, the caller needs no more than *memory_mb*."""
        ...


class Thrift:
    """What one writer takes of the memory of engines, which keep what they have read and written until they reach their limit."""

    def __init__(self, warehouse: Engine, columns: int) -> None:
        """For rows of so many *columns*, to be written into *warehouse*."""
        self._warehouse = warehouse
        self._little_mb = min(_LEAST_MB + _COLUMN_MB * columns, warehouse.memory_mb)
        self._is_enough = True

    def tried(self, work: Callable[[], _Result]) -> _Result:
        """What *work* gives; once more, with all memory, where what is inside `sparing` needs more.

        Until it comes there, *work* must have done nothing that may not be done twice.
        """
        try:
            return work()
        except _TooLittle:
            self._is_enough = False
            return work()

    @contextmanager
    def sparing(self, connection: duckdb.DuckDBPyConnection | None = None) -> Iterator[None]:
        """While inside, the data file's engine has little memory if nobody else needs more, and so has that of *connection*.

        A COMMIT has no place in here: it is not undone where there is no memory left for what comes after it.
        """
        if not self._is_enough:
            yield
            return
        try:
            with self._warehouse.taking(self._little_mb):
                if connection is not None:
                    limit(connection, self._little_mb)
                try:
                    yield
                finally:
                    if connection is not None:
                        limit(connection, self._warehouse.memory_mb)
        except duckdb.Error as error:
            # What reads rows from another engine says so in its own words.
            if _OUT_OF_MEMORY in str(error):
                raise _TooLittle from error
            raise
