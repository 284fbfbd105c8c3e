"""What is said before any call, and what is wanted once everything is resolved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pytest

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.model.activation import Outcome, Resolution
from reconciler.model.address import Address
from reconciler.model.resource import Resource
from reconciler.model.secret import Secret
from reconciler.ports.provider import Context, FieldClass, Provider, Runs

if TYPE_CHECKING:
    from .conftest import Vendor

Declare = Callable[[Mapping[str, Mapping[str, object]]], dict[Address, Resource]]
SECRETS = {
    name: Secret(f"env:{name.upper()}", f"FAKE-{name}") for name in ("client_id", "client_secret", "refresh_token")
}
SQL = {"database": "shop", "sql": "SELECT 1"}


def said(
    vendor: Vendor, declare: Declare, address: str, documents: Mapping[str, Mapping[str, object]]
) -> list[Diagnostic]:
    resources = declare(documents)
    return list(vendor.provider().check(resources[Address.parse(address)], Context(resources)))


@pytest.mark.parametrize(
    ("address", "spec", "expected"),
    [
        ("database/shop", {}, []),
        ("database/my-shop.eu", {}, []),
        ("database/db", {}, [("td-name-length", "/spec/name")]),
        ("table/orders", {"database": "shop"}, []),
        ("table/t", {"database": "shop"}, [("td-name-length", "/spec/name")]),
        ("query/q1", SQL, [("td-name-length", "/spec/name")]),
        ("query/q1", {**SQL, "name": "日次送信"}, []),
        ("query/daily", {"database": "shop", "sql": "  \n"}, [("empty-query", "/spec/sql")]),
        ("query/daily", {"database": "shop", "sql": "", "file": "a.sql"}, [("empty-query", "/spec/file")]),
        ("query/daily", {"database": "shop", "sql": "x" * 1_000_001}, [("query-too-long", "/spec/sql")]),
        ("query/daily", {"database": "shop", "sql": "x" * 1_000_001, "engine": "hive"}, []),
        ("query/daily", {**SQL, "schedule": {"cron": "0 3 * * *", "timezone": "Asia/Tokyo"}}, []),
        ("query/daily", {**SQL, "schedule": {"cron": "every day"}}, [("cron-fields", "/spec/schedule/cron")]),
        (
            "query/daily",
            {**SQL, "schedule": {"cron": "0 3 * * *", "timezone": "PST"}},
            [("timezone-not-a-city", "/spec/schedule/timezone")],
        ),
        (
            "query/daily",
            {**SQL, "schedule": {"cron": "@hourly", "delay": "2h"}},
            [("delay-longer-than-interval", "/spec/schedule/delay")],
        ),
        (
            "import/orders",
            {"from": {"type": "files", "paths": ["a.csv"]}, "to": {"database": "shop", "table": "orders"}},
            [],
        ),
        (
            "import/orders",
            {"from": {"type": "files", "paths": ["a.csv"]}, "to": {"file": "lake/orders.parquet"}},
            [],
        ),
        (
            "import/orders",
            {
                "from": {
                    "type": "pinterest_marketing",
                    "connection": "main",
                    "ad_account_id": "1",
                    "table": "campaigns",
                    "method": "cdc-change-tables",
                },
                "to": {"file": "lake/orders.parquet"},
            },
            [("changes-need-tables", "/spec/to/file")],
        ),
        (
            "import/orders",
            {"from": {"type": "files", "paths": ["x" * 70_000]}, "to": {"database": "shop", "table": "orders"}},
            [("import-too-large", "/spec/from")],
        ),
    ],
)
def test_what_cannot_be_held_is_said_with_its_place(
    vendor: Vendor, declare: Declare, address: str, spec: Mapping[str, object], expected: list[tuple[str, str]]
) -> None:
    found = said(vendor, declare, address, {address: spec})

    assert [(diagnostic.rule, diagnostic.path) for diagnostic in found] == expected
    assert vendor.asked == []


def test_a_named_schedule_is_criticised_where_it_stands(vendor: Vendor, declare: Declare) -> None:
    documents: dict[str, Mapping[str, object]] = {
        "schedule/nightly": {"cron": "0 25 * * *"},
        "query/daily": {**SQL, "schedule": "nightly"},
    }

    (found,) = said(vendor, declare, "query/daily", documents)

    assert (found.rule, found.subject, found.path, found.severity) == (
        "cron-value",
        "schedule/nightly",
        "/spec/cron",
        Severity.ERROR,
    )


def test_readings_that_differ_are_a_warning(vendor: Vendor, declare: Declare) -> None:
    found = said(vendor, declare, "query/daily", {"query/daily": {**SQL, "schedule": {"cron": "0 0 */5 * *"}}})

    assert [(diagnostic.rule, diagnostic.severity) for diagnostic in found] == [("readings-differ", Severity.WARNING)]


def activation(**changed: object) -> dict[str, Mapping[str, object]]:
    return {
        "connection/main": {"type": "pinterest", **SECRETS},
        "connection/here": {"type": "files"},
        "audience/buyers": {"connection": "main", "ad_account_id": "549760", "title": "Buyers"},
        "audience/lost": {"connection": "here", "ad_account_id": "549760", "title": "Buyers"},
        "activation/buyers": {"from": {"query": SQL}, "to": {"audience": "buyers"}, "membership": "add", **changed},
    }


@pytest.mark.parametrize("membership", ["add", "remove", "replace"])
def test_an_ordinary_activation_gives_no_reason_to_speak(vendor: Vendor, declare: Declare, membership: str) -> None:
    assert said(vendor, declare, "activation/buyers", activation(membership=membership)) == []


def test_clearing_is_told_to_be_destructive(vendor: Vendor, declare: Declare) -> None:
    found = said(vendor, declare, "activation/buyers", activation(membership="clear", schedule={"cron": "@daily"}))

    assert found == [
        Diagnostic(
            "clears-audience",
            "every run removes all members of audience/buyers; whether the vendor keeps the emptied audience is not documented",
            Severity.WARNING,
            subject="activation/buyers",
            path="/spec/membership",
            hint="write `membership: replace` to exchange the members instead",
        )
    ]


def test_an_audience_needs_a_connection_that_can_hold_it(vendor: Vendor, declare: Declare) -> None:
    (found,) = said(vendor, declare, "activation/buyers", activation(to={"audience": "lost"}))

    assert (found.rule, found.message) == (
        "connection-type",
        "connection/here is of type files and cannot receive an audience",
    )


def test_files_of_the_project_are_out_of_the_vendor_s_reach(vendor: Vendor, declare: Declare) -> None:
    resources = declare({"connection/here": {"type": "files"}})
    provider = vendor.provider(creates_connections=False)

    (found,) = provider.check(resources[Address("connection", "here")], Context(resources))

    assert (found.rule, found.severity) == ("files-not-reachable", Severity.ERROR)


def test_an_import_into_a_file_is_the_embedded_service_s_alone(vendor: Vendor, declare: Declare) -> None:
    spec = {"from": {"type": "files", "paths": ["a.csv"]}, "to": {"file": "lake/orders.parquet", "connection": "main"}}
    resources = declare({"import/orders": spec, "connection/main": {"type": "other", "connector": "sfdc_v2"}})
    provider = vendor.provider(creates_connections=False)

    found = list(provider.check(resources[Address("import", "orders")], Context(resources)))

    assert [(one.rule, one.path, one.severity) for one in found] == [
        ("files-not-reachable", "/spec/to/file", Severity.ERROR),
        ("connection-type", "/spec/to/connection", Severity.ERROR),
    ]
    assert "`treasure_data.endpoint` is embedded" in found[0].hint


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("database/my-shop", "treasure_data:us01/1/database/my_shop"),
        ("table/orders.eu", "treasure_data:us01/1/table/my_shop.orders_eu"),
        ("query/daily", "treasure_data:us01/1/query/Daily 日次"),
        ("activation/buyers", "treasure_data:us01/1/query/buyers"),
        ("import/orders", "treasure_data:us01/1/import/orders"),
        ("connection/main", "treasure_data:us01/1/connection/main"),
    ],
)
def test_a_natural_key_is_the_name_within_the_account(vendor: Vendor, declare: Declare, address: str, key: str) -> None:
    resources = declare(
        {
            **activation(),
            "database/my-shop": {},
            "table/orders.eu": {"database": "my-shop"},
            "query/daily": {**SQL, "name": "Daily 日次"},
            "import/orders": {
                "from": {"type": "files", "paths": ["a.csv"]},
                "to": {"database": "my-shop", "table": "orders.eu"},
            },
        }
    )

    desired = vendor.provider().desired(resources[Address.parse(address)], Context(resources))

    assert desired.natural_key == key


@pytest.mark.parametrize(
    "resolution",
    [None, *(Resolution(outcome) for outcome in Outcome)],
    ids=lambda resolution: resolution.outcome if resolution else "none",
)
def test_an_activation_is_described_whatever_was_resolved(
    vendor: Vendor, declare: Declare, resolution: Resolution | None
) -> None:
    resources = declare(activation())

    desired = vendor.provider().desired(
        resources[Address("activation", "buyers")], Context(resources, resolution=resolution)
    )

    assert desired.attributes["export"] == {
        "type": "pinterest",
        **SECRETS,
        "ad_account_id": "549760",
        "audience_type": "customer_list",
        "ignore_invalid_records": True,
    }


def test_what_is_not_declared_is_not_wanted(vendor: Vendor, declare: Declare) -> None:
    resources = declare({"query/daily": SQL, "table/orders": {"database": "shop"}})
    provider = vendor.provider()

    wanted = {str(at): provider.desired(resource, Context(resources)).attributes for at, resource in resources.items()}

    assert wanted == {
        "query/daily": {"name": "daily", "database": "shop", "engine": "trino", "sql": "SELECT 1", "result": ""},
        "table/orders": {"database": "shop", "name": "orders"},
    }


def test_two_spellings_of_a_schedule_are_one_wish(vendor: Vendor, declare: Declare) -> None:
    one, other = (
        declare({"query/daily": {**SQL, "schedule": {"cron": cron, "delay": delay}}})[Address("query", "daily")]
        for cron, delay in (("@daily", "10m"), ("0 0 * * *", 600))
    )
    provider = vendor.provider()

    assert provider.desired(one, Context({})) == provider.desired(other, Context({}))


def test_the_provider_is_what_the_engine_asks_for(vendor: Vendor) -> None:
    provider: Provider = vendor.provider()

    assert isinstance(provider, Runs)
    assert (provider.name, provider.account(), provider.api_calls) == ("treasure_data", "us01/1", 0)
    assert sorted(provider.kinds) == ["activation", "connection", "database", "import", "query", "table"]


def test_what_the_vendor_cannot_change_is_immutable(vendor: Vendor) -> None:
    immutable = {
        (kind, path)
        for kind, traits in vendor.provider().kinds.items()
        for path, field_class in traits.classes.items()
        if field_class is FieldClass.IMMUTABLE
    }

    assert immutable == {("database", "/name"), ("connection", "/type")}


COLUMNS = [
    {"name": "email", "type": "string"},
    {"name": "created_at", "type": "long"},
    {"name": "visits", "type": "int"},
]


def an_import(vendor: Vendor, declare: Declare, to: Mapping[str, object], **table: object) -> list[Diagnostic]:
    load = {"from": {"type": "files", "paths": ["a.csv"]}, "to": {"database": "shop", "table": "people", **to}}
    documents = {"import/people": load, "table/people": {"database": "shop", **table}}
    return said(vendor, declare, "import/people", documents)


def test_the_time_of_a_row_is_no_text_and_the_candidates_are_offered(vendor: Vendor, declare: Declare) -> None:
    (found,) = an_import(vendor, declare, {"time_column": "email"}, columns=COLUMNS)

    assert (found.rule, found.severity, found.path) == ("time-column-type", Severity.ERROR, "/spec/to/time_column")
    assert found.message == (
        "`time_column` is `email`, a string in table/people: the time of a row is a long or a timestamp"
    )
    assert found.hint == "of these types are `created_at`, `visits`"
    (none,) = an_import(vendor, declare, {"time_column": "email"}, columns=COLUMNS[:1])
    assert none.hint == "none of its columns is; leave `time_column` out for the time of the import"


@pytest.mark.parametrize("column", ["created_at", "Created_At", "visits", "time"])
def test_a_whole_number_may_be_the_time_of_a_row(vendor: Vendor, declare: Declare, column: str) -> None:
    assert an_import(vendor, declare, {"time_column": column}, columns=COLUMNS) == []
    assert an_import(vendor, declare, {"time_column": "anything"}) == [], "nobody says what columns there are"


@pytest.mark.parametrize(
    ("to", "path"),
    [
        ({"time_column": "create_at"}, "/spec/to/time_column"),
        ({"mode": "upsert", "key": ["email", "create_at"]}, "/spec/to/key/1"),
    ],
)
def test_a_column_that_is_not_declared_may_be_a_slip(
    vendor: Vendor, declare: Declare, to: Mapping[str, object], path: str
) -> None:
    (found,) = an_import(vendor, declare, to, columns=COLUMNS)

    assert (found.rule, found.severity, found.path) == ("column-not-declared", Severity.WARNING, path)
    assert found.hint == "did you mean `created_at`?"
    (stranger,) = an_import(vendor, declare, {"time_column": "zzz"}, columns=COLUMNS)
    assert (stranger.severity, stranger.hint) == (Severity.NOTICE, "")


def test_changing_rows_by_key_is_the_embedded_service_s_own(vendor: Vendor, declare: Declare) -> None:
    resources = declare(
        {
            "import/people": {
                "from": {"type": "files", "paths": ["a.csv"]},
                "to": {"database": "shop", "table": "people", "mode": "upsert", "key": ["id"]},
            }
        }
    )
    address, context = Address("import", "people"), Context(resources)

    here = list(vendor.provider(creates_connections=True).check(resources[address], context))
    (there,) = vendor.provider(creates_connections=False).check(resources[address], context)

    assert here == []
    assert (there.rule, there.severity, there.path) == ("mode-not-known", Severity.ERROR, "/spec/to/mode")
    assert "`treasure_data.endpoint` is embedded" in there.hint


def test_always_replacing_is_told_to_empty_the_table_with_the_milder_mode(vendor: Vendor, declare: Declare) -> None:
    (found,) = an_import(vendor, declare, {"mode": "replace"})

    assert (found.rule, found.severity, found.path) == ("replace-empties", Severity.NOTICE, "/spec/to/mode")
    assert found.message == "with `mode: replace` a run that finds no rows empties the table"
    assert found.hint == "`mode: replace_on_new_data` keeps the old rows then"
    assert an_import(vendor, declare, {"mode": "replace_on_new_data"}) == []


def test_only_the_embedded_service_writes_files(vendor: Vendor, declare: Declare) -> None:
    export = {"type": "files", "settings": {"path": "a.csv"}}
    resources = declare({"query/daily": {**SQL, "export": export}})
    address, context = Address("query", "daily"), Context(resources)

    here = list(vendor.provider(creates_connections=True).check(resources[address], context))
    (there,) = vendor.provider(creates_connections=False).check(resources[address], context)

    assert here == []
    assert (there.rule, there.severity, there.path) == ("files-not-reachable", Severity.ERROR, "/spec/export/type")


@pytest.mark.parametrize(
    ("endpoint", "rules"),
    [
        ("http://minio.example.com", ["credentials-in-clear"]),
        ("https://minio.example.com", []),
        ("http://127.0.0.1:9", []),
    ],
)
def test_rows_for_a_bucket_do_not_travel_in_clear(
    vendor: Vendor, declare: Declare, endpoint: str, rules: list[str]
) -> None:
    resources = declare({"connection/lake": {"type": "files", "bucket": "shop-lake", "endpoint": endpoint}})
    address = Address("connection", "lake")

    found = list(vendor.provider(creates_connections=True).check(resources[address], Context(resources)))

    assert [one.rule for one in found] == rules
