"""What is advertised, held against the vendor's description: every answer of the emulator, and every request of our source."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
from memory_tokens import MemoryTokens
from openapi_contract import CheckedTransport
from pinterest_advertising import AD, AD_GROUP, CAMPAIGN, OBJECTS, OWN, TAG, TODAY, put_everything
from pinterest_contract import UNDESCRIBED, PinterestContract, needs_contract

from reconciler.connectors.sources.pinterest_marketing import PinterestMarketingSource, connector
from reconciler.connectors.sources.pinterest_marketing_tables import TABLES
from reconciler.emulators.pinterest.app import OPERATIONS
from reconciler.emulators.remote_control import RemoteControl
from reconciler.emulators.sandbox import Sandbox
from reconciler.model.advertising import TARGETED, AdTable
from reconciler.model.json import Json
from reconciler.ports.loads import LoadRequest

pytestmark = needs_contract

AT = "/ad_accounts/{ad_account_id}"
METRICS = {"start_date": "2026-09-01", "end_date": TODAY, "granularity": "DAY", "columns": "SPEND_IN_MICRO_DOLLAR,ECTR"}
STATUSES = {"entity_statuses": ["ACTIVE", "PAUSED", "ARCHIVED", "DRAFT", "DELETED_DRAFT"], "order": "ASCENDING"}
QUERIES: dict[str, dict[str, Any]] = {
    "/user_account": {},
    "/ad_accounts": {"page_size": 1},
    AT: {},
    f"{AT}/customer_lists": {"order": "DESCENDING"},
    f"{AT}/audiences": {"ownership_type": "OWNED"},
    f"{AT}/campaigns": STATUSES,
    f"{AT}/campaigns/{{campaign_id}}": {},
    f"{AT}/ad_groups": {**STATUSES, "campaign_ids": [CAMPAIGN]},
    f"{AT}/ad_groups/{{ad_group_id}}": {},
    f"{AT}/ads": {**STATUSES, "ad_ids": [AD, "7"]},
    f"{AT}/ads/{{ad_id}}": {},
    f"{AT}/keywords": {"ad_group_id": AD_GROUP},
    f"{AT}/conversion_tags": {"filter_deleted": "true"},
    f"{AT}/conversion_tags/{{conversion_tag_id}}": {},
    f"{AT}/conversion_tags/page_visit": {},
    "/catalogs": {"ad_account_id": OWN},
    "/catalogs/feeds": {"ad_account_id": OWN},
    "/catalogs/product_groups": {"ad_account_id": OWN},
    f"{AT}/analytics": METRICS,
    f"{AT}/campaigns/analytics": {**METRICS, "campaign_ids": [CAMPAIGN, "7"]},
    f"{AT}/ad_groups/analytics": {**METRICS, "ad_group_ids": [AD_GROUP]},
    f"{AT}/ads/analytics": {**METRICS, "ad_ids": [AD]},
    f"{AT}/targeting_analytics": {**METRICS, "targeting_types": "GENDER,LOCATION"},
    f"{AT}/reports": {"token": "x=="},
}
"""Path of each operation that reads advertising -> a query that finds something."""
IDS = {"ad_account_id": OWN, "campaign_id": CAMPAIGN, "ad_group_id": AD_GROUP, "ad_id": AD, "conversion_tag_id": TAG}
OF_AUDIENCES = {f"{AT}/customer_lists/{{customer_list_id}}", f"{AT}/audiences/{{audience_id}}"}
"""What is not advertising, and has tests of its own."""


def test_every_operation_is_asked_and_described(contract: PinterestContract) -> None:
    read = {operation.path for operation in OPERATIONS if not operation.writes}
    assert read - OF_AUDIENCES == set(QUERIES)
    assert read - contract.paths == UNDESCRIBED


@pytest.mark.parametrize("path", QUERIES)
def test_every_answer_is_as_described(client: httpx.Client, control: RemoteControl, path: str) -> None:
    put_everything(control)

    answer = client.get(path.format(**IDS), params=QUERIES[path])

    assert answer.status_code == 200
    told = answer.json()
    rows = told.get("items", told.get("data", [told])) if isinstance(told, dict) else told
    assert rows, "an answer without rows says nothing of rows"


@pytest.mark.parametrize("path", QUERIES)
def test_every_refusal_is_as_described(client: httpx.Client, control: RemoteControl, path: str) -> None:
    put_everything(control)
    query, own = QUERIES[path], path.format(**IDS)
    writer = f"Bearer {control.access_token('ads:write')}"
    told = [
        client.get(own, params=query, headers={"authorization": "Bearer nobody"}),
        client.get(own, params=query, headers={"authorization": writer}),
    ]
    expected = [401, 401, 429, 503]
    control.fault("rate_limited", path=own, reset_s=0)
    told.append(client.get(own, params=query))
    control.fault("error", path=own, status=503)
    told.append(client.get(own, params=query))
    if "ad_account_id" in path:
        told.append(client.get(path.format(**{**IDS, "ad_account_id": "7"}), params=query))
        told.append(client.get(path.format(**{**IDS, "ad_account_id": "x"}), params=query))
        expected += [404, 400]
    elif "ad_account_id" in query:
        told.append(client.get(own, params={**query, "ad_account_id": "7"}))
        expected += [403]

    assert [answer.status_code for answer in told] == expected


@pytest.mark.parametrize(
    ("collection", "key"), [("campaigns", CAMPAIGN), ("ad_groups", AD_GROUP), ("ads", AD), ("conversion_tags", TAG)]
)
def test_one_by_its_id_is_as_in_the_list(
    client: httpx.Client, control: RemoteControl, collection: str, key: str
) -> None:
    put_everything(control)
    one = client.get(f"/ad_accounts/{OWN}/{collection}/{key}").json()
    assert one in client.get(f"/ad_accounts/{OWN}/{collection}").json()["items"]
    assert one.items() >= OBJECTS[collection][key].items()
    assert client.get(f"/ad_accounts/{OWN}/{collection}/7").status_code == 404


def test_objects_that_are_put_with_nothing_have_what_they_must(client: httpx.Client, control: RemoteControl) -> None:
    for collection in OBJECTS:
        control.call("PUT", f"/objects/{collection}/5", {"ad_account_id": OWN, "status": "ACTIVE", "parent_id": OWN})
    for path in ("campaigns", "ad_groups", "ads", "keywords", "conversion_tags"):
        assert len(client.get(f"/ad_accounts/{OWN}/{path}").json()["items"]) == 1
    assert len(client.get("/catalogs", params={"ad_account_id": OWN}).json()["items"]) == 1


def loaded(
    sandbox: Sandbox, contract: PinterestContract, folder: Path, table: str, position: Mapping[str, Json]
) -> tuple[int, Mapping[str, Json]]:
    """How many rows a run brings whose requests are all held against *contract*, and how far it came."""
    connect = connector(MemoryTokens(), base_url=sandbox.base_url, transport=lambda: CheckedTransport(contract))
    source: dict[str, Json] = {
        "type": "pinterest_marketing",
        "client_id": "1500001",
        "client_secret": "secret-of-the-app",
        "refresh_token": "pinr.granted",
        "ad_account_id": OWN,
        "table": table,
        **({"targeting_types": ["GENDER", "LOCATION"]} if table in TARGETED else {}),
        **({} if getattr(TABLES[table], "cursor", True) else {"method": "reload-and-compare"}),
    }
    with duckdb.connect(config={"temp_directory": str(folder)}) as connection:
        request = LoadRequest(source, "1", position=position)
        told = PinterestMarketingSource(connect, StoodStill()).read(request, connection, lambda *_: None)
        [(count,)] = connection.execute(f"SELECT count(*) FROM {told.relation}").fetchall()
        return count, told.position or {}


class StoodStill:
    """The emulator's time."""

    def now(self) -> float:
        return 1_790_000_000.0

    def sleep(self, seconds: float) -> None:
        pass


