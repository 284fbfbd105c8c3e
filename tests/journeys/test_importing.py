"""Taking over what others have made with the vendors' own clients."""

from __future__ import annotations

import fcntl
import json
import os
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from made_by_others import CREDENTIALS, SCHEMA, SECRETS, SQL, export
from stage import ACCOUNT, Stage, ended, leaks

WRITTEN = sorted(
    [
        *(f"activations/{name}.yaml" for name in ("activation-13f2f088", "clear", "vip-add", "vip-daily")),
        *(f"audiences/{name}.yaml" for name in ("audience-782ab426", "twins", "twins-2", "vip", "vip-2", "x" * 100)),
        *(f"connections/{name}.yaml" for name in ("lake", "pinterest-main")),
        *(f"databases/{name}.yaml" for name in ("other_shop", "shop")),
        "imports/load-buyers.yaml",
        *(f"queries/{name}.yaml" for name in ("2024-01-01", "50-of-all-x-1", "a-b", "query-504afd47", "weekly")),
        *(f"queries/{name}.yaml" for name in ("report", "report-2", "report-3", "x" * 100, "yes")),
        *(f"tables/{name}.yaml" for name in ("buyers", "buyers-2")),
    ]
)
WEEKLY = """\
Environment local
+ manifests/queries/weekly.yaml
    apiVersion: tdr/v1
    kind: Query
    metadata:
      name: weekly
    spec:
      database: other_shop
      engine: hive
      sql: SELECT 1
      schedule:
        cron: "5 3 * * 1,3"
        timezone: Asia/Tokyo
        delay: 600
      priority: 1
      retry_limit: 2
    lifecycle:
      protect: true
Import: 1 files would be written, 0 left out. Nothing was changed.
"""


def query(name: str, called: str, sql: str) -> str:
    spec = f"{{database: shop, name: {called}, sql: {sql}}}"
    return f"apiVersion: tdr/v1\nkind: Query\nmetadata: {{name: {name}}}\nspec: {spec}\n"


def documents(stage: Stage) -> dict[str, Any]:
    """Path below `manifests` -> document, of all that an import wrote."""
    root = stage.folder / "manifests"
    paths = sorted(path for path in root.glob("*/*.yaml") if path.parent.name != "environments")
    return {path.relative_to(root).as_posix(): yaml.safe_load(path.read_text("utf-8")) for path in paths}


def test_everything_that_is_there_is_taken_over_and_the_next_plan_is_empty(grown: Stage) -> None:
    said = grown.tdr("import", "--all", expect=1)

    assert "Set these, then run the same command again" in said.out
    assert [name for name in SECRETS if f"  {name}\n" not in said.out] == []
    said = grown.tdr("import", "--all", "--format", "json", **SECRETS)
    again = grown.tdr("import", "--all", "--format", "json", **SECRETS).document
    plan = grown.tdr("plan", "--format", "json", "--detailed-exitcode", **SECRETS).document

    told = said.document
    assert (told["left_out"], told["unlisted"], told["unsettled"]) == ([], [], [])
    assert (again["files"], again["adopted"], again["left_out"]) == ([], [], [])
    assert plan["summary"] == {"noop": 2 + 2 + 2 + 6 + 10 + 4 + 1}
    assert sorted(documents(grown)) == WRITTEN
    assert grown.tdr("drift", **SECRETS).code == 0
    assert leaks({str(n): text.encode() for n, text in enumerate(grown.heard)}, CREDENTIALS.values()) == []


def test_documents_say_what_is_not_default_and_name_one_another(grown: Stage) -> None:
    grown.tdr("import", "--all", **SECRETS)

    written = documents(grown)
    assert written["activations/vip-daily.yaml"] == {
        "apiVersion": "tdr/v1",
        "kind": "Activation",
        "metadata": {"name": "vip-daily"},
        "spec": {
            "from": {"query": {"database": "shop", "file": "manifests/activations/vip-daily.sql"}},
            "to": {"audience": "vip"},
            "membership": "replace",
            "delivery": {"retry_count": 3},
            "name": "VIP daily",
            "schedule": {"cron": "0 0 * * *"},
        },
        "lifecycle": {"protect": True},
    }
    assert (grown.folder / "manifests/activations/vip-daily.sql").read_text("utf-8") == SQL + "\n"
    assert [written[f"activations/{name}.yaml"]["spec"]["membership"] for name in ("clear", "vip-add")] == [
        "clear",
        "add",
    ]
    assert written["activations/clear.yaml"]["spec"]["on_invalid"] == "fail"
    assert written["queries/weekly.yaml"]["spec"] == {
        "database": "other_shop",
        "engine": "hive",
        "sql": "SELECT 1",
        "schedule": {"cron": "5 3 * * 1,3", "timezone": "Asia/Tokyo", "delay": 600},
        "priority": 1,
        "retry_limit": 2,
    }
    assert written["audiences/vip.yaml"]["spec"] == {
        "connection": "pinterest-main",
        "ad_account_id": ACCOUNT,
        "title": "VIP",
        "description": "Best buyers",
    }
    assert [name for name, one in written.items() if "audience_id" in one["spec"]] == [
        "audiences/twins-2.yaml",
        "audiences/twins.yaml",
    ]
    assert written["connections/pinterest-main.yaml"]["spec"] == {
        "type": "pinterest",
        **{name: f"${{secret:env:PINTEREST_MAIN_{name.upper()}}}" for name in CREDENTIALS},
        "name": "Pinterest Main",
    }
    assert written["tables/buyers-2.yaml"]["spec"] == {
        "database": "shop",
        "name": "buyers",
        "columns": [{"name": "email", "type": "string"}, {"name": "note", "type": "string", "alias": "remark"}],
        "expire_days": 30,
    }
    assert written["imports/load-buyers.yaml"]["spec"] == {
        "from": {"type": "files", "paths": ["*.csv"], "connection": "lake"},
        "to": {"database": "other_shop", "table": "buyers", "mode": "replace"},
        "name": "load buyers",
    }


