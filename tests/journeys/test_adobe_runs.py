"""`tdr run dataflow/NAME`: a run at Adobe, started once, followed to its end, with its rows; or refused in words."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from adobe_stage import changed, forget_traffic, kept, listing_project, writes
from stage import Stage, ended

from reconciler.emulators.adobe.sandbox import AdobeSandbox

DOCUMENTS, FLOW = "manifests/lists.yaml", "dataflow/newsletter"
DRIVER = Path(__file__).with_name("killed_at_adobe.py")
FAILED = {
    "metrics": {
        "durationSummary": {"startedAtUTC": 1_790_000_000_000},
        "statusSummary": {"status": "failed", "errors": [{"code": "CONNECTOR-2001-500", "message": "no such column"}]},
    }
}


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[Stage, AdobeSandbox]]:
    """A flow that is scheduled once, and applied."""
    with listing_project(tmp_path / "lists") as (stage, adobe):
        stage.edit(DOCUMENTS, "frequency: hour, interval: 6", "frequency: once")
        stage.tdr("apply", "--yes")
        forget_traffic(adobe)
        yield stage, adobe


def ran(stage: Stage, *, expect: int | None = 0) -> dict[str, Any]:
    return stage.tdr("run", FLOW, "--format", "json", expect=expect).document


def put_run(adobe: AdobeSandbox, **told: Any) -> str:
    """A run that the flow has already."""
    world = adobe.adobe.world
    (flow,) = kept(adobe, "flows")
    return str(world.put(world.sandboxes["prod"], "runs", {"flowId": flow["id"], **told})["id"])


def test_a_run_is_started_followed_and_counted(both: tuple[Stage, AdobeSandbox]) -> None:
    stage, adobe = both
    adobe.control.knobs(run_s=60, run_rows=26758, run_failed_rows=8)

    job = ran(stage)

    assert writes(adobe) == ["POST /runs"]
    (run,) = kept(adobe, "runs")
    assert (job["job_id"], job["status"], job["rows"]) == (run["id"], "success", 26750)
    assert "8 rows failed" in job["log"]
    assert stage.tdr("logs", FLOW, "--format", "json").document["job_id"] == run["id"]
    status = stage.tdr("status", FLOW, "--format", "json", expect=None).document
    assert [one["rows"] for one in status["resources"][0]["runs"]] == [26750]
    assert (
        "run"
        in next(one for one in stage.tdr("kinds", "--format", "json").document["kinds"] if one["kind"] == "Dataflow")[
            "verbs"
        ]
    )


@pytest.mark.parametrize(
    ("ends", "status", "code"),
    [
        ("success", "success", 0),
        ("SUCCESS", "success", 0),
        ("PARTIAL_SUCCESS", "success", 0),
        ("completed", "success", 0),
        ("failed", "error", 1),
        ("partialFailure", "error", 1),
        ("called off", "error", 1),
    ],
)
def test_how_it_ended_is_how_tdr_ends(both: tuple[Stage, AdobeSandbox], ends: str, status: str, code: int) -> None:
    stage, adobe = both
    adobe.control.knobs(run_ends=ends)

    job = ran(stage, expect=code)

    assert (job["status"], f"Adobe: {ends}" in job["log"]) == (status, True)


def test_why_it_failed_is_told_without_counts_that_are_none(both: tuple[Stage, AdobeSandbox]) -> None:
    stage, adobe = both
    run = put_run(adobe, **FAILED)

    job = stage.tdr("logs", FLOW, "--format", "json").document

    assert (job["job_id"], job["status"], job["rows"]) == (run, "error", 0)
    assert "CONNECTOR-2001-500: no such column" in job["log"]
    assert "the newest run" in stage.tdr("doctor", expect=None).out


@pytest.mark.parametrize("status", ["scheduled", "inProgress", "QUEUED", ""])
def test_a_run_that_is_under_way_is_followed_and_no_other_started(
    both: tuple[Stage, AdobeSandbox], status: str
) -> None:
    stage, adobe = both
    put_run(adobe, **FAILED)
    metrics = {"statusSummary": {"status": status}} if status else {}
    run = put_run(adobe, metrics=metrics)

    def end_it_once_it_was_looked_at() -> None:
        while not any(call["path"].endswith(f"/runs/{run}") for call in adobe.control.traffic()):
            time.sleep(0.01)
        records = {"createdRecordCount": 3, "updatedRecordCount": 4}
        over = {"recordSummary": records, "statusSummary": {"status": "success"}}
        adobe.control.call("PATCH", f"/objects/prod/runs/{run}", {"metrics": over})

    with ThreadPoolExecutor(1) as somebody:
        at_adobe = somebody.submit(end_it_once_it_was_looked_at)
        job = ran(stage)
        at_adobe.result()

    assert (job["job_id"], job["status"], job["rows"]) == (run, "success", 7)
    assert writes(adobe) == []


def test_an_old_run_of_which_little_is_known_stands_in_nobodys_way(both: tuple[Stage, AdobeSandbox]) -> None:
    stage, adobe = both
    put_run(adobe, metrics={"statusSummary": {"status": "vanished"}})

    assert ran(stage)["status"] == "success"
    assert len(kept(adobe, "runs")) == 2


def test_runs_of_other_flows_are_no_business_of_this_one(both: tuple[Stage, AdobeSandbox]) -> None:
    stage, adobe = both
    put_run(adobe, flowId="another", metrics={"statusSummary": {"status": "inProgress"}})

    assert ran(stage)["job_id"] == kept(adobe, "runs")[-1]["id"]


@pytest.mark.parametrize(
    ("state", "schedule", "said"),
    [
        ("disabled", {}, "is switched off at Adobe, so it does not run"),
        ("enabled", {"frequency": "hour", "interval": 6}, "runs every 6 hours, and Adobe lets only flows of"),
    ],
    ids=["off", "periodic"],
)
def test_what_cannot_be_run_is_refused_in_words_and_nothing_is_sent(
    both: tuple[Stage, AdobeSandbox], state: str, schedule: dict[str, Any], said: str
) -> None:
    stage, adobe = both
    (flow,) = kept(adobe, "flows")
    changed(adobe, "flows", state=state, scheduleParams={**flow["scheduleParams"], **schedule})

    refused = stage.tdr("run", FLOW, expect=1)

    assert said in refused.err
    assert writes(adobe) == []


def test_a_token_that_may_start_no_runs_is_told_so(both: tuple[Stage, AdobeSandbox]) -> None:
    stage, adobe = both
    adobe.control.knobs(starts_runs=False)
    assert "the token may not start runs" in stage.tdr("run", FLOW, expect=1).err


def test_a_flow_that_is_gone_is_told_so(both: tuple[Stage, AdobeSandbox]) -> None:
    stage, adobe = both
    (flow,) = kept(adobe, "flows")
    adobe.control.call("DELETE", f"/objects/prod/flows/{flow['id']}")
    assert "not found" in stage.tdr("run", FLOW, expect=1).err


@pytest.mark.parametrize("kind", ["answer_lost", "cut_midway", "truncated", "html"])
def test_a_run_whose_answer_is_lost_is_found_and_followed(both: tuple[Stage, AdobeSandbox], kind: str) -> None:
    stage, adobe = both
    adobe.control.knobs(run_s=60)
    adobe.control.fault(kind, method="POST", path="/runs")

    said = stage.tdr("run", FLOW, expect=1 if kind == "html" else 0)
    if said.code:
        assert "no new run of dataflow/newsletter is listed" in said.err
        stage.tdr("run", FLOW)

    assert len(kept(adobe, "runs")) == 1


def test_a_run_that_nobody_heard_of_is_told_as_such(both: tuple[Stage, AdobeSandbox]) -> None:
    stage, adobe = both
    adobe.control.fault("cut", method="POST", path="/runs")

    said = stage.tdr("run", FLOW, expect=1)

    assert "no new run of dataflow/newsletter is listed" in said.err
    assert kept(adobe, "runs") == []
    assert ran(stage)["status"] == "success"


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_killed_run_is_never_two(both: tuple[Stage, AdobeSandbox], where: str) -> None:
    stage, adobe = both
    adobe.control.knobs(run_s=200)
    process = stage.start([sys.executable, str(DRIVER), where, "1", "run", FLOW])
    out, err = ended(process)
    assert process.returncode == -signal.SIGKILL, out + err
    assert len(kept(adobe, "runs")) == (where == "after")

    assert ran(stage)["status"] == "success"

    assert len(kept(adobe, "runs")) == 1


@pytest.mark.parametrize(("unit", "scale"), [("seconds", 1), ("milliseconds", 1000)])
def test_a_window_is_sent_where_the_environment_says_so(
    both: tuple[Stage, AdobeSandbox], unit: str, scale: int
) -> None:
    stage, adobe = both
    adobe.control.knobs(run_needs_window=True)
    assert "windowEndTime are required" in stage.tdr("run", FLOW, expect=1).err
    stage.edit("manifests/environments/local.yaml", "adobe:\n", f"adobe:\n  run_window: {unit}\n")

    ran(stage)
    stage.clock.leap(3600)
    ran(stage)

    first, second = (one["params"] for one in kept(adobe, "runs"))
    assert int(first["windowStartTime"]) <= int(first["windowEndTime"])
    assert int(second["windowEndTime"]) - int(first["windowEndTime"]) >= 3600 * scale
    assert int(second["windowStartTime"]) >= int(first["windowStartTime"])
    assert len(second["windowEndTime"]) == (10 if unit == "seconds" else 13)
