"""How a command ended is told to who is to be told: once, without values, and never to the command's harm."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from hook_server import Hook, Sent, hook
from hurried import HurriedClock
from jsonschema import Draft202012Validator
from stage import Stage

from reconciler.apis.webhooks import Patience, Undelivered, post
from reconciler.manifest import find_project
from reconciler.manifest.secrets import SecretReference
from reconciler.model.notifications import WebhookReceiver
from reconciler.wiring.notifying import Message, Sender

PATH = "/services/T00000000/B00000000/FAKE-hook-path-24chars"
KEY = "FAKE-signing-key-0123456789"
WEBHOOK = (
    'notifications: [{type: webhook, url: "${secret:env:HOOK}", secret: "${secret:env:KEY}", allow_private: true%s}]\n'
)
LOST_TABLE = """\
---
apiVersion: tdr/v1
kind: Table
metadata: {name: lost}
spec: {database: no_such_database, columns: [{name: one, type: long}]}
"""


@pytest.fixture
def told() -> Iterator[Hook]:
    with hook() as one:
        yield one


def telling(stage: Stage, told: Hook, more: str = "", text: str = WEBHOOK) -> Stage:
    stage.write("manifests/environments/local.yaml", text % more if "%s" in text else text)
    stage.environ |= {"HOOK": told.url + PATH, "KEY": KEY}
    return stage


def at_hour(stage: Stage, hour: int) -> None:
    text = (stage.folder / "manifests/shop.yaml").read_text(encoding="utf-8")
    before = text.partition('cron: "0 ')[2].partition(" ")[0]
    stage.write("manifests/shop.yaml", text.replace(f'cron: "0 {before} ', f'cron: "0 {hour} '))


def moved_to(stage: Stage, cron: str) -> None:
    """Somebody else gives the query another schedule."""
    with stage.somebody() as somebody:
        (query,) = somebody.saved_queries()
        somebody.update_saved_query(query["name"], {"cron": cron})


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


# -- what goes wrong with it is a warning ------------------------------------------------------------------------------


def test_a_receiver_that_stumbles_is_sent_the_same_once_more(project: Stage, told: Hook) -> None:
    told.answers = [(500, {}, b""), (429, {"Retry-After": "1"}, b""), (200, {}, b"ok")]

    said = telling(project, told).tdr("apply", "--yes")

    assert "warning:" not in said.err
    assert len({(one.headers["tdr-delivery"], one.body) for one in told.sent}) == 1
    assert len(told.sent) == 3


@pytest.mark.parametrize(
    ("answer", "times", "words"),
    [
        ((500, {}, b"down"), 4, "it answered 500"),
        ((503, {"Retry-After": "3600"}, b""), 1, "it answered 503"),
        ((429, {"Retry-After": "3600"}, b""), 1, "it answered 429"),
        ((400, {}, b"invalid_payload"), 1, "it answered 400"),
        ((410, {}, b"channel_is_archived"), 1, "it answered 410"),
        ((302, {"Location": "/elsewhere"}, b""), 1, "it answered 302, a redirect, which is not followed"),
        ((307, {"Location": "/elsewhere"}, b""), 1, "it answered 307, a redirect, which is not followed"),
    ],
)
def test_a_receiver_that_refuses_is_a_warning_and_nothing_else(
    project: Stage, told: Hook, answer: Any, times: int, words: str
) -> None:
    told.answers = [answer]

    said = telling(project, told).tdr("apply", "--yes")

    assert said.out.endswith("Apply: 4 done.\n")
    assert f"warning: the webhook receiver at ${{secret:env:HOOK}} was not told: {words}\n" in said.err
    assert [one.path for one in told.sent] == [PATH] * times


def test_a_failure_stays_the_failure_that_it_was(applied: Stage, told: Hook) -> None:
    told.answers = [(400, {}, b"")]
    applied.edit("manifests/shop.yaml", "spec: {}", "spec: {nmae: x}")

    assert "warning: the webhook receiver" in telling(applied, told).tdr("apply", "--yes", expect=7).err


def test_one_receiver_that_refuses_keeps_no_other_from_being_told(applied: Stage, told: Hook) -> None:
    both = """\
notifications:
  - {type: slack, url: "${secret:env:MISSING}"}
  - {type: webhook, url: "${secret:env:NO_ADDRESS}"}
  - {type: webhook, url: "${secret:env:HOOK}", allow_private: true}
