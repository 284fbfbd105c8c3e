"""Loads that tell all there is: what does not come again is removed, but never everything."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from service_world import OpenWorld, World

from reconciler.ports.exports import Progress
from reconciler.ports.loads import Changes, LoadedRows, LoadRequest


class Whole:
    """Brings what it is told to, as all there is."""

    def __init__(self) -> None:
        self.key: tuple[str, ...] = ("id",)
        self.lasts = False
        self.changes: Changes | None = None
        self.sql = "SELECT * FROM (VALUES (1, 'a'), (2, 'b'), (3, 'c')) AS t (id, name)"

    def read(self, request: LoadRequest, connection: duckdb.DuckDBPyConnection, progress: Progress) -> LoadedRows:
        connection.execute(f"CREATE OR REPLACE VIEW told AS {self.sql}")
        return LoadedRows("told", self.key, whole=True, lasts=self.lasts, changes=self.changes)


@pytest.fixture(params=[False, True], ids=["copied", "lasting"])
def whole(request: pytest.FixtureRequest) -> Whole:
    made = Whole()
    made.lasts = request.param
    return made


@pytest.fixture
def loads(open_world: OpenWorld, whole: Whole) -> World:
    world = open_world(importer=whole)
    world.post("/v3/database/create/sales")
    world.json("POST", "/v3/bulk_loads", {"name": "crm", "database": "sales", "table": "people", "config": {"in": {}}})
    return world


def run(world: World) -> dict[str, Any]:
    job_id = world.client.post("/v3/bulk_loads/crm/jobs", json={}).json()["job_id"]
    assert world.service.wait(60)
    job: dict[str, Any] = world.get(f"/v3/job/show/{job_id}")
    return job


@pytest.mark.parametrize("key", [("id",), ()])
def test_rows_that_do_not_come_again_are_removed(loads: World, whole: Whole, key: tuple[str, ...]) -> None:
    whole.key = key
    run(loads)
    whole.sql = "SELECT * FROM (VALUES (4, 'd'), (2, 'B')) AS t (id, name)"

    assert run(loads)["status"] == "success"
    assert loads.rows("SELECT id, name FROM people ORDER BY 1") == [[2, "B"], [4, "d"]]


def test_equal_rows_are_left_as_they_are(loads: World) -> None:
    run(loads)
    before = loads.rows("SELECT * FROM people ORDER BY 1")
    loads.clock.time += 60
    run(loads)

    assert loads.rows("SELECT * FROM people ORDER BY 1") == before


@pytest.mark.parametrize(
    ("key", "sql"),
    [
        (("id",), "SELECT 1 AS id WHERE false"),
        ((), "SELECT 1 AS id WHERE false"),
        (("id",), "SELECT 9 AS id, 'x' AS name"),
    ],
)
def test_a_table_is_never_emptied_by_what_does_not_come(
    loads: World, whole: Whole, key: tuple[str, ...], sql: str
) -> None:
    run(loads)
    whole.key, whole.sql = key, sql
    job = run(loads)

    assert job["status"] == "error"
    assert job["debug"]["stderr"].startswith("none of the 3 rows of sales.people came again, and all of them would be")
    assert loads.rows("SELECT id FROM people ORDER BY 1") == [[1], [2], [3]]


def test_changes_are_told_of_columns_whose_names_are_declared_without_dots(loads: World, whole: Whole) -> None:
    loads.post("/v3/table/create/sales/people")
    loads.post("/v3/table/update-schema/sales/people", {"schema": '[["owner_name", "string"]]'})
    whole.changes = Changes(is_first=True)
    whole.sql = """SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS t (id, "owner.name")"""
    assert run(loads)["status"] == "success"
    whole.changes = Changes()
    whole.sql = """SELECT * FROM (VALUES (1, 'a'), (2, 'B'), (2, 'c')) AS t (id, "owner.name")"""

    assert run(loads)["status"] == "success"
    told = loads.rows("SELECT header__change_oper, id, owner_name FROM people__ct ORDER BY header__change_seq")
    assert told == [["U", 2, "c"]]
