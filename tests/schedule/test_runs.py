"""When schedules run: against a walk through every minute, and against a well-known library where it reads alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reconciler.schedule import Cron, Dialect, ScheduleError, next_after, next_runs, parse
from reconciler.schedule.cron import FIELDS

START = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
MOMENTS = st.integers(START, START + 4 * 366 * 86400)


def _fields() -> st.SearchStrategy[list[str]]:
    def field(position: int) -> st.SearchStrategy[str]:
        known = FIELDS[position]
        value = st.integers(known.first, known.last)
        # From a number to itself is left out: croniter reads the day of week 0-0 as every day.
        ends = st.tuples(value, value).filter(lambda pair: pair[0] != pair[1])
        spans = ends.map(lambda pair: f"{min(pair)}-{max(pair)}")
        steps = st.integers(1, 7).map(lambda step: f"*/{step}")
        some = st.lists(value.map(str) | spans, min_size=1, max_size=3).map(",".join)
        return st.just("*") | some | steps

    return st.tuples(*(field(position) for position in range(5))).map(list)


def _parsed(text: str, dialect: Dialect) -> Cron | None:
    try:
        return parse(text, dialect)
    except ScheduleError:
        return None


def _walk(cron: Cron, zone: ZoneInfo, after: int, minutes: int) -> list[datetime]:
    """Every minute after *after* whose wall clock matches."""
    first = after - after % 60 + 60
    moments = (datetime.fromtimestamp(first + 60 * number, UTC).astimezone(zone) for number in range(minutes))
    return [
        moment
        for moment in moments
        if moment.minute in cron.minutes and moment.hour in cron.hours and _matches_day(cron.fields, moment)
    ]


def _matches_day(fields: tuple[str, ...], moment: datetime) -> bool:
    """The day fields by the vendor's page, written down once more and differently: at most one is restricted here."""
    _, _, days, months, weekdays = fields
    return (
        _in(days, moment.day, 1, 31)
        and _in(months, moment.month, 1, 12)
        and _in(weekdays, moment.isoweekday() % 7, 0, 6)
    )


def _in(field: str, value: int, first: int, last: int) -> bool:
    for item in field.split(","):
        span, _, step = item.partition("/")
        if span == "*":
            if value % int(step or 1) == 0:
                return True
            continue
        low, _, high = span.partition("-")
        if int(low) <= value <= int(high or low) and first <= value <= last:
            return True
    return False


@settings(max_examples=60, deadline=None)
@given(
    fields=_fields(),
    drop=st.sampled_from([2, 4]),
    after=MOMENTS,
    zone=st.sampled_from(["UTC", "Asia/Tokyo", "Asia/Kolkata"]),
)
def test_runs_are_the_minutes_whose_clock_matches(fields: list[str], drop: int, after: int, zone: str) -> None:
    fields[drop] = "*"
    cron = _parsed(" ".join(fields), Dialect.DOCUMENTED)
    assume(cron is not None)
    walked = _walk(cron, ZoneInfo(zone), after, 10_000)
    runs = [run.local for run in next_runs(cron, zone, after, len(walked) + 1)]

    assert runs[: len(walked)] == walked
    assert all(run > _end_of_walk(after, 10_000) for run in runs[len(walked) :])


def _end_of_walk(after: int, minutes: int) -> datetime:
    return datetime.fromtimestamp(after - after % 60 + 60 * minutes, UTC)


@settings(max_examples=150, deadline=None)
@given(fields=_fields(), after=MOMENTS)
def test_classic_runs_are_those_of_croniter(fields: list[str], after: int) -> None:
    cron = _parsed(" ".join(fields), Dialect.CLASSIC)
    assume(cron is not None)
    # There croniter takes a list of all days for `*`.
    assume(not (cron.names_both_days and (len(cron.days) == 31 or len(cron.weekdays) == 7)))
    theirs = croniter(cron.text, datetime.fromtimestamp(after, UTC), ret_type=datetime)
    runs = next_runs(cron, "UTC", after, 10)

    assert [run.utc for run in runs] == [theirs.get_next() for _ in runs]
    assert runs


@settings(max_examples=100, deadline=None)
@given(
    fields=_fields(),
    dialect=st.sampled_from(Dialect),
    zone=st.sampled_from(
        ["America/New_York", "Europe/Lisbon", "Australia/Lord_Howe", "America/Santiago", "Asia/Beirut"]
    ),
    after=MOMENTS,
)
def test_runs_increase_and_a_plain_one_shows_a_time_of_the_schedule(
    fields: list[str], dialect: Dialect, zone: str, after: int
) -> None:
    cron = _parsed(" ".join(fields), dialect)
    assume(cron is not None)
    runs = next_runs(cron, zone, after, 30)

    moments = [run.utc.timestamp() for run in runs]
    assert moments == sorted(set(moments))
    assert all(moment > after for moment in moments)
    for run in runs:
        # In an hour that comes twice, times of two zones are never equal (PEP 495).
        assert run.local.astimezone(UTC) == run.utc
        if not run.note:
            assert run.local.minute in cron.minutes
            assert run.local.hour in cron.hours
            assert cron.runs_on(run.local.date())


