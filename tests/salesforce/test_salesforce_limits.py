"""How much the emulated org takes, packed or not: official clients meet it, and so does what writes for us."""

from __future__ import annotations

import gzip
from pathlib import Path

import httpx
import pytest
from salesforce_bulk import SalesforceBulk
from salesforce_bulk.salesforce_bulk import BulkApiError
from simple_salesforce import Salesforce
from test_salesforce_emulator import V, client, rows, run
from test_salesforce_foreign_clients import org, session
from test_salesforce_written_modes import export, people

from reconciler.emulators.salesforce.sandbox import SalesforceSandbox

__all__ = ["client", "org", "session"]

INSERT = {"object": "Contact", "operation": "insert", "contentType": "CSV"}
TWO = b"LastName\nLee\nLi\n"


def job_of(client: httpx.Client) -> str:
    return f"/job/{client.post('/job', json=INSERT).json()['id']}"


def last_names(sandbox: SalesforceSandbox) -> list[object]:
    return sorted(str(one["LastName"]) for one in sandbox.records("Contact"))


# -- packed ------------------------------------------------------------------------------------------------------------


def test_answers_are_packed_for_who_asks_for_gzip_and_for_nobody_else(client: httpx.Client) -> None:
    job = run(client, "LastName\nLee\n", operation="insert")
    for path in (f"{job}/successfulResults", job, f"{V}/sobjects/Contact/describe"):
        plain = client.get(path, headers={"Accept-Encoding": "identity"})
        packed = client.get(path, headers={"Accept-Encoding": "deflate, gzip"})
        assert "content-encoding" not in client.get(path, headers={"Accept-Encoding": "deflate"}).headers
        assert "content-encoding" not in plain.headers
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.headers["content-type"] == plain.headers["content-type"]
        assert packed.content == plain.content
    assert packed.num_bytes_downloaded < len(packed.content)


def test_rows_may_come_packed_by_either_api_and_are_told_as_they_were(
    client: httpx.Client, bulk1: httpx.Client, sandbox: SalesforceSandbox
) -> None:
    packed = {"Content-Type": "text/csv", "Content-Encoding": "gzip"}
    made = client.post(f"{V}/jobs/ingest", json=INSERT).json()
    job = f"{V}/jobs/ingest/{made['id']}"
    assert client.put(f"{job}/batches", content=gzip.compress(TWO), headers=packed).status_code == 201
    client.patch(job, json={"state": "UploadComplete"})
    assert client.get(job).json()["numberRecordsProcessed"] == 2
    assert sorted(row["LastName"] for row in rows(client, f"{job}/successfulResults")) == ["Lee", "Li"]

    job = job_of(bulk1)
    batch = bulk1.post(f"{job}/batch", content=gzip.compress(b"LastName\nKim\n"), headers=packed).text
    at = batch.partition("<id>")[2].partition("</id>")[0]
    assert bulk1.get(f"{job}/batch/{at}/request").content == b"LastName\nKim\n"
    assert last_names(sandbox) == ["Kim", "Lee", "Li"]


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [("gzip", b"no gzip", 400), ("gzip", gzip.compress(TWO)[:12], 201), ("br", TWO, 415), ("identity", TWO, 201)],
)
def test_what_is_packed_otherwise_is_refused(client: httpx.Client, encoding: str, body: bytes, status: int) -> None:
    made = client.post(f"{V}/jobs/ingest", json=INSERT).json()
    headers = {"Content-Type": "text/csv", "Content-Encoding": encoding}
    told = client.put(f"{V}/jobs/ingest/{made['id']}/batches", content=body, headers=headers)
    assert told.status_code == status


