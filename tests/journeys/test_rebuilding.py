"""A lost state is made again from documents, names and marks."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable

import pytest
from jsonschema import Draft202012Validator
from made_by_others import SCHEMA
from stage import ACCOUNT, TITLE, Stage


def lose_the_state(stage: Stage) -> None:
    (stage.state / "state.json").unlink()
    for left in stage.state.glob("journal*"):
        left.unlink()
    shutil.rmtree(stage.state / "history", ignore_errors=True)


def test_a_lost_state_is_rebuilt_from_documents_names_and_marks(applied: Stage) -> None:
    before = {name: record["id"] for name, record in applied.records().items()}
    lose_the_state(applied)

    assert applied.tdr("import", "--rebuild", expect=64).err.startswith("error: nobody is there to ask\n")
    said = applied.tdr("import", "--rebuild", "--yes")

    assert {name: record["id"] for name, record in applied.records().items()} == before
    assert [line for line in said.out.splitlines() if line.startswith("!")] == []
    assert applied.tdr("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("forget", [lose_the_state, lambda _: None], ids=["all is lost", "nothing is lost"])
def test_a_rebuild_names_what_is_declared_and_was_found_nowhere(
    applied: Stage, forget: Callable[[Stage], None]
) -> None:
    before = sorted(applied.records())
    lost = ["query/lost-daily", "query/lost-weekly"]
    for name in lost:
        query = f"metadata: {{name: {name.partition('/')[2]}}}\nspec: {{database: shop, sql: SELECT 1 AS n}}\n"
        applied.write(f"manifests/{name}.yaml", f"apiVersion: tdr/v1\nkind: Query\n{query}")
    forget(applied)

    told = applied.tdr("import", "--rebuild", "--yes", "--format", "json").document
    again = applied.tdr("import", "--rebuild", "--yes").out.splitlines()

    Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(told)
    assert told["not_found"] == lost
    assert [one["address"] for one in told["adopted"]] == (before if forget is lose_the_state else [])
    assert [line for line in again if line.startswith("?")] == [
        f"? {name}: nothing was found at its vendor; `tdr apply` makes it" for name in lost
    ]
    assert again[-1] == "Import: 0 files written, 0 adopted, 0 left out, 2 not found. Nothing new is remembered."


def test_a_rebuild_does_not_choose_among_several(applied: Stage) -> None:
    lose_the_state(applied)
    (there,) = applied.audiences()
    twin = {"ad_account_id": ACCOUNT, "name": TITLE, "customer_list_id": there["rule"]["customer_list_id"]}
    applied.control.call("POST", "/audiences", twin)

    said = applied.tdr("import", "--rebuild", "--yes", "--format", "json", expect=3)

    assert "ambiguous_identity" in {gate["rule"] for gate in said.document["gates"]}
    assert applied.records() == {}
