"""A run is rolled back by an ordinary plan; what cannot be undone is said before anybody says yes."""

from __future__ import annotations

from typing import Any

import pytest
from stage import TITLE, Stage

ACTIVATION = "activation/spring-buyers-daily"
AUDIENCE = "audience/spring-buyers"


def newest(stage: Stage) -> str:
    run: str = stage.tdr("history", "--format", "json").document["runs"][0]["run"]
    return run


def actions(document: dict[str, Any]) -> dict[str, list[str]]:
    return {one["address"]: one["actions"] for one in document["changes"] if one["actions"] != ["noop"]}


def warned(document: dict[str, Any]) -> list[str]:
    return [f"{one['rule']}: {one['message']}" for one in document["warnings"]]


def test_changed_fields_are_put_back_and_manifests_that_say_otherwise_are_told(applied: Stage) -> None:
    applied.edit("manifests/pinterest.yaml", "Bought in spring", "Bought in March")
    applied.edit("manifests/pinterest.yaml", '"0 3 * * *"', '"0 5 * * *"')
    applied.tdr("apply", "--yes")

    plan = applied.tdr("rollback", newest(applied), "--plan", "--format", "json").document
    applied.tdr("rollback", newest(applied), "--yes")

    assert actions(plan) == {AUDIENCE: ["update"], ACTIVATION: ["update"]}
    fields = {field["path"]: (field["before"], field["after"]) for one in plan["changes"] for field in one["fields"]}
    assert fields == {"/description": ("Bought in March", "Bought in spring"), "/cron": ("0 5 * * *", "0 3 * * *")}
    assert warned(plan) == [
        f"irreversible: {ACTIVATION}: rows that it sent stay sent",
        f"manifests-differ: your manifests still say otherwise for {ACTIVATION} (/cron): the next plan will bring it back",
        (
            f"manifests-differ: your manifests still say otherwise for {AUDIENCE} (/description): "
            "the next plan will bring it back"
        ),
    ]
    (audience,) = applied.audiences()
    assert audience["description"] == "Bought in spring"
    assert applied.tdr("history", "--format", "json").document["runs"][0]["operation"] == "rollback"
    applied.edit("manifests/pinterest.yaml", "Bought in March", "Bought in spring")
    applied.edit("manifests/pinterest.yaml", '"0 5 * * *"', '"0 3 * * *"')
    applied.tdr("plan", "--detailed-exitcode")
    assert applied.tdr("drift").code == 0


def test_what_a_run_made_goes_again(applied: Stage) -> None:
    applied.write(
        "manifests/more.yaml",
        "apiVersion: tdr/v1\nkind: Query\nmetadata: {name: sizes}\nspec: {database: shop, sql: SELECT 1}\n",
    )
    applied.tdr("apply", "--yes")

    plan = applied.tdr("rollback", newest(applied), "--plan", "--format", "json").document
    applied.tdr("rollback", newest(applied), "--yes")

    assert actions(plan) == {"query/sizes": ["delete"]}
    assert warned(plan) == [
        "manifests-differ: your manifests still declare query/sizes: the next plan will make it again"
    ]
    with applied.somebody() as client:
        assert "sizes" not in {raw["name"] for raw in client.saved_queries()}


def test_what_a_run_deleted_comes_back_as_something_new(applied: Stage) -> None:
    (old,) = applied.audiences()
    text = (applied.folder / "manifests" / "activation.yaml").read_text()
    pinterest = (applied.folder / "manifests" / "pinterest.yaml").read_text()
    applied.write("manifests/activation.yaml", "# nothing\n")
    applied.write("manifests/pinterest.yaml", pinterest.partition("---\napiVersion: tdr/v1\nkind: Audience")[0])
    applied.tdr("apply", "--yes")
    assert applied.audiences() == []
    run = newest(applied)

    plan = applied.tdr("rollback", run, "--plan", "--format", "json").document
    applied.tdr("rollback", run, "--yes")

    assert actions(plan) == {AUDIENCE: ["create"], ACTIVATION: ["create"]}
    assert (
        f"irreversible: {AUDIENCE}: it comes back with another id and without its members, until an activation sends "
        "them again" in warned(plan)
    )
    assert (
        f"manifests-differ: your manifests do not declare {AUDIENCE}: the next plan will take it away again"
        in warned(plan)
    )
    (again,) = applied.audiences()
    assert (again["name"], again["id"] == old["id"]) == (TITLE, False)
    assert len(applied.members()) == 120
    applied.write("manifests/activation.yaml", text)
    applied.write("manifests/pinterest.yaml", pinterest)
    applied.tdr("plan", "--detailed-exitcode")