"""
    applied.environ["NO_ADDRESS"] = "not an address"
    at_hour(telling(applied, told, text=both), 4)

    said = applied.tdr("apply", "--yes")

    assert told.events() == ["applied"]
    assert "the slack receiver at ${secret:env:MISSING} was not told: the environment variable `MISSING`" in said.err
    assert "the webhook receiver at ${secret:env:NO_ADDRESS} was not told: what its `url` refers to is no" in said.err


def test_nobody_needs_the_address_but_who_sends(applied: Stage, told: Hook) -> None:
    telling(applied, told)
    del applied.environ["HOOK"], applied.environ["KEY"]

    for verb in (("validate",), ("plan",), ("drift",), ("doctor",), ("apply", "--yes")):
        assert "warning" not in applied.tdr(*verb).err


def test_an_address_that_is_written_down_is_refused(project: Stage) -> None:
    project.write(
        "manifests/environments/local.yaml", "notifications: [{type: slack, url: https://hooks.example.com/FAKE-1}]\n"
    )

    said = project.tdr("validate", expect=7)

    assert "is a secret and must not be written in a manifest" in said.err
    assert "FAKE-1" not in said.out + said.err.replace(
        "notifications: [{type: slack, url: https://hooks.example.com/FAKE-1}]", ""
    )


@pytest.mark.parametrize(
    "written", ["{type: mail}", "{type: slack}", "{type: webhook, on: [nothing]}", "{type: slack, on: []}"]
)
def test_a_receiver_that_makes_no_sense_is_refused(project: Stage, written: str) -> None:
    project.write("manifests/environments/local.yaml", f"notifications: [{written}]\n")

    assert "manifests/environments/local.yaml:1" in project.tdr("validate", expect=7).err


def test_this_machine_and_private_networks_are_asked_for(applied: Stage, told: Hook) -> None:
    at_hour(telling(applied, told, text='notifications: [{type: webhook, url: "${secret:env:HOOK}"}]\n'), 4)
    applied.environ["HOOK"] = told.url.replace("http:", "https:") + PATH
    said = applied.tdr("apply", "--yes")
    at_hour(applied, 5)
    applied.environ["HOOK"] = told.url + PATH
    clear = applied.tdr("apply", "--yes")

    assert (
        "was not told: its address is in a private network or on this machine\nhint: say `allow_private: true`"
        in said.err
    )
    assert "was not told: its address is http, which anybody on the way could read and change\n" in clear.err
    assert told.sent == []


@pytest.mark.parametrize("flags", [(), ("--debug",), ("--log-format", "json")])
def test_no_error_shows_the_address_or_the_key(project: Stage, told: Hook, flags: tuple[str, ...]) -> None:
    def echo(sent: Sent) -> tuple[int, dict[str, str], bytes]:
        said = f"no {told.url}{sent.path}?key={KEY} {sent.path} {sent.headers['tdr-signature']} {sent.path[10:]}"
        return 500, {"x-request-id": sent.path}, json.dumps({"message": said}).encode()

    told.answers = [echo]

    said = telling(project, told).tdr("apply", "--yes", *flags, TDR_LOG="debug")

    assert "it answered 500" in said.err
    for shown in (
        PATH,
        PATH.strip("/"),
        PATH[10:],
        PATH.rpartition("/")[2],
        KEY,
        told.url,
        told.url.rpartition(":")[2] + "/",
    ):
        assert shown not in said.out + said.err


def test_nothing_listens_there(project: Stage, told: Hook) -> None:
    telling(project, told)
    project.environ["HOOK"] = "http://127.0.0.1:9" + PATH

    said = project.tdr("apply", "--yes")

    assert "was not told: nothing listens at its address on this machine\n" in said.err
    assert "127.0.0.1:9" not in said.err


def test_an_address_without_a_server_shows_no_name(project: Stage) -> None:
    project.write("manifests/environments/local.yaml", 'notifications: [{type: slack, url: "${secret:env:HOOK}"}]\n')

    said = project.tdr("apply", "--yes", HOOK="https://no-such-host.invalid/FAKE-hook-path")

    assert "warning: the slack receiver at ${secret:env:HOOK} was not told: " in said.err
    assert "no-such-host" not in said.err


# -- who does not answer -----------------------------------------------------------------------------------------------


def silent(told: Hook) -> None:
    def wait(_sent: Sent) -> tuple[int, dict[str, str], bytes]:
        told.over.wait()
        return 200, {}, b""

    told.answers = [wait]


def test_a_receiver_that_hangs_is_given_up(told: Hook) -> None:
    silent(told)

    with pytest.raises(Undelivered, match=r"^no answer came$"):
        post(
            told.url + PATH,
            b"{}",
            {},
            allow_private=True,
            clock=HurriedClock(),
            patience=Patience(attempts=2, answer_s=0.05, total_s=10),
        )

    assert len(told.sent) == 2


def test_no_receiver_takes_longer_than_all_may(applied: Stage, told: Hook) -> None:
    silent(told)
    receiver = WebhookReceiver(type="webhook", url=SecretReference.to("env:HOOK"), allow_private=True)
    sender = Sender(
        find_project(applied.folder), HurriedClock(), {"HOOK": told.url + PATH}, Patience(answer_s=60), limit_s=0.2
    )

    failures = sender.send([Message(receiver, {"event": "applied"}), Message(receiver, {"event": "failed"})])

    assert [one.message for one in failures] == [
        "the webhook receiver at ${secret:env:HOOK} was not told: no answer came within 0.2 s"
    ] * 2
