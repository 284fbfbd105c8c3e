"""Plots without a script: bars of runs, and a line through samples over time. Numbers are pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

WIDTH: Final = 640
HEIGHT: Final = 120
_TOP: Final = 16
_LEFT: Final = 8


@dataclass(frozen=True, slots=True)
class Bar:
    """One run. *told*: what it says when somebody points at it."""

    x: float
    y: float
    width: float
    height: float
    told: str
    status: str


@dataclass(frozen=True, slots=True)
class Bars:
    """Runs from left, the oldest, to right. *most*: the value of the highest."""

    title: str
    most: str
    bars: tuple[Bar, ...]
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True, slots=True)
class Line:
    """Values over time. *points*: as an SVG's polyline has them. *first*, *last*: times; *least*, *most*: values."""

    title: str
    points: str
    dots: tuple[tuple[float, float, str], ...]
    first: str
    last: str
    least: int
    most: int
    width: int = WIDTH
    height: int = HEIGHT


def bars_of(runs: Sequence[Mapping[str, Any]], what: str, title: str, unit: str) -> Bars | None:
    """Bars of the member *what* of *runs*, which are newest first; None where fewer than two have one."""
    known = [run for run in reversed(runs) if isinstance(run[what], int | float)]
    if len(known) < 2:
        return None
    most = max(run[what] for run in known)
    step = (WIDTH - 2 * _LEFT) / len(known)
    bars = []
    for place, run in enumerate(known):
        height = max(2.0, run[what] / most * (HEIGHT - _TOP)) if most else 2.0
        bars.append(
            Bar(
                round(_LEFT + place * step + step * 0.1, 1),
                round(HEIGHT - height, 1),
                round(step * 0.8, 1),
                round(height, 1),
                f"{run['started_at'] or run['created_at'] or run['job_id']}: {run[what]:,} {unit}, {run['status']}",
                str(run["status"]),
            )
        )
    return Bars(title, f"{most:,} {unit}", tuple(bars))


def line_of(samples: Sequence[tuple[str, float, int]], title: str) -> Line | None:
    """A line through *samples*: time as text, Unix seconds, value; in the order of time. None where fewer than two."""
    if len(samples) < 2:
        return None
    times = [at for _, at, _ in samples]
    values = [value for _, _, value in samples]
    span, rise = (times[-1] - times[0]) or 1.0, (max(values) - min(values)) or 1
    dots = tuple(
        (
            round(_LEFT + (at - times[0]) / span * (WIDTH - 2 * _LEFT), 1),
            round(HEIGHT - 6 - (value - min(values)) / rise * (HEIGHT - _TOP - 12), 1),
            f"{label}: {value:,}",
        )
        for label, at, value in samples
    )
    points = " ".join(f"{x:g},{y:g}" for x, y, _ in dots)
    return Line(title, points, dots, samples[0][0], samples[-1][0], min(values), max(values))
