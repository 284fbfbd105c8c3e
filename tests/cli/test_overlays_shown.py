"""Overlays through the command line: shown by `validate` and `explain`, edited by `drift --accept`, seen by every plan."""

from __future__ import annotations

from typing import Any

import pytest
from stage import Stage

FILE, ENV = "manifests/sizes.yaml", "manifests/environments/local.yaml"
SIZES = """\
apiVersion: tdr/v1
kind: Query
metadata: {name: sizes}
spec: {database: shop, sql: SELECT 1 AS n, priority: 1}
"""
OVERLAY = """\
overlays:
  query/sizes:
    spec:
      priority: -1   # it can wait
      retry_limit: 3
"""


@pytest.fixture
def overlaid(applied: Stage) -> Stage:
    """A project whose one environment says two fields of a query otherwise."""
    applied.write(FILE, SIZES)
    kept = (applied.folder / ENV).read_text(encoding="utf-8") if (applied.folder / ENV).exists() else ""
    applied.write(ENV, kept + OVERLAY)
    applied.tdr("apply", "--yes")
    return applied


def updates(stage: Stage) -> dict[str, Any]:
    changes = stage.tdr("plan", "--format", "json").document["changes"]
    return {
        one["address"]: {field["path"]: field["after"] for field in one["fields"]}
        for one in changes
        if one["actions"] == ["update"]
    }


def line_of(stage: Stage, text: str) -> str:
    lines = (stage.folder / ENV).read_text(encoding="utf-8").splitlines()
    return f"{ENV}:{next(number for number, line in enumerate(lines, 1) if text in line)}"


def test_what_is_applied_is_what_the_environment_says(overlaid: Stage) -> None:
    applied = overlaid.records()["query/sizes"]["applied"]
    assert (applied["priority"], applied["retry_limit"], applied["sql"]) == (-1, 3, "SELECT 1 AS n")


def test_validate_and_explain_tell_where_a_value_comes_from(overlaid: Stage) -> None:
    told = overlaid.tdr("validate", "--format", "json").document
    assert [(one["address"], one["path"], f"{one['file']}:{one['line']}") for one in told["overlays"]] == [
        ("query/sizes", "/spec/priority", line_of(overlaid, "priority: -1")),
        ("query/sizes", "/spec/retry_limit", line_of(overlaid, "retry_limit: 3")),
    ]
    assert f"query/sizes /spec/priority  {line_of(overlaid, 'priority: -1')}:17" in overlaid.tdr("validate").out
    fields = overlaid.tdr("explain", "query/sizes", "--format", "json").document["fields"]
    sources = {field["path"]: field["source"] for field in fields}
    assert sources["/priority"] == f"{line_of(overlaid, 'priority: -1')}:17"
    assert sources["/sql"] == f"{FILE}:4:29"


def test_every_plan_sees_a_changed_overlay(overlaid: Stage) -> None:
    overlaid.tdr("plan", "--detailed-exitcode")  # sets aside what it finds settled
    overlaid.edit(ENV, "priority: -1", "priority: 2")
    assert "priority" in overlaid.tdr("plan", "--detailed-exitcode", expect=2).out
    assert updates(overlaid) == {"query/sizes": {"/priority": 2}}


def test_an_overlay_laid_over_what_was_set_aside_is_seen(applied: Stage) -> None:
    applied.write(FILE, SIZES)
    applied.tdr("apply", "--yes")
    applied.tdr("plan", "--detailed-exitcode")
    kept = (applied.folder / ENV).read_text(encoding="utf-8") if (applied.folder / ENV).exists() else ""
    applied.write(ENV, kept + OVERLAY)

    applied.tdr("plan", "--detailed-exitcode", expect=2)


def test_what_was_found_is_written_into_the_overlay(overlaid: Stage) -> None:
    before = (overlaid.folder / FILE).read_bytes()
    with overlaid.somebody() as client:
        client.update_saved_query("sizes", {"priority": 0, "query": "SELECT 2 AS n"})

    overlaid.tdr("drift", "--accept", "query/sizes/priority")
    assert "priority: 0   # it can wait" in (overlaid.folder / ENV).read_text(encoding="utf-8")
    assert (overlaid.folder / FILE).read_bytes() == before

    overlaid.tdr("drift", "--accept", "query/sizes")
    assert "sql: SELECT 2 AS n" in (overlaid.folder / FILE).read_text(encoding="utf-8")
    overlaid.tdr("apply", "--yes")
    overlaid.tdr("drift")


def test_a_field_that_the_overlay_gave_is_taken_away_by_null(overlaid: Stage) -> None:
    with overlaid.somebody() as client:
        client.update_saved_query("sizes", {"retry_limit": 0})

    overlaid.tdr("drift", "--accept", "query/sizes/retry_limit")

    overlaid.tdr("apply", "--yes")
    overlaid.tdr("drift")


def test_a_list_of_which_a_part_is_overlaid_is_not_accepted_in_one_place(applied: Stage) -> None:
    kept = (applied.folder / ENV).read_text(encoding="utf-8")
    columns = "[{name: email, alias: mail}]"
    applied.write(ENV, f"{kept}overlays:\n  table/customers: {{spec: {{columns: {columns}}}}}\n")
    applied.tdr("apply", "--yes")
    before = (applied.folder / "manifests/shop.yaml").read_bytes()
    with applied.somebody() as client:
        client.update_schema("shop", "customers", '[["email","string"],["age","int"]]')

    said = applied.tdr("drift", "--accept", "table/customers", expect=1)

    assert f"a part of /columns is overlaid by the environment at {line_of(applied, columns)}" in said.err
    assert (applied.folder / "manifests/shop.yaml").read_bytes() == before
