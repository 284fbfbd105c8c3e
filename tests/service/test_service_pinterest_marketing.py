"""Advertising from a Pinterest on this machine into tables of the service, as each method has it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from service_world import OpenWorld, World

from reconciler.connectors.sources.pinterest_marketing import PinterestMarketingSource, connector
from reconciler.emulators.pinterest.knobs import Knobs
from reconciler.emulators.pinterest.tokens import AppCredentials
from reconciler.emulators.sandbox import Sandbox
from reconciler.emulators.timeline import Timeline
from reconciler.ports.clock import SystemClock
from reconciler.ports.tokens import Tokens

OWN = "549700000001"
CREDENTIALS = AppCredentials("1500001", "secret-of-the-app", "pinr.granted")


class KeptTokens:
    def __init__(self) -> None:
        self._saved: dict[str, Tokens] = {}

    def load(self, key: str) -> Tokens | None:
        return self._saved.get(key)

    def save(self, key: str, tokens: Tokens) -> None:
        self._saved[key] = tokens

    @contextmanager
    def exclusive(self, key: str) -> Iterator[None]:
        del key
        yield


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    timeline = Timeline(lambda: 1_790_000_000.0)
    with Sandbox(CREDENTIALS, knobs=Knobs(rate_tier="off"), timeline=timeline) as sandbox:
        yield sandbox


@pytest.fixture
def world(open_world: OpenWorld, sandbox: Sandbox) -> World:
    connect = connector(KeptTokens(), base_url=sandbox.base_url)
    world = open_world(importer=PinterestMarketingSource(connect, SystemClock()))
    world.post("/v3/database/create/ads")
    return world


def load(world: World, method: str) -> None:
    source = {
        "type": "pinterest_marketing",
        "client_id": "1500001",
        "client_secret": "secret-of-the-app",
        "refresh_token": "pinr.granted",
        "ad_account_id": OWN,
        "table": "campaigns",
        "method": method,
    }
    told = {"name": "ads", "database": "ads", "table": "campaigns", "config": {"in": source}}
    world.json("POST", "/v3/bulk_loads", told)


def run(world: World) -> dict[str, Any]:
    job_id = world.client.post("/v3/bulk_loads/ads/jobs", json={}).json()["job_id"]
    assert world.service.wait(60)
    job: dict[str, Any] = world.get(f"/v3/job/show/{job_id}")
    return job


def put(sandbox: Sandbox, key: str, name: str, updated: int) -> None:
    fields = {"ad_account_id": OWN, "name": name, "status": "ARCHIVED", "updated_time": updated, "start_time": None}
    sandbox.control.call("PUT", f"/objects/campaigns/{key}", fields)


@pytest.mark.parametrize(
    ("method", "rows"),
    [
        ("cdc", [["1", "a"], ["2", "B"], ["3", "c"]]),
        ("reload-and-compare", [["2", "B"], ["3", "c"]]),
        ("full-load", [["2", "B"], ["3", "c"]]),
        ("reload", [["2", "B"], ["3", "c"]]),
    ],
)
def test_what_becomes_of_rows_that_are_there(
    world: World, sandbox: Sandbox, method: str, rows: list[list[str]]
) -> None:
    put(sandbox, "1", "a", 1_780_000_001)
    put(sandbox, "2", "b", 1_780_000_002)
    load(world, method)
    assert run(world)["status"] == "success"
    sandbox.control.call("DELETE", "/objects/campaigns/1")
    put(sandbox, "2", "B", 1_780_000_003)
    put(sandbox, "3", "c", 1_780_000_004)

    assert run(world)["status"] == "success"
    assert world.rows("SELECT id, name FROM campaigns ORDER BY id", database="ads") == rows


@pytest.mark.parametrize("method", ["cdc", "reload-and-compare", "full-load"])
def test_a_run_that_fails_leaves_the_table_and_the_next_one_makes_up_for_it(
    world: World, sandbox: Sandbox, method: str
) -> None:
    for number in range(1, 300):
        put(sandbox, str(number), "a", 1_780_000_000 + number)
    load(world, method)
    sandbox.control.fault("error", status=403, code=29, message="no", path="/ad_accounts/*/campaigns", nth=2)
    failed = run(world)

    assert failed["status"] == "error"
    assert "secret-of-the-app" not in str(failed)
    assert run(world)["status"] == "success"
    assert world.rows("SELECT count(*), count(DISTINCT id) FROM campaigns", database="ads") == [[299, 299]]
