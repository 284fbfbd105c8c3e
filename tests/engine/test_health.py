"""What is found wrong with a resource that was applied, as a table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.engine.health import Watched, problems
from reconciler.model.address import Address
from reconciler.model.environment import HealthSpec
from reconciler.model.observation import Observation
from reconciler.model.record import Record
from reconciler.ports.provider import Job, JobStatus

NOW = 1_790_000_000
HOUR = 3600
DAILY = Record("daily", {"cron": "0 3 * * *"})
LIMITS = HealthSpec()


def ran(number: int, status: str = "success", minutes: float | None = 10, rows: int = 100, log: str = "") -> Job:
    begun = NOW - (100 - number) * 24 * HOUR
    ended = None if minutes is None else begun + int(minutes * 60)
    return Job(str(number), JobStatus(status), rows, rows, log, begun, begun, ended)


def running(minutes: int) -> Job:
    return Job("100", JobStatus.RUNNING, created_at=NOW - minutes * 60, started_at=NOW - minutes * 60)


USUAL = (ran(99), ran(98, minutes=12), ran(97, minutes=8), ran(96))


def watched(kind: str = "activation", record: Record = DAILY, runs: tuple[Job, ...] = USUAL, **more: Any) -> Watched:
    found = Observation("daily", {"cron": "0 3 * * *", "export": {"action": "REPLACE"}})
    return Watched(Address(kind, "daily"), record, **{"found": found, "runs": runs, "creating": "CREATE"} | more)


def audience(status: str, hours: float, size: int | None = None) -> Watched:
    found = Observation("5", {}, {"status": status, "size": size}, int(NOW - hours * HOUR))
    return watched("audience", Record("5", {}), (), found=found, creating="")


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        pytest.param(watched(), [], id="all is well"),
        pytest.param(watched(runs=()), [], id="never ran"),
        pytest.param(watched(found=None), ["missing: is not there any more"], id="deleted"),
        pytest.param(
            watched(runs=(ran(99, "error", log="one\nboom\n"), *USUAL[1:])),
            ["failing: the newest run failed, last job 99: boom"],
            id="the newest failed",
        ),
        pytest.param(
            watched(runs=(ran(99, "error"), ran(98, "killed"), *USUAL[2:])),
            ["failing: the newest 2 runs failed, last job 99"],
            id="two failed",
        ),
        pytest.param(watched(runs=(USUAL[0], ran(98, "error"), *USUAL[2:])), [], id="failed once, well again"),
        pytest.param(
            watched(runs=(running(45), *USUAL)),
            ["stuck: job 100 runs for 45 minutes; 10 minutes are usual"],
            id="stuck",
        ),
        pytest.param(watched(runs=(running(29), *USUAL)), [], id="long, but not three times as long"),
        pytest.param(watched(runs=(running(300), *USUAL[:2])), [], id="nobody knows what is usual"),
        pytest.param(
            watched(runs=(ran(99, rows=0), *USUAL[1:])), ["no-rows: job 99 had no rows; 100 are usual"], id="no rows"
        ),
        pytest.param(
            watched(runs=(ran(99, rows=0), ran(98, rows=0), ran(97, rows=0), ran(96, rows=0))), [], id="never rows"
        ),
        pytest.param(
            watched(found=Observation("daily", {"cron": ""})),
            ["schedule-gone: its schedule '0 3 * * *' is not there any more"],
            id="schedule taken off",
        ),
        pytest.param(
            watched(found=Observation("daily", {"cron": ""}), runs=(ran(99, "error"), ran(98, "error"), ran(97))),
            [
                "failing: the newest 2 runs failed, last job 99",
                "schedule-gone: its schedule '0 3 * * *' is not there any more after 2 failures in a row",
            ],
            id="schedule disabled after failures",
        ),
        pytest.param(
            watched(record=Record("daily", {}), found=Observation("daily", {"cron": ""})), [], id="never scheduled"
        ),
        pytest.param(
            watched(found=Observation("daily", {"cron": "0 3 * * *", "export": {"action": "CREATE"}})),
            ["create-mode: its export is in the mode CREATE, which fails as soon as the audience exists"],
            id="create mode",
        ),
        pytest.param(
            watched(
                record=replace(DAILY, phase="created"),
                found=Observation("daily", {"cron": "", "export": {"action": "CREATE"}}),
            ),
            ["first-run-unfinished: its first run is not finished (created)"],
            id="bootstrap under way",
        ),
        pytest.param(audience("READY", 500), [], id="audience ready"),
        pytest.param(audience("INITIALIZING", 47), [], id="audience filling"),
        pytest.param(
            audience("INITIALIZING", 49),
            ["not-filling: has been filling since 2026-09-19T13:13:20Z, longer than 2 days"],
            id="audience not filling",
        ),
        pytest.param(
            audience("TOO_SMALL", 1, 12),
            ["too-small: is too small to be used in ads (12 matched)"],
            id="audience too small",
        ),
        pytest.param(watched("connection", expires_at=NOW + 8 * 24 * HOUR), [], id="authorised for eight days"),
        pytest.param(
            watched("connection", expires_at=NOW + HOUR),
            ["authorisation-ends: its authorisation ends at 2026-09-21T15:13:20Z"],
            id="authorised for an hour",
        ),
        pytest.param(
            watched("connection", expires_at=NOW - HOUR),
            ["authorisation-over: its authorisation ended at 2026-09-21T13:13:20Z"],
            id="authorised no more",
        ),
    ],
)
def test_what_is_found(seen: Watched, said: list[str]) -> None:
    assert [f"{one.rule}: {one.message}" for one in problems(seen, LIMITS, NOW)] == said


@pytest.mark.parametrize(
    ("limits", "seen", "rules"),
    [
        (HealthSpec(stuck_factor=2), watched(runs=(running(29), *USUAL)), ["stuck"]),
        (HealthSpec(stuck_after=3600), watched(runs=(running(45), *USUAL)), []),
        (HealthSpec(failures=2), watched(runs=(ran(99, "error"), *USUAL[1:])), []),
        (HealthSpec(filled_within=HOUR), audience("INITIALIZING", 2), ["not-filling"]),
        (HealthSpec(token_warning=60), watched("connection", expires_at=NOW + HOUR), []),
    ],
)
def test_the_environment_says_from_when_on(limits: HealthSpec, seen: Watched, rules: list[str]) -> None:
    assert [one.rule for one in problems(seen, limits, NOW)] == rules
