"""The right to write, held by one process at a time.

An operating-system lock on `lock` decides among the processes of this machine and goes with its process, however that
ends. The record `lock.json` tells who it is, and decides among machines that share the folder: a lock of another machine
is respected until a person releases it, for its process cannot be asked. Age proves nothing and removes nothing.
"""

from __future__ import annotations

import fcntl
import getpass
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from reconciler.errors import LockHeld, StateError
from reconciler.ports.clock import Clock, rfc3339
from reconciler.ports.store import Holder
from reconciler.stores.files import MODE, Files, write_atomically

FORMAT = "tdr.lock"
FORMAT_VERSION = "1.0"

_POLL_S = 0.05
_POLL_MAX_S = 1.0


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
        self._clock = clock
        self._writer = writer
        self._files = files
        self._new_id = new_id
        self._started = started
        # The record last read as *lock_id*'s: records are replaced, never rewritten, so the same file says the same.
        self._confirmed: tuple[str, tuple[int, ...]] | None = None

    @contextmanager
    def hold(self, operation: str, run: str, timeout_s: float) -> Iterator[Holder]:
        """Hold the lock, waiting up to *timeout_s* for it.

        Raises:
            LockHeld: it stays with somebody else; says with whom, where, since when and how to release it.
            StateError: the folder cannot be written.
        """
        descriptor = self._acquire(self._clock.now() + timeout_s)
        try:
            holder = Holder(
                lock_id=self._new_id(),
                operation=operation,
                who=self._writer.who,
                host=self._writer.host,
                pid=self._writer.pid,
                run=run,
                since=rfc3339(self._clock.now()),
            )
            self._write(holder)
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
        read = self._read()
        if read is None:
            return None
        holder, started = read
        return None if self._is_dead(holder, started) else holder

    def confirm(self, holder: Holder) -> None:
        """Make sure that *holder* was not released by somebody else meanwhile.

        Raises:
            StateError: it was.
        """
        found = _identity(self._record)
        if found is not None and self._confirmed == (holder.lock_id, found):
            return
        if not self._is(holder):
            raise StateError(
                f"lock {holder.lock_id} was taken away from this run",
                hint="nothing more is written; see who did with `tdr lock status`, then plan again",
            )
        self._confirmed = (holder.lock_id, found) if found else None

    def release(self, lock_id: str) -> None:
        """Remove the record of a holder that cannot remove it.

        Raises:
            LockHeld: there is no such lock, or its holder is known to be alive.
        """
        read = self._read()
        if read is None or read[0].lock_id != lock_id:
            there = f"the lock is {read[0].lock_id}" if read else "nothing is locked"
            raise LockHeld(f"there is no lock {lock_id!r}: {there}", hint="`tdr lock status` shows the id")
        holder, started = read
        if holder.host == self._writer.host and not self._is_dead(holder, started):
            raise LockHeld(
                f"its holder is alive: {in_words(holder)}",
                hint=f"end process {holder.pid}, which releases the lock by itself",
            )
        descriptor = self._try()
        if descriptor is None:
            raise LockHeld("a process on this machine is writing", hint="wait for it, then look at `tdr lock status`")
        try:
            if self._is(holder):
                self._files.remove(self._record)
        finally:
            os.close(descriptor)

    def _acquire(self, deadline: float) -> int:
        pause_s = _POLL_S
        while True:
            descriptor = self._try()
            if descriptor is not None:
                read = self._read_or_close(descriptor)
                if read is None or read[0].host == self._writer.host:
                    return descriptor  # nobody, or a process of this machine whose system lock is gone
                os.close(descriptor)
            left_s = deadline - self._clock.now()
            if left_s <= 0:
                raise self._held()
            self._clock.sleep(min(pause_s, left_s))
            pause_s = min(2 * pause_s, _POLL_MAX_S)

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

    def _held(self) -> LockHeld:
        read = self._read()
        if read is None:
            return LockHeld(
                "somebody else is taking the lock right now", hint="try again, or wait with `--lock-timeout 5m`"
            )
        return LockHeld(
            f"the state is locked: {in_words(read[0])}",
            hint="wait with `--lock-timeout 5m`; "
            f"if that process is gone for good, release it with `tdr lock release {read[0].lock_id}`",
        )

    def _is_dead(self, holder: Holder, started: str) -> bool:
        if holder.host != self._writer.host:
            return False
        now = self._started(holder.pid)
        return now is None or bool(started and now and now != started)

    def _is(self, holder: Holder) -> bool:
        read = self._read()
        return read is not None and read[0].lock_id == holder.lock_id

    def _write(self, holder: Holder) -> None:
        body = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "started": self._started(holder.pid) or "",
            **asdict(holder),
        }
        data = orjson.dumps(body, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        try:
            write_atomically(self._files, self._record, data)
        except OSError as error:
            raise StateError(
                f"{self._record} cannot be written: {error.strerror}", hint="free space, or check permissions"
            ) from error

    def _read(self) -> tuple[Holder, str] | None:
        try:
            body = orjson.loads(self._record.read_bytes())
            holder = Holder(**{name: body[name] for name in Holder.__slots__})
            return holder, str(body["started"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StateError(
                f"{self._record} cannot be read: {error!r}", hint="if nobody is writing to this folder, remove the file"
            ) from error

    def _read_or_close(self, descriptor: int) -> tuple[Holder, str] | None:
        try:
            return self._read()
        except StateError:
            os.close(descriptor)
            raise


def _identity(record: Path) -> tuple[int, ...] | None:
    """Equal as long as it is the same file; None when there is none."""
    try:
        found = record.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def in_words(holder: Holder) -> str:
    """Who it is, as part of a sentence."""
    run = f", run {holder.run}" if holder.run else ""
    return (
        f"`{holder.operation}` by {holder.who} on {holder.host} (process {holder.pid}{run}) "
        f"since {holder.since}, lock id {holder.lock_id}"
    )
