"""How soon the command line answers."""

from __future__ import annotations

import sys
from pathlib import Path

from measuring import IS_QUICK, Command, Goal, in_turns, show

REPEAT = 7 if IS_QUICK else 21
HERE = Path(__file__).resolve().parent
TDR = Path(sys.executable).with_name("tdr")


def startup(folder: Path) -> None:
    """Measure and show."""
    commands = {
        "python -c pass": Command([sys.executable, "-c", "pass"], folder),
        "one-command typer program --help": Command([sys.executable, HERE / "one_command.py", "--help"], folder),
        "tdr --help": Command([TDR, "--help"], folder),
        "tdr version": Command([TDR, "version"], folder),
        "one-command typer program": Command([sys.executable, HERE / "one_command.py"], folder),
    }
    figures = in_turns(commands, REPEAT)
    helped, versioned = figures["one-command typer program --help"], figures["one-command typer program"]
    show(
        f"Starting, medians of {REPEAT}",
        [["", "ms"], *([name, f"{figure.seconds * 1000:.0f}"] for name, figure in figures.items())],
        [
            Goal("tdr --help / one-command typer program --help", figures["tdr --help"].seconds / helped.seconds, 1.3),
            Goal("tdr version / one-command typer program", figures["tdr version"].seconds / versioned.seconds, 1.3),
        ],
    )
