"""What no client should send: the emulated org refuses it as an API does, does nothing, and goes on answering."""

from __future__ import annotations

import httpx
import pytest
from test_salesforce_emulator import V, client, errors, run

from reconciler.emulators.salesforce.sandbox import SalesforceSandbox

__all__ = ["client"]

QUESTIONS = [
    "",
    "(" * 5_000,
    f"SELECT Id FROM Contact WHERE {'(' * 3_000}Id = 'x'{')' * 3_000}",
    f"SELECT Id FROM Contact WHERE {'not ' * 4_000}Id = 'x'",
    f"SELECT Id FROM Contact LIMIT {'9' * 5_000}",
    "SELECT COUNT() FROM Contact LIMIT ²",
    "SELECT .Id FROM Contact",
    "SELECT Account. FROM Contact",
    "SELECT Owner.Owner.Id FROM Contact",
    "SELECT Id FROM Contact WHERE LastName LIKE 'a",
    "SELECT Id FROM Contact WHERE LastName IN ()",
    "SELECT Id FROM Contact ORDER BY Id ORDER BY Id",
]


@pytest.mark.parametrize("soql", QUESTIONS, ids=[one[:40] for one in QUESTIONS])
def test_a_question_that_is_none(client: httpx.Client, soql: str) -> None:
    for told in (
        client.get(f"{V}/query", params={"q": soql}),
        client.post(f"{V}/jobs/query", json={"operation": "query", "query": soql}),
    ):
        assert (told.status_code, told.json()[0]["errorCode"]) in {(400, "MALFORMED_QUERY"), (400, "INVALID_FIELD")}


BODIES: list[bytes] = [
    b"",
    b"null",
    b"[]",
    b"{",
    b"\xff\xfe",
    b'{"object": [], "operation": {}}',
    b'{"object": "Contact", "operation": "insert", "lineEnding": ["LF"], "contentType": 7}',
    b'{"object": "Contact", "operation": "insert", "contentType": ["CSV"], "concurrencyMode": {}}',
    b'{"object": "Contact", "operation": "upsert", "externalIdFieldName": [1]}',
    b'{"operation": "query", "query": []}',
]


@pytest.mark.parametrize("body", BODIES)
def test_a_job_that_is_none(client: httpx.Client, bulk1: httpx.Client, body: bytes) -> None:
    kind = {"Content-Type": "application/json"}
    for path in ("jobs/ingest", "jobs/query", "sobjects/Contact"):
        assert client.post(f"{V}/{path}", content=body, headers=kind).status_code == 400
    assert bulk1.post("/job", content=body).status_code == 400
    assert client.get(f"{V}/jobs/ingest").json()["records"] == []


@pytest.mark.parametrize("state", [[], {}, None, "Open", 7])
def test_a_state_that_is_none(client: httpx.Client, bulk1: httpx.Client, state: object) -> None:
    asked = {"object": "Contact", "operation": "insert"}
    job = f"{V}/jobs/ingest/{client.post(f'{V}/jobs/ingest', json=asked).json()['id']}"
    assert client.patch(job, json={"state": state}).status_code == 400
    assert client.get(job).json()["state"] == "Open"
    job = f"/job/{bulk1.post('/job', json={**asked, 'contentType': 'JSON'}).json()['id']}"
    assert bulk1.post(job, json={"state": state}).status_code == 400
    assert "Open" in bulk1.get(job).text


VALUES: list[tuple[str, object]] = [
    ("LastName", ["a"]),
    ("DoNotCall", []),
    ("AccountId", []),
    *(("Score__c", text) for text in ("nan", "inf", "1_000", "1,000", "٣", "0x10", "1e9999")),
    *(("Visits__c", text) for text in ("1_0", "2147483648", "9" * 5_000, "1.5")),
    *(("Birthdate", text) for text in ("2026-11-25garbage", "20261125", "2026-W01-1", "2026-02-30", "25/11/2026")),
    *(("Moment__c", text) for text in ("20261125T010203", "99999-01-01T00:00:00Z", "2026-11-25 01:02", "now")),
]


