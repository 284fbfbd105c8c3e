"""One holder at a time, among threads and processes of a machine; the system frees the turn of one that dies."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.errors import LockHeld
from reconciler.ports.clock import Clock

LONGEST_WAIT_S = 120.0
"""For somebody else's refresh; one request with its repetitions takes less."""
_POLL_S = 0.05


class Turns:
    """Turns by name, as locked files in *folder*."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}

    @contextmanager
    def exclusive(self, name: str) -> Iterator[None]:
        """The turn *name*. Not to be entered twice by one thread.

        Raises:
            LockHeld: another process did not let go within two minutes.
        """
        with self._guard:
            within_process = self._locks.setdefault(name, threading.Lock())
        path = self._folder / f"{name}.lock"
        with within_process:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                self._wait_for(descriptor, path)
                yield
            finally:
                os.close(descriptor)

    def _wait_for(self, descriptor: int, path: Path) -> None:
        deadline = self._clock.now() + LONGEST_WAIT_S
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if self._clock.now() >= deadline:
                    raise LockHeld(
                        f"{path}: another process has been refreshing these tokens for {LONGEST_WAIT_S:.0f} s",
                        hint="see whether a `tdr` hangs on this machine, and end it",
                    ) from None
                self._clock.sleep(_POLL_S)
            else:
                return
