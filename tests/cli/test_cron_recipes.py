"""Looks for drift without a forge: the units of systemd and the CronJob that people copy, and the commands in them, run."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from stage import TDR, Stage

RECIPES = Path(__file__).parents[2] / "examples" / "cron"
PAGE = Path(__file__).parents[2] / "docs" / "pipelines.md"
UNITS = ("tdr-drift.service", "tdr-drift.timer")


def unit(name: str) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string((RECIPES / name).read_text(encoding="utf-8"))
    return {section: dict(parser[section]) for section in parser.sections()}


@pytest.fixture
def cronjob() -> dict[str, Any]:
    made: dict[str, Any] = yaml.safe_load((RECIPES / "cronjob.yaml").read_text(encoding="utf-8"))
    return made


@pytest.fixture
def container(cronjob: dict[str, Any]) -> dict[str, Any]:
    (only,) = cronjob["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    made: dict[str, Any] = only
    return made


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("name", UNITS)
@pytest.mark.parametrize("spoiled", [False, True])
def test_systemd_finds_no_fault_with_the_units(tmp_path: Path, name: str, *, spoiled: bool) -> None:
    for one in UNITS:
        text = (RECIPES / one).read_text(encoding="utf-8").replace("/usr/local/bin/tdr", str(TDR))
        text = text.replace("StateDirectory=", "StateDir=").replace("Persistent=", "Persist=") if spoiled else text
        (tmp_path / one).write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / name)], capture_output=True, text=True, check=False
    )
    told = [line for line in done.stderr.splitlines() if str(tmp_path) in line]
    assert bool(told) == spoiled, done.stderr
    assert spoiled or done.returncode == 0, done.stderr


def test_the_unit_holds_no_secret_and_writes_only_where_it_says() -> None:
    service = unit("tdr-drift.service")["Service"]
    assert "Environment" not in service
    assert service["EnvironmentFile"].startswith("/etc/")
    assert (service["Type"], service["ProtectSystem"], service["NoNewPrivileges"]) == ("oneshot", "strict", "yes")
    written = set(re.findall(r"--report \w+=(\S+)", service["ExecStart"]))
    assert all(path.startswith(f"%S/{service['StateDirectory']}/") for path in written)
    assert written


def test_the_timer_starts_the_service_when_the_cronjob_starts_its_pod(project: Stage, cronjob: dict[str, Any]) -> None:
    timer = unit("tdr-drift.timer")
    assert timer["Install"]["WantedBy"] == "timers.target"
    wanted = re.fullmatch(r"\*-\*-\* 00/(\d+):(\d+):00", timer["Timer"]["OnCalendar"])
    assert wanted is not None
    every, minute = int(wanted[1]), int(wanted[2])
    runs = project.tdr("schedule", "explain", cronjob["spec"]["schedule"], "--next", "4", "--format", "json").document
    assert {one["utc"][11:16] for one in runs["next"]} == {f"{hour:02}:{minute:02}" for hour in range(0, 24, every)}
    assert cronjob["spec"]["timeZone"] == "Etc/UTC"


def changed_outside(project: Stage) -> None:
    """Somebody changes what was applied."""
    with project.somebody() as client:
        client.update_saved_query("buyers-per-month", {"cron": "0 6 * * *"})


def test_what_the_unit_runs_ends_as_it_expects(applied: Stage, tmp_path: Path) -> None:
    service = unit("tdr-drift.service")["Service"]
    program, *arguments = shlex.split(service["ExecStart"].replace("%S/tdr", str(tmp_path)))
    assert program.endswith("/tdr")
    assert seconds(service["TimeoutStartSec"]) > seconds(arguments[arguments.index("--timeout") + 1])
    arguments[arguments.index("prod")] = "local"
    assert applied.tdr(*arguments).code == 0
    changed_outside(applied)
    assert applied.tdr(*arguments, expect=None).code == int(service["SuccessExitStatus"])
    assert "0 6 * * *" in (tmp_path / "drift.md").read_text(encoding="utf-8")
    assert "tdr_drifted_objects" in (tmp_path / "drift.prom").read_text(encoding="utf-8")


def test_what_the_cronjob_runs_ends_as_it_expects(
    applied: Stage, cronjob: dict[str, Any], container: dict[str, Any]
) -> None:
    job = cronjob["spec"]["jobTemplate"]["spec"]
    arguments = [{"/project": str(applied.folder), "prod": "local"}.get(one, one) for one in container["args"]]
    assert job["activeDeadlineSeconds"] > seconds(arguments[arguments.index("--timeout") + 1])
    assert applied.tdr(*arguments).code == 0
    changed_outside(applied)
    assert applied.tdr(*arguments, expect=None).code == 2
    assert job["backoffLimit"] == 0, "drift that was found is not looked for again and again"


def test_the_cronjob_is_one_and_asks_for_no_more_than_it_needs(
    cronjob: dict[str, Any], container: dict[str, Any]
) -> None:
    assert (cronjob["apiVersion"], cronjob["kind"]) == ("batch/v1", "CronJob")
    assert cronjob["spec"]["concurrencyPolicy"] == "Forbid"
    pod = cronjob["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["restartPolicy"] == "Never", "what CronJobs allow is Never and OnFailure"
    assert pod["automountServiceAccountToken"] is False
    assert "env" not in container
    assert container["envFrom"] == [{"secretRef": {"name": "tdr-prod"}}]
    assert "command" not in container, "the image's entry point is tdr itself, so that a signal reaches it"
    volumes = {one["name"] for one in pod["volumes"]}
    assert {one["name"] for one in container["volumeMounts"]} <= volumes
    containerfile = (RECIPES.parents[1] / "Containerfile").read_text(encoding="utf-8")
    user = pod["securityContext"]
    assert f"USER {user['runAsUser']}:{user['runAsGroup']}" in containerfile
    assert 'ENTRYPOINT ["/tdr/bin/tdr"]' in containerfile
    assert "WORKDIR /project" in containerfile


def test_the_page_leads_to_every_recipe() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [path.name for path in RECIPES.iterdir() if f"](../examples/cron/{path.name})" not in page] == []


def seconds(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(m|min|s)", text).groups()  # type: ignore[union-attr]
    return int(number) * (1 if unit == "s" else 60)
