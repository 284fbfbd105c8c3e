"""What forges read from a job: GitHub's annotations, GitLab's code quality report and its counts of a plan."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plans import HOSTILE, change, plan

from reconciler.diagnostics import Diagnostic, Position, Severity
from reconciler.errors import LockHeld, TdrError
from reconciler.reports import documents
from reconciler.reports.forge_reports import code_quality, plan_counts, workflow_commands

AT = "2026-03-01T00:00:00Z"
COMMAND = re.compile(r"::(error|warning|notice) ([^:]*)::(.*)")
FINDINGS = (
    Diagnostic("unknown-key", "`titel` is no key", position=Position("manifests/a, b:c.yaml", 4, 3), hint="`title`?"),
    Diagnostic("unknown-key", "`titel` is no key", position=Position("manifests/a, b:c.yaml", 9, 3), hint="`title`?"),
    Diagnostic("unused-variable", "100 % of it\nis unused", Severity.WARNING),
    Diagnostic("odd", "look", Severity.NOTICE, Position("tdr.yaml", 1, 1), subject="query/a"),
)


def validation(*findings: Diagnostic) -> dict[str, Any]:
    return documents.validation_document(findings, AT)


def read(line: str) -> tuple[str, dict[str, str], str]:
    """An annotation, as GitHub's runner reads it."""
    match = COMMAND.fullmatch(line)
    assert match is not None, line

    def plain(text: str) -> str:
        for code, sign in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
            text = text.replace(code, sign)
        return text

    pairs = (pair.partition("=") for pair in match[2].split(","))
    return match[1], {name: plain(value) for name, _, value in pairs}, plain(match[3])


def test_every_finding_is_an_annotation_at_its_line() -> None:
    told = [read(line) for line in workflow_commands(validation(*FINDINGS), "shop/").splitlines()]
    file = "shop/manifests/a, b:c.yaml"
    assert told == [
        ("error", {"file": file, "line": "4", "col": "3", "title": "tdr: unknown-key"}, "`titel` is no key\n`title`?"),
        ("error", {"file": file, "line": "9", "col": "3", "title": "tdr: unknown-key"}, "`titel` is no key\n`title`?"),
        ("warning", {"title": "tdr: unused-variable"}, "100 % of it\nis unused"),
        ("notice", {"file": "shop/tdr.yaml", "line": "1", "col": "1", "title": "tdr: odd"}, "look"),
    ]


def test_nothing_found_is_no_annotation_and_an_empty_report() -> None:
    assert workflow_commands(validation()) == ""
    assert json.loads(code_quality(validation())) == []


@given(st.text(), st.text(min_size=1))
def test_no_text_begins_a_command_of_its_own(message: str, file: str) -> None:
    found = Diagnostic("x", message, position=Position(file, 1, 1), hint="\n::error::y")
    lines = workflow_commands(validation(found)).removesuffix("\n").split("\n")
    assert len(lines) == 1
    assert read(lines[0])[0] == "error"


def test_a_report_of_code_quality_has_what_gitlab_asks_of_each_entry() -> None:
    entries = json.loads(code_quality(validation(*FINDINGS), "shop/"))
    assert [(one["severity"], one["check_name"], one["location"]) for one in entries] == [
        ("major", "unknown-key", {"path": "shop/manifests/a, b:c.yaml", "lines": {"begin": 4}}),
        ("major", "unknown-key", {"path": "shop/manifests/a, b:c.yaml", "lines": {"begin": 9}}),
        ("minor", "unused-variable", {"path": "shop/tdr.yaml", "lines": {"begin": 1}}),
        ("info", "odd", {"path": "shop/tdr.yaml", "lines": {"begin": 1}}),
    ]
    assert entries[0]["description"] == "`titel` is no key `title`?"
    assert len({one["fingerprint"] for one in entries}) == len(entries)


def test_a_finding_that_moved_to_another_line_is_the_same_finding() -> None:
    at = [Diagnostic("x", "y", position=Position("a.yaml", line, 1)) for line in (3, 30)]
    before, after = (json.loads(code_quality(validation(one)))[0]["fingerprint"] for one in at)
    assert before == after


@pytest.mark.parametrize(
    ("actions", "counts"),
    [
        ([], (0, 0, 0)),
        (["noop", "move", "forget", "undecided"], (0, 0, 0)),
        (["create", "create", "update", "delete"], (2, 1, 1)),
        (["replace", "adopt", "pause", "resume", "disable"], (1, 4, 1)),
    ],
)
def test_a_plan_is_counted_as_gitlab_counts_those_of_terraform(actions: list[str], counts: tuple[int, ...]) -> None:
    made = plan(*(change(f"query/{number}", action) for number, action in enumerate(actions)))
    assert json.loads(plan_counts(made)) == dict(zip(("create", "update", "delete"), counts, strict=True))


def test_what_came_to_no_plan_has_no_counts() -> None:
    error = documents.error_document("tdr plan", LockHeld("somebody writes"), 5, AT)
    for document in (validation(*FINDINGS), error):
        with pytest.raises(TdrError, match="there is no plan to count"):
            plan_counts(document)
    assert read(workflow_commands(error).rstrip("\n")) == ("error", {"title": "tdr: LockHeld"}, "somebody writes")


def test_values_of_others_are_data() -> None:
    hostile = plan(change("query/a", "undecided", note=HOSTILE))
    (line,) = workflow_commands(hostile).removesuffix("\n").split("\n")
    place = {"file": "manifests/all.yaml", "line": "7", "col": "1", "title": "tdr: undecided"}
    assert read(line) == ("error", place, f"query/a: {HOSTILE}")
