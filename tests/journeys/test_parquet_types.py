"""Every type of Parquet reaches a table as the table can hold it: the same value, its text, or a refusal with row and column."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from stage import Stage, environment

SHOP = """\
apiVersion: tdr/v1
kind: Database
metadata: {name: shop}
spec: {}
---
apiVersion: tdr/v1
kind: Import
metadata: {name: things}
spec:
  from: {type: files, paths: ["*.parquet"]}
  to: {database: shop, table: things, mode: MODE}
"""
TABLE = """\
apiVersion: tdr/v1
kind: Table
metadata: {name: things}
spec: {database: shop, columns: [{name: it, type: TYPE}]}
"""
LONG = "12345678901234567890.1234567891"
FAMILY: dict[str, tuple[str, str, Any]] = {
    "few digits": ("1.10::DECIMAL(5,2)", "double", 1.1),
    "many digits, none lost": ("123456.78::DECIMAL(38,10)", "double", 123456.78),
    "digits that a double loses": (f"{LONG}::DECIMAL(38,10)", "string", LONG),
    "a large whole decimal": ("9007199254740993::DECIMAL(38,0)", "string", "9007199254740993"),
    "UINT64 of 63 bits": ("9223372036854775807::UBIGINT", "long", 9223372036854775807),
    "UINT64 of 64 bits": ("18446744073709551615::UBIGINT", "string", "18446744073709551615"),
    "TIMESTAMP_NS": (
        "'2025-01-01 00:00:00.123456789'::TIMESTAMP_NS",
        "string",
        "2025-01-01 00:00:00.123456789",
    ),
    "TIMESTAMPTZ": ("TIMESTAMPTZ '2025-01-01 02:00:00.123456+02'", "string", "2025-01-01 00:00:00.123456+00"),
    "INTERVAL": ("INTERVAL '1 month 2 days 3.5 seconds'", "string", "1 month 2 days 00:00:03.5"),
    "UUID": ("'00000000-0000-0000-0000-00000000002a'::UUID", "string", "00000000-0000-0000-0000-00000000002a"),
    "LIST": ("[1, NULL, 3]", "array<int>", [1, None, 3]),
    "LIST of short decimals": ("[1.10::DECIMAL(5,2)]", "array<double>", [1.1]),
    "LIST of long decimals": (f"[{LONG}::DECIMAL(38,10)]", "string", f"[{LONG}]"),
    "LIST of lists": ("[[1, 2], [3]]", "string", "[[1,2],[3]]"),
    "STRUCT": (f"{{'a': {LONG}::DECIMAL(38,10), 'b': 'x'}}", "string", f'{{"a":{LONG},"b":"x"}}'),
    "MAP": (f"MAP{{'k': {LONG}::DECIMAL(38,10)}}", "string", f'{{"k":{LONG}}}'),
    "BLOB": (r"'\xFF\x00a'::BLOB", "string", r"\xFF\x00a"),
    "BOOLEAN": ("true", "int", 1),
    "TIME": ("TIME '01:02:03.5'", "string", "01:02:03.5"),
}


@pytest.fixture
def shop(tmp_path: Path) -> Stage:
    stage = Stage(tmp_path, None, environment(tmp_path))
    stage.write("tdr.yaml", "apiVersion: tdr/v1\nproject: shop\n")
    stage.write("manifests/shop.yaml", SHOP.replace("MODE", "append"))
    return stage


def file(stage: Stage, *values: str, name: str = "a") -> None:
    rows = " UNION ALL BY NAME ".join(f"SELECT {value} AS it" for value in values)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"COPY ({rows}) TO '{stage.folder / name}.parquet' (FORMAT parquet)")


def held(stage: Stage) -> tuple[str, list[Any]]:
    """The type of the column, and its values in the order in which they came."""
    with stage.somebody() as td:
        (table,) = [raw for raw in td.tables("shop") if raw["name"] == "things"]
        (type_,) = [one[1] for one in json.loads(str(table["schema"])) if one[0] == "it"]
        job = td.issue_job("trino", "shop", {"query": "SELECT it FROM things"}, "")
        while td.job(job)["status"] not in {"success", "error"}:
            stage.clock.sleep(0.05)
        return str(type_), [row[0] for row in td.job_rows(job) if isinstance(row, list)]


@pytest.mark.parametrize("case", FAMILY)
def test_a_value_comes_back_as_it_was_or_as_its_text(shop: Stage, case: str) -> None:
    value, type_, back = FAMILY[case]
    file(shop, value)
    shop.tdr("apply", "--yes")

    shop.tdr("run", "import/things")

    assert held(shop) == (type_, [back])


def test_a_column_of_doubles_becomes_text_when_a_decimal_needs_it_and_the_log_says_so(shop: Stage) -> None:
    file(shop, "1.5::DECIMAL(38,10)")
    shop.tdr("apply", "--yes")
    shop.tdr("run", "import/things")
    file(shop, f"{LONG}::DECIMAL(38,10)")

    shop.tdr("run", "import/things")

    assert held(shop) == ("string", ["1.5", LONG])
    assert "column `it` of shop.things is string now; it was double" in shop.tdr("logs", "import/things").out


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("double", f"{LONG}::DECIMAL(38,10)"),
        ("float", "1234567.89::DECIMAL(18,2)"),
        ("long", "18446744073709551615::UBIGINT"),
    ],
)
def test_a_declared_number_refuses_what_it_would_round_and_shows_no_value(shop: Stage, type_: str, value: str) -> None:
    shop.write("manifests/table.yaml", TABLE.replace("TYPE", type_))
    file(shop, "1::" + value.partition("::")[2], value)
    shop.tdr("apply", "--yes")

    said = shop.tdr("run", "import/things", expect=None)

    assert said.code
    assert "row 2: the value of column `it`" in said.out + said.err
    assert "declare the column as string" in said.out + said.err
    assert value.partition("::")[0] not in said.out + said.err


@pytest.mark.parametrize("value", [f"{LONG}::DECIMAL(38,10)", "18446744073709551615::UBIGINT"])
def test_a_declared_text_takes_every_digit(shop: Stage, value: str) -> None:
    shop.write("manifests/table.yaml", TABLE.replace("TYPE", "string"))
    file(shop, value)
    shop.tdr("apply", "--yes")

    shop.tdr("run", "import/things")

    assert held(shop) == ("string", [value.partition("::")[0]])
