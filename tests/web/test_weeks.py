"""Weeks of coming runs: days are those of the schedule's zone, also where clocks are changed, a run is late or runs are many."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from reconciler.web.standing import Standing
from reconciler.web.weeks import Day, Week, monday_asked, monday_of, weeks


def standing(address: str, cron: str, zone: str = "UTC", delay: int = 0) -> Standing:
    schedule = {"cron": cron, "timezone": zone, "delay": delay, "meaning": "", "next": []}
    return Standing(address, "", "in sync", [], status={"schedule": schedule, "runs": []})


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def the_week(*listed: Standing, monday: str, now: str = "2026-01-01T00:00:00") -> Week:
    (found,) = weeks(listed, "documented", date.fromisoformat(monday), at(now))
    return found


def told(week: Week) -> dict[str, list[str]]:
    return {f"{day.day:%a}": [f"{due.address} {due.told}" for due in day.due] for day in week.days if day.due}


def the_day(week: Week, day: str) -> Day:
    return next(one for one in week.days if one.day.isoformat() == day)


def test_a_week_has_each_run_on_its_day_in_the_order_of_time() -> None:
    week = the_week(standing("query/b", "0 3 * * 1,3"), standing("query/a", "30 1 * * 3"), monday="2026-03-02")

    assert told(week) == {"Mon": ["query/b 03:00"], "Wed": ["query/a 01:30", "query/b 03:00"]}
    assert [f"{one.day}" for one in week.days] == [f"2026-03-0{number}" for number in range(2, 9)]


def test_days_are_those_of_the_zone() -> None:
    tokyo = the_week(standing("query/a", "0 3 * * 1", "Asia/Tokyo"), monday="2026-03-02")
    assert told(tokyo) == {"Mon": ["query/a 03:00"]}, "in UTC it is Sunday"


def test_each_zone_has_a_week_the_busiest_first() -> None:
    listed = [standing("query/a", "0 3 * * *"), *(standing(f"query/{n}", "0 3 * * *", "Asia/Tokyo") for n in "bc")]
    found = weeks(listed, "documented", date(2026, 3, 2), at("2026-01-01T00:00:00"))
    assert [one.zone for one in found] == ["Asia/Tokyo", "UTC"]


@pytest.mark.parametrize(
    ("monday", "day", "clocks", "times", "notes"),
    [
        # Europe/Berlin: 02:00 to 03:00 is not there on 29 March 2026, and is there twice on 25 October.
        ("2026-03-23", "2026-03-29", "clocks go forward", ("03:30 +02:00",), 1),
        ("2026-10-19", "2026-10-25", "clocks go back", ("02:30 +02:00",), 1),
        ("2026-03-23", "2026-03-28", "", ("02:30",), 0),
    ],
    ids=["forward", "back", "neither"],
)
def test_where_clocks_are_changed_the_day_says_so_and_times_have_offsets(
    monday: str, day: str, clocks: str, times: tuple[str, ...], notes: int
) -> None:
    found = the_day(the_week(standing("query/a", "30 2 * * *", "Europe/Berlin"), monday=monday), day)

    assert found.clocks == clocks
    assert [due.times for due in found.due] == [times]
    assert len(found.due[0].notes) == notes


@pytest.mark.parametrize(("day", "count"), [("2026-03-28", 24), ("2026-03-29", 23)], ids=["whole", "shorter"])
def test_many_runs_of_a_day_are_counted_and_not_listed(day: str, count: int) -> None:
    week = the_week(standing("query/a", "0 * * * *", "Europe/Berlin"), monday="2026-03-23")

    due = the_day(week, day).due[0]
    assert due.count == count
    assert due.told.startswith(f"{count} runs, 00:00")
    assert len(due.times) == 2


def test_a_day_on_which_an_hour_comes_twice_has_a_run_more() -> None:
    week = the_week(standing("query/a", "0 * * * *", "Europe/Berlin"), monday="2026-10-19")
    assert the_day(week, "2026-10-25").due[0].count == 25


def test_a_late_run_is_on_the_day_on_which_it_starts() -> None:
    week = the_week(standing("query/a", "50 23 * * 1", delay=3600), monday="2026-03-02")
    assert told(week) == {"Tue": ["query/a 00:50"]}
    of_sunday = the_week(standing("query/a", "50 23 * * 0", delay=3600), monday="2026-03-02")
    assert told(of_sunday) == {"Mon": ["query/a 00:50"]}
    very_late = the_week(standing("query/a", "0 0 * * 5", delay=3 * 86400), monday="2026-03-02")
    assert told(very_late) == {"Mon": ["query/a 00:00"]}


def test_what_is_over_is_not_coming() -> None:
    week = the_week(standing("query/a", "0 3,9 * * *"), monday="2026-03-02", now="2026-03-04T05:00:00")

    assert told(week)["Wed"] == ["query/a 09:00"]
    assert "Tue" not in told(week)
    assert [f"{one.day:%a}" for one in week.days if one.is_past] == ["Mon", "Tue"]
    assert [f"{one.day:%a}" for one in week.days if one.is_today] == ["Wed"]


def test_what_never_runs_or_is_no_schedule_takes_nothing_along() -> None:
    listed = [
        standing("query/never", "0 0 30 2 *"),
        standing("query/odd", "every now and then"),
        standing("query/far", "0 0 * * *", "Mars/Olympus"),
    ]
    assert weeks(listed, "documented", date(2026, 3, 2), at("2026-01-01T00:00:00")) == []


@pytest.mark.parametrize(
    ("asked", "monday"),
    [
        ("", "2026-03-02"),
        ("2026-03-08", "2026-03-02"),
        ("2026-03-09", "2026-03-09"),
        ("2026-03-01", None),
        ("2028-03-05", "2028-02-28"),
        ("2028-03-06", None),
        ("2029-01-01", None),
        ("9999-12-31", None),
        ("0001-01-01", None),
        ("2026-02-30", None),
        ("' OR 1=1", None),
        ("<script>", None),
    ],
)
def test_any_day_names_its_week_and_what_is_none_is_refused(asked: str, monday: str | None) -> None:
    found = monday_asked(asked, at("2026-03-04T05:00:00"))
    assert (found and found.isoformat()) == monday


def test_the_week_before_is_there_as_long_as_it_is_not_over_everywhere() -> None:
    assert monday_asked("2026-03-01", at("2026-03-02T11:00:00")) == date(2026, 2, 23)
    assert monday_asked("2026-03-01", at("2026-03-03T00:00:00")) is None


def test_a_week_begins_on_monday() -> None:
    assert monday_of(date(2026, 3, 8)) == date(2026, 3, 2)


def test_resources_of_one_schedule_have_the_same_week_and_a_delay_has_its_own() -> None:
    hourly = [standing(f"query/{name}", "0 * * * *") for name in "abc"]
    week = the_week(
        *hourly, standing("query/late", "0 * * * *", delay=1800), monday="2026-03-02", now="2026-03-03T12:30:00"
    )

    assert told(week)["Tue"] == [f"query/{name} 11 runs, 13:00 to 23:00" for name in "abc"] + [
        "query/late 11 runs, 13:30 to 23:30"
    ]
    assert set(told(week)) == {"Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}
