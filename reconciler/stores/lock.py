"""The right to write, held by one process at a time.

An operating-system lock on `lock` decides among the processes of this machine and goes with its process, however that
ends. The record `lock.json` tells who it is, and decides among machines that share the folder: a lock of another machine
is respected until a person releases it, for its process cannot be asked. Age proves nothing and removes nothing.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import orjson

from reconciler.errors import LockHeld, StateError
from reconciler.ports.clock import Clock
from reconciler.ports.store import Holder
from reconciler.stores.files import MODE, Files, write_atomically
from reconciler.stores.holding import Claim, Claimant, OccupiedError, Writer, process_started, taken_away

_POLL_S = 0.05
_POLL_MAX_S = 1.0


class FolderLock:
    """The lock of one folder."""

    def __init__(
        self,
        folder: Path,
        *,
        clock: Clock,
        writer: Writer,
        files: Files,
        new_id: Callable[[], str],
        started: Callable[[int], str | None] = process_started,
    ) -> None:
        """Lock *folder*, which need not exist yet. *started* tells about processes as `process_started` does."""
        self._folder = folder
        self._record = folder / "lock.json"
        self._files = files
        self._claimant = Claimant(clock, writer, new_id, started)
        # The record last read as *lock_id*'s: records are replaced, never rewritten, so the same file says the same.
        self._confirmed: tuple[str, tuple[int, ...]] | None = None

    @contextmanager
    def hold(self, operation: str, run: str, timeout_s: float) -> Iterator[Holder]:
        """Hold the lock, waiting up to *timeout_s* for it.

        Raises:
            LockHeld: it stays with somebody else; says with whom, where, since when and how to release it.
            StateError: the folder cannot be written.
        """
        descriptor = self._claimant.wait(self._attempt, timeout_s, pause_s=_POLL_S, pause_max_s=_POLL_MAX_S)
        try:
            claim = self._claimant.new_claim(operation, run)
            self._write(claim)
            holder = claim.holder
            try:
                yield holder
            finally:
                with suppress(OSError):  # the system lock goes anyway, and with it the record's meaning on this machine
                    if self._is(holder):
                        self._files.remove(self._record)
        finally:
            os.close(descriptor)

    def holder(self) -> Holder | None:
        """Who holds the lock; a dead process of this machine holds nothing."""
        claim = self._read()
        return None if claim is None or self._claimant.is_dead(claim) else claim.holder

    def confirm(self, holder: Holder) -> None:
        """Make sure that *holder* was not released by somebody else meanwhile.

        Raises:
            StateError: it was.
        """
        found = _identity(self._record)
        if found is not None and self._confirmed == (holder.lock_id, found):
            return
        if not self._is(holder):
            raise taken_away(holder)
        self._confirmed = (holder.lock_id, found) if found else None

    def release(self, lock_id: str) -> None:
        """Remove the record of a holder that cannot remove it.

        Raises:
            TdrError: nothing is locked.
            LockHeld: the lock is another, or its holder is known to be alive.
        """
        holder = self._claimant.check_release(lock_id, self._read()).holder
        descriptor = self._try()
        if descriptor is None:
            raise LockHeld("a process on this machine is writing", hint="wait for it, then look at `tdr lock status`")
        try:
            if self._is(holder):
                self._files.remove(self._record)
        finally:
            os.close(descriptor)

    def _attempt(self) -> int:
        """The open file that has the system lock."""
        descriptor = self._try()
        if descriptor is None:
            raise OccupiedError(self._read())
        try:
            claim = self._read()
        except StateError:
            os.close(descriptor)
            raise
        if claim is None or self._claimant.is_here(claim):
            return descriptor  # nobody's, or of a process of this machine whose system lock is gone
        os.close(descriptor)
        raise OccupiedError(claim)

    def _try(self) -> int | None:
        """The open file that has the system lock, or None when somebody else has it."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, MODE)
        except OSError as error:
            raise StateError(
                f"{self._folder} cannot be locked: {error.strerror}", hint="writing state needs a writable folder"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def _is(self, holder: Holder) -> bool:
        claim = self._read()
        return claim is not None and claim.holder.lock_id == holder.lock_id

    def _write(self, claim: Claim) -> None:
        option = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        try:
            write_atomically(self._files, self._record, orjson.dumps(claim.body(), option=option))
        except OSError as error:
            raise StateError(
                f"{self._record} cannot be written: {error.strerror}", hint="free space, or check permissions"
            ) from error

    def _read(self) -> Claim | None:
        try:
            body = orjson.loads(self._record.read_bytes())
            return Claim(Holder(**{name: body[name] for name in Holder.__slots__}), str(body["started"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StateError(
                f"{self._record} cannot be read: {error!r}", hint="if nobody is writing to this folder, remove the file"
            ) from error


def _identity(record: Path) -> tuple[int, ...] | None:
    """Equal as long as it is the same file; None when there is none."""
    try:
        found = record.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