@pytest.mark.parametrize(("name", "value"), VALUES, ids=[f"{name} {str(value)[:20]}" for name, value in VALUES])
def test_a_value_that_no_field_holds_is_refused_by_row(
    client: httpx.Client, bulk1: httpx.Client, sandbox: SalesforceSandbox, name: str, value: object
) -> None:
    row = {"LastName": "Lee", name: value}
    codes = {"INVALID_TYPE_ON_FIELD_IN_RECORD", "MALFORMED_ID"}
    told = client.post(f"{V}/sobjects/Contact", json=row)
    assert (told.status_code, told.json()[0]["errorCode"] in codes) == (400, True)
    job = bulk1.post("/job", json={"object": "Contact", "operation": "insert", "contentType": "JSON"}).json()["id"]
    batch = bulk1.post(f"/job/{job}/batch", json=[row, {"LastName": "Li"}]).json()["id"]
    first, second = bulk1.get(f"/job/{job}/batch/{batch}/result").json()
    assert (first["success"], first["errors"][0]["statusCode"] in codes, second["success"]) == (False, True, True)
    assert [one["LastName"] for one in sandbox.records("Contact")] == ["Li"]


@pytest.mark.parametrize(
    ("name", "text", "kept"),
    [
        ("Score__c", " -1.5e3 ", -1500.0),
        ("Score__c", "+.5", 0.5),
        ("Visits__c", "007", 7),
        ("Birthdate", "2026-11-25", "2026-11-25"),
        ("Moment__c", "2026-11-25T01:02:03.456+0900", "2026-11-24T16:02:03.456+0000"),
        ("Moment__c", "2026-11-25T01:02Z", "2026-11-25T01:02:00.000+0000"),
        ("Moment__c", "2026-11-25", "2026-11-25T00:00:00.000+0000"),
    ],
)
def test_a_value_in_any_form_that_is_written_down_is_kept(
    client: httpx.Client, sandbox: SalesforceSandbox, name: str, text: str, kept: object
) -> None:
    assert errors(client, run(client, f"LastName,{name}\nLee,{text}\n", operation="insert")) == []
    assert [one[name] for one in sandbox.records("Contact")] == [kept]


@pytest.mark.parametrize(
    "header", [".", ":.", "LastName,", ",", "Account.CRM_Id__c.x", "a:b:Account.CRM_Id__c", "\ufeffLastName"]
)
def test_a_header_that_is_none_fails_the_job(client: httpx.Client, sandbox: SalesforceSandbox, header: str) -> None:
    line = ",".join("x" for _ in header.split(","))
    told = client.get(run(client, f"{header}\n{line}\n", operation="insert")).json()
    assert (told["state"], told["numberRecordsProcessed"]) == ("Failed", 0)
    assert told["errorMessage"].startswith("InvalidBatch : ")
    assert sandbox.records("Contact") == []


def test_places_that_are_none(client: httpx.Client, sandbox: SalesforceSandbox) -> None:
    sandbox.put("Contact", {"LastName": "Lee"})
    asked = {"operation": "query", "query": "SELECT Id FROM Contact"}
    job = client.post(f"{V}/jobs/query", json=asked).json()["id"]
    while client.get(f"{V}/jobs/query/{job}").json()["state"] != "JobComplete":
        pass
    assert client.get(f"{V}/jobs/other").status_code == 404
    assert client.get(f"{V}/jobs/other/{job}").status_code == 404
    assert client.get(f"{V}/jobs/ingest/{job}").status_code == 404
    for place in ("-1", "+0", "0_0", "", "ffffffffffffffffffff", "zz"):
        told = client.get(f"{V}/jobs/query/{job}/results", params={"locator": f"{job[-6:]}x{place}"})
        assert (told.status_code, told.json()[0]["errorCode"]) == (400, "API_ERROR"), place
    for most in ("0", "-1", "²", "1_0", "many"):
        assert client.get(f"{V}/jobs/query/{job}/results", params={"maxRecords": most}).status_code == 400, most


@pytest.mark.parametrize(
    "body", [[1], {"fields": []}, {"fields": {"LastName": []}}, {"fields": {"LastName": {"length": 3}, "x": 1}}]
)
def test_the_console_refuses_what_it_does_not_know(sandbox: SalesforceSandbox, body: object) -> None:
    before = sandbox.org.world.objects["contact"]
    with pytest.raises(ValueError, match=r"no JSON object|by name what changes"):
        sandbox.control.call("PATCH", "/objects/Contact", body)
    assert sandbox.org.world.objects["contact"] == before


@pytest.mark.parametrize(("kind", "said_in"), [("JSON", "application/json"), ("CSV", "application/xml")])
def test_a_refusal_is_told_as_the_job_is(bulk1: httpx.Client, kind: str, said_in: str) -> None:
    asked = {"object": "Contact", "operation": "insert", "contentType": kind}
    job = f"/job/{bulk1.post('/job', json=asked).json()['id']}"
    del bulk1.headers["Content-Type"]

    told = bulk1.get(f"{job}/batch/751000000000009AAA")

    assert (told.status_code, told.headers["content-type"]) == (400, said_in)
    assert "Invalid batch id" in told.text
