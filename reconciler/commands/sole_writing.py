"""One command at a time writes documents into a project: what the next one reads is then whole and known."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.errors import LockHeld
from reconciler.ports.clock import Clock

_POLL_S = 0.1


@contextmanager
def alone(root: Path, clock: Clock, timeout_s: float = 0.0) -> Iterator[None]:
    """Write documents of the project at *root*, waiting up to *timeout_s* until nobody else does.

    The system's own lock of the folder: nothing is left of it when its holder is killed.

    Raises:
        LockHeld: somebody else still does.
    """
    deadline = clock.now() + timeout_s
    folder = os.open(root, os.O_RDONLY)
    try:
        while not _locked(folder):
            if clock.now() >= deadline:
                raise LockHeld(
                    f"another `tdr import`, `tdr drift --accept` or `tdr fmt` is writing documents in {root}",
                    hint="nothing was written; try again after it (`--lock-timeout 5m` waits)",
                )
            clock.sleep(_POLL_S)
        yield
    finally:
        os.close(folder)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
