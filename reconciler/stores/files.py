"""The few things a store does to a disk, each durable when it returns."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from reconciler import durable

# A journal names ids and titles of a company's audiences: for its owner only.
MODE = durable.PRIVATE


class Files(Protocol):
    """Writing to one folder. All methods raise OSError as the system does."""

    def write(self, path: Path, data: bytes) -> None:
        """Make *path*, or replace its content; not atomic, so only for files that nobody reads yet."""
        ...

    def rename(self, source: Path, target: Path) -> None:
        """Put *source* in the place of *target*: a reader sees the old file or the new one."""
        ...

    def link(self, source: Path, target: Path) -> None:
        """Give *source* a second name, unless something has it already (FileExistsError)."""
        ...

    def append(self, path: Path, data: bytes) -> None:
        """Add *data* at the end of *path*."""
        ...

    def truncate(self, path: Path, size_bytes: int) -> None:
        """Cut *path* after *size_bytes*."""
        ...

    def remove(self, path: Path) -> None:
        """Remove *path*; one that is not there is a success."""
        ...


class Disk:
    """The machine's own files."""

    def write(self, path: Path, data: bytes) -> None:
        """Make *path*, or replace its content."""
        durable.write(path, data)

    def rename(self, source: Path, target: Path) -> None:
        """Put *source* in the place of *target*."""
        durable.rename(source, target)

    def link(self, source: Path, target: Path) -> None:
        """Give *source* a second name."""
        target.hardlink_to(source)
        durable.sync_folder(target.parent)

    def append(self, path: Path, data: bytes) -> None:
        """Add *data* at the end of *path*, which exists."""
        durable.append(path, data)

    def truncate(self, path: Path, size_bytes: int) -> None:
        """Cut *path* after *size_bytes*."""
        descriptor = os.open(path, os.O_WRONLY)
        try:
            os.ftruncate(descriptor, size_bytes)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def remove(self, path: Path) -> None:
        """Remove *path*."""
        path.unlink(missing_ok=True)


def write_atomically(files: Files, path: Path, data: bytes) -> None:
    """Replace the content of *path*: after a crash it is the old one or the new one, whole."""
    staged = path.with_name(path.name + ".new")
    files.write(staged, data)
    files.rename(staged, path)
