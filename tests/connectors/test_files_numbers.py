"""A number reaches its column as it is, or is refused with its place: nothing is rounded, cut off or guessed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.connectors.sources.files import FilesSource
from reconciler.errors import Permanent
from reconciler.model.column_fit import STORED_NUMBERS, misfit
from reconciler.model.json import Json
from reconciler.ports.loads import LoadRequest

BIG = 2**63


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def is_misfit(connection: duckdb.DuckDBPyConnection, text: str, wanted: str) -> bool:
    [(found,)] = connection.execute(f"SELECT {misfit('v', 'VARCHAR', wanted)} FROM (SELECT ? AS v)", [text]).fetchall()
    return bool(found)


KEPT = {
    "long": ["0", "7", "-3", "+7", " 12 ", "1.0", "-0", "9223372036854775807", "-9223372036854775808"],
    "int": ["2147483647", "-2147483648", "5."],
    "double": ["1.7", "1e3", "-2.5E-3", ".5", "5.", "0.1", "0", "9007199254740992", "1e308"],
    "float": ["0.1", "16777216"],
}
ALWAYS_REFUSED = [
    "007",
    "-007",
    "1_000",
    "1,5",
    "0x1f",
    "true",
    "yes",
    "",
    " ",
    "NaN",
    "inf",
    "-Infinity",
    "2025-01-01",
    "\uff11",
]
REFUSED = {
    "long": ["1.7", "1e3", "1E3", ".5", "9223372036854775808", "1.0e0"],
    "int": ["2147483648", "-2147483649", "0.1"],
    "double": ["1e400", "-1e400", "9007199254740993", "007.5"],
    "float": ["1e39", "16777217"],
}


@pytest.mark.parametrize(("wanted", "text"), [(wanted, text) for wanted in KEPT for text in KEPT[wanted]])
def test_a_text_that_says_the_number_fits(connection: duckdb.DuckDBPyConnection, wanted: str, text: str) -> None:
    assert not is_misfit(connection, text, wanted)


@pytest.mark.parametrize(
    ("wanted", "text"), [(wanted, text) for wanted in REFUSED for text in REFUSED[wanted] + ALWAYS_REFUSED]
)
def test_a_text_that_would_become_another_number_does_not_fit(
    connection: duckdb.DuckDBPyConnection, wanted: str, text: str
) -> None:
    assert is_misfit(connection, text, wanted)


@settings(deadline=None)  # the first one opens the engine
@given(value=st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**20), max_value=10**20))
def test_what_fits_a_long_is_stored_as_exactly_that(connection: duckdb.DuckDBPyConnection, value: Decimal) -> None:
    text = f"{value:f}"
    if not is_misfit(connection, text, "long"):
        [(kept,)] = connection.execute("SELECT CAST(? AS BIGINT)", [text]).fetchall()
        assert Decimal(kept) == value
    assert is_misfit(connection, text, "long") == (value != int(value) or not -BIG <= value < BIG)


@pytest.mark.parametrize(
    ("sql", "wanted", "expected"),
    [
        ("1.7::DOUBLE", "long", True),
        ("2.0::DOUBLE", "long", False),
        ("'nan'::DOUBLE", "long", True),
        ("9.3e18::DOUBLE", "long", True),
        ("1.70::DECIMAL(9,2)", "int", True),
        ("2147483648::BIGINT", "int", True),
        ("9223372036854775808::HUGEINT", "long", True),
        ("9007199254740993::BIGINT", "double", True),
        ("9007199254740992::BIGINT", "double", False),
        ("'nan'::DOUBLE", "double", False),
        ("1e39::DOUBLE", "float", True),
        ("true", "long", False),
        ("TIMESTAMP '2025-01-01'", "long", True),
        ("DATE '2025-01-01'", "double", True),
        ("NULL::DOUBLE", "long", False),
        ("NULL::VARCHAR", "double", False),
    ],
)
def test_a_value_with_a_type_is_held_the_same_way(
    connection: duckdb.DuckDBPyConnection, sql: str, wanted: str, *, expected: bool
) -> None:
    [(type_,)] = connection.execute(f"SELECT typeof({sql})").fetchall()
    [(found,)] = connection.execute(f"SELECT {misfit('v', type_, wanted)} FROM (SELECT {sql} AS v)").fetchall()
    assert bool(found) is expected
    assert wanted in STORED_NUMBERS


# -- in files ------------------------------------------------------------------------------------------------------------


def rows(folder: Path, path: str, columns: Json) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        request = LoadRequest({"type": "files", "paths": [path], "columns": columns}, "load")
        return connection.sql(
            f"FROM {FilesSource(folder).read(request, connection, lambda *_: None).relation}"
        ).fetchall()


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_a_fraction_in_a_whole_column_is_named_by_file_row_and_column(tmp_path: Path, name: str) -> None:
    values = [1.0, None, 1.7]
    match name:
        case "a.csv":
            (tmp_path / name).write_text("n,m\n1,x\n,x\n1.7,x\n")
        case "a.jsonl":
            (tmp_path / name).write_text("".join(json.dumps({"n": value, "m": "x"}) + "\n" for value in values))
        case _:
            pq.write_table(pa.table({"n": values, "m": ["x"] * 3}), tmp_path / name)
    line = " (line 4, where no value holds line breaks)" if name == "a.csv" else ""

    with pytest.raises(Permanent) as refused:
        rows(tmp_path, name, [["n", "long"], ["m", "string"]])

    assert refused.value.message == (
        f"file `{name}`, row 3{line}: the value of column `n` is no whole number, and the table declares it as long"
    )
    assert refused.value.hint == (
        "write it like 17 or -3, within 64 bits, without leading zeros or an exponent, or declare the column as string"
    )


@pytest.mark.parametrize("value", ["true", '"7 apples"', "12345678901234567890", "[1]", '""', '"2025-01-01"'])
def test_a_json_value_that_is_no_whole_number_is_refused_for_a_whole_column(tmp_path: Path, value: str) -> None:
    (tmp_path / "a.jsonl").write_text(f'{{"n": 1}}\n{{"n": {value}}}\n')
    with pytest.raises(Permanent, match=r"^file `a\.jsonl`, row 2: the value of column `n` is no whole number"):
        rows(tmp_path, "a.jsonl", [["n", "long"]])


def test_an_empty_csv_value_is_none_and_an_empty_json_text_stays_one(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('n,s\n,""\n1," "\n')
    (tmp_path / "a.jsonl").write_text('{"n": null, "s": ""}\n{"n": 1, "s": null}\n')
    declared: Json = [["n", "long"], ["s", "string"]]
    assert rows(tmp_path, "a.csv", declared) == [(None, None), ("1", " ")]
    assert rows(tmp_path, "a.jsonl", declared) == [(None, ""), ("1", None)]


@pytest.mark.parametrize("columns", [[], [["a", "string"]]], ids=["undeclared", "declared"])
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (['"2025-01-01T09:00:00+09:00"'], ["2025-01-01T09:00:00+09:00"]),
        (['"2025-01-01"', '"2025-1-1"'], ["2025-01-01", "2025-1-1"]),
        (['"12:00"', '"07:05:00"'], ["12:00", "07:05:00"]),
        (['"2F1E8F8E-1C54-4D2F-9C7E-0D1D6F3C9A11"'], ["2F1E8F8E-1C54-4D2F-9C7E-0D1D6F3C9A11"]),
        (['"007"', "7", "true", "null"], ["007", "7", "true", None]),
        (['"x"', "12345678901234567890123"], ["x", "12345678901234567890123"]),
        (['{"b": "2025-01-01T00:00:00Z"}'], ['{"b":"2025-01-01T00:00:00Z"}']),
    ],
)
def test_a_json_text_is_kept_letter_by_letter(
    tmp_path: Path, values: list[str], expected: list[str | None], columns: Json
) -> None:
    (tmp_path / "a.jsonl").write_text("".join(f'{{"a": {value}}}\n' for value in values))
    assert rows(tmp_path, "a.jsonl", columns) == [(value,) for value in expected]


def test_keys_that_differ_by_case_keep_all_their_values(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"Id": 1}\n{"id": 2}\n')
    assert rows(tmp_path, "a.jsonl", []) == [(1, None), (None, 2)]
