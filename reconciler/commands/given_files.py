"""Files that somebody names on the command line: read or written at once and whole, or refused at once."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from reconciler import durable
from reconciler.errors import TdrError
from reconciler.manifest.files import FileRefused, read_file

MAX_BYTES = 256 * 1024 * 1024
"""Plans and states of a hundred thousand resources have less."""


def content(path: Path, hint: str) -> bytes:
    """The bytes of the file at *path*. *hint*: which file to name instead.

    Raises:
        TdrError: it cannot be read; it is a pipe or a device, which may never begin or never end; or it is too large.
    """
    try:
        if path.is_file() and path.stat().st_size > MAX_BYTES:
            raise TdrError(f"{str(path)!r} has more than {MAX_BYTES:,} bytes", hint=hint)
        return read_file(path, str(path))
    except FileRefused as refused:
        raise TdrError(refused.message, hint=hint) from refused
    except OSError as error:
        raise TdrError(f"{str(path)!r} cannot be read: {error.strerror}", hint=hint) from error


def put(path: Path, text: bytes) -> None:
    """Write *text* to *path*, whole and durable. Raises OSError."""
    if path.exists() and not path.is_file():
        # A pipe or a device, such as /dev/stdout: to be written to, not to be replaced. A folder refuses.
        path.write_bytes(text)
        return
    try:
        place = path.resolve()
    except RuntimeError as error:  # as Python before 3.13 tells of links that lead to each other
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from error
    if place.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    durable.replace(place, text, durable.SHARED)
