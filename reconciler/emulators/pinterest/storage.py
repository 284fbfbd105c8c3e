"""Where a sandbox that is started again finds its objects.

One SQLite file. Members are digests, tokens are SHA-256 of tokens: nothing in it can be used against a person or a vendor.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

import orjson

from reconciler.errors import TdrError
from reconciler.model.json import Json

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (kind TEXT, id TEXT, value BLOB, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS members (list_id TEXT, digest BLOB, PRIMARY KEY (list_id, digest)) WITHOUT ROWID;
"""


class Storage(Protocol):
    """What the world tells when it has changed. Each call is whole or not at all, and lasting when it returns."""

    def objects(self, kind: str) -> Iterator[dict[str, Json]]:
        """All objects of *kind*, in no order."""
        ...

    def members(self, list_id: str) -> Iterator[bytes]:
        """All members of a list."""
        ...

    def save(
        self, kind: str, key: str, value: object, *, added: Iterable[bytes] = (), gone: Iterable[bytes] = ()
    ) -> None:
        """Keep an object, with the members *added* to it and *gone* from it."""
        ...

    def delete(self, kind: str, key: str) -> None:
        """Forget an object and its members."""
        ...

    def clear(self) -> None:
        """Forget everything."""
        ...


class NoStorage:
    """Everything ends with the process."""

    def objects(self, kind: str) -> Iterator[dict[str, Json]]:  # noqa: ARG002 - as the protocol has it
        """None."""
        return iter(())

    def members(self, list_id: str) -> Iterator[bytes]:  # noqa: ARG002 - as the protocol has it
        """None."""
        return iter(())

    def save(
        self, kind: str, key: str, value: object, *, added: Iterable[bytes] = (), gone: Iterable[bytes] = ()
    ) -> None:
        """Not kept."""

    def delete(self, kind: str, key: str) -> None:
        """Nothing to delete."""

    def clear(self) -> None:
        """Nothing to clear."""


class FileStorage:
    """One SQLite file, for one sandbox at a time."""

    def __init__(self, path: Path) -> None:
        """Open or create *path*.

        Raises:
            TdrError: it cannot be opened, is no such file, or another sandbox has it.
        """
        try:
            self._db = _opened(path)
        except sqlite3.Error as error:
            raise TdrError(
                f"cannot use `{path}` as the sandbox's state: {error}",
                hint="is another sandbox running with it? Delete the file to start with nothing",
            ) from error

    def objects(self, kind: str) -> Iterator[dict[str, Json]]:
        """All objects of *kind*."""
        for (value,) in self._db.execute("SELECT value FROM objects WHERE kind = ?", (kind,)):
            yield orjson.loads(value)

    def members(self, list_id: str) -> Iterator[bytes]:
        """All members of a list."""
        for (digest,) in self._db.execute("SELECT digest FROM members WHERE list_id = ?", (list_id,)):
            yield digest

    def save(
        self, kind: str, key: str, value: object, *, added: Iterable[bytes] = (), gone: Iterable[bytes] = ()
    ) -> None:
        """One transaction."""
        with self._db:
            self._db.execute("BEGIN")
            self._db.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?)", (kind, key, orjson.dumps(value)))
            self._db.executemany("INSERT OR IGNORE INTO members VALUES (?, ?)", ((key, digest) for digest in added))
            self._db.executemany(
                "DELETE FROM members WHERE list_id = ? AND digest = ?", ((key, digest) for digest in gone)
            )

    def delete(self, kind: str, key: str) -> None:
        """One transaction."""
        with self._db:
            self._db.execute("BEGIN")
            self._db.execute("DELETE FROM objects WHERE kind = ? AND id = ?", (kind, key))
            self._db.execute("DELETE FROM members WHERE list_id = ?", (key,))

    def clear(self) -> None:
        """One transaction."""
        with self._db:
            self._db.execute("BEGIN")
            self._db.execute("DELETE FROM objects")
            self._db.execute("DELETE FROM members")

    def close(self) -> None:
        """Give the file free."""
        self._db.close()


def _opened(path: Path) -> sqlite3.Connection:
    # the server's thread is not the one that opens, and there is only ever one at a time
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1)
    try:
        db.executescript("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + _SCHEMA)
    except sqlite3.Error:
        db.close()
        raise
    return db
