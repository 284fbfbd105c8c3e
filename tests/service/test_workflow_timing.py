"""When workflows run, by the same cron that everything else here runs by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from reconciler.service.workflows.timing import NoTiming, WorkflowCron, read_timing
from reconciler.wiring.cron import Cron

TOKYO = ZoneInfo("Asia/Tokyo")
CRON = WorkflowCron(Cron("documented"))
START = datetime(2026, 1, 30, 12, 10, tzinfo=TOKYO)


@pytest.mark.parametrize(
    ("schedule", "sessions", "delay"),
    [
        ({"daily>": "07:00:00"}, ["2026-01-31T00:00", "2026-02-01T00:00"], 7 * 3600),
        ({"hourly>": "30:00"}, ["2026-01-30T13:00", "2026-01-30T14:00"], 1800),
        ({"weekly>": "Sun,09:00:00"}, ["2026-02-01T00:00", "2026-02-08T00:00"], 9 * 3600),
        ({"monthly>": "1,09:00:00"}, ["2026-02-01T00:00", "2026-03-01T00:00"], 9 * 3600),
        ({"minutes_interval>": 30}, ["2026-01-30T12:30", "2026-01-30T13:00"], 0),
        ({"cron>": "42 4 1 * *"}, ["2026-02-01T04:42", "2026-03-01T04:42"], 0),
        ({"cron>": "0 0 * * 1", "delay": 60}, None, None),
    ],
)
def test_sessions_and_how_long_after_each_a_run_starts(
    schedule: Mapping[str, object], sessions: list[str] | None, delay: int | None
) -> None:
    if sessions is None:
        with pytest.raises(NoTiming, match="options that this service does not know: delay"):
            read_timing(schedule, "Asia/Tokyo", CRON)
        return
    timing = read_timing(schedule, "Asia/Tokyo", CRON).timing

    assert (nexts(timing.cron or "", 2), timing.delay) == (sessions, delay)


def nexts(cron: str, count: int) -> list[str]:
    found, moment = [], START.timestamp()
    for _ in range(count):
        following = CRON.next_after(cron, "Asia/Tokyo", moment)
        assert following is not None
        moment = following
        found.append(datetime.fromtimestamp(moment, TOKYO).strftime("%Y-%m-%dT%H:%M"))
    return found


def test_both_day_fields_must_match_unlike_in_schedules_of_queries() -> None:
    # The first Mondays that are a first of the month; a query would run every Monday.
    assert nexts("0 0 1 * 1", 2) == ["2026-06-01T00:00", "2027-02-01T00:00"]


def test_steps_count_from_the_first_day_unlike_in_schedules_of_queries() -> None:
    assert nexts("0 0 */10 * *", 4) == ["2026-01-31T00:00", "2026-02-01T00:00", "2026-02-11T00:00", "2026-02-21T00:00"]


@pytest.mark.parametrize(
    "schedule",
    [
        {"daily>": "24:00:00"},
        {"hourly>": "60:00"},
        {"weekly>": "09:00:00"},
        {"monthly>": "32,09:00:00"},
        {"minutes_interval>": 0},
        {"cron>": "* * *"},
        {"daily>": "07:00:00", "cron>": "* * * * *"},
        {},
        "07:00:00",
    ],
)
def test_what_is_no_schedule_is_refused(schedule: object) -> None:
    with pytest.raises(NoTiming):
        read_timing(schedule, "UTC", CRON)
