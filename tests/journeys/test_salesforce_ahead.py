"""Objects of Salesforce are looked at before anything is applied, and again before a row leaves: from manifests to what is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from other_account import account_of
from salesforce_stage import EXPORT, FILE, SECRETS, Project, asked, leads, project, remarks, written
from stage import Stage, files_below
from test_doctor_of_an_account import stage_of

from reconciler.cli.reporting import FORMATS
from reconciler.emulators.salesforce.sandbox import SalesforceSandbox

__all__ = ["project"]


@pytest.fixture
def shop(project: Project) -> Stage:
    return project[0]


@pytest.fixture
def salesforce(project: Project) -> SalesforceSandbox:
    return project[1]


def test_a_column_that_is_no_field_stops_the_plan_at_its_line_in_every_format(
    shop: Stage, salesforce: SalesforceSandbox
) -> None:
    written(shop, "email AS Email__c, name AS LastNam")

    said = shop.tdr("plan", expect=7)
    assert "error[object-misfit]: column LastNam is no field of Contact" in said.err
    assert f"{FILE}:8" in said.err
    assert "write `AS LastName`" in said.err
    assert asked(salesforce) == ["POST /oauth2/token", "GET /sobjects/Contact/describe"]
    for one in FORMATS["plan"]:
        told = shop.tdr("plan", "--format", one, expect=7)
        assert "column LastNam is no field of Contact" in (told.out or told.err), one
    shop.tdr("apply", "--yes", expect=7)
    with shop.somebody() as td:
        assert [*td.saved_queries()] == []


def test_what_fits_is_planned_without_a_word_before_it_is_applied_and_after(
    shop: Stage, salesforce: SalesforceSandbox
) -> None:
    written(shop)
    assert remarks(shop, "plan") == []
    shop.tdr("apply", "--yes")
    before = asked(salesforce)
    assert before

    assert remarks(shop, "plan", "--detailed-exitcode") == []

    assert asked(salesforce)[len(before) :] == ["POST /oauth2/token", "GET /sobjects/Contact/describe"]


def test_how_many_records_a_run_would_delete_is_told_with_the_plan(shop: Stage, salesforce: SalesforceSandbox) -> None:
    written(shop, write="{replace: hard}")
    salesforce.put("Contact", *({"LastName": f"Old {name}"} for name in range(12)))

    (found,) = remarks(shop, "plan")
    assert (found["rule"], found["severity"]) == ("records-there", "notice")
    assert found["message"] == "Contact has 12 records now that a run would delete"
    for one in FORMATS["plan"]:
        assert "Contact has 12 records now" in shop.tdr("plan", "--format", one).out, one

    salesforce.control.knobs(hard_delete=False)
    said = shop.tdr("plan", expect=7)
    assert "the user may not delete records for good" in said.err
    assert "write `replace: soft`" in said.err
    salesforce.control.knobs(tells_permissions=False)
    assert [one["rule"] for one in remarks(shop, "plan")] == ["records-there", "object-unseen"]


@pytest.mark.parametrize(
    ("write", "columns", "line", "told"),
    [
        ("{upsert: Key__c}", "email AS Email__c", 10, "the query puts out no column Key__c"),
        ("{upsert: Emial__c}", "email AS Emial__c", 10, "Contact has no field Emial__c"),
        ("insert", "email AS Email", 8, "Contact needs LastName"),
    ],
)
def test_each_misfit_has_its_place(shop: Stage, write: str, columns: str, line: int, told: str) -> None:
    written(shop, columns, write)

    said = shop.tdr("plan", expect=7)

    assert told in said.err
    assert f"{FILE}:{line}" in said.err


def test_an_object_that_is_not_there_is_told_with_the_one_that_may_be_meant(shop: Stage) -> None:
    written(shop)
    shop.edit(FILE, "object: Contact", "object: Contacts")

    said = shop.tdr("plan", expect=7)

    assert "the org has no object Contacts that the user may see" in said.err
    assert "did you mean `Contact`?" in said.err
    assert f"{FILE}:9" in said.err


@pytest.mark.parametrize(
    ("settings", "line", "told"),
    [
        ("{object: Contact, mode: append}", 6, "column nam is no field of Contact"),
        ("{object: Contct, mode: append}", 7, "the org has no object Contct"),
        ("{object: Contact, mode: update, unique: Emial__c}", 7, "Contact has no field Emial__c"),
        ("{object: Contact, mode: truncate}", 7, "Contact has 0 records now"),
    ],
)
def test_an_export_in_the_connectors_words_is_looked_at_too(shop: Stage, settings: str, line: int, told: str) -> None:
    columns = "name AS LastName, name AS nam"
    shop.write("manifests/query.yaml", EXPORT.replace("COLUMNS", columns).replace("SETTINGS", settings))

    said = shop.tdr("validate", "--online", expect=7)

    assert told in said.out + said.err
    assert f"manifests/query.yaml:{line}" in said.out + said.err


def test_validate_online_looks_at_everything_that_is_declared(shop: Stage, salesforce: SalesforceSandbox) -> None:
    written(shop)
    shop.tdr("apply", "--yes")
    salesforce.alter("Contact", {"LastName": {"length": 3}})
    shop.edit(FILE, "name AS", "CAST(name AS VARCHAR(9)) AS")

    (found,) = remarks(shop, "validate", "--online")
    assert (found["rule"], found["severity"], found["file"]) == ("object-misfit", "warning", FILE)
    assert "may have texts of 9 characters, and the field holds 3" in found["message"]
    salesforce.hide("Contact")
    shop.tdr("validate", "--online", expect=7)


def test_an_org_that_is_not_reached_stops_no_plan(shop: Stage) -> None:
    written(shop)
    shop.write("manifests/environments/local.yaml", "endpoints: {salesforce: 'http://127.0.0.1:9'}\n")

    (found,) = remarks(shop, "plan")

    assert (found["rule"], found["severity"]) == ("object-unseen", "warning")
    assert "Contact was not looked at" in found["message"]


def test_a_run_looks_again_and_sends_nothing_that_cannot_arrive(shop: Stage, salesforce: SalesforceSandbox) -> None:
    written(shop)
    leads(shop, "a@example.com,Ann,1")
    shop.tdr("apply", "--yes")
    shop.tdr("run", "import/leads")
    salesforce.alter("Contact", {"LastName": None})

    said = shop.tdr("run", "activation/leads-to-crm", expect=None)

    assert "nothing was sent: column LastName is no field of Contact" in said.out + said.err
    assert not [one for one in asked(salesforce) if "/job" in one]
    salesforce.alter("Contact", {"LastName": {"length": 80, "nillable": False}})
    shop.tdr("run", "activation/leads-to-crm")
    assert [one["LastName"] for one in salesforce.records("Contact")] == ["Ann"]


def test_doctor_says_whether_a_connection_is_let_in_and_what_it_has_left(shop: Stage) -> None:
    written(shop)
    told = {one["check"]: one for one in shop.tdr("doctor", "--format", "json").document["checks"]}
    assert told["salesforce"]["message"] == (
        "connection/crm is let in by client_credentials, version 60.0, 14999 of 15000 requests left today"
    )

    shop.write("manifests/environments/local.yaml", "endpoints: {salesforce: 'http://127.0.0.1:9'}\n")
    told = {one["check"]: one for one in shop.tdr("doctor", "--format", "json", expect=1).document["checks"]}
    assert "connection/crm: " in told["salesforce"]["message"]
    assert [name for name, one in told.items() if not one["ok"]] == ["salesforce"]


def test_no_secret_is_in_what_is_said_and_kept(shop: Stage, salesforce: SalesforceSandbox) -> None:
    shop.environ |= {"TDR_LOG": "debug", "TDR_DEBUG": "1"}
    written(shop, "email AS Email__c, name AS LastNam")
    for words in (("plan",), ("plan", "--format", "json"), ("validate", "--online"), ("doctor",), ("apply", "--yes")):
        shop.tdr(*words, expect=None)
    written(shop)
    shop.tdr("apply", "--yes", "--report", "json=report.json")
    shop.tdr("run", "activation/leads-to-crm", expect=None)

    kept = b"".join(files_below(shop.folder).values())
    said = "\n".join(shop.heard)
    assert "Salesforce" in said
    for secret in (*SECRETS.values(), *salesforce.org.world.sessions.open):
        assert secret not in said
        assert json.dumps(secret)[1:-1].encode() not in kept


def test_where_treasure_data_sends_the_rows_a_misfit_is_a_warning(
    shop: Stage, tmp_path: Path, salesforce: SalesforceSandbox
) -> None:
    vendor = stage_of(tmp_path / "vendor", "local", "{}\n")
    with account_of(vendor) as (_, url, key):
        with vendor.somebody() as td:  # whose API makes no connections
            td.create_connection({"name": "crm", "type": "sfdc_v2", "settings": {}})
        written(shop, "email AS Email__c, name AS LastNam")
        shop.write("manifests/environments/local.yaml", "{}\n")
        shop.edit("manifests/crm.yaml", "client_id", f"login_url: {salesforce.base_url}\n  client_id")
        shop.write(
            "manifests/environments/prod.yaml",
            f"treasure_data: {{endpoint: {url}, api_key: '${{secret:env:TD_API_KEY}}'}}\n",
        )

        shop.environ["TD_API_KEY"] = key
        planned = remarks(shop, "plan", "--env", "prod")
        shop.tdr("apply", "--env", "prod", "--yes")
        kept = [remarks(shop, verb, "--env", "prod") for verb in ("plan", "drift")]

    for found in (planned, *kept):
        assert {(one["rule"], one["severity"]) for one in found} == {("object-misfit", "warning")}
        assert found[0]["message"].startswith("column LastNam is no field of Contact")
    assert kept[0] == kept[1] != planned