def test_what_was_changed_since_is_told_and_a_protected_object_holds_the_plan(applied: Stage) -> None:
    applied.write(
        "manifests/more.yaml",
        "apiVersion: tdr/v1\nkind: Query\nmetadata: {name: sizes}\nspec: {database: shop, sql: SELECT 1}\n"
        "lifecycle: {protect: true}\n",
    )
    applied.tdr("apply", "--yes")
    run = newest(applied)
    applied.edit("manifests/more.yaml", "SELECT 1", "SELECT 2")
    applied.tdr("apply", "--yes")

    plan = applied.tdr("rollback", run, "--plan", "--format", "json", expect=3).document
    applied.tdr("rollback", run, "--yes", expect=3)

    assert [gate["rule"] for gate in plan["gates"]] == ["protected"]
    assert "changed-since: query/sizes was changed again since that run; that goes too" in warned(plan)


@pytest.mark.parametrize("arguments", [("nobody", "--yes"), ("nobody", "--plan")])
def test_a_run_that_is_not_kept_is_told(applied: Stage, arguments: tuple[str, ...]) -> None:
    assert "error: no run 'nobody' is kept" in applied.tdr("rollback", *arguments, expect=1).err


def test_nobody_to_ask_is_a_wrong_command_line(applied: Stage) -> None:
    assert "error: nobody is there to ask" in applied.tdr("rollback", newest(applied), expect=64).err


def test_what_a_run_took_over_is_let_go_of_and_stays(applied: Stage) -> None:
    with applied.somebody() as client:
        client.create_saved_query("sizes", {"type": "trino", "database": "shop", "query": "SELECT 1"})
    applied.write(
        "manifests/more.yaml",
        "apiVersion: tdr/v1\nkind: Query\nmetadata: {name: sizes}\nspec: {database: shop, sql: SELECT 1}\n"
        "lifecycle: {adopt: always}\n",
    )
    applied.tdr("apply", "--yes")

    plan = applied.tdr("rollback", newest(applied), "--plan", "--format", "json").document
    applied.tdr("rollback", newest(applied), "--yes")

    assert actions(plan) == {"query/sizes": ["forget"]}
    with applied.somebody() as client:
        assert "sizes" in {raw["name"] for raw in client.saved_queries()}
    assert "query/sizes" not in applied.records()


def test_a_rollback_is_a_run_that_can_be_rolled_back(applied: Stage) -> None:
    applied.edit("manifests/activation.yaml", "SELECT email FROM", "SELECT DISTINCT email FROM")
    applied.tdr("apply", "--yes")
    applied.tdr("rollback", newest(applied), "--yes")

    applied.tdr("rollback", newest(applied), "--yes")

    applied.tdr("plan", "--detailed-exitcode")
    with applied.somebody() as client:
        (raw,) = [raw for raw in client.saved_queries() if raw["name"] == "spring-buyers-daily"]
    assert raw["query"] == "SELECT DISTINCT email FROM customers WHERE spring = 'yes'"


def test_a_table_with_its_columns_is_put_back(applied: Stage) -> None:
    applied.edit(
        "manifests/shop.yaml",
        "    - {name: spring, type: string}\n",
        "    - {name: spring, type: string}\n    - {name: age, type: int}\n",
    )
    applied.edit("manifests/shop.yaml", "mode: replace", "mode: append")
    applied.tdr("apply", "--yes")

    applied.tdr("rollback", newest(applied), "--yes")

    records = applied.records()
    assert records["table/customers"]["applied"]["columns"] == [["email", "string"], ["spring", "string"]]
    assert records["import/customers"]["applied"]["mode"] == "replace"
