"""Every verb, as a user has it."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from stage import Stage, environment

from reconciler import __version__
from reconciler.model.kinds import KINDS

CHECKOUT = Path(__file__).resolve().parents[2]
SCHEMAS = files("reconciler.reports") / "schemas"


def valid(document: dict[str, Any]) -> dict[str, Any]:
    """*document*, held against the schema that is shipped for it."""
    name = str(document["format"]).removeprefix("tdr.")
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(document)
    return document


# -- the first five minutes -------------------------------------------------------------------------------------------


def test_what_init_writes_is_valid_applies_imports_and_counts(project: Stage) -> None:
    assert project.tdr("validate").out == "The manifests are valid.\n"
    assert project.tdr("plan").out.endswith("to delete. " + project.tdr("plan").out.rsplit(" ", 1)[-1])
    project.tdr("apply", "--yes")
    assert "3" in project.tdr("run", "import/customers").out

    project.tdr("run", "query/buyers-per-month")

    with project.somebody() as client:
        (newest,) = client.saved_query_history("buyers-per-month", 1)
        assert client.job_rows(str(newest["job_id"])) == [["2026-03", 2], ["2026-05", 1]]
    project.tdr("plan", "--detailed-exitcode")
    assert (project.folder / ".gitignore").read_text(encoding="utf-8") == "/state/\n/data/\n"


def test_init_overwrites_nothing(project: Stage) -> None:
    before = {path: path.read_bytes() for path in project.folder.rglob("*") if path.is_file()}

    said = project.tdr("init", expect=64)

    assert "exists already" in said.err
    assert {path: path.read_bytes() for path in project.folder.rglob("*") if path.is_file()} == before


def test_init_says_what_it_wrote_on_stderr_only(project: Stage) -> None:
    said = project.tdr("init", "another")

    assert said.out == ""
    assert f"wrote {project.folder / 'another' / 'tdr.yaml'}\n" in said.err


def test_version_is_told_with_and_without_a_project(project: Stage) -> None:
    assert project.tdr("version").out == f"tdr {__version__}\n"
    assert valid(project.tdr("version", "--format", "json").document)["tdr_version"] == __version__


# -- documents --------------------------------------------------------------------------------------------------------


def test_every_document_is_one_json_on_stdout_and_fits_its_schema(applied: Stage) -> None:
    applied.tdr("plan", "--out", "plan.json")
    applied.edit("manifests/shop.yaml", "0 3 * * *", "0 4 * * *")
    (report,) = (applied.state / "runs").glob("*.json")
    commands = {
        "tdr.validation": ["validate"],
        "tdr.plan": ["plan"],
        "tdr.drift": ["drift"],
        "tdr.job": ["run", "import/customers"],
        "tdr.run": ["apply", "--yes"],
        "tdr.state_list": ["state", "list"],
        "tdr.state": ["state", "show"],
        "tdr.state_record": ["state", "show", "query/buyers-per-month"],
        "tdr.state_history": ["state", "history"],
        "tdr.lock": ["lock", "status"],
        "tdr.doctor": ["doctor"],
        "tdr.version": ["version"],
    }
    told = {name: valid(applied.tdr(*command, "--format", "json").document) for name, command in commands.items()}
    told["shown plan"] = valid(applied.tdr("show", "plan.json", "--format", "json").document)
    told["shown run"] = valid(applied.tdr("show", str(report), "--format", "json").document)
    told["moved"] = valid(
        applied.tdr("state", "mv", "query/buyers-per-month", "query/renamed", "--format", "json").document
    )
    told["removed"] = valid(applied.tdr("state", "rm", "query/renamed", "--format", "json").document)
    restored = applied.tdr("state", "history", "--format", "json").document["history"][-1]["serial"]
    told["restored"] = valid(applied.tdr("state", "restore", str(restored), "--format", "json").document)

    assert {name: document["format"] for name, document in told.items() if name.startswith("tdr.")} == {
        name: name for name in commands
    }


def test_two_plans_differ_in_nothing_but_their_time(project: Stage) -> None:
    first, second = (project.tdr("plan", "--format", "json").document for _ in range(2))

    for document in (first, second):
        assert document.pop("created_at") == document["schedules"].pop("computed_at")
    assert first == second
    assert [change["address"] for change in first["changes"]] == [
        "database/shop",
        "import/customers",
        "query/buyers-per-month",
        "table/customers",
    ]
    assert [change["address"] for change in sorted(first["changes"], key=lambda change: change["order"])] == [
        "database/shop",
        "query/buyers-per-month",
        "table/customers",
        "import/customers",
    ]


def test_a_shown_plan_reads_as_the_plan_did(project: Stage) -> None:
    planned = project.tdr("plan", "--out", "plan.json").out

    shutil.rmtree(project.folder / "manifests")

    assert project.tdr("show", "plan.json").out == planned


def test_the_report_of_a_run_can_be_shown(applied: Stage) -> None:
    (report,) = (applied.state / "runs").glob("*.json")

    assert "4 done" in applied.tdr("show", str(report)).out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot be read"),
        ("{", "is not JSON"),
        ("[]", "not a document of tdr"),
        ('{"format": "x"}', "not a document"),
    ],
)
def test_what_is_no_document_of_ours_is_not_shown(project: Stage, text: str | None, words: str) -> None:
    if text is not None:
        project.write("file.json", text)

    assert words in project.tdr("show", "file.json", expect=1).err
    assert words in project.tdr("apply", "file.json", expect=1).err


FILES: dict[str, Callable[[Path], object]] = {
    "is a pipe, not a file": os.mkfifo,
    "is a device, not a file": lambda path: path.symlink_to("/dev/zero"),
    "is a folder, not a file": Path.mkdir,
    "has more than 268,435,456 bytes": lambda path: (path.touch(), os.truncate(path, 1 << 40)),
}


@pytest.mark.parametrize("words", FILES)
def test_what_may_never_begin_or_end_is_refused_at_once_where_a_file_is_named(project: Stage, words: str) -> None:
    FILES[words](project.folder / "given.json")

    for command in (["apply"], ["show"], ["diff", "given.json"], ["graph", "--changes"], ["state", "push"]):
        said = project.tdr(*command, "given.json", expect=1)
        assert f"given.json {words}" in said.err.translate({ord(mark): None for mark in "`'"})
        assert "hint: name a file " in said.err


# -- a part of it -------------------------------------------------------------------------------------------------------


def test_a_target_takes_what_it_needs_along_and_says_that_the_rest_was_not_looked_at(project: Stage) -> None:
    document = project.tdr("plan", "--target", "table/customers", "--format", "json").document

    assert not document["complete"]
    assert [change["address"] for change in document["changes"]] == ["database/shop", "table/customers"]
    assert (
        "! partial plan: only table/customers and what goes with it"
        in project.tdr("plan", "--target", "table/customers").out
    )
    project.tdr("apply", "--yes", "--target", "table/customers")
    assert set(project.records()) == {"database/shop", "table/customers"}


def test_a_target_that_nobody_knows_is_an_error(project: Stage) -> None:
    assert "query/other" in project.tdr("plan", "--target", "query/other", expect=64).err


# -- destroy --------------------------------------------------------------------------------------------------------------


def test_destroy_takes_all_but_what_is_protected(project: Stage) -> None:
    project.edit("manifests/shop.yaml", "kind: Query", "kind: Query\nlifecycle: {protect: true}")
    project.tdr("apply", "--yes")

    said = project.tdr("destroy", "--yes", "--env", "local", expect=None)

    assert "query/buyers-per-month" in project.records()
    assert said.code == 3
    project.edit("manifests/shop.yaml", "lifecycle: {protect: true}", "lifecycle: {protect: false}")
    project.tdr("apply", "--yes")
    project.tdr("destroy", "--yes", "--env", "local")
    assert project.records() == {}
    with project.somebody() as client:
        assert [one["name"] for one in client.databases() if one["name"] == "shop"] == []


@pytest.mark.parametrize(
    ("thresholds", "messages"),
    [
        ("kinds: {Query: {max_deletes: 0}}", ["1 of 1 resources of the kind query; at most 0 may"]),
        ("max_deletes: 3", ["4 of 4 resources; at most 3 may"]),
        (
            "max_deletes: 2, kinds: {Table: {max_deletes: 0}, Query: {max_deletes: 1}}",
            ["4 of 4 resources; at most 2 may", "1 of 1 resources of the kind table; at most 0 may"],
        ),
        ("max_deletes: 4, kinds: {Query: {max_deletes: 1}}", []),
        ("max_delete_ratio: 0, minimum_resources: 1", []),
        ("kinds: {Query: {max_delete_ratio: 0, minimum_resources: 1}}", []),
        ("max_updates: 0", []),
    ],
)
def test_a_number_of_deletes_holds_a_destroy_until_it_is_approved_and_a_share_does_not(
    applied: Stage, thresholds: str, messages: list[str]
) -> None:
    applied.write("manifests/environments/local.yaml", f"thresholds: {{{thresholds}}}\n")
    before = applied.records()

    said = applied.tdr("destroy", "--yes", "--env", "local", "--format", "json", expect=3 if messages else 0)

    if messages:
        gates = said.document["gates"]
        assert [(gate["rule"], gate["message"]) for gate in gates] == [("deletes", message) for message in messages]
        assert applied.records() == before
        flags = gates[0]["approve"].split()
        applied.tdr("destroy", "--yes", "--env", "local", *flags, "--reason", "the shop closes")
    assert applied.records() == {}


# -- run ------------------------------------------------------------------------------------------------------------------


def test_the_log_of_a_run_that_failed_is_told(applied: Stage) -> None:
    applied.write("manifests/sql/buyers_per_month.sql", "SELECT no_such_column FROM customers")
    applied.tdr("apply", "--yes")

    said = applied.tdr("run", "query/buyers-per-month", "--format", "json", expect=1)

    assert said.document["status"] == "error"
    assert "no_such_column" in said.document["log"]


def test_an_import_whose_file_is_missing_fails_and_names_it(applied: Stage) -> None:
    (applied.folder / "data/customers.csv").unlink()

    assert "data/customers.csv" in applied.tdr("run", "import/customers", expect=1).err


@pytest.mark.parametrize(
    ("what", "words"),
    [("query/none", "is not applied"), ("database/shop", "is nothing that runs")],
)
def test_what_does_not_run_says_so(applied: Stage, what: str, words: str) -> None:
    assert words in applied.tdr("run", what, expect=1).err


def test_what_is_not_applied_does_not_run(project: Stage) -> None:
    assert "tdr apply" in project.tdr("run", "import/customers", expect=1).err


# -- the memory -------------------------------------------------------------------------------------------------------------


def test_a_document_is_renamed_by_moving_its_memory(applied: Stage) -> None:
    applied.edit("manifests/shop.yaml", "{name: buyers-per-month}", "{name: monthly}")
    applied.edit("manifests/shop.yaml", "file: manifests/sql", "name: buyers-per-month\n  file: manifests/sql")
    applied.tdr("state", "mv", "query/buyers-per-month", "query/monthly")

    applied.tdr("plan", "--detailed-exitcode")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["mv", "query/none", "query/other"], "is not in the state"),
        (["mv", "query/buyers-per-month", "import/other"], "the kinds differ"),
        (["mv", "import/customers", "import/customers"], "is in the state already"),
        (["rm", "query/none"], "is not in the state"),
        (["show", "query/none"], "is not in the state"),
        (["restore", "999"], "999"),
    ],
)
def test_surgery_that_makes_no_sense_changes_nothing(applied: Stage, arguments: list[str], words: str) -> None:
    before = applied.tdr("state", "show").document

    assert words in applied.tdr("state", *arguments, expect=1).err

    assert applied.tdr("state", "show").document | {"created_at": ""} == before | {"created_at": ""}


def test_what_was_forgotten_comes_back_with_the_state_before(applied: Stage) -> None:
    before = applied.records()
    applied.tdr("state", "rm", "query/buyers-per-month")
    assert "query/buyers-per-month" not in applied.records()
    kept = applied.tdr("state", "history", "--format", "json").document["history"]

    applied.tdr("state", "restore", str(kept[-1]["serial"]))

    assert applied.records() == before
    applied.tdr("plan", "--detailed-exitcode")


def test_the_state_tells_addresses_and_ids(applied: Stage) -> None:
    listed = applied.tdr("state", "list", "--format", "json").document["resources"]

    assert [one["address"] for one in listed] == [
        "database/shop",
        "import/customers",
        "query/buyers-per-month",
        "table/customers",
    ]
    whole = applied.tdr("state", "show").document
    shown = applied.tdr("state", "show", "database/shop").document
    heading = {name: whole[name] for name in ("format_version", "tdr_version", "environment")}
    about = {"format": "tdr.state_record", "created_at": shown["created_at"], "address": "database/shop"}
    assert shown == heading | about | whole["resources"]["database/shop"]


# -- doctor, schema -----------------------------------------------------------------------------------------------------------


def test_doctor_finds_a_healthy_project_and_says_what_is_wrong_with_another(applied: Stage) -> None:
    assert applied.tdr("doctor", "--format", "json").document["healthy"]
    applied.write(
        "manifests/environments/local.yaml",
        "treasure_data: {endpoint: 'http://127.0.0.1:9', api_key: '${secret:env:TD_API_KEY}'}\n",
    )

    said = applied.tdr("doctor", "--format", "json", expect=1, TD_API_KEY="1/0123abcd")
    checks = said.document["checks"]

    assert {check["check"]: check["ok"] for check in checks} == {
        "manifests": True,
        "state": True,
        "journal": True,
        "lock": True,
        "accounts": False,
        "vendors": False,
        "runs": False,
    }


def test_every_manifest_of_this_repository_fits_the_schemas(project: Stage) -> None:
    project.tdr("schema", "--all", "--out", "schemas")
    schemas = {
        path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (project.folder / "schemas").glob("*")
    }
    names = (*KINDS, "Transitions", "Project", "Environment")
    assert set(schemas) == {"manifest", *(kind.lower() for kind in names)}
    for name, schema in schemas.items():
        Draft202012Validator.check_schema(schema)
        kind = next((kind for kind in names if kind.lower() == name), None)
        assert schema == project.tdr("schema", *([kind] if kind else [])).document
    held = 0
    for root in (CHECKOUT, project.folder, *(CHECKOUT / "examples").iterdir()):
        for path in [one for one in (root / "manifests").rglob("*.yaml") if "environments" not in one.parts]:
            for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
                for name in ("manifest", document["kind"].lower()):
                    Draft202012Validator(schemas[name]).validate(document)
                    held += 1
        for settings in root.glob("tdr.yaml"):
            Draft202012Validator(schemas["project"]).validate(yaml.safe_load(settings.read_text(encoding="utf-8")))
        for file in root.glob("manifests/environments/*.yaml"):
            Draft202012Validator(schemas["environment"]).validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    assert held > 15


@pytest.mark.parametrize(
    ("arguments", "written"),
    [(["Audience", "--out", "one"], {"audience.json"}), (["Environment", "--out", "one"], {"environment.json"})],
)
def test_a_schema_of_one_kind_is_one_file(project: Stage, arguments: list[str], written: set[str]) -> None:
    project.tdr("schema", *arguments)
    assert {path.name for path in (project.folder / "one").iterdir()} == written


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--all"], "error: --all writes files and takes no KIND\nhint: tdr schema --all --out DIR\n"),
        (
            ["Audience", "--all", "--out", "x"],
            "error: --all writes files and takes no KIND\nhint: tdr schema --all --out DIR\n",
        ),
        (["Audiense"], "error: there is no schema of 'Audiense'\nhint: did you mean `Audience`?\n"),
        (["Audiense", "--out", "x"], "error: there is no schema of 'Audiense'\nhint: did you mean `Audience`?\n"),
    ],
)
def test_a_schema_that_there_is_not_is_a_wrong_command_line(project: Stage, arguments: list[str], message: str) -> None:
    assert project.tdr("schema", *arguments, expect=64).err == message
    assert not (project.folder / "x").exists()


# -- serve --------------------------------------------------------------------------------------------------------------------


def test_a_service_is_shared_while_it_runs_and_ends_on_a_signal(applied: Stage) -> None:
    server = applied.spawn("serve")
    try:
        assert server.stderr is not None
        announced = server.stderr.readline()
        note = json.loads((applied.state / "service/serve.json").read_text(encoding="utf-8"))
        assert announced.startswith(f"Treasure Data API at http://127.0.0.1:{note['port']};")
        assert note["pid"] == server.pid

        applied.edit("manifests/shop.yaml", "0 3 * * *", "0 4 * * *")
        applied.tdr("apply", "--yes")
        applied.tdr("run", "import/customers")
        assert "runs already" in applied.tdr("serve", expect=64).err
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=60)

    assert server.returncode in {0, 143}
    assert not (applied.state / "service/serve.json").exists()
    applied.tdr("plan", "--detailed-exitcode")


def test_a_service_that_was_killed_is_no_longer_asked(applied: Stage) -> None:
    server = applied.spawn("serve")
    assert server.stderr is not None
    server.stderr.readline()
    server.kill()
    server.communicate(timeout=60)

    assert (applied.state / "service/serve.json").exists()
    applied.tdr("plan", "--detailed-exitcode")


def test_the_sandbox_tells_where_it_listens_and_what_it_accepts(tmp_path: Path) -> None:
    folder = tmp_path / "nowhere"
    folder.mkdir()
    known = {name: value for name, value in environment(folder).items() if not name.startswith("PINTEREST")}
    sandbox = Stage(folder, None, known).spawn("sandbox", "--port", "0")
    assert sandbox.stderr is not None
    said = [sandbox.stderr.readline() for _ in range(4)]
    sandbox.send_signal(signal.SIGINT)
    sandbox.communicate(timeout=60)

    assert said[0].startswith("Pinterest sandbox at http://127.0.0.1:")
    assert said[1:] == [
        "  export PINTEREST_CLIENT_ID=1234567\n",
        "  export PINTEREST_CLIENT_SECRET=sandbox-client-secret\n",
        "  export PINTEREST_REFRESH_TOKEN=pinr.sandbox-refresh-token\n",
    ]
    assert sandbox.returncode in {0, 130}
