"""A terminal: what a program writes to it, as it comes."""

from __future__ import annotations

import os
import pty
import select
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE_S = 60


@dataclass
class Terminal:
    """A program whose stderr is a terminal, and whose stdout is not."""

    process: subprocess.Popen[bytes]
    master: int
    seen: bytes = field(default=b"")

    def until(self, text: str) -> None:
        """Read until *text* has been written."""
        while text.encode() not in self.seen:
            assert self._read(), f"{text!r} never came, but {self.seen!r}"

    def ended(self) -> tuple[str, str]:
        """What it wrote to stdout and to the terminal, once it has ended."""
        assert self.process.stdout is not None
        with self.process.stdout as stdout:
            out = stdout.read().decode()
        self.process.wait(PATIENCE_S)
        while self._read():
            pass
        os.close(self.master)
        return out, self.seen.decode()

    def _read(self) -> bool:
        ready, _, _ = select.select([self.master], [], [], PATIENCE_S)
        try:
            came = os.read(self.master, 65536) if ready else b""
        except OSError:  # what Linux says of a terminal that nobody holds any more
            return False
        self.seen += came
        return bool(came)


def on_a_terminal(command: Sequence[str], folder: Path, environ: Mapping[str, str]) -> Terminal:
    """Start *command*."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        command, cwd=folder, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=slave
    )
    os.close(slave)
    return Terminal(process, master)
