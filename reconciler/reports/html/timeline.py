"""Next runs on a line of time: a row for each resource, a mark for each run, before and after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from reconciler.reports.schedules import run_line

WIDTH: Final = 900
_NAMES: Final = 300
_EDGE: Final = 20
_TOP: Final = 34
_ROW: Final = 26
_STEPS: Final = tuple(
    timedelta(seconds=seconds)
    for seconds in (
        60, 300, 600, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600,
        86400, 2 * 86400, 7 * 86400, 14 * 86400, 30 * 86400, 91 * 86400, 365 * 86400, 5 * 365 * 86400,
    )
)  # fmt: skip
_TICKS: Final = 7
ROWS_AT_MOST: Final = 60
"""More are told as text only."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A run. *told*: its time in the schedule's zone and in UTC."""

    x: float
    told: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Row:
    """The runs of one resource."""

    address: str
    y: float
    zone: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """A time on the line."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """Rows in the order of what comes first. *left_out*: rows that are not drawn. Numbers are pixels."""

    rows: tuple[Row, ...]
    ticks: tuple[Tick, ...]
    height: float
    left_out: int = 0
    width: float = WIDTH


def timeline(told: Mapping[str, Any]) -> Timeline | None:
    """Of the `schedules` of a plan; None where nothing runs by itself.

    told: `computed_at`, and `entries` with `address`, `before` and `after`; see `schedules.document`.
    """
    entries = [(entry, list(_runs(entry))) for entry in told["entries"]]
    found = sorted(
        ((entry, runs) for entry, runs in entries if runs), key=lambda one: (min(one[1])[0], one[0]["address"])
    )
    if not found:
        return None
    drawn = found[:ROWS_AT_MOST]
    begin = datetime.fromisoformat(told["computed_at"])
    end = max(when for _, runs in drawn for when, _, _ in runs)
    span = max((end - begin).total_seconds(), 1.0)

    def x(when: datetime) -> float:
        return round(_NAMES + (when - begin).total_seconds() / span * (WIDTH - _NAMES - _EDGE), 1)

    rows = tuple(
        Row(
            str(entry["address"]),
            _TOP + number * _ROW + _ROW / 2,
            str(entry["after"]["timezone"]),
            tuple(Mark(x(when), line, is_new) for when, is_new, line in sorted(runs)),
        )
        for number, (entry, runs) in enumerate(drawn)
    )
    step = next((one for one in _STEPS if (end - begin) / one <= _TICKS), _STEPS[-1])
    ticks = tuple(Tick(x(when), _label(when, step)) for when in _ticks(begin, end, step))
    return Timeline(rows, ticks, _TOP + len(rows) * _ROW + 8, len(found) - len(drawn))


def _runs(entry: Mapping[str, Any]) -> Iterator[tuple[datetime, bool, str]]:
    for side, is_new in ((entry["before"], False), (entry["after"], True)):
        for run in side["next_runs"] if side else ():
            yield datetime.fromisoformat(run["utc"]), is_new, run_line(run, side["timezone"])


def _ticks(begin: datetime, end: datetime, step: timedelta) -> Sequence[datetime]:
    midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    first = midnight + step * -((midnight - begin) // step)
    found = []
    while first <= end:
        found.append(first)
        first += step
    return found


def _label(when: datetime, step: timedelta) -> str:
    if step < timedelta(days=1):
        return f"{when:%d %b %H:%M}"
    return f"{when:%d %b}" if step < timedelta(days=30) else f"{when:%b %Y}"
