"""A project that imports members of lists by a source specification, and the API that has them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import http_server
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


def _first_members() -> dict[str, list[dict[str, Any]]]:
    return {"L1": [{"id": f"m{number}", "n": 1} for number in range(5)]}


@dataclass
class Lists:
    """An API of lists, in pages; only who has the key may read. *floods*: whether an answer does not end."""

    address: str = ""
    key: str = KEY
    members: dict[str, list[dict[str, Any]]] = field(default_factory=_first_members)
    asked: list[dict[str, list[str]]] = field(default_factory=list)
    floods: bool = False


@contextmanager
def serving() -> Iterator[Lists]:
    """The API, as long as the context lasts."""
    lists = Lists()

    class Handler(http_server.Handler):
        def asked(self) -> None:
            parts = urlsplit(self.path)
            query = parse_qs(parts.query)
            lists.asked.append(query)
            if self.headers.get("X-Key") != lists.key:
                self.tell(403, {"error": "who are you"})
                return
            if lists.floods:
                self.flood()
                return
            rows = lists.members.get(parts.path.split("/")[2], [])
            begin = int(query["offset"][0])
            self.tell(200, {"total": len(rows), "members": rows[begin : begin + int(query["count"][0])]})

        def flood(self) -> None:
            self.close_connection = True
            self.send_response(200)
            self.send_header("Connection", "close")
            with suppress(OSError):
                self.end_headers()
                while True:
                    self.wfile.write(b" " * 65_536)

        def tell(self, status: int, content: object) -> None:
            self.answer(status, {"Content-Type": "application/json"}, json.dumps(content).encode())

    with http_server.serving(Handler) as lists.address:
        yield lists


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
