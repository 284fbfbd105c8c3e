"""Counts of segments against SQL that somebody wrote by hand over the source tables, in another engine's words, for every operator.

The rows are many and random, with some at every border of time that an operator knows.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from segment_data import DOCUMENT, rows, run
from service_world import NOW, OpenWorld, World

ZONES = ("UTC", "Asia/Tokyo", "America/New_York")
NAMES = itertools.count(1)
PEOPLE = 400
MOMENT = datetime.fromtimestamp(NOW, UTC)
COLUMNS = ("id", "country", "age", "spent", "tags", "seen_at", "joined")


def borders() -> list[int]:
    """Moments around the begin and the end of each unit in each zone, and around all distances that rules below name."""
    found: set[int] = set()
    for zone in map(ZoneInfo, ZONES):
        local = MOMENT.astimezone(zone).replace(tzinfo=None)
        day = local.replace(hour=0, minute=0)
        month = day.replace(day=1)
        for begin in (
            local.replace(minute=0),
            local.replace(minute=0) + timedelta(hours=1),
            day,
            day + timedelta(days=1),
            day - timedelta(days=day.weekday()),
            day + timedelta(days=7 - day.weekday()),
            month,
            (month + timedelta(days=32)).replace(day=1),
            month.replace(month=1),
            month.replace(month=1, year=month.year + 1),
            month.replace(month=4),
        ):
            found.add(int(begin.replace(tzinfo=zone).timestamp()))
    for distance in (1, 60, 3_600, 86_400, 604_800, 3 * 86_400, 10 * 86_400, 30 * 86_400):
        found |= {int(NOW) - distance, int(NOW) + distance}
    # A month and a year ago, by the calendar and not by days.
    found |= {
        int(datetime(*day, 9, tzinfo=UTC).timestamp())
        for day in ((2025, 2, 1), (2024, 12, 1), (2024, 3, 1), (2025, 4, 1))
    }
    return sorted(moment + step for moment in found for step in (-1, 0, 1))


def text_of(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S")


def people() -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Rows of the three tables."""
    chance = random.Random(20250301)
    moments = borders()
    master, cities, orders = [], [], []
    for number in range(1, PEOPLE + 1):
        seen = moments[number % len(moments)] if number % 7 else None
        joined = None if number % 11 == 0 else text_of(moments[(number * 13) % len(moments)])
        tags = None if number % 9 == 0 else tuple(chance.choices(["a", "b", "c", "ab", ""], k=chance.randrange(4)))
        country = chance.choice(["JP", "US", "DE", "us", "", None])
        spent = chance.choice([None, -3.0, 0.0, 0.5, 10.5, 99.0])
        master.append((number, country, chance.choice([None, 18, 19, 30, 41, 65]), spent, tags, seen, joined))
        if number % 5:
            city = chance.choice(["Tokyo", "Tokyo Bay", "New York", "O'saka 100%", "Köln", "a_b", "a\\b"])
            cities.append((number, city, 200))
        for _ in range(chance.choice([0, 0, 1, 2, 3])):
            sku, amount = chance.choice(["x1", "x2", "y_1", "z"]), chance.randrange(1, 9)
            orders.append(
                (
                    number,
                    sku,
                    amount,
                    int(NOW) - chance.choice([0, 1, 86_400, 604_799, 604_800, 604_801, 9_999_999]) - len(orders) % 2,
                )
            )
    return master, cities, orders


DATA = people()


@pytest.fixture(scope="module")
def by_hand() -> Iterator[duckdb.DuckDBPyConnection]:
    """The same rows in an engine of its own."""
    master, cities, orders = DATA
    with duckdb.connect() as engine:
        engine.execute(
            "CREATE TABLE people (id BIGINT, country VARCHAR, age BIGINT, spent DOUBLE, tags VARCHAR[],"
            " seen_at BIGINT, joined VARCHAR)"
        )
        engine.executemany(
            "INSERT INTO people VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(*p[:4], None if p[4] is None else list(p[4]), *p[5:]) for p in master],
        )
        engine.execute("CREATE TABLE cities (person BIGINT, city VARCHAR, time BIGINT)")
        engine.executemany("INSERT INTO cities VALUES (?, ?, ?)", cities)
        engine.execute("CREATE TABLE orders (person BIGINT, sku VARCHAR, amount BIGINT, time BIGINT)")
        engine.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", orders)
        engine.execute(f"CREATE MACRO now_s() AS {int(NOW)}")
        engine.execute("CREATE MACRO joined_s(joined, zone) AS epoch(timezone(zone, joined::TIMESTAMP))::BIGINT")
        engine.execute("CREATE MACRO clock(s, zone) AS timezone(zone, to_timestamp(s))")
        yield engine


