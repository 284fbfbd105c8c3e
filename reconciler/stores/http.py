"""A shelf at a server that speaks as Terraform's `http` backend asks; see `http_server` for what it can do."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import orjson

from reconciler.ports.store import Keeps
from reconciler.stores.http_server import LockedError, StateServer, Text
from reconciler.stores.shelf import Kept, TakenError

_KEEPS = Keeps(states=5, runs=20)
"""Every write sends all of it."""


class HttpShelf:
    """Objects in the one text of a server."""

    def __init__(self, server: StateServer, *, keeps: Keeps = _KEEPS) -> None:
        """Use *server*."""
        self._server = server
        self.where = server.where
        self.caveat = (
            "this server locks, but does not compare and swap: "
            "if a lock is taken away by force, two writers may both win"
        )
        self.keeps = keeps
        self._mutex = threading.RLock()
        self._lock_id = ""
        self._text: Text | None = None
        self._depth = 0
        self._is_changed = False

    def get(self, key: str) -> Kept | None:
        """The object *key*, or None."""
        with self._mutex:
            found = self._current().objects.get(key)
            return None if found is None else Kept(found.encode(), _version(found))

    def put(self, key: str, data: bytes, expected: str | None) -> str:
        """Write *key*, if it still has the version *expected* in what this holder of the lock knows."""
        with self._mutex, self.together():
            text = self._current()
            found = text.objects.get(key)
            if (None if found is None else _version(found)) != expected:
                raise TakenError(key)
            text.objects[key] = data.decode()
            self._is_changed = True
            return _version(text.objects[key])

    def scan(self, prefix: str) -> Sequence[tuple[str, bytes]]:
        """Every object whose key begins with *prefix*, by key."""
        with self._mutex:
            objects = self._current().objects
            return [(key, objects[key].encode()) for key in sorted(objects) if key.startswith(prefix)]

    def sizes(self, prefix: str) -> Mapping[str, int]:
        """Key -> size in bytes, by key."""
        return {key: len(data) for key, data in self.scan(prefix)}

    def remove(self, keys: Iterable[str]) -> None:
        """Remove objects."""
        with self._mutex, self.together():
            for key in keys:
                self._is_changed = self._current().objects.pop(key, None) is not None or self._is_changed

    @contextmanager
    def together(self) -> Iterator[None]:
        """One request at the end, or none when something went wrong."""
        with self._mutex:
            self._depth += 1
            try:
                yield
                if self._depth == 1 and self._is_changed:
                    self._send()
            except BaseException:
                self._text = None  # what is there now is read again
                raise
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._is_changed = False

    def locked(self, lock_id: str) -> None:
        """From now on the server is written under *lock_id*, and what was read stays true; "" ends that."""
        with self._mutex:
            self._lock_id, self._text = lock_id, None

    def tell_holder(self, holder: Mapping[str, Any]) -> None:
        """Write down who has the lock; raises TakenError."""
        with self._mutex, self.together():
            self._current().holder = dict(holder)
            self._is_changed = True

    def last_holder(self) -> Mapping[str, Any]:
        """Who had the lock last, as far as it was written down."""
        return self._server.get().holder

    def _current(self) -> Text:
        if self._text is not None and (self._lock_id or self._depth):
            return self._text
        self._text = self._server.get()
        return self._text

    def _send(self) -> None:
        text = self._current()
        # The server does not compare; this look before is the best there is.
        if self._server.get().serial != text.serial:
            raise TakenError(self.where)
        text.serial += 1
        text.lineage = _lineage(text)
        try:
            self._server.post(text, self._lock_id)
        except LockedError as error:
            raise TakenError(self.where) from error


def _version(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _lineage(text: Text) -> str:
    """The lineage of the state, for servers that look for it; where it is sealed, they see that there is one."""
    try:
        return str(orjson.loads(text.objects.get("state.json", "{}")).get("lineage", "tdr"))
    except orjson.JSONDecodeError:
        return "tdr"
