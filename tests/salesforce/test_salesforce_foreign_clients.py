"""simple-salesforce, salesforce-bulk and aiosalesforce, which know nothing of this project, against the emulated org."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests
from aiosalesforce import Salesforce as AioSalesforce
from aiosalesforce.auth import ClientCredentialsFlow
from openapi_contract import NO_TLS
from requests.adapters import HTTPAdapter
from salesforce_bulk import SalesforceBulk
from simple_salesforce import Salesforce, SalesforceAuthenticationFailed, SalesforceLogin

from reconciler.emulators.salesforce.sandbox import SalesforceSandbox

V = "/services/async/59.0"


class Unencrypted(HTTPAdapter):
    """simple-salesforce speaks https only; nothing on the loopback interface does."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        request.url = str(request.url).replace("https://", "http://", 1)
        return super().send(request, *args, **kwargs)


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        opened.trust_env = False
        opened.headers["Connection"] = "close"  # it waits as long as the server keeps a connection that nobody uses
        opened.mount("https://", Unencrypted())
        yield opened


@pytest.fixture
def org(sandbox: SalesforceSandbox, session: requests.Session) -> Salesforce:
    sandbox.control.knobs(polls=0)
    host = sandbox.base_url.removeprefix("http://")
    return Salesforce(instance=host, session_id=sandbox.session(), session=session)


def log_in(sandbox: SalesforceSandbox, session: requests.Session, password: str) -> tuple[str, str]:
    # The domain is put before `.salesforce.com`, which an `@` in front of our host makes a user's name.
    host = sandbox.base_url.removeprefix("http://")
    told = SalesforceLogin(
        username="runner@example.com",
        password=password,
        security_token="",
        domain=f"{host}/services/Soap/u/59.0?",
        session=session,
    )
    return told[0], told[1]


def test_simple_salesforce_logs_in_by_soap(sandbox: SalesforceSandbox, session: requests.Session) -> None:
    sid, host = log_in(sandbox, session, "FAKE-passwordFAKEtoken")
    assert (
        Salesforce(instance=host, session_id=sid, session=session).query("SELECT COUNT() FROM Contact")["totalSize"]
        == 0
    )
    with pytest.raises(SalesforceAuthenticationFailed, match="LOGIN_MUST_USE_SECURITY_TOKEN"):
        log_in(sandbox, session, "FAKE-password")
    sandbox.control.knobs(soap_login=False)
    with pytest.raises(SalesforceAuthenticationFailed, match="INVALID_OPERATION"):
        log_in(sandbox, session, "FAKE-passwordFAKEtoken")


def test_simple_salesforce_describes_queries_and_upserts(org: Salesforce, sandbox: SalesforceSandbox) -> None:
    assert "Key__c" in [one["name"] for one in org.Contact.describe()["fields"]]
    assert org.Contact.upsert("Key__c/k1", {"LastName": "Lee"}) == 201
    sandbox.control.knobs(page_rows=1)
    sandbox.put("Contact", {"LastName": "Kim"})
    assert [one["LastName"] for one in org.query_all("SELECT LastName FROM Contact")["records"]] == ["Lee", "Kim"]


