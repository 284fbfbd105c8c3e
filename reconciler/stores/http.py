"""A shelf and a lock at a server that speaks as Terraform's `http` backend asks; see `http_server` for what it can do."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import orjson

from reconciler import __version__
from reconciler.errors import LockHeld, StateError
from reconciler.ports.clock import Clock, rfc3339
from reconciler.ports.store import Holder, Keeps
from reconciler.stores.http_server import LockedError, StateServer, Text
from reconciler.stores.lease import Held, taken_away
from reconciler.stores.lock import Writer, in_words, process_started
from reconciler.stores.shelf import Kept, TakenError

_POLL_S = 0.2
_POLL_MAX_S = 5.0
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


class HttpLock:
    """A `Lock` that the server keeps until it is given back: there are no leases in this protocol."""

    def __init__(
        self,
        server: StateServer,
        shelf: HttpShelf,
        *,
        clock: Clock,
        writer: Writer,
        new_id: Callable[[], str],
        started: Callable[[int], str | None] = process_started,
    ) -> None:
        """Lock *shelf* at *server*."""
        self._server = server
        self._shelf = shelf
        self._clock = clock
        self._writer = writer
        self._new_id = new_id
        self._started = started

    @contextmanager
    def hold(self, operation: str, run: str, timeout_s: float) -> Iterator[Held]:
        """Hold the lock.

        Raises:
            LockHeld: it stays with somebody else.
        """
        holder = self._new_holder(operation, run)
        self._acquire(holder, self._clock.now() + timeout_s)
        try:
            self._shelf.locked(holder.lock_id)
            try:
                self._shelf.tell_holder({**asdict(holder), "started": self._started(holder.pid) or ""})
            except TakenError:
                raise taken_away(holder) from None
            # Whoever had it before is kept out by the server, which asks for the lock's id.
            yield Held(holder, from_holder=False)
        finally:
            self._shelf.locked("")
            self._give_back(holder)

    @contextmanager
    def briefly(self) -> Iterator[None]:
        """Hold it for one write.

        Raises:
            LockHeld: somebody else does.
        """
        holder = self._new_holder("begin", "")
        self._acquire(holder, self._clock.now())
        try:
            self._shelf.locked(holder.lock_id)
            yield
        finally:
            self._shelf.locked("")
            self._give_back(holder)

    def holder(self) -> Holder | None:
        """Who holds the lock. The protocol has no such question, so the lock is asked for and given back at once."""
        probe = self._new_holder("status", "")
        try:
            self._server.lock(_lock_info(probe))
        except LockedError as error:
            holder, started = self._told(error.info)
            return None if self._is_dead(holder, started) else holder
        self._give_back(probe)
        return None

    def is_lost(self) -> bool:
        """Nothing runs out here."""
        return False

    def confirm(self, holder: Holder) -> None:
        """The server does, at every write."""

    def release(self, lock_id: str, fence: Callable[[str], None]) -> None:  # noqa: ARG002 - the server keeps the old one out
        """Free the lock of a holder that cannot give it back.

        Raises:
            LockHeld: there is no such lock, or its holder is known to be alive.
        """
        probe = self._new_holder("status", "")
        try:
            self._server.lock(_lock_info(probe))
        except LockedError as error:
            holder, started = self._told(error.info)
        else:
            self._give_back(probe)
            raise LockHeld(f"there is no lock {lock_id!r}: nothing is locked", hint="`tdr lock status` shows the id")
        if holder.lock_id != lock_id:
            raise LockHeld(
                f"there is no lock {lock_id!r}: the lock is {holder.lock_id}", hint="`tdr lock status` shows the id"
            )
        if self._is_here(holder) and not self._is_dead(holder, started):
            raise LockHeld(
                f"its holder is alive: {in_words(holder)}",
                hint=f"end process {holder.pid}, which releases the lock by itself",
            )
        self._unlock(holder)

    def _acquire(self, mine: Holder, deadline: float) -> None:
        pause_s = _POLL_S
        while True:
            try:
                self._server.lock(_lock_info(mine))
            except LockedError as error:
                holder, started = self._told(error.info)
            else:
                return
            if self._is_dead(holder, started):
                self._unlock(holder)
                continue
            left_s = deadline - self._clock.now()
            if left_s <= 0:
                raise LockHeld(
                    f"the state is locked: {in_words(holder)}",
                    hint="wait with `--lock-timeout 5m`; "
                    f"if that process is gone for good, release it with `tdr lock release {holder.lock_id}`",
                )
            self._clock.sleep(min(pause_s, left_s))
            pause_s = min(2 * pause_s, _POLL_MAX_S)

    def _told(self, info: Mapping[str, Any]) -> tuple[Holder, str]:
        """Who holds the lock that *info* is about, and when that process began, where tdr wrote it down."""
        lock_id = str(info.get("ID", ""))
        written = self._shelf.last_holder()
        if lock_id and written.get("lock_id") == lock_id:
            texts = {name: str(written[name]) for name in ("operation", "who", "host", "run", "since")}
            return Holder(lock_id=lock_id, pid=int(written["pid"]), **texts), str(written["started"])
        who, _, host = str(info.get("Who", "")).partition("@")
        return Holder(
            lock_id=lock_id,
            operation=str(info.get("Operation", "")),
            who=who or "somebody",
            host=host or "an unknown host",
            pid=0,
            run="",
            since=str(info.get("Created", "")),
        ), ""

    def _is_here(self, holder: Holder) -> bool:
        return bool(holder.pid) and holder.host == self._writer.host

    def _is_dead(self, holder: Holder, started: str) -> bool:
        if not self._is_here(holder):
            return False
        now = self._started(holder.pid)
        return now is None or bool(started and now and now != started)

    def _new_holder(self, operation: str, run: str) -> Holder:
        return Holder(
            lock_id=self._new_id(),
            operation=operation,
            who=self._writer.who,
            host=self._writer.host,
            pid=self._writer.pid,
            run=run,
            since=rfc3339(self._clock.now()),
        )

    def _unlock(self, holder: Holder) -> None:
        try:
            self._server.unlock(_lock_info(holder))
        except LockedError as error:
            raise LockHeld("somebody else took the lock", hint="see who with `tdr lock status`") from error

    def _give_back(self, holder: Holder) -> None:
        try:
            self._server.unlock(_lock_info(holder))
        except (LockedError, StateError):
            return  # it is somebody else's, or the server is away: then a person releases it


def _lock_info(holder: Holder) -> dict[str, str]:
    """What the protocol says about a lock; GitLab insists on every key."""
    return {
        "ID": holder.lock_id,
        "Operation": holder.operation,
        "Info": f"run {holder.run}" if holder.run else "tdr",
        "Who": f"{holder.who}@{holder.host}",
        "Version": __version__,
        "Created": holder.since,
        "Path": "tdr",
    }


def _version(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _lineage(text: Text) -> str:
    """The lineage of the state, for servers that look for it; where it is sealed, they see that there is one."""
    try:
        return str(orjson.loads(text.objects.get("state.json", "{}")).get("lineage", "tdr"))
    except orjson.JSONDecodeError:
        return "tdr"
