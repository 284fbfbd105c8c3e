"""Runs whole processes in turns and compares them: medians, ratios, peak memory, growth.

Processes are measured in turns, so that a busy machine disturbs all alike. Seconds do not carry over to other machines,
ratios do.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

IS_QUICK = bool(os.environ.get("BENCH_QUICK"))
PEERS = Path(os.environ.get("BENCH_PYTHON", ".venv-bench/bin/python")).absolute()
"""Interpreter of an environment that has octoDNS, dlt and simple-salesforce."""
LAUNCHER = Path(__file__).resolve().with_name("launcher.py")


@dataclass(frozen=True, slots=True)
class Command:
    """A process to measure. *before* is run each time before it and not measured; *codes* are the exit codes it may have."""

    arguments: Sequence[str | Path]
    folder: Path
    says: str = ""
    """Text that its output must have, or the figure means nothing."""
    environment: Mapping[str, str] = field(default_factory=dict)
    before: Sequence[str | Path] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """Medians of one command. *cpu_s* is what it computed, which other work on the machine disturbs less."""

    seconds: float
    cpu_s: float
    peak_mib: float


def _once(command: Command) -> Figure:
    if command.before:
        subprocess.run(command.before, cwd=command.folder, check=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.NamedTemporaryFile() as output:
        launched = subprocess.run(
            [sys.executable, "-S", "-E", LAUNCHER, output.name, *command.arguments],
            cwd=command.folder,
            env={**environment, **command.environment},
            stdout=subprocess.PIPE,
            check=True,
        )
        text = output.read().decode()
    told = json.loads(launched.stdout)
    if told["code"] or command.says not in text:
        raise SystemExit(f"{command.arguments} ended with {told['code']} and said:\n{text[-2_000:]}")
    return Figure(told["seconds"], told["cpu_s"], told["peak_mib"])


def in_turns(commands: Mapping[str, Command], repeat: int) -> dict[str, Figure]:
    """Medians of *repeat* runs of each, after one that warms the disk's cache and byte code."""
    runs: dict[str, list[Figure]] = {name: [] for name in commands}
    for turn in range(repeat + 1):
        for name, command in commands.items():
            figure = _once(command)
            if turn:
                runs[name].append(figure)
    return {
        name: Figure(
            statistics.median(figure.seconds for figure in figures),
            statistics.median(figure.cpu_s for figure in figures),
            statistics.median(figure.peak_mib for figure in figures),
        )
        for name, figures in runs.items()
    }


def growth(by_size: Mapping[int, float]) -> float:
    """The exponent k of seconds ~ n^k between the smallest and the largest size."""
    smallest, largest = min(by_size), max(by_size)
    return math.log(by_size[largest] / by_size[smallest]) / math.log(largest / smallest)


# -- tables --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Goal:
    """One figure that has a limit."""

    what: str
    value: float
    limit: float
    unit: str = "x"

    def __str__(self) -> str:
        verdict = "reached" if self.value <= self.limit else "MISSED"
        return f"  {self.what:<58} {self.value:8.2f} {self.unit:<4} at most {self.limit:g}: {verdict}"


def show(title: str, rows: Sequence[Sequence[str]], goals: Sequence[Goal] = (), notes: Sequence[str] = ()) -> None:
    """One table; the first row is its head."""
    print(f"\n## {title}\n")
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [
            cell.ljust(width) if not index else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  " + "  ".join(cells))
    if goals or notes:
        print()
    for goal in goals:
        print(goal)
    for note in notes:
        print(f"  {note}")
    sys.stdout.flush()
