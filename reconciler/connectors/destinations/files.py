"""Query results as files: whole or not at all, below one folder or in a bucket.

A file is written beside its place and takes it in one step, so that nobody ever reads half of one, and the file of an earlier
run stays until the new one is there. A run that is repeated with the same job writes the same.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler import durable
from reconciler.connectors.destinations.files_settings import FileSettings, read_settings
from reconciler.connectors.destinations.files_writing import write_rows
from reconciler.dataplane.buckets import bucket_of
from reconciler.errors import Interrupted, Permanent
from reconciler.ports.buckets import OpenBucket
from reconciler.ports.clock import Clock
from reconciler.ports.exports import ExportReport, ExportRequest, Progress

if TYPE_CHECKING:
    import threading

    import duckdb

_FOLDER_MODE: Final = 0o700
_PART: Final = ".tdr-part"
"""What the name of a file ends in that is not whole yet."""


@dataclass(frozen=True, slots=True)
class FilesDestination:
    """An `Exporter` for exports of type `files`. Nothing outside *root* is written, by whatever path or link.

    open_bucket: opens buckets of object stores; None where there are none.
    """

    root: Path
    clock: Clock
    open_bucket: OpenBucket | None = None

    def check(self, request: ExportRequest, columns: Mapping[str, str]) -> None:
        """Refuse settings that cannot work, and results without columns.

        Raises:
            Permanent: with what is wrong and what to write instead.
        """
        settings = read_settings(request.settings)
        if not columns:
            raise Permanent("the query returns no columns to write")
        if bucket_of(settings.place, self.open_bucket) is None:
            self._target(settings, request)

    def export(
        self,
        request: ExportRequest,
        connection: duckdb.DuckDBPyConnection,
        progress: Progress,
        cancelled: threading.Event,
    ) -> ExportReport:
        """Write the rows of the view ``rows`` in *connection* to their file.

        Raises:
            Permanent: the file cannot be written; the one that was there stays.
            Interrupted: it was to stop; likewise.
            TdrError: the bucket cannot be reached or refuses.
        """
        settings = read_settings(request.settings)
        [(total,)] = connection.execute("SELECT count(*) FROM rows").fetchall()
        bucket = bucket_of(settings.place, self.open_bucket)
        if bucket is None:
            target, named = self._target(settings, request)
            where = f"file `{named}`"
        else:
            named = settings.path_of(request.job_id, self.clock.now())
            # What does not fit into memory goes there, too, and whoever comes next removes it when this process dies.
            [(spills,)] = connection.execute("SELECT current_setting('temp_directory')").fetchall()
            target = Path(spills) / f"export-{request.job_id}"
            where = f"file `{named}` for {bucket.where}"

        def written(rows: int) -> None:
            if cancelled.is_set():
                raise Interrupted("the export was stopped before its file was whole", hint="run it again")
            progress(rows, total)

        staged = target.with_name(f".{target.name}.{request.job_id}{_PART}")
        descriptor = -1
        try:
            target.parent.mkdir(parents=True, exist_ok=True, mode=_FOLDER_MODE)
            if bucket is None:
                self._confined(target, named)  # its folder may have become a link
            _sweep(target.parent)
            descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, durable.PRIVATE)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            rows = write_rows(connection, staged, settings.format, written, compressed=settings.compressed)
            if bucket is None:
                os.fsync(descriptor)
                durable.rename(staged, target)
            else:
                bucket.store(staged, named)
        except OSError as error:
            raise _refused(where, target.parent, error) from error
        finally:
            with suppress(OSError):
                staged.unlink(missing_ok=True)
            if descriptor >= 0:
                os.close(descriptor)
        progress(rows, total, f"wrote {rows} rows to {named}" + (f" in {bucket.where}" if bucket else ""))
        return ExportReport(rows=rows, sent=rows, requests=1)

    def _target(self, settings: FileSettings, request: ExportRequest) -> tuple[Path, str]:
        """The file, and what to call it in messages."""
        root = settings.place.get("root", ".")
        if not isinstance(root, str):
            raise Permanent("`root` of an export to a file must be a path")
        named = settings.path_of(request.job_id, self.clock.now())
        target = self._confined(self.root / root, root) / named
        self._confined(target, named)
        if target.is_dir():
            raise Permanent(f"`{named}` is a folder", hint="let `path` name a file")
        return target, named

    def _confined(self, path: Path, written: str) -> Path:
        """*path* with the links to its folder followed. A link in the place of the file itself is replaced, not followed."""
        resolved = path.parent.resolve() / path.name if path.is_symlink() else path.resolve()
        if not resolved.is_relative_to(self.root.resolve()):
            raise Permanent(f"path {written!r} leads outside the folder of the export", hint="links are followed, too")
        return resolved


def _refused(where: str, folder: Path, error: OSError) -> Permanent:
    """What the disk said, and what to do about it; the name of *folder* is the last part of its path."""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            now = "make room on its disk"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            now = f"let this user write to the folder {folder.name!r}, or choose another `path`"
        case errno.EEXIST | errno.ENOTDIR | errno.ENAMETOOLONG | errno.ELOOP:
            now = "choose another `path`: what stands before its last `/` must be folders, and no name too long"
        case _:
            now = "see what the disk has"
    message = f"{where} cannot be written: {error.strerror or type(error).__name__}"
    return Permanent(message, hint=f"{now}; a file of an earlier run is still there as it was, so run it again then")


def _sweep(folder: Path) -> None:
    """Remove what exports left there whose processes were killed: they let go of the lock, those at work hold it."""
    for path in folder.glob(f".*{_PART}"):
        with suppress(OSError):
            descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            finally:
                os.close(descriptor)
