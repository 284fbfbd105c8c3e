"""Runs of workflow projects: started, followed, looked at again, and told with what their tasks said."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from stage import Stage, environment

SHOP = "apiVersion: tdr/v1\nkind: Database\nmetadata: {name: shop}\nspec: {}\n"
NIGHTLY = """\
apiVersion: tdr/v1
kind: Workflow
metadata: {name: nightly}
spec:
  directory: flows
  secrets: {target: "${secret:env:TARGET}"}
"""
DIG = """\
_export: {td: {database: shop}}
+greet:
  echo>: Good morning, ${td.database}
+count:
  td>:
  query: SELECT 1 AS n
"""
BROKEN = """\
+greet:
  echo>: Good morning
+stop:
  fail>: nobody is at home
+later:
  echo>: not reached
"""
TARGET = "FAKE-target-of-the-rows"
ADDRESS = "workflow/nightly"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A project with a workflow in a folder, applied."""
    folder = tmp_path / "shop"
    folder.mkdir()
    made = Stage(folder, None, environment(folder) | {"TARGET": TARGET})
    made.write("manifests/environments/local.yaml", "{}\n")
    made.write("tdr.yaml", "apiVersion: tdr/v1\nproject: shop\n")
    made.write("manifests/shop.yaml", SHOP)
    made.write("manifests/nightly.yaml", NIGHTLY)
    made.write("flows/main.dig", DIG)
    made.tdr("apply", "--yes")
    return made


def test_one_runs_is_followed_to_its_end_and_told_again(stage: Stage) -> None:
    assert "has not run yet" in stage.tdr("logs", ADDRESS, expect=1).err

    ran = stage.tdr("run", ADDRESS, "--format", "json").document

    assert ran["status"] == "success"
    assert re.search(r"\+main\+greet: .*Good morning, shop$", ran["log"], re.MULTILINE)
    told = stage.tdr("logs", ADDRESS, "--format", "json").document
    assert (told["job_id"], told["status"], told["log"]) == (ran["job_id"], "success", ran["log"])
    again = stage.tdr("run", ADDRESS, "--format", "json").document
    assert again["job_id"] != ran["job_id"]
    runs = stage.tdr("status", ADDRESS, "--format", "json").document["resources"][0]["runs"]
    assert [(one["job_id"], one["status"]) for one in runs] == [
        (again["job_id"], "success"),
        (ran["job_id"], "success"),
    ]
    assert "the newest run of 1 went well" in stage.tdr("doctor", expect=None).out


def test_one_that_fails_says_which_task_and_why(stage: Stage) -> None:
    stage.write("flows/main.dig", BROKEN)
    stage.tdr("apply", "--yes")

    ran = stage.tdr("run", ADDRESS, "--format", "json", expect=1).document

    assert ran["status"] == "error"
    assert "+main+stop" in ran["log"]
    assert "nobody is at home" in ran["log"]
    assert "not reached" not in ran["log"]
    assert stage.tdr("logs", ADDRESS, "--format", "json").document["log"] == ran["log"]
    status = stage.tdr("status", ADDRESS, "--format", "json", expect=None)
    assert status.document["resources"][0]["runs"][0]["status"] == "error"


def test_a_secret_that_a_task_says_is_told_by_nobody(stage: Stage) -> None:
    stage.write("flows/main.dig", f"+say:\n  echo>: Rows go to {TARGET}\n")
    stage.tdr("apply", "--yes", *stage.approvals())
    stage.tdr("run", ADDRESS)
    stage.tdr("logs", ADDRESS)

    # The plan shows the lines of a file, in which nothing secret should stand; what ran says it nowhere.
    assert not any(TARGET in text for text in stage.heard[-4:])
    assert any("Rows go to " in text for text in stage.heard[-4:])


def test_of_several_the_one_runs_that_is_called_like_the_project(stage: Stage) -> None:
    stage.write("flows/other.dig", "+a:\n  echo>: other\n")
    stage.tdr("apply", "--yes")

    said = stage.tdr("run", ADDRESS, expect=1).err

    assert "workflow/nightly has several workflows: main, other; which one to run is not said" in said
    assert "call the one that is meant nightly.dig" in said
    stage.write("flows/nightly.dig", "+a:\n  echo>: the third\n")
    stage.tdr("apply", "--yes")
    assert "the third" in stage.tdr("run", ADDRESS, "--format", "json").document["log"]
