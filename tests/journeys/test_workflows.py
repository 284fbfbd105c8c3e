"""Workflow projects: pushed from a folder or made of tasks, changed outside, taken over, killed on the way and taken away."""

from __future__ import annotations

import io
import json
import re
import signal
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from stage import Stage, as_if_in, ended, environment, files_below

from reconciler.apis.treasure_data_workflows import Workflows
from reconciler.wiring import open_runtime
from reconciler.workflow.archive import pack, unpack

PLAN_SCHEMA = files("reconciler.reports") / "schemas" / "plan.json"
DIG = """\
timezone: Asia/Tokyo
schedule:
  daily>: 07:00:00

_export:
  td: {database: shop}

+count:
  td>: queries/count.sql
  result_url: ${secret:target}
"""
SQL = "SELECT count(*) AS n\r\nFROM ${td.database}.people -- '${session_date}'\n"
SHOP = "apiVersion: tdr/v1\nkind: Database\nmetadata: {name: shop}\nspec: {}\n"
NIGHTLY = """\
apiVersion: tdr/v1
kind: Workflow
metadata: {name: nightly}
spec:
  directory: flows/nightly
  enabled: false
  secrets: {target: "${secret:env:TARGET}"}
"""
TASKS = """\
apiVersion: tdr/v1
kind: Query
metadata: {name: people}
spec: {database: shop, name: All people, sql: SELECT 1 AS n}
---
apiVersion: tdr/v1
kind: Workflow
metadata: {name: steps}
spec:
  schedule: {cron: "30 6 * * *", timezone: Asia/Tokyo}
  tasks:
    - {name: first, query: people}
    - {name: second, query: people}
"""
TARGET = "FAKE-target-of-the-rows"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A project with a workflow in a folder."""
    folder = tmp_path / "shop"
    folder.mkdir()
    made = Stage(folder, None, environment(folder) | {"TARGET": TARGET})
    write(made, "manifests/environments/local.yaml", "{}\n")
    write(made, "tdr.yaml", "apiVersion: tdr/v1\nproject: shop\n")
    write(made, "manifests/shop.yaml", SHOP)
    write(made, "manifests/nightly.yaml", NIGHTLY)
    write(made, "flows/nightly/main.dig", DIG)
    write(made, "flows/nightly/queries/count.sql", SQL)
    write(made, "flows/nightly/.hidden", "not pushed")
    return made


def write(stage: Stage, path: str, text: str) -> None:
    file = stage.folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())


@contextmanager
def workflows(stage: Stage) -> Iterator[Workflows]:
    """The workflows of the project's embedded service, as somebody else might use them."""
    with (
        as_if_in(stage.folder, stage.environ),
        open_runtime(start=stage.folder, environment=None, variables={}, resolve_secrets=False) as runtime,
    ):
        assert runtime.embedded is not None
        yield runtime.embedded.workflows()


def pushed(stage: Stage, name: str = "nightly") -> dict[str, bytes]:
    with workflows(stage) as api:
        project = api.project(name)
        assert project is not None
        return unpack(api.archive(str(project["id"])))


def summary(stage: Stage, *arguments: str) -> dict[str, Any]:
    told: dict[str, Any] = stage.tdr("plan", "--format", "json", *arguments, expect=None).document["summary"]
    return told


def test_a_folder_is_pushed_as_it_is_and_the_next_plan_is_empty(stage: Stage) -> None:
    said = stage.tdr("apply", "--yes")

    assert pushed(stage) == {"main.dig": DIG.encode(), "queries/count.sql": SQL.encode()}
    assert summary(stage) == {"noop": 2}
    with workflows(stage) as api:
        [project] = api.projects()
        assert api.secret_keys(str(project["id"])) == ["target"]
        assert [one["disabledAt"] is None for one in api.schedules(str(project["id"]))] == [False]
    assert TARGET not in said.out + said.err
    assert not any(TARGET.encode() in content for content in files_below(stage.folder / "state").values())


def test_a_changed_file_is_shown_by_its_lines_and_pushed_as_a_revision(stage: Stage) -> None:
    stage.tdr("apply", "--yes")
    write(stage, "flows/nightly/queries/count.sql", SQL.replace("AS n", "AS people"))

    plan = stage.tdr("plan").out

    assert "queries/count.sql" in plan
    assert [line.strip() for line in plan.splitlines() if "AS people" in line or "AS n" in line] == [
        "-SELECT count(*) AS n",
        "+SELECT count(*) AS people",
    ]
    assert "main.dig" not in plan
    stage.tdr("apply", "--yes")
    assert b"AS people" in pushed(stage)["queries/count.sql"]
    write(stage, "flows/nightly/queries/count.sql", SQL)
    stage.tdr("apply", "--yes")
    assert summary(stage) == {"noop": 2}


