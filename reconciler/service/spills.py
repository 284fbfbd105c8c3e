"""Folders for rows that do not fit into memory, or are on their way in. They hold customers' data, so none outlives its use.

A process that is killed removes nothing, but it lets go of the lock on its folder; the next one removes what nobody holds.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PREFIX: Final = "tdr-spill-"
_LOCK: Final = ".held"


@dataclass(frozen=True, slots=True)
class Spill:
    """A folder of this process's own. *descriptor* holds its lock."""

    folder: Path
    descriptor: int

    def remove(self) -> None:
        """Remove it and what is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self.descriptor)


def make(root: Path | None) -> Spill:
    """A new folder in *root*, or in the system's temporary folder; for its owner only."""
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
    descriptor = os.open(folder / _LOCK, os.O_WRONLY | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return Spill(folder, descriptor)


def sweep(root: Path | None) -> None:
    """Remove the folders in *root* that processes left behind which are gone. Those of other users stay."""
    for folder in Path(root or tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        # Somebody else may sweep at the same time; and one without its lock file has just been made.
        with suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
                continue
            descriptor = os.open(folder / _LOCK, os.O_WRONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)
