"""How near two runs of a schedule come to each other."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise

from reconciler.schedule.cron import Cron

_DAY_S = 86_400
_FROM = date(2028, 1, 1)
"""A leap year, so that every day that there is is looked at."""


@lru_cache(maxsize=1024)
def closest_runs_s(cron: Cron) -> int | None:
    """Seconds between the two nearest runs, by the clock on the wall; None when there are no two.

    By that clock, for the day on which clocks change makes a daily schedule no denser than it looks.
    """
    if not cron.is_scheduled:
        return None
    times = sorted((hour * 60 + minute) * 60 for hour in cron.hours for minute in cron.minutes)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    days = [day for number in range(2 * 366) if cron.runs_on(day := _FROM + timedelta(days=number))]
    if len(days) > 1:
        nearest = min((later - earlier).days for earlier, later in pairwise(days))
        gaps.append(nearest * _DAY_S - times[-1] + times[0])
    return min(gaps, default=None)
