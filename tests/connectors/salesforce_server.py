"""A small Salesforce over HTTP: one object in memory, Bulk API 2.0 for it, and answers that get lost on request."""

from __future__ import annotations

import csv
import io
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "00D!FAKE-access-token"
REFUSED = "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"


@dataclass
class Org:
    """Records by number, jobs by id. *lose*: kinds of requests whose next answer gets lost after they acted."""

    records: list[dict[str, str]] = field(default_factory=list)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    lose: list[str] = field(default_factory=list)
    refuse: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    expire_once: bool = False

    def create(self, wish: dict[str, str]) -> dict[str, Any]:
        job = {"id": f"750{len(self.jobs):015d}", "state": "Open", "wish": wish, "body": b"", "failed": [], "done": 0}
        self.jobs[job["id"]] = job
        return {"id": job["id"], "state": "Open"}

    def process(self, job: dict[str, Any]) -> None:
        rows = list(csv.DictReader(io.StringIO(job["body"].decode("utf-8"), newline="")))
        wish = job["wish"]
        for row in rows:
            if not row.get("LastName", "x") or row.get("LastName") in self.refuse:
                job["failed"].append({"sf__Id": "", "sf__Error": REFUSED, **row})
                continue
            filled = {name: value for name, value in row.items() if value}
            key = wish.get("externalIdFieldName", "Id" if wish["operation"] == "update" else "")
            found = next((one for one in self.records if key and one.get(key) == row[key]), None)
            if found is None:
                self.records.append(filled)
            else:
                found.update(filled)
                for name in [name for name, value in found.items() if value == "#N/A"]:
                    del found[name]
        job["done"] = len(rows)
        job["state"] = "JobComplete"


class Server:
    """Serves an org on this machine until closed."""

    def __init__(self) -> None:  # noqa: C901 - the handler's methods, which share the org
        self.org = Org()
        org = self.org

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's
                pass

            def answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def told(self, status: int, value: object) -> None:
                self.answer(status, json.dumps(value).encode())

            def is_lost(self, kind: str) -> bool:
                if kind not in org.lose:
                    return False
                org.lose.remove(kind)
                self.close_connection = True
                return True

            def handle_any(self) -> None:  # noqa: C901 - a table of requests
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                org.calls.append(f"{self.command} {self.path.rpartition('/')[2]}")
                if self.path == "/services/oauth2/token":
                    host = f"http://127.0.0.1:{self.server.server_address[1]}"
                    self.told(200, {"access_token": TOKEN, "instance_url": host, "token_type": "Bearer"})
                    return
                if self.headers.get("Authorization") != f"Bearer {TOKEN}" or org.expire_once:
                    org.expire_once = False
                    self.told(401, [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}])
                    return
                at = self.path.removeprefix("/services/data/v60.0/jobs/ingest").strip("/").split("/")
                if self.command == "POST":
                    made = org.create(json.loads(body))
                    if not self.is_lost("create"):
                        self.told(200, made)
                    return
                job = org.jobs[at[0]]
                if self.command == "PUT":
                    job["body"] = body
                    if not self.is_lost("upload"):
                        self.answer(201, b"")
                elif self.command == "PATCH":
                    wanted = json.loads(body)["state"]
                    if job["state"] != "Open":
                        self.told(400, [{"errorCode": "INVALIDJOBSTATE", "message": "no"}])
                        return
                    job["state"] = wanted
                    if wanted == "UploadComplete":
                        org.process(job)
                    if not self.is_lost("start"):
                        self.told(200, {"id": job["id"], "state": job["state"]})
                elif len(at) == 1:
                    counts = {"numberRecordsProcessed": job["done"], "numberRecordsFailed": len(job["failed"])}
                    self.told(200, {"id": job["id"], "state": job["state"], **counts})
                else:
                    self.answer(200, results(job["failed"] if at[1] == "failedResults" else []), "text/csv")

            do_GET = do_POST = do_PUT = do_PATCH = handle_any  # noqa: N815 - the base class's

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_address[1]}"

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


def results(rows: list[dict[str, str]]) -> bytes:
    """Quoted as Salesforce does, last row first: the order of results is not that of the rows."""
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writeheader()
        writer.writerows(reversed(rows))
    return text.getvalue().encode()
