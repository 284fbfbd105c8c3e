"""What a command says while somebody waits for it."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from http_server import Handler, serving
from stage import TDR, Stage
from terminal import on_a_terminal

from reconciler.cli.waiting import Waiting
from reconciler.phases import Progress, phase, watched_by

SAYS_A_LONG_LINE = """
import time
from reconciler.cli import output, waiting
from reconciler.phases import Progress, phase
with waiting.shown(), phase("try", lambda: Progress("trying", 3, 9)):
    time.sleep(1.6)
    output.say("x" * 300)
    time.sleep(0.3)
"""


@dataclass
class Gate:
    """A vendor that answers nobody before it is opened."""

    address: str
    opened: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def gate() -> Iterator[Gate]:
    class Asked(Handler):
        def asked(self) -> None:
            gate.opened.wait()
            self.answer(403)

    with serving(Asked) as address:
        gate = Gate(address)
        yield gate
        gate.opened.set()


@pytest.fixture
def away(project: Stage, gate: Gate) -> Stage:
    """The project at that vendor."""
    project.write(
        "manifests/environments/local.yaml",
        f"treasure_data: {{endpoint: '{gate.address}', api_key: '${{secret:env:TD_API_KEY}}'}}\n",
    )
    project.environ |= {"TD_API_KEY": "1234/0123456789abcdef0123456789abcdef01234567", "TERM": "xterm", "COLUMNS": "60"}
    return project


def test_on_a_terminal_a_line_says_what_is_waited_for_and_goes(away: Stage, gate: Gate) -> None:
    terminal = on_a_terminal([str(TDR), "plan"], away.folder, away.environ)
    terminal.until("reading what is there, ")
    gate.opened.set()
    out, shown = terminal.ended()

    assert out.startswith("Environment local")
    assert "\x1b" not in out
    assert "reading" not in out
    assert shown.rindex("\x1b[2K") > shown.rindex("reading what is there"), "the line is taken away"
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") >= 1, "the cursor is there again"


@pytest.mark.parametrize(("words", "variables"), [(("--quiet",), {}), ((), {"TERM": "dumb"})])
def test_who_wants_no_line_gets_none(
    away: Stage, gate: Gate, words: tuple[str, ...], variables: dict[str, str]
) -> None:
    threading.Timer(1.6, gate.opened.set).start()

    out, shown = on_a_terminal([str(TDR), *words, "plan"], away.folder, away.environ | variables).ended()

    assert "undecided" in out
    assert shown == ""


def test_a_program_that_is_stopped_leaves_the_cursor(away: Stage) -> None:
    terminal = on_a_terminal([str(TDR), "plan"], away.folder, away.environ)
    terminal.until("reading what is there, ")
    terminal.process.send_signal(signal.SIGINT)
    _, shown = terminal.ended()

    assert terminal.process.returncode == 130
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")


def test_lines_above_it_are_whole(tmp_path: Path) -> None:
    environ = {"TERM": "xterm", "COLUMNS": "40", "LANG": "C.UTF-8"}

    _, shown = on_a_terminal([sys.executable, "-c", SAYS_A_LONG_LINE], tmp_path, environ).ended()

    assert "x" * 300 in shown
    assert "trying" in shown
    assert "3/9" in shown


class Heard:
    """Lines, of which at least some are waited for."""

    def __init__(self, enough: int) -> None:
        self.lines: list[str] = []
        self.enough = enough
        self.came = threading.Event()

    def say(self, line: str) -> None:
        self.lines.append(line)
        if len(self.lines) >= self.enough:
            self.came.set()


def test_elsewhere_it_is_a_line_now_and_then() -> None:
    heard = Heard(3)
    waiting = Waiting(is_live=False, say=heard.say, first_s=0.01, next_s=0.01)

    with watched_by(waiting), phase("read", "reading"), phase("run", lambda: Progress("job 7 running", 1_200, 4_000)):
        assert heard.came.wait(30)
    waiting.close()

    assert {line.rpartition(",")[0] for line in heard.lines} == {"… job 7 running: 1,200 of 4,000"}


def test_what_lasts_outside_is_told_again_when_what_is_inside_has_ended() -> None:
    heard = Heard(1)
    waiting = Waiting(is_live=False, say=heard.say, first_s=0.01, next_s=0.01)

    with watched_by(waiting), phase("read", "outside"):
        with phase("run", "inside"):
            pass
        assert heard.came.wait(30)
    waiting.close()

    assert {line.rpartition(",")[0] for line in heard.lines} == {"… outside"}


def test_nobody_is_told_where_nobody_waits() -> None:
    with phase("read", lambda: Progress(str(1 // 0))):
        pass
