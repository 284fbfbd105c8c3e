"""How long reports of runs are kept is declared, and what tells of the present stays."""

from __future__ import annotations

import json
from typing import Any

import pytest
from stage import Stage


def hours(stage: Stage, *wanted: int) -> None:
    """Apply once for each hour that the query is to run at."""
    text = (stage.folder / "manifests/shop.yaml").read_text(encoding="utf-8")
    for hour in wanted:
        stage.write("manifests/shop.yaml", text.replace("0 3 * * *", f"0 {hour} * * *"))
        stage.tdr("apply", "--yes")


def kept(stage: Stage) -> list[str]:
    """What each run that is kept did, newest first."""
    runs = stage.tdr("history", "--format", "json").document["runs"]
    return [", ".join(f"{count} {status}" for status, count in run["summary"].items()) for run in runs]


def test_runs_beyond_what_the_project_says_go_but_for_what_tells_of_the_present(applied: Stage) -> None:
    applied.edit("tdr.yaml", "project: shop\n", "project: shop\nhistory: {runs: 2}\n")

    hours(applied, 4, 5, 6, 7)

    # The first one made what no later one touched.
    assert kept(applied) == ["1 done", "1 done", "4 done"]


def test_an_environment_goes_before_its_project(applied: Stage) -> None:
    applied.edit("tdr.yaml", "project: shop\n", "project: shop\nhistory: {runs: 1, max_age: 30d}\n")
    applied.write("manifests/environments/local.yaml", "history: {runs: 3}\n")

    hours(applied, 4, 5, 6, 7)

    assert kept(applied) == ["1 done", "1 done", "1 done", "4 done"]


def test_runs_that_are_too_old_go(applied: Stage) -> None:
    applied.write("manifests/environments/local.yaml", "history: {runs: 3, max_age: 2d}\n")
    hours(applied, 4, 5)
    text = (applied.folder / "manifests/shop.yaml").read_text(encoding="utf-8")
    applied.write("manifests/shop.yaml", text.replace("0 5 * * *", "0 6 * * *"))

    applied.tdr("apply", "--yes", TDR_NOW="2040-01-01T00:00:00Z")

    assert kept(applied) == ["1 done", "4 done"]


def test_a_history_of_nothing_is_refused(project: Stage) -> None:
    project.write("manifests/environments/local.yaml", "history: {runs: 0, max_age: 5m}\n")

    said = project.tdr("validate", expect=7)

    assert "local.yaml:1" in said.err
    assert said.err.count("error[") == 2


@pytest.mark.parametrize(
    "change",
    [
        {"exit_code": "z"}, {"exit_code": None}, {"results": 3}, {"results": [1]}, {"results": [{}]}, {"summary": 5},
        {"summary": None}, {"approvals": "x"}, {"operation": 7}, {"created_at": 5}, {"format": "tdr.plan"}, {"format": None},
    ],
    ids=str,
)  # fmt: skip
def test_a_document_that_is_no_report_hides_no_other_and_is_told_as_such(
    applied: Stage, change: dict[str, Any]
) -> None:
    hours(applied, 4)
    file, *_ = sorted((applied.state / "runs").glob("*.json"))
    name = file.stem.rpartition("-")[2]
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | change), encoding="utf-8")

    assert kept(applied)[0] == "1 done"
    assert name in applied.tdr("history").out
    for form in ("text", "json"):
        said = applied.tdr("history", name, "--format", form, expect=1)
        assert f"what is kept of run {name} is no report of one" in said.out + said.err
    assert "bug in tdr" not in "".join(applied.heard)


def test_a_file_of_anything_else_is_no_report_either(applied: Stage) -> None:
    (file,) = (applied.state / "runs").glob("*.json")
    file.write_text("{}", encoding="utf-8")

    assert kept(applied) == [""]
    assert "is no report of one" in applied.tdr("history", file.stem.rpartition("-")[2], expect=1).err
    assert "bug in tdr" not in applied.tdr("rollback", file.stem.rpartition("-")[2], expect=None).err