def test_a_revision_that_somebody_else_pushed_is_drift_and_is_taken_back(stage: Stage) -> None:
    stage.tdr("apply", "--yes")
    with workflows(stage) as api:
        api.push("nightly", "by-hand", pack({"main.dig": b"+other:\n  echo>: 1\n"}))

    drift = stage.tdr("drift", expect=None)

    assert drift.code != 0
    assert "workflow/nightly" in drift.out
    assert "main.dig" in drift.out
    stage.tdr("apply", "--yes", "--accept-drift", expect=None)
    assert stage.tdr("apply", "--yes").code == 0
    assert pushed(stage)["main.dig"] == DIG.encode()
    assert summary(stage) == {"noop": 2}


def test_the_same_files_pushed_by_somebody_else_are_no_difference(stage: Stage) -> None:
    stage.tdr("apply", "--yes")
    with workflows(stage) as api:
        # Another packing: the sum that the vendor tells of it is another one.
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as packed:
            packed.add(stage.folder / "flows/nightly/queries", "queries")
            packed.add(stage.folder / "flows/nightly/main.dig", "main.dig")
        api.push("nightly", "by-hand", archive.getvalue())

    assert summary(stage) == {"noop": 2}


def test_schedules_and_secrets_changed_outside_are_set_again(stage: Stage) -> None:
    stage.tdr("apply", "--yes")
    with workflows(stage) as api:
        [project] = api.projects()
        project_id = str(project["id"])
        api.delete_secret(project_id, "target")
        api.set_secret(project_id, "other", "x")
        for schedule in api.schedules(project_id):
            api.enable_schedule(str(schedule["id"]))

    assert summary(stage)["update"] == 1
    stage.tdr("apply", "--yes")

    with workflows(stage) as api:
        assert api.secret_keys(project_id) == ["target"]
        assert all(schedule["disabledAt"] for schedule in api.schedules(project_id))
    assert summary(stage) == {"noop": 2}
    assert summary_with(stage, TARGET="FAKE-another") == {"noop": 1, "update": 1}


def summary_with(stage: Stage, **environ: str) -> dict[str, Any]:
    told: dict[str, Any] = stage.tdr("plan", "--format", "json", **environ).document["summary"]
    return told


def test_tasks_become_a_workflow_that_runs_what_is_declared(stage: Stage) -> None:
    write(stage, "manifests/tasks.yaml", TASKS)
    stage.tdr("apply", "--yes")

    assert pushed(stage, "steps") == {
        "steps.dig": b"""\
timezone: "Asia/Tokyo"
schedule:
  cron>: "30 6 * * *"

+first:
  td_run>: "All people"

+second:
  td_run>: "All people"
"""
    }
    assert summary(stage) == {"noop": 4}


def test_a_project_is_taken_over_with_its_files_and_the_next_plan_is_empty(stage: Stage) -> None:
    (stage.folder / "manifests" / "nightly.yaml").unlink()
    with workflows(stage) as api:
        api.push("By hand", "one", pack({"main.dig": DIG.encode(), "queries/count.sql": SQL.encode()}))
        api.set_secret(str(api.projects()[0]["id"]), "target", TARGET)

    said = stage.tdr("import", "--all")

    assert (
        (stage.folder / "manifests/workflows/by-hand.yaml").read_text()
        == """\
apiVersion: tdr/v1
kind: Workflow
metadata:
  name: by-hand
spec:
  name: By hand
  directory: workflows/by-hand
lifecycle:
  protect: true
"""
    )
    assert (stage.folder / "workflows/by-hand/queries/count.sql").read_bytes() == SQL.encode()
    assert "the values of its secrets cannot be read" in said.out + said.err
    assert summary(stage) == {"create": 1, "noop": 1}


def test_a_project_that_is_there_already_is_not_pushed_into_unasked(stage: Stage) -> None:
    with workflows(stage) as api:
        api.push("nightly", "theirs", pack({"main.dig": b"+theirs:\n  echo>: 1\n"}))

    assert stage.tdr("apply", "--yes", expect=None).code != 0
    assert b"+theirs" in pushed(stage)["main.dig"]


