"""Pinterest's published description.

Let through besides what `openapi_contract` names:

- 404 and 405 for a path or method that the description lacks: there only the error body can be checked.
- Fields that the description does not know: recorded replies have them (``is_nca``, ``time_zone``, ``status`` of a 401), and
  the description does not forbid them.
- Which variant of a token reply it is stands in the discriminator, which the library does not follow; `check_variant` does.
"""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest
from openapi_contract import CONTRACTS, Contract, read_contract

CONTRACT = CONTRACTS / "pinterest-v5-openapi.yaml"

needs_contract = pytest.mark.skipif(
    not CONTRACT.exists(), reason="the vendor's OpenAPI description is not beside the checkout"
)


class PinterestContract(Contract):
    """Pinterest's description, and what did not follow it so far."""

    host = "https://api.pinterest.com"

    def __init__(self, document: dict[str, Any]) -> None:
        super().__init__(document)
        self._schemas = document["components"]["schemas"]

    def check(self, request: httpx.Request, response: httpx.Response) -> None:
        super().check(request, response)
        if response.is_success and request.url.path == "/v5/oauth/token":
            self.check_variant(request, response)

    def undescribed(self, request: httpx.Request, response: httpx.Response) -> None:
        if response.status_code not in {404, 405} or set(response.json()) != {"code", "message"}:
            super().undescribed(request, response)

    def check_variant(self, request: httpx.Request, response: httpx.Response) -> None:
        variants = self._schemas["OauthAccessTokenResponse"]["discriminator"]["mapping"]
        variant = variants[response.json()["response_type"]].rsplit("/", 1)[1]
        missing = {name for part in self._parts(variant) for name in part.get("required", ())} - set(response.json())
        if missing:
            self.note(request, response, f"a {variant} without {sorted(missing)}")

    def _parts(self, schema: str) -> list[dict[str, Any]]:
        described = self._schemas[schema]
        return [described, *(part for part in described.get("allOf", ()) if "$ref" not in part)]


def load_contract() -> Contract | None:
    """The description, or None outside a development tree."""
    return PinterestContract(read_contract(CONTRACT)) if CONTRACT.exists() else None


def accepts_its_own_violation() -> bool:
    """Whether a wrong answer would be noticed: an audience whose id is a number must not pass."""
    contract = load_contract()
    assert contract is not None
    request = httpx.Request(
        "GET", f"{contract.host}/v5/ad_accounts/1/audiences/2", headers={"authorization": "Bearer x"}
    )
    contract.check(request, httpx.Response(200, json=orjson.loads(b'{"id": 2}')))
    return not contract.violations
