"""The lock of a server that speaks as Terraform's `http` backend asks: kept until it is given back, never run out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from reconciler import __version__
from reconciler.errors import LockHeld, StateError
from reconciler.ports.clock import Clock
from reconciler.ports.store import Holder
from reconciler.stores.holding import Claim, Claimant, OccupiedError, Writer, process_started, taken_away
from reconciler.stores.http import HttpShelf
from reconciler.stores.http_server import LockedError, StateServer
from reconciler.stores.lease import Held
from reconciler.stores.shelf import TakenError

_POLL_S = 0.2
_POLL_MAX_S = 5.0


class HttpLock:
    """A `Lock` that the server keeps: there are no leases in this protocol."""

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
        self._claimant = Claimant(clock, writer, new_id, started)

    @contextmanager
    def hold(self, operation: str, run: str, timeout_s: float) -> Iterator[Held]:
        """Hold the lock.

        Raises:
            LockHeld: it stays with somebody else.
        """
        with self._locked(operation, run, timeout_s) as claim:
            try:
                self._shelf.tell_holder(claim.body())
            except TakenError:
                raise taken_away(claim.holder) from None
            # Whoever had it before is kept out by the server, which asks for the lock's id.
            yield Held(claim.holder, from_holder=False)

    @contextmanager
    def briefly(self) -> Iterator[None]:
        """Hold it for one write.

        Raises:
            LockHeld: somebody else does.
        """
        with self._locked("begin", "", 0):
            yield

    def holder(self) -> Holder | None:
        """Who holds the lock. The protocol has no such question, so the lock is asked for and given back at once."""
        claim = self._probe()
        return None if claim is None or self._claimant.is_dead(claim) else claim.holder

    def is_lost(self) -> bool:
        """Nothing runs out here."""
        return False

    def confirm(self, holder: Holder) -> None:
        """The server does, at every write."""

    def release(self, lock_id: str, fence: Callable[[str], None]) -> None:  # noqa: ARG002 - the server keeps the old one out
        """Free the lock of a holder that cannot give it back.

        Raises:
            TdrError: nothing is locked.
            LockHeld: the lock is another, or its holder is known to be alive.
        """
        self._unlock(self._claimant.check_release(lock_id, self._probe()).holder)

    @contextmanager
    def _locked(self, operation: str, run: str, timeout_s: float) -> Iterator[Claim]:
        claim = self._claimant.new_claim(operation, run)
        self._claimant.wait(lambda: self._attempt(claim), timeout_s, pause_s=_POLL_S, pause_max_s=_POLL_MAX_S)
        try:
            self._shelf.locked(claim.holder.lock_id)
            yield claim
        finally:
            self._shelf.locked("")
            self._give_back(claim.holder)

    def _attempt(self, mine: Claim) -> None:
        while True:
            try:
                self._server.lock(_lock_info(mine.holder))
            except LockedError as error:
                there = self._told(error.info)
            else:
                return
            if not self._claimant.is_dead(there):
                raise OccupiedError(there)
            self._unlock(there.holder)

    def _probe(self) -> Claim | None:
        """What is claimed there now."""
        probe = self._claimant.new_claim("status", "").holder
        try:
            self._server.lock(_lock_info(probe))
        except LockedError as error:
            return self._told(error.info)
        self._give_back(probe)
        return None

    def _told(self, info: Mapping[str, Any]) -> Claim:
        """The lock that *info* is about, in tdr's own words where it wrote them down."""
        lock_id = str(info.get("ID", ""))
        written = self._shelf.last_holder()
        if lock_id and written.get("lock_id") == lock_id:
            texts = {name: str(written[name]) for name in ("operation", "who", "host", "run", "since")}
            return Claim(Holder(lock_id=lock_id, pid=int(written["pid"]), **texts), str(written["started"]))
        who, _, host = str(info.get("Who", "")).partition("@")
        return Claim(
            Holder(
                lock_id=lock_id,
                operation=str(info.get("Operation", "")),
                who=who or "somebody",
                host=host or "an unknown host",
                pid=0,
                run="",
                since=str(info.get("Created", "")),
            )
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
