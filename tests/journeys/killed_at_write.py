"""Runs `tdr` in the current folder and kills itself right before the n-th change to files in some of its folders.

Called as ``python killed_at_write.py N FOLDER… -- ARGUMENTS…``. Told by the interpreter's own audit events: opened to be
written, renamed, linked, removed, and given other permissions.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from reconciler.cli.main import main

CHANGES = {"os.rename", "os.link", "os.remove", "os.chmod"}


class Killer:
    """Counts changes."""

    def __init__(self, fatal: int, folders: list[str]) -> None:
        self.fatal = fatal
        self.folders = tuple(f"{Path.cwd() / folder}{os.sep}" for folder in folders)
        self.changes = 0

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        is_written = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if not (is_written or event in CHANGES) or not isinstance(arguments[0], str | Path):
            return
        if os.path.abspath(arguments[0]).startswith(self.folders):  # noqa: PTH100 - a link is to stay one
            self.changes += 1
            if self.changes == self.fatal:
                os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    cut = sys.argv.index("--")
    sys.addaudithook(Killer(int(sys.argv[1]), sys.argv[2:cut]))
    sys.exit(main(sys.argv[cut + 1 :]))
