"""Folders for rows that do not fit into memory, or are on their way in. They hold customers' data, so none outlives its use.

A process that is killed removes nothing, but the system lets go of its lock on the folder; whoever comes next on the same
machine removes what nobody holds. The name tells the machine, since a temporary folder may be shared with others whose
locks are not seen here. Folders of other users stay, and where a file system knows no locks every folder does.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# Not a file inside, which a job that tidies temporary folders could remove, and which is not there at first.
_AS_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


@dataclass(frozen=True, slots=True)
class Spill:
    """A folder of this process's own. *descriptor* is the folder's and holds its lock."""

    folder: Path
    descriptor: int

    def remove(self) -> None:
        """Remove it and what is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self.descriptor)


def make(root: Path | None) -> Spill:
    """A new folder in *root*, or in the system's temporary folder; for its owner only.

    Raises:
        OSError: there can be none.
    """
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_prefix(), dir=root))
        # Between those two somebody who sweeps may take it for one that was left behind.
        with suppress(FileNotFoundError):
            descriptor = os.open(folder, _AS_FOLDER)
            if _is_held_now(descriptor, folder):
                return Spill(folder, descriptor)
            os.close(descriptor)


@contextmanager
def spilling(root: Path | None) -> Iterator[Path]:
    """As `make`, and removed when the context ends; what dead processes left there is removed before.

    Raises:
        OSError: there can be no folder.
    """
    sweep(root)
    spill = make(root)
    try:
        yield spill.folder
    finally:
        spill.remove()


def sweep(root: Path | None) -> None:
    """Remove the folders in *root* that processes of this user and machine left behind which are gone."""
    for folder in Path(root or tempfile.gettempdir()).glob(f"{_prefix()}*"):
        with suppress(OSError):  # a link, no folder, not ours to open, or swept by somebody else meanwhile
            descriptor = os.open(folder, _AS_FOLDER)
            try:
                if os.fstat(descriptor).st_uid == os.geteuid():
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)


def _prefix() -> str:
    """What names of folders of this machine begin with; a container is a machine of its own."""
    machine = hashlib.blake2b(os.uname().nodename.encode(), digest_size=4).hexdigest()
    return f"tdr-spill-{machine}-"


def _is_held_now(descriptor: int, folder: Path) -> bool:
    """Whether *folder* is there and this process's; without a lock where the file system has none."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass  # nobody can lock it, so nobody sweeps it either
    # One that was swept before it was locked is gone, and its lock is one on nothing.
    return folder.exists()
