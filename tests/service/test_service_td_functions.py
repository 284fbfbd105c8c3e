"""Treasure Data's own functions, each with the value its page gives or its definition demands."""

from __future__ import annotations

from typing import Any

import pytest
from service_world import OpenWorld, World

# 2025-03-12 15:04:05 UTC is a Wednesday; in Tokyo it is the 13th, 00:04:05.
SCHEDULED = 1741791845
JAN_1 = 1735689600

VALUES: list[tuple[str, Any]] = [
    ("TD_SCHEDULED_TIME()", SCHEDULED),
    ("TD_TIME_PARSE('2015-01-01', 'JST')", 1420038000),
    ("TD_TIME_PARSE('2015-01-01 15:25:26', 'JST')", 1420093526),
    ("TD_TIME_PARSE('2015-01-01 15:25:26', 'Asia/Tokyo')", 1420093526),
    ("TD_TIME_PARSE('2015-01-01 15:25:26', '+09:00')", 1420093526),
    ("TD_TIME_PARSE('2015-01-01 15:25:26+0900')", 1420093526),
    ("TD_TIME_PARSE('2015-01-01T06:25:26Z', 'JST')", 1420093526),
    ("TD_TIME_PARSE('2015-01-01')", 1420070400),
    ("TD_TIME_PARSE('nonsense')", None),
    ("TD_TIME_PARSE(NULL)", None),
    ("TD_TIME_PARSE(concat('2015-01-0', '1'), 'JST')", 1420038000),
    ("TD_TIME_PARSE(concat('2015-01-01 15:25:26', '+09:00'))", 1420093526),
    ("TD_TIME_PARSE('2025-07-01', 'America/Los_Angeles')", 1751353200),
    ("TD_TIME_ADD('2013-01-01', '1d')", 1357084800),
    ("TD_TIME_ADD('2013-01-01', '1d', 'JST')", 1357052400),
    ("TD_TIME_ADD(TD_SCHEDULED_TIME(), '-1d')", SCHEDULED - 86400),
    ("TD_TIME_ADD(1000, '90m')", 6400),
    ("TD_TIME_ADD(1000, '-30s')", 970),
    ("TD_TIME_ADD(1000, '2w')", 1210600),
    ("TD_TIME_FORMAT(1420093526, 'yyyy-MM-dd HH:mm:ss', 'JST')", "2015-01-01 15:25:26"),
    ("TD_TIME_FORMAT(1420093526, 'yyyy-MM-dd')", "2015-01-01"),
    ("TD_TIME_FORMAT(1420093526, 'yyyy-MM-dd''T''HH:mm:ssXXX', 'JST')", "2015-01-01T15:25:26+09:00"),
    ("TD_TIME_FORMAT(1420093526, 'yyyy-MM-dd HH:mm:ss Z', 'America/Los_Angeles')", "2014-12-31 22:25:26 -0800"),
    ("TD_TIME_FORMAT(1751353200, 'HH:mm Z', 'America/Los_Angeles')", "00:00 -0700"),
    ("TD_TIME_FORMAT(1412382292, 'MMMM d yyyy EEEE', 'JST')", "October 4 2014 Saturday"),
    ("TD_TIME_FORMAT(0, 'yy/M/d H:m:s')", "70/1/1 0:0:0"),
    ("TD_TIME_FORMAT(0, '100%')", "100%"),
    ("TD_TIME_STRING(1536857134, 'y!')", "2018"),
    ("TD_TIME_STRING(1536857134, 'q!')", "2018-07"),
    ("TD_TIME_STRING(1536857134, 'M!')", "2018-09"),
    ("TD_TIME_STRING(1536857134, 'w!')", "2018-09-10"),
    ("TD_TIME_STRING(1536857134, 'd!')", "2018-09-13"),
    ("TD_TIME_STRING(1536857134, 'd!', 'JST')", "2018-09-14"),
    ("TD_TIME_STRING(1536857134, 'h!')", "2018-09-13 16"),
    ("TD_TIME_STRING(1536857134, 'm!')", "2018-09-13 16:45"),
    ("TD_TIME_STRING(1536857134, 's!')", "2018-09-13 16:45:34"),
    ("TD_TIME_STRING(1536857134, 's')", "2018-09-13 16:45:34+0000"),
    ("TD_TIME_STRING(1536857134, 'd', 'jst')", "2018-09-14 00:00:00+0900"),
    ("TD_TIME_STRING(1536857134, 'yyyy/MM')", "2018/09"),
    ("TD_DATE_TRUNC('day', 1420093526, 'JST')", 1420038000),
    ("TD_DATE_TRUNC('hour', 1420093526)", 1420092000),
    ("TD_DATE_TRUNC('week', 1741791845)", 1741564800),
    ("TD_DATE_TRUNC('month', 1741791845)", 1740787200),
    ("TD_DATE_TRUNC('quarter', 1741791845, 'UTC')", JAN_1),
    ("TD_DATE_TRUNC('year', 1741791845, 'America/New_York')", 1735707600),
]


@pytest.fixture(scope="module")
def idle(open_world_for_all: OpenWorld) -> World:
    """A service with a database and nothing in it."""
    made = open_world_for_all()
    made.post("/v3/database/create/sales")
    return made


