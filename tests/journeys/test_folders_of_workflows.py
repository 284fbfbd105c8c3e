"""`tdr import FOLDER`: all workflows of a project at once, without anybody's credentials."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from stage import Stage, environment

LOCKED = """\
apiVersion: tdr/v1
kind: Connection
metadata: {name: pinterest-main}
spec:
  type: pinterest
  client_id: ${secret:env:NOBODY_SET_THIS}
  client_secret: ${secret:env:NOR_THIS}
  refresh_token: ${secret:env:NOR_THAT}
"""
DAILY = "schedule:\n  daily>: 03:00:00\n+read:\n  td>:\n  query: SELECT 1 AS one\n  database: shop\n"
TWICE = "+again:\n  td>:\n  query: SELECT 1 AS one\n  database: shop\n+other:\n  td>:\n  query: SELECT 2 AS two\n  database: shop\n"


@pytest.fixture
def project(tmp_path: Path) -> Stage:
    stage = Stage(tmp_path, None, environment(tmp_path))
    stage.write("tdr.yaml", "apiVersion: tdr/v1\nproject: shop\n")
    stage.write("manifests/pinterest.yaml", LOCKED)
    stage.write("flows/a.dig", DAILY)
    stage.write("flows/b.dig", TWICE)
    return stage


def queries(stage: Stage) -> dict[str, str]:
    found = (yaml.safe_load(path.read_text()) for path in (stage.folder / "manifests/queries").glob("*.yaml"))
    return {one["metadata"]["name"]: one["spec"].get("schedule", {}).get("cron", "") for one in found}


def test_every_workflow_is_read_and_what_stands_twice_is_declared_once(project: Stage) -> None:
    said = project.tdr("import", "flows", "--format", "json").document

    assert queries(project) == {"a-read": "0 3 * * *", "b-other": ""}
    assert said["left_out"] == []
    assert "flows/b.dig:1:1: query/a-read declares it already" in said["notes"]


def test_a_single_file_needs_no_credentials_either(project: Stage) -> None:
    project.tdr("import", "flows/a.dig")

    assert queries(project) == {"a-read": "0 3 * * *"}


def test_a_file_that_cannot_be_read_holds_up_no_other(project: Stage) -> None:
    project.write("flows/c.dig", "+broken: [\n")

    said = project.tdr("import", "flows", "--format", "json", expect=1).document

    assert queries(project) == {"a-read": "0 3 * * *", "b-other": ""}
    (left,) = said["left_out"]
    assert left["id"].startswith("flows/c.dig:")
    assert left["label"] == "c.dig"


def test_files_below_are_no_workflows_and_are_named(project: Stage) -> None:
    project.write("flows/sub/called.dig", DAILY)

    said = project.tdr("import", "flows", "--dry-run", "--format", "json").document

    assert "sub/called.dig is no workflow by itself: only files right in the folder are" in said["notes"]
    assert not (project.folder / "manifests/queries").exists()


def test_a_folder_without_workflows_is_refused(project: Stage) -> None:
    (project.folder / "empty").mkdir()

    assert "holds no .dig file" in project.tdr("import", "empty", expect=64).err
