"""A run is rolled back by an ordinary plan; what cannot be undone is said before anybody says yes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from stage import ACCOUNT, TITLE, Stage

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
    applied.edit("manifests/shop.yaml", "mode: replace_on_new_data", "mode: append")
    applied.tdr("apply", "--yes")

    applied.tdr("rollback", newest(applied), "--yes")

    records = applied.records()
    assert records["table/customers"]["applied"]["columns"] == [["email", "string"], ["spring", "string"]]
    assert records["import/customers"]["applied"]["mode"] == "replace_on_new_data"


SIZES = "apiVersion: tdr/v1\nkind: Query\nmetadata: {name: sizes}\nspec: {database: shop, sql: SELECT 1}\n"


@pytest.fixture
def sized(applied: Stage) -> tuple[Stage, str]:
    """A run that changed a query, and its id."""
    applied.write("manifests/more.yaml", SIZES)
    applied.tdr("apply", "--yes")
    applied.edit("manifests/more.yaml", "SELECT 1", "SELECT 2")
    applied.tdr("apply", "--yes")
    return applied, newest(applied)


def sql_of(stage: Stage, name: str) -> str | None:
    with stage.somebody() as client:
        return next((raw["query"] for raw in client.saved_queries() if raw["name"] == name), None)


def test_a_second_rollback_has_nothing_left_to_do(sized: tuple[Stage, str]) -> None:
    stage, run = sized
    stage.tdr("rollback", run, "--yes")

    again = stage.tdr("rollback", run, "--plan", "--format", "json").document
    stage.tdr("rollback", run, "--yes")

    assert actions(again) == {}
    assert warned(again) == [
        "manifests-differ: your manifests still say otherwise for query/sizes (/sql): the next plan will bring it back"
    ]
    assert sql_of(stage, "sizes") == "SELECT 1"


def deleted_outside(stage: Stage) -> None:
    with stage.somebody() as client:
        client.delete_saved_query("sizes")


def changed_outside(stage: Stage) -> None:
    with stage.somebody() as client:
        client.update_saved_query("sizes", {"query": "SELECT 99"})


@pytest.mark.parametrize(("meanwhile", "action"), [(deleted_outside, "create"), (changed_outside, "update")])
def test_what_others_did_meanwhile_is_shown_and_undone(
    sized: tuple[Stage, str], meanwhile: Callable[[Stage], None], action: str
) -> None:
    stage, run = sized
    meanwhile(stage)

    plan = stage.tdr("rollback", run, "--plan", "--format", "json").document
    stage.tdr("rollback", run, "--yes")

    assert actions(plan) == {"query/sizes": [action]}
    assert sql_of(stage, "sizes") == "SELECT 1"


def moved(stage: Stage) -> None:
    stage.write("manifests/more.yaml", SIZES.replace("name: sizes", "name: big").replace("SELECT 1", "SELECT 2"))
    stage.edit("manifests/more.yaml", "{database", "{name: sizes, database")
    stage.write(
        "manifests/transitions.yaml",
        "apiVersion: tdr/v1\nkind: Transitions\nmoved: [{from: query/sizes, to: query/big}]\n",
    )
    stage.tdr("apply", "--yes")


def moved_and_renamed(stage: Stage) -> None:
    stage.edit("manifests/more.yaml", "name: sizes", "name: big")
    stage.tdr("state", "mv", "query/sizes", "query/big")
    stage.tdr("apply", "--yes")


def taken_away(stage: Stage) -> None:
    (stage.folder / "manifests/more.yaml").unlink()
    stage.tdr("apply", "--yes")


@pytest.mark.parametrize(
    ("meanwhile", "why"),
    [
        (moved, "query/sizes is query/big since that run"),
        (moved_and_renamed, "query/sizes was moved or taken away since that run"),
        (taken_away, "query/sizes was moved or taken away since that run"),
    ],
)
def test_a_run_from_before_a_move_or_a_deletion_makes_no_second_object(
    sized: tuple[Stage, str], meanwhile: Callable[[Stage], None], why: str
) -> None:
    stage, run = sized
    meanwhile(stage)
    before = stage.records()

    said = stage.tdr("rollback", run, "--yes", expect=1)

    assert said.err.startswith(f"error: {why}\nhint: roll back first what did that, or move it back")
    assert stage.records() == before
    stage.tdr("plan", "--detailed-exitcode")


def test_what_failed_but_is_there_nevertheless_is_put_back(applied: Stage) -> None:
    applied.edit("manifests/pinterest.yaml", "Bought in spring", "Bought in March")
    audience = {"path": "/ad_accounts/*/audiences/**", "method": "PATCH"}
    applied.control.fault(kind="error", status=400, **audience)
    applied.tdr("apply", "--yes", expect=1)
    applied.control.clear_faults()
    (run,) = [
        one["run"] for one in applied.tdr("history", "--format", "json").document["runs"] if one["exit_code"] == 1
    ]
    before = applied.tdr("rollback", run, "--plan", "--format", "json").document
    (there,) = applied.audiences()
    # As if the call had been done after all, and its answer was what failed.
    httpx.patch(
        f"{applied.environ['TDR_VAR_pinterest']}/ad_accounts/{ACCOUNT}/audiences/{there['id']}",
        headers={"authorization": f"Bearer {applied.control.access_token('ads:read', 'ads:write')}"},
        json={"operation_type": "UPDATE", "description": "Bought in March"},
    ).raise_for_status()

    plan = applied.tdr("rollback", run, "--plan", "--format", "json").document
    applied.tdr("rollback", run, "--yes")

    assert (actions(before), actions(plan)) == ({}, {AUDIENCE: ["update"]})
    assert [one["description"] for one in applied.audiences()] == ["Bought in spring"]


def test_a_rollback_to_replacing_members_is_held_until_it_is_approved(applied: Stage) -> None:
    applied.edit("manifests/activation.yaml", "membership: replace", "membership: add")
    applied.tdr("apply", "--yes")
    run = newest(applied)

    plan = applied.tdr("rollback", run, "--plan", "--format", "json", expect=3).document
    applied.tdr("rollback", run, "--yes", expect=3)
    (gate,) = plan["gates"]
    applied.tdr("rollback", run, "--yes", *gate["approve"].split(), "--reason", "it is meant")

    assert gate["rule"] == "membership"
    assert (
        f"manifests-differ: your manifests still say otherwise for {ACTIVATION} (/membership): "
        "the next plan will bring it back" in warned(plan)
    )
    applied.edit("manifests/activation.yaml", "membership: add", "membership: replace")
    applied.tdr("plan", "--detailed-exitcode")
