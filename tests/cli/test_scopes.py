"""Runs of a part: `--target`, `--exclude`, `--selector`, and what goes with what they name."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from stage import Said, Stage

SCHEMAS = files("reconciler.reports") / "schemas"
MORE = """\
---
apiVersion: tdr/v1
kind: Query
metadata: {name: vip-daily, labels: {team: crm, tier: gold}}
spec: {database: shop, sql: SELECT 1}
---
apiVersion: tdr/v1
kind: Query
metadata: {name: vip-weekly, labels: {team: crm}}
spec: {database: shop, sql: SELECT 2}
---
apiVersion: tdr/v1
kind: Query
metadata: {name: churn, labels: {team: ads}}
dependsOn: [query/vip-weekly]
spec: {database: shop, sql: SELECT 3}
"""
ALL = {
    "database/shop",
    "import/customers",
    "query/buyers-per-month",
    "query/churn",
    "query/vip-daily",
    "query/vip-weekly",
    "table/customers",
}


@pytest.fixture
def shop(project: Stage) -> Stage:
    """The project of `tdr init` with three queries more."""
    project.write("manifests/more.yaml", MORE)
    return project


def planned(said: Said) -> set[str]:
    return {str(change["address"]) for change in said.document["changes"]}


def schema(name: str) -> Any:
    return json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))


# -- what is meant ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "meant"),
    [
        (["--target", "query/vip-*"], {"query/vip-daily", "query/vip-weekly", "database/shop"}),
        (["--target", "table/**"], {"table/customers", "database/shop"}),
        (
            ["--target", "query/vip-daily", "--target", "table/customers"],
            {"query/vip-daily", "table/customers", "database/shop"},
        ),
        (["--exclude", "query/vip-weekly"], ALL - {"query/vip-weekly", "query/churn"}),
        (["--exclude", "query/*", "--exclude", "import/*"], {"database/shop", "table/customers"}),
        (["--target", "query/*", "--exclude", "query/vip-*"], {"query/buyers-per-month", "database/shop"}),
        (["--selector", "team=crm"], {"query/vip-daily", "query/vip-weekly", "database/shop"}),
        (["--selector", "team=crm", "--selector", "tier=gold"], {"query/vip-daily", "database/shop"}),
        (["--selector", "team=crm", "--selector", "tier!=gold"], {"query/vip-weekly", "database/shop"}),
        (["--selector", "team=crm", "--target", "*/*-weekly"], {"query/vip-weekly", "database/shop"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_part_is_what_is_named_and_what_goes_with_it(shop: Stage, options: list[str], meant: set[str]) -> None:
    said = shop.tdr("plan", *options, "--format", "json")

    jsonschema.validate(said.document, schema("plan"))
    assert not said.document["complete"]
    assert planned(said) == meant


def test_a_whole_plan_says_that_it_is_whole(shop: Stage) -> None:
    document = shop.tdr("plan", "--format", "json").document

    assert document["complete"]
    assert document["partial"] is None
    assert planned(shop.tdr("plan", "--format", "json")) == ALL


def test_the_banner_says_what_is_left_out_because_of_what_it_needs(shop: Stage) -> None:
    lines = shop.tdr("plan", "--exclude", "query/vip-weekly").out.splitlines()

    assert lines[2:4] == [
        "! partial plan: without query/vip-weekly and what cannot do without",
        "    left out too: query/churn, which needs query/vip-weekly",
    ]
    document = shop.tdr("plan", "--exclude", "query/vip-weekly", "--format", "json").document
    assert document["partial"] == {
        "targets": [],
        "excludes": ["query/vip-weekly"],
        "selectors": [],
        "left_out": [{"address": "query/churn", "needs": "query/vip-weekly"}],
    }


def test_a_file_names_one_a_line_with_comments(shop: Stage) -> None:
    shop.write("only.txt", "# of the CRM team\nquery/vip-*   # both\n\ntable/customers\r\n")

    assert planned(shop.tdr("plan", "--target", "@only.txt", "--format", "json")) == {
        "database/shop",
        "query/vip-daily",
        "query/vip-weekly",
        "table/customers",
    }
    assert "query/vip-daily" not in planned(shop.tdr("plan", "--exclude", "@only.txt", "--format", "json"))


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        (["--target", "query/vip-dialy"], "matches nothing", "did you mean `query/vip-daily`?"),
        (["--target", "query/vop-*"], "matches nothing", "did you mean `query/vip-"),
        (["--exclude", "audience/*"], "--exclude 'audience/*' matches nothing", ""),
        (["--target", "vip-daily"], "is not an address", "activation/vip-*"),
        (["--selector", "team=crn"], "no document has such labels", "did you mean `team=crm`?"),
        (["--selector", "team"], "write key=value", ""),
        (["--target", "@none.txt"], "none.txt", "one address or glob a line"),
        (["--target", "@empty.txt"], "names nothing", "one address or glob a line"),
        (["--target", "@wrong.txt"], "wrong.txt:2", "a glob"),
        (["--target", "query/churn", "--selector", "team=crm"], "meets all", ""),
        (["--target", "query/churn", "--exclude", "query/*"], "excluded", "--exclude"),
        (["--target", "query/churn", "--exclude", "query/vip-weekly"], "query/churn needs query/vip-weekly", ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_means_nothing_is_a_wrong_command_line(shop: Stage, options: list[str], message: str, hint: str) -> None:
    shop.write("empty.txt", "# nothing yet\n")
    shop.write("wrong.txt", "query/churn\nchurn\n")

    said = shop.tdr("plan", *options, expect=64)

    assert message in said.err
    assert hint in said.err


# -- what is done -------------------------------------------------------------------------------------------------------


def test_an_apply_of_a_part_does_that_part(shop: Stage) -> None:
    shop.tdr("apply", "--yes", "--selector", "team=crm")

    assert set(shop.records()) == {"database/shop", "query/vip-daily", "query/vip-weekly"}


def test_a_saved_plan_of_a_part_says_so_when_it_is_shown_and_applied(shop: Stage) -> None:
    shop.tdr("plan", "--exclude", "query/*", "--out", "plan.json")
    banner = "! partial plan: without query/* and what cannot do without"

    assert banner in shop.tdr("show", "plan.json").out
    assert banner in shop.tdr("apply", "plan.json").out
    assert set(shop.records()) == {"database/shop", "import/customers", "table/customers"}


@pytest.mark.parametrize("option", ["--target", "--exclude", "--selector"])
def test_a_plan_file_is_not_narrowed_again(shop: Stage, option: str) -> None:
    shop.tdr("plan", "--out", "plan.json")

    shop.tdr("apply", "plan.json", option, "query/a=b" if option == "--selector" else "query/*", expect=64)


def test_deletions_are_narrowed_alike_and_have_no_labels(shop: Stage) -> None:
    shop.tdr("apply", "--yes")
    for name in ("vip-daily", "churn"):
        shop.edit("manifests/more.yaml", f"name: {name},", f"name: new-{name},")

    def going(*options: str) -> set[str]:
        changes = shop.tdr("plan", *options, "--format", "json", expect=None).document["changes"]
        return {change["address"] for change in changes if change["actions"] == ["delete"]}

    assert going() == {"query/vip-daily", "query/churn"}
    assert going("--target", "query/vip-*") == {"query/vip-daily"}
    assert going("--exclude", "query/vip-daily") == {"query/churn"}
    assert going("--selector", "team=crm") == set()
    assert going("--selector", "team!=crm") == set()


def test_destroying_a_part_takes_along_what_needs_it_and_keeps_what_an_excluded_one_needs(shop: Stage) -> None:
    shop.tdr("apply", "--yes")

    shop.tdr("destroy", "--yes", "--env", "local", "--target", "query/vip-weekly")
    assert ALL - set(shop.records()) == {"query/vip-weekly", "query/churn"}

    shop.tdr("destroy", "--yes", "--env", "local", "--exclude", "import/*")
    assert set(shop.records()) == {"database/shop", "import/customers", "table/customers"}
    assert (
        "matches nothing in the state"
        in shop.tdr("destroy", "--yes", "--env", "local", "--target", "query/churn", expect=64).err
    )


def test_a_look_for_drift_is_narrowed_and_says_so(shop: Stage) -> None:
    shop.tdr("apply", "--yes")
    with shop.somebody() as client:
        client.update_saved_query("vip-daily", {"query": "SELECT 4"})

    document = shop.tdr("drift", "--target", "query/vip-*", "--format", "json", expect=2).document
    jsonschema.validate(document, schema("drift"))
    assert not document["complete"]
    assert {entry["address"] for entry in document["resources"]} == {
        "database/shop",
        "query/vip-daily",
        "query/vip-weekly",
    }
    assert "! partial look: without query/vip-daily" in shop.tdr("drift", "--exclude", "query/vip-daily").out
    shop.tdr("drift", "--target", "query/*", "--unmanaged", expect=64)
    shop.tdr("drift", "--target", "query/*", "--accept", "query/vip-daily", expect=64)
