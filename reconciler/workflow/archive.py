"""A project's files in one ``.tar.gz``: packed so that the same files are the same bytes, unpacked without trusting it."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import IO, Final

# Limits of ours: the vendor publishes none.
LARGEST_ARCHIVE_BYTES: Final = 10 * 1024 * 1024
LARGEST_PROJECT_BYTES: Final = 50 * 1024 * 1024
MOST_FILES: Final = 5_000
_LONGEST_PATH: Final = 500


class ArchiveRefused(ValueError):
    """An archive that is not unpacked, and why; the message names the entry."""


def pack(files: Mapping[str, bytes]) -> bytes:
    """The archive of *files* (path inside the project -> content): sorted, without owners, times or any other circumstance."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", filename="", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path, content in sorted(files.items()):
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            entry.mode = 0o644
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def digest(files: Mapping[str, bytes]) -> str:
    """SHA-256 over paths and contents, 64 hex digits; the same whoever packs them and how."""
    hashed = hashlib.sha256()
    for path, content in sorted(files.items()):
        hashed.update(f"{len(path.encode())}:{path}{len(content)}:".encode())
        hashed.update(content)
    return hashed.hexdigest()


def unpack(archive: bytes) -> dict[str, bytes]:
    """The files in a ``.tar.gz``, by path. Folders count for nothing.

    Raises:
        ArchiveRefused: it is damaged or too large, or an entry is no plain file, lies outside, or is there twice.
    """
    if len(archive) > LARGEST_ARCHIVE_BYTES:
        raise ArchiveRefused(f"the archive has more than {LARGEST_ARCHIVE_BYTES:,} bytes")
    files: dict[str, bytes] = {}
    try:
        with (
            gzip.GzipFile(fileobj=io.BytesIO(archive)) as compressed,
            tarfile.open(fileobj=_Bounded(compressed, LARGEST_PROJECT_BYTES), mode="r|") as entries,
        ):
            for entry in entries:
                _take(entries, entry, files)
    except ArchiveRefused:
        raise
    # A damaged header is a ValueError of tarfile's, or worse.
    except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError, OverflowError, MemoryError) as error:
        raise ArchiveRefused("the archive is no .tar.gz, or is damaged") from error
    if not files:
        raise ArchiveRefused("the archive holds no file")
    return files


def is_inside(path: str) -> bool:
    """Whether *path* names something below the project on every system."""
    parts = PurePosixPath(path).parts
    windows = PureWindowsPath(path)
    return (
        bool(parts)
        and ".." not in parts
        and not PurePosixPath(path).is_absolute()
        and not windows.drive
        and not windows.root
        and "\\" not in path
        and path.isprintable()
        and len(path) <= _LONGEST_PATH
    )


def _take(entries: tarfile.TarFile, entry: tarfile.TarInfo, files: dict[str, bytes]) -> None:
    if entry.isdir() and entry.name in {".", "./", ""}:
        return
    path = PurePosixPath(entry.name).as_posix()
    shown = entry.name[:100]
    if not is_inside(path):
        raise ArchiveRefused(f"the entry {shown!r} lies outside the project")
    if entry.isdir():
        return
    if not entry.isreg():
        raise ArchiveRefused(f"the entry {shown!r} is no plain file")
    if path in files:
        raise ArchiveRefused(f"the entry {shown!r} is there twice")
    if len(files) >= MOST_FILES:
        raise ArchiveRefused(f"the archive has more than {MOST_FILES:,} files")
    content = entries.extractfile(entry)
    files[path] = b"" if content is None else content.read()


class _Bounded(io.RawIOBase):
    """What is read of a stream, until that is too much: a small archive may unpack to any size."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile, most_bytes: int) -> None:
        self._stream = stream
        self._left = most_bytes

    def read(self, size: int = -1, /) -> bytes:
        wanted = self._left + 1 if size < 0 else min(size, self._left + 1)
        got = self._stream.read(wanted)
        self._left -= len(got)
        if self._left < 0:
            raise ArchiveRefused(f"the project has more than {LARGEST_PROJECT_BYTES:,} bytes")
        return got
