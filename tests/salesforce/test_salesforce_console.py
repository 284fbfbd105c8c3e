"""What an administrator and a bad day do to the emulated org: it describes it, and its rows and answers follow."""

from __future__ import annotations

import httpx
import pytest
from test_salesforce_emulator import V, client, errors, run

from reconciler.emulators.salesforce.sandbox import SalesforceSandbox

__all__ = ["client"]

UPSERT = {"operation": "upsert", "externalIdFieldName": "Key__c"}


def described(client: httpx.Client) -> dict[str, dict[str, object]]:
    told = client.get(f"{V}/sobjects/Contact/describe").json()
    return {one["name"]: one for one in told["fields"]}


def test_a_field_that_goes_is_described_no_more_and_fails_the_job(
    client: httpx.Client, sandbox: SalesforceSandbox
) -> None:
    sandbox.put("Contact", {"LastName": "Lee", "Phone": "1"})
    sandbox.alter("Contact", {"Phone": None, "Nick__c": {"length": 3}})

    assert "Phone" not in described(client)
    assert described(client)["Nick__c"]["length"] == 3
    told = client.get(run(client, "LastName,Phone\nLee,1\n", operation="insert")).json()
    assert (told["state"], told["errorMessage"]) == ("Failed", "InvalidBatch : Field name not found : Phone")
    job = run(client, "LastName,Nick__c\nLee,abcd\nLi,abc\n", operation="insert")
    assert errors(client, job) == ["STRING_TOO_LONG"]
    asked = client.get(f"{V}/query", params={"q": "SELECT Phone FROM Contact"})
    assert (asked.status_code, asked.json()[0]["errorCode"]) == (400, "INVALID_FIELD")


@pytest.mark.parametrize(
    ("createable", "updateable", "expected"),
    [
        (False, True, ["INVALID_FIELD_FOR_INSERT_UPDATE"]),
        (True, False, ["INVALID_FIELD_FOR_INSERT_UPDATE"]),
        (False, False, ["INVALID_FIELD_FOR_INSERT_UPDATE"] * 2),
    ],
)
def test_a_field_may_be_written_on_new_records_only_or_on_those_that_are_there(
    client: httpx.Client,
    sandbox: SalesforceSandbox,
    createable: bool,  # noqa: FBT001 - a case
    updateable: bool,  # noqa: FBT001 - a case
    expected: list[str],
) -> None:
    sandbox.put("Contact", {"Key__c": "k1", "LastName": "Lee"})
    sandbox.alter("Contact", {"Phone": {"createable": createable, "updateable": updateable}})

    assert errors(client, run(client, "Key__c,LastName,Phone\nk1,Lee,1\nk2,Li,1\n", **UPSERT)) == expected


def test_a_key_that_is_none_any_more_is_refused_and_finds_what_it_found_once_it_is_one_again(
    client: httpx.Client, sandbox: SalesforceSandbox
) -> None:
    sandbox.put("Contact", {"Key__c": "k1", "LastName": "Lee"})
    sandbox.alter("Contact", {"Key__c": {"external_id": False, "unique": False}})
    refused = client.post(f"{V}/jobs/ingest", json={"object": "Contact", **UPSERT})
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "INVALIDJOB")

    sandbox.alter("Contact", {"key__C": {"external_id": True, "unique": True}})

    run(client, "Key__c,LastName\nK1,Li\n", **UPSERT)
    assert [one["LastName"] for one in sandbox.records("Contact")] == ["Li"]


def test_what_the_user_may_not_do_fails_each_row(client: httpx.Client, sandbox: SalesforceSandbox) -> None:
    (there,) = sandbox.put("Contact", {"Key__c": "k1", "LastName": "Lee"})
    sandbox.alter("Contact", createable=False, deletable=False)
    told = client.get(f"{V}/sobjects/Contact/describe").json()
    assert [told[name] for name in ("createable", "updateable", "deletable")] == [False, True, False]

    assert errors(client, run(client, "Key__c,LastName\nk1,Lee\nk2,Li\n", **UPSERT)) == [
        "INSUFFICIENT_ACCESS_OR_READONLY"
    ]
    assert errors(client, run(client, f"Id\n{there}\n", operation="delete")) == ["INSUFFICIENT_ACCESS_OR_READONLY"]
    assert [one["Id"] for one in sandbox.records("Contact")] == [there]


