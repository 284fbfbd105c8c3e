"""Where a sandbox that is started again finds its objects.

One SQLite file. Members are digests, tokens are SHA-256 of tokens: nothing in it can be used against a person or a vendor.
Members are kept as the batches that came and went, since a row for each of them took thirty times as long; opening the
file adds the batches up.
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
CREATE TABLE IF NOT EXISTS batches (
    number INTEGER PRIMARY KEY, list_id TEXT, is_gone INTEGER, digest_bytes INTEGER, digests BLOB
);
CREATE INDEX IF NOT EXISTS batches_of_list ON batches (list_id);
"""
_MANY = 100  # batches of a list that are worth adding up for good
_LARGEST = 1_000_000  # digests in a row; SQLite takes at most 1 GB


class Storage(Protocol):
    """What the world tells when it has changed. Each call is whole or not at all, and lasting when it returns."""

    def objects(self, kind: str) -> Iterator[dict[str, Json]]:
        """All objects of *kind*, in no order."""
        ...

    def members(self, list_id: str) -> Iterable[bytes]:
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

    def members(self, list_id: str) -> Iterable[bytes]:  # noqa: ARG002 - as the protocol has it
        """None."""
        return ()

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

    def members(self, list_id: str) -> Iterable[bytes]:
        """All members of a list; its batches become one on the way."""
        members: set[bytes] = set()
        number = 0
        for is_gone, size, joined in self._db.execute(
            "SELECT is_gone, digest_bytes, digests FROM batches WHERE list_id = ? ORDER BY number", (list_id,)
        ):
            number += 1
            digests = (joined[at : at + size] for at in range(0, len(joined), size))
            if is_gone:
                members.difference_update(digests)
            else:
                members.update(digests)
        if number > _MANY:
            with self._db:
                self._db.execute("BEGIN")
                self._db.execute("DELETE FROM batches WHERE list_id = ?", (list_id,))
                self._append(list_id, members, is_gone=False)
        return members

    def save(
        self, kind: str, key: str, value: object, *, added: Iterable[bytes] = (), gone: Iterable[bytes] = ()
    ) -> None:
        """One transaction."""
        with self._db:
            self._db.execute("BEGIN")
            self._db.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?)", (kind, key, orjson.dumps(value)))
            self._append(key, added, is_gone=False)
            self._append(key, gone, is_gone=True)

    def delete(self, kind: str, key: str) -> None:
        """One transaction."""
        with self._db:
            self._db.execute("BEGIN")
            self._db.execute("DELETE FROM objects WHERE kind = ? AND id = ?", (kind, key))
            self._db.execute("DELETE FROM batches WHERE list_id = ?", (key,))

    def clear(self) -> None:
        """One transaction."""
        with self._db:
            self._db.execute("BEGIN")
            self._db.execute("DELETE FROM objects")
            self._db.execute("DELETE FROM batches")

    def close(self) -> None:
        """Give the file free."""
        self._db.close()

    def _append(self, list_id: str, digests: Iterable[bytes], *, is_gone: bool) -> None:
        by_size: dict[int, list[bytes]] = {}
        for digest in digests:
            by_size.setdefault(len(digest), []).append(digest)
        for size, some in by_size.items():
            for start in range(0, len(some), _LARGEST):
                self._db.execute(
                    "INSERT INTO batches (list_id, is_gone, digest_bytes, digests) VALUES (?, ?, ?, ?)",
                    (list_id, is_gone, size, b"".join(some[start : start + _LARGEST])),
                )


def _opened(path: Path) -> sqlite3.Connection:
    # the server's thread is not the one that opens, and there is only ever one at a time
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1)
    try:
        db.executescript("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + _SCHEMA)
    except sqlite3.Error:
        db.close()
        raise
    return db
