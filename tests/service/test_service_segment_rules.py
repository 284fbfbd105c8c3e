"""Rules of segments count exactly those people whom Python, told the same in its own words, counts."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from segment_data import DAY, PEOPLE, Person, people
from service_world import NOW, OpenWorld, World

Fits = Callable[[Person], bool]

NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def built(open_world_for_all: OpenWorld) -> tuple[World, str]:
    """A service and the id of the parent segment."""
    world = open_world_for_all()
    world.post("/v3/database/create/sales")
    return world, people(world)


def leaf(name: str, operator: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "Value", "leftValue": {"name": name}, "operator": operator, **more}


def behavior(aggregation: dict[str, Any], operator: dict[str, Any], **left: Any) -> dict[str, Any]:
    return {
        "type": "Value",
        "leftValue": {"aggregation": aggregation, "source": {"name": "behavior_orders"}, **left},
        "operator": operator,
    }


def rule(*conditions: dict[str, Any], joiner: str = "And") -> dict[str, Any]:
    return {"type": "And", "conditions": [{"type": joiner, "conditions": list(conditions)}]}


def populated(world: World, audience: str, told: dict[str, Any]) -> int:
    body = {"name": f"segment {next(NUMBERS)}", "rule": told, "countPopulation": True}
    return int(world.json("POST", f"/audiences/{audience}/segments", body)["population"])


def moment(text: str) -> float:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()


IS = {"type": "Equal", "rightValue": "JP"}

LEAVES: dict[str, tuple[dict[str, Any], Fits]] = {
    "equal": (leaf("country", IS), lambda p: p.country == "JP"),
    "not equal": (leaf("country", {**IS, "not": True}), lambda p: p.country != "JP"),
    "excluded": (leaf("country", IS, exclude=True), lambda p: p.country != "JP"),
    "excluded and not": (leaf("country", {**IS, "not": True}, exclude=True), lambda p: p.country == "JP"),
    "equal number": (leaf("age", {"type": "Equal", "rightValue": 30}), lambda p: p.age == 30),
    "number as text": (leaf("age", {"type": "Equal", "rightValue": "30"}), lambda p: p.age == 30),
    "greater": (leaf("age", {"type": "Greater", "rightValue": 30}), lambda p: p.age is not None and p.age > 30),
    "at least": (leaf("age", {"type": "GreaterEqual", "rightValue": 30}), lambda p: p.age is not None and p.age >= 30),
    "less": (leaf("spent", {"type": "Less", "rightValue": 0.5}), lambda p: p.spent is not None and p.spent < 0.5),
    "at most": (leaf("spent", {"type": "LessEqual", "rightValue": 0}), lambda p: p.spent is not None and p.spent <= 0),
    "between": (
        leaf("age", {"type": "Between", "minValue": 19, "maxValue": 41}),
        lambda p: p.age is not None and 19 <= p.age <= 41,
    ),
    "in": (leaf("country", {"type": "In", "rightValues": ["JP", "us"]}), lambda p: p.country in {"JP", "us"}),
    "in numbers": (leaf("age", {"type": "In", "rightValues": [19, "65"]}), lambda p: p.age in {19, 65}),
    "contains": (leaf("city", {"type": "Contain", "rightValues": ["oky", "öl"]}), lambda p: has(p.city, "oky", "öl")),
    "contains a wildcard": (leaf("city", {"type": "Contain", "rightValues": ["%"]}), lambda p: has(p.city, "%")),
    "contains a quote": (leaf("city", {"type": "Contain", "rightValues": ["O'"]}), lambda p: has(p.city, "O'")),
    "starts": (
        leaf("city", {"type": "StartWith", "rightValues": ["Tokyo", "New"]}),
        lambda p: p.city is not None and p.city.startswith(("Tokyo", "New")),
    ),
    "ends": (
        leaf("city", {"type": "EndWith", "rightValues": ["Bay"]}),
        lambda p: p.city is not None and p.city.endswith("Bay"),
    ),
    "matches": (leaf("country", {"type": "Regexp", "rightValue": "^[A-Z]{2}$"}), lambda p: (p.country or "").isupper()),
    "is null": (leaf("age", {"type": "IsNull"}), lambda p: p.age is None),
    "is not null": (leaf("age", {"type": "IsNull", "not": True}), lambda p: p.age is not None),
    "array is null": (leaf("tags", {"type": "IsNull"}), lambda p: p.tags is None),
    "any of an array": (
        leaf("tags", {"type": "Equal", "rightValue": "b"}, arrayMatching="any"),
        lambda p: "b" in (p.tags or ()),
    ),
    "all of an array": (
        leaf("tags", {"type": "Equal", "rightValue": "b"}, arrayMatching="all"),
        lambda p: p.tags is not None and set(p.tags) <= {"b"},
    ),
    "at least two of an array": (
        leaf("tags", {"type": "In", "rightValues": ["a", "b", "c"]}, arrayMatching={"atLeast": 2}),
        lambda p: p.tags is not None and sum(tag in "abc" for tag in p.tags) >= 2,
    ),
    "at most one of an array": (
        leaf("tags", {"type": "StartWith", "rightValues": ["a"]}, arrayMatching={"atMost": 1}),
        lambda p: p.tags is not None and sum(tag.startswith("a") for tag in p.tags) <= 1,
    ),
    "exactly two of an array": (
        leaf("tags", {"type": "Equal", "rightValue": "c"}, arrayMatching={"exactly": 2}),
        lambda p: (p.tags or ()).count("c") == 2,
    ),
    "within the past": (
        leaf("seen_at", {"type": "TimeWithinPast", "value": "2", "unit": "day"}),
        lambda p: p.seen_at is not None and NOW - 2 * DAY <= p.seen_at <= NOW,
    ),
    "within the next": (
        leaf("seen_at", {"type": "TimeWithinNext", "value": "1", "unit": "week"}),
        lambda p: p.seen_at is not None and NOW <= p.seen_at <= NOW + 7 * DAY,
    ),
    "today": (
        leaf("joined", {"type": "TimeToday"}),
        lambda p: p.joined is not None and p.joined.startswith("2025-03-01"),
    ),
    "this year": (
        leaf("joined", {"type": "TimeThis", "unit": "year"}),
        lambda p: p.joined is not None and p.joined.startswith("2025"),
    ),
    "before a moment": (
        leaf("joined", {"type": "Less", "rightValue": {"timestamp": "2025-01-01 00:00:00"}}),
        lambda p: p.joined is not None and moment(p.joined) < moment("2025-01-01 00:00:00"),
    ),
    "after the last month": (
        leaf("joined", {"type": "GreaterEqual", "rightValue": {"last": 1, "unit": "month"}}),
        lambda p: p.joined is not None and moment(p.joined) >= moment("2025-02-01 09:00:00"),
    ),
    "a range from ten days ago": (
        leaf("seen_at", {"type": "TimeRange", "from": {"last": 10, "unit": "day"}, "duration": {"day": 9}}),
        lambda p: p.seen_at is not None and NOW - 10 * DAY <= p.seen_at < NOW - DAY,
    ),
    "how many orders": (
        behavior({"type": "Count"}, {"type": "GreaterEqual", "rightValue": 2}),
        lambda p: len(p.orders) >= 2,
    ),
    "no order": (behavior({"type": "Count"}, {"type": "Equal", "rightValue": 0}), lambda p: not p.orders),
    "different skus": (
        behavior({"type": "CountDistinct", "column": "sku"}, {"type": "Equal", "rightValue": 1}),
        lambda p: len({sku for sku, _, _ in p.orders}) == 1,
    ),
    "sum": (
        behavior({"type": "Sum", "column": "amount"}, {"type": "GreaterEqual", "rightValue": 7}),
        lambda p: bool(p.orders) and sum(amount for _, amount, _ in p.orders) >= 7,
    ),
    "minimum": (
        behavior({"type": "Min", "column": "amount"}, {"type": "Less", "rightValue": 3}),
        lambda p: bool(p.orders) and min(amount for _, amount, _ in p.orders) < 3,
    ),
    "maximum": (
        behavior({"type": "Max", "column": "amount"}, {"type": "Equal", "rightValue": 4}),
        lambda p: bool(p.orders) and max(amount for _, amount, _ in p.orders) == 4,
    ),
    "average": (
        behavior({"type": "Average", "column": "amount"}, {"type": "Equal", "rightValue": 3.5}),
        lambda p: bool(p.orders) and sum(amount for _, amount, _ in p.orders) / len(p.orders) == 3.5,
    ),
    "the last sku": (
        behavior({"type": "Last", "column": "sku"}, {"type": "Equal", "rightValue": "x1"}),
        lambda p: bool(p.orders) and min(p.orders, key=lambda order: order[2])[0] == "x1",
    ),
    "the first sku": (
        behavior({"type": "First", "column": "sku"}, {"type": "Equal", "rightValue": "x2"}),
        lambda p: bool(p.orders) and max(p.orders, key=lambda order: order[2])[0] == "x2",
    ),
    "orders of a week": (
        behavior(
            {"type": "Count"},
            {"type": "GreaterEqual", "rightValue": 1},
            window={"type": "TimeSliding", "duration": {"day": 7}},
        ),
        lambda p: any(days <= 7 for _, _, days in p.orders),
    ),
    "orders of a sku": (
        behavior(
            {"type": "Count"},
            {"type": "Equal", "rightValue": 2},
            filter={
                "type": "And",
                "conditions": [
                    {"type": "Column", "column": "sku", "operator": {"type": "StartWith", "rightValues": ["y_"]}},
                    {"type": "Column", "column": "amount", "operator": {"type": "Greater", "rightValue": 2}},
                ],
            },
        ),
        lambda p: sum(sku.startswith("y_") and amount > 2 for sku, amount, _ in p.orders) == 2,
    ),
}


def has(text: str | None, *parts: str) -> bool:
    return text is not None and any(part in text for part in parts)


@pytest.mark.parametrize("name", LEAVES)
def test_a_condition_counts_those_who_fit(built: tuple[World, str], name: str) -> None:
    condition, fits = LEAVES[name]

    assert populated(*built, rule(condition)) == sum(map(fits, PEOPLE))


@pytest.mark.parametrize("name", LEAVES)
def test_a_condition_and_its_exclusion_part_everyone(built: tuple[World, str], name: str) -> None:
    condition, _ = LEAVES[name]
    excluded = {**condition, "exclude": not condition.get("exclude", False)}

    counts = [populated(*built, rule(one)) for one in (condition, excluded)]

    assert sum(counts) == len(PEOPLE)


@pytest.mark.parametrize("joiner", ["And", "Or"])
def test_conditions_are_joined_as_told(built: tuple[World, str], joiner: str) -> None:
    together = all if joiner == "And" else any
    chosen = [LEAVES["equal"], LEAVES["at least"]]

    expected = sum(together(fits(person) for _, fits in chosen) for person in PEOPLE)

    assert populated(*built, rule(*(condition for condition, _ in chosen), joiner=joiner)) == expected


def test_sets_are_joined_by_the_rule(built: tuple[World, str]) -> None:
    sets = [{"type": "And", "conditions": [LEAVES[name][0]]} for name in ("equal", "no order")]

    assert populated(*built, {"type": "Or", "conditions": sets}) == 4
    assert populated(*built, {"type": "And", "conditions": sets}) == 0


def test_an_empty_rule_takes_in_everyone(built: tuple[World, str]) -> None:
    assert populated(*built, {}) == len(PEOPLE)


def test_a_limit_takes_the_first_by_its_order(built: tuple[World, str]) -> None:
    limit = {"type": "Count", "number": 2, "orderColumns": [{"type": "Column", "column": "age", "order": "descending"}]}

    assert populated(*built, {**rule(LEAVES["is not null"][0]), "limit": limit}) == 2


def test_a_segment_may_be_part_of_another(built: tuple[World, str]) -> None:
    world, audience = built
    inner = world.json("POST", f"/audiences/{audience}/segments", {"name": "inner", "rule": rule(LEAVES["equal"][0])})
    reference = {"type": "Reference", "id": inner["id"]}

    assert populated(world, audience, rule(reference, LEAVES["how many orders"][0])) == 2
    assert populated(world, audience, rule({**reference, "exclude": True})) == 4


@pytest.mark.parametrize(
    ("told", "pointer", "message"),
    [
        (rule(leaf("shoe", IS)), "/conditions/0/conditions/0/leftValue/name", "there is no column 'shoe'"),
        (rule(leaf("age", {"type": "Equal", "rightValue": "many"})), "operator/rightValue", "'many' is not a number"),
        (rule(leaf("age", {"type": "Equal"})), "operator/rightValue", "can't be blank"),
        (rule(leaf("age", {"type": "TimeNext"})), "operator/type", "'TimeNext' is not supported"),
        (rule(leaf("country", {"type": "In", "rightValues": []})), "operator/rightValues", "is not an array of values"),
        (rule({"type": "PredictiveScoreReference"}), "/conditions/0/conditions/0/type", "is not supported"),
        ({"type": "Composite", "expr": "1", "conditions": []}, "/type", "use And or Or"),
        ({"type": "And"}, "/conditions", "is missing"),
        (rule({"type": "Reference", "id": "999999"}), "", "there is no segment 999999"),
        (
            rule(behavior({"type": "Count"}, IS) | {"leftValue": {"aggregation": {}, "source": {"name": "visits"}}}),
            "leftValue/source/name",
            "there is no behavior 'visits'",
        ),
        ({**rule(leaf("country", IS)), "limit": {"type": "Percent", "number": 5}}, "/limit/type", "use Count"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(
    built: tuple[World, str], told: dict[str, Any], pointer: str, message: str
) -> None:
    world, audience = built

    error = world.json("POST", f"/audiences/{audience}/segments", {"name": "wrong", "rule": told}, status=400)

    assert error["code"] == "validation-error"
    assert pointer in error["message"]
    assert message in error["message"]


def test_the_sql_of_a_rule_can_be_asked_for(built: tuple[World, str]) -> None:
    world, audience = built

    told = world.json(
        "POST", f"/audiences/{audience}/segments/query", {"format": "sql", "rule": rule(leaf("country", IS))}
    )

    assert told["sql"] == """SELECT * FROM "customers" AS a WHERE ((a."country" = 'JP'))"""
    assert world.rows(told["sql"].replace("*", "COUNT(*)"), database=f"cdp_audience_{audience}") == [[2]]
