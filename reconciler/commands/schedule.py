"""`tdr schedule explain`: a schedule before it is put anywhere, with nothing but what is given on the command line."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from reconciler.commands.answer import INVALID, OK, Answer
from reconciler.diagnostics import Severity
from reconciler.errors import UsageError
from reconciler.reports import schedule_explained
from reconciler.schedule import Dialect, ScheduleError, check_zone, parse, remarks, workflow_remarks

# Time zones and nine years of next runs stay within the calendar.
_YEARS: Final = range(1970, 9001)


def explain(cron: str, zone: str, delay: int, dialect: Dialect, after: str, count: int, now: float) -> Answer:
    """What *cron* means in *zone*, its next *count* runs, and what to know of it; or why it cannot be used.

    delay: seconds.
    after: a moment such as ``2026-01-01T00:30``, local to *zone* unless it says an offset; "" for *now*, in Unix seconds.

    Raises:
        UsageError: *after* is no moment.
    """
    begin = _moment(after, zone) if after else now
    found = remarks(cron, zone, delay, dialect, begin)
    if any(remark.severity is Severity.ERROR for remark in found):
        return Answer(schedule_explained.refused(cron, zone, delay, dialect, found, now), INVALID)
    parsed = parse(cron, dialect)
    document = schedule_explained.document(
        parsed, zone, delay, (*found, *workflow_remarks(parsed)), after=begin, count=count, now=now
    )
    return Answer(document, OK)


def _moment(text: str, zone: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--after {text!r} is not a moment", hint="write 2026-01-31 or 2026-01-31T09:30") from error
    if moment.year not in _YEARS:
        raise UsageError(
            f"--after {text!r} is not within the years 1970 to 9000",
            hint="write a moment that runs can be counted from",
        )
    try:
        local = moment if moment.tzinfo else moment.replace(tzinfo=check_zone(zone))
    except ScheduleError:
        # The zone is refused with the rest of the schedule; until then any will do.
        local = moment.replace(tzinfo=check_zone("UTC"))
    return local.timestamp()
