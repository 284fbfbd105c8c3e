"""A small Salesforce over HTTP: one object in memory, both bulk APIs and queries for it, and answers that go wrong on request.

Small on purpose: it knows no fields and no rights, but it can be told to fail at any request, before or after it acted.
"""

from __future__ import annotations

import csv
import io
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from salesforce_described import OBJECTS

TOKEN = "00D!FAKE-access-token"
REFUSED = "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"
LOCKED = "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record or 1 records: 003:--"
NAMESPACE = "http://www.force.com/2009/06/asyncapi/dataload"

Row = dict[str, str]


@dataclass
class Org:
    """Records by Id, jobs by id.

    lose: kinds of requests (create, upload, start) whose next answer gets lost after they acted.
    faults: number of a request, counted from 1 -> what happens to it: ``cut`` and ``503`` before it acts, ``429``, ``lost`` and
    ``acted-503`` after it acted, or anything callable, which is called after it acted and before it is answered.
    locked: LastName -> how often its row is locked still. needs_serial: LastNames that are locked unless batches go one by one.
    objects: what is told of each object. may_hard_delete: whether the user may; None is not told. looks: questions about objects.
    door: who is asked whether a login is accepted; everybody is let in where there is none.
    half_done: how many of the next jobs or batches stop half way, and how: state and message.
    """

    records: dict[str, Row] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    lose: list[str] = field(default_factory=list)
    refuse: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    expire_once: bool = False
    faults: dict[int, str | Callable[[], None]] = field(default_factory=dict)
    locked: dict[str, int] = field(default_factory=dict)
    needs_serial: set[str] = field(default_factory=set)
    undeletable: set[str] = field(default_factory=set)
    half_done: list[tuple[str, str]] = field(default_factory=list)
    unknown_fields: set[str] = field(default_factory=set)
    miscounted: int = 0
    made: int = 0
    deleted: list[str] = field(default_factory=list)
    batches: int = 0
    objects: dict[str, dict[str, Any]] = field(default_factory=lambda: dict(OBJECTS))
    may_hard_delete: bool | None = True
    looks: list[str] = field(default_factory=list)
    door: Any = None

    def add(self, row: Row) -> str:
        self.made += 1
        record = f"003{self.made:012d}AAA"
        self.records[record] = dict(row)
        return record

    def open_job(self, wish: Row, api: str) -> dict[str, Any]:
        job = {"id": f"750{len(self.jobs):015d}", "state": "Open", "wish": wish, "api": api, "batches": {}, "polls": 0}
        self.jobs[job["id"]] = job
        return job

    def add_batch(self, job: dict[str, Any], body: bytes) -> dict[str, Any]:
        self.batches += 1
        batch: dict[str, Any] = {"id": f"751{self.batches:015d}", "body": body, "state": "Completed", "message": ""}
        job["batches"][batch["id"]] = batch
        if job["wish"]["operation"] == "query":
            batch["found"] = self.found(body.decode())
            batch["results"] = []
            return batch
        rows = list(csv.DictReader(io.StringIO(body.decode("utf-8"), newline="")))
        unknown = self.unknown_fields & set(rows[0] if rows else ())
        batch["rows"], batch["results"] = rows, []
        if unknown:
            batch["state"] = "Failed"
            batch["message"] = f"InvalidBatch : Field name not found : {min(unknown)}"
            return batch
        todo = rows
        if self.half_done:
            batch["state"], batch["message"] = self.half_done.pop(0)
            todo = rows[: len(rows) // 2]
        batch["results"] = [self.write(job["wish"], row) for row in todo]
        return batch

    def write(self, wish: Row, row: Row) -> tuple[str, str]:  # noqa: PLR0911 - a table of answers
        """Id and error of one row."""
        operation = wish["operation"]
        name = row.get("LastName") or self.records.get(row.get("Id", ""), {}).get("LastName", "")
        if self.locked.get(name, 0) > 0 or (name in self.needs_serial and wish.get("concurrencyMode") != "Serial"):
            self.locked[name] = self.locked.get(name, 0) - 1
            return "", LOCKED
        if operation in {"delete", "hardDelete"}:
            if name in self.undeletable:
                return "", "DELETE_FAILED:it is referenced by others:--"
            if self.records.pop(row["Id"], None) is None:
                return "", "ENTITY_IS_DELETED:entity is deleted:--"
            self.deleted.append(row["Id"])
            return row["Id"], ""
        if not row.get("LastName", "x") or name in self.refuse:
            return "", REFUSED
        filled = {field: value for field, value in row.items() if value and field != "Id"}
        key = wish.get("externalIdFieldName", "")
        found = (
            row["Id"]
            if operation == "update"
            else next((record for record, one in self.records.items() if key and one.get(key) == row[key]), "")
        )
        if operation == "update" and found not in self.records:
            return "", "INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--"
        if not found:
            return self.add(filled), ""
        self.records[found].update(filled)
        for erased in [name for name, value in self.records[found].items() if value == "#N/A"]:
            del self.records[found][erased]
        return found, ""

    def found(self, soql: str) -> list[Row]:
        """What a question of the two shapes that are asked finds."""
        columns = [name.strip() for name in soql.removeprefix("SELECT ").partition(" FROM ")[0].split(",")]
        rows = [{"Id": record, **one} for record, one in self.records.items()]
        named = re.search(r"WHERE (\w+) IN \((.*)\)$", soql, re.DOTALL)
        if named:
            values = {re.sub(r"\\(.)", r"\1", value).lower() for value in re.findall(r"'((?:[^'\\]|\\.)*)'", named[2])}
            rows = [row for row in rows if row.get(named[1], "").lower() in values]
        return [{name: row.get(name, "") for name in columns} for row in rows]


class Server:
    """Serves an org on this machine until closed."""

    def __init__(self) -> None:
        self.org = Org()
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self.org))
        self.http.daemon_threads = True
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_address[1]}"

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


