"""Files that people wrote and tdr changes: each at once, its permissions kept, and none that may not be written to."""

from __future__ import annotations

import secrets
import stat
from contextlib import suppress
from pathlib import Path

from reconciler import durable
from reconciler.errors import TdrError

_ANYBODY_WRITES = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def content(path: Path, file: str) -> bytes:
    """The bytes of the file at *path*, which messages call *file*.

    Raises:
        TdrError: it cannot be read, or nobody may write to it.
    """
    try:
        data = path.read_bytes()
        mode = path.stat().st_mode
    except OSError as error:
        raise TdrError(f"{file} cannot be read: {error.strerror}", hint="nothing was written; try again") from error
    if not mode & _ANYBODY_WRITES:
        raise TdrError(f"{file} is read-only", hint="nothing was written; make it writable, or edit it by hand")
    return data


def replace(path: Path, data: bytes) -> None:
    """Exchange the content of *path* at once.

    Raises:
        TdrError: it cannot be written; then it is as it was.
    """
    staged = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        durable.write(staged, data)
        # Not when it is made, for the process's umask takes from what is asked for then; and not once it is in place, for
        # whoever is killed before that leaves a file that others cannot read.
        staged.chmod(stat.S_IMODE(path.stat().st_mode))
        durable.rename(staged, path)
    except OSError as error:
        with suppress(OSError):
            staged.unlink(missing_ok=True)
        raise TdrError(f"{path} cannot be written: {error.strerror}", hint="check its permissions") from error
