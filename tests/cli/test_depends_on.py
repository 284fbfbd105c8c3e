"""`dependsOn` orders what no field relates: applied in that order, deleted in the other, shown as any other edge."""

from __future__ import annotations

from typing import Any

import pytest
from stage import Stage

FILE = "manifests/order.yaml"
QUERY = "apiVersion: tdr/v1\nkind: Query\nmetadata: {{name: {}}}\nspec: {{database: shop, sql: SELECT 1 AS n}}\n"
LATE = QUERY.format("z-late")
EARLY = QUERY.format("a-early") + "dependsOn: [query/z-late]\n"


@pytest.fixture
def ordered(applied: Stage) -> Stage:
    """A project in which the query that comes first in the alphabet waits for the one that comes last."""
    applied.write(FILE, f"{EARLY}---\n{LATE}")
    return applied


def changes(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Address and action of each change, in the order in which they are made."""
    ordered = sorted(document["changes"], key=lambda one: int(one["order"]))
    return [(one["address"], one["actions"][0]) for one in ordered if one["actions"] != ["noop"]]


def test_it_orders_applies_and_turned_round_deletes(ordered: Stage) -> None:
    assert changes(ordered.tdr("plan", "--format", "json").document) == [
        ("query/z-late", "create"),
        ("query/a-early", "create"),
    ]
    ordered.tdr("apply", "--yes")
    assert ordered.records()["query/a-early"]["depends_on"] == ["database/shop", "query/z-late"]

    (ordered.folder / FILE).unlink()

    gone = ordered.tdr("plan", "--format", "json").document
    assert changes(gone) == [("query/a-early", "delete"), ("query/z-late", "delete")]
    assert {one["address"]: one["depends_on"] for one in gone["changes"]}["query/z-late"] == ["query/a-early"]


def test_a_later_entry_is_remembered_by_an_apply_that_changes_nothing_else(ordered: Stage) -> None:
    ordered.edit(FILE, "dependsOn: [query/z-late]\n", "")
    ordered.tdr("apply", "--yes")
    ordered.write(FILE, f"{EARLY}---\n{LATE}")

    assert changes(ordered.tdr("plan", "--format", "json").document) == []
    ordered.tdr("apply", "--yes")

    assert ordered.records()["query/a-early"]["depends_on"] == ["database/shop", "query/z-late"]


def test_a_rollback_that_makes_something_again_keeps_what_it_waited_for(ordered: Stage) -> None:
    ordered.tdr("apply", "--yes")
    (ordered.folder / FILE).unlink()
    ordered.tdr("apply", "--yes")
    run = ordered.tdr("history", "--format", "json").document["runs"][0]["run"]

    plan = ordered.tdr("rollback", run, "--plan", "--format", "json").document

    assert changes(plan) == [("query/z-late", "create"), ("query/a-early", "create")]


def test_graph_and_explain_show_it(ordered: Stage) -> None:
    graph = ordered.tdr("graph", "--format", "json").document
    assert {"from": "query/a-early", "to": "query/z-late"} in graph["edges"]
    told = ordered.tdr("explain", "query/a-early", "--format", "json").document
    assert told["depends_on"] == ["database/shop", "query/z-late"]
