"""How the right to write is asked for, waited for, told of and taken away: the same at every kind of place.

A place gives what only it can: one attempt to take its lock, the claim that is written down there, and a way to free it. In a
folder that is an operating-system lock (`lock`), on a shelf a lease (`lease`), at a server its own lock (`http_lock`).
"""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from reconciler.errors import LockHeld, StateError, TdrError
from reconciler.ports.clock import Clock, rfc3339
from reconciler.ports.store import Holder

FORMAT = "tdr.lock"
FORMAT_VERSION = "1.0"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Writer:
    """Who takes the lock: a person or machine user, the host and the process."""

    who: str
    host: str
    pid: int

    @classmethod
    def here(cls) -> Writer:
        """This process."""
        try:
            who = getpass.getuser()
        except (KeyError, OSError):  # no such user, as in many containers
            who = f"uid {os.getuid()}"
        return cls(who, socket.gethostname(), os.getpid())


@dataclass(frozen=True, slots=True)
class Claim:
    """A lock as it is written down.

    started: when the holder's process began, as `process_started` tells it; "" when that is not known.
    until: when it runs out, for people; "" where locks do not.
    """

    holder: Holder
    started: str = ""
    until: str = ""

    def body(self) -> dict[str, object]:
        """What every place writes down of it."""
        return {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "started": self.started,
            **asdict(self.holder),
        }


class OccupiedError(Exception):
    """An attempt found the lock taken; *claim* is None while somebody is just taking it."""

    def __init__(self, claim: Claim | None) -> None:
        """Hold *claim*."""
        super().__init__("occupied")
        self.claim = claim


class Claimant:
    """One process as it asks for locks, and what it can tell about other holders."""

    def __init__(
        self, clock: Clock, writer: Writer, new_id: Callable[[], str], started: Callable[[int], str | None]
    ) -> None:
        """Ask as *writer*. *started* tells about processes of this machine as `process_started` does."""
        self._clock = clock
        self._writer = writer
        self._new_id = new_id
        self._started = started

    def new_claim(self, operation: str, run: str) -> Claim:
        """A claim of this process, with an id of its own."""
        writer = self._writer
        since = rfc3339(self._clock.now())
        holder = Holder(self._new_id(), operation, writer.who, writer.host, writer.pid, run, since)
        return Claim(holder, self._started(writer.pid) or "")

    def new_id(self) -> str:
        """An id for whoever fences a holder out without taking its lock."""
        return self._new_id()

    def is_here(self, claim: Claim) -> bool:
        """Whether its holder is a process of this machine, which can be asked."""
        return bool(claim.holder.pid) and claim.holder.host == self._writer.host

    def is_dead(self, claim: Claim) -> bool:
        """Whether its holder is known to be gone. Of another machine's process nothing is known."""
        if not self.is_here(claim):
            return False
        now = self._started(claim.holder.pid)
        return now is None or bool(claim.started and now and now != claim.started)

    def wait(self, attempt: Callable[[], T], timeout_s: float, *, pause_s: float, pause_max_s: float) -> T:
        """What *attempt* gives once it does not raise `OccupiedError`; tried at least once.

        pause_s: before the second attempt; it doubles up to *pause_max_s*.

        Raises:
            LockHeld: it stays with somebody else; says with whom, where, since when and how to release it.
        """
        deadline = self._clock.now() + timeout_s
        while True:
            try:
                return attempt()
            except OccupiedError as occupied:
                left_s = deadline - self._clock.now()
                if left_s <= 0:
                    raise held(occupied.claim) from None
            self._clock.sleep(min(pause_s, left_s))
            pause_s = min(2 * pause_s, pause_max_s)

    def check_release(self, lock_id: str, claim: Claim | None) -> Claim:
        """The *claim* that is there, if it is *lock_id* and may be taken from its holder.

        Raises:
            TdrError: nothing is locked.
            LockHeld: the lock is another, or its holder is known to be alive.
        """
        if claim is None or (claim.holder.lock_id != lock_id and self.is_dead(claim)):
            raise TdrError(f"there is no lock {lock_id!r}: nothing is locked", hint="nothing has to be released")
        if claim.holder.lock_id != lock_id:
            raise LockHeld(
                f"there is no lock {lock_id!r}: the lock is {claim.holder.lock_id}",
                hint="`tdr lock status` shows the id",
            )
        if self.is_here(claim) and not self.is_dead(claim):
            raise LockHeld(
                f"its holder is alive: {in_words(claim.holder)}",
                hint=f"end process {claim.holder.pid}, which releases the lock by itself",
            )
        return claim


def process_started(pid: int) -> str | None:
    """When process *pid* of this machine began, as text that is only good for comparing; None when it does not run.

    Tells a process from a later one that was given the same number. "" where the system has no /proc.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass  # somebody else's, but it runs
    if not Path("/proc/self/stat").exists():
        return ""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # Fields after the name, which may hold blanks and brackets: state is the 3rd, start time the 22nd (proc(5)).
    fields = stat.rpartition(")")[2].split()
    if fields[0] in ("Z", "X"):
        return None
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot}/{fields[19]}"


def held(claim: Claim | None) -> LockHeld:
    """The error of whoever waited in vain."""
    if claim is None:
        return LockHeld(
            "somebody else is taking the lock right now", hint="try again, or wait with `--lock-timeout 5m`"
        )
    until = f"; it runs out at {claim.until}" if claim.until else ""
    return LockHeld(
        f"the state is locked: {in_words(claim.holder)}",
        hint="wait with `--lock-timeout 5m`; if that process is gone for good, release it with "
        f"`tdr lock release {claim.holder.lock_id}`{until}",
    )


def taken_away(holder: Holder) -> StateError:
    """The error of a run that has lost its lock."""
    return StateError(
        f"lock {holder.lock_id} was taken away from this run",
        hint="nothing more is written; see who did with `tdr lock status`, then plan again",
    )


def in_words(holder: Holder) -> str:
    """Who it is, as part of a sentence."""
    run = f", run {holder.run}" if holder.run else ""
    return (
        f"`{holder.operation}` by {holder.who} on {holder.host} (process {holder.pid}{run}) "
        f"since {holder.since}, lock id {holder.lock_id}"
    )
