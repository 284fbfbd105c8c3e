"""What becomes of a table's columns when rows have others, and which of them may be the time of a row."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from service_world import World


@pytest.fixture(autouse=True, params=[False, True], ids=["copied", "lasting"])
def lasts(world: World, request: pytest.FixtureRequest) -> None:
    """Rows that are copied before anybody looks at them, and rows that are read where they are."""
    world.importer.lasts = request.param


def load(world: World, sql: str, status: str = "success", **out: Any) -> dict[str, Any]:
    """Load what *sql* selects into ``sales.people`` once."""
    tables = world.get("/v3/table/list/sales")["tables"]
    if not tables:
        world.post("/v3/table/create/sales/people")
    fields = {"config": {"in": {"sql": sql}, "out": out}, "table": "people"}
    job_id = world.json("POST", "/v3/job/issue/bulkload/sales", fields)["job_id"]
    assert world.service.wait(60)
    job: dict[str, Any] = world.get(f"/v3/job/show/{job_id}")
    assert job["status"] == status, job["debug"]
    return job


def schema(world: World) -> dict[str, str]:
    return dict(orjson.loads(world.get("/v3/table/show/sales/people")["schema"]))


WIDER: list[tuple[str, str, str, list[Any]]] = [
    ("1::INT", "3000000000::BIGINT", "long", [1, 3000000000]),
    ("1::INT", "2::INT", "int", [1, 2]),
    ("3000000000::BIGINT", "2::INT", "long", [3000000000, 2]),
    ("1::INT", "2.5::DOUBLE", "double", [1, 2.5]),
    ("1::INT", "2.0::DOUBLE", "int", [1, 2]),
    ("2.5::DOUBLE", "1::INT", "double", [2.5, 1]),
    ("1::INT", "'x'", "string", ["1", "x"]),
    ("1::INT", "'007'", "string", ["1", "007"]),
    ("1::INT", "'7'", "int", [1, 7]),
    ("2.5::DOUBLE", "'x'", "string", ["2.5", "x"]),
    ("'x'", "7", "string", ["x", "7"]),
    ("9007199254740993::BIGINT", "2.5::DOUBLE", "string", ["9007199254740993", "2.5"]),
    ("2.5::DOUBLE", "9007199254740993::BIGINT", "string", ["2.5", "9007199254740993"]),
    ("1::INT", "[1, 2]", "string", ["1", "[1,2]"]),
    ("[1, 2]", "5", "string", ["[1,2]", "5"]),
    ("[1, 2]", "['a']", "string", ["[1,2]", '["a"]']),
]


@pytest.mark.parametrize(("first", "second", "type_", "values"), WIDER, ids=[f"{a}-{b}" for a, b, _, _ in WIDER])
@pytest.mark.parametrize("out", [{"mode": "append"}, {"mode": "upsert", "key": ["id"]}], ids=["append", "upsert"])
def test_a_column_that_nobody_declared_grows_with_its_rows(
    world: World, first: str, second: str, type_: str, values: list[Any], out: dict[str, Any]
) -> None:
    load(world, f"SELECT 1 AS id, {first} AS n", **out)
    job = load(world, f"SELECT 2 AS id, {second} AS n", **out)

    assert schema(world)["n"] == type_
    assert [row[0] for row in world.rows("SELECT n FROM people ORDER BY id")] == values
    assert ("of sales.people is" in job["debug"]["cmdout"]) is (schema(world)["n"] != _type_of(first))


def _type_of(sql: str) -> str:
    by_start = {"[": "array<int>", "'": "string", "2": "double", "1": "int"}
    return "long" if "BIGINT" in sql else by_start[sql[0]]


def test_columns_come_and_stay(world: World) -> None:
    load(world, "SELECT 1 AS a, 'x' AS b")
    load(world, "SELECT 2 AS a, true AS C")

    assert schema(world) == {"a": "int", "b": "string", "c": "int"}
    assert world.rows("SELECT a, b, c FROM people ORDER BY a") == [[1, "x", None], [2, None, 1]]


def test_a_declared_column_never_changes(world: World) -> None:
    world.post("/v3/table/create/sales/people", {"schema": '[["n","int"]]'})
    load(world, "SELECT 1 AS n")
    job = load(world, "SELECT 'FAKE' AS n", status="error")

    assert job["debug"]["stderr"].startswith("row 1 of the import: the value of column `n` is not of type int")
    assert schema(world) == {"n": "int"}
    assert world.rows("SELECT n FROM people") == [[1]]


def test_what_grew_stays_grown_for_every_other_writer(world: World) -> None:
    load(world, "SELECT 1 AS n")
    load(world, "SELECT 'x' AS n")
    world.run("INSERT INTO people (n) VALUES ('y')")
    load(world, "SELECT 5 AS n", mode="replace")

    assert schema(world) == {"n": "string"}
    assert world.rows("SELECT n FROM people") == [["5"]]


def test_the_time_of_a_row_is_a_long_or_a_timestamp_and_the_candidates_are_named(world: World) -> None:
    rows = "SELECT 'jane@example.com' AS email, 1700000000 AS created_at, TIMESTAMP '2025-01-01' AS signed_up, 2.5 AS x"

    text = load(world, rows, status="error", time_column="email")["debug"]["stderr"]
    missing = load(world, rows, status="error", time_column="create_at")["debug"]["stderr"]
    fraction = load(world, rows, status="error", time_column="x")["debug"]["stderr"]

    candidates = "; of type long or timestamp are `created_at`, `signed_up`"
    assert text == (
        "`time_column` is `email`, which holds varchar: the time of a row is a long or a timestamp" + candidates
    )
    assert missing == "`time_column` is `create_at`, and the rows have no such column" + candidates
    assert fraction.startswith("`time_column` is `x`, which holds decimal")
    assert "jane@" not in text + missing


def test_rows_without_any_time_are_told_so(world: World) -> None:
    said = load(world, "SELECT 'x' AS email", status="error", time_column="email")["debug"]["stderr"]

    assert "none of their columns is a long or timestamp; without `time_column` the time is that of the import" in said


def test_text_of_files_is_a_long_where_the_table_declares_it(world: World) -> None:
    world.post("/v3/table/create/sales/people", {"schema": '[["at","long"],["email","string"]]'})
    load(world, "SELECT '1700000000' AS at, 'a' AS email", time_column="at")
    load(world, "SELECT '1700000000' AS at, 'a' AS email", status="error", time_column="email")

    assert world.rows("SELECT at, time FROM people") == [[1700000000, 1700000000]]


def test_no_rows_need_no_time(world: World) -> None:
    load(world, "SELECT 1 AS n WHERE false", time_column="at", mode="replace")

    assert world.rows("SELECT count(*) FROM people") == [[0]]


def test_columns_of_nested_objects_go_where_a_document_can_declare_them(world: World) -> None:
    world.post(
        "/v3/table/create/sales/people", {"schema": '[["id","long"],["owner_name","string"],["owner_at","long"]]'}
    )
    nested = """SELECT 1 AS id, 'y' AS "owner.name", 1700000000 AS "owner.at", 5 AS "owner.age" """

    load(world, nested, mode="upsert", key=["id", "owner.name"], time_column="owner.at")
    load(world, nested, mode="upsert", key=["id", "owner_name"], time_column="owner_at")

    assert world.rows('SELECT id, owner_name, owner_at, "owner.age", time FROM people') == [
        [1, "y", 1700000000, 5, 1700000000]
    ]


def test_a_flattened_name_that_is_there_already_is_another_column(world: World) -> None:
    world.post("/v3/table/create/sales/people", {"schema": '[["owner_name","string"]]'})

    for one, other in (
        ("'x' AS owner_name", """'y' AS "owner.name" """),
        ("""'y' AS "owner.name" """, "'x' AS owner_name"),
    ):
        load(world, f"SELECT {one}, {other}")

    assert world.rows('SELECT owner_name, "owner.name" FROM people') == [["x", "y"], ["x", "y"]]


def test_two_columns_that_would_be_one_are_refused(world: World) -> None:
    world.post("/v3/table/create/sales/people", {"schema": '[["a_b_c","string"]]'})

    job = load(world, """SELECT 'x' AS "a.b_c", 'y' AS "a_b.c" """, status="error")

    assert job["debug"]["stderr"] == (
        "columns `a.b_c` and `a_b.c` of the rows are both `a_b_c` of the table; declare neither, then each keeps its name"
    )
