"""Files that survive a kill and a power cut: after it they are as they were, or as they were to be, and whole."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

PRIVATE = 0o600
"""For its owner only."""
SHARED = 0o666
"""For whomever the process's umask lets."""

# macOS has no fdatasync.
_sync_data = getattr(os, "fdatasync", os.fsync)


def replace(path: Path, content: bytes, mode: int = PRIVATE) -> None:
    """Put *content* in the place of *path*; durable when it returns. Its folder must be there. Raises OSError."""
    staged = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        write(staged, content, mode)
        rename(staged, path)
    except BaseException:
        with suppress(OSError):
            staged.unlink(missing_ok=True)
        raise


def write(path: Path, content: bytes, mode: int = PRIVATE) -> None:
    """Make *path*, or overwrite it; durable when it returns, but not all or nothing. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        _write_all(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def append(path: Path, content: bytes) -> None:
    """Add *content* at the end of *path*, which exists; durable when it returns. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        _write_all(descriptor, content)
        _sync_data(descriptor)
    finally:
        os.close(descriptor)


def rename(source: Path, target: Path) -> None:
    """Put *source* in the place of *target*; durable when it returns. Raises OSError."""
    source.replace(target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make new names and renames inside *folder* durable. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