@settings(max_examples=60, deadline=None)
@given(fields=_fields(), after=MOMENTS, ahead=st.integers(0, 10))
def test_going_on_from_a_run_gives_the_rest_of_the_runs(fields: list[str], after: int, ahead: int) -> None:
    cron = _parsed(" ".join(fields), Dialect.DOCUMENTED)
    assume(cron is not None)
    runs = next_runs(cron, "America/New_York", after, ahead + 5)
    assume(len(runs) == ahead + 5)  # of runs years apart only those are told that are near enough

    assert next_runs(cron, "America/New_York", runs[ahead].utc.timestamp(), 4) == runs[ahead + 1 :]


def _local(zone: str, *moment: int) -> float:
    return datetime(*moment, tzinfo=ZoneInfo(zone)).timestamp()  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("cron", "zone", "after", "runs"),
    [
        (
            "*/30 * * * *",
            "America/New_York",
            (2026, 3, 8, 1, 0),
            [
                "2026-03-08 01:30 -05:00",
                "2026-03-08 03:00 -04:00",
                "2026-03-08 03:30 -04:00",
                "2026-03-08 04:00 -04:00",
            ],
        ),
        (
            "30 * * * *",
            "America/New_York",
            (2026, 11, 1, 0, 0),
            [
                "2026-11-01 00:30 -04:00",
                "2026-11-01 01:30 -04:00",
                "2026-11-01 01:30 -05:00",
                "2026-11-01 02:30 -05:00",
            ],
        ),
        (
            "30 2,3 * * *",
            "America/New_York",
            (2026, 3, 8, 0, 0),
            ["2026-03-08 03:30 -04:00", "2026-03-09 02:30 -04:00", "2026-03-09 03:30 -04:00"],
        ),
        (
            "0 0 * * *",
            "Asia/Beirut",
            (2026, 3, 28, 12, 0),
            [
                "2026-03-29 01:00 +03:00 (clocks go forward: 00:00 does not exist on 2026-03-29)",
                "2026-03-30 00:00 +03:00",
            ],
        ),
        (
            "15 2 * * *",
            "Australia/Lord_Howe",
            (2026, 10, 3, 12, 0),
            [
                "2026-10-04 02:45 +11:00 (clocks go forward: 02:15 does not exist on 2026-10-04)",
                "2026-10-05 02:15 +11:00",
            ],
        ),
        ("0 0 29 2 *", "UTC", (2096, 3, 1, 0, 0), ["2104-02-29 00:00 +00:00"]),
        ("0 0 29 2 *", "Asia/Tokyo", (2026, 1, 1, 0, 0), ["2028-02-29 00:00 +09:00", "2032-02-29 00:00 +09:00"]),
        ("@monthly", "Asia/Tokyo", (2026, 1, 1, 0, 0), ["2026-02-01 00:00 +09:00", "2026-03-01 00:00 +09:00"]),
        ("0 0 1 * 1", "UTC", (2026, 1, 1, 0, 30), ["2026-01-05 00:00 +00:00", "2026-01-12 00:00 +00:00"]),
        ("", "UTC", (2026, 1, 1, 0, 0), []),
    ],
)
def test_next_runs(cron: str, zone: str, after: tuple[int, ...], runs: list[str]) -> None:
    found = next_runs(parse(cron), zone, _local(zone, *after), max(len(runs), 1))

    assert [str(run) for run in found] == runs


def test_of_both_day_fields_classic_takes_either() -> None:
    found = next_runs(parse("0 0 1 * 1", "classic"), "UTC", _local("UTC", 2026, 1, 26, 12), 3)

    assert [str(run) for run in found] == [
        "2026-02-01 00:00 +00:00",
        "2026-02-02 00:00 +00:00",
        "2026-02-09 00:00 +00:00",
    ]


def test_a_run_at_the_moment_itself_is_not_the_next() -> None:
    noon = _local("Asia/Tokyo", 2026, 1, 1, 12)

    assert next_after("0 12 * * *", "Asia/Tokyo", noon) == noon + 86400
    assert next_after("0 12 * * *", "Asia/Tokyo", noon - 0.5) == noon


def test_what_has_no_schedule_has_no_next_run() -> None:
    assert next_after("", "UTC", 0) is None
    assert next_after(None, "UTC", 0) is None


def test_a_zone_that_is_none_is_refused() -> None:
    with pytest.raises(ScheduleError, match="'JST' is not a region and city"):
        next_after("0 12 * * *", "JST", 0)


def test_a_day_that_a_zone_skipped_runs_once() -> None:
    """Samoa had no 30 December 2011."""
    found = next_runs(parse("0 12 * * *"), "Pacific/Apia", _local("Pacific/Apia", 2011, 12, 29, 13), 2)

    assert [run.utc for run in found] == [
        datetime(2011, 12, 30, 22, tzinfo=UTC),
        datetime(2011, 12, 30, 22, tzinfo=UTC) + timedelta(days=1),
    ]
