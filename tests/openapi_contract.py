"""Every exchange of a test over real HTTP, held against a vendor's published description.

What every description lets through, and why:

- A request that was refused (4xx) is not checked as a request: sending it wrong was the point.
- Security schemes: the library does not know OAuth 2; the tests of tokens and scopes stand in for it.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from openapi_core.templating.paths.exceptions import OperationNotFound, PathNotFound
from werkzeug.datastructures import Headers, ImmutableMultiDict

CONTRACTS = Path(__file__).resolve().parents[2] / "shared" / "contracts"

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loading the machine's certificates for every client takes long


class Contract:
    """A description, and what did not follow it so far."""

    host: str
    """Where the description says its API is, such as ``https://api.example.com``."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._api = OpenAPI.from_dict(document)
        self.violations: list[str] = []
        self.checked = 0

    def check(self, request: httpx.Request, response: httpx.Response) -> None:
        asked, answered = _Request(self.host, request), _Response(response)
        self.checked += 1
        try:
            if response.is_success:
                self._api.validate_request(asked)
            self._api.validate_response(asked, answered)
        except (PathNotFound, OperationNotFound):
            self.undescribed(request, response)
        except OpenAPIError as error:
            self.unlike(request, response, error)

    def undescribed(self, request: httpx.Request, response: httpx.Response) -> None:
        """An operation that the description lacks."""
        self.note(request, response, "an operation that is not described")

    def unlike(self, request: httpx.Request, response: httpx.Response, error: OpenAPIError) -> None:
        """An exchange that is otherwise than described."""
        self.note(request, response, f"{error!r} because of {error.__cause__!r}")

    def note(self, request: httpx.Request, response: httpx.Response, what: str) -> None:
        self.violations.append(f"{request.method} {request.url.path} -> {response.status_code}: {what}")


ABSENT = "the vendors' published descriptions are not beside this checkout"


@contextmanager
def held_against(contract: Contract | None) -> Iterator[CheckedTransport]:
    """What carries the requests of a test, which fails when one of them, or its answer, is not as described.

    Without a *contract* the test is what it is, and this part of it is told as skipped.
    """
    before = 0
    if contract is not None:
        contract.violations.clear()
        before = contract.checked
    transport = CheckedTransport(contract)
    yield transport
    transport.close()
    if contract is None:
        pytest.skip(ABSENT)
    assert contract.violations == []
    assert transport.carried == 0 or contract.checked > before, "nothing was held against the description"


class CheckedTransport(httpx.BaseTransport):
    """Sends over real HTTP and holds each exchange against *contract*, if there is one."""

    def __init__(self, contract: Contract | None) -> None:
        self._inner = httpx.HTTPTransport(verify=NO_TLS)
        self._contract = contract
        self.carried = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        response = self._inner.handle_request(request)
        response.read()
        self.carried += 1
        if self._contract is not None:
            self._contract.check(request, response)
        return response

    def close(self) -> None:
        self._inner.close()


def read_contract(path: Path) -> dict[str, Any]:
    """The description at *path*, without its security schemes."""
    document: dict[str, Any] = yaml.load(path.read_text(), yaml.CSafeLoader)
    document.pop("security", None)
    for operations in document["paths"].values():
        for operation in operations.values():
            if isinstance(operation, dict):
                operation.pop("security", None)
    return document


class _Request:
    """An httpx request in the words of openapi-core."""

    def __init__(self, host: str, request: httpx.Request) -> None:
        self.host_url = host
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
