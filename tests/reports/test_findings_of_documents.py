"""SARIF and JUnit: what a document finds fault with, at its place, for tools that show findings and tests."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from scene import Scene, query

from reconciler.diagnostics import Diagnostic, Position, Severity
from reconciler.engine.drift import drift
from reconciler.engine.fingerprints import plan_digest
from reconciler.engine.planning import prepare
from reconciler.engine.refresh import refresh
from reconciler.errors import LockHeld, TdrError
from reconciler.reports import documents, junit, sarif
from reconciler.reports import drift as drift_report
from reconciler.reports.problems import place

AT = "2026-03-01T00:00:00Z"
TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
COUNTED = {"type": "integer", "minimum": 1}
# What SARIF 2.1.0 says of the parts that we write: sections 3.13 to 3.30.
SARIF: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool"],
                "additionalProperties": False,
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name"],
                                "additionalProperties": False,
                                "properties": {
                                    "name": {"type": "string"},
                                    "version": {"type": "string"},
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {"type": "object", "required": ["id"]},
                                    },
                                },
                            }
                        },
                    },
                    "automationDetails": {"type": "object", "properties": {"id": {"type": "string"}}},
                    "invocations": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["executionSuccessful"],
                            "additionalProperties": False,
                            "properties": {
                                "executionSuccessful": {"type": "boolean"},
                                "endTimeUtc": {"type": "string", "format": "date-time"},
                                "exitCode": {"type": "integer"},
                            },
                        },
                    },
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message"],
                            "additionalProperties": False,
                            "properties": {
                                "ruleId": {"type": "string"},
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "message": TEXT,
                                "locations": {
                                    "type": "array",
                                    "minItems": 1,
                                    "items": {
                                        "type": "object",
                                        "additionalProperties": False,
                                        "properties": {
                                            "physicalLocation": {
                                                "type": "object",
                                                "required": ["artifactLocation"],
                                                "additionalProperties": False,
                                                "properties": {
                                                    "artifactLocation": {
                                                        "type": "object",
                                                        "properties": {
                                                            "uri": {"type": "string", "format": "uri-reference"},
                                                            "uriBaseId": {"type": "string"},
                                                        },
                                                    },
                                                    "region": {
                                                        "type": "object",
                                                        "required": ["startLine"],
                                                        "properties": {"startLine": COUNTED, "startColumn": COUNTED},
                                                    },
                                                },
                                            },
                                            "logicalLocations": {"type": "array", "minItems": 1},
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}

FINDINGS = (
    Diagnostic(
        "unknown-key",
        "`crom` is not known",
        position=Position("manifests/a b#1.yaml", 3, 5),
        subject="query/a",
        hint="did you mean `cron`?",
        frame="crom: 1",
    ),
    Diagnostic("odd", 'somewhat odd <&"> \x1b[31m', Severity.NOTICE),
)


def read(document: dict[str, Any]) -> dict[str, Any]:
    """The one run of the log of *document*."""
    log = json.loads(sarif.document(document))
    Draft202012Validator(SARIF, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(log)
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [rules[one["ruleIndex"]] for one in run["results"]] == [one["ruleId"] for one in run["results"]]
    found: dict[str, Any] = run
    return found


def suite(document: dict[str, Any]) -> ET.Element:
    """The one suite of *document*, whose counts are what they say."""
    root = ET.fromstring(junit.document(document))  # noqa: S314 - ours
    (only,) = root
    counts = {
        "tests": len(only),
        "failures": len(only.findall("testcase/failure")),
        "errors": len(only.findall("testcase/error")),
    }
    for one in (root, only):
        assert {name: int(one.attrib[name]) for name in counts} == counts
    return only


def cases(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (case.attrib["name"], next((part.tag for part in case if part.tag != "system-out"), "passed"))
        for case in suite(document)
    ]


def test_findings_stand_at_their_lines() -> None:
    run = read(documents.validation_document(FINDINGS, AT))

    assert run["results"] == [
        {
            "ruleId": "unknown-key",
            "ruleIndex": 1,
            "level": "error",
            "message": {"text": "`crom` is not known\ndid you mean `cron`?"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": "manifests/a%20b%231.yaml", "uriBaseId": "%SRCROOT%"},
                        "region": {"startLine": 3, "startColumn": 5},
                    },
                    "logicalLocations": [{"fullyQualifiedName": "query/a", "kind": "resource"}],
                }
            ],
        },
        {"ruleId": "odd", "ruleIndex": 0, "level": "note", "message": {"text": 'somewhat odd <&"> \x1b[31m'}},
    ]
    assert run["automationDetails"]["id"] == "tdr/validation/"


def test_findings_are_tests_that_fail_and_what_is_only_odd_passes() -> None:
    found: dict[str, Any] = documents.validation_document(FINDINGS, AT)

    assert junit.document(found) == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<testsuites tests="2" failures="1" errors="0">\n'
        f'  <testsuite name="tdr validation" tests="2" failures="1" errors="0" timestamp="{AT}">\n'
        '    <testcase classname="manifests/a b#1.yaml" name="3:5 unknown-key" file="manifests/a b#1.yaml">\n'
        '      <failure type="unknown-key" message="`crom` is not known">'
        "`crom` is not known\ndid you mean `cron`?</failure>\n"
        "    </testcase>\n"
        '    <testcase classname="manifests" name="odd">\n'
        '      <system-out>somewhat odd &lt;&amp;"&gt; \\x1b[31m</system-out>\n'
        "    </testcase>\n"
        "  </testsuite>\n"
        "</testsuites>\n"
    )
    assert cases(documents.validation_document((), AT)) == [("valid", "passed")]
    assert read(documents.validation_document((), AT))["results"] == []


def test_a_plan_fails_where_a_gate_holds_it_or_nothing_is_known(scene: Scene) -> None:
    scene.apply(query("a", lifecycle={"protect": True}), query("b"))
    world = scene.world(query("b"), query("c"))
    prepared = prepare(world, scene.store().read())
    held: dict[str, Any] = documents.plan_document(prepared, plan_digest(world, prepared), AT)

    assert cases(held) == [("query/a", "failure"), ("query/b", "passed"), ("query/c", "passed")]
    assert [(one["ruleId"], one["level"]) for one in read(held)["results"]][:1] == [("gate/protected", "error")]

    scene.exports.denied = True
    prepared = prepare(world, scene.store().read())
    unknown: dict[str, Any] = documents.plan_document(prepared, plan_digest(world, prepared), AT)
    assert {verdict for _, verdict in cases(unknown)} == {"error"}
    assert {one["ruleId"] for one in read(unknown)["results"]} == {"undecided"}


def test_drift_fails_by_resource(scene: Scene) -> None:
    scene.apply(query("a"), query("b"), query("c"))
    scene.exports.objects["a"]["sql"] = "SELECT 2"
    del scene.exports.objects["b"]
    world = scene.world(query("a"), query("b"), query("c"))
    state = scene.store().read().state
    document: dict[str, Any] = drift_report.document(drift(world, state, refresh(world, state, {})), "test", AT)

    assert cases(document) == [("query/a", "failure"), ("query/b", "failure"), ("query/c", "passed")]
    assert [(one["ruleId"], one["level"], one["message"]["text"]) for one in read(document)["results"]] == [
        ("drift/drifted", "warning", "query/a drifted: /sql"),
        ("drift/missing", "error", "query/b missing: deleted outside"),
    ]


def test_a_command_without_a_result_is_a_failure() -> None:
    document: dict[str, Any] = documents.error_document("tdr plan", LockHeld("locked", hint="wait"), 5, AT)

    assert cases(document) == [("tdr plan", "failure")]
    run = read(document)
    assert (run["invocations"][0]["executionSuccessful"], run["invocations"][0]["exitCode"]) == (False, 5)
    assert run["results"][0]["message"]["text"] == "locked\nwait"


def test_what_judges_nothing_is_refused() -> None:
    for module in (junit, sarif):
        with pytest.raises(TdrError, match="judges nothing"):
            module.document({"format": "tdr.status", "created_at": AT})


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_well_formed(message: str, file: str) -> None:
    finding = Diagnostic("r", message or "x", position=Position(file, 1, 1), hint=message)
    only = suite(documents.validation_document((finding,), AT))

    assert len(only) == 1


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a.yaml:3", ("a.yaml", 3, 0)),
        ("a.yaml:3:5", ("a.yaml", 3, 5)),
        ("a.yaml", ("a.yaml", 0, 0)),
        ("", ("", 0, 0)),
        ("a:1:b.yaml:3:5", ("a:1:b.yaml", 3, 5)),
    ],
)
def test_a_place_is_taken_apart(source: str, expected: tuple[str, int, int]) -> None:
    assert place(source) == expected
