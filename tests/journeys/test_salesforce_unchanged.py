"""Activations to Salesforce that no plan changes: what somebody did to their object is told before the next run finds out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from salesforce_stage import (
    CRM,
    EXPORT,
    FILE,
    GOOD,
    SHOP,
    Project,
    activation,
    asked,
    forget,
    leads,
    project,
    remarks,
    written,
)

import reconciler
from reconciler.cli.reporting import FORMATS
from reconciler.emulators.salesforce.sandbox import SalesforceSandbox

__all__ = ["project"]

LOGIN = "POST /oauth2/token"
DESCRIBE = "GET /sobjects/Contact/describe"
UNCHANGED = "no row of activation/leads-to-crm would arrive now, though nothing changes here"
CHANGE = "apiVersion: tdr/v1\nkind: Database\nmetadata: {name: other}\nspec: {}\n"

Doing = Callable[[SalesforceSandbox], None]


def altered(**fields: dict[str, object] | None) -> Doing:
    return lambda org: org.alter("Contact", fields)  # type: ignore[arg-type]


def without_right(right: str) -> Doing:
    return lambda org: org.alter("Contact", **{right: False})


GONE = altered(LastName=None)
CERTAIN: dict[str, tuple[str, Doing, int, str]] = {
    "field deleted": ("{upsert: Email__c}", GONE, 8, "column LastName is no field of Contact"),
    "field made read-only": (
        "insert",
        altered(LastName={"createable": False, "updateable": False}),
        8,
        "column LastName: Contact.LastName cannot be written when a record is made",
    ),
    "field calculated": (
        "insert",
        altered(LastName={"createable": False, "updateable": False, "calculated": True}),
        8,
        "column LastName: Contact.LastName is calculated by Salesforce",
    ),
    "no external id": (
        "{upsert: Email__c}",
        altered(Email__c={"external_id": False}),
        10,
        "Contact.Email__c is no external id, which the key of an upsert must be",
    ),
    "field required": ("insert", altered(FirstName={"nillable": False}), 8, "Contact needs FirstName"),
    "no right to change": (
        "{upsert: Email__c}",
        without_right("updateable"),
        9,
        "the user may not change records of Contact",
    ),
    "no right to delete": ("{replace: soft}", without_right("deletable"), 9, "the user may not delete records"),
    "no right to delete for good": (
        "{replace: hard}",
        lambda org: org.control.knobs(hard_delete=False),
        10,
        "the user may not delete records for good",
    ),
    "object hidden": ("insert", lambda org: org.hide("Contact"), 9, "the org has no object Contact"),
}


@pytest.mark.parametrize("happened", CERTAIN)
def test_what_keeps_every_row_from_arriving_is_told_by_plan_and_drift_and_comes_true(
    project: Project, happened: str
) -> None:
    stage, org = project
    write, happen, line, told = CERTAIN[happened]
    leads(stage, "a@example.com,Ann,1")
    written(stage, write=write)
    stage.tdr("apply", "--yes")
    stage.tdr("run", "import/leads")
    assert remarks(stage, "plan", "--detailed-exitcode") == remarks(stage, "drift") == []

    happen(org)

    for verb in ("plan", "drift"):
        (found,) = remarks(stage, verb, *(("--detailed-exitcode",) if verb == "plan" else ()))
        assert (found["rule"], found["severity"], found["file"], found["line"]) == (
            "object-misfit",
            "warning",
            FILE,
            line,
        )
        assert found["subject"] == "activation/leads-to-crm"
        assert told in found["message"]
        assert found["message"].endswith(UNCHANGED)
    said = stage.tdr("run", "activation/leads-to-crm", expect=None)
    assert said.code != 0
    assert told in said.out + said.err
    assert not [one for one in asked(org) if "/job" in one]


def test_what_keeps_some_rows_from_arriving_is_told_as_for_what_changes(project: Project) -> None:
    stage, org = project
    written(stage, "email AS Email__c, CAST(name AS VARCHAR(9)) AS LastName")
    stage.tdr("apply", "--yes")

    org.alter("Contact", {"LastName": {"length": 3}})

    (kept,) = remarks(stage, "plan")
    assert "may have texts of 9 characters, and the field holds 3" in kept["message"]
    assert kept["severity"] == "warning"
    assert remarks(stage, "drift") == [kept]
    stage.edit(FILE, "CAST(name", "CAST(email")
    (changed,) = remarks(stage, "plan")
    assert changed["message"] == kept["message"]


def test_every_format_tells_it(project: Project) -> None:
    stage, org = project
    written(stage)
    stage.tdr("apply", "--yes")
    GONE(org)

    for verb in ("plan", "drift"):
        for one in FORMATS[verb]:
            assert "column LastName is no field of Contact" in stage.tdr(verb, "--format", one).out, (verb, one)


def test_names_that_the_org_gives_obey_no_terminal_and_no_page(project: Project) -> None:
    stage, org = project
    written(stage)
    stage.tdr("apply", "--yes")
    org.alter("Contact", {"Evil\x1b[31m<b>`|__c": {"external_id": True}, "Email__c": {"external_id": False}})

    for verb in ("plan", "drift"):
        for one in FORMATS[verb]:
            said = stage.tdr(verb, "--format", one).out
            assert "Evil" in said, (verb, one)
            assert "\x1b" not in said, (verb, one)
            assert one != "html" or "<b>`" not in said


def test_a_plan_costs_one_login_and_one_look_at_each_object_however_many_activations_there_are(
    project: Project,
) -> None:
    stage, org = project
    documents = [activation(name=f"leads-{number}") for number in range(5)]
    documents += [activation('email AS Email__c, name AS LastName, email AS "Account.CRM_Id__c"', name="parents")]
    documents += [activation("name AS Name", "{replace: hard}", name=f"all-{one}", sobject="Account") for one in "ab"]
    stage.write(FILE, "---\n".join(documents))
    stage.tdr("apply", "--yes")

    looks = {LOGIN, DESCRIBE, "GET /sobjects/Account/describe", "GET /query"}
    for verb in ("plan", "plan", "drift"):
        for arguments in ((), ("--format", "json")):
            forget(org)
            stage.tdr(verb, *arguments)
            assert sorted(one.rstrip("/") for one in asked(org)) == sorted(looks), (verb, arguments)


@pytest.mark.parametrize(
    "words",
    [
        ("validate",),
        ("plan", "--refresh=false"),
        ("plan", "--target", "database/shop"),
        ("drift", "--target", "table/*"),
    ],
)
def test_nobody_is_asked_where_nobody_is_to_be_asked_or_the_activation_is_not_meant(
    project: Project, words: tuple[str, ...]
) -> None:
    stage, org = project
    written(stage)
    stage.tdr("apply", "--yes")
    GONE(org)
    forget(org)

    said = stage.tdr(*words)

    assert asked(org) == []
    assert "LastName" not in said.out + said.err


def test_other_changes_have_not_to_wait_for_it(project: Project) -> None:
    stage, org = project
    written(stage)
    stage.tdr("apply", "--yes")
    GONE(org)

    stage.write("manifests/other.yaml", CHANGE)
    said = stage.tdr("apply", "--yes")

    assert UNCHANGED in said.out + said.err
    with stage.somebody() as td:
        assert "other" in [one["name"] for one in td.databases()]
    stage.edit(FILE, "name AS", "email AS")
    said = stage.tdr("plan", expect=7)
    assert "error[object-misfit]: column LastName is no field of Contact\n" in said.err


def test_a_query_with_an_export_is_not_set_aside_with_what_is_settled(project: Project) -> None:
    stage, org = project
    settings = "{object: Contact, mode: append}"
    stage.write(FILE, EXPORT.replace("COLUMNS", GOOD).replace("SETTINGS", settings))
    stage.write(
        "manifests/plain.yaml", EXPORT.partition("  export")[0].replace("leads\n", "x\n").replace("COLUMNS", "1")
    )
    stage.edit("manifests/plain.yaml", "name: leads", "name: plain")
    stage.tdr("apply", "--yes")
    for _ in range(2):
        assert "object-misfit" not in stage.tdr("plan").out

    GONE(org)

    said = stage.tdr("plan", "--detailed-exitcode")
    assert "column LastName is no field of Contact; no row of query/leads would arrive now" in said.out
    assert f"{FILE}:6" in said.out
    org.alter("Contact", {"LastName": {"length": 80}})
    assert "LastName" not in stage.tdr("plan").out


def test_drift_leaves_to_a_plan_what_was_edited_since(project: Project) -> None:
    stage, org = project
    written(stage)
    stage.tdr("apply", "--yes")
    stage.edit(FILE, "name AS LastName", "name AS LastNam")
    forget(org)

    assert remarks(stage, "drift") == []
    assert asked(org) == []
    stage.tdr("plan", expect=7)


def test_drift_tells_it_beside_a_digest_that_is_known_and_in_the_body_of_an_issue(project: Project) -> None:
    stage, org = project
    written(stage)
    stage.tdr("apply", "--yes")
    digest = stage.tdr("drift", "--format", "json").document["digest"]
    GONE(org)

    said = stage.tdr("drift", "--since-digest", digest)
    assert UNCHANGED in said.out
    assert "nothing new" in said.out
    assert UNCHANGED in stage.tdr("drift", "--issue").out
    document = stage.tdr("drift", "--format", "json").document
    assert (document["clean"], document["digest"]) == (True, digest)
    schema = Path(reconciler.__file__).parent / "reports" / "schemas" / "drift.json"
    Draft202012Validator(json.loads(schema.read_text())).validate(document)


def test_an_org_that_is_gone_or_busy_costs_one_warning_and_no_more_than_two_tries(project: Project) -> None:
    stage, org = project
    stage.write(FILE, "---\n".join(activation(name=f"leads-{number}") for number in range(3)))
    stage.tdr("apply", "--yes")

    forget(org)
    org.control.fault("error", path="/**/describe", status=503, count=None)
    for verb in ("plan", "drift"):
        forget(org)
        found = remarks(stage, verb)
        assert {(one["rule"], one["severity"]) for one in found} == {("object-unseen", "warning")}
        assert asked(org) == [LOGIN, DESCRIBE, DESCRIBE]
    stage.write("manifests/environments/local.yaml", "endpoints: {salesforce: 'http://127.0.0.1:9'}\n")
    for verb in ("plan", "drift"):
        (found,) = remarks(stage, verb)
        assert (found["rule"], found["severity"]) == ("object-unseen", "warning")
        assert "Contact was not looked at" in found["message"]


def test_what_is_told_of_several_connections_is_what_their_users_see(project: Project) -> None:
    stage, org = project
    stage.write("manifests/crm.yaml", f"{CRM}---\n{CRM}".replace("name: crm", "name: other", 1))
    stage.write("manifests/shop.yaml", SHOP)
    other = activation(name="by-other").replace("connection: crm", "connection: other")
    stage.write(FILE, f"{activation()}---\n{other}")
    stage.tdr("apply", "--yes")
    GONE(org)
    forget(org)

    told = {one["subject"]: one["message"] for one in remarks(stage, "plan")}

    assert set(told) == {"activation/leads-to-crm", "activation/by-other"}
    assert asked(org) == [LOGIN, DESCRIBE] * 2
