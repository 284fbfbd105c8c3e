"""A Treasure Data that says what a test lets it say, and resources as the loader makes them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import httpx
import pytest
from embedded_world import KEY, world
from pydantic import TypeAdapter

from reconciler.apis.treasure_data_connect import connect, connect_customer_data, connect_workflows
from reconciler.apis.treasure_data_endpoint import Endpoint
from reconciler.model.address import Address
from reconciler.model.kinds import KINDS
from reconciler.model.probe import AccountFacts
from reconciler.model.resource import Origin, Resource
from reconciler.model.spec import Lifecycle
from reconciler.providers.treasure_data.provider import TreasureDataProvider

__all__ = ["world"]


class StillClock:
    """Time that passes only by waiting."""

    def __init__(self) -> None:
        self.at = 1_700_000_000.0

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


@dataclass
class Vendor(httpx.BaseTransport):
    """A Treasure Data that answers what it is told to.

    says: ``METHOD path`` -> a JSON value, a response, or an error to raise. asked: call -> fields sent.
    impatient: call -> how often it is asked to come back a second later.
    """

    says: dict[str, object] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    impatient: dict[str, int] = field(default_factory=dict)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read().decode()
        is_form = request.headers.get("content-type", "").startswith("application/x-www-form")
        fields = dict(parse_qsl(body, keep_blank_values=True)) if is_form else json.loads(body or "{}")
        call = f"{request.method} {request.url.raw_path.decode()}"
        self.asked.append((call, fields))
        if self.impatient.get(call, 0):
            self.impatient[call] -= 1
            return httpx.Response(429, headers={"Retry-After": "1"}, json={"error": "slow down"})
        answer = self.says[call]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def provider(
        self, *, creates_connections: bool = True, whole: bool = False, facts: AccountFacts | None = None
    ) -> TreasureDataProvider:
        """*whole*: with parent segments and workflows, too."""
        place, key, clock = Endpoint("us01", "https://td.example.com"), KEY, StillClock()
        return TreasureDataProvider(
            connect(place, key, transport=self, clock=clock),
            "us01/1",
            creates_connections=creates_connections,
            facts=facts,
            clock=clock,
            customer_data=connect_customer_data(place, key, transport=self, clock=clock) if whole else None,
            workflows=connect_workflows(place, key, transport=self, clock=clock) if whole else None,
        )


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


def resource(address: str, spec: Mapping[str, object]) -> Resource:
    at = Address.parse(address)
    kind = next(kind for kind in KINDS if kind.lower() == at.kind)
    parsed = TypeAdapter(KINDS[kind]).validate_python(spec)
    return Resource(at, parsed, Lifecycle(), Origin("manifests/all.yaml", 0))


Declare = Callable[[Mapping[str, Mapping[str, object]]], dict[Address, Resource]]


@pytest.fixture(scope="session")
def declare() -> Declare:
    """Address -> spec, as a manifest would say it; secrets resolved."""

    def make(documents: Mapping[str, Mapping[str, object]]) -> dict[Address, Resource]:
        return {Address.parse(address): resource(address, spec) for address, spec in documents.items()}

    return make
