"""Who is alive: each process holds a lock that the operating system takes away when it ends, however it ends.

The lock is an exclusive transaction on a small SQLite file: the one file lock that works alike on every platform.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Final

_SUFFIX: Final = ".lease"
_FRESH_S: Final = 3600


class Leases:
    """The lease of this process, and a look at those of others. *token* names it in the jobs it issued."""

    def __init__(self, folder: Path) -> None:
        """Take a lease in *folder*."""
        self._folder = folder
        folder.mkdir(mode=0o700, exist_ok=True)
        self.token = secrets.token_hex(8)
        self._held = _exclusive(self._path(self.token))

    def is_alive(self, token: str) -> bool:
        """Whether the process with that lease still runs."""
        if token == self.token:
            return True
        path = self._path(token)
        if not path.exists():
            return False
        try:
            _exclusive(path).close()
        except sqlite3.OperationalError:
            return True
        path.unlink(missing_ok=True)
        return False

    def release(self) -> None:
        """End the lease."""
        self._held.close()
        self._path(self.token).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove the files of leases that nobody holds; fresh ones may be about to be taken."""
        for path in self._folder.glob(f"*{_SUFFIX}"):
            if path.stat().st_mtime < time.time() - _FRESH_S:
                self.is_alive(path.name.removesuffix(_SUFFIX))

    def _path(self, token: str) -> Path:
        return self._folder / f"{token}{_SUFFIX}"


def _exclusive(path: Path) -> sqlite3.Connection:
    """An open connection that holds *path* exclusively.

    Raises:
        sqlite3.OperationalError: somebody else does.
    """
    # Taken by one thread of the service and given back by another.
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        with closing(connection):
            raise
    return connection
