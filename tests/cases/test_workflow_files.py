"""`tdr import FILE.dig`: queries become documents, and every other line is told; also on files as people have them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
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
        ("flows/nightly.dig:2:1", "schedule"),
        ("flows/nightly.dig:15:5", "refresh_token"),
        ("flows/nightly.dig:20:5", "query"),
        ("flows/nightly.dig:24:5", "insert_into"),
        ("flows/nightly.dig:26:5", "td_load>"),
        ("flows/nightly.dig:1:1", "timezone"),
    ]
    assert "secret:pins" not in said.out
    project.tdr("validate")


PEOPLE = """\
timezone: Asia/Tokyo
_export:
  td: {database: shop}
+members:
  td>: members.sql
  result_connection: pins
  result_settings:
    type: pinterest
    client_id: FAKE-client-in-clear
    client_secret: ${secret:pins.client_secret}
    refresh_token: ${secret:pins.refresh_token}
    ad_account_id: "549700000001"
    audience_type: customer_list
    action: %s
    audience_name: Spring buyers
    audience_id_replace: "2542620000001"
+contacts:
  td>: members.sql
+send:
  td_result_export>:
    job_id: ${td.last_job_id}
    result_connection: crm
    result_settings: {object: Contact, mode: append, api_key: FAKE-key-in-clear}
+copy:
  td>: members.sql
  result_url: "td://@/shop/copies"
+people:
  td_load>: load.yml
  database: support
  table: users
+prices:
  td_load>:
    config: {in: {type: files, paths: [data/prices.csv]}, out: {mode: replace}}
  database: shop
  table: prices
+sheet:
  td_load>: sheet.yml
  database: support
  table: sheet
"""
LOAD = (
    "in: {type: intercom, access_token: FAKE-token-in-clear, target: users, incremental: true}\nout: {mode: append}\n"
)


@pytest.fixture
def exporting(project: Stage) -> Stage:
    project.write("flows/members.sql", "SELECT email FROM members\n")
    project.write("flows/load.yml", LOAD)
    project.write("flows/sheet.yml", "in:\n  type: google_sheets\n  spreadsheet_id: '1'\n")
    project.write("flows/weekly.dig", PEOPLE % "REPLACE_CURRENT_AUDIENCE")
    return project


def documents(project: Stage) -> dict[str, Any]:
    """Address -> spec of what was written."""
    found = {}
    for path in sorted(project.folder.glob("manifests/*/*.yaml")):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            if "kind" in document and "environments" not in path.parts:
                found[f"{document['kind'].lower()}/{document['metadata']['name']}"] = document["spec"]
    return found


def test_exports_and_loads_become_the_documents_that_say_the_same(exporting: Stage) -> None:
    said = exporting.tdr("import", "flows/weekly.dig", "--format", "json", expect=1)
    assert "in-clear" not in said.out + said.err
    written = documents(exporting)
    query = {"database": "shop", "engine": "trino", "sql": "SELECT email FROM members"}
    (audience,) = (name for name in written if name.startswith("audience/"))
    assert written["activation/weekly-members"] == {
        "from": {"query": query},
        "membership": "replace",
        "to": {"audience": audience.partition("/")[2]},
    }
    assert written[audience]["audience_id"] == "2542620000001"
    assert written["connection/pins"] == {
        "type": "pinterest",
        "client_id": "${secret:env:PINS_CLIENT_ID}",
        "client_secret": "${secret:env:PINS_CLIENT_SECRET}",
        "refresh_token": "${secret:env:PINS_REFRESH_TOKEN}",
    }
    sent = {"connection": "crm", "settings": {"object": "Contact", "mode": "append"}}
    assert written["query/weekly-contacts"] == {**query, "export": sent}
    assert written["query/weekly-copy"] == {**query, "export": {"url": "td://@/shop/copies"}}
    assert written["import/weekly-people"] == {
        "from": {
            "type": "intercom",
            "target": "users",
            "access_token": "${secret:env:PEOPLE_ACCESS_TOKEN}",
            "incremental": True,
        },
        "to": {"database": "support", "table": "users"},
    }
    assert written["import/weekly-prices"] == {
        "from": {"type": "files", "paths": ["data/prices.csv"]},
        "to": {"database": "shop", "table": "prices", "mode": "replace"},
    }
    assert [(one["id"], one["label"]) for one in said.document["left_out"]] == [
        ("flows/weekly.dig:23:54", "api_key"),
        ("flows/sheet.yml:2:3", "type"),
        ("flows/weekly.dig:37:3", "td_load>"),
        ("flows/weekly.dig:1:1", "timezone"),
    ]
    notes = " ".join(said.document["notes"])
    assert "flows/weekly.dig:15:5: `audience_name` has no effect with what this export does" in notes
    for place in ("flows/weekly.dig:9:5: `client_id`", "flows/load.yml:1:", "`api_key`"):
        assert place in notes
    names = ("PINS_CLIENT_ID", "PINS_CLIENT_SECRET", "PINS_REFRESH_TOKEN", "PEOPLE_ACCESS_TOKEN")
    secrets = dict.fromkeys(names, "FAKE-value-of-a-secret")
    again = exporting.tdr("import", "flows/weekly.dig", "--format", "json", expect=None, **secrets)
    assert again.document["files"] == []


@pytest.mark.parametrize(
    ("action", "membership"),
    [
        ("create_new_audience", "replace"),
        ("CREATE_NEW_AUDIENCE", "replace"),
        ("replace_current_audience", "replace"),
        ("Replace_Current_Audience", "replace"),
    ],
)
def test_an_action_is_understood_in_any_case_and_never_written(exporting: Stage, action: str, membership: str) -> None:
    exporting.write("flows/weekly.dig", PEOPLE % action)
    exporting.tdr("import", "flows/weekly.dig", expect=1)
    written = documents(exporting)
    assert written["activation/weekly-members"]["membership"] == membership
    assert "action" not in str(written).lower().replace("activation", "")


def test_two_flags_that_mean_the_same_and_say_otherwise_are_told(exporting: Stage) -> None:
    both = "REPLACE_CURRENT_AUDIENCE\n    ignore_error: true\n    ignore_invalid_records: false"
    exporting.write("flows/weekly.dig", PEOPLE % both)
    said = exporting.tdr("import", "flows/weekly.dig", "--format", "json", expect=1)
    assert "activation/weekly-members" not in documents(exporting)
    assert any(one["label"] in {"ignore_error", "ignore_invalid_records"} for one in said.document["left_out"])


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
        (
            "pinterest_export",
            0,
            "people/pinterest_export.dig:22:5: `audience_name` has no effect with what this export does",
        ),
    ],
)
def test_files_as_people_have_them(project: Stage, name: str, code: int, told: str) -> None:
    shutil.copytree(FOLDER / "files" / "dig", project.folder / "people")
    project.write("people/queries/pinterest_members.sql", "SELECT email FROM members\n")
    said = project.tdr("import", f"people/{name}.dig", expect=code)
    assert told in said.out + said.err
    assert "Traceback" not in said.err
    assert "\r" not in said.out
    project.tdr("validate")
