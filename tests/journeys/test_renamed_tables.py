"""Tables and databases under another name: a table keeps its rows; a database, which has no renaming, is not made anew unasked."""

from __future__ import annotations

import pytest
from stage import Stage

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


def test_a_database_is_never_renamed_and_the_plan_says_what_would_go(loaded: Stage) -> None:
    rows = tables(loaded)
    loaded.edit(FILE, "metadata: {name: shop}\nspec: {}", "metadata: {name: shop}\nspec: {name: store}")

    said = loaded.tdr("plan", "--format", "json", expect=3).document

    gates = {gate["rule"]: gate for gate in said["gates"]}
    assert gates["contents"]["addresses"] == ["database/shop"]
    assert "all that is in it would be deleted with it" in gates["contents"]["message"]
    loaded.tdr("apply", "--yes", expect=3)
    assert tables(loaded) == rows
