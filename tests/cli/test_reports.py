"""One run, several reports: written whatever the run came to, and never worth what it did."""

from __future__ import annotations

import json
import os
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from stage import Stage

from reconciler.cli import reporting

SCHEMAS = files("reconciler.reports") / "schemas"


def read(stage: Stage, name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((stage.folder / name).read_text())
    schema = json.loads((SCHEMAS / f"{document['format'].removeprefix('tdr.')}.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(document)
    return document


def test_one_run_gives_text_and_every_report(project: Stage) -> None:
    said = project.tdr(
        "plan", "--report", "json=plan.json", "--report", "markdown=plan.md", "--report", "text=plan.txt"
    )

    assert said.out == (project.folder / "plan.txt").read_text()
    assert read(project, "plan.json")["summary"] == {"create": 4}
    assert (project.folder / "plan.md").read_text().startswith("### Plan for `local`: 4 to create")


def test_every_verb_that_ends_in_a_result_reports_it(applied: Stage) -> None:
    formats = {}
    for verb in (
        ("plan",),
        ("validate",),
        ("drift",),
        ("status",),
        ("import", "--all", "--dry-run"),
        ("apply", "--yes"),
        ("destroy", "--yes", "--env", "local"),
    ):
        applied.tdr(*verb, "--report", "json=report.json", "--report", "markdown=report.md", expect=None)
        formats[verb[0]] = read(applied, "report.json")["format"]
        assert (applied.folder / "report.md").read_text().startswith("### ")
    assert formats == {
        "plan": "tdr.plan",
        "validate": "tdr.validation",
        "drift": "tdr.drift",
        "status": "tdr.status",
        "import": "tdr.import",
        "apply": "tdr.run",
        "destroy": "tdr.run",
    }


def test_a_plan_that_a_gate_holds_is_reported(applied: Stage) -> None:
    applied.write("manifests/environments/local.yaml", "thresholds: {max_deletes: 0, minimum_resources: 1}\n")
    applied.write("manifests/shop.yaml", (applied.folder / "manifests/shop.yaml").read_text().partition("---")[0])

    applied.tdr("plan", "--report", "json=plan.json", expect=3)
    applied.tdr("apply", "--yes", "--report", "json=run.json", "--report", "markdown=run.md", expect=3)

    assert [gate["rule"] for gate in read(applied, "plan.json")["gates"]] == ["deletes"]
    assert read(applied, "run.json")["format"] == "tdr.plan"
    page = (applied.folder / "run.md").read_text()
    assert "**held by a gate**" in page
    assert "**Held by gates**\n\n- `deletes`: " in page


def test_invalid_manifests_are_reported_with_their_findings(project: Stage) -> None:
    project.edit("manifests/shop.yaml", "spec: {}", "spec: {nmae: x}")

    for verb in ("validate", "plan"):
        project.tdr(verb, "--report", "json=found.json", "--report", "markdown=found.md", expect=7)
        document = read(project, "found.json")
        assert (document["format"], document["valid"]) == ("tdr.validation", False)
        assert document["diagnostics"][0]["file"] == "manifests/shop.yaml"
        assert "**1 error**" in (project.folder / "found.md").read_text()


def test_a_run_that_fails_says_why_in_its_report(applied: Stage) -> None:
    applied.tdr("plan", "--out", "plan.json")
    document = json.loads((applied.folder / "plan.json").read_text())
    applied.write("plan.json", json.dumps(document | {"environment": "prod"}))

    said = applied.tdr("apply", "plan.json", "--report", "json=run.json", "--report", "markdown=run.md", expect=4)

    report = read(applied, "run.json")
    assert (report["format"], report["exit_code"], report["error"]) == ("tdr.error", 4, "StalePlan")
    assert said.err.startswith(f"error: {report['message']}\n")
    assert "exit code 4" in (applied.folder / "run.md").read_text()


def test_an_apply_that_fails_halfway_reports_what_it_did(project: Stage) -> None:
    text = (project.folder / "manifests/shop.yaml").read_text()
    lost = "spec: {database: no_such_database, columns: [{name: one, type: long}]}\n"
    project.write(
        "manifests/shop.yaml", f"{text}---\napiVersion: tdr/v1\nkind: Table\nmetadata: {{name: lost}}\n{lost}"
    )

    project.tdr("apply", "--yes", "--report", "json=run.json", "--report", "markdown=run.md", expect=6)

    report = read(project, "run.json")
    assert (report["exit_code"], report["summary"]) == (6, {"done": 4, "failed": 1})
    page = (project.folder / "run.md").read_text()
    assert page.startswith("### Apply to `local`: 4 done, **1 failed**\n")
    assert "**Failed** (1)\n\n- `table/lost` (create): " in page
    assert "<details><summary>Done (4)</summary>\n\n<pre>\ncreate     database/shop\n" in page


@pytest.mark.parametrize("place", ["nowhere/run.json", ".", "loop", "manifests/shop.yaml/run.json", "/dev/full"])
def test_a_report_that_cannot_be_written_is_told_after_all_is_done(project: Stage, place: str) -> None:
    (project.folder / "loop").symlink_to("loop")

    said = project.tdr("apply", "--yes", "--report", f"json={place}", "--report", "text=run.txt", expect=1)

    assert said.out.endswith("Apply: 4 done.\n")
    assert f"error: the json report cannot be written to {place!r}: " in said.err
    assert (project.folder / "run.txt").read_text() == "Apply: 4 done.\n", "the others are written"
    assert project.tdr("plan").out.endswith("No changes. 4 resources as declared.\n")


def test_a_failure_stays_what_it_was_when_its_report_is_lost(project: Stage) -> None:
    project.edit("manifests/shop.yaml", "spec: {}", "spec: {nmae: x}")

    assert "cannot be written" in project.tdr("validate", "--report", "json=nowhere/x", expect=7).err


def test_a_report_may_follow_the_text_on_stdout(project: Stage) -> None:
    said = project.tdr("plan", "--report", "json=-")

    text, brace, document = said.out.partition("\n{\n")
    assert text.splitlines()[-1].startswith("Plan: 4 to create")
    assert json.loads(brace + document)["format"] == "tdr.plan"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("plan", "--report", "json"), "is not FORMAT=FILE"),
        (("plan", "--report", "yaml=x"), "is not FORMAT=FILE"),
        (("plan", "--report", "json="), "is not FORMAT=FILE"),
        (("plan", "--report", "json=x", "--report", "text=x"), "two reports go to 'x'"),
        (("plan", "--format", "json", "--report", "markdown=-"), "stdout holds the one document"),
        (("plan", "--format", "jsonl"), "`tdr plan` has no format 'jsonl'"),
        (("state", "list", "--format", "markdown"), "`tdr state list` has no format 'markdown'"),
        (("plan", "--max-chars", "0"), "--max-chars"),
    ],
)
def test_what_cannot_be_reported_is_refused_before_anything_is_done(
    project: Stage, arguments: tuple[str, ...], words: str
) -> None:
    assert words in project.tdr(*arguments, expect=64).err
    assert not (project.folder / "x").exists()


