"""`--replace`: an object is deleted and made anew because somebody asks for it."""

from __future__ import annotations

import json
from importlib.resources import files

import jsonschema
import pytest
from stage import Stage

QUERY = "query/buyers-per-month"
SCHEMA = json.loads((files("reconciler.reports") / "schemas" / "plan.json").read_text(encoding="utf-8"))


def query_id(stage: Stage) -> str:
    with stage.somebody() as client:
        return str(next(raw["id"] for raw in client.saved_queries() if raw["name"] == "buyers-per-month"))


def test_an_object_is_made_anew_and_then_nothing_is_left_to_do(applied: Stage) -> None:
    before = query_id(applied)

    document = applied.tdr("plan", "--replace", QUERY, "--format", "json").document
    jsonschema.validate(document, SCHEMA)
    (change,) = [change for change in document["changes"] if change["actions"] != ["noop"]]
    assert (change["address"], change["actions"], change["reason"]) == (QUERY, ["replace"], "requested_replace")
    assert (document["complete"], document["replace"]) == (True, [QUERY])
    assert "-/+ query/buyers-per-month" in applied.tdr("plan", "--replace", "query/*").out

    applied.tdr("apply", "--yes", "--replace", "query/*")

    assert query_id(applied) != before
    applied.tdr("plan", "--detailed-exitcode")


def test_a_saved_plan_records_it_and_does_it_once(applied: Stage) -> None:
    before = query_id(applied)
    applied.tdr("plan", "--replace", QUERY, "--out", "plan.json")

    applied.tdr("apply", "plan.json")

    after = query_id(applied)
    assert after != before
    applied.tdr("apply", "plan.json", expect=4)
    assert query_id(applied) == after


def test_a_saved_plan_does_not_replace_what_somebody_changed_meanwhile(applied: Stage) -> None:
    before = query_id(applied)
    applied.tdr("plan", "--replace", QUERY, "--out", "plan.json")
    with applied.somebody() as client:
        client.update_saved_query("buyers-per-month", {"cron": "0 5 * * *"})

    assert QUERY in applied.tdr("apply", "plan.json", expect=4).err
    assert query_id(applied) == before


@pytest.mark.parametrize("lifecycle", ["protect: true", "on_delete: block", "on_delete: forget", "on_delete: disable"])
def test_a_document_that_does_not_want_its_object_deleted_holds_it(applied: Stage, lifecycle: str) -> None:
    applied.edit("manifests/shop.yaml", "kind: Query", f"kind: Query\nlifecycle: {{{lifecycle}}}")
    applied.tdr("apply", "--yes")
    before = query_id(applied)

    gates = applied.tdr("plan", "--replace", QUERY, "--format", "json", expect=3).document["gates"]
    assert [gate["rule"] for gate in gates] == ["protected" if lifecycle.startswith("protect") else "on_delete"]
    applied.tdr("apply", "--yes", "--replace", QUERY, expect=3)
    assert query_id(applied) == before

    applied.tdr("apply", "--yes", "--replace", QUERY, *gates[0]["approve"].split(), "--reason", "it is meant")
    assert query_id(applied) != before


def test_a_threshold_counts_it_as_a_deletion(applied: Stage) -> None:
    environment = applied.folder / "manifests/environments/local.yaml"
    environment.write_text(environment.read_text(encoding="utf-8") + "thresholds: {max_deletes: 0}\n", encoding="utf-8")

    gates = applied.tdr("plan", "--replace", QUERY, "--format", "json", expect=3).document["gates"]

    assert [gate["rule"] for gate in gates] == ["deletes"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--replace", "database/shop"], "all that is in it would go with it"),
        (["--replace", "*"], "all that is in it would go with it"),
        (["--replace", "query/gone"], "matches nothing in the manifests"),
        (["--replace", "gone"], "is not an address"),
        (["--replace", QUERY, "--target", "table/*"], "not in the part"),
        (["--replace", "schedule/nightly"], "nothing at any vendor"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_made_anew_is_refused_with_the_reason(applied: Stage, options: list[str], message: str) -> None:
    applied.write(
        "manifests/nightly.yaml",
        'apiVersion: tdr/v1\nkind: Schedule\nmetadata: {name: nightly}\nspec: {cron: "0 3 * * *"}\n',
    )

    assert message in applied.tdr("plan", *options, expect=64).err


def test_what_no_document_declares_any_more_is_not_made_anew(applied: Stage) -> None:
    applied.edit("manifests/shop.yaml", "name: buyers-per-month", "name: buyers")

    assert "in the manifests" in applied.tdr("plan", "--replace", QUERY, expect=64).err


def test_what_others_hold_by_its_id_is_not_made_anew(project: Stage) -> None:
    project.write(
        "manifests/tree.yaml",
        """\
apiVersion: tdr/v1
kind: ParentSegment
metadata: {name: buyers}
spec: {master: {database: shop, table: customers}, attributes: [{name: E-mail, column: email}]}
---
apiVersion: tdr/v1
kind: Segment
metadata: {name: one}
spec: {parent_segment: buyers, where: {all: [{attribute: email, starts_with: ["a"]}]}}
---
apiVersion: tdr/v1
kind: Segment
metadata: {name: two}
spec: {parent_segment: buyers, where: {all: [{segment: one}]}}
""",
    )

    assert "segment/two holds its id" in project.tdr("plan", "--replace", "segment/one", expect=64).err
    assert "would go with it" in project.tdr("plan", "--replace", "parentsegment/buyers", expect=64).err


def test_a_plan_file_is_not_told_to_replace(applied: Stage) -> None:
    applied.tdr("plan", "--out", "plan.json")

    assert "--replace" in applied.tdr("apply", "plan.json", "--replace", QUERY, expect=64).err
