"""Every verb, as a user has it."""

from __future__ import annotations

import pytest
from stage import Stage

# -- the first five minutes --------------------------------------------------------------------------------------------


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


# -- a part of it ------------------------------------------------------------------------------------------------------


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


# -- destroy -----------------------------------------------------------------------------------------------------------


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


# -- run ---------------------------------------------------------------------------------------------------------------


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


# -- the memory --------------------------------------------------------------------------------------------------------


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


# -- doctor ------------------------------------------------------------------------------------------------------------


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