def test_a_format_for_all_verbs_is_text_where_one_does_not_know_it(project: Stage) -> None:
    assert project.tdr("plan", TDR_FORMAT="markdown").out.startswith("### Plan")
    assert project.tdr("state", "list", TDR_FORMAT="markdown").out == project.tdr("state", "list").out
    project.edit("tdr.yaml", "project: shop\n", "project: shop\ndefaults: {format: markdown, max_chars: 400}\n")
    assert len(project.tdr("plan").out) <= 400
    assert project.tdr("state", "list").out == project.tdr("state", "list", "--format", "text").out


def test_a_report_goes_into_a_pipe_as_it_is(project: Stage, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        project.tdr("validate", "--report", f"json={pipe}")
        assert json.loads(os.read(reader, 1 << 16))["valid"] is True
        assert pipe.is_fifo()
    finally:
        os.close(reader)


def test_a_page_that_cannot_be_short_enough_is_told_and_nothing_is_lost(project: Stage) -> None:
    said = project.tdr(
        "apply", "--yes", "--format", "markdown", "--max-chars", "20", "--report", "json=run.json", expect=1
    )

    assert "what must not be left out takes" in said.err
    assert read(project, "run.json")["summary"] == {"done": 4}


def test_findings_go_to_code_hosts_and_pipelines_in_their_formats(project: Stage) -> None:
    project.edit("manifests/shop.yaml", "spec: {}", "spec: {nmae: x}")

    project.tdr("validate", "--report", "sarif=tdr.sarif", "--report", "junit=junit.xml", expect=7)

    (result,) = json.loads((project.folder / "tdr.sarif").read_text())["runs"][0]["results"]
    at = result["locations"][0]["physicalLocation"]
    assert (result["ruleId"], at["artifactLocation"]["uri"]) == ("unknown-key", "manifests/shop.yaml")
    line = (project.folder / "manifests/shop.yaml").read_text().splitlines()[at["region"]["startLine"] - 1]
    assert line[at["region"]["startColumn"] - 1 :].startswith("nmae")
    assert (
        'file="manifests/shop.yaml">\n      <failure type="unknown-key"' in (project.folder / "junit.xml").read_text()
    )


def test_any_document_is_shown_in_any_format_without_its_project(applied: Stage, tmp_path: Path) -> None:
    applied.edit("manifests/shop.yaml", "0 3 * * *", "0 4 * * *")
    applied.tdr("plan", "--out", str(tmp_path / "plan.json"))
    for name, verb in (("drift", ["drift"]), ("validation", ["validate"]), ("run", ["apply", "--yes"])):
        applied.tdr(*verb, "--report", f"json={tmp_path / name}.json")
    applied.tdr("status", "--report", f"json={tmp_path / 'status.json'}")
    (tmp_path / "state.json").write_bytes((applied.state / "state.json").read_bytes())
    elsewhere = Stage(tmp_path, None, applied.environ)

    for name in ("plan", "drift", "validation", "run"):
        for wanted in ("text", "json", "markdown", "junit", "sarif"):
            assert elsewhere.tdr("show", f"{name}.json", "--format", wanted).out
    for name in ("status", "state"):
        for wanted in ("text", "json", "markdown"):
            assert elsewhere.tdr("show", f"{name}.json", "--format", wanted).out
        assert "judges nothing" in elsewhere.tdr("show", f"{name}.json", "--format", "sarif", expect=1).err
    shown = elsewhere.tdr("show", "plan.json", "--format", "json").document
    assert shown == json.loads((tmp_path / "plan.json").read_text())


def test_the_page_says_which_verb_knows_which_format() -> None:
    page = (Path(__file__).parents[2] / "docs/reports.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("|")]
    heads, told = rows[0][1:], {}
    for verbs, *marks in rows[2:7]:
        known = {head for head, mark in zip(heads, marks, strict=True) if mark}
        told |= dict.fromkeys(re.findall(r"`(\w+)`", verbs) or [verbs], known)

    others = told.pop("the others")
    assert others == {"text", "json"}
    assert told == {verb: {one.value for one in known} for verb, known in reporting.FORMATS.items()}


def test_what_forges_read_names_files_from_the_top_of_the_repository(project: Stage) -> None:
    (project.folder.parent / ".git").mkdir()
    project.write("manifests/odd.yaml", "apiVersion: tdr/v1\nkind: Query\nmetadata: {name: odd}\nspec: {}\n")
    said = project.tdr("validate", "--report", "github=-", "--report", "codequality=findings.json", expect=7)
    file = f"{project.folder.name}/manifests/odd.yaml"
    assert f"::error file={file},line=4," in said.out
    entries = json.loads((project.folder / "findings.json").read_text(encoding="utf-8"))
    assert {one["location"]["path"] for one in entries} == {file}

    said = project.tdr("plan", "--report", "github=-", "--report", "terraform=counts.json", expect=7)
    assert f"::error file={file},line=4," in said.out
    assert "the terraform report for 'counts.json' cannot be made: there is no plan to count" in said.err
    assert not (project.folder / "counts.json").exists()

    (project.folder / "manifests/odd.yaml").unlink()
    plan = project.tdr("plan", "--format", "json", "--report", "terraform=counts.json").document
    counts = json.loads((project.folder / "counts.json").read_text(encoding="utf-8"))
    assert counts == {"create": plan["summary"]["create"], "update": 0, "delete": 0}


def test_only_a_plan_is_counted_for_a_forge(project: Stage) -> None:
    said = project.tdr("validate", "--report", "terraform=counts.json", expect=64)
    assert "has no report 'terraform'" in said.err
