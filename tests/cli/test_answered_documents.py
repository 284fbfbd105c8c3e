"""What a verb answers is a document that fits its schema, and can be shown again."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from stage import Stage

from reconciler import __version__

SCHEMAS = files("reconciler.reports") / "schemas"


def valid(document: dict[str, Any]) -> dict[str, Any]:
    """*document*, held against the schema that is shipped for it."""
    name = str(document["format"]).removeprefix("tdr.")
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(document)
    return document


def test_version_is_told_with_and_without_a_project(project: Stage) -> None:
    assert project.tdr("version").out == f"tdr {__version__}\n"
    assert valid(project.tdr("version", "--format", "json").document)["tdr_version"] == __version__


def test_every_document_is_one_json_on_stdout_and_fits_its_schema(applied: Stage) -> None:
    applied.tdr("plan", "--out", "plan.json")
    applied.edit("manifests/shop.yaml", "0 3 * * *", "0 4 * * *")
    (report,) = (applied.state / "runs").glob("*.json")
    commands = {
        "tdr.validation": ["validate"],
        "tdr.plan": ["plan"],
        "tdr.drift": ["drift"],
        "tdr.job": ["run", "import/customers"],
        "tdr.preview": ["preview", "import/customers"],
        "tdr.run": ["apply", "--yes"],
        "tdr.state_list": ["state", "list"],
        "tdr.state": ["state", "show"],
        "tdr.state_record": ["state", "show", "query/buyers-per-month"],
        "tdr.state_history": ["state", "history"],
        "tdr.lock": ["lock", "status"],
        "tdr.doctor": ["doctor"],
        "tdr.version": ["version"],
    }
    told = {name: valid(applied.tdr(*command, "--format", "json").document) for name, command in commands.items()}
    assert told["tdr.run"]["api_calls"]["treasure_data"] > told["tdr.plan"]["api_calls"]["treasure_data"] > 0
    told["shown plan"] = valid(applied.tdr("show", "plan.json", "--format", "json").document)
    told["shown run"] = valid(applied.tdr("show", str(report), "--format", "json").document)
    told["moved"] = valid(
        applied.tdr("state", "mv", "query/buyers-per-month", "query/renamed", "--format", "json").document
    )
    told["removed"] = valid(applied.tdr("state", "rm", "query/renamed", "--format", "json").document)
    restored = applied.tdr("state", "history", "--format", "json").document["history"][-1]["serial"]
    told["restored"] = valid(applied.tdr("state", "restore", str(restored), "--format", "json").document)

    assert {name: document["format"] for name, document in told.items() if name.startswith("tdr.")} == {
        name: name for name in commands
    }


def test_two_plans_differ_in_nothing_but_their_time(project: Stage) -> None:
    first, second = (project.tdr("plan", "--format", "json").document for _ in range(2))

    for document in (first, second):
        assert document.pop("created_at") == document["schedules"].pop("computed_at")
    assert first == second
    assert [change["address"] for change in first["changes"]] == [
        "database/shop",
        "import/customers",
        "query/buyers-per-month",
        "table/customers",
    ]
    assert [change["address"] for change in sorted(first["changes"], key=lambda change: change["order"])] == [
        "database/shop",
        "query/buyers-per-month",
        "table/customers",
        "import/customers",
    ]


def test_a_shown_plan_reads_as_the_plan_did(project: Stage) -> None:
    planned = project.tdr("plan", "--out", "plan.json").out

    shutil.rmtree(project.folder / "manifests")

    assert project.tdr("show", "plan.json").out == planned


def test_the_report_of_a_run_can_be_shown(applied: Stage) -> None:
    (report,) = (applied.state / "runs").glob("*.json")

    assert "4 done" in applied.tdr("show", str(report)).out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot be read"),
        ("{", "is not JSON"),
        ("[]", "not a document of tdr"),
        ('{"format": "x"}', "not a document"),
    ],
)
def test_what_is_no_document_of_ours_is_not_shown(project: Stage, text: str | None, words: str) -> None:
    if text is not None:
        project.write("file.json", text)

    assert words in project.tdr("show", "file.json", expect=1).err
    assert words in project.tdr("apply", "file.json", expect=1).err


FILES: dict[str, Callable[[Path], object]] = {
    "is a pipe, not a file": os.mkfifo,
    "is a device, not a file": lambda path: path.symlink_to("/dev/zero"),
    "is a folder, not a file": Path.mkdir,
    "has more than 268,435,456 bytes": lambda path: (path.touch(), os.truncate(path, 1 << 40)),
}


@pytest.mark.parametrize("words", FILES)
def test_what_may_never_begin_or_end_is_refused_at_once_where_a_file_is_named(project: Stage, words: str) -> None:
    FILES[words](project.folder / "given.json")

    for command in (["apply"], ["show"], ["diff", "given.json"], ["graph", "--changes"], ["state", "push"]):
        said = project.tdr(*command, "given.json", expect=1)
        assert f"given.json {words}" in said.err.translate({ord(mark): None for mark in "`'"})
        assert "hint: name a file " in said.err
