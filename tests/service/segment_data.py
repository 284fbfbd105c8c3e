"""A parent segment over a few people, built, and the same people in Python to count with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service_world import NOW, World

DAY = 86_400


@dataclass(frozen=True, slots=True)
class Person:
    """One row of the master table, with the tables joined to it."""

    id: int
    country: str | None
    age: int | None
    spent: float | None
    tags: tuple[str, ...] | None
    seen_at: int | None
    joined: str | None
    city: str | None
    orders: tuple[tuple[str, int, int], ...] = ()
    """SKU, amount, age in days."""


PEOPLE = (
    Person(
        1, "JP", 30, 10.5, ("a", "b"), int(NOW) - DAY, "2025-02-28 10:00:00", "Tokyo", (("x1", 5, 1), ("x2", 7, 40))
    ),
    Person(2, "US", 41, 0.0, ("b",), int(NOW) - 10 * DAY, "2024-12-31 23:00:00", "New York", (("x1", 1, 2),)),
    Person(3, None, None, None, None, None, None, None),
    Person(
        4, "JP", 19, 99.0, (), int(NOW) + 2 * DAY, "2025-03-01 00:30:00", "O'saka 100%", (("y_1", 3, 3), ("y_1", 4, 3))
    ),
    Person(5, "DE", 65, -3.0, ("c", "c", "a"), int(NOW) - 3600, "2023-03-01 00:00:00", "Köln", (("z", 2, 400),)),
    Person(6, "us", 30, 10.5, ("ab",), int(NOW), "2025-03-01 08:59:59", "Tokyo Bay"),
)


def text(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, tuple):
        return f"CAST(ARRAY[{', '.join(map(text, value))}] AS ARRAY(VARCHAR))"
    return str(value)


def rows(*columns: str, values: list[tuple[object, ...]]) -> str:
    lines = ", ".join(f"({', '.join(map(text, value))})" for value in values)
    return f"SELECT * FROM (VALUES {lines}) AS v ({', '.join(columns)})"


def people(world: World) -> str:
    """The id of a parent segment with all of them, built."""
    fill(world)
    audience = world.json("POST", "/audiences", DOCUMENT)
    run(world, audience["id"])
    return str(audience["id"])


def fill(world: World) -> None:
    master = [(p.id, p.country, p.age, p.spent, p.tags, p.seen_at, p.joined) for p in PEOPLE]
    names = ("id", "country", "age", "spent", "tags", "seen_at", "joined")
    world.done("CREATE TABLE people AS " + rows(*names, values=master))
    # Two rows of person 1, of which the newer one counts.
    cities = [(p.id, p.city, 200) for p in PEOPLE if p.city] + [(1, "Nara", 100)]
    world.done("CREATE TABLE cities AS " + rows("person", "city", "time", values=cities))
    orders = [(p.id, sku, amount, int(NOW) - days * DAY) for p in PEOPLE for sku, amount, days in p.orders]
    world.done("CREATE TABLE orders AS " + rows("person", "sku", "amount", "time", values=orders))


def run(world: World, audience_id: str) -> Mapping[str, Any]:
    execution: Mapping[str, Any] = world.json("POST", f"/audiences/{audience_id}/run")
    assert world.service.wait(60)
    (newest, *_) = world.json("GET", f"/audiences/{audience_id}/executions")
    assert newest["workflowAttemptId"] == execution["workflowAttemptId"]
    return dict(newest)


def attribute(name: str, kind: str, column: str = "", **joined: str) -> dict[str, Any]:
    place = {"parentDatabaseName": "sales", "parentTableName": "people"}
    return {"name": name, "type": kind, "parentColumn": column or name, **place, **joined}


DOCUMENT: dict[str, Any] = {
    "name": "people",
    "timezone": "UTC",
    "master": {"parentDatabaseName": "sales", "parentTableName": "people"},
    "attributes": [
        attribute("country", "string"),
        attribute("age", "number"),
        attribute("spent", "number"),
        attribute("tags", "string_array"),
        attribute("seen_at", "timestamp"),
        attribute("joined", "timestamp"),
        attribute("Home Town", "string", "city", parentTableName="cities", parentKey="person", foreignKey="id"),
    ],
    "behaviors": [
        {
            "name": "orders",
            "parentDatabaseName": "sales",
            "parentTableName": "orders",
            "parentKey": "person",
            "foreignKey": "id",
            "schema": [
                {"name": "SKU", "type": "string", "parentColumn": "sku"},
                {"name": "amount", "type": "number", "parentColumn": "amount"},
            ],
        }
    ],
}