def test_an_object_that_is_hidden_is_not_there_until_the_org_begins_anew(
    client: httpx.Client, sandbox: SalesforceSandbox
) -> None:
    sandbox.hide("Account")
    assert client.get(f"{V}/sobjects/Account/describe").status_code == 404
    told = client.get(run(client, "LastName,Account.CRM_Id__c\nLee,a\n", operation="insert")).json()
    assert told["state"] == "Failed"
    job = run(client, "LastName,AccountId\nLee,001000000000001AAA\n", operation="insert")
    assert errors(client, job) == ["MALFORMED_ID"]

    sandbox.control.reset()
    client.headers["Authorization"] = f"Bearer {sandbox.session()}"

    assert client.get(f"{V}/sobjects/Account/describe").status_code == 200


def test_who_knows_a_description_hears_of_a_change(client: httpx.Client, sandbox: SalesforceSandbox) -> None:
    path = f"{V}/sobjects/Contact/describe"
    known = {"If-Modified-Since": client.get(path).headers["Last-Modified"]}
    assert client.get(path, headers=known).status_code == 304

    sandbox.alter("Contact", {"Phone": None})

    assert client.get(path, headers=known).status_code == 200


def test_a_rule_refuses_what_it_is_against_until_it_is_lifted(client: httpx.Client, sandbox: SalesforceSandbox) -> None:
    sandbox.rule("LastName", "Lee", "no Lees")
    body = "LastName\nLee\nLi\n"
    assert errors(client, run(client, body, operation="insert")) == ["FIELD_CUSTOM_VALIDATION_EXCEPTION"]
    sandbox.lift_rules()
    assert errors(client, run(client, body, operation="insert")) == []


def test_the_org_may_keep_to_itself_who_may_delete_for_good(client: httpx.Client, sandbox: SalesforceSandbox) -> None:
    asked = {"q": "SELECT PermissionsBulkApiHardDelete FROM UserPermissionAccess"}
    sandbox.control.knobs(hard_delete=True)
    assert client.get(f"{V}/query", params=asked).json()["records"][0]["PermissionsBulkApiHardDelete"] is True
    sandbox.control.knobs(tells_permissions=False)
    told = client.get(f"{V}/query", params=asked)
    assert (told.status_code, told.json()[0]["errorCode"]) == (400, "INVALID_TYPE")


def test_a_machine_in_front_may_answer_once_the_org_has_acted(client: httpx.Client, sandbox: SalesforceSandbox) -> None:
    sandbox.control.fault("answer_replaced", method="POST", path="/services/data/**")
    told = client.post(f"{V}/sobjects/Contact", json={"LastName": "Lee"})
    assert (told.status_code, told.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert [one["LastName"] for one in sandbox.records("Contact")] == ["Lee"]


def test_each_api_words_an_empty_budget_in_its_way(client: httpx.Client, sandbox: SalesforceSandbox) -> None:
    sandbox.control.fault("rate_limited", count=2)
    told = client.get(f"{V}/limits")
    assert (told.status_code, told.json()[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
    told = client.get("/services/async/60.0/job/750000000000001AAA")
    assert (told.status_code, told.headers["content-type"]) == (400, "application/xml")
    assert "<exceptionCode>ExceededQuota</exceptionCode>" in told.text


@pytest.mark.parametrize(
    "body", [{"fields": {"Phone": {"size": 3}}}, {"visible": False}, {"fields": {"X__c": {"a": 1}}}]
)
def test_what_an_administrator_cannot_change_is_refused(sandbox: SalesforceSandbox, body: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"unexpected keyword|unexpected field"):
        sandbox.control.call("PATCH", "/objects/Contact", body)
    with pytest.raises(ValueError, match="there is no 'nothing__c'"):
        sandbox.control.call("PATCH", "/objects/Nothing__c", {})
