"""What happens around a file while a load fills it: other loads, others who write it, and a disk that is full."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from file_twins import FILE, Open, Told, Twins
from full_disk import no_file_longer_than
from service_world import OpenWorld, World

from reconciler.connectors.destinations.table_files import open_table_file
from reconciler.errors import TdrError
from reconciler.ports.table_files import TableFile
from reconciler.service import parquet_files


class Meeting(Told):
    """Both runs have read their rows before either writes them."""

    def __init__(self) -> None:
        super().__init__()
        self.barrier = threading.Barrier(2)

    def read(self, request: Any, connection: Any, progress: Any) -> Any:
        loaded = super().read(request, connection, progress)
        who = request.source["who"]
        rows = f"SELECT n AS id, '{who}' AS who FROM range({who}000, {who}999 + 1) AS t (n)"
        connection.execute(f"CREATE OR REPLACE VIEW told AS {rows}")
        self.barrier.wait(30)
        return loaded


def test_two_loads_into_one_file_at_once_are_both_there(open_world: OpenWorld, project: Path) -> None:
    world = open_world(importer=Meeting(), open_table_file=partial(open_table_file, project, None))
    for who in ("0", "1"):
        config = {"in": {"who": who}, "out": {"type": "files", "path": FILE}}
        world.json("POST", "/v3/bulk_loads", {"name": f"load{who}", "config": config})
    for _ in range(2):
        jobs = [world.json("POST", f"/v3/bulk_loads/load{who}/jobs", {})["job_id"] for who in ("0", "1")]
        assert world.service.wait(60)
        assert [world.get(f"/v3/job/show/{job}")["status"] for job in jobs] == ["success", "success"]

    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT who, count(*), count(DISTINCT id) FROM '{project / FILE}' GROUP BY who ORDER BY who"
        ).fetchall()
    assert found == [("0", 2000, 1000), ("1", 2000, 1000)]


class Disturbed:
    """A file that somebody else writes anew, with one row, right before a run puts its own there: so many times."""

    def __init__(self, inner: TableFile, path: Path, times: int) -> None:
        self.inner = inner
        self.path = path
        self.named = inner.named
        self.times = times

    def find(self) -> Path | None:
        return self.inner.find()

    def alone(self, stop: threading.Event) -> AbstractContextManager[None]:
        return self.inner.alone(stop)

    def exchange(self, write: Callable[[Path], None]) -> None:
        self.times -= 1
        if self.times >= 0:
            pq.write_table(pa.table({"id": [self.times], "who": ["others"], "time": [1]}), self.path)
        self.inner.exchange(write)


def disturbed(open_world: OpenWorld, project: Path, times: int) -> Twins:
    both = Twins(open_world, project, {"mode": "append"})
    both.world.service.close()
    open_file = partial(open_table_file, project, None)

    def opened(place: Any, job_id: str, spill: Path) -> Disturbed:
        return Disturbed(open_file(place, job_id, spill), both.path, times)

    both.world = open_world(importer=both.told, open_table_file=opened)
    return both


def test_rows_that_somebody_else_put_there_meanwhile_are_not_lost(open_world: OpenWorld, project: Path) -> None:
    both = disturbed(open_world, project, times=3)
    both.told.sql = "SELECT 7 AS id, 'us' AS who"

    job = both.run()

    assert job["status"] == "success", job["debug"]
    assert both.of_file()[1] == [[0, "others", 1], [7, "us", int(both.world.clock.time)]]


def test_a_file_that_others_never_leave_alone_ends_the_run(open_world: OpenWorld, project: Path) -> None:
    both = disturbed(open_world, project, times=99)

    job = both.run()

    assert job["status"] == "error"
    assert "was changed by others 10 times" in job["debug"]["stderr"]
    assert both.of_file()[1][0][1] == "others"
    assert [path.name for path in both.path.parent.iterdir()] == ["people.parquet"]


def test_a_disk_that_is_full_leaves_the_file_of_the_run_before(twins: Open) -> None:
    both = twins()
    both.run()
    before = both.path.read_bytes()
    both.told.sql = "SELECT n AS id, md5(n::VARCHAR) AS text FROM range(100000) AS t (n)"

    with no_file_longer_than(1_000_000):
        job = both.run()

    assert job["status"] == "error"
    assert both.path.read_bytes() == before
    assert [path.name for path in both.path.parent.iterdir()] == ["people.parquet"]
    assert both.run()["status"] == "success"


def test_a_disk_that_is_full_in_the_middle_of_a_file_is_told_without_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "part"
    path.touch()
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE rows AS SELECT md5(n::VARCHAR) AS text FROM range(100000) AS t (n)")
        with (
            no_file_longer_than(100_000),
            pytest.raises(TdrError, match=r"`people\.parquet` cannot be written") as told,
        ):
            parquet_files.write(connection, "rows", ["text"], {}, path, "`people.parquet`")
    assert "see whether its disk has room" in told.value.hint


@pytest.mark.slow
@pytest.mark.parametrize("out", [{"mode": "append"}, {"mode": "upsert", "key": ["id"]}], ids=["append", "upsert"])
def test_rows_of_large_values_have_the_memory_that_they_need(
    open_world: OpenWorld, project: Path, out: dict[str, Any]
) -> None:
    both = Twins(open_world, project, out)
    for rows in (1_500, 1_600):
        both.told.sql = f"SELECT n AS id, repeat(md5(n::VARCHAR), 3200) AS text FROM range({rows}) AS t (n)"
        job = both.run()
        assert job["status"] == "success", job["debug"]

    with duckdb.connect() as connection:
        found = connection.execute(
            "SELECT count(*), count(DISTINCT id), min(length(text)) FROM read_parquet(?)", [str(both.path)]
        ).fetchall()
    assert found == [(1_600 if "key" in out else 3_100, 1_600, 102_400)]


class GoingOn(Told):
    """Reads on to where it is told to; so many runs have read before any writes."""

    def __init__(self, runs: int, upto: int) -> None:
        super().__init__()
        self.barrier = threading.Barrier(runs)
        self.upto = upto

    def read(self, request: Any, connection: Any, progress: Any) -> Any:
        self.sql = f"SELECT n AS id FROM range({request.position.get('at', 0)}, {self.upto}) AS t (n)"
        self.position = {"at": self.upto}
        loaded = super().read(request, connection, progress)
        self.barrier.wait(30)
        return loaded


def _of_file(project: Path) -> list[int]:
    with duckdb.connect() as connection:
        return [row[0] for row in connection.execute(f"SELECT id FROM '{project / FILE}' ORDER BY 1").fetchall()]


def _ended(world: World, job: int) -> tuple[str, str]:
    shown = world.get(f"/v3/job/show/{job}")
    return shown["status"], shown["debug"]["stderr"] or ""


@pytest.mark.parametrize("into", ["file", "table"])
def test_of_two_runs_of_a_load_that_read_the_same_rows_one_writes(
    open_world: OpenWorld, project: Path, into: str
) -> None:
    source = GoingOn(2, 10)
    world = open_world(importer=source, open_table_file=partial(open_table_file, project, None))
    world.post("/v3/database/create/sales")
    out = {"config": {"in": {}, "out": {"type": "files", "path": FILE}}}
    table = {"database": "sales", "table": "people", "config": {"in": {}}}
    world.json("POST", "/v3/bulk_loads", {"name": "crm", **(out if into == "file" else table)})

    def run(*times: int) -> list[tuple[str, str]]:
        jobs = [world.json("POST", "/v3/bulk_loads/crm/jobs", {"scheduled_time": at})["job_id"] for at in times]
        assert world.service.wait(60)
        return sorted(_ended(world, job) for job in jobs)

    (failed, why), (done, _) = run(1740819600, 1740819601)
    assert (failed, done) == ("error", "success")
    assert "where import crm stopped in " in why
    assert "run it again" in why

    source.barrier, source.upto = threading.Barrier(1), 12
    assert [status for status, _ in run(1740819602)] == ["success"]
    found = _of_file(project) if into == "file" else [row[0] for row in world.rows("SELECT id FROM people ORDER BY 1")]
    assert found == list(range(12))


def test_of_two_services_that_read_the_same_rows_one_writes(
    open_world: OpenWorld, project: Path, tmp_path: Path
) -> None:
    source = GoingOn(2, 10)
    open_file = partial(open_table_file, project, None)
    worlds = [open_world(importer=source, open_table_file=open_file, root=tmp_path / name) for name in ("one", "two")]
    jobs = []
    for world in worlds:
        world.json(
            "POST", "/v3/bulk_loads", {"name": "crm", "config": {"in": {}, "out": {"type": "files", "path": FILE}}}
        )
        jobs.append(world.json("POST", "/v3/bulk_loads/crm/jobs", {})["job_id"])
    for world in worlds:
        assert world.service.wait(60)

    assert sorted(_ended(world, job)[0] for world, job in zip(worlds, jobs, strict=True)) == ["error", "success"]
    assert _of_file(project) == list(range(10))


@pytest.mark.parametrize("kind", ["UBIGINT", "VARCHAR", "DOUBLE"])
def test_a_file_from_elsewhere_with_a_time_that_is_none_is_told_without_it(twins: Open, kind: str) -> None:
    both = twins(mode="append")
    both.path.parent.mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT 1 AS id, 18446744073709551615::{kind} AS time) TO '{both.path}' (FORMAT parquet)"
        )
    before = both.path.read_bytes()

    job = both.run()

    assert "18446744073709551615" not in str(job)
    if job["status"] == "error":
        assert "`lake/people.parquet` does not fit" in job["debug"]["stderr"]
        assert both.path.read_bytes() == before
