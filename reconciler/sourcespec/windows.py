"""Which rows a run asks for, by time: windows that join without a gap, and what is said of them in a request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from reconciler.sourcespec.addresses import Query
from reconciler.sourcespec.dates import is_of_days, resolution, written
from reconciler.sourcespec.specification import AdvancedWindow, BasicWindow, Specification

RunKind = Literal["once", "incremental", "backfill"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request says of a window. *text* stands for ``{SCHEDULE_QUERY}``."""

    query: Query = ()
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """From *start*, which belongs to it, to *end*, which does not. *start* None: from the beginning of all."""

    start: datetime | None
    end: datetime

    def parts(self, longest: timedelta | None) -> Iterator[Window]:
        """The window cut into spans of *longest* at most, in order, without gap or overlap."""
        if longest is None or self.start is None:
            yield self
            return
        start = self.start
        while start < self.end:
            end = min(start + longest, self.end)
            yield Window(start, end)
            start = end


def next_window(
    specification: Specification, position: datetime | None, tick: datetime, *, backfill: bool, first: datetime
) -> Window:
    """The window of the run that is due at *tick*.

    position: end of the last window whose rows are stored. backfill: whether the first run takes everything before.
    first: where the first run begins otherwise.
    """
    if position is None:
        return Window(None if backfill else first, tick)
    return Window(max(position - overlap(specification), datetime.min.replace(tzinfo=position.tzinfo)), tick)


def overlap(specification: Specification) -> timedelta:
    """How far before the end of the last window a run begins.

    With a key, rows that come twice are merged, so a run begins one unit of the format earlier: nobody says on which side of a
    border a row belongs. `lookback` makes it more, for rows that are changed or seen late. Without a key neither is done, for rows
    would be doubled.
    """
    extensions = specification.extensions
    if not extensions.key or specification.window is None:
        return timedelta(0)
    window = specification.window
    format_ = window.start_format if isinstance(window, BasicWindow) else window.format
    return max(resolution(format_), extensions.lookback or timedelta(0))


def asked(specification: Specification, kind: RunKind, window: Window) -> Asked:
    """What a request says of *window*. A run of the kind ``once`` asks for everything."""
    match specification.window:
        case None:
            return Asked()
        case BasicWindow() as told:
            if kind == "once":
                return Asked()
            end = (told.end_name, written(window.end, told.end_format))
            if window.start is None:
                return Asked((end,))
            return Asked(((told.start_name, written(window.start, told.start_format)), end))
        case AdvancedWindow() as told:
            # Without a window there would be no text at all to stand for {SCHEDULE_QUERY}.
            text = told.backfill if kind == "once" or window.start is None else told.incremental
            start = "" if window.start is None else written(window.start, told.format)
            return Asked(
                text=text.replace("{START_TIME}", start).replace("{END_TIME}", written(window.end, told.format))
            )


def notices(specification: Specification) -> tuple[str, ...]:
    """What somebody should know of the windows before they lose or double rows."""
    window = specification.window
    if window is None:
        return ()
    formats = (window.start_format, window.end_format) if isinstance(window, BasicWindow) else (window.format,)
    found = ["a row without a time is in no window; only an import with `incremental: false` reads it"]
    if not specification.extensions.key:
        found.append(
            "without `x-tdr: {key: […]}` windows join exactly: a row at a border, or one that is seen late, may be missed"
        )
    if any(map(is_of_days, formats)):
        found.append("bounds are whole days, and sources mostly mean the last one included: the last day is read again")
    return tuple(found)
