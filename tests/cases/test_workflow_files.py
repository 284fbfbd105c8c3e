"""`tdr import FILE.dig`: queries become documents, and every other line is told; also on files as people have them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from field_cases import FOLDER
from stage import Stage, environment

FLOW = """\
timezone: Asia/Tokyo
schedule:
  cron>: {cron}
_export:
  !include : common/one.yaml
  !include : common/two.yaml
  td: {{database: "${{place}}", engine: presto}}

+read:
  td>: queries/read.sql
  database: ${{place}}
"""
MORE = """\
  result_connection: pins
  result_settings:
    action: create
    refresh_token: ${secret:pins.token}

+rest:
  +when:
    td>:
    query: SELECT ${session_time} AS at
    database: shop
  +write:
    td>: queries/read.sql
    insert_into: target
  +load:
    td_load>: load.yml
"""


@pytest.fixture
def project(tmp_path: Path) -> Stage:
    """A project without a vendor, and a workflow beside its manifests."""
    folder = tmp_path / "project"
    folder.mkdir()
    project = Stage(folder, None, environment(folder))
    project.tdr("init", "--name", "shop")
    project.write("flows/common/one.yaml", "place: sample_datasets\n")
    project.write("flows/common/two.yaml", "limit: 5\n")
    project.write("flows/queries/read.sql", "SELECT method\r\nFROM www_access LIMIT ${limit}\r\n")
    return project


def test_a_workflow_of_one_query_becomes_a_document_with_its_schedule(project: Stage) -> None:
    project.write("flows/nightly.dig", FLOW.format(cron="30 6 * * *"))
    shown = project.tdr("import", "flows/nightly.dig", "--dry-run", "--format", "json").document
    assert not list(project.folder.rglob("nightly-read.*"))
    said = project.tdr("import", "flows/nightly.dig", "--format", "json").document
    assert said["files"] == shown["files"]
    assert said["left_out"] == []
    texts = [file["text"] for file in said["files"]]
    assert texts[0] == "SELECT method\nFROM www_access LIMIT 5\n"
    assert "database: sample_datasets" in texts[1]
    assert "30 6 * * *" in texts[1]
    assert "Asia/Tokyo" in texts[1]
    project.tdr("validate")
    project.write(
        "manifests/sample.yaml", "apiVersion: tdr/v1\nkind: Database\nmetadata: {name: sample_datasets}\nspec: {}\n"
    )
    planned = project.tdr("plan", expect=None)
    assert "query/nightly-read" in planned.out
    again = project.tdr("import", "flows/nightly.dig", "--format", "json", expect=None).document
    assert again["files"] == []
    assert any("query/nightly-read declares it already" in note for note in again["notes"])


def test_what_is_left_alone_is_told_with_its_place(project: Stage) -> None:
    project.write("flows/nightly.dig", FLOW.format(cron="30 6 * * *") + MORE)
    said = project.tdr("import", "flows/nightly.dig", "--format", "json", expect=1)
    assert [(one["id"], one["label"]) for one in said.document["left_out"]] == [
        ("nightly.dig:2:1", "schedule"),
        ("nightly.dig:12:3", "result_connection"),
        ("nightly.dig:13:3", "result_settings"),
        ("nightly.dig:20:5", "query"),
        ("nightly.dig:24:5", "insert_into"),
        ("nightly.dig:25:3", "+load"),
        ("nightly.dig:1:1", "timezone"),
    ]
    assert "decides itself between create and update" in said.document["left_out"][1]["why"]
    assert "secret:pins" not in said.out
    project.tdr("validate")


def test_a_schedule_that_queries_read_differently_is_left_alone(project: Stage) -> None:
    project.write("flows/nightly.dig", FLOW.format(cron="0 0 1 * 1"))
    said = project.tdr("import", "flows/nightly.dig", "--format", "json", expect=1).document
    assert [one["label"] for one in said["left_out"]] == ["schedule", "timezone"]
    assert "schedule" not in said["files"][1]["text"]


@pytest.mark.skipif(not FOLDER.exists(), reason="the development cases are not beside this checkout")
@pytest.mark.parametrize(
    ("name", "code", "told"),
    [
        ("crlf_japanese", 1, "crlf_japanese.dig:17:3"),
        ("duplicate_task", 1, "duplicate_task.dig:14:1: `+prepare` is there twice, first in line 6"),
        ("half_commented", 1, "half_commented.dig:13:3"),
        ("include_twice", 1, "include_twice.dig:5:1"),
        ("nbsp_indent", 1, "U+00A0"),
        ("pinterest_export", 1, "pinterest_export.dig:13:3 'result_settings' is left out: an export"),
    ],
)
def test_files_as_people_have_them(project: Stage, name: str, code: int, told: str) -> None:
    shutil.copytree(FOLDER / "files" / "dig", project.folder / "people")
    said = project.tdr("import", f"people/{name}.dig", expect=code)
    assert told in said.out + said.err
    assert "Traceback" not in said.err
    assert "\r" not in said.out
    project.tdr("validate")
