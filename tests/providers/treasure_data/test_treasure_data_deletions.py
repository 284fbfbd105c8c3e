"""What goes is really gone, or said not to be; what does not go is switched off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler.errors import Permanent
from reconciler.model.address import Address
from reconciler.model.record import Record

if TYPE_CHECKING:
    from .conftest import Vendor

RECORD = Record("x", {})
TABLES = {"database": "shop", "tables": [{"name": "orders"}]}


def test_a_database_with_foreign_tables_is_not_deleted(vendor: Vendor) -> None:
    vendor.says = {"GET /v3/table/list/shop?include_descriptions=true": TABLES}

    with pytest.raises(Permanent, match="still holds 1 tables that tdr does not manage: orders"):
        vendor.provider().delete(Address("database", "shop"), "shop", RECORD)


GONE = httpx.Response(404, json={"error": "not found"})
EMPTY: dict[str, object] = {
    "GET /v3/database/list": {"databases": []},
    "GET /v3/table/list/shop?include_descriptions=true": {"tables": []},
    "GET /v3/schedule/list": {"schedules": []},
    "GET /v3/bulk_loads": {"bulk_loads": []},
    "GET /v4/connections": {"connections": []},
}
DELETIONS = [
    ("database/shop", "shop", "POST /v3/database/delete/shop", "GET /v3/database/list"),
    (
        "table/orders",
        "shop.orders",
        "POST /v3/table/delete/shop/orders",
        "GET /v3/table/list/shop?include_descriptions=true",
    ),
    ("query/totals", "Totals", "POST /v3/schedule/delete/Totals", "GET /v3/schedule/list"),
    ("activation/buyers", "buyers", "POST /v3/schedule/delete/buyers", "GET /v3/schedule/list"),
    ("import/orders", "orders", "DELETE /v3/bulk_loads/orders", "GET /v3/bulk_loads"),
    ("connection/main", "7", "DELETE /v4/connections/7", "GET /v4/connections"),
]


@pytest.mark.parametrize(("address", "remote_id", "call", "listing"), DELETIONS)
def test_deleting_what_is_gone_succeeds_once_its_list_says_so_too(
    vendor: Vendor, address: str, remote_id: str, call: str, listing: str
) -> None:
    vendor.says = EMPTY | {call: GONE}

    vendor.provider().delete(Address.parse(address), remote_id, Record(remote_id, {}))

    asked = [asked for asked, _ in vendor.asked]
    assert call in asked
    assert asked[-1] == listing


LISTED = {
    "table": {"tables": [{"name": "orders", "schema": "[]"}]},
    "query": {"schedules": [{"name": "Totals", "type": "trino", "database": "shop", "query": "SELECT 1"}]},
    "import": {"bulk_loads": [{"name": "orders", "database": "shop", "table": "orders", "config": {"in": {}}}]},
    "connection": {"connections": [{"id": "7", "name": "main", "type": "pinterest", "settings": {}}]},
}


@pytest.mark.parametrize(
    ("address", "remote_id", "call", "listing"), [case for case in DELETIONS if case[0].split("/")[0] in LISTED]
)
def test_not_found_for_what_is_listed_is_no_deletion(
    vendor: Vendor, address: str, remote_id: str, call: str, listing: str
) -> None:
    vendor.says = EMPTY | {call: GONE, listing: LISTED[address.split("/", maxsplit=1)[0]]}

    with pytest.raises(Permanent, match="and yet it is listed"):
        vendor.provider().delete(Address.parse(address), remote_id, Record(remote_id, {}))


@pytest.mark.parametrize(
    ("address", "call", "answer"),
    [
        ("query/totals", "POST /v3/schedule/update/x", {"name": "x"}),
        ("activation/buyers", "POST /v3/schedule/update/x", {"name": "x"}),
        ("import/orders", "PUT /v3/bulk_loads/x", {"name": "x"}),
    ],
)
def test_disabling_takes_the_schedule_off(vendor: Vendor, address: str, call: str, answer: object) -> None:
    vendor.says = {call: answer}

    vendor.provider().disable(Address.parse(address), "x", RECORD)

    assert vendor.asked == [(call, {"cron": ""})]


@pytest.mark.parametrize("address", ["database/shop", "table/orders", "connection/main"])
def test_what_does_nothing_by_itself_is_disabled_without_a_call(vendor: Vendor, address: str) -> None:
    vendor.provider().disable(Address.parse(address), "x", RECORD)

    assert vendor.asked == []
