"""Rows in one DuckDB file, opened when SQL or a load needs it and closed as soon as nobody does.

One DuckDB schema a database; a table's rows are in ``t<number>``, whatever the table is called today. SQL of users runs
where no file, no network and no setting can be reached. What does not fit into memory spills into a temporary folder.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from reconciler import spills
from reconciler.errors import TdrError
from reconciler.service.damage import damaged, is_data_damaged

if TYPE_CHECKING:
    import duckdb

_Setting: TypeAlias = str | bool | int | float | list[str]

_RETRY_EVERY_S: Final = 0.1
_HOLDER: Final = re.compile(r"lock is held in (?P<program>.+?) \(PID (?P<pid>\d+)\)")
_PHYSICAL: Final = re.compile(r"t(\d+)")


@dataclass(frozen=True, slots=True)
class Bench:
    """Where one table is worked at. *folder* goes with it, and what is put there. memory_mb: what its engine may take."""

    connection: duckdb.DuckDBPyConnection
    folder: Path
    memory_mb: int

    @contextmanager
    def taking(self, memory_mb: int) -> Iterator[None]:
        """While inside, its engine takes no more than *memory_mb*."""
        limit(self.connection, memory_mb)
        try:
            yield
        finally:
            limit(self.connection, self.memory_mb)


class Warehouse:
    """The data file of one service."""

    def __init__(
        self,
        path: Path,
        in_use: Callable[[], set[int]],
        *,
        memory_mb: int,
        patience_s: float,
        spill_root: Path | None = None,
    ) -> None:
        """Open nothing yet.

        in_use: tells the numbers of tables that still hold somebody's rows; others are dropped when the file is opened.
        memory_mb: what an engine may take, in megabytes. patience_s: how long to wait for another process.
        spill_root: where what does not fit into memory goes; the system's temporary folder when None.
        """
        self._path = path
        self._in_use = in_use
        self.memory_mb = memory_mb
        self._patience_s = patience_s
        self._spill_root = spill_root
        self._lock = threading.Lock()
        self.writing = threading.Lock()
        """Held while tables change: DuckDB refuses two threads that alter one table at the same time."""
        self._users: list[int] = []
        self._limit_mb = 0
        self._root: duckdb.DuckDBPyConnection | None = None
        self._spill: spills.Spill | None = None

    @contextmanager
    def connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection of one's own, closed afterwards; temporary tables in it are nobody else's.

        Raises:
            TdrError: another process holds the file; says which.
            StateError: the file is damaged.
        """
        with ExitStack() as leaving:
            with self._lock:
                if self._root is None:
                    self._root = self._open()
                self._users.append(self.memory_mb)
                leaving.callback(self._leave)
                cursor = leaving.enter_context(self._root.cursor())
                self._share(self._root)
            try:
                yield cursor
            except Exception as error:
                if is_data_damaged(error):
                    raise damaged(self._path) from error
                raise

    @contextmanager
    def taking(self, memory_mb: int) -> Iterator[None]:
        """While inside, the caller, who has a connection, needs no more than *memory_mb*; others have what they need."""
        try:
            # Its first half never fails, so that whatever does is followed by the way back.
            self._exchange(self.memory_mb, memory_mb)
            yield
        finally:
            self._exchange(memory_mb, self.memory_mb)

    @contextmanager
    def scratch(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A database in memory that may read files and the network, for those who bring rows; spills like the other."""
        import duckdb  # noqa: PLC0415 - 100 ms, only when rows are loaded

        spill = spills.make(self._spill_root)
        config: dict[str, _Setting] = {
            "temp_directory": str(spill.folder),
            "memory_limit": f"{self.memory_mb}MB",
            "threads": "2",
        }
        try:
            with duckdb.connect(":memory:", config=config) as connection:
                connection.execute("SET TimeZone = 'UTC'")
                yield connection
        finally:
            spill.remove()

    @contextmanager
    def bench(self) -> Iterator[Bench]:
        """A database of one's own on disk, for a table that is kept elsewhere; it may read files and write them."""
        import duckdb  # noqa: PLC0415 - as above

        spill = spills.make(self._spill_root)
        config: dict[str, _Setting] = {
            "temp_directory": str(spill.folder / "spilled"),
            "memory_limit": f"{self.memory_mb}MB",
            "threads": "2",
        }
        try:
            with duckdb.connect(str(spill.folder / "bench.duckdb"), config=config) as connection:
                connection.execute("SET TimeZone = 'UTC'")
                # Nobody opens this file again, and a COMMIT that runs out of memory while it tidies up is the end of its engine.
                connection.execute("SET checkpoint_threshold = '1TB'")
                connection.execute("PRAGMA disable_checkpoint_on_shutdown")
                yield Bench(connection, spill.folder, self.memory_mb)
        finally:
            spill.remove()

    def close(self) -> None:
        """Close the file if it is open."""
        with self._lock:
            self._shut()

    def _leave(self) -> None:
        with self._lock:
            self._users.remove(self.memory_mb)
            if not self._users:
                self._shut()
            elif self._root is not None:
                self._share(self._root)

    def _exchange(self, former_mb: int, needed_mb: int) -> None:
        with self._lock:
            self._users.remove(former_mb)
            self._users.append(needed_mb)
            if self._root is not None:
                self._share(self._root)

    def _share(self, root: duckdb.DuckDBPyConnection) -> None:
        """Give the engine what those who use it need together."""
        import duckdb  # noqa: PLC0415 - is there by now

        wanted_mb = min(self.memory_mb, sum(self._users))
        if wanted_mb != self._limit_mb:
            self._limit_mb = 0  # not known if the disk refuses
            # One that cannot be lowered now stays: somebody has more in use, and it does not go to disk, or the disk refuses it.
            # Nobody needs it there yet; whoever does is told by the engine.
            with suppress(duckdb.OutOfMemoryException, duckdb.IOException):
                limit(root, wanted_mb)
                self._limit_mb = wanted_mb

    def _open(self) -> duckdb.DuckDBPyConnection:
        import duckdb  # noqa: PLC0415 - 100 ms, only when rows are needed

        self._spill = spills.make(self._spill_root)
        config: dict[str, _Setting] = {
            "enable_external_access": "false",
            "temp_directory": str(self._spill.folder),
            "memory_limit": f"{self.memory_mb}MB",
            "threads": "2",
        }
        give_up_at = time.monotonic() + self._patience_s
        while True:
            try:
                root = duckdb.connect(str(self._path), config=config)
                self._limit_mb = self.memory_mb
                break
            except duckdb.Error as error:
                if is_data_damaged(error):
                    self._drop_spill()
                    raise damaged(self._path) from error
                if (
                    not isinstance(error, duckdb.IOException)
                    or "lock" not in str(error)
                    or time.monotonic() > give_up_at
                ):
                    self._drop_spill()
                    raise _held(self._path, str(error)) from error
                time.sleep(_RETRY_EVERY_S)
        self._path.chmod(0o600)
        try:
            root.execute("SET GLOBAL TimeZone = 'UTC'")
            self._drop_unused(root)
        except duckdb.Error as error:
            root.close()
            self._drop_spill()
            if is_data_damaged(error):
                raise damaged(self._path) from error
            raise
        return root

    def _drop_unused(self, root: duckdb.DuckDBPyConnection) -> None:
        """Remove the rows of tables that were dropped, and of loads that died. Nobody else can be using them now."""
        in_use = self._in_use()
        for schema, name in root.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall():
            match = _PHYSICAL.fullmatch(name)
            if match and int(match[1]) not in in_use:
                root.execute(f'DROP TABLE "{schema}"."{name}"')

    def _drop_spill(self) -> None:
        if self._spill is not None:
            self._spill.remove()
            self._spill = None

    def _shut(self) -> None:
        if self._root is not None:
            self._root.close()
            self._root = None
        self._drop_spill()


def limit(engine: duckdb.DuckDBPyConnection, memory_mb: int) -> None:
    """Let *engine* take *memory_mb* from now on.

    Raises:
        OutOfMemoryException: more is in use, and cannot go to disk.
        IOException: more is in use, and the disk refuses it.
    """
    engine.execute(f"SET memory_limit = '{memory_mb}MB'")


def _held(path: Path, message: str) -> TdrError:
    match = _HOLDER.search(message)
    if match is None:
        return TdrError(
            f"the data of the embedded service cannot be opened: {message.splitlines()[0]}",
            hint=f"see that {path.parent} is there, has space and is yours",
        )
    return TdrError(
        f"the data of the embedded service is in use by process {match['pid']} ({Path(match['program']).name})",
        hint="wait until it is done, or stop it",
    )
