"""How a file takes its place: below one folder, whole or not at all.

It is written beside its place under another name, and renamed when it is there to its last byte.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reconciler import durable
from reconciler.errors import Permanent

_FOLDER_MODE: Final = 0o700
_PART: Final = ".tdr-part"
"""What the name of a file ends in that is not whole yet."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file that is not whole yet. *descriptor* is open and holds the lock that tells that somebody is at it."""

    path: Path
    descriptor: int

    def take_place(self, target: Path) -> None:
        """It is whole: put it where *target* is, for good. Raises OSError."""
        os.fsync(self.descriptor)
        durable.rename(self.path, target)


@contextmanager
def part_of(target: Path, job_id: str) -> Iterator[Part]:
    """An empty file beside *target*, whose folder is there; removed at the end unless it took its place. Raises OSError."""
    _sweep(target.parent)
    path = target.with_name(f".{target.name}.{job_id}{_PART}")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, durable.PRIVATE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield Part(path, descriptor)
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make *folder* and those above it, for their owner only. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=_FOLDER_MODE)


def below(root: Path, folder: object, named: str) -> Path:
    """The file *named* below *folder*, which is a path below *root*.

    Raises:
        Permanent: it is outside *root*, by its path or by a link, or is a folder.
    """
    if not isinstance(folder, str):
        raise Permanent("`root` of a connection to files must be a path")
    target = confined(root, root / folder, folder) / named
    confined(root, target, named)
    if target.is_dir():
        raise Permanent(f"`{named}` is a folder", hint="let the path name a file")
    return target


def confined(root: Path, path: Path, written: str) -> Path:
    """*path* with the links to its folder followed. A link in the place of the file itself is replaced, not followed.

    Raises:
        Permanent: it leads outside *root*.
    """
    resolved = path.parent.resolve() / path.name if path.is_symlink() else path.resolve()
    if not resolved.is_relative_to(root.resolve()):
        raise Permanent(f"path {written!r} leads outside the folder it is below", hint="links are followed, too")
    return resolved


def refused(where: str, folder: Path, error: OSError) -> Permanent:
    """What the disk said, and what to do about it; the name of *folder* is the last part of its path."""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            now = "make room on its disk"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            now = f"let this user write to the folder {folder.name!r}, or choose another path"
        case errno.EEXIST | errno.ENOTDIR | errno.ENAMETOOLONG | errno.ELOOP:
            now = "choose another path: what stands before its last `/` must be folders, and no name too long"
        case _:
            now = "see what the disk has"
    message = f"{where} cannot be written: {error.strerror or type(error).__name__}"
    return Permanent(message, hint=f"{now}; a file of an earlier run is still there as it was, so run it again then")


def _sweep(folder: Path) -> None:
    """Remove what was left there by processes that were killed: they let go of the lock, those at work hold it."""
    for path in folder.glob(f".*{_PART}"):
        with suppress(OSError):
            descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            finally:
                os.close(descriptor)
