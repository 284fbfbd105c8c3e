"""How what was applied is doing is told with its runs, its next runs and what is wrong."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator
from stage import Stage

SCHEMAS = files("reconciler.reports") / "schemas"


def valid(document: dict[str, Any]) -> dict[str, Any]:
    name = str(document["format"]).removeprefix("tdr.")
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(document)
    return document


def status(stage: Stage, *arguments: str, expect: int) -> dict[str, Any]:
    return valid(stage.tdr("status", *arguments, "--format", "json", expect=expect).document)


def test_what_runs_is_told_with_its_runs_and_when_it_runs_next(applied: Stage) -> None:
    document = status(applied, "activation/spring-buyers-daily", expect=0)
    text = applied.tdr("status").out

    (activation,) = document["resources"]
    assert activation["schedule"]["meaning"] == "daily at 03:00 Asia/Tokyo"
    assert [at[11:] for at in activation["schedule"]["next"]] == ["18:00:00Z"] * 3
    (run,) = activation["runs"]
    assert (run["status"], run["rows"]) == ("success", 120)
    assert run["ended_at"] >= run["started_at"] >= run["created_at"]
    assert "Status: nothing is wrong.\n" in text
    assert "runs daily at 03:00 Asia/Tokyo" in text


def test_an_import_is_told_with_the_rows_that_each_run_loaded(applied: Stage) -> None:
    (told,) = status(applied, "import/customers", expect=0)["resources"]

    assert [(run["status"], run["rows"]) for run in told["runs"]] == [("success", 200)]


def test_a_schedule_that_somebody_took_off_is_found(applied: Stage) -> None:
    with applied.somebody() as client:
        client.update_saved_query("spring-buyers-daily", {"cron": ""})

    document = status(applied, expect=2)

    assert [(one["address"], one["rule"]) for one in document["findings"]] == [
        ("activation/spring-buyers-daily", "schedule-gone")
    ]


def test_a_failing_run_is_found_with_its_last_words(applied: Stage) -> None:
    with applied.somebody() as client:
        client.update_saved_query("spring-buyers-daily", {"query": "SELECT email FROM nowhere"})
    applied.tdr("run", "activation/spring-buyers-daily", expect=1)

    document = status(applied, "activation/spring-buyers-daily", expect=2)

    (found,) = document["findings"]
    assert found["rule"] == "failing"
    assert document["resources"][0]["runs"][0]["status"] == "error"


def test_an_authorisation_that_ends_soon_is_found(applied: Stage) -> None:
    applied.edit(
        "manifests/environments/local.yaml",
        'endpoints: {pinterest: "${var:pinterest}"}',
        'endpoints: {pinterest: "${var:pinterest}"}\nhealth: {token_warning: 9000h}',
    )

    document = status(applied, "connection/pinterest-main", expect=2)

    assert [one["rule"] for one in document["findings"]] == ["authorisation-ends"]


def test_a_vendor_that_does_not_tell_is_no_health(applied: Stage) -> None:
    applied.control.fault("error", status=403, method="GET", path="/ad_accounts/**", count=None)

    document = status(applied, expect=1)

    assert not document["complete"]
    (audience,) = [one for one in document["resources"] if one["error"]]
    assert audience["address"] == "audience/spring-buyers"