Answer = tuple[int, bytes, str]


def handler_of(org: Org) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - the handler's methods, which share the org
    acting = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's
            pass

        def answer(self, status: int, body: bytes, kind: str, **headers: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = about_objects(org, self.path)
            if asked is not None and self.headers.get("Authorization") == f"Bearer {TOKEN}":
                # Not among the calls, which a fault is for: nothing has happened by then.
                org.looks.append(urlsplit(self.path).path)
                self.answer(*asked)
                return
            with acting:
                org.calls.append(f"{self.command} {urlsplit(self.path).path.rpartition('/')[2]}")
                fault = org.faults.get(len(org.calls), "")
                if fault in {"429", "503"}:
                    self.answer(
                        int(str(fault)), b'[{"errorCode": "SERVER_UNAVAILABLE", "message": "busy"}]', "application/json"
                    )
                    return
                if fault == "quota":
                    self.answer(403, b'[{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "no"}]', "application/json")
                    return
                if fault == "quota-bulk1":
                    self.answer(*in_xml("error", {"exceptionCode": "ExceededQuota"}, status=400))
                    return
                if fault == "cut":
                    self.close_connection = True
                    return
                status, told, kind, headers = self.acted(body)
                if callable(fault):
                    fault()
                if fault == "lost" or self.is_lost():
                    self.close_connection = True
                elif fault == "acted-503":
                    self.answer(503, b"<html><title>busy</title></html>", "text/html")
                else:
                    self.answer(status, told, kind, **headers)

        def is_lost(self) -> bool:
            last = urlsplit(self.path).path.rpartition("/")[2]
            word = {("POST", "ingest"): "create", ("POST", "job"): "create", ("POST", "batch"): "upload"}
            by_verb = {"PUT": "upload", "PATCH": "start"}
            kind = word.get((self.command, last)) or by_verb.get(self.command, "")
            if kind not in org.lose:
                return False
            org.lose.remove(kind)
            return True

        def acted(self, body: bytes) -> tuple[int, bytes, str, dict[str, str]]:  # noqa: PLR0911 - as above
            """Status, body and kind of the answer, after doing what is asked for."""
            url = urlsplit(self.path)
            if url.path == "/services/oauth2/token":
                host = f"http://127.0.0.1:{self.server.server_address[1]}"  # type: ignore[index]
                entry = {"access_token": TOKEN, "instance_url": host, "token_type": "Bearer"}
                asked = {name: one[0] for name, one in parse_qs(body.decode()).items()}
                status, more = (200, {}) if org.door is None else org.door.granted(asked)
                return *told(status, entry | more if status == 200 else more), {}
            if url.path.startswith("/services/Soap/u/"):
                host = f"http://127.0.0.1:{self.server.server_address[1]}"  # type: ignore[index]
                status, answer = org.door.soap_answer(body, TOKEN, host)
                return status, answer.encode(), "text/xml", {}
            is_old = url.path.startswith("/services/async/")
            session = self.headers.get("X-SFDC-Session") if is_old else self.headers.get("Authorization")
            if session != (TOKEN if is_old else f"Bearer {TOKEN}") or org.expire_once:
                org.expire_once = False
                if is_old:
                    return *in_xml("error", {"exceptionCode": "InvalidSessionId"}, status=400), {}
                return *told(401, [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]), {}
            at = url.path.split("/")[4:]
            if is_old:
                return *old(org, self.command, at[1:], body), {}
            if at[0] == "query":
                asked = parse_qs(url.query)["q"][0]
                return *told(
                    200, {"done": True, "records": [{"attributes": {}, **row} for row in org.found(asked)]}
                ), {}
            if at[1] == "query":
                return query(org, self.command, at[2:], body, parse_qs(url.query).get("locator", [""])[0])
            return *ingest(org, self.command, at[2:], body), {}

        do_GET = do_POST = do_PUT = do_PATCH = handle_any  # noqa: N815 - the base class's

    return Handler


def about_objects(org: Org, path: str) -> Answer | None:  # noqa: PLR0911 - a table of requests
    """What is told of objects, rights and limits; None when something else is asked."""
    url = urlsplit(path)
    at = url.path.split("/")[4:]
    soql = parse_qs(url.query).get("q", [""])[0]
    if at[:1] == ["limits"]:
        return told(200, {"DailyApiRequests": {"Max": 15_000, "Remaining": 14_998}})
    if at[:1] == ["sobjects"]:
        if not at[1]:
            return told(200, {"sobjects": [{"name": name} for name in org.objects]})
        found = org.objects.get(at[1])
        return told(200, found) if found else told(404, [{"errorCode": "NOT_FOUND", "message": "no such thing"}])
    if soql.startswith("SELECT COUNT()"):
        return told(200, {"totalSize": len(org.records), "done": True, "records": []})
    if soql.endswith("FROM UserPermissionAccess"):
        if org.may_hard_delete is None:
            return told(400, [{"errorCode": "INVALID_TYPE", "message": "no such object"}])
        return told(200, {"done": True, "records": [{"PermissionsBulkApiHardDelete": org.may_hard_delete}]})
    return None


def ingest(org: Org, verb: str, at: list[str], body: bytes) -> Answer:  # noqa: PLR0911 - a table of requests
    """Bulk API 2.0: a job is a batch that is processed once it is started."""
    if verb == "POST":
        job = org.open_job(json.loads(body), "2")
        return told(200, {"id": job["id"], "state": "Open"})
    job = org.jobs[at[0]]
    if verb == "PUT":
        job["body"] = body
        return 201, b"", "text/csv"
    if verb == "PATCH":
        wanted = json.loads(body)["state"]
        if job["state"] != "Open":
            return told(400, [{"errorCode": "INVALIDJOBSTATE", "message": "no"}])
        job["state"] = wanted
        if wanted == "UploadComplete":
            batch = org.add_batch(job, job["body"])
            job["ends"] = "JobComplete" if batch["state"] == "Completed" else "Failed"
            job["batch"] = batch
        return told(200, {"id": job["id"], "state": job["state"]})
    batch = job.get("batch", {"results": [], "rows": [], "message": ""})
    failed = [(row, error) for row, (_, error) in zip(batch["rows"], batch["results"], strict=False) if error]
    if len(at) == 1:
        if job["state"] == "UploadComplete":
            job["polls"] += 1
            job["state"] = "UploadComplete" if job["polls"] == 1 else job["ends"]
        counts = {"numberRecordsProcessed": len(batch["results"]) - org.miscounted, "numberRecordsFailed": len(failed)}
        return told(200, {"id": job["id"], "state": job["state"], "errorMessage": batch["message"], **counts})
    if at[1] == "failedResults":
        return 200, results([{"sf__Id": "", "sf__Error": error, **row} for row, error in failed]), "text/csv"
    return 200, results(batch["rows"][len(batch["results"]) :]), "text/csv"


def query(org: Org, verb: str, at: list[str], body: bytes, locator: str) -> tuple[int, bytes, str, dict[str, str]]:
    """The query jobs of Bulk API 2.0, two pages each."""
    if verb == "POST":
        job = org.open_job(json.loads(body), "query")
        job["found"] = org.found(job["wish"]["query"])
        return *told(200, {"id": job["id"], "state": "UploadComplete"}), {}
    job = org.jobs[at[0]]
    if len(at) == 1:
        job["polls"] += 1
        return *told(200, {"id": job["id"], "state": "InProgress" if job["polls"] == 1 else "JobComplete"}), {}
    half = len(job["found"]) // 2
    page = job["found"][half:] if locator else job["found"][:half]
    page = [dict(reversed(row.items())) for row in page]  # before version 50.0 columns come in any order
    return (
        200,
        results(page, list(reversed(job["found"][0])) if job["found"] else ["Id"]),
        "text/csv",
        {"Sforce_Locator": "null" if locator else "more"},
    )


def old(org: Org, verb: str, at: list[str], body: bytes) -> Answer:  # noqa: PLR0911, C901 - as above
    """Bulk API 1.0: batches are processed as they come."""
    if verb == "POST" and len(at) < 3:
        wish = dict(re.findall(r"<(\w+)>([^<]*)</", body.decode()))
        if len(at) == 2 and at[1] == "batch":
            job = org.jobs[at[0]]
            if job["state"] != "Open":
                return in_xml("error", {"exceptionCode": "InvalidJobState"}, status=400)
            return in_xml("batchInfo", {"id": org.add_batch(job, body)["id"], "state": "Queued"}, status=201)
        if len(at) == 1:
            org.jobs[at[0]]["state"] = wish["state"]
            return in_xml("jobInfo", {"id": at[0], "state": wish["state"]})
        job = org.open_job(wish, "1")
        return in_xml("jobInfo", {"id": job["id"], "state": "Open"}, status=201)
    job = org.jobs[at[0]]
    if len(at) == 1:
        return in_xml("jobInfo", {"id": job["id"], "state": job["state"]})
    if len(at) == 2:
        job["polls"] += 1
        infos = "".join(
            inner("batchInfo", as_told(batch, job["polls"], org.miscounted)) for batch in job["batches"].values()
        )
        return 200, f'<batchInfoList xmlns="{NAMESPACE}">{infos}</batchInfoList>'.encode(), "application/xml"
    batch = job["batches"][at[2]]
    if at[3] == "request":
        return 200, batch["body"], "text/csv"
    if job["wish"]["operation"] == "query":
        if len(at) == 4:
            listed = f'<result-list xmlns="{NAMESPACE}"><result>752000000000001</result></result-list>'
            return 200, listed.encode(), "application/xml"
        return 200, results(batch["found"], list(batch["found"][0]) if batch["found"] else ["Id"]), "text/csv"
    if not batch["results"]:
        return in_xml(
            "error", {"exceptionCode": "InvalidBatch", "exceptionMessage": "Records not processed"}, status=400
        )
    lines = [
        {"Id": record, "Success": str(not error).lower(), "Created": "false", "Error": error}
        for record, error in batch["results"]
    ]
    return 200, results(lines[::-1]), "text/csv"


def as_told(batch: dict[str, Any], polls: int, miscounted: int) -> dict[str, str]:
    return {
        "id": batch["id"],
        "state": batch["state"] if polls > 1 else "InProgress",
        **({"stateMessage": batch["message"]} if batch["message"] else {}),
        "numberRecordsProcessed": str(len(batch["results"]) - miscounted),
        "numberRecordsFailed": str(sum(1 for _, error in batch["results"] if error)),
    }


def told(status: int, value: object) -> Answer:
    return status, json.dumps(value).encode(), "application/json"


def inner(tag: str, members: dict[str, str]) -> str:
    return f"<{tag}>" + "".join(f"<{name}>{value}</{name}>" for name, value in members.items()) + f"</{tag}>"


def in_xml(tag: str, members: dict[str, str], status: int = 200) -> Answer:
    text = inner(tag, members).replace(f"<{tag}>", f'<{tag} xmlns="{NAMESPACE}">', 1)
    return status, text.encode(), "application/xml"


def results(rows: list[Row], head: list[str] | None = None) -> bytes:
    """Quoted as Salesforce does, last row first: the order of results of Bulk API 2.0 is not that of the rows."""
    text = io.StringIO()
    if rows or head:
        writer = csv.DictWriter(text, head or list(rows[0]), quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writeheader()
        writer.writerows(reversed(rows))
    return text.getvalue().encode()
