"""Loads take as much memory for many rows as for few, and all that the engine may have for rows that need it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from service_world import World

LOAD = Path(__file__).with_name("large_load.py")
FEW, MANY = 100_000, 1_000_000
LARGE = "SELECT n AS id, repeat(md5(CAST(n AS VARCHAR)), 3200) AS text FROM range({rows}) AS t (n)"
"""Texts of 100 kB, of which an engine holds more at once than many rows of others."""


def load(world: World, sql: str, **out: Any) -> dict[str, Any]:
    fields = {"config": {"in": {"sql": sql}, "out": out}, "table": "people"}
    job_id = world.json("POST", "/v3/job/issue/bulkload/sales", fields)["job_id"]
    assert world.service.wait(120)
    job: dict[str, Any] = world.get(f"/v3/job/show/{job_id}")
    return job


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak is told in kilobytes on Linux only")
@pytest.mark.parametrize("out", ["table", "file"])
@pytest.mark.parametrize("lasts", ["", "lasts"])
@pytest.mark.parametrize("key", ["", "id"])
def test_ten_times_the_rows_do_not_take_twice_the_memory(tmp_path: Path, key: str, lasts: str, out: str) -> None:
    peaks = []
    for rows in (FEW, MANY):
        command = [sys.executable, str(LOAD), str(tmp_path / str(rows)), str(rows), key, lasts, out]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
        peaks.append(float(done.stdout))

    assert peaks[1] / peaks[0] < 1.8, peaks


@pytest.mark.slow
@pytest.mark.parametrize("lasts", [False, True])
@pytest.mark.parametrize("out", [{"mode": "append"}, {"mode": "upsert", "key": ["id"]}], ids=["append", "upsert"])
def test_rows_of_large_values_have_the_memory_that_they_need(world: World, out: dict[str, Any], *, lasts: bool) -> None:
    world.importer.lasts = lasts
    world.post("/v3/table/create/sales/people")

    jobs = [load(world, LARGE.format(rows=rows), **out) for rows in (1_500, 1_600)]

    assert [job["status"] for job in jobs] == ["success", "success"], jobs
    expected = 1_600 if "key" in out else 3_100
    assert world.rows("SELECT count(*), count(DISTINCT id), min(length(text)) FROM people") == [
        [expected, 1_600, 102_400]
    ]


def test_a_value_that_cannot_be_kept_is_told_by_its_row_when_it_is_found_while_rows_are_written(world: World) -> None:
    world.importer.lasts = True
    world.post("/v3/table/create/sales/people")
    world.post("/v3/table/update-schema/sales/people", {"schema": '[["numbers", "array<long>"]]'})
    load(world, "SELECT 1 AS id, [1, 2] AS numbers")

    job = load(world, "SELECT 2 AS id, unnest(['[3]', 'secret']) AS numbers")

    assert job["status"] == "error"
    assert job["debug"]["stderr"].startswith(
        "row 2 of the import: the value of column `numbers` is not of type array<long>"
    )
    assert "secret" not in str(job)
    assert world.rows("SELECT id FROM people") == [[1]]
