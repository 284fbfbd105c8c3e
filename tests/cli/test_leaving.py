"""How the process ends: with everything it had to say, and without waiting for what nobody needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

LEAVE = """
import atexit, sys, threading, time
from reconciler.cli import streams
streams.settle()
atexit.register(lambda: sys.stderr.write("taken apart"))
sys.stdout.write("answer")
sys.stderr.write("remark ")
"""
WORKER = """
def work():
    time.sleep(0.2)
    sys.stdout.write(" and more")
    sys.stdout.flush()
threading.Thread(target=work).start()
"""


def left(script: str) -> tuple[int, str, str]:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("code", [0, 2, 64])
def test_what_was_said_and_the_exit_code_arrive_and_nothing_is_taken_apart(code: int) -> None:
    assert left(LEAVE + f"streams.leave({code})") == (code, "answer", "remark ")


def test_a_thread_that_still_runs_is_waited_for() -> None:
    assert left(LEAVE + WORKER + "streams.leave(2)") == (2, "answer and more", "remark taken apart")