def test_limits_are_about_what_comes_out_of_a_pack(bulk1: httpx.Client, sandbox: SalesforceSandbox) -> None:
    body = gzip.compress(b"LastName\n" + b"x" * 10_000_000)
    assert len(body) < 100_000
    told = bulk1.post(f"{job_of(bulk1)}/batch", content=body, headers={"Content-Encoding": "gzip"})
    assert (told.status_code, told.json()["exceptionCode"]) == (400, "ClientInputError")
    assert told.json()["exceptionMessage"] == "Failed to read request. Exceeded max size limit of 10000000"
    assert sandbox.records("Contact") == []


# -- a job with its rows -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("boundary", ["BOUNDARY", '"--b=1"'])
def test_a_job_may_come_with_its_rows(
    client: httpx.Client, sandbox: SalesforceSandbox, line_end: str, boundary: str
) -> None:
    bare = boundary.strip('"')
    body = line_end.join(
        (
            f"--{bare}",
            "Content-Type: application/json",
            'Content-Disposition: form-data; name="job"',
            "",
            '{"object": "Contact", "operation": "insert", "contentType": "CSV", "lineEnding": "LF"}',
            f"--{bare}",
            "Content-Type: text/csv",
            'Content-Disposition: form-data; name="content"; filename="content"',
            "",
            'LastName,Phone\nLee,1\n"L\n--i\n\nü",2',
            f"--{bare}--",
            "",
        )
    )
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    told = client.post(f"{V}/jobs/ingest/", content=body.encode(), headers=headers)

    assert (told.status_code, told.json()["state"]) == (200, "UploadComplete")
    job = f"{V}/jobs/ingest/{told.json()['id']}"
    assert client.put(f"{job}/batches", content=TWO, headers={"Content-Type": "text/csv"}).status_code == 400
    while client.get(job).json()["state"] in {"UploadComplete", "InProgress"}:
        pass
    assert client.get(job).json()["numberRecordsFailed"] == 0
    assert last_names(sandbox) == ["L\n--i\n\nü", "Lee"]


def form(client: httpx.Client, job: str, content: str) -> httpx.Response:
    files = {"job": (None, job, "application/json"), "content": ("content", content, "text/csv")}
    return client.post(f"{V}/jobs/ingest", files=files)


def test_other_peoples_forms_are_read_and_their_limit_is_told(client: httpx.Client, sandbox: SalesforceSandbox) -> None:
    job = '{"object": "Contact", "operation": "insert", "contentType": "CSV"}'
    assert form(client, job, "LastName\nLee\n").json()["state"] == "UploadComplete"
    assert last_names(sandbox) == ["Lee"]

    assert form(client, job, "LastName\n" + "ü" * 99_991).status_code == 200
    assert form(client, job, "LastName\n" + "ü" * 99_992).status_code == 400
    assert form(client, "no job", "LastName\nLee\n").json()[0]["errorCode"] == "JSON_PARSER_ERROR"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", "--b\n\n"),
        ("multipart/form-data; boundary=b", "--b\nno head"),
        ("multipart/form-data; boundary=b", "--b\nX: y\n\nvalue\n--b--"),
        ("multipart/form-data; boundary=b", '--b\nContent-Disposition: form-data; name="job"\n\n{}\n--b'),
        ("multipart/form-data; boundary=b", ""),
    ],
)
def test_a_form_that_is_none_makes_no_job(client: httpx.Client, kind: str, body: str) -> None:
    told = client.post(f"{V}/jobs/ingest", content=body.encode(), headers={"Content-Type": kind})
    assert (told.status_code, told.json()[0]["errorCode"]) == (400, "INVALIDJOB")
    assert client.get(f"{V}/jobs/ingest").json()["records"] == []


# -- how much ----------------------------------------------------------------------------------------------------------


