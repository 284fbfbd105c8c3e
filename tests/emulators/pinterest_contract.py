"""Pinterest's published description.

Let through besides what `openapi_contract` names:

- 404 and 405 for a path or method that the description lacks: there only the error body can be checked.
- Fields that the description does not know: recorded replies have them (``is_nca``, ``time_zone``, ``status`` of a 401), and
  the description does not forbid them.
- Feeds and product groups of catalogs: the description at hand lacks them, so that only their envelope is checked.
- Times of catalogs are described with a zone, and recorded ones have none: they are held against it as those of UTC.
- Which variant of a token reply it is stands in the discriminator, which the library does not follow; `check_variant` does.
"""

from __future__ import annotations

import re
from typing import Any

import httpx
import orjson
import pytest
from openapi_contract import ABSENT, CONTRACTS, Contract, read_contract

CONTRACT = CONTRACTS / "pinterest-v5-openapi.yaml"
JSON = "application/json"
UNDESCRIBED = frozenset({"/catalogs/feeds", "/catalogs/product_groups"})
_ZONELESS = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?=\")")

needs_contract = pytest.mark.skipif(not CONTRACT.exists(), reason=ABSENT)


class PinterestContract(Contract):
    """Pinterest's description, and what did not follow it so far."""

    host = "https://api.pinterest.com"

    def __init__(self, document: dict[str, Any]) -> None:
        super().__init__(document)
        self._schemas = document["components"]["schemas"]
        self.paths = frozenset(document["paths"])

    def check(self, request: httpx.Request, response: httpx.Response) -> None:
        if request.url.path == "/v5/catalogs" and response.is_success:
            response = httpx.Response(
                200, headers={"content-type": JSON}, content=_ZONELESS.sub(rb"\1Z", response.content)
            )
        super().check(request, response)
        if response.is_success and request.url.path == "/v5/oauth/token":
            self.check_variant(request, response)

    def undescribed(self, request: httpx.Request, response: httpx.Response) -> None:
        if request.url.path.removeprefix("/v5") in UNDESCRIBED:
            told = response.json()
            is_page = isinstance(told.get("items"), list) and isinstance(told.get("bookmark"), str | None)
            if not (is_page if response.is_success else {"code", "message"} <= set(told)):
                self.note(request, response, "neither a page of a list nor an error")
        elif response.status_code not in {404, 405} or set(response.json()) != {"code", "message"}:
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


def load_contract() -> PinterestContract | None:
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
