"""Bulk imports: parts are uploaded into a session, checked by a job, and committed into their table at once."""

from __future__ import annotations

import gzip
import shutil
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote

from reconciler import durable
from reconciler.ports.clock import Clock
from reconciler.service.answers import ApiError, not_found
from reconciler.service.catalog import Catalog
from reconciler.service.jobs import Jobs, NewJob
from reconciler.service.ports import Sealer
from reconciler.service.storage import Storage
from reconciler.service.uploads import Uploads, read_rows, with_time

PERFORM: Final = "bulk_import_perform"
"""Type of the job that checks the parts."""
_PART_FORMAT: Final = "msgpack.gz"
_PREFIX: Final = "part-"
"""Of file names, so that no part is called `..`, and none is taken for a file that is being written."""


class BulkImports:
    """Sessions of the account. Parts hold customers' data, so they are sealed in their files."""

    def __init__(
        self,
        storage: Storage,
        folder: Path,
        catalog: Catalog,
        uploads: Uploads,
        jobs: Jobs,
        sealer: Sealer,
        clock: Clock,
    ) -> None:
        """Keep parts below *folder*, made with the first of them."""
        self._storage = storage
        self._folder = folder
        self._catalog = catalog
        self._uploads = uploads
        self._jobs = jobs
        self._sealer = sealer
        self._clock = clock

    def all(self) -> list[dict[str, Any]]:
        """All sessions, by name."""
        return [_shown(row) for row in self._storage.all("SELECT * FROM bulk_imports ORDER BY name")]

    def get(self, name: str) -> dict[str, Any]:
        """One session."""
        return _shown(self._row(name))

    def create(self, name: str, database: str, table: str) -> None:
        """Open a session for a table that must exist. 409 when the name is taken."""
        self._catalog.table(database, table)
        try:
            self._storage.run(
                'INSERT INTO bulk_imports (name, database, "table", created_at) VALUES (?, ?, ?, ?)',
                *(name, database, table, int(self._clock.now())),
            )
        except sqlite3.IntegrityError as error:
            raise ApiError(409, f"Bulk import session {name!r} already exists") from error

    def delete(self, name: str) -> None:
        """Remove a session with its parts; what is committed stays in the table."""
        row = self._row(name)
        self._storage.run("DELETE FROM bulk_imports WHERE id = ?", row["id"])
        shutil.rmtree(self._parts_of(row), ignore_errors=True)
        self._errors_of(row).unlink(missing_ok=True)

    def parts(self, name: str) -> list[str]:
        """Names of the uploaded parts."""
        return [unquote(path.name.removeprefix(_PREFIX)) for path in self._files(self._row(name))]

    def upload(self, name: str, part: str, content: bytes) -> None:
        """Keep a part; one of the same name takes its place. 422 when the session is frozen."""
        row = self._open_for_uploads(name)
        folder = self._parts_of(row)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        durable.replace(folder / _file_name(part), self._sealer.seal(content))

    def delete_part(self, name: str, part: str) -> None:
        """Remove a part. 422 when the session is frozen."""
        row = self._open_for_uploads(name)
        (self._parts_of(row) / _file_name(part)).unlink(missing_ok=True)

    def set_frozen(self, name: str, *, frozen: bool) -> None:
        """Close a session for uploads, or open it again."""
        row = self._row(name)
        self._storage.run("UPDATE bulk_imports SET frozen = ? WHERE id = ?", int(frozen), row["id"])

    def perform(self, name: str) -> int:
        """Queue the job that checks the parts, and return its id; the caller hands it to a thread. 422 unless frozen."""
        row = self._row(name)
        if not row["frozen"]:
            raise ApiError(422, f"Bulk import session {name!r} is not frozen")
        if row["status"] in {"committing", "committed"}:
            raise ApiError(422, f"Bulk import session {name!r} is {row['status']}")
        with self._storage.transaction():
            job_id = self._jobs.issue(NewJob(type=PERFORM, database=row["database"], table=row["table"]))
            self._storage.run(
                "UPDATE bulk_imports SET status = 'performing', job_id = ? WHERE id = ?", job_id, row["id"]
            )
        return job_id

    def check(self, job_id: int) -> None:
        """Carry out the job *job_id*: tell rows from what is none, and keep the latter for whoever asks."""
        row = self._storage.one("SELECT * FROM bulk_imports WHERE job_id = ?", job_id)
        if row is None:
            raise not_found("BulkImport", job_id=job_id)
        try:
            counts = self._counted(row)
        except BaseException:
            self._set(row["id"], {"status": "uploading"})
            raise
        self._set(row["id"], {"status": "ready", **counts})
        told = f"{counts['valid_records']} records are good, {counts['error_records']} are not"
        self._jobs.set_result(job_id, [], counts["valid_records"], None)
        self._jobs.finish(job_id, "success", told)

    def commit(self, name: str) -> None:
        """Put the good rows of all parts into the table at once; a second time does nothing. 422 unless performed."""
        row = self._row(name)
        if row["status"] == "committed":
            return
        claimed = self._storage.run(
            "UPDATE bulk_imports SET status = 'committing' WHERE id = ? AND status = 'ready'", row["id"]
        )
        if claimed.rowcount != 1:
            raise ApiError(422, f"Bulk import session {name!r} is {row['status']}, not ready to be committed")
        files = self._files(row)
        try:
            self._uploads.append_all(row["database"], row["table"], lambda: (self._read(path)[0] for path in files))
        except BaseException:
            self._set(row["id"], {"status": "ready"})
            raise
        self._set(row["id"], {"status": "committed"})
        shutil.rmtree(self._parts_of(row), ignore_errors=True)

    def error_records(self, name: str) -> bytes:
        """What was no row, as gzipped msgpack; empty before `perform`."""
        path = self._errors_of(self._row(name))
        return self._sealer.open(path.read_bytes()) if path.exists() else b""

    def _counted(self, row: sqlite3.Row) -> dict[str, int]:
        import msgpack  # noqa: PLC0415 - only when rows come

        counts = {"valid_records": 0, "error_records": 0, "valid_parts": 0, "error_parts": 0}
        errors: list[Any] = []
        for path in self._files(row):
            try:
                good, bad = self._read(path)
            except ApiError:
                counts["error_parts"] += 1
                continue
            counts["valid_parts"] += 1
            counts["valid_records"] += len(good)
            errors += bad
        counts["error_records"] = len(errors)
        packed = gzip.compress(b"".join(msgpack.packb(one, default=str) for one in errors))
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        durable.replace(self._errors_of(row), self._sealer.seal(packed))
        return counts

    def _read(self, path: Path) -> tuple[list[dict[str, Any]], list[Any]]:
        rows, strangers = read_rows(self._sealer.open(path.read_bytes()), _PART_FORMAT)
        good, without_time = with_time(rows)
        return good, [*strangers, *without_time]

    def _open_for_uploads(self, name: str) -> sqlite3.Row:
        row = self._row(name)
        if row["frozen"]:
            raise ApiError(422, f"Bulk import session {name!r} is frozen")
        return row

    def _parts_of(self, row: sqlite3.Row) -> Path:
        return self._folder / str(row["id"])

    def _errors_of(self, row: sqlite3.Row) -> Path:
        return self._folder / f"{row['id']}.errors"

    def _files(self, row: sqlite3.Row) -> list[Path]:
        folder = self._parts_of(row)
        return sorted(folder.glob(f"{_PREFIX}*")) if folder.is_dir() else []

    def _row(self, name: str) -> sqlite3.Row:
        row = self._storage.one("SELECT * FROM bulk_imports WHERE name = ?", name)
        if row is None:
            raise not_found("BulkImport", name=name)
        return row

    def _set(self, session_id: int, values: Mapping[str, Any]) -> None:
        assignments = ", ".join(f"{column} = ?" for column in values)
        self._storage.run(f"UPDATE bulk_imports SET {assignments} WHERE id = ?", *values.values(), session_id)


def _file_name(part: str) -> str:
    return _PREFIX + quote(part, safe="")


def _shown(row: sqlite3.Row) -> dict[str, Any]:
    """Source: the fields that td-client's `BulkImport` reads."""
    return {
        "name": row["name"],
        "database": row["database"],
        "table": row["table"],
        "status": row["status"],
        "upload_frozen": bool(row["frozen"]),
        "job_id": None if row["job_id"] is None else str(row["job_id"]),
        "valid_records": row["valid_records"],
        "error_records": row["error_records"],
        "valid_parts": row["valid_parts"],
        "error_parts": row["error_parts"],
    }
