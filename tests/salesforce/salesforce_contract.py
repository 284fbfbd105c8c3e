"""Exchanges held against the schemas of Salesforce's bodies."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from openapi_contract import CONTRACTS, NO_TLS

SCHEMAS = CONTRACTS / "salesforce-bulk.json"
_ID = "[^/]+"
_DATA, _ASYNC = r"/services/data/v\d+\.\d", r"/services/async/\d+\.\d"

# method, path, schema of the request, schema of the answer
BODIES: list[tuple[str, str, str | None, str | None]] = [
    ("POST", "/services/oauth2/token", None, "oauthToken"),
    ("GET", f"{_DATA}/sobjects", None, "describeGlobal"),
    ("GET", f"{_DATA}/sobjects/{_ID}/describe", None, "describeSObject"),
    ("GET", f"{_DATA}/(query|queryAll)(/{_ID})?", None, "queryResult"),
    ("GET", f"{_DATA}/limits", None, "limits"),
    ("GET", f"{_DATA}/limits/recordCount", None, "recordCount"),
    ("POST", f"{_DATA}/jobs/ingest", "bulk2IngestCreate", "bulk2IngestCreated"),
    ("GET", f"{_DATA}/jobs/ingest", None, "bulk2JobList"),
    ("GET", f"{_DATA}/jobs/ingest/{_ID}", None, "bulk2IngestJob"),
    ("PATCH", f"{_DATA}/jobs/(ingest|query)/{_ID}", "bulk2JobPatch", "bulk2JobShort"),
    ("POST", f"{_DATA}/jobs/query", "bulk2QueryCreate", "bulk2QueryJob"),
    ("GET", f"{_DATA}/jobs/query/{_ID}", None, "bulk2QueryJob"),
    ("POST", f"{_ASYNC}/job", "bulk1JobCreate", "bulk1JobInfo"),
    ("GET", f"{_ASYNC}/job/{_ID}", None, "bulk1JobInfo"),
    ("POST", f"{_ASYNC}/job/{_ID}", "bulk1JobStateChange", "bulk1JobInfo"),
    ("POST", f"{_ASYNC}/job/{_ID}/batch", None, "bulk1BatchInfo"),
    ("GET", f"{_ASYNC}/job/{_ID}/batch", None, "bulk1BatchInfoList"),
    ("GET", f"{_ASYNC}/job/{_ID}/batch/{_ID}", None, "bulk1BatchInfo"),
]


class SalesforceContract:
    """What did not follow the schemas so far, in exchanges of JSON."""

    def __init__(self) -> None:
        schemas = json.loads(SCHEMAS.read_text())
        self._validators = {
            name: Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": schemas["$defs"]})
            for name in schemas["$defs"]
        }
        self.violations: list[str] = []
        self.checked = 0

    def check(self, request: httpx.Request, response: httpx.Response) -> None:
        path = request.url.path.rstrip("/")
        for method, pattern, asked, answered in BODIES:
            if method == request.method and re.fullmatch(pattern, path):
                failure = {"services/async": "bulk1Error", "services/oauth2": "oauthError"}
                kind = failure.get("/".join(path.split("/")[1:3]), "restErrors")
                # A job that comes with its rows is told without a place for them, as the guide shows it.
                told = "bulk2JobShort" if "multipart" in request.headers.get("content-type", "") else answered
                if response.is_success:
                    self._hold(asked, request.content, request.headers, path)
                if response.status_code != 304:
                    self._hold(told if response.is_success else kind, response.content, response.headers, path)

    def _hold(self, name: str | None, body: bytes, headers: httpx.Headers, path: str) -> None:
        if name is None or "json" not in headers.get("content-type", ""):
            return
        self.checked += 1
        told: Any = json.loads(body)
        self.violations += [f"{path}: {name}: {error.message}" for error in self._validators[name].iter_errors(told)]


class CheckedTransport(httpx.BaseTransport):
    """Real HTTP, with each exchange held against a contract, where there is one."""

    def __init__(self, contract: SalesforceContract | None) -> None:
        self._inner = httpx.HTTPTransport(verify=NO_TLS)
        self._contract = contract

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        response = self._inner.handle_request(request)
        response.read()
        if self._contract is not None:
            self._contract.check(request, response)
        return response

    def close(self) -> None:
        self._inner.close()


def contract() -> SalesforceContract | None:
    """A contract; None where the schemas are not on this machine."""
    return SalesforceContract() if SCHEMAS.exists() else None


needs_schemas = pytest.mark.skipif(not SCHEMAS.exists(), reason="the schemas of Salesforce are not on this machine")