def test_a_dry_run_shows_what_would_be_written_and_writes_nothing(grown: Stage) -> None:
    before = documents(grown)

    said = grown.tdr("import", "--all", "--kind", "query", "--name-glob", "WEEK*", "--dry-run")

    assert said.out == WEEKLY
    assert documents(grown) == before
    assert grown.records() == {}


def test_no_file_is_overwritten(grown: Stage) -> None:
    mine = grown.write("manifests/queries/weekly.sql", "-- mine\n")

    told = grown.tdr("import", "--all", "--kind", "query", "--name-glob", "weekly", "--format", "json").document

    assert [file["path"] for file in told["files"]] == ["manifests/queries/weekly-2.yaml"]
    assert mine.read_text() == "-- mine\n"


def test_one_object_is_taken_over_under_the_name_one_gives_it(grown: Stage) -> None:
    told = grown.tdr("import", "query/every-week", "weekly", "--format", "json").document

    assert (told["adopted"], told["unsettled"]) == ([{"address": "query/every-week", "id": "weekly"}], [])
    assert [file["path"] for file in told["files"]] == ["manifests/queries/every-week.yaml"]
    assert grown.tdr("import", "query/other", "weekly", expect=1).err.startswith(
        "error: there is no query 'weekly' that is not managed yet\n"
    )
    assert grown.tdr("plan", "--detailed-exitcode").code == 0


def test_one_object_is_taken_over_by_a_document_that_differs_and_waits_for_nothing(grown: Stage) -> None:
    grown.write(
        "manifests/mine.yaml", query("mine", "weekly", "SELECT 2") + "---\n" + query("report", "report", "SELECT 3")
    )

    told = grown.tdr("import", "query/mine", "weekly", "--format", "json").document

    assert told["adopted"] == [{"address": "query/mine", "id": "weekly"}]
    assert {line["path"] for line in told["unsettled"]} == {"/database", "/engine", "/sql"}
    plan = grown.tdr("plan", "--format", "json", expect=3).document
    assert plan["summary"] == {"adopt": 1, "update": 1}
    assert {field["origin"] for change in plan["changes"] for field in change["fields"]} == {"config"}


def test_what_no_document_can_say_is_left_out_with_its_reason(empty: Stage) -> None:
    with empty.somebody() as td:
        td.create_database("shop")
        fields = {"type": "trino", "database": "shop", "query": "SELECT 1", "cron": ""}
        created = export("", "CREATE_NEW_AUDIENCE", "audience_id", audience_name="New")
        td.create_saved_query("first run", {**fields, "result": created})
        td.create_saved_query("to mysql", {**fields, "result": "mysql://etl:FAKE-pw@db.example.com/shop/t"})

    said = empty.tdr("import", "--all", expect=1)

    assert [line for line in said.out.splitlines() if line.startswith("?")] == [
        "? query to mysql 'to mysql' is left out: the address that its rows go to holds a password, which nobody can read",
        (
            "? activation first run 'first run' is left out: its export is in create mode, so it fails as soon as the "
            "audience exists; declare its activation and let tdr take it over with `lifecycle: {adopt: always}`"
        ),
    ]
    assert "FAKE-pw" not in said.out


def test_a_connection_that_another_project_made_is_refused_with_its_owner(stage: Stage) -> None:
    with stage.somebody() as td:
        made = {"name": "pinterest-main", "type": "pinterest", "settings": CREDENTIALS}
        td.create_connection({**made, "description": "tdr:other/local/connection/pinterest-main"})

    plan = stage.tdr("plan", "--format", "json", expect=3).document

    assert [gate["message"].split("belongs to ")[1] for gate in plan["gates"] if gate["rule"] == "foreign_owner"] == [
        "other/local, as its mark 'tdr:other/local/connection/pinterest-main' says"
    ]


def test_a_connection_is_signed_and_a_persons_words_on_one_are_kept(applied: Stage) -> None:
    with applied.somebody() as td:
        (made,) = td.connections()
        signed = made["description"]
        td.update_connection(str(made["id"]), {"description": "ask Ann"})
    applied.tdr("apply", "--yes", PINTEREST_CLIENT_SECRET="FAKE-rotated-secret", expect=None)
    with applied.somebody() as td:
        (made,) = td.connections()

    assert (signed, made["description"]) == ("tdr:shop/local/connection/pinterest-main", "ask Ann")


