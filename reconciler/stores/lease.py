"""The right to write to a shared place: a lease that its holder renews, and that others may take once it has run out.

The record is one object, replaced by compare-and-swap, so that of several who want it one wins. Whoever takes it over from a
holder that did not give it back fences that holder out (see `shared`); clocks decide only when that may be tried.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from typing import Protocol

import orjson

from reconciler.errors import LockHeld, StateError
from reconciler.ports.clock import Clock, SystemClock, rfc3339
from reconciler.ports.store import Holder
from reconciler.stores.lock import FORMAT, FORMAT_VERSION, Writer, in_words, process_started
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

    holder: Holder
    started: str
    expires: float
    beats: int = 0
    is_free: bool = False


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
        self._clock = clock
        self._writer = writer
        self._new_id = new_id
        self._started = started
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
        record, version, from_holder = self._acquire(operation, run, self._clock.now() + timeout_s)
        self._lost.clear()
        ended = threading.Event()
        renewing = threading.Thread(target=self._renew, args=(record, version, ended), name="lease", daemon=True)
        renewing.start()
        try:
            yield Held(record.holder, from_holder)
        finally:
            ended.set()
            renewing.join()
            self._give_back(record.holder.lock_id)

    def briefly(self) -> nullcontext[None]:
        """A single write needs no lease: it is compared and swapped."""
        return nullcontext()

    def holder(self) -> Holder | None:
        """Who holds the lock; a lease that ran out and a dead process of this machine hold nothing."""
        read = self._read()
        return read[0].holder if read and self._is_valid(read[0]) else None

    def is_lost(self) -> bool:
        """Whether a renewal has failed for good."""
        return self._lost.is_set()

    def confirm(self, holder: Holder) -> None:
        """Make sure that nobody has taken the lock. What was read before that, was read before anybody fenced *holder* out.

        Raises:
            StateError: somebody has.
        """
        read = self._read()
        if read is None or read[0].is_free or read[0].holder.lock_id != holder.lock_id:
            raise taken_away(holder)

    def release(self, lock_id: str, fence: Callable[[str], None]) -> None:
        """Free the lock of a holder that cannot give it back.

        Raises:
            LockHeld: there is no such lock, or its holder is known to be alive.
        """
        read = self._read()
        record = read[0] if read and not read[0].is_free else None
        if record is None or record.holder.lock_id != lock_id:
            there = f"the lock is {record.holder.lock_id}" if record else "nothing is locked"
            raise LockHeld(f"there is no lock {lock_id!r}: {there}", hint="`tdr lock status` shows the id")
        if self._is_alive_here(record):
            raise LockHeld(
                f"its holder is alive: {in_words(record.holder)}",
                hint=f"end process {record.holder.pid}, which releases the lock by itself",
            )
        fence(self._new_id())
        self._give_back(lock_id)

    def _acquire(self, operation: str, run: str, deadline: float) -> tuple[_Record, str, bool]:
        pause_s = _POLL_S
        lock_id = self._new_id()
        while True:
            read = self._read()
            record = None if read is None or read[0].is_free else read[0]
            if record is None or not self._is_valid(record):
                mine = self._new_record(lock_id, operation, run)
                try:
                    version = put(self._shelf, KEY, _encode(mine), read[1] if read else None)
                except TakenError:
                    continue  # somebody was faster
                return mine, version, record is not None
            left_s = deadline - self._clock.now()
            if left_s <= 0:
                raise LockHeld(
                    f"the state is locked: {in_words(record.holder)}",
                    hint="wait with `--lock-timeout 5m`; if that process is gone for good, release it with "
                    f"`tdr lock release {record.holder.lock_id}`; it runs out at {rfc3339(record.expires)}",
                )
            self._clock.sleep(min(pause_s, left_s))
            pause_s = min(2 * pause_s, _POLL_MAX_S)

    def _new_record(self, lock_id: str, operation: str, run: str) -> _Record:
        holder = Holder(
            lock_id=lock_id,
            operation=operation,
            who=self._writer.who,
            host=self._writer.host,
            pid=self._writer.pid,
            run=run,
            since=rfc3339(self._clock.now()),
        )
        return _Record(holder, self._started(holder.pid) or "", self._lease_clock.now() + self._lease_s)

    def _renew(self, record: _Record, version: str, ended: threading.Event) -> None:
        """Renew until *ended*; a place that does not answer is asked again until the lease has run out."""
        while not ended.wait(self._renew_s):
            now = self._lease_clock.now()
            renewed = _Record(record.holder, record.started, now + self._lease_s, record.beats + 1)
            try:
                version = put(self._shelf, KEY, _encode(renewed), version)
            except TakenError:
                self._lost.set()
                return
            except StateError:
                if now < record.expires:
                    continue
                self._lost.set()
                return
            record = renewed

    def _give_back(self, lock_id: str) -> None:
        """Write down that the lock is free, unless it is somebody else's by now."""
        try:
            read = self._read()
            if read and read[0].holder.lock_id == lock_id and not read[0].is_free:
                record = read[0]
                free = _Record(record.holder, record.started, record.expires, record.beats + 1, is_free=True)
                put(self._shelf, KEY, _encode(free), read[1])
        except (StateError, TakenError):
            return  # it runs out, or is taken already

    def _is_valid(self, record: _Record) -> bool:
        if record.is_free or record.expires <= self._lease_clock.now():
            return False
        return record.holder.host != self._writer.host or not self._is_dead_here(record)

    def _is_dead_here(self, record: _Record) -> bool:
        now = self._started(record.holder.pid)
        return now is None or bool(record.started and now and now != record.started)

    def _is_alive_here(self, record: _Record) -> bool:
        return record.holder.host == self._writer.host and not self._is_dead_here(record)

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


def taken_away(holder: Holder) -> StateError:
    """The error of a run that has lost its lock."""
    return StateError(
        f"lock {holder.lock_id} was taken away from this run",
        hint="nothing more is written; see who did with `tdr lock status`, then plan again",
    )


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
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "started": record.started,
        "expires": rfc3339(record.expires),
        "expires_at": record.expires,
        "beats": record.beats,
        "is_free": record.is_free,
        **asdict(record.holder),
    }
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _decode(data: bytes) -> _Record:
    body: Mapping[str, object] = orjson.loads(data)
    texts = {name: str(body[name]) for name in ("lock_id", "operation", "who", "host", "run", "since")}
    holder = Holder(pid=int(str(body["pid"])), **texts)
    return _Record(
        holder, str(body["started"]), float(str(body["expires_at"])), int(str(body["beats"])), body["is_free"] is True
    )
