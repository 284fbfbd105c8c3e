"""`tdr plan --refresh=false`: the manifests against what was last applied, without a word to any vendor."""

from __future__ import annotations

import json
from importlib.resources import files

import jsonschema
import pytest
from stage import Stage

QUERY = "query/buyers-per-month"
BANNER = "! remote not read: what was last applied stands for what is there"
SCHEMA = json.loads((files("reconciler.reports") / "schemas" / "plan.json").read_text(encoding="utf-8"))


def cron_at_vendor(stage: Stage) -> str:
    with stage.somebody() as client:
        return str(next(raw["cron"] for raw in client.saved_queries() if raw["name"] == "buyers-per-month"))


def moved_outside(stage: Stage) -> None:
    with stage.somebody() as client:
        client.update_saved_query("buyers-per-month", {"cron": "0 5 * * *"})


def test_nobody_is_asked_and_the_plan_says_so(applied: Stage) -> None:
    moved_outside(applied)

    document = applied.tdr("plan", "--refresh=false", "--format", "json").document
    jsonschema.validate(document, SCHEMA)
    assert (document["refreshed"], document["complete"], sum(document["api_calls"].values())) == (False, True, 0)
    assert document["summary"] == {"noop": len(document["changes"])}
    assert BANNER in applied.tdr("plan", "--refresh=false").out

    read = applied.tdr("plan", "--refresh=true", "--format", "json").document
    assert (read["refreshed"], read["summary"]["update"]) == (True, 1)
    assert BANNER not in applied.tdr("plan").out


def test_nothing_is_asked_of_a_vendor_that_is_not_there(applied: Stage) -> None:
    environment = applied.folder / "manifests/environments/local.yaml"
    told = environment.read_text(encoding="utf-8")
    away = 'treasure_data: {endpoint: "http://127.0.0.1:9", api_key: "${secret:env:AWAY}"}'
    environment.write_text(told.replace("treasure_data: {endpoint: embedded}", away), encoding="utf-8")
    applied.edit("manifests/shop.yaml", 'cron: "0 3 * * *"', 'cron: "0 4 * * *"')

    document = applied.tdr("plan", "--refresh=false", "--format", "json", AWAY="1/none").document

    assert {change["address"] for change in document["changes"] if change["actions"] == ["update"]} == {QUERY}
    applied.tdr("plan", AWAY="1/none", expect=3)  # it asks who answers, and that is another account


def test_a_saved_one_is_applied_when_the_vendor_says_the_same(applied: Stage) -> None:
    applied.edit("manifests/shop.yaml", 'cron: "0 3 * * *"', 'cron: "0 4 * * *"')
    applied.tdr("plan", "--refresh=false", "--out", "plan.json")
    assert BANNER in applied.tdr("show", "plan.json").out

    applied.tdr("apply", "plan.json")

    assert cron_at_vendor(applied) == "0 4 * * *"
    applied.tdr("plan", "--detailed-exitcode")


def test_a_saved_one_is_stale_when_the_vendor_says_otherwise(applied: Stage) -> None:
    applied.edit("manifests/shop.yaml", 'cron: "0 3 * * *"', 'cron: "0 4 * * *"')
    applied.tdr("plan", "--refresh=false", "--out", "plan.json")
    moved_outside(applied)

    assert QUERY in applied.tdr("apply", "plan.json", expect=4).err
    assert cron_at_vendor(applied) == "0 5 * * *"


def test_a_saved_one_makes_no_second_copy_of_what_it_did_not_see(applied: Stage) -> None:
    with applied.somebody() as client:
        client.create_saved_query("new", {"query": "SELECT 1", "database": "shop"})
    applied.write(
        "manifests/new.yaml",
        "apiVersion: tdr/v1\nkind: Query\nmetadata: {name: new}\nspec: {database: shop, sql: SELECT 1}\n",
    )
    saved = applied.tdr("plan", "--refresh=false", "--out", "plan.json", "--format", "json").document
    assert {change["address"] for change in saved["changes"] if change["actions"] == ["create"]} == {"query/new"}

    assert "query/new" in applied.tdr("apply", "plan.json", expect=4).err
    assert "query/new" not in applied.records()


def test_what_only_a_look_can_tell_is_left_undecided(applied: Stage) -> None:
    with applied.somebody() as client:
        client.create_saved_query("new", {"query": "SELECT 1", "database": "shop"})
    applied.write(
        "manifests/new.yaml",
        "apiVersion: tdr/v1\nkind: Query\nmetadata: {name: new}\nspec: {database: shop, sql: SELECT 1}\n"
        "---\napiVersion: tdr/v1\nkind: Transitions\nimports: [{to: query/new, id: new}]\n",
    )

    document = applied.tdr("plan", "--refresh=false", "--format", "json", expect=1).document

    (change,) = [change for change in document["changes"] if change["actions"] == ["undecided"]]
    assert change["address"] == "query/new"
    assert "the remote was not read" in change["note"]


def test_it_goes_with_a_part_and_with_what_is_made_anew(applied: Stage) -> None:
    document = applied.tdr(
        "plan", "--refresh=false", "--target", QUERY, "--replace", QUERY, "--format", "json"
    ).document

    assert (document["refreshed"], document["complete"], document["replace"]) == (False, False, [QUERY])
    assert document["summary"]["replace"] == 1


@pytest.mark.parametrize("value", ["maybe", ""])
def test_it_is_true_or_false(applied: Stage, value: str) -> None:
    applied.tdr("plan", f"--refresh={value}", expect=64)


def test_drift_is_never_told_without_asking(applied: Stage) -> None:
    assert "tdr plan --refresh=false" in applied.tdr("drift", "--refresh=false", expect=64).err
