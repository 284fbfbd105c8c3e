from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import Permanent
from reconciler.model.json import Json
from reconciler.providers.treasure_data import results, wire
from reconciler.providers.treasure_data.timings import Timings


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("SELECT 1\n", "SELECT 1"),
        ("SELECT a,\r\n  b\r\nFROM t\r\n", "SELECT a,\n  b\nFROM t"),
        ("SELECT 1;", "SELECT 1"),
        ("\n  SELECT 1 ; \n\n", "SELECT 1"),
    ],
)
def test_line_ends_and_a_final_semicolon_are_no_difference_in_sql(written: str, told: str) -> None:
    assert wire.comparable_sql(written) == wire.comparable_sql(told)


def test_blanks_inside_sql_are_a_difference() -> None:
    one, other = "SELECT * FROM t WHERE label = 'a  b'", "SELECT * FROM t WHERE label = 'a b'"

    assert wire.comparable_sql(one) != wire.comparable_sql(other)


@given(st.text())
def test_sql_is_normalised_once_and_for_all(sql: str) -> None:
    once = wire.comparable_sql(sql)

    assert wire.comparable_sql(once) == once


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("2025-03-01 09:00:00 UTC", 1_740_819_600),
        ("2025-03-01T09:00:00Z", 1_740_819_600),
        ("2025-03-01T09:00:00.000Z", 1_740_819_600),
        ("2025-03-01T18:00:00+09:00", 1_740_819_600),
        (1_740_819_600, 1_740_819_600),
        ("", None),
        (None, None),
        ("soon", None),
    ],
)
def test_both_forms_of_time_are_read(told: Json, expected: int | None) -> None:
    assert wire.unix_seconds(told) == expected


@pytest.mark.parametrize(("told", "expected"), [("presto", "trino"), ("trino", "trino"), ("hive", "hive"), (None, "")])
def test_presto_is_trino(told: Json, expected: str) -> None:
    assert wire.engine(told) == expected


@pytest.mark.parametrize(("told", "expected"), [(7, 7), ("7", 7), ("-2", -2), (None, 0), ("", 0), (7.0, 7), ("--7", 0)])
def test_a_number_may_be_told_as_text(told: Json, expected: int) -> None:
    assert wire.whole(told) == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ('[["order_id","string"],["amount","double","amount"]]', [["order_id", "string"], ["amount", "double"]]),
        ('[["amount","double","sum","what it cost"]]', [["amount", "double", "sum"]]),
        ('[["amount","double",null]]', [["amount", "double"]]),
        ('[["time","long"],["v","map<string,string>"],["a","int"]]', [["a", "int"]]),
        ("[]", []),
        ("", []),
        (None, []),
    ],
)
def test_columns_are_names_types_and_true_aliases(told: Json, expected: list[Json]) -> None:
    assert wire.columns(told) == expected


@pytest.mark.parametrize("told", ["{", "{}", "[1]", '[["a"]]', 7])
def test_columns_that_cannot_be_read_are_not_taken_for_none(told: Json) -> None:
    with pytest.raises(Permanent, match="is not a list of names and types"):
        wire.columns(told)


@pytest.mark.parametrize(
    ("cron", "zone", "expected"),
    [
        (None, "UTC", ("", "UTC")),
        ("", "Asia/Tokyo", ("", "Asia/Tokyo")),
        ("@daily", "UTC", ("0 0 * * *", "UTC")),
        ("0 12 * * * UTC", "UTC", ("0 12 * * *", "UTC")),
        ("0 12 * * mon-wed", "Asia/Tokyo", ("0 12 * * 1,2,3", "Asia/Tokyo")),
        ("0 0 1 * 1", "UTC", ("0 0 * * 1", "UTC")),
        ("every now and then", "UTC", ("every now and then", "UTC")),
    ],
)
def test_schedules_are_compared_by_meaning(cron: str | None, zone: str, expected: tuple[str, str]) -> None:
    assert Timings().comparable(cron or "", zone) == expected


@given(st.from_regex(r"(\*|[0-5]?[0-9])(/[1-9])? (\*|1?[0-9]) (\*|[1-9]|\*/[1-9]) \* (\*|[0-6])", fullmatch=True))
def test_a_canonical_schedule_stays_as_it_is(cron: str) -> None:
    once, zone = Timings().comparable(cron, "UTC")

    assert Timings().comparable(once, zone) == (once, zone)


PINTEREST = {
    "type": "pinterest",
    "client_id": "***",
    "client_secret": "********",
    "refresh_token": "[FILTERED]",
    "ad_account_id": 549760,
    "audience_type": "customer_list",
    "action": "replace_current_audience",
    "audience_id_replace": 643,
    "ignore_error": "true",
    "retry_count": "7",
}


def test_settings_are_read_as_they_are_written_and_without_secrets() -> None:

    assert results.read_settings(json.dumps(PINTEREST)) == {
        "type": "pinterest",
        "ad_account_id": "549760",
        "audience_type": "customer_list",
        "action": "REPLACE_CURRENT_AUDIENCE",
        "audience_id_replace": "643",
        "ignore_invalid_records": True,
        "retry_count": 7,
    }


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ("", ""),
        (None, ""),
        ("td://@/db/table?mode=replace", "td://@/db/table?mode=replace"),
        ("td://1/0123abcd@api.treasuredata.com/db/table", "td://***@api.treasuredata.com/db/table"),
        ("tableau://user:FAKE-pw@host.example.com/datasource", "tableau://user:***@host.example.com/datasource"),
        ("mysql://etl:p@ss/w:rd@db.example.com/shop/orders", "mysql://etl:***@db.example.com/shop/orders"),
        ("sfdc://me@x.com:pw@login.salesforce.com/Lead", "sfdc://me@x.com:***@login.salesforce.com/Lead"),
        (
            "s3://bucket/path?access_key=AK&secret_key=SK&mode=a",
            "s3://bucket/path?access_key=***&secret_key=***&mode=a",
        ),
        ('{"type":"td","api_key":"1/abc","db":{"password":"x","name":"y"}}', '{"db":{"name":"y"},"type":"td"}'),
        ('{"client_secret":"abc"', "***"),
        ('{"type":"x","to":[{"password":"p","host":"h"}]}', '{"to":[{"host":"h"}],"type":"x"}'),
        ("http://[", "http://["),
        ("crm", "crm"),
    ],
)
def test_a_result_is_shown_without_what_is_secret(result: Json, expected: str) -> None:
    assert results.shown(result) == expected
