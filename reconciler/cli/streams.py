"""The three standard streams as a program is really started: closed, ended by the reader, full, or of few characters.

What is printed is never worth what is being done: a stream that takes nothing any more stops no apply halfway. A reader that
went away is its own affair; an answer that was lost otherwise makes the run a failure, at its end.
"""

from __future__ import annotations

import io
import os
import sys
import threading
from typing import NoReturn

from reconciler.errors import SUCCESSES

_IN, _OUT, _ERR = range(3)
_is_hurried = False


def settle() -> None:
    """Make stdin, stdout and stderr usable, whatever the program was started with."""
    for number in (_IN, _OUT, _ERR):
        try:
            os.fstat(number)
        except OSError:
            # Otherwise the next file that is opened gets the number, and libraries print into it.
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or open(_IN, encoding="utf-8", closefd=False)  # noqa: SIM115 - lives as long as the process
    sys.stdout = _text(_OUT, sys.stdout)
    sys.stderr = _text(_ERR, sys.stderr)


def finish(exit_code: int) -> int:
    """Send what is left; what the process ends with, which had come to *exit_code*."""
    sys.stdout.flush()
    raw = sys.stdout.buffer.raw if isinstance(sys.stdout.buffer, io.BufferedWriter) else None
    lost = raw.lost if isinstance(raw, _Raw) else ""
    if not lost:
        return exit_code
    sys.stderr.write(f"error: the answer could not be written to stdout: {lost}\n")
    return untold(exit_code)


def untold(exit_code: int) -> int:
    """What a command ends with that came to *exit_code*, and whose result could not be told: a success is a failure then."""
    return 1 if exit_code in SUCCESSES else exit_code


def hurry() -> None:
    """From now on nobody is waited for at the end: what still runs only reads."""
    global _is_hurried  # noqa: PLW0603 - of the process, as its end is
    _is_hurried = True


def leave(exit_code: int) -> NoReturn:
    """Send what is left and end the process.

    Every file, connection and thread of a verb is closed by its context, and the memory goes with the process: Python would
    take it all apart first, a fifth of a small plan. It still does so while another thread runs, which may have to finish,
    unless somebody asked for the end.
    """
    exit_code = finish(exit_code)
    sys.stderr.flush()
    if threading.active_count() > 1 and not _is_hurried:
        sys.exit(exit_code)
    os._exit(exit_code)


class _Raw(io.FileIO):
    """Takes everything. *lost* says why something did not get through, unless nobody was reading any more."""

    lost = ""

    def write(self, data: object) -> int:
        """Write what the other side takes; the rest of it is gone."""
        size = memoryview(data).nbytes  # type: ignore[arg-type]  # whatever a buffered writer holds
        try:
            return super().write(data) or size  # type: ignore[arg-type]  # as above
        except BrokenPipeError:
            return size
        except OSError as error:
            self.lost = self.lost or error.strerror or type(error).__name__
            return size


def _text(number: int, given: object) -> io.TextIOWrapper:
    """*number* as text in the encoding *given*, which writes what that lacks as an escape."""
    buffered = io.BufferedWriter(_Raw(number, "w", closefd=False))
    encoding = given.encoding if isinstance(given, io.TextIOWrapper) else "utf-8"
    is_prompt = number == _ERR or buffered.isatty()
    return io.TextIOWrapper(buffered, encoding, "backslashreplace", line_buffering=is_prompt)
