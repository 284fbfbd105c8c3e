"""A project that imports members of lists by a source specification, and the API that has them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from stage import Stage, environment

KEY = "FAKE-rest-key-0123456789"
SPECIFICATION: dict[str, Any] = {
    "name": "Members",
    "authSpec": [
        {
            "name": "API Key Authentication",
            "type": "KeyBased",
            "spec": {
                "type": "object",
                "properties": {
                    "host": {"type": "string"},
                    "authKey1": {
                        "type": "string",
                        "format": "password",
                        "restAttributes": {"headerParamName": "X-Key"},
                    },
                },
                "required": ["authKey1"],
            },
        }
    ],
    "sourceSpec": {
        "attributes": {
            "urlParams": {"path": "/lists/${listId}/members", "method": "GET"},
            "contentPath": {"path": "$.members", "skipAttributes": ["total"], "overrideWrapperAttribute": "member"},
            "paginationParams": {"type": "OFFSET", "limitName": "count", "limitValue": "2", "offSetName": "offset"},
            "scheduleParams": {"scheduleStartParamName": "since", "scheduleEndParamName": "before"},
        },
        "spec": {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "properties": {"listId": {"type": "string", "pattern": "^L"}},
            "required": ["listId"],
        },
    },
}
MANIFESTS = {
    "tdr.yaml": "apiVersion: tdr/v1\nproject: shop\n",
    "specs/members.json": json.dumps(SPECIFICATION, indent=2),
    "manifests/members.yaml": """\
apiVersion: tdr/v1
kind: Database
metadata: {name: shop}
spec: {}
---
apiVersion: tdr/v1
kind: Connection
metadata: {name: lists}
spec:
  type: rest
  auth: KeyBased
  params: {host: "${var:lists}"}
  secrets: {authKey1: "${secret:env:LISTS_KEY}"}
  allowed_hosts: [127.0.0.1]
  allow_private: true
---
apiVersion: tdr/v1
kind: SourceSpec
metadata: {name: members}
spec:
  file: specs/members.json
  key: [member.id]
---
apiVersion: tdr/v1
kind: Import
metadata: {name: members}
spec:
  from: {type: rest, spec: members, connection: lists, params: {listId: L1}}
  to: {database: shop, table: members}
""",
}


class Lists(ThreadingHTTPServer):
    """An API of lists, in pages; only who has the key may read."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Lists)
        self.key = KEY
        self.members: dict[str, list[dict[str, Any]]] = {"L1": [{"id": f"m{number}", "n": 1} for number in range(5)]}
        self.asked: list[dict[str, list[str]]] = []
        self.address = f"http://127.0.0.1:{self.server_port}"


class _Lists(BaseHTTPRequestHandler):
    server: Lists

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        self.server.asked.append(query)
        if self.headers.get("X-Key") != self.server.key:
            self._answer(403, {"error": "who are you"})
            return
        rows = self.server.members.get(parts.path.split("/")[2], [])
        begin = int(query["offset"][0])
        page = rows[begin : begin + int(query["count"][0])]
        self._answer(200, {"total": len(rows), "members": page})

    def _answer(self, status: int, content: object) -> None:
        sent = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving() -> Iterator[Lists]:
    """The API, as long as the context lasts."""
    server = Lists()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def project(folder: Path, lists: Lists) -> Stage:
    """A project in *folder*, which is made, whose import nobody has applied."""
    folder.mkdir()
    stage = Stage(folder, None, environment(folder))
    stage.environ |= {"TDR_VAR_lists": lists.address, "LISTS_KEY": KEY}
    for path, text in MANIFESTS.items():
        stage.write(path, text)
    return stage


def table(stage: Stage) -> list[Any]:
    """Id and number of every member."""
    with stage.somebody() as td:
        job = td.issue_job("presto", "shop", {"query": 'SELECT "member.id", "member.n" FROM members ORDER BY 1'}, "")
        while td.job(job)["status"] not in {"success", "error"}:
            stage.clock.sleep(0.05)
        assert td.job(job)["status"] == "success", td.job(job)["debug"]
        return td.job_rows(job)