def test_a_move_and_an_import_in_manifests_are_shown_done_and_may_stay(applied: Stage) -> None:
    with applied.somebody() as td:
        td.create_saved_query("by hand", {"type": "trino", "database": "shop", "query": "SELECT 1", "cron": ""})
    applied.edit("manifests/pinterest.yaml", "metadata: {name: spring-buyers}", "metadata: {name: spring}")
    applied.edit("manifests/activation.yaml", "to: {audience: spring-buyers}", "to: {audience: spring}")
    applied.write("manifests/hand.yaml", query("hand", "by hand", "SELECT 1"))
    applied.write(
        "manifests/transitions.yaml",
        "apiVersion: tdr/v1\nkind: Transitions\nimports: [{to: query/hand, id: by hand}]\n"
        "moved: [{from: audience/spring-buyers, to: audience/spring}]\n",
    )

    said = applied.tdr("plan")
    shown = [line.split("[")[0].split() for line in said.out.splitlines() if line.startswith(("»", "→"))]
    applied.tdr("apply", "--yes")

    assert shown == [["»", "query/hand", "adopt"], ["→", "audience/spring-buyers", "→", "audience/spring", "move"]]
    assert {"audience/spring", "query/hand"} <= applied.records().keys()
    assert applied.tdr("plan", "--detailed-exitcode").code == 0


def test_a_project_without_any_document_is_filled(empty: Stage) -> None:
    with empty.somebody() as td:
        td.create_database("shop")
    (empty.folder / "manifests/schedules.yaml").unlink()

    document = empty.tdr("import", "--all", "--format", "json").document

    assert document["adopted"] == [{"address": "database/shop", "id": "shop"}]
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(document)
    assert empty.tdr("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "say what to import"),
        (["query/x"], "say what to import"),
        (["--all", "--rebuild", "--yes"], "say what to import"),
        (["--all", "--kind", "campaign"], "'campaign' is no kind that can be imported"),
        (["schedule/x", "y"], "'schedule' is no kind that can be imported"),
    ],
)
def test_a_command_line_that_cannot_be_meant_is_refused(empty: Stage, arguments: list[str], message: str) -> None:
    assert empty.tdr("import", *arguments, expect=64).err.startswith(f"error: {message}\n")


def test_what_no_document_declares_any_more_is_not_declared_anew_nor_referred_to(grown: Stage) -> None:
    grown.tdr("import", "database/warehouse", "other_shop")
    (grown.folder / "manifests/databases/warehouse.yaml").unlink()

    grown.tdr("import", "--all", "--kind", "query", "--name-glob", "weekly")

    written = documents(grown)
    assert written["queries/weekly.yaml"]["spec"]["database"] == "other_shop"
    assert "databases/other_shop.yaml" not in written
    assert grown.tdr("validate").code == 0


def test_a_saved_plan_with_a_move_is_applied(applied: Stage) -> None:
    applied.edit("manifests/pinterest.yaml", "metadata: {name: spring-buyers}", "metadata: {name: spring}")
    applied.edit("manifests/activation.yaml", "to: {audience: spring-buyers}", "to: {audience: spring}")
    moved = "moved: [{from: audience/spring-buyers, to: audience/spring}]\n"
    applied.write("manifests/transitions.yaml", f"apiVersion: tdr/v1\nkind: Transitions\n{moved}")

    applied.tdr("plan", "--out", "move.plan")
    shown = applied.tdr("show", "move.plan").out
    applied.tdr("apply", "move.plan")

    assert "→ audience/spring-buyers → audience/spring" in shown
    assert applied.tdr("plan", "--detailed-exitcode").code == 0


def test_only_one_import_at_a_time_writes_documents_and_nothing_is_declared_twice(empty: Stage) -> None:
    with empty.somebody() as td:
        td.create_database("shop")
    descriptor = os.open(empty.folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    said = empty.tdr("import", "--all", expect=5)
    shown = empty.tdr("import", "--all", "--dry-run")
    os.close(descriptor)

    assert said.err.startswith("error: another `tdr import`, `tdr drift --accept` or `tdr fmt` is writing ")
    assert "1 files would be written" in shown.out
    assert documents(empty) == {}
    empty.tdr("import", "--all")
    assert list(documents(empty)) == ["databases/shop.yaml"]


def test_imports_started_together_leave_one_document_of_each(empty: Stage) -> None:
    with empty.somebody() as td:
        td.create_database("shop")
        for number in range(20):
            fields = {"type": "trino", "database": "shop", "query": "SELECT 1\nFROM t", "cron": ""}
            td.create_saved_query(f"query {number}", fields)

    started = [empty.spawn("import", "--all", "--lock-timeout", "60s") for _ in range(2)]
    heard = [(ended(process), process.returncode) for process in started]

    assert [code for _, code in heard] == [0, 0], heard
    assert sorted(documents(empty)) == sorted(
        ["databases/shop.yaml", *(f"queries/query-{number}.yaml" for number in range(20))]
    )
    empty.tdr("plan", "--detailed-exitcode")
