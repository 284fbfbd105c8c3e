"""What is seen for what the vendor tells: never absent because it was not readable, never more calls than needed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler.errors import Denied
from reconciler.model.address import Address
from reconciler.model.json import Json
from reconciler.model.observation import Finding, Observation, Seen, Unreadable
from reconciler.model.record import Record
from reconciler.model.resource import Resource
from reconciler.ports.provider import Context, Job, JobStatus, Wanted

if TYPE_CHECKING:
    from .conftest import Vendor

Declare = Callable[[Mapping[str, Mapping[str, object]]], dict[Address, Resource]]

TABLES = "GET /v3/table/list/shop?include_descriptions=true"
EMPTY: dict[str, object] = {
    "GET /v3/database/list": {"databases": []},
    TABLES: {"tables": []},
    "GET /v3/schedule/list": {"schedules": []},
    "GET /v3/bulk_loads": [],
    "GET /v4/connections": [],
}
DOCUMENTS: dict[str, Mapping[str, object]] = {
    "connection/here": {"type": "files"},
    "database/shop": {},
    "table/orders": {"database": "shop"},
    "query/totals": {"database": "shop", "sql": "SELECT 1"},
    "query/daily": {"database": "shop", "sql": "SELECT 2", "name": "Daily 日次"},
    "import/orders": {"from": {"type": "files", "paths": ["a.csv"]}, "to": {"database": "shop", "table": "orders"}},
}


def look(
    vendor: Vendor, resources: Mapping[Address, Resource], records: Mapping[Address, Record] | None = None
) -> Mapping[Address, Seen]:
    records = records or {}
    wanted = [Wanted(at, resources.get(at), records.get(at)) for at in sorted({*resources, *records})]
    return vendor.provider().observe(wanted, Context(resources))


def test_one_list_call_a_family_is_enough(vendor: Vendor, declare: Declare) -> None:
    vendor.says = dict(EMPTY)

    seen = look(vendor, declare(DOCUMENTS))

    assert sorted(call for call, _ in vendor.asked) == sorted(EMPTY)
    assert seen == {Address.parse(address): Finding() for address in DOCUMENTS}


@pytest.mark.parametrize(
    ("call", "addresses"),
    [
        ("GET /v3/database/list", ["database/shop"]),
        (TABLES, ["table/orders"]),
        ("GET /v3/schedule/list", ["query/totals", "query/daily"]),
        ("GET /v3/bulk_loads", ["import/orders"]),
        ("GET /v4/connections", ["connection/here"]),
    ],
)
@pytest.mark.parametrize(
    "answer",
    [httpx.Response(403), httpx.Response(401), httpx.Response(500), httpx.ConnectError("no route"), "?"],
    ids=str,
)
def test_what_cannot_be_read_is_unreadable_and_the_rest_is_seen(
    vendor: Vendor, declare: Declare, call: str, addresses: list[str], answer: object
) -> None:
    vendor.says = {**EMPTY, call: answer}

    seen = look(vendor, declare(DOCUMENTS))

    assert [str(at) for at, found in seen.items() if isinstance(found, Unreadable)] == sorted(addresses)
    assert all(found == Finding() for found in seen.values() if not isinstance(found, Unreadable))


def test_a_table_in_a_database_that_is_gone_is_absent(vendor: Vendor, declare: Declare) -> None:
    vendor.says = {TABLES: httpx.Response(404, json={"error": "Couldn't find UserDatabase with name = shop"})}

    seen = look(vendor, declare({"table/orders": {"database": "shop"}}))

    assert seen == {Address("table", "orders"): Finding()}


def test_one_table_that_cannot_be_understood_does_not_hide_the_others(vendor: Vendor, declare: Declare) -> None:
    vendor.says = {TABLES: {"tables": [{"name": "orders", "schema": "{"}, {"name": "buyers", "schema": "[]"}]}}

    seen = look(vendor, declare({"table/orders": {"database": "shop"}, "table/buyers": {"database": "shop"}}))

    assert {str(at): type(found) for at, found in seen.items()} == {"table/orders": Unreadable, "table/buyers": Finding}


def test_a_lookup_that_is_denied_is_not_absence(vendor: Vendor, declare: Declare) -> None:
    vendor.says = {
        "GET /v3/connections/lookup?name=pin": httpx.Response(403, json={"error": "no permission to read pin"}),
        "GET /v3/connections/lookup?name=crm": httpx.Response(404, json={"error": "not found"}),
        "GET /v3/connections/lookup?name=dwh": {"id": 4711},
    }
    resources = declare({f"connection/{name}": {"type": "files"} for name in ("pin", "crm", "dwh")})
    records = {Address("connection", "dwh"): Record("4711", {}), Address("connection", "gone"): Record("9", {})}
    wanted = [Wanted(at, resources.get(at), records.get(at)) for at in sorted({*resources, *records})]

    seen = vendor.provider(creates_connections=False).observe(wanted, Context(resources))

    found = Observation("4711", {"name": "dwh"})
    denied = seen.pop(Address("connection", "pin"))
    assert isinstance(denied, Unreadable)
    assert isinstance(denied.error, Denied)
    assert seen == {
        Address("connection", "crm"): Finding(),
        Address("connection", "dwh"): Finding(found, (found,)),
        Address("connection", "gone"): Finding(),
    }


SCHEDULE: dict[str, Json] = {
    "name": "totals",
    "cron": None,
    "timezone": "UTC",
    "delay": 0,
    "created_at": "2025-03-01T09:00:00Z",
    "type": "hive",
    "query": "SELECT 1",
    "database": "shop",
    "user_name": "Ana Lima",
    "priority": 0,
    "retry_limit": 0,
    "result": "",
    "next_time": None,
}
ATTRIBUTES: dict[str, Json] = {
    "name": "totals",
    "database": "shop",
    "engine": "hive",
    "sql": "SELECT 1",
    "cron": "",
    "timezone": "UTC",
    "delay": 0,
    "priority": 0,
    "retry_limit": 0,
    "result": "",
}


def test_a_saved_query_is_seen_by_its_remembered_and_by_its_declared_name(vendor: Vendor, declare: Declare) -> None:
    vendor.says = {
        "GET /v3/schedule/list": {"schedules": [SCHEDULE, {**SCHEDULE, "name": "old"}, {**SCHEDULE, "name": "foreign"}]}
    }
    totals = Address("query", "totals")
    resources = declare({"query/totals": DOCUMENTS["query/totals"]})

    seen = look(vendor, resources, {totals: Record("old", {}), Address("query", "left"): Record("foreign", {})})

    def as_seen(name: str) -> Observation:
        return Observation(name, {**ATTRIBUTES, "name": name}, {"user_name": "Ana Lima"}, 1_740_819_600)

    assert seen == {
        totals: Finding(as_seen("old"), (as_seen("totals"),)),
        Address("query", "left"): Finding(as_seen("foreign")),
    }


def test_connections_of_one_name_are_all_told(vendor: Vendor, declare: Declare) -> None:
    vendor.says = {
        "GET /v4/connections": [{"id": 2, "name": "here"}, {"id": "1", "name": "here"}, {"id": 3, "name": "x"}]
    }

    seen = look(vendor, declare({"connection/here": {"type": "files"}}))

    found = seen[Address("connection", "here")]
    assert isinstance(found, Finding)
    assert [one.remote_id for one in found.by_key] == ["1", "2"]


def test_no_secret_and_no_mask_is_ever_an_attribute(vendor: Vendor, declare: Declare) -> None:
    result = json.dumps({"type": "pinterest", "client_secret": "***", "refresh_token": "FAKE-token", "note": "***"})
    vendor.says = {"GET /v3/schedule/list": {"schedules": [{**SCHEDULE, "result": result}]}}
    documents: dict[str, Mapping[str, object]] = {
        "activation/totals": {
            "from": {"query": {"database": "shop", "sql": "SELECT 1"}},
            "to": {"audience": "a"},
            "membership": "add",
        }
    }

    found = look(vendor, declare(documents))[Address("activation", "totals")]

    assert isinstance(found, Finding)
    assert found.by_key[0].attributes["export"] == {"type": "pinterest"}


def test_what_moves_by_itself_is_no_attribute_of_an_import(vendor: Vendor, declare: Declare) -> None:
    session: dict[str, Json] = {
        "id": 1000,
        "name": "orders",
        "cron": None,
        "timezone": "UTC",
        "delay": 0,
        "start_at": None,
        "database": "shop",
        "table": "orders",
        "config": {
            "in": {"type": "files", "paths": ["a.csv"], "root": ".", "secret_key": "***"},
            "filters": [{"type": "add_time"}],
            "exec": {},
            "out": {
                "type": "td_internal",
                "plazma_dataset": "1/shop/orders_2025",
                "mode": "append",
                "time_column": "t",
            },
        },
        "config_diff": {"in": {"last_record": [7]}},
    }
    vendor.says = {"GET /v3/bulk_loads": [session]}

    found = look(vendor, declare({"import/orders": DOCUMENTS["import/orders"]}))[Address("import", "orders")]

    assert isinstance(found, Finding)
    assert found.by_key[0].attributes == {
        "name": "orders",
        "database": "shop",
        "table": "orders",
        "file": "",
        "file_connection": "",
        "mode": "append",
        "time_column": "t",
        "key": [],
        "source": {"type": "files", "paths": ["a.csv"], "root": "."},
        "cron": "",
        "timezone": "UTC",
        "delay": 0,
    }


def job(status: str, export: str | None = None, log: str = "", **more: Json) -> dict[str, Json]:
    return {
        "job_id": "9",
        "status": status,
        "linked_result_export_job_id": export,
        "debug": {"cmdout": log, "stderr": None},
        **more,
    }


@pytest.mark.parametrize(
    ("query", "export", "expected"),
    [
        (job("queued"), None, Job("9", JobStatus.QUEUED)),
        (job("booting"), None, Job("9", JobStatus.RUNNING)),
        (job("running", tdr_progress={"done": 5, "total": 10}), None, Job("9", JobStatus.RUNNING, 5, 10)),
        (job("error", log="line 1: no such table"), None, Job("9", JobStatus.ERROR, log="line 1: no such table")),
        (job("error", "10"), None, Job("9", JobStatus.ERROR)),
        (job("killed"), None, Job("9", JobStatus.KILLED)),
        (job("success"), None, Job("9", JobStatus.SUCCESS)),
        (job("success", "10"), job("queued"), Job("9", JobStatus.RUNNING)),
        (job("success", "10"), job("running", tdr_progress={"done": 1, "total": 2}), Job("9", JobStatus.RUNNING, 1, 2)),
        (job("success", "10", "4 rows"), job("success", log="sent"), Job("9", JobStatus.SUCCESS, log="4 rows\nsent")),
        (job("success", "10"), job("error", log="exists already"), Job("9", JobStatus.ERROR, log="exists already")),
    ],
)
def test_a_run_is_finished_when_its_export_is(vendor: Vendor, query: Json, export: Json, expected: Job) -> None:
    vendor.says = {"GET /v3/job/show/9": query, "GET /v3/job/show/10": export}

    assert vendor.provider().job("9") == expected


def test_a_log_is_its_end_without_personal_data(vendor: Vendor) -> None:
    vendor.says = {"GET /v3/job/show/9": job("error", log="x" * 9000 + " row ana@example.com refused")}

    told = vendor.provider().job("9")

    assert (len(told.log), told.log[-20:]) == (4000, "xxxxx row *** refused"[-20:])


def test_the_newest_run_is_the_one_with_the_highest_number(vendor: Vendor) -> None:
    vendor.says = {
        "GET /v3/bulk_loads/orders/jobs": [{"job_id": 7}, {"job_id": "9"}, {"job_id": 8}],
        "GET /v3/schedule/history/totals?from=0&to=1": {"history": [{"job_id": 9}]},
        "GET /v3/schedule/history/never?from=0&to=1": {"history": []},
        "GET /v3/job/show/9": job("success"),
    }
    provider = vendor.provider()

    assert provider.last_job(Address("import", "orders"), "orders") == Job("9", JobStatus.SUCCESS)
    assert provider.last_job(Address("query", "totals"), "totals") == Job("9", JobStatus.SUCCESS)
    assert provider.last_job(Address("query", "never"), "never") is None


def test_runs_are_told_newest_first_with_their_times_and_the_end_of_their_exports(vendor: Vendor) -> None:
    times = {"created_at": "2025-03-01 09:00:00 UTC", "start_at": "2025-03-01 09:00:01 UTC"}
    ended = times | {"end_at": "2025-03-01 09:00:05 UTC", "num_records": 4}
    vendor.says = {
        "GET /v3/schedule/history/daily?from=0&to=2": {
            "history": [
                {"job_id": "8", "status": "error", **ended},
                {"job_id": "9", "status": "success", "linked_result_export_job_id": "10", **ended},
            ]
        },
        "GET /v3/job/show/9": job("success", "10") | ended,
        "GET /v3/job/show/10": job("running") | {"start_at": "2025-03-01 09:00:06 UTC", "num_records": 3},
        "GET /v3/bulk_loads/orders/jobs": [
            {"job_id": 7, "status": "success", "created_at": 1740819600, "start_at": 1740819601, "end_at": 1740819605},
            {"job_id": 11, "status": "queued", "created_at": 1740819700},
        ],
    }
    provider = vendor.provider()

    assert provider.jobs(Address("activation", "daily"), "daily", 2) == [
        Job("9", JobStatus.RUNNING, created_at=1740819600, started_at=1740819601),
        Job("8", JobStatus.ERROR, created_at=1740819600, started_at=1740819601, ended_at=1740819605),
    ]
    assert provider.jobs(Address("import", "orders"), "orders", 1) == [
        Job("11", JobStatus.QUEUED, created_at=1740819700)
    ]


def test_ten_thousand_saved_queries_are_one_request(vendor: Vendor, declare: Declare) -> None:
    vendor.says = {"GET /v3/schedule/list": {"schedules": [{**SCHEDULE, "name": f"q-{n}"} for n in range(10_000)]}}
    documents = {f"query/q-{n}": DOCUMENTS["query/totals"] for n in range(0, 10_000, 10)}

    seen = look(vendor, declare(documents))

    assert len(vendor.asked) == 1
    assert sum(isinstance(found, Finding) and len(found.by_key) == 1 for found in seen.values()) == 1_000