def test_an_upload_is_counted_as_base64(client: httpx.Client, sandbox: SalesforceSandbox) -> None:
    sandbox.control.knobs(upload_bytes=400)
    made = [client.post(f"{V}/jobs/ingest", json=INSERT).json()["id"] for _ in range(2)]
    statuses = [
        client.put(
            f"{V}/jobs/ingest/{job}/batches", content=b"x" * size, headers={"Content-Type": "text/csv"}
        ).status_code
        for job, size in zip(made, (300, 301), strict=True)
    ]
    assert statuses == [201, 400]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (f"LastName\n{'x' * 131_073}\n", "Exceeded max field size: 131073"),
        (f"LastName,FirstName,Phone,Key__c\n{','.join(['x' * 100_001] * 4)}\n", "Exceeded max record size: 400004"),
        (",".join(f"c{number}" for number in range(5_001)) + "\n", "Exceeded number of columns: 5001"),
    ],
    ids=["field", "record", "columns"],
)
def test_too_much_in_a_row_fails_all_of_them(
    client: httpx.Client, bulk1: httpx.Client, sandbox: SalesforceSandbox, body: str, told: str
) -> None:
    state = client.get(run(client, body, operation="insert")).json()
    assert (state["state"], state["numberRecordsProcessed"]) == ("Failed", 0)
    assert told in state["errorMessage"]
    job = job_of(bulk1)
    bulk1.post(f"{job}/batch", content=body, headers={"Content-Type": "text/csv"})
    assert told in bulk1.get(f"{job}/batch").text
    assert sandbox.records("Contact") == []


def test_a_value_that_no_field_holds_but_a_request_does_is_refused_by_row(client: httpx.Client) -> None:
    job = run(client, f"LastName\nLee\n{'x' * 131_072}\n", operation="insert")
    told = client.get(job).json()
    assert (told["state"], told["numberRecordsProcessed"], told["numberRecordsFailed"]) == ("JobComplete", 2, 1)
    assert '"STRING_TOO_LONG:LastName: data value too large: xxx' in client.get(f"{job}/failedResults").text


def test_simple_salesforce_cuts_rows_at_ten_thousand(org: Salesforce, sandbox: SalesforceSandbox) -> None:
    told = org.bulk.Contact.insert([{"LastName": "Lee"}] * 10_001, batch_size=10_000)
    assert sum(one["success"] for one in told) == 10_001
    assert sandbox.calls()["POST /job/{job}/batch"] == 2
    told = org.bulk.Contact.insert([{"LastName": "Lee"}] * 2, batch_size=10_000)
    assert [one["success"] for one in told] == [True, True]


def test_salesforce_bulk_hears_of_a_batch_that_is_too_large_at_once_and_of_too_many_rows_later(
    sandbox: SalesforceSandbox,
) -> None:
    sandbox.control.knobs(polls=0)
    bulk = SalesforceBulk(sessionId=sandbox.session(), host=sandbox.base_url)
    job = bulk.create_insert_job("Contact", contentType="CSV")
    with pytest.raises(BulkApiError, match="Exceeded max size limit of 10000000"):
        bulk.post_batch(job, iter([b"LastName\n", b"x" * 10_000_000]))
    many = bulk.post_batch(job, iter([b"LastName\n", b"x\n" * 10_001]))
    assert "Exceeded number of records: 10002" in bulk.batch_status(many, job, reload=True)["stateMessage"]
    assert sandbox.records("Contact") == []


@pytest.mark.parametrize("version", ["60.0", "32.0"])
def test_what_we_write_is_cut_before_it_is_too_much(sandbox: SalesforceSandbox, tmp_path: Path, version: str) -> None:
    sandbox.control.knobs(polls=0)
    sql = "SELECT 'k' || i AS Key__c, 'Name ' || i AS LastName FROM range(10001) t(i)"
    report = export(sandbox, tmp_path, sql, {"mode": "append", "api_version": version}, "1")
    assert (report.sent, len(people(sandbox))) == (10_001, 10_001)
    calls = sandbox.calls()
    assert (calls.get("POST /job/{job}/batch"), calls.get("POST /jobs/ingest")) == (
        (2, None) if version == "32.0" else (None, 1)
    )
