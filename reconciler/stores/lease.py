"""The right to write to a shared place: a lease that its holder renews, and that others may take once it has run out.

The record is one object, replaced by compare-and-swap, so that of several who want it one wins. Whoever takes it over from a
holder that did not give it back fences that holder out (see `shared`); clocks decide only when that may be tried.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Protocol

import orjson

from reconciler.errors import StateError
from reconciler.ports.clock import Clock, SystemClock, rfc3339
from reconciler.ports.store import Holder
from reconciler.stores.holding import Claim, Claimant, OccupiedError, Writer, process_started, taken_away
from reconciler.stores.shelf import Shelf, TakenError

KEY = "lock.json"
LEASE_S = 120.0
RENEW_S = 30.0
_POLL_S = 0.1
_POLL_MAX_S = 2.0


@dataclass(frozen=True, slots=True)
class Held:
    """The lock, taken. *from_holder*: its last holder did not give it back and must be fenced out."""

    holder: Holder
    from_holder: bool


class Lock(Protocol):
    """The right to write to one shelf."""

    def hold(self, operation: str, run: str, timeout_s: float) -> AbstractContextManager[Held]:
        """Hold it, waiting up to *timeout_s*; raises LockHeld."""
        ...

    def briefly(self) -> AbstractContextManager[None]:
        """Make one write possible that no run makes, such as that of a new state; raises LockHeld."""
        ...

    def holder(self) -> Holder | None:
        """Who holds it now."""
        ...

    def is_lost(self) -> bool:
        """Whether this process is known to have lost it; asks nobody."""
        ...

    def confirm(self, holder: Holder) -> None:
        """Ask the place; raises StateError when *holder* does not have it any more."""
        ...

    def release(self, lock_id: str, fence: Callable[[str], None]) -> None:
        """Take it from a holder that cannot give it back, who is fenced out first; raises LockHeld."""
        ...


@dataclass(frozen=True, slots=True)
class _Record:
    """What is written down. *expires* is in Unix seconds; *beats* counts renewals, so that no two records are equal."""

    claim: Claim
    expires: float
    beats: int = 0
    is_free: bool = False

    @property
    def lock_id(self) -> str:
        """Id of the lock, "" when it is free."""
        return "" if self.is_free else self.claim.holder.lock_id


class LeaseLock:
    """A `Lock` by leases in the object ``lock.json``."""

    def __init__(
        self,
        shelf: Shelf,
        *,
        clock: Clock,
        writer: Writer,
        new_id: Callable[[], str],
        started: Callable[[int], str | None] = process_started,
        lease_clock: Clock | None = None,
        lease_s: float = LEASE_S,
        renew_s: float = RENEW_S,
    ) -> None:
        """Lock *shelf*.

        lease_clock: what leases run out by; the machine's own when left out, also where *clock* is set to another time.
        """
        self._shelf = shelf
        self._claimant = Claimant(clock, writer, new_id, started)
        self._lease_clock = lease_clock or SystemClock()
        self._lease_s = lease_s
        self._renew_s = renew_s
        self._lost = threading.Event()

    @contextmanager
    def hold(self, operation: str, run: str, timeout_s: float) -> Iterator[Held]:
        """Hold the lock, renewing it in a thread.

        Raises:
            LockHeld: it stays with somebody else; says with whom, where, since when and how to release it.
        """
        claim = self._claimant.new_claim(operation, run)
        record, version, from_holder = self._claimant.wait(
            lambda: self._attempt(claim), timeout_s, pause_s=_POLL_S, pause_max_s=_POLL_MAX_S
        )
        self._lost.clear()
        ended = threading.Event()
        renewing = threading.Thread(target=self._renew, args=(record, version, ended), name="lease", daemon=True)
        renewing.start()
        try:
            yield Held(claim.holder, from_holder)
        finally:
            ended.set()
            renewing.join()
            self._give_back(claim.holder.lock_id)

    def briefly(self) -> nullcontext[None]:
        """A single write needs no lease: it is compared and swapped."""
        return nullcontext()

    def holder(self) -> Holder | None:
        """Who holds the lock; a lease that ran out and a dead process of this machine hold nothing."""
        read = self._read()
        return read[0].claim.holder if read and self._is_valid(read[0]) else None

    def is_lost(self) -> bool:
        """Whether a renewal has failed for good."""
        return self._lost.is_set()

    def confirm(self, holder: Holder) -> None:
        """Make sure that nobody has taken the lock. What was read before that, was read before anybody fenced *holder* out.

        Raises:
            StateError: somebody has.
        """
        read = self._read()
        if read is None or read[0].lock_id != holder.lock_id:
            raise taken_away(holder)

    def release(self, lock_id: str, fence: Callable[[str], None]) -> None:
        """Free the lock of a holder that cannot give it back.

        Raises:
            TdrError: nothing is locked.
            LockHeld: the lock is another, or its holder is known to be alive.
        """
        read = self._read()
        self._claimant.check_release(lock_id, read[0].claim if read and not read[0].is_free else None)
        fence(self._claimant.new_id())
        self._give_back(lock_id)

    def _attempt(self, claim: Claim) -> tuple[_Record, str, bool]:
        """The record of *claim*, its version, and whether it was taken from somebody."""
        while True:
            read = self._read()
            if read and self._is_valid(read[0]):
                there = read[0]
                raise OccupiedError(replace(there.claim, until=rfc3339(there.expires)))
            mine = _Record(claim, self._lease_clock.now() + self._lease_s)
            try:
                version = put(self._shelf, KEY, _encode(mine), read[1] if read else None)
            except TakenError:
                continue  # somebody was faster
            return mine, version, read is not None and not read[0].is_free

    def _renew(self, record: _Record, version: str, ended: threading.Event) -> None:
        """Renew until *ended*; a place that does not answer is asked again until the lease has run out."""
        while not ended.wait(self._renew_s):
            now = self._lease_clock.now()
            renewed = replace(record, expires=now + self._lease_s, beats=record.beats + 1)
            try:
                record, version = self._renewed(renewed, version)
            except TakenError:
                self._lost.set()
                return
            except StateError:
                if now < record.expires:
                    continue
                self._lost.set()
                return

    def _renewed(self, renewed: _Record, version: str) -> tuple[_Record, str]:
        """The record that stands now, and its version.

        A renewal may have acted though its answer was lost: then the record is still this holder's, in another version.

        Raises:
            TakenError: it is somebody else's.
        """
        try:
            return renewed, put(self._shelf, KEY, _encode(renewed), version)
        except TakenError:
            read = self._read()
            if read is None or read[0].lock_id != renewed.lock_id:
                raise
            return read

    def _give_back(self, lock_id: str) -> None:
        """Write down that the lock is free, unless it is somebody else's by now."""
        try:
            read = self._read()
            if read and read[0].lock_id == lock_id:
                free = replace(read[0], beats=read[0].beats + 1, is_free=True)
                put(self._shelf, KEY, _encode(free), read[1])
        except (StateError, TakenError):
            return  # it runs out, or is taken already

    def _is_valid(self, record: _Record) -> bool:
        if record.is_free or record.expires <= self._lease_clock.now():
            return False
        return not self._claimant.is_dead(record.claim)

    def _read(self) -> tuple[_Record, str] | None:
        kept = self._shelf.get(KEY)
        if kept is None:
            return None
        try:
            return _decode(kept.data), kept.version
        except (ValueError, KeyError, TypeError) as error:
            raise StateError(
                f"{KEY} at {self._shelf.where} cannot be read: {error!r}",
                hint="if nobody is writing there, remove it",
            ) from error


def put(shelf: Shelf, key: str, data: bytes, expected: str | None) -> str:
    """`Shelf.put` of bytes that nobody else writes; a success, too, where the answer to a first try was lost.

    Raises:
        TakenError: somebody else wrote the object.
    """
    try:
        return shelf.put(key, data, expected)
    except TakenError:
        kept = shelf.get(key)
        if kept is not None and kept.data == data and data:
            return kept.version
        raise


def _encode(record: _Record) -> bytes:
    body = {
        **record.claim.body(),
        "expires": rfc3339(record.expires),
        "expires_at": record.expires,
        "beats": record.beats,
        "is_free": record.is_free,
    }
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _decode(data: bytes) -> _Record:
    body: Mapping[str, object] = orjson.loads(data)
    texts = {name: str(body[name]) for name in ("lock_id", "operation", "who", "host", "run", "since")}
    holder = Holder(pid=int(str(body["pid"])), **texts)
    claim = Claim(holder, str(body["started"]))
    return _Record(claim, float(str(body["expires_at"])), int(str(body["beats"])), body["is_free"] is True)