@pytest.fixture(scope="module")
def audiences(open_world_for_all: OpenWorld) -> dict[str, tuple[World, str]]:
    """Zone -> a service and the id of a parent segment in it."""
    world = open_world_for_all()
    world.post("/v3/database/create/sales")
    master, cities, orders = DATA
    world.done("CREATE TABLE people AS " + rows(*COLUMNS, values=master))
    world.done("CREATE TABLE cities AS " + rows("person", "city", "time", values=cities))
    world.done("CREATE TABLE orders AS " + rows("person", "sku", "amount", "time", values=orders))
    made = {}
    for zone in ZONES:
        audience = world.json("POST", "/audiences", {**DOCUMENT, "name": f"people in {zone}", "timezone": zone})
        run(world, audience["id"])
        made[zone] = (world, str(audience["id"]))
    return made


def on(name: str, operator: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "Value", "leftValue": {"name": name}, "operator": operator, **more}


def of_orders(aggregation: dict[str, Any], operator: dict[str, Any], **left: Any) -> dict[str, Any]:
    source = {"aggregation": aggregation, "source": {"name": "behavior_orders"}, **left}
    return {"type": "Value", "leftValue": source, "operator": operator}


def told(kind: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"type": kind, "rightValue": value, **more}


def several(kind: str, *values: Any) -> dict[str, Any]:
    return {"type": kind, "rightValues": list(values)}


CITY = "id IN (SELECT person FROM cities WHERE {})"
ORDERS = "(SELECT {} FROM orders WHERE person = id{})"

