"""Columns called as the engine calls its own, or as statements call what they count by: names of columns are anybody's."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from file_twins import Open
from service_world import OpenWorld

from reconciler.ports.exports import Progress
from reconciler.ports.loads import Changes, LoadedRows, LoadRequest

NAMES = [
    "rowid",
    "RowID",
    "Place",
    "place_",
    "NUMBER",
    "came",
    "c0",
    "gone",
    "kind",
    "At",
    "mask",
    "its place",
    "It Came",
]
LOTS = [
    ([(1, "x", 7), (2, "y", 7), (3, "z", None)], [(1, "x", 7), (2, "y", 7), (3, "z", None)]),
    ([(1, "changed", 7)], [(1, "changed", 7), (2, "y", 7), (3, "z", None)]),
    ([(3, "z3", None), (2, "a", 1), (2, "b", 2)], [(1, "changed", 7), (2, "b", 2), (3, "z3", None)]),
    ([(3, "z3", None)], [(1, "changed", 7), (2, "b", 2), (3, "z3", None)]),
]
"""What comes, and what is there then."""


def _selects(rows: list[tuple[Any, ...]], name: str) -> str:
    values = ", ".join(f"({key}, '{text}', {'NULL' if value is None else value})" for key, text, value in rows)
    return f"""SELECT * FROM (VALUES {values}) AS v (id, a, "{name}")"""


@pytest.mark.parametrize("name", NAMES)
def test_rows_are_merged_whatever_their_columns_are_called(twins: Open, name: str) -> None:
    both = twins(mode="upsert", key=["id"])
    for rows, there in LOTS:
        jobs = both.both(_selects(rows, name))
        assert [job["status"] for job in jobs] == ["success", "success"]
        assert sorted(tuple(row[:3]) for row in both.of_table()[1]) == there
        assert sorted(tuple(row[:3]) for row in both.of_file()[1]) == there


@pytest.mark.parametrize("name", ["rowid", "Number", "came"])
def test_such_a_column_may_be_what_rows_are_known_by(twins: Open, name: str) -> None:
    both = twins(mode="upsert", key=[name])
    for sql in (
        f"""SELECT 7 AS "{name}", 'a' AS a""",
        f"""SELECT unnest([7, 7]) AS "{name}", unnest(['b', 'c']) AS a""",
    ):
        assert [job["status"] for job in both.both(sql)] == ["success", "success"]
    assert [row[:2] for row in both.of_table()[1]] == [row[:2] for row in both.of_file()[1]] == [[7, "c"]]


@pytest.mark.parametrize("name", ["rowid", "number", "Its Number"])
def test_the_row_that_does_not_fit_is_told_by_its_number(twins: Open, name: str) -> None:
    both = twins(mode="append")
    both.world.post("/v3/table/create/sales/people")
    both.world.post("/v3/table/update-schema/sales/people", {"schema": '[["id", "int"]]'})
    both.told.sql = f"""SELECT * FROM (VALUES ('1', 70), ('no number', 71)) AS v (id, "{name}")"""
    assert both.run("table")["debug"]["stderr"].startswith("row 2 of the import: the value of column `id`")


class Changing:
    """Tells changes of what it brings."""

    def __init__(self) -> None:
        self.sql = ""
        self.changes = Changes(is_first=True)

    def read(self, request: LoadRequest, connection: duckdb.DuckDBPyConnection, progress: Progress) -> LoadedRows:
        connection.execute(f"CREATE OR REPLACE VIEW told AS {self.sql}")
        return LoadedRows("told", ("id",), changes=self.changes)


@pytest.mark.parametrize("name", NAMES)
def test_changes_are_told_whatever_the_columns_are_called(open_world: OpenWorld, name: str) -> None:
    changing = Changing()
    world = open_world(importer=changing)
    world.post("/v3/database/create/sales")
    world.json("POST", "/v3/bulk_loads", {"name": "crm", "database": "sales", "table": "people", "config": {"in": {}}})
    for rows, _ in LOTS:
        changing.sql = _selects(rows, name)
        job_id = world.json("POST", "/v3/bulk_loads/crm/jobs", {})["job_id"]
        assert world.service.wait(60)
        assert world.get(f"/v3/job/show/{job_id}")["status"] == "success"
        changing.changes = Changes()
        world.clock.time += 60
    told = world.rows(
        f'SELECT header__change_oper, id, a, "{name.lower()}" FROM people__ct ORDER BY header__change_seq'
    )
    assert told == [["U", 1, "changed", 7], ["U", 3, "z3", None], ["U", 2, "b", 2]]


def test_the_newest_rows_are_those_that_came_last(twins: Open) -> None:
    both = twins(mode="append")
    for sql in ("SELECT 1 AS id, 9 AS rowid, 100 AS time", "SELECT 2 AS id, 1 AS rowid, 100 AS time"):
        both.both(sql)
    told = both.world.client.get("/v3/table/tail/sales/people", params={"count": 1, "format": "json"})
    assert told.json() == [{"id": 2, "rowid": 1, "time": 100}]
