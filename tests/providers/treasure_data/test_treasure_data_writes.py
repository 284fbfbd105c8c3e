"""What is sent for what is declared, as tables: resource -> call and fields."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler.errors import Conflict, NotFound, OutcomeUnknown, Permanent
from reconciler.model.activation import Outcome, Resolution
from reconciler.model.address import Address
from reconciler.model.resource import Resource
from reconciler.model.secret import Secret
from reconciler.model.unknown import Unknown
from reconciler.ports.provider import Context

if TYPE_CHECKING:
    from .conftest import Vendor

Declare = Callable[[Mapping[str, Mapping[str, object]]], dict[Address, Resource]]

SECRETS = {
    name: Secret(f"env:{name.upper()}", f"FAKE-{name}") for name in ("client_id", "client_secret", "refresh_token")
}
ACTIVATION = Address("activation", "buyers-daily")


def documents(**activation: object) -> dict[str, Mapping[str, object]]:
    return {
        "connection/pinterest-main": {"type": "pinterest", **SECRETS},
        "connection/here": {"type": "files", "root": "data"},
        "database/shop": {},
        "table/orders": {"database": "shop", "columns": [{"name": "id", "type": "int"}], "expire_days": 30},
        "schedule/nightly": {"cron": "@daily", "timezone": "Asia/Tokyo", "delay": "10m"},
        "query/totals": {"database": "shop", "sql": "SELECT 1;\r\n", "name": "Totals, all", "schedule": "nightly"},
        "audience/buyers": {"connection": "pinterest-main", "ad_account_id": "549760", "title": "Buyers"},
        "activation/buyers-daily": {
            "from": {"query": {"database": "shop", "sql": "SELECT email FROM buyers"}},
            "to": {"audience": "buyers"},
            "membership": "replace",
            "schedule": {"cron": "0 3 * * *"},
            **activation,
        },
        "import/orders": {
            "from": {"type": "files", "paths": ["orders/*.csv"], "connection": "here", "format": "csv"},
            "to": {"database": "shop", "table": "orders", "mode": "replace", "time_column": "bought_at"},
        },
    }


STEADY = Resolution(Outcome.STEADY, "replace_current_audience", {"audience_id_replace": "643"}, "643")
BOOTSTRAP = Resolution(Outcome.BOOTSTRAP, "create_new_audience", {"audience_name": "Buyers"})


def create(vendor: Vendor, context: Context, address: Address) -> None:
    provider, resource = vendor.provider(), context.resources[address]
    provider.create(resource, provider.desired(resource, context))


def update(vendor: Vendor, context: Context, address: Address, remote_id: str, *paths: str) -> None:
    provider, resource = vendor.provider(), context.resources[address]
    provider.update(resource, remote_id, provider.desired(resource, context), paths)


@pytest.mark.parametrize(
    ("address", "call", "fields"),
    [
        ("database/shop", "POST /v3/database/create/shop", {}),
        (
            "table/orders",
            "POST /v3/table/create/shop/orders/log",
            {"schema": '[["id","int"]]', "expire_days": "30"},
        ),
        (
            "query/totals",
            "POST /v3/schedule/create/Totals%2C%20all",
            {
                "type": "trino",
                "database": "shop",
                "query": "SELECT 1;\r\n",
                "cron": "0 0 * * *",
                "timezone": "Asia/Tokyo",
                "delay": "600",
                "result": "",
            },
        ),
        (
            "connection/pinterest-main",
            "POST /v4/connections",
            {
                "name": "pinterest-main",
                "type": "pinterest",
                "description": None,
                "shared": False,
                "settings": {
                    "client_id": "FAKE-client_id",
                    "client_secret": "FAKE-client_secret",
                    "refresh_token": "FAKE-refresh_token",
                },
            },
        ),
        (
            "import/orders",
            "POST /v3/bulk_loads",
            {
                "name": "orders",
                "database": "shop",
                "table": "orders",
                "time_column": "bought_at",
                "config": {
                    "in": {
                        "type": "files",
                        "paths": ["orders/*.csv"],
                        "root": "data",
                        "format": "csv",
                    },
                    "out": {"mode": "replace", "time_column": "bought_at"},
                    "exec": {},
                    "filters": [],
                },
            },
        ),
    ],
)
def test_a_create_sends_what_is_declared(
    vendor: Vendor, declare: Declare, address: str, call: str, fields: dict[str, object]
) -> None:
    vendor.says = {call: {"name": "orders", "id": 1}, "GET /v3/table/list/shop?include_descriptions=true": TABLES}

    create(vendor, Context(declare(documents())), Address.parse(address))

    assert vendor.asked[-1] == (call, fields)


TABLES = {"database": "shop", "tables": [{"name": "orders"}]}


def test_an_import_makes_its_table_first_when_there_is_none(vendor: Vendor, declare: Declare) -> None:
    vendor.says = {
        "GET /v3/table/list/shop?include_descriptions=true": {"tables": []},
        "POST /v3/table/create/shop/orders/log": httpx.Response(409, json={"error": "exists"}),
        "POST /v3/bulk_loads": {"name": "orders"},
    }

    create(vendor, Context(declare(documents())), Address("import", "orders"))

    assert [call for call, _ in vendor.asked] == list(vendor.says)


def result_of(vendor: Vendor) -> dict[str, object]:
    settings: dict[str, object] = json.loads(str(vendor.asked[-1][1]["result"]))
    return settings


def test_an_activation_exports_with_the_mode_that_was_resolved(vendor: Vendor, declare: Declare) -> None:
    vendor.says = {"POST /v3/schedule/create/buyers-daily": {"name": "buyers-daily"}}
    context = Context(declare(documents(delivery={"retry_count": 7}, on_invalid="fail")), resolution=STEADY)

    create(vendor, context, ACTIVATION)

    assert result_of(vendor) == {
        "type": "pinterest",
        "client_id": "FAKE-client_id",
        "client_secret": "FAKE-client_secret",
        "refresh_token": "FAKE-refresh_token",
        "ad_account_id": "549760",
        "audience_type": "customer_list",
        "ignore_invalid_records": False,
        "action": "REPLACE_CURRENT_AUDIENCE",
        "audience_id_replace": "643",
        "retry_count": 7,
    }
    assert vendor.asked[-1][1] | {"result": ""} == {
        "type": "trino",
        "database": "shop",
        "query": "SELECT email FROM buyers",
        "cron": "0 3 * * *",
        "timezone": "UTC",
        "delay": "0",
        "result": "",
    }


def test_in_create_mode_the_schedule_is_off(vendor: Vendor, declare: Declare) -> None:
    vendor.says = {"POST /v3/schedule/create/buyers-daily": {"name": "buyers-daily"}}

    create(vendor, Context(declare(documents()), resolution=BOOTSTRAP), ACTIVATION)

    sent = vendor.asked[-1][1]
    assert (sent["cron"], "timezone" in sent) == ("", False)
    assert result_of(vendor)["action"] == "CREATE_NEW_AUDIENCE"
    assert result_of(vendor)["audience_name"] == "Buyers"


@pytest.mark.parametrize(
    ("paths", "sent"),
    [
        (["/sql"], {"query": "SELECT 1;\r\n"}),
        (["/cron", "/delay"], {"cron": "0 0 * * *", "delay": "600"}),
        (["/engine", "/database"], {"type": "trino", "database": "shop"}),
        (["/name"], {"name": "Totals, all"}),
        (["/result"], {"result": ""}),
        (["/priority", "/retry_limit"], {"priority": "0", "retry_limit": "0"}),
    ],
)
def test_an_update_sends_the_changed_fields_only(
    vendor: Vendor, declare: Declare, paths: list[str], sent: dict[str, str]
) -> None:
    vendor.says = {"POST /v3/schedule/update/old%20name": {"name": "old name"}}

    update(vendor, Context(declare(documents())), Address("query", "totals"), "old name", *paths)

    assert vendor.asked == [("POST /v3/schedule/update/old%20name", sent)]


def test_a_setting_that_changed_sends_all_of_them_with_secrets(vendor: Vendor, declare: Declare) -> None:
    vendor.says = {"POST /v3/schedule/update/buyers-daily": {"name": "buyers-daily"}}

    update(
        vendor,
        Context(declare(documents()), resolution=STEADY),
        ACTIVATION,
        "buyers-daily",
        "/export/audience_id_replace",
    )

    assert list(vendor.asked[-1][1]) == ["result"]
    assert result_of(vendor)["refresh_token"] == "FAKE-refresh_token"


def test_a_schedule_can_be_switched_off(vendor: Vendor, declare: Declare) -> None:
    vendor.says = {"POST /v3/schedule/update/buyers-daily": {"name": "buyers-daily"}}
    context = Context(declare(documents(schedule={"cron": ""})), resolution=STEADY)

    update(vendor, context, ACTIVATION, "buyers-daily", "/cron")

    assert vendor.asked[-1][1] == {"cron": ""}


@pytest.mark.parametrize(
    "resolution",
    [
        None,
        Resolution(Outcome.NOTHING, why="audience_absent"),
        Resolution(Outcome.UNKNOWN, why="audience_unreadable"),
        replace(STEADY, settings={"audience_id_replace": Unknown(Address("audience", "buyers"))}),
    ],
)
def test_nothing_is_sent_before_the_mode_and_its_id_are_known(
    vendor: Vendor, declare: Declare, resolution: Resolution | None
) -> None:
    context = Context(declare(documents()), resolution=resolution)

    with pytest.raises(Permanent, match=r"has no export action yet|waits for audience/buyers"):
        create(vendor, context, ACTIVATION)

    assert vendor.asked == []


@pytest.mark.parametrize(
    ("paths", "calls"),
    [
        (["/columns"], [("POST /v3/table/update-schema/shop/orders_old", {"schema": '[["id","int"]]'})]),
        (["/expire_days"], [("POST /v3/table/update/shop/orders_old", {"expire_days": "30"})]),
        (["/description"], [("POST /v3/table/update/shop/orders_old", {"description": ""})]),
        (
            ["/name", "/expire_days"],
            [
                ("POST /v3/table/update/shop/orders_old", {"expire_days": "30"}),
                ("POST /v3/table/rename/shop/orders_old/orders", {}),
            ],
        ),
    ],
)
def test_a_table_is_changed_where_it_is_and_renamed_last(
    vendor: Vendor, declare: Declare, paths: list[str], calls: list[tuple[str, dict[str, str]]]
) -> None:
    vendor.says = {call: {"table": "orders"} for call, _ in calls}

    update(vendor, Context(declare(documents())), Address("table", "orders"), "shop.orders_old", *paths)

    assert vendor.asked == calls


def test_an_import_that_changes_keeps_its_position(vendor: Vendor, declare: Declare) -> None:
    vendor.says = {"PUT /v3/bulk_loads/orders": {"name": "orders", "config_diff": {"in": {"last_record": [7]}}}}

    update(vendor, Context(declare(documents())), Address("import", "orders"), "orders", "/timezone", "/delay")

    assert vendor.asked == [("PUT /v3/bulk_loads/orders", {"timezone": "UTC", "delay": 0})]


def test_an_import_whose_source_changes_keeps_what_others_configured(vendor: Vendor, declare: Declare) -> None:
    filters = [{"type": "add_time", "to_column": {"name": "time"}, "from_value": {"mode": "upload_time"}}]
    config = {"in": {"type": "files"}, "out": {"mode": "append"}, "exec": {"min_output_tasks": 1}, "filters": filters}
    vendor.says = {
        "GET /v3/bulk_loads/orders": {"name": "orders", "config": config},
        "PUT /v3/bulk_loads/orders": {"name": "orders", "config": config},
    }

    update(vendor, Context(declare(documents())), Address("import", "orders"), "orders", "/mode")

    (_, (call, sent)) = vendor.asked
    assert call == "PUT /v3/bulk_loads/orders"
    assert (sent["config"]["filters"], sent["config"]["exec"]) == (filters, {"min_output_tasks": 1})


def test_filters_that_hide_a_part_of_themselves_are_not_sent_back(vendor: Vendor, declare: Declare) -> None:
    config = {"filters": [{"type": "encrypt", "key_hex": "***"}]}
    vendor.says = {"GET /v3/bulk_loads/orders": {"name": "orders", "config": config}}

    with pytest.raises(Permanent, match="its filters at Treasure Data hold secrets"):
        update(vendor, Context(declare(documents())), Address("import", "orders"), "orders", "/source")


def test_a_schedule_that_the_vendor_keeps_is_told(vendor: Vendor, declare: Declare) -> None:
    vendor.says = {"PUT /v3/bulk_loads/orders": {"name": "orders", "cron": "0 3 * * *", "timezone": "UTC"}}

    with pytest.raises(Permanent, match=r"kept the schedule '0 3 \* \* \*'"):
        update(vendor, Context(declare(documents())), Address("import", "orders"), "orders", "/cron")


def test_a_connection_is_made_by_a_person_where_the_vendor_wants_it(vendor: Vendor, declare: Declare) -> None:
    provider = vendor.provider(creates_connections=False)
    context = Context(declare(documents()))
    resource = context.resources[Address("connection", "pinterest-main")]

    with pytest.raises(Permanent) as caught:
        provider.create(resource, provider.desired(resource, context))

    assert caught.value.hint == (
        "make it once in the console (Integrations Hub, Authentications), call it 'pinterest-main', then apply again"
    )
    assert vendor.asked == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.ReadError("reset"), OutcomeUnknown),
        (httpx.Response(502), OutcomeUnknown),
        (httpx.Response(409, json={"error": "exists"}), Conflict),
        (httpx.Response(422, json={"error": "Validation failed"}), Permanent),
        (httpx.Response(404, json={"error": "Couldn't find UserDatabase with name = shop"}), NotFound),
    ],
)
def test_a_create_is_sent_once_whatever_comes_back(
    vendor: Vendor, declare: Declare, answer: object, error: type[Exception]
) -> None:
    vendor.says = {"POST /v3/schedule/create/Totals%2C%20all": answer}

    with pytest.raises(error):
        create(vendor, Context(declare(documents())), Address("query", "totals"))

    assert len(vendor.asked) == 1


def test_no_secret_shows_in_what_a_refusal_says(vendor: Vendor, declare: Declare) -> None:
    echo = {"error": 'client_secret "FAKE-client_secret" is wrong'}
    vendor.says = {"POST /v3/schedule/create/buyers-daily": httpx.Response(422, json=echo)}

    with pytest.raises(Permanent) as caught:
        create(vendor, Context(declare(documents()), resolution=STEADY), ACTIVATION)

    assert "FAKE-client_secret" not in str(caught.value)


def test_an_import_says_what_may_be_missing_and_leaves_the_columns_to_its_table(
    vendor: Vendor, declare: Declare
) -> None:
    columns = [{"name": "id", "type": "int"}, {"name": "note", "type": "string", "optional": True}]
    declared = declare(
        {
            "table/orders": {"database": "shop", "columns": columns},
            "import/one": {
                "from": {"type": "files", "paths": ["a.csv"]},
                "to": {"database": "shop", "table": "orders"},
            },
            "import/other": {
                "from": {"type": "files", "paths": ["a.csv"]},
                "to": {"database": "shop", "table": "free"},
            },
        }
    )
    sources = {
        name: vendor.provider().desired(declared[Address("import", name)], Context(declared)).attributes["source"]
        for name in ("one", "other")
    }
    files = {"type": "files", "paths": ["a.csv"], "root": "."}
    assert sources == {
        "one": {**files, "optional": ["note"]},
        "other": files,
    }