COUNTED: dict[str, tuple[dict[str, Any], str]] = {
    "Equal": (on("country", told("Equal", "JP")), "country = 'JP'"),
    "Equal, not": (on("country", told("Equal", "JP", **{"not": True})), "country IS NULL OR country <> 'JP'"),
    "Equal, excluded": (on("country", told("Equal", "JP"), exclude=True), "country IS NULL OR country <> 'JP'"),
    "Equal, number": (on("age", told("Equal", 30)), "age = 30"),
    "Equal, fraction": (on("spent", told("Equal", 0.5)), "spent = 0.5"),
    "Greater": (on("age", told("Greater", 30)), "age > 30"),
    "GreaterEqual": (on("age", told("GreaterEqual", 30)), "age >= 30"),
    "Less": (on("spent", told("Less", 0.5)), "spent < 0.5"),
    "LessEqual": (on("spent", told("LessEqual", 0)), "spent <= 0"),
    "Between": (on("age", {"type": "Between", "minValue": 19, "maxValue": 41}), "age >= 19 AND age <= 41"),
    "Between, not": (
        on("age", {"type": "Between", "minValue": 19, "maxValue": 41, "not": True}),
        "age IS NULL OR age < 19 OR age > 41",
    ),
    "In": (on("country", several("In", "JP", "us")), "country = 'JP' OR country = 'us'"),
    "In, not": (
        on("country", {**several("In", "JP", "us"), "not": True}),
        "country IS NULL OR (country <> 'JP' AND country <> 'us')",
    ),
    "Contain": (
        on("city", several("Contain", "oky", "öl")),
        CITY.format("strpos(city, 'oky') > 0 OR strpos(city, 'öl') > 0"),
    ),
    "Contain, a wildcard": (on("city", several("Contain", "_")), CITY.format("strpos(city, '_') > 0")),
    "Contain, a backslash": (on("city", several("Contain", "\\")), CITY.format("strpos(city, chr(92)) > 0")),
    "StartWith": (
        on("city", several("StartWith", "Tokyo", "New")),
        CITY.format("left(city, 5) = 'Tokyo' OR left(city, 3) = 'New'"),
    ),
    "EndWith": (
        on("city", several("EndWith", "Bay", "%")),
        CITY.format("right(city, 3) = 'Bay' OR right(city, 1) = '%'"),
    ),
    "Regexp": (on("country", told("Regexp", "^[A-Z]{2}$")), "length(country) = 2 AND country = upper(country)"),
    "IsNull": (on("age", {"type": "IsNull"}), "age IS NULL"),
    "IsNull, not": (on("age", {"type": "IsNull", "not": True}), "age IS NOT NULL"),
    "arrays, any": (on("tags", told("Equal", "b"), arrayMatching="any"), "list_contains(tags, 'b')"),
    "arrays, all": (
        on("tags", told("Equal", "b"), arrayMatching="all"),
        "tags IS NOT NULL AND len(list_filter(tags, lambda t: t <> 'b')) = 0",
    ),
    "arrays, atLeast": (
        on("tags", several("In", "a", "b"), arrayMatching={"atLeast": 2}),
        "len(list_filter(tags, lambda t: t IN ('a', 'b'))) >= 2",
    ),
    "arrays, atMost": (
        on("tags", several("StartWith", "a"), arrayMatching={"atMost": 1}),
        "len(list_filter(tags, lambda t: starts_with(t, 'a'))) <= 1",
    ),
    "arrays, exactly": (
        on("tags", told("Equal", "c"), arrayMatching={"exactly": 2}),
        "len(list_filter(tags, lambda t: t = 'c')) = 2",
    ),
    **{
        f"TimeWithinPast, {unit}": (
            on("seen_at", {"type": "TimeWithinPast", "value": "3", "unit": unit}),
            f"seen_at <= now_s() AND seen_at >= now_s() - 3 * {length}",
        )
        for unit, length in (("second", 1), ("minute", 60), ("hour", 3_600), ("day", 86_400), ("week", 604_800))
    },
    "TimeWithinPast, month": (
        on("seen_at", {"type": "TimeWithinPast", "value": "1", "unit": "month"}),
        "seen_at <= now_s() AND to_timestamp(seen_at) >= TIMESTAMPTZ '2025-02-01 09:00:00+00'",
    ),
    "TimeWithinPast, quarter": (
        on("seen_at", {"type": "TimeWithinPast", "value": "1", "unit": "quarter"}),
        "seen_at <= now_s() AND to_timestamp(seen_at) >= TIMESTAMPTZ '2024-12-01 09:00:00+00'",
    ),
    "TimeWithinPast, year": (
        on("seen_at", {"type": "TimeWithinPast", "value": "1", "unit": "year"}),
        "seen_at <= now_s() AND to_timestamp(seen_at) >= TIMESTAMPTZ '2024-03-01 09:00:00+00'",
    ),
    "TimeWithinNext, week": (
        on("seen_at", {"type": "TimeWithinNext", "value": "1", "unit": "week"}),
        "seen_at >= now_s() AND seen_at <= now_s() + 604800",
    ),
    "TimeWithinNext, month": (
        on("seen_at", {"type": "TimeWithinNext", "value": "1", "unit": "month"}),
        "seen_at >= now_s() AND to_timestamp(seen_at) <= TIMESTAMPTZ '2025-04-01 09:00:00+00'",
    ),
    "TimeToday": (
        on("joined", {"type": "TimeToday"}),
        "strftime(clock(joined_s(joined, $zone), $zone), '%Y-%m-%d') = strftime(clock(now_s(), $zone), '%Y-%m-%d')",
    ),
    **{
        f"TimeThis, {unit}": (
            on("joined", {"type": "TimeThis", "unit": unit}),
            f"strftime(clock(joined_s(joined, $zone), $zone), '{shape}') = strftime(clock(now_s(), $zone), '{shape}')",
        )
        for unit, shape in (
            ("hour", "%Y-%m-%d %H"),
            ("day", "%Y-%m-%d"),
            ("week", "%G-%V"),
            ("month", "%Y-%m"),
            ("year", "%Y"),
        )
    },
    "TimeThis, quarter": (
        on("joined", {"type": "TimeThis", "unit": "quarter"}),
        "year(clock(joined_s(joined, $zone), $zone)) = 2025 AND month(clock(joined_s(joined, $zone), $zone)) <= 3",
    ),
    "TimeThis of a number, month": (
        on("seen_at", {"type": "TimeThis", "unit": "month"}),
        "strftime(clock(seen_at, $zone), '%Y-%m') = '2025-03'",
    ),
    "a moment": (
        on("joined", told("Less", {"timestamp": "2025-01-01 00:00:00"})),
        "joined < '2025-01-01 00:00:00'",
    ),
    "so long ago": (
        on("seen_at", told("GreaterEqual", {"last": 10, "unit": "day"})),
        "seen_at >= now_s() - 864000",
    ),
    "TimeRange": (
        on("seen_at", {"type": "TimeRange", "from": {"last": 10, "unit": "day"}, "duration": {"day": 9, "hour": 1}}),
        "seen_at >= now_s() - 864000 AND seen_at < now_s() - 864000 + 9 * 86400 + 3600",
    ),
    "Count": (of_orders({"type": "Count"}, told("GreaterEqual", 2)), ORDERS.format("count(*)", "") + " >= 2"),
    "Count of none": (of_orders({"type": "Count"}, told("Equal", 0)), "id NOT IN (SELECT person FROM orders)"),
    "CountDistinct": (
        of_orders({"type": "CountDistinct", "column": "sku"}, told("Equal", 1)),
        ORDERS.format("count(DISTINCT sku)", "") + " = 1",
    ),
    "Sum": (
        of_orders({"type": "Sum", "column": "amount"}, told("GreaterEqual", 7)),
        ORDERS.format("sum(amount)", "") + " >= 7",
    ),
    "Min": (
        of_orders({"type": "Min", "column": "amount"}, told("Less", 3)),
        "id IN (SELECT person FROM orders WHERE amount < 3)",
    ),
    "Max": (
        of_orders({"type": "Max", "column": "amount"}, told("Equal", 4)),
        ORDERS.format("max(amount)", "") + " = 4",
    ),
    "Average": (
        of_orders({"type": "Average", "column": "amount"}, told("GreaterEqual", 4.5)),
        ORDERS.format("2 * sum(amount) - 9 * count(*)", "") + " >= 0",
    ),
    "First": (
        of_orders({"type": "First", "column": "amount"}, told("Greater", 4)),
        "id IN (SELECT person FROM (SELECT person, min_by(amount, time) AS a FROM orders GROUP BY ALL) WHERE a > 4)",
    ),
    "Last": (
        of_orders({"type": "Last", "column": "amount"}, told("Greater", 4)),
        "id IN (SELECT person FROM (SELECT person, max_by(amount, time) AS a FROM orders GROUP BY ALL) WHERE a > 4)",
    ),
    "TimeSliding": (
        of_orders({"type": "Count"}, told("GreaterEqual", 1), window={"type": "TimeSliding", "duration": {"day": 7}}),
        "id IN (SELECT person FROM orders WHERE time >= now_s() - 604800 AND time <= now_s())",
    ),
    "a filter of the behavior": (
        of_orders(
            {"type": "Sum", "column": "amount"},
            told("Greater", 5),
            filter={
                "type": "Or",
                "conditions": [
                    {"type": "Column", "column": "sku", "operator": several("StartWith", "y_")},
                    {"type": "Column", "column": "amount", "operator": told("Greater", 6)},
                ],
            },
        ),
        ORDERS.format("sum(amount)", " AND (left(sku, 2) = 'y_' OR amount > 6)") + " > 5",
    ),
}


def counted(audience: tuple[World, str], condition: dict[str, Any]) -> int:
    world, audience_id = audience
    rule = {"type": "And", "conditions": [{"type": "And", "conditions": [condition]}]}
    body = {"name": f"counted {next(NAMES)}", "rule": rule, "countPopulation": True}
    return int(world.json("POST", f"/audiences/{audience_id}/segments", body)["population"])


@pytest.mark.parametrize("name", COUNTED)
def test_a_count_is_that_of_sql_written_by_hand(
    audiences: dict[str, tuple[World, str]], by_hand: duckdb.DuckDBPyConnection, name: str
) -> None:
    condition, where = COUNTED[name]
    found = []
    for zone in ZONES if "$zone" in where else ("UTC",):
        sql = f"SELECT count(*) FROM people WHERE {where.replace('$zone', repr(zone))}"
        [(expected,)] = by_hand.execute(sql).fetchall()
        assert counted(audiences[zone], condition) == expected, zone
        found.append(expected)
    assert 0 < max(found) < PEOPLE, "a condition that fits nobody or everybody proves nothing"
