"""Loads that go on where they stopped: rows by their key, the position beside them, and processes that die in between."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dying_load import PAGE, Counting
from service_world import OpenWorld, World

from reconciler.ports.exports import Progress
from reconciler.ports.loads import LoadedRows, LoadRequest


class Told:
    """Brings what it is told to."""

    def __init__(self) -> None:
        self.requests: list[LoadRequest] = []
        self.key: tuple[str, ...] = ("id",)
        self.sql = "SELECT 1 AS id"
        self.position: dict[str, Any] | None = None
        self.lasts = False

    def read(self, request: LoadRequest, connection: duckdb.DuckDBPyConnection, progress: Progress) -> LoadedRows:
        self.requests.append(request)
        connection.execute(f"CREATE OR REPLACE VIEW told AS {self.sql}")
        return LoadedRows("told", self.key, self.position, ("one notice",), lasts=self.lasts)


@pytest.fixture(params=[False, True], ids=["copied", "lasting"])
def told(request: pytest.FixtureRequest) -> Told:
    made = Told()
    made.lasts = request.param
    return made


@pytest.fixture
def loads(open_world: OpenWorld, told: Told) -> World:
    world = open_world(importer=told)
    world.post("/v3/database/create/sales")
    world.json("POST", "/v3/bulk_loads", {"name": "crm", "database": "sales", "table": "people", "config": {"in": {}}})
    return world


def run(world: World, name: str = "crm") -> dict[str, Any]:
    job_id = world.client.post(f"/v3/bulk_loads/{name}/jobs", json={}).json()["job_id"]
    assert world.service.wait(60)
    job: dict[str, Any] = world.get(f"/v3/job/show/{job_id}")
    return job


def rows(world: World) -> list[list[Any]]:
    return world.rows("SELECT * FROM people ORDER BY 1")


def test_rows_with_a_known_key_change_and_others_are_added(loads: World, told: Told) -> None:
    told.sql = "SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS t (id, name)"
    run(loads)
    loads.clock.time += 60
    told.sql = "SELECT * FROM (VALUES (2, 'B'), (3, 'c'), (1, 'a')) AS t (id, name)"
    job = run(loads)

    first, second = int(loads.clock.time) - 60, int(loads.clock.time)
    assert job["num_records"] == 3
    assert rows(loads) == [[1, "a", first], [2, "B", second], [3, "c", second]], "what is the same is left as it is"


def test_of_rows_with_one_key_the_last_one_counts(loads: World, told: Told) -> None:
    told.sql = "SELECT * FROM (VALUES (1, 'a'), (1, 'b'), (2, 'c'), (1, 'd')) AS t (id, name)"
    run(loads)

    assert [row[:2] for row in rows(loads)] == [[1, "d"], [2, "c"]]


def test_columns_that_rows_lack_keep_their_values_and_new_ones_are_added(loads: World, told: Told) -> None:
    told.sql = "SELECT 1 AS id, 'a' AS name, 'x' AS note"
    run(loads)
    told.sql = "SELECT 1 AS id, 'b' AS name, 5 AS age"
    run(loads)

    assert loads.rows("SELECT id, name, note, age FROM people") == [[1, "b", "x", 5]]


def test_a_key_of_several_columns_is_all_of_them_together(loads: World, told: Told) -> None:
    told.key = ("id", "day")
    told.sql = "SELECT * FROM (VALUES (1, 'mon', 5), (1, 'tue', 6)) AS t (id, day, n)"
    run(loads)
    told.sql = "SELECT * FROM (VALUES (1, 'tue', 7), (2, 'tue', 8)) AS t (id, day, n)"
    run(loads)

    assert loads.rows("SELECT id, day, n FROM people ORDER BY 1, 2") == [[1, "mon", 5], [1, "tue", 7], [2, "tue", 8]]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT 'b' AS name", "rows are known by `id`, and these have no such column; they have name"),
        ("SELECT * FROM (VALUES (1), (NULL)) AS t (id)", "row 2 has no value for `id`, by which rows are known"),
    ],
)
def test_rows_that_are_known_by_nothing_leave_the_table_and_the_position(
    loads: World, told: Told, sql: str, message: str
) -> None:
    told.sql, told.position = "SELECT 1 AS id, 'a' AS name", {"at": 1}
    run(loads)
    told.sql, told.position = sql, {"at": 2}

    job = run(loads)

    assert (job["status"], job["debug"]["stderr"]) == ("error", message)
    assert len(rows(loads)) == 1
    assert loads.get("/v3/bulk_loads/crm")["config_diff"] == {"at": 1}


def test_a_load_may_say_by_what_rows_are_known(loads: World, told: Told) -> None:
    told.key = ()
    told.sql = "SELECT 1 AS id, 'a' AS name"
    loads.json("PUT", "/v3/bulk_loads/crm", {"config": {"in": {}, "out": {"mode": "upsert", "key": ["id"]}}})
    run(loads)
    told.sql = "SELECT 1 AS id, 'b' AS name"
    run(loads)

    assert loads.rows("SELECT id, name FROM people") == [[1, "b"]]
    for out in ({"mode": "upsert"}, {"mode": "upsert", "key": []}, {"mode": "upsert", "key": [5]}):
        refused = loads.json("PUT", "/v3/bulk_loads/crm", {"config": {"in": {}, "out": out}}, status=422)
        assert "out.key" in str(refused)


@pytest.mark.parametrize("mode", ["append", "replace", "replace_on_new_data"])
def test_the_next_run_is_told_what_the_last_one_left(loads: World, told: Told, mode: str) -> None:
    loads.json("PUT", "/v3/bulk_loads/crm", {"config": {"in": {}, "out": {"mode": mode}}})
    told.position = {"at": 7, "who": "x"}
    assert "one notice" in run(loads)["debug"]["cmdout"]
    told.position = None
    run(loads)

    assert [dict(request.position) for request in told.requests] == [{}, {"at": 7, "who": "x"}]
    assert loads.get("/v3/bulk_loads/crm")["config_diff"] == {"at": 7, "who": "x"}


def test_a_run_without_rows_moves_the_position_on(loads: World, told: Told) -> None:
    told.sql, told.position = "SELECT 1 AS id WHERE false", {"at": 9}
    run(loads)

    assert loads.get("/v3/bulk_loads/crm")["config_diff"] == {"at": 9}


def test_somebody_may_set_the_position_back(loads: World, told: Told) -> None:
    told.position = {"at": 7}
    run(loads)
    loads.json("PUT", "/v3/bulk_loads/crm", {"config_diff": {}})
    run(loads)

    assert dict(told.requests[1].position) == {}


def counted(open_world: OpenWorld, folder: Path, merges: bool) -> World:  # noqa: FBT001 - a case of the tests
    world = open_world(importer=Counting(), root=folder)
    if not world.get("/v3/bulk_loads"):
        world.post("/v3/database/create/sales")
        source = {"type": "counted", "merges": merges}
        world.json(
            "POST",
            "/v3/bulk_loads",
            {"name": "counted", "database": "sales", "table": "people", "config": {"in": source}},
        )
        assert run(world, "counted")["status"] == "success"
    return world


@pytest.fixture
def died(tmp_path: Path) -> Callable[[Path, int], subprocess.CompletedProcess[str]]:
    def run_and_die(folder: Path, last: int) -> subprocess.CompletedProcess[str]:
        script = Path(__file__).with_name("dying_load.py")
        return subprocess.run(
            [sys.executable, str(script), str(folder), str(last)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run_and_die


@pytest.mark.slow
@pytest.mark.parametrize("merges", [True, False], ids=["by key", "each a row of its own"])
def test_a_process_that_dies_at_any_moment_neither_loses_nor_doubles_a_row(
    open_world: OpenWorld,
    tmp_path: Path,
    died: Callable[[Path, int], subprocess.CompletedProcess[str]],
    merges: bool,  # noqa: FBT001 - a case
) -> None:
    before = tmp_path / "before"
    counted(open_world, before, merges).service.close()
    undisturbed = tmp_path / "undisturbed"
    shutil.copytree(before, undisturbed)
    questions = int(died(undisturbed, 10_000).stdout)
    expected = [row[:2] for row in rows(counted(open_world, undisturbed, merges))]
    assert len(expected) == 2 * PAGE + (0 if merges else 5)
    ends: set[str] = set()

    for last in range(1, questions + 1):
        folder = tmp_path / f"killed-{last}"
        shutil.copytree(before, folder)
        assert died(folder, last).returncode < 0
        world = counted(open_world, folder, merges)
        jobs = world.get("/v3/bulk_loads/counted/jobs")
        is_stored = world.get("/v3/bulk_loads/counted")["config_diff"] == {"done": 2 * PAGE}
        assert [row[:2] for row in rows(world)] == (
            expected if is_stored else [[number, "seen 0"] for number in range(PAGE)]
        )
        if len(jobs) > 1:
            ends.add(jobs[0]["status"])
            assert (jobs[0]["status"] == "success") is is_stored
        if not is_stored:
            assert run(world, "counted")["status"] == "success"
            assert [row[:2] for row in rows(world)] == expected
        world.service.close()
    assert ends == {"success", "error"}, "deaths before and after the rows are stored"
