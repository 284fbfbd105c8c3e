"""Tables and databases under another name: a table keeps its rows; a database, which has no renaming, is not made anew unasked."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest
from stage import Stage, ended

FILE = "manifests/shop.yaml"


def planned(stage: Stage) -> dict[str, tuple[str, list[str]]]:
    changes = stage.tdr("plan", "--format", "json", expect=None).document["changes"]
    return {
        one["address"]: ("+".join(one["actions"]), [field["path"] for field in one["fields"]])
        for one in changes
        if one["actions"] != ["noop"]
    }


def tables(stage: Stage) -> dict[str, int]:
    with stage.somebody() as client:
        return {str(raw["name"]): int(str(raw["count"])) for raw in client.tables("shop")}


def declare(stage: Stage, before: str, after: str) -> None:
    """Exchange the table's document; queries and imports follow its name."""
    text = (stage.folder / FILE).read_text(encoding="utf-8")
    head, table, rest = text.partition(before)
    assert table, text
    stage.write(FILE, head + after + rest)


def test_a_table_that_is_called_otherwise_is_renamed_with_its_rows(loaded: Stage) -> None:
    rows = tables(loaded)["customers"]
    declare(loaded, "  columns:", "  name: members\n  columns:")
    loaded.edit("manifests/activation.yaml", "FROM customers", "FROM members")

    assert planned(loaded)["table/customers"] == ("update", ["/name"])
    loaded.tdr("apply", "--yes", *loaded.approvals())

    assert tables(loaded) == {"members": rows}
    assert planned(loaded) == {}
    assert loaded.records()["table/customers"]["id"] == "shop.members"


@pytest.mark.parametrize(
    "keeps_name", [True, False], ids=["the table keeps its name", "the table follows its document"]
)
def test_a_document_that_is_called_otherwise_is_a_move(loaded: Stage, *, keeps_name: bool) -> None:
    rows = tables(loaded)["customers"]
    table = "metadata: {name: customers}\nspec:\n  database: shop\n"
    name = "  name: customers\n" if keeps_name else ""
    declare(loaded, table, table.replace("customers", "members") + name)
    called = "customers" if keeps_name else "members"
    loaded.edit(FILE, "to: {database: shop, table: customers,", "to: {database: shop, table: members,")
    loaded.edit("manifests/activation.yaml", "FROM customers", f"FROM {called}")
    loaded.write(
        "manifests/moves.yaml",
        "apiVersion: tdr/v1\nkind: Transitions\nmoved: [{from: table/customers, to: table/members}]\n",
    )

    loaded.tdr("apply", "--yes", *loaded.approvals())

    assert tables(loaded) == {called: rows}
    assert loaded.records()["table/members"]["id"] == f"shop.{called}"
    assert "table/customers" not in loaded.records()
    assert planned(loaded) == {}


ARCHIVE = "apiVersion: tdr/v1\nkind: Database\nmetadata: {name: archive}\nspec: {}\n"


def moved(stage: Stage, *, renamed: bool = False) -> None:
    """Declare the customers in another database, which is not there yet, and perhaps under another name."""
    stage.write("manifests/archive.yaml", ARCHIVE)
    name = "  name: members\n" if renamed else ""
    declare(stage, "spec:\n  database: shop\n  columns:", f"spec:\n  database: archive\n{name}  columns:")
    stage.edit(FILE, "to: {database: shop, table: customers,", "to: {database: archive, table: customers,")
    table = "archive.members" if renamed else "archive.customers"
    stage.edit("manifests/activation.yaml", "FROM customers", f"FROM {table}")


def held(stage: Stage, database: str) -> dict[str, int]:
    with stage.somebody() as client:
        return {str(raw["name"]): int(str(raw["count"])) for raw in client.tables(database)}


