"""How a command ended is told to who is to be told: once, without values, and never to the command's harm."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from hook_server import Hook, hook
from jsonschema import Draft202012Validator
from stage import Stage
from telling import KEY, LOST_TABLE, PATH, WEBHOOK, at_hour, moved_to, telling


@pytest.fixture
def told() -> Iterator[Hook]:
    with hook() as one:
        yield one


def valid(document: dict[str, Any]) -> dict[str, Any]:
    schema = json.loads((files("reconciler.reports") / "schemas" / "notification.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(document)
    return document


def test_an_apply_is_told_once_with_what_it_did(project: Stage, told: Hook) -> None:
    telling(project, told)

    project.tdr("apply", "--yes", "--report", "json=run.json")

    (sent,) = told.sent
    document = valid(sent.document)
    run = json.loads((project.folder / "run.json").read_text())
    assert sent.path == PATH
    assert (document["project"], document["environment"], document["command"]) == ("shop", "local", "apply")
    assert (document["event"], document["result"], document["exit_code"]) == ("applied", "done", 0)
    assert (document["run"], document["digest"]) == (run["run"], run["plan_digest"])
    assert document["changes"] == {"create": {"done": 4}}
    assert {one["address"] for one in document["objects"]} == {one["address"] for one in run["results"]}


def test_an_apply_that_had_nothing_to_do_is_no_news(applied: Stage, told: Hook) -> None:
    telling(applied, told)

    applied.tdr("apply", "--yes")
    applied.tdr("plan")
    applied.tdr("status", expect=None)
    applied.tdr("run", "import/customers")

    assert told.sent == []


def test_the_receiver_sees_who_sent_it(project: Stage, told: Hook) -> None:
    telling(project, told).tdr("apply", "--yes")

    (sent,) = told.sent
    signed = f"{sent.headers['tdr-timestamp']}.".encode() + sent.body
    assert sent.headers["tdr-signature"] == "sha256=" + hmac.new(KEY.encode(), signed, hashlib.sha256).hexdigest()
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["tdr-event"] == "applied"


def test_a_receiver_of_your_own_checks_it_as_the_page_says(project: Stage, told: Hook) -> None:
    telling(project, told).tdr("apply", "--yes")
    page = (Path(__file__).parents[2] / "docs/operating.md").read_text(encoding="utf-8")
    written: dict[str, Any] = {}
    exec(page.partition("```python\n")[2].partition("```")[0], written)  # noqa: S102 - our own page
    (sent,) = told.sent
    headers = {name.title(): value for name, value in sent.headers.items()}
    late = headers | {"Tdr-Timestamp": str(int(headers["Tdr-Timestamp"]) - 3600)}

    assert written["is_from_tdr"](headers, sent.body, KEY.encode())
    assert not written["is_from_tdr"](headers, sent.body + b" ", KEY.encode())
    assert not written["is_from_tdr"](headers, sent.body, b"another key")
    assert not written["is_from_tdr"](late, sent.body, KEY.encode())


@pytest.mark.parametrize("output", [(), ("--format", "jsonl"), ("--format", "json")])
def test_a_failure_is_told_whatever_is_printed(applied: Stage, told: Hook, output: tuple[str, ...]) -> None:
    telling(applied, told)
    applied.write("manifests/lost.yaml", LOST_TABLE.removeprefix("---\n"))
    at_hour(applied, 4)

    applied.tdr("apply", "--yes", *output, expect=6)

    (sent,) = told.sent
    document = valid(sent.document)
    assert (document["event"], document["result"], document["exit_code"]) == ("failed", "partial", 6)
    assert document["changes"] == {"create": {"failed": 1}, "update": {"done": 1}}


def test_a_plan_that_a_gate_holds_waits_for_a_person_who_is_told(applied: Stage, told: Hook) -> None:
    telling(applied, told, text="thresholds: {max_deletes: 0, minimum_resources: 1}\n" + WEBHOOK % "")
    applied.write("manifests/shop.yaml", (applied.folder / "manifests/shop.yaml").read_text().partition("---")[0])

    applied.tdr("apply", "--yes", expect=3)

    (sent,) = told.sent
    document = valid(sent.document)
    assert (document["event"], document["result"], document["gates"]) == ("gate", "held", ["deletes"])
    assert document["changes"] == {"delete": {"planned": 3}}


def test_manifests_that_are_invalid_are_told_though_nothing_was_opened(applied: Stage, told: Hook) -> None:
    telling(applied, told)
    applied.edit("manifests/shop.yaml", "spec: {}", "spec: {nmae: x}")

    applied.tdr("apply", "--yes", expect=7)
    applied.tdr("drift", expect=7)

    first, second = (valid(one.document) for one in told.sent)
    assert (first["event"], first["error"], first["exit_code"]) == ("failed", "ManifestError", 7)
    assert first["run"] != second["run"]
    assert (second["event"], second["result"], second["error"]) == ("scan_failed", "incomplete", "ManifestError")


def test_a_run_that_fails_is_told(applied: Stage, told: Hook) -> None:
    telling(applied, told)
    (applied.folder / "data/customers.csv").unlink()

    applied.tdr("run", "import/customers", expect=1)

    document = valid(told.sent[0].document)
    assert (document["event"], document["command"]) == ("failed", "run")
    assert [(one["address"], one["status"]) for one in document["objects"]] == [("import/customers", "error")]


def test_a_wrong_command_line_is_told_to_who_typed_it_only(applied: Stage, told: Hook) -> None:
    telling(applied, told)
    at_hour(applied, 4)

    applied.tdr("apply", expect=64)  # nobody is there to ask
    applied.tdr("run", "nonsense", expect=64)

    assert told.sent == []


def test_drift_is_told_once_and_that_it_is_gone_too(applied: Stage, told: Hook) -> None:
    telling(applied, told)
    applied.tdr("drift")
    assert told.events() == [], "nothing had drifted before"

    moved_to(applied, "0 5 * * *")
    applied.tdr("drift", expect=2)
    (sent,) = told.sent
    document = valid(sent.document)
    assert document["drift"] == {"in_sync": 3, "drifted": 1}
    assert [(one["status"], one["fields"]) for one in document["objects"]] == [("drifted", ["/cron"])]
    assert told.events() == ["drift"]

    applied.tdr("drift", expect=2)
    assert told.events() == [], "it is the same"

    moved_to(applied, "0 6 * * *")
    applied.tdr("drift", expect=2)
    assert told.events() == ["drift"]

    moved_to(applied, "0 3 * * *")
    applied.tdr("drift")
    document = valid(told.sent[0].document)
    assert (document["event"], document["result"], document["objects"]) == ("drift_resolved", "clean", [])
    told.sent.clear()

    applied.tdr("drift")
    assert told.events() == []


def test_drift_that_the_caller_knows_of_is_no_news_where_nothing_is_noted(applied: Stage, told: Hook) -> None:
    telling(applied, told)
    moved_to(applied, "0 5 * * *")
    digest = applied.tdr("drift", "--format", "json", expect=2).document["digest"]
    (applied.state / "notified.json").unlink()
    told.sent.clear()

    applied.tdr("drift", "--since-digest", digest)
    assert told.events() == []
    (applied.state / "notified.json").unlink()
    moved_to(applied, "0 3 * * *")
    applied.tdr("drift", "--since-digest", digest)

    assert told.events() == ["drift_resolved"]


def test_a_look_at_a_part_notes_nothing_and_resolves_nothing(applied: Stage, told: Hook) -> None:
    telling(applied, told)
    moved_to(applied, "0 5 * * *")
    applied.tdr("drift", expect=2)
    told.sent.clear()

    applied.tdr("drift", "--target", "database/shop")
    assert told.events() == []
    applied.tdr("drift", "--target", "query/buyers-per-month", expect=2)
    assert told.events() == ["drift"]
    applied.tdr("drift", expect=2)
    assert told.events() == []


def test_drift_that_nobody_could_be_told_of_is_told_by_the_next_look(applied: Stage, told: Hook) -> None:
    telling(applied, told)
    moved_to(applied, "0 5 * * *")
    told.answers = [(404, {}, b"gone"), (200, {}, b"ok")]

    assert "was not told: it answered 404\n" in applied.tdr("drift", expect=2).err
    applied.tdr("drift", expect=2)

    assert told.events() == ["drift", "drift"]


def test_only_what_is_asked_for_is_told(applied: Stage, told: Hook) -> None:
    telling(applied, told, ", on: [drift_resolved, gate]")
    moved_to(applied, "0 5 * * *")
    applied.tdr("drift", expect=2)
    moved_to(applied, "0 3 * * *")
    applied.tdr("drift")
    at_hour(applied, 4)
    applied.tdr("apply", "--yes")

    assert told.events() == ["drift_resolved"]


def test_no_value_leaves(applied: Stage, told: Hook) -> None:
    telling(applied, told)
    text = (applied.folder / "manifests/shop.yaml").read_text()
    applied.write("manifests/shop.yaml", text.replace("customers.csv", "planted-file.csv").replace("0 3 ", "17 3 "))
    applied.write("data/planted-file.csv", "email,last_purchase\nplanted@example.com,2026-01-01\n")
    applied.write(
        "manifests/planted.yaml", LOST_TABLE.removeprefix("---\n").replace("no_such_database", "planted_database")
    )
    applied.tdr("apply", "--yes", expect=6)
    moved_to(applied, "23 5 * * *")
    applied.tdr("drift", expect=2)

    bodies = b"".join(one.body for one in told.sent)
    assert told.events() == ["failed", "drift"]
    for value in (b"planted", b"17 3", b"23 5", b"Asia/Tokyo", b"SELECT", KEY.encode(), PATH.encode()):
        assert value not in bodies


def test_what_is_told_does_not_make_a_saved_plan_stale(applied: Stage, told: Hook) -> None:
    at_hour(applied, 4)
    applied.tdr("plan", "--out", "plan.json")
    telling(applied, told, text=WEBHOOK % "" + "history: {runs: 7}\n")

    applied.tdr("apply", "plan.json")

    assert told.events() == ["applied"]


def test_the_link_is_the_page_of_the_pipeline_unless_another_is_named(applied: Stage, told: Hook) -> None:
    pipeline = {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/shop", "GITHUB_RUN_ID": "7"}
    at_hour(telling(applied, told), 4)
    applied.tdr("apply", "--yes", **pipeline)
    at_hour(telling(applied, told, ", link: https://wiki.example.com/tdr"), 5)
    applied.tdr("apply", "--yes", **pipeline)

    links = [one.document["link"] for one in told.sent]
    assert links == ["https://github.com/acme/shop/actions/runs/7", "https://wiki.example.com/tdr"]


def test_what_the_page_writes_into_files_is_taken(project: Stage) -> None:
    page = (Path(__file__).parents[2] / "docs/operating.md").read_text(encoding="utf-8")
    blocks = [block.partition("```")[0] for block in page.split("```yaml\n")[1:]]
    notifications, _scraping, alerts, history = blocks
    project.write("manifests/environments/local.yaml", notifications + history)
    project.write("tdr.yaml", (project.folder / "tdr.yaml").read_text() + history)

    project.tdr("validate")

    (group,) = yaml.safe_load(alerts)["groups"]
    assert group["rules"]
    assert [rule for rule in group["rules"] if not {"alert", "expr"} <= rule.keys()] == []
