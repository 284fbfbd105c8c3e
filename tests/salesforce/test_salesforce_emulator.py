"""The emulated org by Bulk API 2.0, REST and SOQL."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import httpx
import pytest
from openapi_contract import ABSENT, NO_TLS
from salesforce_doorway import SCHEMAS, Door, Exchange
from starlette.types import Receive, Scope, Send

from reconciler.emulators.salesforce import ids
from reconciler.emulators.salesforce.sandbox import SalesforceSandbox

V = "/services/data/v60.0"
APP = {"grant_type": "client_credentials", "client_id": "FAKE-app", "client_secret": "FAKE-secret"}


@pytest.fixture
def client(sandbox: SalesforceSandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sandbox.base_url, verify=NO_TLS) as opened:
        told = opened.post("/services/oauth2/token", data=APP).json()
        opened.headers["Authorization"] = f"Bearer {told['access_token']}"
        yield opened


def run(client: httpx.Client, body: str, **asked: str) -> str:
    """A job, whole; returns where it is."""
    made = client.post(f"{V}/jobs/ingest", json={"object": "Contact", "contentType": "CSV", **asked}).json()
    job = f"{V}/jobs/ingest/{made['id']}"
    uploaded = client.put(f"{job}/batches", content=body.encode(), headers={"Content-Type": "text/csv"})
    assert (uploaded.status_code, uploaded.content) == (201, b"")
    client.patch(job, json={"state": "UploadComplete"})
    while client.get(job).json()["state"] in {"UploadComplete", "InProgress"}:
        pass
    return job


def rows(client: httpx.Client, path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(client.get(path).text, newline="")))


def errors(client: httpx.Client, job: str) -> list[str]:
    return sorted(row["sf__Error"].partition(":")[0] for row in rows(client, f"{job}/failedResults"))


@pytest.mark.skipif(not SCHEMAS.exists(), reason=ABSENT)
@pytest.mark.parametrize(
    ("method", "path", "status", "answer"),
    [
        ("GET", "/sobjects", 200, b'{"sobjects": "Contact"}'),
        ("GET", "/query", 200, b'{"records": {}}'),
        ("GET", "/query/01gFAKE-2000", 200, b'{"records": {}}'),
        ("GET", "/queryAll", 200, b'{"records": {}}'),
        ("GET", "/jobs/query/750FAKE", 200, b'{"id": 7}'),
        ("GET", "/limits", 202, b"{}"),
        ("GET", "/limits", 400, b'{"error": "no"}'),
        ("GET", "/nowhere", 200, b"{}"),
    ],
)
def test_the_door_notices_what_is_not_published(method: str, path: str, status: int, answer: bytes) -> None:
    door = Door(nobody)
    door.exchanges.append(Exchange(method, V + path, "", b"", status, "application/json", answer))

    assert door.violations() != []


async def nobody(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """An org that is not asked."""


def test_rows_become_records_and_are_found_by_soql(client: httpx.Client, sandbox: SalesforceSandbox) -> None:
    job = run(client, 'LastName,Key__c,Score__c\n"O\'Hara",k1,1.5\nLee,k2,#N/A\n,k3,\n', operation="insert")
    told = client.get(job).json()
    assert (told["state"], told["numberRecordsProcessed"], told["numberRecordsFailed"]) == ("JobComplete", 3, 1)
    taken = rows(client, f"{job}/successfulResults")
    assert {(row["Key__c"], row["sf__Created"]) for row in taken} == {("k1", "true"), ("k2", "true")}
    assert errors(client, job) == ["REQUIRED_FIELD_MISSING"]
    assert [one.get("Score__c") for one in sandbox.records("Contact")] == [1.5, None]
    asked = "SELECT Id, LastName, Owner.Username FROM Contact WHERE LastName = 'o\\'hara' AND Score__c != null"
    (found,) = client.get(f"{V}/query", params={"q": asked}).json()["records"]
    assert (found["LastName"], found["Owner"]["Username"]) == ("O'Hara", "runner@example.com")


def test_an_upload_is_taken_once(client: httpx.Client) -> None:
    made = client.post(f"{V}/jobs/ingest", json={"object": "Contact", "operation": "insert", "contentType": "CSV"})
    url, kind = f"/{made.json()['contentUrl']}", {"Content-Type": "text/csv"}
    assert client.put(url, content=b"LastName\nA\n", headers=kind).status_code == 201
    again = client.put(url, content=b"LastName\nA\n", headers=kind)
    assert (again.status_code, again.json()[0]["errorCode"]) == (400, "INVALIDJOBSTATE")


def test_an_aborted_job_leaves_its_rows_unprocessed(client: httpx.Client, sandbox: SalesforceSandbox) -> None:
    made = client.post(f"{V}/jobs/ingest", json={"object": "Contact", "operation": "insert", "contentType": "CSV"})
    job = f"{V}/jobs/ingest/{made.json()['id']}"
    client.put(f"{job}/batches", content=b"LastName\nA\n", headers={"Content-Type": "text/csv"})
    assert client.patch(job, json={"state": "Aborted"}).json()["state"] == "Aborted"
    assert rows(client, f"{job}/unprocessedRecords") == [{"LastName": "A"}]
    assert sandbox.records("Contact") == []
    assert [one["state"] for one in client.get(f"{V}/jobs/ingest").json()["records"]] == ["Aborted"]
    assert client.delete(job).status_code == 204
    assert client.get(job).status_code == 404


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("LastName,Nope__c\nA,b\n", "InvalidBatch : Field name not found : Nope__c"),
        ("\ufeffLastName\nA\n", "InvalidBatch : Field name not found : \ufeffLastName"),
        (
            "LastName\r\nA\r\n",
            "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF",
        ),
        ("LastName,Nobody.Key__c\nA,b\n", "InvalidBatch : Unable to find relationship: Nobody"),
        (
            "LastName,User:Owner.Ext__c\nA,b\n",
            "InvalidBatch : type is not needed for non polymorphic foreign key references: Owner",
        ),
    ],
    ids=["unknown field", "byte order mark", "line ending", "relationship", "needless type"],
)
def test_a_file_that_cannot_be_read_fails_the_job_later(client: httpx.Client, body: str, message: str) -> None:
    told = client.get(run(client, body, operation="insert")).json()
    assert (told["state"], told["errorMessage"], told["numberRecordsProcessed"]) == ("Failed", message, 0)


def test_twins_within_200_rows_fail_and_the_last_wins_across(client: httpx.Client, sandbox: SalesforceSandbox) -> None:
    twins = "Key__c,LastName\nx,One\nX,Two\ny,Three\n"
    job = run(client, twins, operation="upsert", externalIdFieldName="Key__c")
    assert errors(client, job) == ["DUPLICATE_VALUE", "DUPLICATE_VALUE"]
    apart = "Key__c,LastName\ny,First\n" + "".join(f"k{i},Name\n" for i in range(199)) + "y,Last\n"
    assert errors(client, run(client, apart, operation="upsert", externalIdFieldName="Key__c")) == []
    assert [one["LastName"] for one in sandbox.records("Contact") if one["Key__c"] == "y"] == ["Last"]


def test_case_of_a_key_counts_where_the_field_says_so(client: httpx.Client, sandbox: SalesforceSandbox) -> None:
    for key in ("Key__c", "Case_Key__c"):
        sandbox.put("Contact", {"LastName": "Old", key: "abc"})
        run(client, f"{key},LastName\nABC,New\n", operation="upsert", externalIdFieldName=key)
    assert [one["LastName"] for one in sandbox.records("Contact")] == ["New", "Old", "New"]


def test_a_key_that_several_records_have_fails_the_row(client: httpx.Client, sandbox: SalesforceSandbox) -> None:
    sandbox.put("Contact", *({"LastName": "A", "Loose_Key__c": "same"} for _ in range(2)))
    job = run(client, "Loose_Key__c,LastName\nsame,B\n,C\n", operation="upsert", externalIdFieldName="Loose_Key__c")
    assert errors(client, job) == ["DUPLICATE_EXTERNAL_ID", "MISSING_ARGUMENT"]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"LastName": "x" * 81}, "STRING_TOO_LONG"),
        ({"Email": "nobody"}, "INVALID_EMAIL_ADDRESS"),
        ({"Tier__c": "lead"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ({"Birthdate": "soon"}, "INVALID_TYPE_ON_FIELD_IN_RECORD"),
        ({"Visits__c": "1,000"}, "INVALID_TYPE_ON_FIELD_IN_RECORD"),
        ({"AccountId": "003000000000001AAA"}, "MALFORMED_ID"),
        ({"AccountId": "001000000000001AAA"}, "INVALID_CROSS_REFERENCE_KEY"),
        ({"Account.CRM_Id__c": "none"}, "INVALID_FIELD"),
        ({"Id": "003000000000001AAA"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"MailingAddress": "x"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"Key__c": "TAKEN"}, "DUPLICATE_VALUE"),
    ],
    ids=lambda value: value if isinstance(value, str) else "+".join(value),
)
def test_a_row_is_refused_for_its_values(
    client: httpx.Client, sandbox: SalesforceSandbox, row: dict[str, str], code: str
) -> None:
    sandbox.put("Contact", {"LastName": "There", "Key__c": "taken"})
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list({"LastName": "A"} | row), lineterminator="\n")
    writer.writeheader()
    writer.writerow({"LastName": "A"} | row)
    assert errors(client, run(client, text.getvalue(), operation="insert")) == [code]


def test_empty_keeps_and_the_word_for_null_empties(client: httpx.Client, sandbox: SalesforceSandbox) -> None:
    sandbox.put("Account", {"Name": "Shop", "CRM_Id__c": "c1"})
    (known,) = sandbox.put("Contact", {"LastName": "A", "Phone": "1", "MailingCity": "Kyoto"})
    body = f"Id,Phone,MailingCity,Account.CRM_Id__c\n{known[:15]},,#N/A,c1\n"
    assert errors(client, run(client, body, operation="update")) == []
    (found,) = sandbox.records("Contact")
    assert (found["Phone"], found.get("MailingCity"), found["AccountId"]) == ("1", None, "001000000000001AAA")


def test_deleting_takes_details_along_and_is_held_up_by_references(
    client: httpx.Client, sandbox: SalesforceSandbox
) -> None:
    (account,) = sandbox.put("Account", {"Name": "Shop"})
    (buyer,) = sandbox.put("Contact", {"LastName": "A"})
    sandbox.put("Order_Line__c", {"Buyer__c": buyer, "Payer__c": account})
    held = run(client, f"Id\n{account}\n", operation="delete", object="Account")
    assert errors(client, held) == ["DELETE_FAILED"]
    assert errors(client, run(client, f"Id\n{buyer}\n", operation="delete")) == []
    assert sandbox.records("Order_Line__c") == sandbox.records("Contact") == []
    assert [one["Id"] for one in sandbox.records("Contact", deleted=True)] == [buyer]
    assert errors(client, run(client, f"Id\n{buyer}\n", operation="delete")) == ["ENTITY_IS_DELETED"]
    found = client.get(f"{V}/queryAll", params={"q": "SELECT Id, IsDeleted FROM Contact"}).json()["records"]
    assert [one["IsDeleted"] for one in found] == [True]


def test_deleting_for_good_needs_a_permission(client: httpx.Client, sandbox: SalesforceSandbox) -> None:
    asked = {"object": "Contact", "operation": "hardDelete", "contentType": "CSV"}
    assert client.post(f"{V}/jobs/ingest", json=asked).json()[0]["errorCode"] == "FEATURENOTENABLED"
    sandbox.control.knobs(hard_delete=True)
    (known,) = sandbox.put("Contact", {"LastName": "A"})
    run(client, f"Id\n{known}\n", operation="hardDelete")
    assert sandbox.records("Contact", deleted=True) == []


def test_locks_and_breakages_strike_when_ordered(client: httpx.Client, sandbox: SalesforceSandbox) -> None:
    sandbox.lock("LastName", "B", times=1)
    job = run(client, "LastName\nA\nB\n", operation="insert")
    assert errors(client, job) == ["UNABLE_TO_LOCK_ROW"]
    sandbox.break_next(1, "Timeout : the batch ran too long")
    told = client.get(job := run(client, "LastName\nB\nC\n", operation="insert")).json()
    assert (told["state"], told["numberRecordsProcessed"]) == ("Failed", 1)
    assert rows(client, f"{job}/unprocessedrecords") == [{"LastName": "C"}]
    assert [one["LastName"] for one in sandbox.records("Contact")] == ["A", "B"]


def test_a_session_ends_and_quota_is_told(client: httpx.Client, sandbox: SalesforceSandbox) -> None:
    assert client.get(f"{V}/limits").headers["Sforce-Limit-Info"] == "api-usage=1/15000"
    sandbox.control.fault("rate_limited")
    assert client.get(f"{V}/limits").json()[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"
    sandbox.control.advance(7_201)
    over = client.get(f"{V}/limits")
    assert (over.status_code, over.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")
    assert sandbox.calls() == {"GET /limits": 1}


def test_describe_tells_the_model(client: httpx.Client) -> None:
    told = client.get(f"{V}/sobjects/Contact/describe")
    fields = {one["name"]: one for one in told.json()["fields"]}
    assert (fields["Key__c"]["externalId"], fields["Email"]["externalId"], fields["Email"]["idLookup"]) == (
        True,
        False,
        True,
    )
    since = {"If-Modified-Since": told.headers["Last-Modified"]}
    assert client.get(f"{V}/sobjects/Contact/describe", headers=since).status_code == 304
    assert client.get(f"{V}/sobjects/Nothing/describe").json()[0]["errorCode"] == "NOT_FOUND"
    assert "Lead" in [one["name"] for one in client.get(f"{V}/sobjects/").json()["sobjects"]]


def test_queries_come_in_pages(client: httpx.Client, sandbox: SalesforceSandbox) -> None:
    sandbox.control.knobs(page_rows=2)
    sandbox.put("Lead", *({"LastName": name, "Company": "c"} for name in "CADBE"))
    page = client.get(f"{V}/query/", params={"q": "SELECT LastName FROM Lead ORDER BY LastName DESC LIMIT 4"}).json()
    names = [one["LastName"] for one in page["records"]]
    page = client.get(page["nextRecordsUrl"]).json()
    assert names + [one["LastName"] for one in page["records"]] == ["E", "D", "C", "B"]
    assert (page["done"], page["totalSize"]) == (True, 4)
    counted = client.get(
        f"{V}/query", params={"q": "SELECT COUNT() FROM Lead WHERE LastName IN ('a', 'b', 'x')"}
    ).json()
    assert counted == {"totalSize": 2, "done": True, "records": []}


def test_a_row_is_updated_by_its_key_only_if_it_is_there(client: httpx.Client, sandbox: SalesforceSandbox) -> None:
    url = f"{V}/sobjects/Contact/Key__c/k1"
    assert client.patch(url, params={"updateOnly": "true"}, json={"LastName": "A"}).status_code == 404
    assert client.patch(url, json={"LastName": "A"}).status_code == 201
    assert client.patch(url, params={"updateOnly": "true"}, json={"LastName": "B"}).status_code == 200
    assert [one["LastName"] for one in sandbox.records("Contact")] == ["B"]


def test_query_jobs_come_in_pages_until_the_text_null(client: httpx.Client, sandbox: SalesforceSandbox) -> None:
    sandbox.put("Contact", *({"LastName": name} for name in "ABC"))
    made = client.post(f"{V}/jobs/query", json={"operation": "query", "query": "SELECT LastName FROM Contact"}).json()
    job = f"{V}/jobs/query/{made['id']}"
    while client.get(job).json()["state"] != "JobComplete":
        pass
    first = client.get(f"{job}/results", params={"maxRecords": "2"})
    locator = first.headers["Sforce-Locator"]
    last = client.get(f"{job}/results", params={"maxRecords": "2", "locator": locator})
    assert first.text + last.text == '"LastName"\n"A"\n"B"\n"LastName"\n"C"\n'
    assert (last.headers["Sforce-Locator"], last.headers["Sforce-NumberOfRecords"]) == ("null", "1")
    assert client.get(f"{job.replace('60.0', '61.0')}/results").status_code == 409


@pytest.mark.parametrize(("version", "status"), [("30.0", 410), ("31.0", 200), ("67.0", 200), ("68.0", 404)])
def test_versions_retire(client: httpx.Client, version: str, status: int) -> None:
    assert client.get(f"/services/data/v{version}/limits").status_code == status


def test_ids_have_a_suffix_that_tells_their_case() -> None:
    assert ids.whole("0015Y00002PqRsT"[:15]) == ids.read("0015Y00002PqRsT")
    assert ids.read("001000000000001AAB") is None
    assert ids.whole("a0X000000000001") == "a0X000000000001EAA"