@pytest.mark.parametrize("renamed", [False, True], ids=["under its name", "under another one"])
def test_a_table_goes_to_another_database_with_its_rows(loaded: Stage, *, renamed: bool) -> None:
    rows = tables(loaded)["customers"]
    moved(loaded, renamed=renamed)

    said = loaded.tdr("plan", "--format", "json").document
    (change,) = [one for one in said["changes"] if one["address"] == "table/customers"]
    assert change["actions"] == ["update"]
    assert said["gates"] == []
    loaded.tdr("apply", "--yes", *loaded.approvals())

    called = "members" if renamed else "customers"
    assert (tables(loaded), held(loaded, "archive")) == ({}, {called: rows})
    assert planned(loaded) == {}
    assert loaded.records()["table/customers"]["id"] == f"archive.{called}"


def test_the_database_that_it_left_may_go_in_the_same_apply(loaded: Stage) -> None:
    rows = tables(loaded)["customers"]
    loaded.edit(FILE, "metadata: {name: shop}\nspec: {}", "metadata: {name: archive}\nspec: {}")
    text = (loaded.folder / FILE).read_text(encoding="utf-8")
    loaded.write(FILE, text.replace("database: shop", "database: archive"))
    loaded.edit("manifests/activation.yaml", "database: shop", "database: archive")

    loaded.tdr("apply", "--yes", *loaded.approvals(), expect=None)

    assert held(loaded, "archive") == {"customers": rows}
    assert planned(loaded) == {}


@pytest.mark.parametrize(("where", "number"), [("before", 2), ("after", 2), ("before", 3), ("after", 3)])
def test_a_move_that_is_cut_off_goes_on_where_it_was(loaded: Stage, where: str, number: int) -> None:
    rows = tables(loaded)["customers"]
    moved(loaded, renamed=True)
    driver = Path(__file__).with_name("killed_at_request.py")
    process = loaded.start(
        [sys.executable, str(driver), where, str(number), "apply", "--yes", "--target", "table/customers"]
    )
    ended(process)
    assert process.returncode == -signal.SIGKILL

    loaded.tdr("apply", "--yes", "--target", "table/customers")

    assert (tables(loaded), held(loaded, "archive")) == ({}, {"members": rows})
    assert loaded.records()["table/customers"]["id"] == "archive.members"


def test_a_move_of_which_the_answer_was_lost_is_recognised(loaded: Stage) -> None:
    rows = tables(loaded)["customers"]
    moved(loaded)
    driver = Path(__file__).with_name("killed_at_request.py")
    process = loaded.start([sys.executable, str(driver), "after", "2", "apply", "--yes", "--target", "table/customers"])
    ended(process)

    (change,) = [
        one
        for one in loaded.tdr("plan", "--target", "table/customers", "--format", "json").document["changes"]
        if one["address"] == "table/customers"
    ]
    loaded.tdr("apply", "--yes", "--target", "table/customers")

    assert (change["actions"], change["reason"]) == (["adopt"], "journal_recovered")
    assert (tables(loaded), held(loaded, "archive")) == ({}, {"customers": rows})


def test_a_table_of_that_name_in_the_other_database_is_left_alone(loaded: Stage) -> None:
    rows = tables(loaded)["customers"]
    loaded.write("manifests/archive.yaml", ARCHIVE)
    loaded.tdr("apply", "--yes", "--target", "database/archive")
    with loaded.somebody() as client:
        client.create_table("archive", "customers", {})
    moved(loaded)

    said = loaded.tdr("apply", "--yes", *loaded.approvals(), expect=None)

    assert said.code
    assert tables(loaded) == {"customers": rows}
    assert held(loaded, "archive") == {"customers": 0}


def test_a_database_is_never_renamed_and_the_plan_says_what_would_go(loaded: Stage) -> None:
    rows = tables(loaded)
    loaded.edit(FILE, "metadata: {name: shop}\nspec: {}", "metadata: {name: shop}\nspec: {name: store}")

    said = loaded.tdr("plan", "--format", "json", expect=3).document

    gates = {gate["rule"]: gate for gate in said["gates"]}
    assert gates["contents"]["addresses"] == ["database/shop"]
    assert "all that is in it would be deleted with it" in gates["contents"]["message"]
    loaded.tdr("apply", "--yes", expect=3)
    assert tables(loaded) == rows
