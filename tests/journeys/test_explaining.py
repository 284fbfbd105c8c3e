"""Why things are as they are, what runs did, and what needs what."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from stage import Stage

from reconciler.reports import graph as reports

SCHEMAS = files("reconciler.reports") / "schemas"


def valid(document: dict[str, Any]) -> dict[str, Any]:
    name = str(document["format"]).removeprefix("tdr.")
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(document)
    return document


def asked(stage: Stage, *arguments: str, expect: int = 0) -> dict[str, Any]:
    return valid(stage.tdr(*arguments, "--format", "json", expect=expect).document)


def test_a_field_is_explained_from_all_sides(applied: Stage) -> None:
    with applied.somebody() as client:
        client.update_saved_query("spring-buyers-daily", {"cron": "0 5 * * *"})
    applied.edit("manifests/pinterest.yaml", '"0 3 * * *"', '"0 4 * * *"')

    (cron,) = asked(applied, "explain", "activation/spring-buyers-daily/cron")["fields"]
    document = asked(applied, "explain", "activation/spring-buyers-daily")
    text = applied.tdr("explain", "activation/spring-buyers-daily").out

    assert cron == {
        "path": "/cron",
        "declared": "0 4 * * *",
        "applied": "0 3 * * *",
        "remote": "0 5 * * *",
        "note": "",
        "origin": "config_and_drift",
        "rule": "input",
        "source": "manifests/pinterest.yaml:13:14",
    }
    (priority,) = asked(applied, "explain", "activation/spring-buyers-daily/priority")["fields"]
    assert (priority["remote"], priority["rule"], priority["source"]) == (0, "not_declared", "")
    assert (document["action"], document["reason"]) == ("update", "config_and_drift")
    assert document["resolved"]["mode"] == "REPLACE_CURRENT_AUDIENCE"
    secret = next(field for field in document["fields"] if field["path"] == "/export/client_secret")
    assert (secret["declared"], secret["applied"], secret["remote"], secret["rule"]) == (
        "(secret)",
        "(secret)",
        None,
        "secret",
    )
    assert '~ cron [config_and_drift]: compared\n      declared      "0 4 * * *"\n' in text


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("audience/nobody", "audience/nobody is neither in the manifests nor in the state"),
        ("schedule/nightly", "schedule/nightly is nothing by itself at any vendor"),
        ("audience/spring-buyers/colour", "audience/spring-buyers has no field /colour"),
    ],
)
def test_what_cannot_be_explained_is_told(applied: Stage, what: str, said: str) -> None:
    assert f"error: {said}" in applied.tdr("explain", what, expect=1).err


def test_runs_are_listed_newest_first_and_told_in_full(applied: Stage) -> None:
    applied.edit("manifests/pinterest.yaml", "Bought in spring", "Bought in March")
    applied.tdr("apply", "--yes")

    runs = asked(applied, "history")["runs"]
    newest = asked(applied, "history", runs[0]["run"])
    text = applied.tdr("history", runs[0]["run"]).out
    listed = applied.tdr("history", "--limit", "1").out

    assert [run["result"] for run in runs] == ["done"] * len(runs)
    assert runs[0]["at"] >= runs[-1]["at"]
    assert (runs[0]["operation"], runs[0]["summary"]) == ("apply", {"done": 1})
    assert newest["run"] == runs[0]["run"]
    assert '  ~ description            "Bought in spring" → "Bought in March"\n' in text
    assert len(listed.splitlines()) == 3
    assert "error: no run 'nobody' is kept" in applied.tdr("history", "nobody", expect=1).err


def test_a_graph_is_the_same_every_time_and_bears_what_a_plan_does(applied: Stage) -> None:
    applied.edit("manifests/pinterest.yaml", "Bought in spring", "Bought in March")
    applied.tdr("plan", "--out", "plan.json")

    document = asked(applied, "graph", "--changes", "plan.json")
    mermaid = applied.tdr("graph", "--format", "mermaid", "--changes", "plan.json").out
    dot = applied.tdr("graph").out

    assert {node["address"]: node["action"] for node in document["nodes"]}["audience/spring-buyers"] == "update"
    assert {"from": "activation/spring-buyers-daily", "to": "audience/spring-buyers"} in document["edges"]
    assert mermaid.startswith('flowchart LR\n  n0["activation/spring-buyers-daily"]\n')
    assert '["audience/spring-buyers<br/>update"]' in mermaid
    assert '  "audience/spring-buyers" -> "connection/pinterest-main";\n' in dot
    assert dot == applied.tdr("graph", "--format", "dot").out


def test_nothing_in_a_name_is_read_as_the_language_of_a_graph() -> None:
    hostile = 'a"];\n\\x{<b>'
    node = {"address": hostile, "kind": "a", "declared": True, "action": "update"}
    document = {"nodes": [node], "edges": [{"from": hostile, "to": hostile}]}

    assert reports.mermaid(document).splitlines()[1] == '  n0["a#34;#93;#59;#10;#92;x#123;#60;b#62;<br/>update"]'
    dot = reports.dot(document)
    assert dot.splitlines()[3].startswith('  "a\\"];\\n\\\\x{<b>" [label="a\\"];\\n\\\\x{<b>\\nupdate"')
    if shutil.which("dot"):
        subprocess.run(["dot", "-Tsvg"], input=dot.encode(), check=True, capture_output=True)


def test_a_graph_of_nothing_is_whole() -> None:
    document = valid(reports.document({}, None, "local", "2026-03-01T00:00:00Z"))

    assert (document["nodes"], document["edges"]) == ([], [])
