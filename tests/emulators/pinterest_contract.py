"""Every exchange of a test, held against the vendor's published description.

What is let through, and why:

- A request that was refused (4xx) is not checked as a request: sending it wrong was the point.
- 404 and 405 for a path or method that the description lacks: there only the error body can be checked.
- Fields that the description does not know: recorded replies have them (``is_nca``, ``time_zone``, ``status`` of a 401), and
  the description does not forbid them.
- Security schemes: the library does not know OAuth 2; the tests of tokens and scopes stand in for it.
- Which variant of a token reply it is stands in the discriminator, which the library does not follow; `check_variant` does.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import yaml
from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from openapi_core.templating.paths.exceptions import OperationNotFound, PathNotFound
from werkzeug.datastructures import Headers, ImmutableMultiDict

CONTRACT = Path(__file__).resolve().parents[2].parent / "shared" / "contracts" / "pinterest-v5-openapi.yaml"

needs_contract = pytest.mark.skipif(
    not CONTRACT.exists(), reason="the vendor's OpenAPI description is not beside the checkout"
)

_HOST = "https://api.pinterest.com"

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loading the machine's certificates for every client takes long


class Contract:
    """The description, and what did not follow it so far."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._api = OpenAPI.from_dict(document)
        self._schemas = document["components"]["schemas"]
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
            if response.status_code not in {404, 405} or set(response.json()) != {"code", "message"}:
                self._note(request, response, "an operation that is not described")
        except OpenAPIError as error:
            self._note(request, response, f"{error!r} because of {error.__cause__!r}")
        if response.is_success and request.url.path == "/v5/oauth/token":
            self.check_variant(request, response)

    def check_variant(self, request: httpx.Request, response: httpx.Response) -> None:
        variants = self._schemas["OauthAccessTokenResponse"]["discriminator"]["mapping"]
        variant = variants[response.json()["response_type"]].rsplit("/", 1)[1]
        missing = {name for part in self._parts(variant) for name in part.get("required", ())} - set(response.json())
        if missing:
            self._note(request, response, f"a {variant} without {sorted(missing)}")

    def _parts(self, schema: str) -> list[dict[str, Any]]:
        described = self._schemas[schema]
        return [described, *(part for part in described.get("allOf", ()) if "$ref" not in part)]

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
        if self._contract is not None:
            self._contract.check(request, response)
        return response

    def close(self) -> None:
        self._inner.close()


def load_contract() -> Contract | None:
    """The description, or None outside a development tree."""
    if not CONTRACT.exists():
        return None
    document = yaml.load(CONTRACT.read_text(), yaml.CSafeLoader)
    for operations in document["paths"].values():
        for operation in operations.values():
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
    """Whether a wrong answer would be noticed: an audience whose id is a number must not pass."""
    contract = load_contract()
    assert contract is not None
    request = httpx.Request("GET", f"{_HOST}/v5/ad_accounts/1/audiences/2", headers={"authorization": "Bearer x"})
    contract.check(request, httpx.Response(200, json=orjson.loads(b'{"id": 2}')))
    return not contract.violations
