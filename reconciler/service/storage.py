"""Metadata in one SQLite file: durable at every commit, one connection a thread, several processes at once."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from reconciler.errors import StateError
from reconciler.service.damage import damaged, is_metadata_damaged

_BUSY_TIMEOUT_S: Final = 20.0
_EPOCH_OF_JOBS: Final = 1_600_000_000
_BEGINNING: Final = """
CREATE TABLE version (version INTEGER NOT NULL);
CREATE TABLE databases (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
);
-- `physical` is the number of the DuckDB table that holds the rows, in the DuckDB schema `home`: renaming, swapping and
-- moving never touch the data.
CREATE TABLE tables (
  id INTEGER PRIMARY KEY AUTOINCREMENT, database_id INTEGER NOT NULL REFERENCES databases (id) ON DELETE CASCADE,
  name TEXT NOT NULL, physical INTEGER NOT NULL, schema TEXT NOT NULL DEFAULT '[]', expire_days INTEGER,
  include_v INTEGER NOT NULL DEFAULT 0, description TEXT, count INTEGER NOT NULL DEFAULT 0, last_log_timestamp INTEGER,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, UNIQUE (database_id, name)
);
CREATE TABLE physical_tables (id INTEGER PRIMARY KEY AUTOINCREMENT, home TEXT NOT NULL);
CREATE TABLE connections (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, type TEXT NOT NULL, description TEXT,
  shared INTEGER NOT NULL DEFAULT 0, url TEXT, settings BLOB NOT NULL, shown TEXT NOT NULL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
);
-- `next_time` is the next time to fire, `next_shown` the next one from now: they differ while nobody fires.
-- `target` is the sealed export, `result`, `result_connection_id` and `result_settings` are what may be read back of it.
CREATE TABLE queries (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, database TEXT NOT NULL, type TEXT NOT NULL,
  query TEXT NOT NULL, cron TEXT, timezone TEXT NOT NULL, delay INTEGER NOT NULL, priority INTEGER NOT NULL,
  retry_limit INTEGER NOT NULL, engine_version TEXT, pool_name TEXT, target BLOB, result TEXT NOT NULL DEFAULT '',
  result_connection_id TEXT, result_settings TEXT, next_time REAL, due_at REAL, next_shown REAL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
);
CREATE INDEX queries_due ON queries (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX queries_shown ON queries (next_shown) WHERE next_shown IS NOT NULL;
CREATE TABLE bulk_loads (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, database TEXT NOT NULL, "table" TEXT NOT NULL,
  config BLOB NOT NULL, shown TEXT NOT NULL, config_diff TEXT NOT NULL DEFAULT '{}', cron TEXT, timezone TEXT NOT NULL,
  delay INTEGER NOT NULL, time_column TEXT, start_at INTEGER, next_time REAL, due_at REAL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
);
CREATE INDEX bulk_loads_due ON bulk_loads (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT NOT NULL, database TEXT, query TEXT NOT NULL DEFAULT '',
  status TEXT NOT NULL, priority INTEGER NOT NULL DEFAULT 0, retry_limit INTEGER NOT NULL DEFAULT 0, target BLOB,
  result TEXT NOT NULL DEFAULT '', domain_key TEXT UNIQUE, scheduled_time INTEGER, query_id INTEGER, load_id INTEGER,
  "table" TEXT, config BLOB, runner TEXT NOT NULL, kill INTEGER NOT NULL DEFAULT 0, created_at REAL NOT NULL, start_at REAL,
  end_at REAL, updated_at REAL NOT NULL, num_records INTEGER, result_size INTEGER, result_schema TEXT,
  cmdout TEXT NOT NULL DEFAULT '', stderr TEXT, done INTEGER NOT NULL DEFAULT 0, total INTEGER NOT NULL DEFAULT 0,
  export_job INTEGER, exported_job INTEGER
);
CREATE INDEX jobs_unfinished ON jobs (runner) WHERE status IN ('queued', 'running');
CREATE INDEX jobs_of_query ON jobs (query_id, id) WHERE query_id IS NOT NULL;
CREATE INDEX jobs_of_load ON jobs (load_id, id) WHERE load_id IS NOT NULL;
"""
_PARENT_SEGMENTS: Final = """
CREATE TABLE audiences (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, document TEXT NOT NULL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
);
-- The root of a parent segment is the folder without a parent.
CREATE TABLE folders (
  id INTEGER PRIMARY KEY AUTOINCREMENT, audience_id INTEGER NOT NULL REFERENCES audiences (id) ON DELETE CASCADE,
  parent_id INTEGER REFERENCES folders (id), name TEXT NOT NULL, description TEXT,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, UNIQUE (parent_id, name)
);
CREATE TABLE segments (
  id INTEGER PRIMARY KEY AUTOINCREMENT, audience_id INTEGER NOT NULL REFERENCES audiences (id) ON DELETE CASCADE,
  folder_id INTEGER NOT NULL REFERENCES folders (id), name TEXT NOT NULL, description TEXT, kind INTEGER NOT NULL DEFAULT 0,
  rule TEXT NOT NULL DEFAULT '{}', count_population INTEGER NOT NULL DEFAULT 1, population INTEGER, counted_run INTEGER,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, UNIQUE (folder_id, name)
);
-- `document` is what was built, `jobs` are those that do it, as a JSON array.
CREATE TABLE audience_runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT, audience_id INTEGER NOT NULL REFERENCES audiences (id) ON DELETE CASCADE,
  document TEXT NOT NULL, jobs TEXT NOT NULL, created_at INTEGER NOT NULL
);
"""
# Names of the columns that somebody declared, as a JSON array. Before, the sessions that fill a table said them.
_DECLARED_COLUMNS: Final = """
ALTER TABLE tables ADD COLUMN declared TEXT NOT NULL DEFAULT '[]';
UPDATE tables SET declared = coalesce((
  SELECT (SELECT json_group_array(json_extract(each.value, '$[0]')) FROM json_each(b.shown, '$.in.columns') AS each)
  FROM bulk_loads b JOIN databases d ON d.name = b.database
  WHERE d.id = tables.database_id AND b."table" = tables.name AND json_type(b.shown, '$.in.columns') = 'array'
  ORDER BY b.id DESC LIMIT 1
), '[]');
"""
# `config` is the sealed `connectorConfig`; `document` is all that may be read, that one masked. `fault` tells of a job that
# failed whether its settings are to blame.
_SYNDICATIONS: Final = """
CREATE TABLE syndications (
  id INTEGER PRIMARY KEY AUTOINCREMENT, segment_id INTEGER NOT NULL REFERENCES segments (id) ON DELETE CASCADE,
  name TEXT NOT NULL, connection_id INTEGER NOT NULL, config BLOB NOT NULL, document TEXT NOT NULL, cron TEXT,
  timezone TEXT NOT NULL, delay INTEGER NOT NULL, ends_at REAL, next_time REAL, due_at REAL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
);
CREATE INDEX syndications_due ON syndications (due_at) WHERE due_at IS NOT NULL;
ALTER TABLE jobs ADD COLUMN syndication_id INTEGER;
ALTER TABLE jobs ADD COLUMN fault TEXT NOT NULL DEFAULT '';
CREATE INDEX jobs_of_syndication ON jobs (syndication_id, id) WHERE syndication_id IS NOT NULL;
"""
# `schedule` is what the workflow says of when it runs, as JSON; `delay` what a run starts after its session's time.
# `process` is the lease of who runs an attempt. Values of secrets are sealed.
_WORKFLOWS: Final = """
CREATE TABLE projects (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
);
CREATE TABLE project_revisions (
  id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  name TEXT NOT NULL, archive BLOB NOT NULL, md5 TEXT NOT NULL, created_at INTEGER NOT NULL, UNIQUE (project_id, name)
);
CREATE TABLE project_secrets (
  project_id INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE, key TEXT NOT NULL, value BLOB NOT NULL,
  PRIMARY KEY (project_id, key)
);
CREATE TABLE workflows (
  id INTEGER PRIMARY KEY AUTOINCREMENT, revision_id INTEGER NOT NULL REFERENCES project_revisions (id) ON DELETE CASCADE,
  project_id INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE, name TEXT NOT NULL, timezone TEXT NOT NULL,
  config TEXT NOT NULL, UNIQUE (revision_id, name)
);
CREATE TABLE workflow_schedules (
  id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  workflow_id INTEGER NOT NULL REFERENCES workflows (id), name TEXT NOT NULL, schedule TEXT NOT NULL, cron TEXT NOT NULL,
  timezone TEXT NOT NULL, delay INTEGER NOT NULL, next_time REAL, due_at REAL, disabled_at INTEGER,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, UNIQUE (project_id, name)
);
CREATE TABLE workflow_sessions (
  id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  name TEXT NOT NULL, uuid TEXT NOT NULL, session_time INTEGER NOT NULL, UNIQUE (project_id, name, session_time)
);
CREATE TABLE workflow_attempts (
  id INTEGER PRIMARY KEY AUTOINCREMENT, session_id INTEGER NOT NULL REFERENCES workflow_sessions (id) ON DELETE CASCADE,
  workflow_id INTEGER NOT NULL REFERENCES workflows (id), number INTEGER NOT NULL, retry_name TEXT NOT NULL,
  params TEXT NOT NULL, resumes INTEGER, status TEXT NOT NULL, kill INTEGER NOT NULL DEFAULT 0, process TEXT NOT NULL,
  created_at INTEGER NOT NULL, finished_at INTEGER, UNIQUE (session_id, retry_name)
);
CREATE INDEX workflow_attempts_unfinished ON workflow_attempts (process) WHERE finished_at IS NULL;
CREATE TABLE workflow_tasks (
  id INTEGER PRIMARY KEY AUTOINCREMENT, attempt_id INTEGER NOT NULL REFERENCES workflow_attempts (id) ON DELETE CASCADE,
  parent_id INTEGER REFERENCES workflow_tasks (id) ON DELETE CASCADE, name TEXT NOT NULL,
  config TEXT NOT NULL, is_group INTEGER NOT NULL, state TEXT NOT NULL,
  export_params TEXT NOT NULL DEFAULT '{}', store_params TEXT NOT NULL DEFAULT '{}', error TEXT,
  log TEXT NOT NULL DEFAULT '', started_at INTEGER, updated_at INTEGER NOT NULL
);
CREATE INDEX workflow_tasks_of_attempt ON workflow_tasks (attempt_id);
"""
# Tables that were deleted, as they were, so that they can be recovered; keys of uploads, so that none counts twice.
_UPLOADS: Final = """
CREATE TABLE deleted_tables (
  id INTEGER PRIMARY KEY, database_id INTEGER NOT NULL, database TEXT NOT NULL, name TEXT NOT NULL, physical INTEGER NOT NULL,
  schema TEXT NOT NULL, declared TEXT NOT NULL, expire_days INTEGER, include_v INTEGER NOT NULL, description TEXT,
  count INTEGER NOT NULL, last_log_timestamp INTEGER, created_at INTEGER NOT NULL, deleted_at INTEGER NOT NULL
);
CREATE TABLE uploads (unique_id TEXT PRIMARY KEY, created_at INTEGER NOT NULL);
CREATE TABLE bulk_imports (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, database TEXT NOT NULL, "table" TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'uploading', frozen INTEGER NOT NULL DEFAULT 0, job_id INTEGER, valid_records INTEGER,
  error_records INTEGER, valid_parts INTEGER, error_parts INTEGER, created_at INTEGER NOT NULL
);
CREATE INDEX bulk_imports_of_job ON bulk_imports (job_id) WHERE job_id IS NOT NULL;
"""
# When parent segments are built by themselves. One that was kept before has no zone yet; it gets its times when the file is
# opened (`ParentSegments.schedule_older`).
_REFRESHES: Final = """
ALTER TABLE audiences ADD COLUMN cron TEXT;
ALTER TABLE audiences ADD COLUMN timezone TEXT;
ALTER TABLE audiences ADD COLUMN delay INTEGER NOT NULL DEFAULT 0;
ALTER TABLE audiences ADD COLUMN next_time REAL;
ALTER TABLE audiences ADD COLUMN due_at REAL;
CREATE INDEX audiences_due ON audiences (due_at) WHERE due_at IS NOT NULL;
"""
# `config` and `document` of a step are as those of an activation of a segment.
_JOURNEYS: Final = """
CREATE TABLE journeys (
  id INTEGER PRIMARY KEY AUTOINCREMENT, audience_id INTEGER NOT NULL REFERENCES audiences (id) ON DELETE CASCADE,
  folder_id INTEGER NOT NULL REFERENCES folders (id) ON DELETE CASCADE, document TEXT NOT NULL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
);
CREATE TABLE journey_steps (
  id INTEGER PRIMARY KEY AUTOINCREMENT, journey_id INTEGER NOT NULL REFERENCES journeys (id) ON DELETE CASCADE,
  connection_id INTEGER NOT NULL, config BLOB NOT NULL, document TEXT NOT NULL
);
"""
# What a load is known by in a file that it fills, where its position is kept.
_LOADS_INTO_FILES: Final = """
ALTER TABLE bulk_loads ADD COLUMN identity TEXT NOT NULL DEFAULT '';
UPDATE bulk_loads SET identity = lower(hex(randomblob(8)));
"""
_STEPS: Final = (
    _BEGINNING,
    _PARENT_SEGMENTS,
    _DECLARED_COLUMNS,
    _SYNDICATIONS,
    _WORKFLOWS,
    _UPLOADS,
    _REFRESHES,
    _JOURNEYS,
    _LOADS_INTO_FILES,
)
"""What each version adds to the one before it; a file of an older version gets what it lacks when it is opened."""


class _Connection(sqlite3.Connection):
    """Closes with the thread it was made for: request threads come and go as long as the service runs."""

    def __del__(self) -> None:
        # One that could not be opened was never made, and has nothing to close.
        with contextlib.suppress(sqlite3.ProgrammingError):
            self.close()


class Storage:
    """The metadata file of one service."""

    def __init__(self, path: Path, now: float) -> None:
        """Open the file at *path*, made when absent at the time *now* (Unix seconds).

        Raises:
            StateError: it was written by a newer version, or is no such file.
        """
        self._path = path
        self._local = threading.local()
        self._lock = threading.Lock()
        self._opened: weakref.WeakSet[_Connection] = weakref.WeakSet()
        path.touch(mode=0o600)
        try:
            self._migrate(now)
        except sqlite3.DatabaseError as error:
            self.close()
            if is_metadata_damaged(error):
                raise damaged(path) from error
            raise StateError(
                f"the metadata of the embedded service cannot be read: {path}: {error}",
                hint="free space or check permissions of the state folder, then run again",
            ) from error
        except StateError:
            self.close()
            raise

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def all(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """Every row of a query."""
        return self._connection().execute(sql, values).fetchall()

    def one(self, sql: str, *values: Any) -> sqlite3.Row | None:
        """The first row of a query, or None."""
        row: sqlite3.Row | None = self._connection().execute(sql, values).fetchone()
        return row

    def run(self, sql: str, *values: Any) -> sqlite3.Cursor:
        """One statement; durable when it returns unless inside `transaction`."""
        return self._connection().execute(sql, values)

    def run_many(self, sql: str, values: Iterable[Sequence[Any]]) -> None:
        """One statement for each of *values*."""
        self._connection().executemany(sql, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Statements of this thread inside are one: all or none, and no other writer in between. Nests."""
        connection = self._connection()
        if connection.in_transaction:
            yield
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            # A commit that fails, on a full disk, leaves the transaction open, and what follows would never be written.
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.OperationalError):  # there may be none left to take back
                connection.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Close the connections of all threads; nobody may use them any more."""
        with self._lock:
            for connection in list(self._opened):
                connection.close()
            self._opened.clear()

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect()
            self._local.connection = connection
        return connection

    def _connect(self) -> _Connection:
        # Handlers run on a pool's threads; `close` closes from another one, hence check_same_thread.
        connection = sqlite3.connect(
            self._path,
            factory=_Connection,
            timeout=_BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        with self._lock:
            self._opened.add(connection)
        connection.row_factory = sqlite3.Row
        _use_wal(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _migrate(self, now: float) -> None:
        with self.transaction():
            version = self._version()
            for step in _STEPS[version:]:
                for statement in step.split(";\n"):
                    if statement.strip():
                        self.run(statement)
            if version == 0:
                self.run("INSERT INTO version VALUES (?)", len(_STEPS))
                # Job ids go on from the clock: a ledger that outlives this file must not take a new job for an old one.
                self.run("INSERT INTO sqlite_sequence VALUES ('jobs', ?)", max(int(now) - _EPOCH_OF_JOBS, 0))
            elif version < len(_STEPS):
                self.run("UPDATE version SET version = ?", len(_STEPS))
        if version > len(_STEPS):
            raise StateError(
                f"{self._path.name} was written by a newer version of tdr",
                hint="use that version, or another state folder",
            )

    def _version(self) -> int:
        """0 when nothing was ever kept here."""
        if self.one("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'version'") is None:
            return 0
        row = self.one("SELECT version FROM version")
        return len(_STEPS) + 1 if row is None else int(row["version"])


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log, which SQLite does not wait for when another process switches at the same moment."""
    give_up_at = time.monotonic() + _BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            # Whatever else is wrong, such as a full disk, does not get better by waiting.
            is_busy = error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
            if not is_busy or time.monotonic() > give_up_at:
                raise
            time.sleep(0.01)
        else:
            return