def test_a_workflow_is_taken_away_with_its_document(stage: Stage) -> None:
    stage.tdr("apply", "--yes")
    (stage.folder / "manifests" / "nightly.yaml").unlink()

    stage.tdr("apply", "--yes", expect=None)

    with workflows(stage) as api:
        assert api.projects() == []


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        (
            "flows/nightly/main.dig",
            "+a:\n  echo>: 1\n+a:\n  echo>: 2\n",
            "main.dig:3:1: `+a` is there twice, first in line 1",
        ),
        ("flows/nightly/other.dig", "+a:\n\u00a0\u00a0echo>: 1\n", "is indented with U+00A0"),
        ("manifests/nightly.yaml", NIGHTLY.replace("flows/nightly", "../outside"), "lies outside the project"),
        ("manifests/nightly.yaml", NIGHTLY.replace("flows/nightly", "flows"), "the project has no workflow"),
        (
            "manifests/nightly.yaml",
            NIGHTLY.replace("directory: flows/nightly", "tasks: []"),
            "the workflow has no task",
        ),
        (
            "manifests/nightly.yaml",
            NIGHTLY.replace('"${secret:env:TARGET}"', "in-clear"),
            "must not be written in a manifest",
        ),
    ],
)
def test_what_cannot_be_pushed_is_said_before_anything_is_sent(stage: Stage, path: str, text: str, said: str) -> None:
    write(stage, path, text)

    told = stage.tdr("plan", expect=None)

    assert told.code != 0
    assert said in told.out + told.err


def test_links_out_of_the_folder_are_refused(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "outside.sql").write_text("SELECT 'a secret of this machine'")
    (stage.folder / "flows/nightly/link.sql").symlink_to(tmp_path / "outside.sql")

    told = stage.tdr("plan", expect=None)

    assert told.code != 0
    assert "outside the project" in told.out + told.err
    assert "a secret of this machine" not in told.out + told.err


@pytest.mark.parametrize(("where", "request_number"), [("after", 1), ("after", 2), ("before", 3), ("after", 3)])
def test_a_push_whose_process_was_killed_is_found_again_and_never_doubled(
    stage: Stage, where: str, request_number: int
) -> None:
    """What is killed: the database, the push, the schedule and the secret, in this order."""
    driver = Path(__file__).with_name("killed_at_request.py")
    command = [sys.executable, str(driver), where, str(request_number), "apply", "--yes", "--parallelism", "1"]
    process = stage.start(command)
    out, err = ended(process)
    assert process.returncode == -signal.SIGKILL, f"{out}\n{err}"

    stage.tdr("apply", "--yes")

    with workflows(stage) as api:
        [project] = api.projects()
        assert api.secret_keys(str(project["id"])) == ["target"]
        assert [bool(one["disabledAt"]) for one in api.schedules(str(project["id"]))] == [True]
        assert api.revisions(str(project["id"])) == [project["revision"]]
    assert summary(stage) == {"noop": 2}


def test_a_killed_push_of_a_change_is_one_revision(stage: Stage) -> None:
    stage.tdr("apply", "--yes")
    write(stage, "flows/nightly/queries/count.sql", "SELECT 2 AS n\n")
    driver = Path(__file__).with_name("killed_at_request.py")
    process = stage.start([sys.executable, str(driver), "after", "1", "apply", "--yes"])
    out, err = ended(process)
    assert process.returncode == -signal.SIGKILL, f"{out}\n{err}"

    stage.tdr("apply", "--yes", expect=None)

    with workflows(stage) as api:
        [project] = api.projects()
        assert len(api.revisions(str(project["id"]))) == 2
    assert summary(stage) == {"noop": 2}


def test_what_only_lets_it_run_or_no_more_is_told_as_that(stage: Stage) -> None:
    stage.tdr("apply", "--yes")
    address = "workflow/nightly"
    for before, after, word in (("false", "true", "resume"), ("true", "false", "pause")):
        stage.edit("manifests/nightly.yaml", f"enabled: {before}", f"enabled: {after}")

        told = stage.tdr("plan", "--format", "json", "--out", "plan.json").document
        said = {name: stage.tdr("plan", "--format", name).out for name in ("text", "markdown")}

        (change,) = [one for one in told["changes"] if one["actions"] != ["noop"]]
        assert (change["address"], change["actions"], change["fields"][0]["path"]) == (address, [word], "/enabled")
        jsonschema.validate(told, json.loads(PLAN_SCHEMA.read_text(encoding="utf-8")))
        assert told["summary"][word] == 1
        assert re.search(rf"^~ {address} +{word} ", said["text"], flags=re.MULTILINE)
        assert f"1 to {word}" in said["text"]
        assert f"1 to {word}" in said["markdown"]
        assert word in json.dumps(stage.tdr("graph", "--changes", "plan.json", "--format", "json").document)
        done = stage.tdr("apply", "plan.json", "--yes", "--format", "json").document
        assert [(one["address"], one["action"]) for one in done["results"] if one["status"] == "done"] == [
            (address, word)
        ]
        stage.tdr("plan", "--detailed-exitcode")
    stage.edit("manifests/nightly.yaml", "enabled: false", "enabled: true")
    write(stage, "flows/nightly/queries/count.sql", "SELECT 2 AS n\n")

    (change,) = [one for one in stage.tdr("plan", "--format", "json").document["changes"] if one["actions"] != ["noop"]]
    assert change["actions"] == ["update"], "with anything else it is an update as any other"