def test_simple_salesforce_loads_by_bulk_1(org: Salesforce, sandbox: SalesforceSandbox) -> None:
    rows = [{"LastName": "Lee", "Key__c": "k1"}, {"Key__c": "k2"}]
    first, second = org.bulk.Contact.upsert(rows, "Key__c", batch_size=10)
    assert (first["success"], first["created"], second["success"]) == (True, True, False)
    assert second["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert [one["LastName"] for one in org.bulk.Contact.query("SELECT LastName FROM Contact")] == ["Lee"]
    assert [one["Key__c"] for one in sandbox.records("Contact")] == ["k1"]


def test_simple_salesforce_loses_the_last_row_of_automatic_batches_itself(
    org: Salesforce, sandbox: SalesforceSandbox
) -> None:
    org.bulk.Contact.insert([{"LastName": "Lee"}], batch_size="auto")
    assert "POST /job/{job}/batch" not in sandbox.calls()  # the row never left
    assert sandbox.records("Contact") == []


def test_simple_salesforce_loads_by_bulk_2(org: Salesforce, sandbox: SalesforceSandbox) -> None:
    (told,) = org.bulk2.Contact.insert(records=[{"LastName": "Lee"}, {"LastName": "Kim"}], wait=1)
    assert (told["numberRecordsTotal"], told["numberRecordsFailed"]) == (2, 0)
    assert sorted(str(one["LastName"]) for one in sandbox.records("Contact")) == ["Kim", "Lee"]
    assert list(org.bulk2.Contact.query("SELECT LastName FROM Contact", wait=1)) == ['"LastName"\n"Lee"\n"Kim"\n']


def test_simple_salesforce_sends_nothing_for_none_by_itself(org: Salesforce, sandbox: SalesforceSandbox) -> None:
    (known,) = sandbox.put("Contact", {"LastName": "Lee", "Phone": "1"})
    org.bulk2.Contact.update(records=[{"Id": known, "Phone": None}], wait=1)
    assert [one.get("Phone") for one in sandbox.records("Contact")] == ["1"]  # an empty cell leaves the field alone
    org.bulk2.Contact.update(records=[{"Id": known, "Phone": "#N/A"}], wait=1)
    assert [one.get("Phone") for one in sandbox.records("Contact")] == [None]


def test_salesforce_bulk_loads_and_reads_by_xml_jobs(sandbox: SalesforceSandbox) -> None:
    sandbox.control.knobs(polls=0)
    bulk = SalesforceBulk(sessionId=sandbox.session(), host=sandbox.base_url)
    job = bulk.create_upsert_job("Contact", "Key__c", contentType="CSV", concurrency="Serial")
    batch = bulk.post_batch(job, iter([b"Key__c,LastName\r\nk1,Lee\r\nk2,\r\n"]))
    bulk.close_job(job)
    assert bulk.is_batch_done(batch, job)
    first, second = bulk.get_batch_results(batch, job)
    assert (first.success, first.created, second.success) == ("true", "true", "false")
    assert bulk.job_status(job)["state"] == "Closed"
    query = bulk.create_query_job("Contact", contentType="JSON")
    asked = bulk.query(query, "SELECT LastName FROM Contact")
    assert bulk.is_batch_done(asked, query)
    assert [json.load(one)[0]["LastName"] for one in bulk.get_all_results_for_query_batch(asked, query)] == ["Lee"]


class Rerouted(httpx.AsyncHTTPTransport):
    """aiosalesforce takes hosts of Salesforce only; its requests go to the sandbox."""

    def __init__(self, url: str) -> None:
        super().__init__(verify=NO_TLS)
        self._url = httpx.URL(url)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(scheme="http", host=self._url.host, port=self._url.port)
        return await super().handle_async_request(request)


def test_aiosalesforce_loads_by_bulk_2(sandbox: SalesforceSandbox) -> None:
    async def load() -> Any:
        async with httpx.AsyncClient(transport=Rerouted(sandbox.base_url)) as client:
            flow = ClientCredentialsFlow("FAKE-app", "FAKE-secret")
            org = AioSalesforce(client, base_url="https://acme.my.salesforce.com", auth=flow, version="60.0")
            rows = [{"LastName": "Lee"}, {"FirstName": "No"}]
            return [
                one async for one in org.bulk_v2.ingest.perform_operation("insert", "Contact", rows, polling_interval=0)
            ]

    (told,) = asyncio.run(load())
    assert len(told.successful_results) == len(told.failed_results) == 1
    assert [one["LastName"] for one in sandbox.records("Contact")] == ["Lee"]


def test_bulk_1_in_xml_with_rows_as_csv(sandbox: SalesforceSandbox) -> None:
    sandbox.control.knobs(batch_rows=2, batch_bytes=100)
    headers = {"X-SFDC-Session": sandbox.session(), "Content-Type": "application/xml; charset=UTF-8"}
    asked = (
        '<?xml version="1.0"?><jobInfo xmlns="http://www.force.com/2009/06/asyncapi/dataload"><operation>insert</operation>'
        "<object>Contact</object><concurrencyMode>Serial</concurrencyMode><contentType>CSV</contentType></jobInfo>"
    )
    with httpx.Client(base_url=sandbox.base_url, headers=headers, trust_env=False) as client:
        made = client.post(f"{V}/job/", content=asked)
        assert (made.status_code, made.headers["content-type"]) == (201, "application/xml")
        job = f"{V}/job/{made.text.partition('<id>')[2].partition('</id>')[0]}"

        def batch(body: str) -> tuple[str, str]:
            told = client.post(f"{job}/batch", content=body.encode(), headers={"Content-Type": "text/csv"}).text
            at = f"{job}/batch/{told.partition('<id>')[2].partition('</id>')[0]}"
            states = [client.get(at).text.partition("<state>")[2].partition("</state>")[0] for _ in range(2)]
            assert states[0] == "InProgress"
            return at, states[1]

        at, state = batch('LastName\nA\n""\n')
        results = client.get(f"{at}/result")
        assert (state, results.headers["content-type"]) == ("Completed", "text/csv")
        error = "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"
        lines = [
            '"Id","Success","Created","Error"',
            '"003000000000001AAA","true","true",""',
            f'"","false","false","{error}"',
        ]
        assert results.text.splitlines() == lines
        at, state = batch("LastName\nA\nB\nC\n")
        assert state == "Failed"
        assert "Exceeded number of records: 4" in client.get(at).text
        assert "Records not processed" in client.get(f"{at}/result").text
        large = client.post(f"{job}/batch", content=b"x" * 101, headers={"Content-Type": "text/csv"})
        assert (large.status_code, "Exceeded max size limit of 100" in large.text) == (400, True)
        assert client.get(f"{at}/request").text == "LastName\nA\nB\nC\n"
        retired = client.post("/services/async/30.0/job", content=asked)
        assert (retired.status_code, "InvalidVersion" in retired.text) == (400, True)
