"""Rows of pages become one relation: nothing lost, nothing rounded, names told apart, types that fit all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.dataplane.spool import RowSpool


def spooled(folder: Path, *pages: Sequence[dict[str, Any]]) -> tuple[dict[str, str], list[tuple[Any, ...]]]:
    """Columns with their types, and rows; every page is a part of its own."""
    folder.mkdir(exist_ok=True)
    spool = RowSpool(folder)
    for page in pages:
        spool.add(page, size_bytes=64_000_000)
    with duckdb.connect() as connection:
        relation = connection.table(spool.relation(connection))
        types = {name: str(type_) for name, type_ in zip(relation.columns, relation.types, strict=True)}
        return types, relation.fetchall()


def test_rows_stay_in_order_over_pages_and_parts(tmp_path: Path) -> None:
    pages = [[{"id": number + page * 7} for number in range(7)] for page in range(40)]

    _, rows = spooled(tmp_path, *pages)

    assert rows == [(number,) for number in range(280)]


def test_nested_objects_become_columns_and_lists_stay_json(tmp_path: Path) -> None:
    types, rows = spooled(
        tmp_path, [{"id": 1, "owner": {"name": "y", "at": {"zip": "07"}}, "tags": ["a", {"b": 1}]}, {"id": 2}]
    )

    assert types == {"id": "BIGINT", "owner.name": "VARCHAR", "owner.at.zip": "VARCHAR", "tags": "VARCHAR"}
    assert rows == [(1, "y", "07", '["a",{"b":1}]'), (2, None, None, None)]


@pytest.mark.parametrize("first", [0, 1])
def test_names_that_meet_are_told_apart_the_same_way_in_every_row(tmp_path: Path, first: int) -> None:
    pages = [[{"owner.name": "x", "owner": {"name": "y"}}], [{"owner": {"name": "y"}, "owner.name": "x"}]]

    types, rows = spooled(tmp_path, pages[first], pages[1 - first])

    assert set(types) == {"owner.name", "owner.name_2"}
    assert [dict(zip(types, row, strict=True)) for row in rows] == [{"owner.name": "x", "owner.name_2": "y"}] * 2


def test_names_that_differ_in_case_only_are_told_apart(tmp_path: Path) -> None:
    types, rows = spooled(tmp_path, [{"Id": 1, "id": 2}])

    assert dict(zip(types, rows[0], strict=True)) == {"Id": 1, "id_2": 2}


VALUES: list[tuple[str, list[Any], str, list[Any]]] = [
    ("whole numbers", [1, -5, None], "BIGINT", [1, -5, None]),
    ("exact beyond 53 bits", [9_007_199_254_740_993], "BIGINT", [9_007_199_254_740_993]),
    ("more than 64 bits", [2**70, 1], "VARCHAR", [str(2**70), "1"]),
    ("fractions", [1.5, 2.0], "DOUBLE", [1.5, 2.0]),
    ("whole numbers and fractions", [1, 2.5], "DOUBLE", [1.0, 2.5]),
    ("large whole numbers and fractions", [9_007_199_254_740_993, 2.5], "VARCHAR", ["9007199254740993", "2.5"]),
    (
        "more digits than fractions have",
        [Decimal("0.12345678901234567890"), 1.5],
        "VARCHAR",
        ["0.12345678901234567890", "1.5"],
    ),
    ("truths", [True, None, False], "BOOLEAN", [True, None, False]),
    ("truths and numbers", [True, 1], "VARCHAR", ["true", "1"]),
    ("leading zeros", ["007", "7"], "VARCHAR", ["007", "7"]),
    ("texts and numbers", ["a", 1, 1.5], "VARCHAR", ["a", "1", "1.5"]),
    ("texts and lists", ["a", ["b"]], "VARCHAR", ["a", '["b"]']),
]


@pytest.mark.parametrize("pages", ["one page", "a page each"])
@pytest.mark.parametrize(("values", "type_", "kept"), [row[1:] for row in VALUES], ids=[row[0] for row in VALUES])
def test_a_type_holds_every_value_exactly(
    tmp_path: Path, values: list[Any], type_: str, kept: list[Any], pages: str
) -> None:
    rows = [{"id": place, "value": value} for place, value in enumerate(values)]

    types, found = spooled(tmp_path, *([[row] for row in rows] if pages == "a page each" else [rows]))

    assert types["value"] == type_
    assert [value for _, value in found] == kept


def test_fractions_keep_their_zeros_where_all_have_them(tmp_path: Path) -> None:
    page = [{"price": Decimal("0.10")}, {"price": 1.5}, {"price": 2}]

    assert spooled(tmp_path / "one", page) == (
        {"price": "DECIMAL(3,2)"},
        [(Decimal("0.10"),), (Decimal("1.50"),), (Decimal(2),)],
    )
    assert spooled(tmp_path / "several", *([row] for row in page)) == ({"price": "DOUBLE"}, [(0.1,), (1.5,), (2.0,)])


def test_scalars_and_objects_under_one_name_are_both_kept(tmp_path: Path) -> None:
    types, rows = spooled(tmp_path, [{"owner": "x"}, {"owner": {"name": "y"}}])

    assert types in ({"owner": "VARCHAR", "owner.name": "VARCHAR"}, {"owner.name": "VARCHAR", "owner": "VARCHAR"})
    assert [dict(zip(types, row, strict=True)) for row in rows] == [
        {"owner": "x", "owner.name": None},
        {"owner": None, "owner.name": "y"},
    ]


def test_columns_come_and_go_between_pages(tmp_path: Path) -> None:
    types, rows = spooled(tmp_path, [{"a": 1}], [{"b": "x"}], [{"a": 2, "b": "y"}])

    assert types == {"a": "BIGINT", "b": "VARCHAR"}
    assert rows == [(1, None), (None, "x"), (2, "y")]


def test_nulls_alone_make_no_column_but_their_rows_count(tmp_path: Path) -> None:
    assert spooled(tmp_path / "some", [{"a": None, "b": 1}])[0] == {"b": "BIGINT"}
    assert len(spooled(tmp_path / "none", [{"a": None}, {}])[1]) == 2


def test_no_rows_are_a_relation_without_rows(tmp_path: Path) -> None:
    assert spooled(tmp_path) == ({"time": "BIGINT"}, [])


def test_rows_wait_for_few_others_when_they_are_large(tmp_path: Path) -> None:
    spool = RowSpool(tmp_path)
    for _ in range(4):
        spool.add([{"body": "x" * 1_000}], size_bytes=20_000_000)

    assert len(list(tmp_path.iterdir())) == 2
    assert spool.count == 4


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("ab é1", max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "A", "a.b", "é"]), inner, max_size=3)
    ),
    max_leaves=8,
)
PAGES = st.lists(
    st.lists(st.dictionaries(st.sampled_from(["a", "b", "B", "a.b"]), JSON, max_size=4), max_size=4), max_size=4
)


@given(PAGES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_row_is_there_with_every_value_it_had(tmp_path_factory: pytest.TempPathFactory, pages: Any) -> None:
    types, rows = spooled(tmp_path_factory.mktemp("spool"), *pages)

    given_rows = [row for page in pages for row in page]
    assert [sorted(map(exact, (value for value in row if value not in (None, "")))) for row in rows] == [
        sorted(map(exact, leaves(row))) for row in given_rows
    ]
    assert len({name.lower() for name in types}) == len(types)


def leaves(value: Any) -> list[Any]:
    """What is no object, null or empty text: an empty text stands for a row of nulls."""
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in leaves(inner)]
    return [] if value is None or value == "" else [value]


def exact(value: Any) -> str:
    """A value whatever type its column has in the end; numbers by their exact amount."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value.startswith("["):
        value = json.loads(value)
    if isinstance(value, list):
        return json.dumps(value)
    try:
        return str(Decimal(repr(value) if isinstance(value, float) else value).normalize())
    except (InvalidOperation, ValueError):
        return str(value)
