"""`--format jsonl`: a run as it goes, one event a line, from `version` to `summary`."""

from __future__ import annotations

import json
import queue
import threading
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from stage import Said, Stage

from reconciler.cli.following import Events
from reconciler.errors import LockHeld
from reconciler.model.address import Address

SCHEMA = json.loads((files("reconciler.reports") / "schemas" / "event.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
LOST = (
    "---\napiVersion: tdr/v1\nkind: Table\nmetadata: {name: lost}\n"
    "spec: {database: no_such_database, columns: [{name: one, type: long}]}\n"
    "---\napiVersion: tdr/v1\nkind: Import\nmetadata: {name: lost}\n"
    "spec: {from: {type: files, paths: [data/customers.csv]}, to: {database: shop, table: lost, mode: replace_on_new_data}}\n"
)


def events(said: Said) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in said.out.splitlines()]
    for one in found:
        VALIDATOR.validate(one)
    return found


def names(found: list[dict[str, Any]]) -> list[str]:
    return [one["event"] for one in found]


def test_an_apply_tells_every_step_and_ends_with_the_document_of_the_run(project: Stage) -> None:
    said = project.tdr("apply", "--yes", "--format", "jsonl", "--parallelism", "1", "--report", "json=run.json")

    found = events(said)
    assert said.err == ""
    assert names(found)[:3] == ["version", "lock", "plan_loaded"]
    assert names(found)[-2:] == ["state_saved", "summary"]
    plan = found[2]
    assert [one["action"] for one in plan["operations"]] == ["create"] * 4
    steps = [(one["event"], one["address"]) for one in found if one["event"].startswith("op_")]
    in_order = [one["address"] for one in plan["operations"]]
    assert steps == [(name, address) for address in in_order for name in ("op_start", "op_done")]
    assert found[-1]["exit_code"] == 0
    assert found[-1]["result"] == json.loads((project.folder / "run.json").read_text())
    assert found[-2]["serial"] == project.tdr("state", "list", "--format", "json").document["serial"]


def test_what_fails_and_what_waits_for_it_have_events_of_their_own(project: Stage) -> None:
    text = (project.folder / "manifests/shop.yaml").read_text()
    project.write("manifests/shop.yaml", text + LOST)

    found = events(project.tdr("apply", "--yes", "--format", "jsonl", expect=6))

    (failed,) = [one for one in found if one["event"] == "op_failed"]
    assert (failed["address"], failed["action"]) == ("table/lost", "create")
    assert failed["message"]
    assert failed["elapsed_s"] >= 0
    (skipped,) = [one for one in found if one["event"] == "op_skipped"]
    assert (skipped["address"], skipped["elapsed_s"]) == ("import/lost", None)
    assert (found[-1]["event"], found[-1]["exit_code"]) == ("summary", 6)


def test_a_gate_ends_a_run_with_a_summary_of_nothing(applied: Stage) -> None:
    applied.tdr("state", "rm", "query/buyers-per-month")

    found = events(applied.tdr("apply", "--yes", "--format", "jsonl", expect=3))

    assert names(found) == ["version", "lock", "plan_loaded", "summary"]
    assert [gate["rule"] for gate in found[2]["gates"]] == ["adoption_required"]
    assert (found[-1]["exit_code"], found[-1]["result"]) == (3, None)


def test_invalid_manifests_are_a_diagnostic_each(project: Stage) -> None:
    project.edit("manifests/shop.yaml", "spec: {}", "spec: {nmae: x}")

    found = events(project.tdr("apply", "--yes", "--format", "jsonl", expect=7))

    assert names(found) == ["version", "diagnostic", "summary"]
    assert (found[1]["rule"], found[1]["file"]) == ("unknown-key", "manifests/shop.yaml")
    assert found[-1]["exit_code"] == 7


def test_destroy_and_run_tell_events_too(applied: Stage) -> None:
    ran = events(applied.tdr("run", "import/customers", "--format", "jsonl"))
    assert names(ran)[:2] == ["version", "op_start"]
    assert names(ran)[-2:] == ["op_done", "summary"]
    assert ran[-1]["result"]["status"] == "success"

    gone = events(applied.tdr("destroy", "--yes", "--env", "local", "--format", "jsonl"))
    assert [one["action"] for one in gone if one["event"] == "op_done"] == ["delete"] * 4


def test_each_event_is_written_when_it_happens(project: Stage) -> None:
    process = project.spawn("apply", "--yes", "--format", "jsonl")
    assert process.stdout is not None

    assert json.loads(process.stdout.readline())["event"] == "version"
    out, _ = process.communicate(timeout=120)

    assert process.returncode == 0
    assert json.loads(out.splitlines()[-1])["event"] == "summary"


class Ticking:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1_700_000_000.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def test_an_operation_that_lasts_gives_signs_of_life_until_it_ends() -> None:
    lines: queue.Queue[dict[str, Any]] = queue.Queue()
    clock = Ticking()
    with Events("tdr apply", lambda line: lines.put(json.loads(line)), clock, beat_s=0.001) as follower:
        assert lines.get(timeout=60)["event"] == "version"
        follower.operation(Address("query", "slow"), "start", "create")
        clock.sleep(70)
        assert lines.get(timeout=60)["event"] == "op_start"
        for _ in range(3):
            while (beat := lines.get(timeout=60))["elapsed_s"] != 70:
                pass
            assert (beat["event"], beat["address"], beat["action"]) == ("op_progress", "query/slow", "create")
        follower.operation(Address("query", "slow"), "done", "create")
        while (ended := lines.get(timeout=60))["event"] == "op_progress":
            pass
        assert (ended["event"], ended["elapsed_s"]) == ("op_done", 70)
    assert lines.empty(), "no sign of life of what has ended"
    assert not [one for one in threading.enumerate() if one.name == "heartbeat"]


def test_a_run_that_breaks_off_still_ends_with_a_summary() -> None:
    lines: list[dict[str, Any]] = []
    with (
        pytest.raises(LockHeld),
        Events("tdr apply", lambda line: lines.append(json.loads(line)), Ticking()),
    ):
        raise LockHeld("somebody is writing", hint="wait")

    assert [(one["event"], one.get("message"), one.get("exit_code")) for one in lines] == [
        ("version", None, None),
        ("diagnostic", "somebody is writing", None),
        ("summary", None, 5),
    ]


@pytest.mark.parametrize("verb", ["apply", "destroy", "rollback"])
def test_one_at_a_time_is_one_at_a_time_whatever_writes(verb: str, project: Stage) -> None:
    command = [verb, "--yes", "--env", "local"]
    if verb != "apply":
        project.tdr("apply", "--yes")
    if verb == "rollback":
        run = project.tdr("history", "--format", "json").document["runs"][0]["run"]
        gates = project.tdr("rollback", run, "--plan", "--format", "json", expect=3).document["gates"]
        command += [run, *" ".join(sorted({gate["approve"] for gate in gates})).split(), "--reason", "it is meant"]

    said = project.tdr(*command, "--parallelism", "1", "--format", "jsonl")

    told = [json.loads(line) for line in said.out.splitlines()]
    steps = [(one["event"], one["address"]) for one in told if one["event"] in {"op_start", "op_done"}]
    assert len(steps) == 8, said
    assert [(event, address) for event, address in steps] == [
        (event, address) for _, address in steps[::2] for event in ("op_start", "op_done")
    ]
