"""Findings in SARIF 2.1.0, which code hosts show at the lines concerned.

Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from reconciler import __version__
from reconciler.reports.problems import Problem, problems

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def document(source: Mapping[str, Any]) -> str:
    """The log of one run. Ends with a line break."""
    import orjson  # noqa: PLC0415 - not for what is read by people

    return orjson.dumps(log(source), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def log(source: Mapping[str, Any]) -> dict[str, Any]:
    """As a value. Paths are relative to the project's folder."""
    found = problems(source)
    rules = sorted({one.rule for one in found})
    invocation: dict[str, Any] = {
        "executionSuccessful": source["format"] != "tdr.error",
        "endTimeUtc": source["created_at"],
    }
    if "exit_code" in source:
        invocation["exitCode"] = source["exit_code"]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "tdr", "version": __version__, "rules": [{"id": rule} for rule in rules]}},
                "automationDetails": {"id": _category(source)},
                "invocations": [invocation],
                "columnKind": "unicodeCodePoints",
                "results": [_result(one, rules.index(one.rule)) for one in found],
            }
        ],
    }


def _category(source: Mapping[str, Any]) -> str:
    """What keeps the results of one kind and environment apart from others."""
    kind = str(source["format"]).removeprefix("tdr.")
    environment = source.get("environment")
    return f"tdr/{kind}/{environment}/" if environment else f"tdr/{kind}/"


def _result(one: Problem, rule_index: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": one.rule,
        "ruleIndex": rule_index,
        "level": one.level,
        "message": {"text": one.told},
    }
    location: dict[str, Any] = {}
    if one.file:
        location["physicalLocation"] = {"artifactLocation": {"uri": quote(one.file), "uriBaseId": "%SRCROOT%"}}
        if one.line:
            region = {"startLine": one.line} | ({"startColumn": one.column} if one.column else {})
            location["physicalLocation"]["region"] = region
    if one.subject:
        location["logicalLocations"] = [{"fullyQualifiedName": one.subject, "kind": "resource"}]
    return result | ({"locations": [location]} if location else {})
