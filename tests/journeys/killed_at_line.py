"""Runs `tdr` in the current folder and kills itself right before the n-th line of some of its modules.

Called as ``python killed_at_line.py N MODULE… -- ARGUMENTS…``, modules as paths below `reconciler`; prints the number of lines
as its last word when there were fewer.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import Any

import reconciler
from reconciler.cli.main import main

FOLDER = os.path.dirname(reconciler.__file__)  # noqa: PTH120 - compared with what frames say, as text


class Killer:
    """Counts lines, of all threads."""

    def __init__(self, fatal: int, modules: list[str]) -> None:
        self.fatal = fatal
        self.files = tuple(os.path.join(FOLDER, module) for module in modules)  # noqa: PTH118 - as above
        self.lines = 0

    def __call__(self, frame: FrameType, event: str, argument: object) -> Any:
        return self.line if event == "call" and frame.f_code.co_filename.startswith(self.files) else None

    def line(self, frame: FrameType, event: str, argument: object) -> Any:
        if event == "line":
            self.lines += 1
            if self.lines == self.fatal:
                os.kill(os.getpid(), signal.SIGKILL)
        return self.line


if __name__ == "__main__":
    cut = sys.argv.index("--")
    killer = Killer(int(sys.argv[1]), sys.argv[2:cut])
    threading.settrace(killer)
    sys.settrace(killer)
    code = main(sys.argv[cut + 1 :])
    sys.settrace(None)
    sys.stdout.write(f"\n{killer.lines}\n")
    sys.exit(code)
