"""Tasks in Qlik Cloud as people keep them: made by a person, declared, changed through the project's files, run and stopped."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from landing_stage import ADDRESS, DOCUMENT, FILE, TABLES, Landing, landing_in
from tenant_stage import KEY

from reconciler.emulators.qlik.sandbox import QlikSandbox


@pytest.fixture
def landing(tmp_path: Path, qlik: QlikSandbox) -> Landing:
    """A prepared task that a person made, whose document wants something else."""
    return landing_in(tmp_path / "ads", qlik)


def test_from_a_document_to_a_task_that_runs_as_declared(landing: Landing) -> None:
    tenant = landing.tenant
    planned = tenant.tdr("plan", "--detailed-exitcode", expect=2)
    assert f" {ADDRESS}" in planned.out

    tenant.tdr("apply", "--yes")
    settings = landing.document()["settings"]
    assert settings["landingDwSettings"] == {"schema": "LANDING"}, "what nobody speaks of stays"
    assert (settings["tableLoadInParallel"], settings["landingAppRuntime"]) == (
        7,
        {"sourceCdcFetchIntervalMinutes": 60},
    )
    assert landing.document("sourceSelection.yaml") == {
        "sourceConnection": "{{sourceConnection}}",
        "explicitlySelected": [
            {"name": "ads", "schema": "pinterest", "type": "TABLE"},
            {"name": "campaigns", "schema": "pinterest", "type": "TABLE"},
        ],
    }
    assert (landing.there.prepared, landing.run_state) == (True, "RUNNING")
    tenant.tdr("plan", "--detailed-exitcode")

    edited = landing.there.files["task.yaml"].replace("tableLoadInParallel: 7", "tableLoadInParallel: 2")
    tenant.control("PUT", landing.at, {"files": {"task.yaml": edited}})
    moved = tenant.tdr("drift", "--format", "json", expect=2).document
    assert [[field["path"] for field in one["fields"]] for one in moved["resources"] if one["fields"]] == [
        ["/settings/tableLoadInParallel"]
    ]
    tenant.tdr("apply", "--yes")
    assert landing.document()["settings"]["tableLoadInParallel"] == 7
    assert landing.run_state == "RUNNING", "it is started again after the edit"
    tenant.tdr("plan", "--detailed-exitcode")

    gone = tenant.tdr("destroy", "--yes", "--env", "local")
    assert "the task, its tables and its project stay in Qlik Cloud" in gone.out
    assert landing.run_state == "CANCELED"
    assert tenant.connections() == []


def test_a_task_is_stopped_and_started_by_its_document(landing: Landing) -> None:
    landing.tenant.tdr("apply", "--yes")
    landing.tenant.stage.edit(FILE, "enabled: true", "enabled: false")

    assert "pause" in landing.tenant.tdr("plan").out
    landing.tenant.tdr("apply", "--yes")

    assert landing.run_state == "CANCELED"
    landing.tenant.tdr("plan", "--detailed-exitcode")


def test_a_task_that_ran_to_its_end_is_as_declared(landing: Landing) -> None:
    landing.tenant.tdr("apply", "--yes")
    landing.tenant.control("POST", f"{landing.at}/run", {"state": "COMPLETED"})

    landing.tenant.tdr("plan", "--detailed-exitcode")


def test_a_task_that_ran_to_its_end_needs_no_stop(landing: Landing) -> None:
    landing.tenant.tdr("apply", "--yes")
    landing.tenant.control("POST", f"{landing.at}/run", {"state": "COMPLETED"})
    landing.tenant.stage.edit(FILE, "enabled: true", "enabled: false")

    landing.tenant.tdr("apply", "--yes")
    landing.tenant.tdr("plan", "--detailed-exitcode")
    assert landing.run_state == "COMPLETED"

    landing.tenant.stage.edit(FILE, "enabled: false", "enabled: true")
    landing.tenant.tdr("apply", "--yes")
    assert landing.run_state == "RUNNING"


def test_edits_of_one_project_at_the_same_time_do_not_take_each_other_back(landing: Landing) -> None:
    names = [f"Ads {number}" for number in range(4)]
    made = [
        landing.tenant.control("POST", f"/projects/{landing.project}/tasks", {"name": name})["id"] for name in names
    ]
    for number, name in enumerate(names):
        landing.tenant.stage.write(
            f"manifests/ads{number}.yaml",
            DOCUMENT.replace("{name: landing}", f"{{name: ads{number}}}").replace("Ads landing", name),
        )

    landing.tenant.tdr("apply", "--yes")

    tasks = landing.tenant.qlik.tenant.world.projects[landing.project].tasks
    assert [yaml.safe_load(tasks[one].files["task.yaml"])["settings"]["tableLoadInParallel"] for one in made] == [7] * 4
    landing.tenant.tdr("plan", "--detailed-exitcode")


def test_a_task_whose_run_failed_is_a_finding_of_the_status(landing: Landing) -> None:
    landing.tenant.tdr("apply", "--yes")
    landing.tenant.consent_in_the_console()
    landing.tenant.control("POST", f"{landing.at}/run", {"state": "FAILED"})

    findings = landing.tenant.tdr("status", "--format", "json", expect=2).document["findings"]
    assert [(one["address"], one["rule"]) for one in findings] == [(ADDRESS, "failing")]


def test_the_method_of_a_prepared_task_changes_only_with_leave(landing: Landing) -> None:
    landing.tenant.tdr("apply", "--yes")
    landing.tenant.stage.edit(FILE, "method: cdc", "method: reload-and-compare")

    refused = landing.tenant.tdr("apply", "--yes", expect=1)
    assert "allow_recreate: true" in refused.out + refused.err
    assert landing.document()["settings"]["fullLoadOnly"] is False

    landing.tenant.stage.edit(FILE, "  enabled: true", "  enabled: true\n  allow_recreate: true")
    landing.tenant.tdr("apply", "--yes")
    assert landing.document()["settings"]["fullLoadOnly"] is True
    assert landing.there.prepared
    landing.tenant.tdr("plan", "--detailed-exitcode")


def test_what_runs_is_not_changed_under_its_feet(landing: Landing) -> None:
    landing.tenant.control("POST", f"{landing.at}/run", {"state": "RUNNING"})
    landing.tenant.stage.edit(FILE, "  enabled: true\n", "")

    refused = landing.tenant.tdr("apply", "--yes", expect=None)

    assert "write `enabled: true`" in refused.out + refused.err
    assert landing.there.files["sourceSelection.yaml"] == TABLES
    assert landing.run_state == "RUNNING"


def test_a_task_that_nobody_made_is_told_with_who_makes_it(landing: Landing) -> None:
    landing.tenant.control("DELETE", landing.at)

    planned = landing.tenant.tdr("plan", expect=1)

    assert "a person makes it once, at http" in planned.out + planned.err


@pytest.mark.parametrize(("kind", "said"), [("STORAGE", "cannot change the type"), ("LANDING", "")])
def test_another_type_is_not_changed(landing: Landing, kind: str, said: str) -> None:
    landing.there.type = kind

    applied = landing.tenant.tdr("apply", "--yes", expect=None)

    assert said in applied.out + applied.err
    assert (applied.code == 0) is (said == "")


def test_tables_by_pattern_take_the_place_of_names(landing: Landing) -> None:
    landing.tenant.stage.edit(FILE, "[campaigns, ads]", '["report_%"]')

    landing.tenant.tdr("apply", "--yes")

    assert landing.document("sourceSelection.yaml") == {
        "sourceConnection": "{{sourceConnection}}",
        "includePatterns": [{"tablePattern": "report_%", "type": "TABLE"}],
    }
    landing.tenant.tdr("plan", "--detailed-exitcode")


def test_a_schedule_of_a_storage_task_is_kept(landing: Landing) -> None:
    told = {"name": "Ads storage", "type": "STORAGE", "prepared": True, "files": {"task.yaml": "settings: {}\n"}}
    stored = landing.tenant.control("POST", f"/projects/{landing.project}/tasks", told)["id"]
    landing.tenant.stage.write(
        "manifests/storage.yaml",
        DOCUMENT.partition("spec:")[0].replace("landing", "storage")
        + "spec:\n  project: Ads\n  name: Ads storage\n  type: storage\n"
        "  schedule: {every: FREQ=HOURLY;INTERVAL=6, start: 2026-01-01T03:00:00Z, timezone: Asia/Tokyo}\n",
    )

    landing.tenant.tdr("apply", "--yes")

    text = landing.tenant.qlik.tenant.world.projects[landing.project].tasks[stored].files["schedule.yaml"]
    (entry,) = yaml.safe_load(text)["scheduling"]
    assert entry["timeBasedScheduling"]["schedule"] == ["RRULE:FREQ=HOURLY;INTERVAL=6"]
    landing.tenant.tdr("plan", "--detailed-exitcode")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("method: cdc", "method: full-load", "cdc and reload-and-compare"),
        ("type: landing", "type: storage", "take `method` out"),
        ("tableLoadInParallel: 7", "fullLoadOnly: true", "`method` says"),
    ],
    ids=["method of another type", "type without methods", "setting that is the method"],
)
def test_contradictions_are_told_offline(landing: Landing, before: str, after: str, said: str) -> None:
    landing.tenant.stage.edit(FILE, before, after)

    refused = landing.tenant.tdr("validate", expect=7)

    assert said in refused.out + refused.err


def test_import_takes_tasks_over_as_they_are(landing: Landing) -> None:
    (landing.tenant.stage.folder / FILE).unlink()
    before = dict(landing.there.files)

    landing.tenant.tdr("import", "--all", "--yes")

    assert any(address.startswith("qliktask/") for address in landing.tenant.stage.records())
    assert landing.there.files == before
    told = "".join(path.read_text() for path in landing.tenant.stage.folder.rglob("*.yaml"))
    assert "method: cdc" in told


@pytest.mark.parametrize("verb", ["import", "validate", "prepare", "start"])
@pytest.mark.parametrize("kind", ["answer_lost", "error"])
def test_an_apply_that_breaks_off_is_gone_on_with(landing: Landing, verb: str, kind: str) -> None:
    fault = {"error": {"kind": "error", "status": 403}, "answer_lost": {"kind": "answer_lost"}}[kind]
    landing.tenant.control("POST", "/faults", {**fault, "method": "POST", "path": f"/**/actions/{verb}", "count": 1})
    landing.tenant.tdr("apply", "--yes", expect=None)

    landing.tenant.tdr("apply", "--yes")

    assert landing.there.prepared
    assert landing.run_state == "RUNNING"
    landing.tenant.tdr("plan", "--detailed-exitcode")


def test_a_project_of_the_older_form_is_told(landing: Landing) -> None:
    landing.there.files.pop("task.yaml")
    landing.there.files["task.json"] = "{}"

    planned = landing.tenant.tdr("plan", expect=None)

    assert planned.code != 0
    assert KEY not in planned.out + planned.err


def test_a_saved_plan_is_applied_although_the_page_of_consent_is_another_each_time(landing: Landing) -> None:
    landing.tenant.tdr("apply", "--yes")
    landing.tenant.stage.edit(FILE, "enabled: true", "enabled: false")
    landing.tenant.tdr("plan", "--out", "saved.json")

    landing.tenant.tdr("apply", "saved.json")

    assert landing.run_state == "CANCELED"


def test_kinds_says_who_makes_a_task(landing: Landing) -> None:
    said = landing.tenant.tdr("kinds", "QlikTask").out

    assert "update delete adopt import" in said
    assert "people make it at the vendor" in said