@pytest.mark.parametrize("table", AdTable)
def test_every_request_of_the_source_is_as_described(
    sandbox: Sandbox, contract: PinterestContract, tmp_path: Path, table: AdTable
) -> None:
    put_everything(sandbox.control)
    sandbox.control.knobs(report_s=0)
    contract.violations.clear()
    checked = contract.checked

    count, position = loaded(sandbox, contract, tmp_path, table, {})
    again, _ = loaded(sandbox, contract, tmp_path, table, position)

    assert (count > 0, again > 0) == (True, True)
    assert contract.checked - checked >= 4, "tokens and rows, twice"
    assert contract.violations == []


@pytest.mark.parametrize(
    ("method", "path", "query", "told"),
    [
        ("GET", "campaigns", "page_size=250", {"items": [{"id": 626735000001}]}),
        ("GET", "campaigns", "page_size=250", {"bookmark": None}),
        ("GET", "campaigns", "page_size=251", {"items": []}),
        ("GET", "campaigns", "entity_statuses=GONE", {"items": []}),
        ("GET", "ad_groups", "", {"items": [{"bid_strategy_type": "CHEAP"}]}),
        ("GET", "ads", "", {"items": [{"review_status": "FINE"}]}),
        ("GET", "keywords", "", {"items": [{"id": "1", "match_type": "BROAD"}]}),
        ("GET", "conversion_tags", "", {"items": [{"id": "1"}]}),
        ("GET", "analytics", "start_date=2026-09-01&end_date=2026-09-02&granularity=DAY", []),
        ("GET", "analytics", "start_date=2026-09-01&end_date=2026-09-02&granularity=DAY&columns=ECTR", [{"DATE": TODAY}]),
        ("GET", "targeting_analytics", "start_date=2026-09-01&end_date=2026-09-02&granularity=DAY&columns=ECTR", {}),
        ("GET", "reports", "token=x", {"report_status": "DONE"}),
        ("POST", "reports", "", {"report_status": "IN_PROGRESS", "token": "x"}),
    ],
)  # fmt: skip
def test_a_violation_would_be_noticed(
    contract: PinterestContract, method: str, path: str, query: str, told: Json
) -> None:
    body = {"start_date": TODAY, "end_date": TODAY, "granularity": "DAY", "columns": ["ECTR"], "level": "WORLD"}
    request = httpx.Request(
        method,
        f"{contract.host}/v5/ad_accounts/{OWN}/{path}?{query}",
        headers={"authorization": "Bearer x"},
        json=body if method == "POST" else None,
    )
    contract.violations.clear()
    contract.check(request, httpx.Response(200, json=told))
    assert len(contract.violations) == 1
    contract.violations.clear()
