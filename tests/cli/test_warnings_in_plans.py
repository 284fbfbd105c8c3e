"""What `tdr validate` warns of, a plan shows too: in its text, its document and its saved form, in the same order."""

from __future__ import annotations

from typing import Any

import pytest
from stage import Stage

BERLIN = """\
apiVersion: tdr/v1
kind: Query
metadata: {name: berlin}
spec: {database: shop, sql: SELECT 1 AS n, schedule: {cron: "30 2 * * *", timezone: Europe/Berlin}}
"""
LINKED = "manifests/away"


@pytest.fixture
def warned(project: Stage) -> Stage:
    """A project of which the loader, a provider's look at a timing and a rule of the project have something to say."""
    (project.folder / "elsewhere").mkdir()
    (project.folder / LINKED).symlink_to(project.folder / "elsewhere")
    project.write("manifests/berlin.yaml", BERLIN)
    return project


def findings(project: Stage) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = project.tdr("validate", "--format", "json").document["diagnostics"]
    return found


def warnings(project: Stage, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = project.tdr("plan", "--format", "json", *arguments).document["warnings"]
    return found


def test_a_plan_tells_what_validate_tells_in_the_same_order(warned: Stage) -> None:
    told = findings(warned)

    assert [(one["rule"], one["file"]) for one in told] == [
        ("link-not-followed", LINKED),
        ("clock-change", "manifests/berlin.yaml"),  # in spring
        ("clock-change", "manifests/berlin.yaml"),  # in autumn
    ]
    assert warnings(warned) == told
    assert warnings(warned, "--out", "saved.plan") == told
    assert warned.tdr("show", "saved.plan", "--format", "json").document["warnings"] == told


def test_the_text_of_a_plan_tells_each_finding_once_with_its_place(warned: Stage) -> None:
    new = warned.tdr("plan").out
    warned.tdr("apply", "--yes")
    unchanged = warned.tdr("plan").out
    again = warned.tdr("plan").out

    for finding in findings(warned):
        for said in (new, unchanged, again):
            assert said.count(finding["message"]) == 1
        assert f"    {finding['file']}:{finding['line']}:{finding['column']}\n" in unchanged
    assert "No changes." in unchanged
    assert unchanged == again