@pytest.mark.parametrize(("call", "expected"), VALUES, ids=[call for call, _ in VALUES])
@pytest.mark.parametrize("engine", ["trino", "hive"])
def test_a_function_gives_the_vendors_value(idle: World, engine: str, call: str, expected: Any) -> None:
    if engine == "hive" and "''" in call:
        pytest.skip("Hive escapes quotes by a backslash")

    assert idle.rows(f"SELECT {call}", engine=engine, scheduled_time=str(SCHEDULED)) == [[expected]]


RANGES: list[tuple[str, list[int]]] = [
    # Rows are at the start of each January day in UTC, numbered by it.
    ("TD_TIME_RANGE(time, '2025-01-02', '2025-01-04')", [2, 3]),
    ("TD_TIME_RANGE(time, '2025-01-02', '2025-01-04', 'JST')", [2, 3]),
    ("TD_TIME_RANGE(time, '2025-01-02 00:00:01', '2025-01-04 00:00:01')", [3, 4]),
    ("TD_TIME_RANGE(time, '2025-01-02 JST', '2025-01-02 12:00:00 JST')", [2]),
    ("TD_TIME_RANGE(time, '2025-01-30')", [30, 31]),
    ("TD_TIME_RANGE(time, '2025-01-30', NULL)", [30, 31]),
    ("TD_TIME_RANGE(time, NULL, '2025-01-03', 'UTC')", [1, 2]),
    (f"TD_TIME_RANGE(time, {JAN_1}, {JAN_1 + 86400})", [1]),
    ("TD_TIME_RANGE(time, TD_TIME_ADD('2025-01-05', '-1d'), '2025-01-05')", [4]),
    ("TD_TIME_RANGE(time, concat('2025-01-', '30'), NULL)", [30, 31]),
    ("NOT TD_TIME_RANGE(time, '2025-01-02', NULL)", [1]),
]


@pytest.mark.parametrize(("condition", "days"), RANGES, ids=[condition for condition, _ in RANGES])
def test_a_time_range_holds_its_start_and_not_its_end(world: World, condition: str, days: list[int]) -> None:
    world.run(
        "CREATE TABLE days AS SELECT n AS day,"
        f" CAST({JAN_1} + (n - 1) * 86400 AS bigint) AS time FROM UNNEST(sequence(1, 31)) AS t (n)"
    )

    assert world.rows(f"SELECT day FROM days WHERE {condition} ORDER BY day") == [[day] for day in days]


INTERVALS: list[tuple[str, str, str, str]] = [
    ("-1d", "UTC", "2025-03-11 00:00:00", "2025-03-12 00:00:00"),
    ("-1d", "JST", "2025-03-11 15:00:00", "2025-03-12 15:00:00"),
    ("-7d", "UTC", "2025-03-05 00:00:00", "2025-03-12 00:00:00"),
    ("-1h", "UTC", "2025-03-12 14:00:00", "2025-03-12 15:00:00"),
    ("-1w", "UTC", "2025-03-03 00:00:00", "2025-03-10 00:00:00"),
    ("-1M", "UTC", "2025-02-01 00:00:00", "2025-03-01 00:00:00"),
    ("-1q", "UTC", "2024-10-01 00:00:00", "2025-01-01 00:00:00"),
    ("-2y", "UTC", "2023-01-01 00:00:00", "2025-01-01 00:00:00"),
    ("0d/now", "UTC", "2025-03-12 00:00:00", "2025-03-12 15:04:05"),
    ("0M/now", "UTC", "2025-03-01 00:00:00", "2025-03-12 15:04:05"),
    ("-1d/now", "UTC", "2025-03-11 00:00:00", "2025-03-12 15:04:05"),
    ("-1d/-7d", "UTC", "2025-03-04 00:00:00", "2025-03-05 00:00:00"),
    ("-7d/-1d", "UTC", "2025-03-04 00:00:00", "2025-03-11 00:00:00"),
    ("-7d/0M", "UTC", "2025-02-22 00:00:00", "2025-03-01 00:00:00"),
    ("-1d/2025-10-01", "UTC", "2025-09-30 00:00:00", "2025-10-01 00:00:00"),
    ("-1M/-2M", "UTC", "2024-12-01 00:00:00", "2025-01-01 00:00:00"),
    ("-1d", "America/New_York", "2025-03-11 04:00:00", "2025-03-12 04:00:00"),
    ("-1w", "America/New_York", "2025-03-03 05:00:00", "2025-03-10 04:00:00"),
]


@pytest.mark.parametrize(("interval", "zone", "start", "end"), INTERVALS)
def test_an_interval_counts_whole_units_back_from_the_scheduled_time(
    idle: World, interval: str, zone: str, start: str, end: str
) -> None:
    inside = f"TD_INTERVAL(TD_TIME_PARSE('{start}'), '{interval}', '{zone}')"
    before = f"TD_INTERVAL(TD_TIME_PARSE('{start}') - 1, '{interval}', '{zone}')"
    last = f"TD_INTERVAL(TD_TIME_PARSE('{end}') - 1, '{interval}', '{zone}')"
    after = f"TD_INTERVAL(TD_TIME_PARSE('{end}'), '{interval}', '{zone}')"

    rows = idle.rows(f"SELECT {before}, {inside}, {last}, {after}", scheduled_time=str(SCHEDULED))

    assert rows == [[False, True, True, False]]


@pytest.mark.parametrize("interval", ["1d", "-1", "d", "-1x", "-1d/soon", ""])
def test_an_interval_that_is_none_is_refused(idle: World, interval: str) -> None:
    job = idle.run(f"SELECT TD_INTERVAL(1, '{interval}')")

    assert job["status"] == "error"
    assert "interval" in job["debug"]["stderr"]
