"""Every exchange with the emulator, held against Intercom's published description.

What is let through, and why:

- A request that was refused (4xx) is not checked as a request: sending it wrong was the point.
- Answers of statuses that an operation's description leaves out (429, 5xx, 400 of some): their body must be an error list.
- Paths that the reduced description lacks (companies): only that they answer JSON.
- Security schemes, which the tests of tokens stand in for.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from openapi_core.templating.paths.exceptions import OperationNotFound, PathNotFound
from openapi_core.templating.responses.exceptions import ResponseNotFound
from werkzeug.datastructures import Headers, ImmutableMultiDict

CONTRACT = Path(__file__).resolve().parents[2].parent / "shared" / "contracts" / "intercom-openapi.yaml"

needs_contract = pytest.mark.skipif(
    not CONTRACT.exists(), reason="the vendor's OpenAPI description is not beside the checkout"
)

_HOST = "https://api.intercom.io"
_LACKING = ("/companies/scroll",)

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loading the machine's certificates for every client takes long


class Contract:
    """The description, and what did not follow it so far."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._api = OpenAPI.from_dict(document)
        self.violations: list[str] = []
        self.checked = 0

    def check(self, request: httpx.Request, response: httpx.Response) -> None:
        asked, answered = _Request(request), _Response(response)
        self.checked += 1
        try:
            if response.is_success:
                self._api.validate_request(asked)
            self._api.validate_response(asked, answered)
        except (PathNotFound, OperationNotFound):
            if request.url.path not in _LACKING and not request.url.path.endswith("/companies"):
                self._note(request, response, "an operation that is not described")
        except OpenAPIError as error:
            if isinstance(error, ResponseNotFound) or isinstance(error.__cause__, ResponseNotFound):
                self._check_errors(request, response)
            else:
                self._note(request, response, f"{error!r} because of {error.__cause__!r}")

    def _check_errors(self, request: httpx.Request, response: httpx.Response) -> None:
        told = response.json()
        named = all({"code", "message"} <= one.keys() for one in told.get("errors", [{}]))
        if response.is_success or told.get("type") != "error.list" or not named or not told.get("request_id"):
            self._note(request, response, "no list of errors")

    def _note(self, request: httpx.Request, response: httpx.Response, what: str) -> None:
        self.violations.append(f"{request.method} {request.url.path} -> {response.status_code}: {what}")


class CheckedTransport(httpx.BaseTransport):
    """Sends over real HTTP and holds each exchange against *contract*, if there is one."""

    def __init__(self, contract: Contract | None) -> None:
        self._inner = httpx.HTTPTransport(verify=NO_TLS)
        self._contract = contract

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        response = self._inner.handle_request(request)
        response.read()
        is_api = response.headers.get("content-type", "").startswith("application/json")
        if self._contract is not None and is_api:
            self._contract.check(request, response)
        return response

    def close(self) -> None:
        self._inner.close()


def load_contract() -> Contract | None:
    """The description, or None outside a development tree."""
    if not CONTRACT.exists():
        return None
    document = yaml.load(CONTRACT.read_text(), yaml.CSafeLoader)
    document.pop("security", None)
    for operations in document["paths"].values():
        for operation in operations.values():
            if isinstance(operation, dict):
                operation.pop("security", None)
    return Contract(document)


class _Request:
    """An httpx request in the words of openapi-core."""

    def __init__(self, request: httpx.Request) -> None:
        self.host_url = _HOST
        self.path = request.url.path
        self.method = request.method.lower()
        self.content_type = request.headers.get("content-type", "").partition(";")[0]
        self.body = request.content or None
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(request.url.params.multi_items()), header=Headers(request.headers.multi_items())
        )


class _Response:
    """An httpx answer in the words of openapi-core."""

    def __init__(self, response: httpx.Response) -> None:
        self.status_code = response.status_code
        self.content_type = response.headers.get("content-type", "").partition(";")[0]
        self.data = response.content
        self.headers = Headers(response.headers.multi_items())


def accepts_its_own_violation() -> bool:
    """Whether a wrong answer would pass unnoticed: a contact whose id is a number."""
    contract = load_contract()
    assert contract is not None
    request = httpx.Request("GET", f"{_HOST}/contacts/2", headers={"authorization": "Bearer x"})
    contract.check(request, httpx.Response(200, json={"type": "contact", "id": 2}))
    return not contract.violations
