"""Intercom's published description.

Let through besides what `openapi_contract` names:

- Answers of statuses that an operation's description leaves out (429, 5xx, 400 of some): their body must be an error list.
- Paths that the reduced description lacks (companies).
- Answers that are no JSON: the emulator's own knobs.
"""

from __future__ import annotations

import httpx
import pytest
from openapi_contract import ABSENT, CONTRACTS, Contract, read_contract
from openapi_core.exceptions import OpenAPIError
from openapi_core.templating.responses.exceptions import ResponseNotFound

CONTRACT = CONTRACTS / "intercom-openapi.yaml"

needs_contract = pytest.mark.skipif(not CONTRACT.exists(), reason=ABSENT)

_LACKING = ("/companies/scroll",)


class IntercomContract(Contract):
    """Intercom's description, and what did not follow it so far."""

    host = "https://api.intercom.io"

    def check(self, request: httpx.Request, response: httpx.Response) -> None:
        if response.headers.get("content-type", "").startswith("application/json"):
            super().check(request, response)

    def undescribed(self, request: httpx.Request, response: httpx.Response) -> None:
        if request.url.path not in _LACKING and not request.url.path.endswith("/companies"):
            super().undescribed(request, response)

    def unlike(self, request: httpx.Request, response: httpx.Response, error: OpenAPIError) -> None:
        if isinstance(error, ResponseNotFound) or isinstance(error.__cause__, ResponseNotFound):
            self._check_errors(request, response)
        else:
            super().unlike(request, response, error)

    def _check_errors(self, request: httpx.Request, response: httpx.Response) -> None:
        told = response.json()
        named = all({"code", "message"} <= one.keys() for one in told.get("errors", [{}]))
        if response.is_success or told.get("type") != "error.list" or not named or not told.get("request_id"):
            self.note(request, response, "no list of errors")


def load_contract() -> Contract | None:
    """The description, or None outside a development tree."""
    return IntercomContract(read_contract(CONTRACT)) if CONTRACT.exists() else None


def accepts_its_own_violation() -> bool:
    """Whether a wrong answer would pass unnoticed: a contact whose id is a number."""
    contract = load_contract()
    assert contract is not None
    request = httpx.Request("GET", f"{contract.host}/contacts/2", headers={"authorization": "Bearer x"})
    contract.check(request, httpx.Response(200, json={"type": "contact", "id": 2}))
    return not contract.violations
