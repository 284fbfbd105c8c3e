"""Parquet files that are filled as tables are: below one folder, or in a bucket. What is in them is the caller's."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.connectors.destinations import files_staging
from reconciler.dataplane.buckets import bucket_of
from reconciler.errors import Conflict, Interrupted, Permanent
from reconciler.model.files import PathError, check_table_file
from reconciler.model.json import Json
from reconciler.ports.buckets import Bucket, OpenBucket
from reconciler.ports.table_files import TableFile

if TYPE_CHECKING:
    import threading

_LOOK_EVERY_S: Final = 0.1
_PERMISSIONS: Final = 0o777


def open_table_file(
    root: Path, open_bucket: OpenBucket | None, place: Mapping[str, Json], job_id: str, spill: Path
) -> TableFile:
    """An `OpenTableFile` of the project below *root*. Nothing outside it is read or written, by whatever path or link.

    open_bucket: opens buckets of object stores; None where there are none.

    Raises:
        Permanent: *place* has no path of a Parquet file below its folder.
    """
    path = place.get("path")
    if not isinstance(path, str):
        raise Permanent("`path` of a load into a file is missing", hint="write one such as lake/people.parquet")
    try:
        check_table_file(path)
    except PathError as error:
        raise Permanent(error.what, hint=error.now) from None
    bucket = bucket_of(place, open_bucket)
    if bucket is not None:
        return _InBucket(bucket, path, job_id, spill)
    return _OnDisk(root, place.get("root") or ".", path, job_id)


class _OnDisk:
    def __init__(self, root: Path, folder: Json, path: str, job_id: str) -> None:
        self._root = root
        self._path = path
        self._job_id = job_id
        self._target = files_staging.below(root, folder, path)
        self._seen = self._version()
        self.named = f"`{path}`"

    def find(self) -> Path | None:
        if self._target.is_symlink():
            # Elsewhere a link is replaced; here its rows would be lost, or somebody else's be read.
            raise Permanent(f"{self.named} is a link", hint="name the file that it leads to")
        if self._target.exists() and not self._target.is_file():
            raise Permanent(f"{self.named} is no file")
        self._seen = self._version()
        return self._target if self._seen is not None else None

    @contextmanager
    def alone(self, stop: threading.Event) -> Iterator[None]:
        """Whoever is in its folder is alone: the file itself may not be there yet, and is another one after each run."""
        folder = self._target.parent
        try:
            files_staging.make_folder(folder)
            files_staging.confined(self._root, self._target, self._path)  # its folder may have become a link
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise self._refused(error) from error
        try:
            while not _is_locked(descriptor):
                if stop.wait(_LOOK_EVERY_S):
                    raise Interrupted(f"it was stopped while another run wrote to {self.named}", hint="run it again")
            yield
        finally:
            os.close(descriptor)

    def exchange(self, write: Callable[[Path], None]) -> None:
        try:
            with files_staging.part_of(self._target, self._job_id) as part:
                write(part.path)
                if self._version() != self._seen:
                    raise Conflict(f"{self.named} was changed meanwhile")
                if self._seen is not None:  # whoever may read it may go on doing so
                    os.fchmod(part.descriptor, self._target.stat().st_mode & _PERMISSIONS)
                part.take_place(self._target)
        except OSError as error:
            raise self._refused(error) from error

    def _version(self) -> tuple[int, int, int] | None:
        with suppress(FileNotFoundError, NotADirectoryError):
            now = self._target.stat(follow_symlinks=False)
            return now.st_ino, now.st_mtime_ns, now.st_size
        return None

    def _refused(self, error: OSError) -> Permanent:
        return files_staging.refused(f"file {self.named}", self._target.parent, error)


def _is_locked(descriptor: int) -> bool:
    """Whether it is this process's now, or can be nobody's: not every file system has locks, and `exchange` looks again."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


class _InBucket:
    def __init__(self, bucket: Bucket, path: str, job_id: str, spill: Path) -> None:
        self._bucket = bucket
        self._path = path
        self._job_id = job_id
        self._spill = spill
        self._fetched = spill / "present.parquet"
        self._seen: str | None = None
        self.named = f"`{path}` in {bucket.where}"

    def find(self) -> Path | None:
        now = self._bucket.version(self._path)
        if now and now != self._seen:
            self._bucket.fetch(self._path, self._fetched)
        self._seen = now
        return self._fetched if now else None

    def alone(self, stop: threading.Event) -> AbstractContextManager[None]:
        """Nobody is: other machines write there, too, so that it is the exchange that tells who came first."""
        del stop
        return nullcontext()

    def exchange(self, write: Callable[[Path], None]) -> None:
        try:
            with files_staging.part_of(self._spill / "next.parquet", self._job_id) as part:
                write(part.path)
                self._bucket.exchange(part.path, self._path, self._seen or "")
        except OSError as error:
            raise files_staging.refused(f"file for {self.named}", self._spill, error) from error
