"""Queries that a real Spark runs: the same rows as DuckDB's, and the same exports."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from service_world import TARGET, OpenWorld, World
from test_service_jobs import wait_for
from test_service_sql import HIVE, TRINO, filled
from test_service_td_functions import INTERVALS, JAN_1, RANGES, SCHEDULED, VALUES

from reconciler.service.ports import SparkPlace

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def spark(spark_url: str) -> SparkPlace:
    return SparkPlace(spark_url, lambda: "")


@pytest.fixture(scope="module")
def read(open_world_for_all: OpenWorld, spark: SparkPlace) -> World:
    """A service with orders and days, in which nothing is changed."""
    world = open_world_for_all(spark=spark)
    world.post("/v3/database/create/sales")
    filled(world)
    world.run(
        "CREATE TABLE days AS SELECT n AS day,"
        f" CAST({JAN_1} + (n - 1) * 86400 AS bigint) AS time FROM UNNEST(sequence(1, 31)) AS t (n)"
    )
    return world


@pytest.fixture
def orders(open_world: OpenWorld, spark: SparkPlace) -> World:
    world = open_world(spark=spark)
    world.post("/v3/database/create/sales")
    return filled(world)


@pytest.mark.parametrize(("sql", "expected"), TRINO, ids=[sql[:60] for sql, _ in TRINO])
def test_trino_gives_the_rows_that_it_gives_on_duckdb(read: World, sql: str, expected: list[list[Any]]) -> None:
    assert read.rows(sql) == expected


@pytest.mark.parametrize(("sql", "expected"), HIVE, ids=[sql[:60] for sql, _ in HIVE])
def test_hive_gives_the_rows_that_it_gives_on_duckdb(read: World, sql: str, expected: list[list[Any]]) -> None:
    assert read.rows(sql, engine="hive") == expected


@pytest.mark.parametrize("engine", ["trino", "hive"])
def test_the_vendors_functions_give_what_they_give_on_duckdb(read: World, engine: str) -> None:
    told = [(call, value) for call, value in VALUES if engine == "trino" or "''" not in call]
    calls = ", ".join(f"{call} AS c{place}" for place, (call, _) in enumerate(told))

    [row] = read.rows(f"SELECT {calls}", engine=engine, scheduled_time=str(SCHEDULED))

    assert dict(zip((call for call, _ in told), row, strict=True)) == dict(told)


@pytest.mark.parametrize(("condition", "days"), RANGES, ids=[condition for condition, _ in RANGES])
def test_a_time_range_holds_the_same_rows(read: World, condition: str, days: list[int]) -> None:
    assert read.rows(f"SELECT day FROM days WHERE {condition} ORDER BY day") == [[day] for day in days]


def test_intervals_hold_the_same_times(read: World) -> None:
    inside, outside = [], []
    for interval, zone, start, end in INTERVALS:
        inside += [
            f"TD_INTERVAL({moment}, '{interval}', '{zone}')"
            for moment in (f"TD_TIME_PARSE('{start}')", f"TD_TIME_PARSE('{end}') - 1")
        ]
        outside += [
            f"TD_INTERVAL({moment}, '{interval}', '{zone}')"
            for moment in (f"TD_TIME_PARSE('{start}') - 1", f"TD_TIME_PARSE('{end}')")
        ]
    named = ", ".join(f"{call} AS c{place}" for place, call in enumerate([*inside, *outside]))

    [row] = read.rows(f"SELECT {named}", scheduled_time=str(SCHEDULED))

    assert row == [True] * len(inside) + [False] * len(outside)


REFUSED = [
    ("SELECT nope FROM orders", "Spark refuses the query"),
    ("SELECT no_such_function(1)", "NO_SUCH_FUNCTION"),
    ("SELECT * FROM cities", "table sales.cities does not exist"),
    ("SELECT * FROM read_csv('/etc/passwd')", "not the name of a table"),
    ("SELECT * FROM `csv`.`/etc/passwd`", "does not parse"),
    ("DELETE FROM orders", "DELETE is not allowed here"),
    ("SELECT 1 / 0", "DIVIDE_BY_ZERO"),
    ("SELECT array_agg(id ORDER BY amount, id) FROM orders", "in the order of one expression"),
    ("SELECT try(abs(1))", "tries casts and divisions only"),
]


@pytest.mark.parametrize(("sql", "message"), REFUSED, ids=[sql[:50] for sql, _ in REFUSED])
def test_what_cannot_run_ends_as_an_error_that_says_why(read: World, sql: str, message: str) -> None:
    job = read.run(sql)

    assert job["status"] == "error"
    assert message in job["debug"]["stderr"]


def test_messages_about_rows_do_not_quote_them(read: World, capfd: pytest.CaptureFixture[str]) -> None:
    job = read.run("SELECT CAST(email AS integer) FROM orders")

    assert job["status"] == "error"
    assert "CAST_INVALID_INPUT" in job["debug"]["stderr"]
    assert "example.com" not in (job["debug"]["cmdout"] + "".join(capfd.readouterr())).lower()


def test_an_export_gets_the_rows_that_spark_found(orders: World) -> None:
    job = orders.run("SELECT lower(trim(email)) AS email FROM orders WHERE email IS NOT NULL ORDER BY 1", result=TARGET)

    assert job["status"] == "success"
    [(request, rows)] = orders.exporter.exported
    assert request.type == "pinterest"
    assert rows == [("ana@example.com",), ("bo@example.com",)]
    [(_, columns)] = orders.exporter.checked
    assert columns == {"email": "VARCHAR"}


def test_rows_are_written_into_tables_of_the_service(orders: World) -> None:
    assert orders.run("CREATE TABLE big AS SELECT id, tags FROM orders WHERE amount > 5")["status"] == "success"
    assert orders.run("INSERT INTO big SELECT id, tags FROM orders WHERE amount < 0")["status"] == "success"

    assert orders.rows("SELECT id, tags FROM big ORDER BY id") == [[1, ["a", "b"]], [3, ["c"]]]


def test_tables_that_are_not_the_services_are_the_clusters(orders: World, spark: SparkPlace) -> None:
    from pyspark.sql.connect.session import SparkSession  # noqa: PLC0415 - not where these tests are skipped

    session = SparkSession.builder.remote(spark.url).create()
    session.sql("CREATE DATABASE IF NOT EXISTS lake")
    session.sql("DROP TABLE IF EXISTS lake.visits")
    session.sql("CREATE TABLE lake.visits USING parquet AS SELECT * FROM VALUES (1, 9), (2, 8), (3, 7) AS t (id, n)")
    session.stop()

    assert orders.rows("SELECT v.id, v.n / 2 FROM lake.visits v JOIN orders o ON o.id = v.id ORDER BY 1") == [
        [1, 4],
        [2, 4],
        [3, 3],
    ]
    refused = orders.run("INSERT INTO lake.visits SELECT 4, 4")
    assert refused["status"] == "error"
    assert "table lake.visits does not exist" in refused["debug"]["stderr"]


def test_a_kill_ends_the_query_on_the_cluster(orders: World) -> None:
    numbers = "UNNEST(sequence(1, 100000))"
    endless = f"SELECT count(*) FROM {numbers} a (n) CROSS JOIN {numbers} b (m) WHERE n * m % 7 = 3"
    job_id = orders.post("/v3/job/issue/trino/sales", {"query": endless})["job_id"]
    wait_for(orders, job_id, "running")

    orders.post(f"/v3/job/kill/{job_id}")

    assert orders.service.wait(60)
    assert orders.get(f"/v3/job/status/{job_id}")["status"] == "killed"
    assert orders.rows("SELECT 1") == [[1]], "the cluster has room for the next"


def test_a_cluster_out_of_reach_is_told_by_its_address(open_world: OpenWorld) -> None:
    world = open_world(spark=SparkPlace("sc://127.0.0.1:9/;use_ssl=false", lambda: "t0ken"))
    world.post("/v3/database/create/sales")

    job = world.run("SELECT 1")

    assert job["status"] == "error"
    assert "Spark does not answer at 127.0.0.1:9" in job["debug"]["stderr"]
    assert "t0ken" not in job["debug"]["cmdout"]


def test_a_program_without_a_file_is_told_so() -> None:
    program = (
        "from reconciler.errors import TdrError\n"
        "from reconciler.service.ports import SparkPlace\n"
        "from reconciler.service.spark import _connected\n"
        "try: _connected(SparkPlace('sc://127.0.0.1:9', lambda: ''))\n"
        "except TdrError as error: print(error)"
    )

    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert "its client ends a program that is no file" in said
