"""`kill -9` all along a load into a file: the file is whole, and where its reading stopped is as far as its rows go."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import duckdb
import pytest
from dying_load import PAGE, Counting
from killed_file_load import LOAD
from service_world import OpenWorld, World

from reconciler.connectors.destinations.table_files import open_table_file

DRIVER = Path(__file__).with_name("killed_file_load.py")
FILE = Path("lake/counted.parquet")


def opened(open_world: OpenWorld, folder: Path) -> World:
    return open_world(
        importer=Counting(), root=folder / "service", open_table_file=partial(open_table_file, folder, None)
    )


def begun(open_world: OpenWorld, folder: Path, out: dict[str, object]) -> None:
    """A load that has run once, in *folder*."""
    world = opened(open_world, folder)
    config = {"in": {"merges": out["mode"] == "upsert"}, "out": {"type": "files", "path": str(FILE), **out}}
    world.json("POST", "/v3/bulk_loads", {"name": LOAD, "config": config})
    run(world)
    world.service.close()


def run(world: World) -> None:
    job_id = world.json("POST", f"/v3/bulk_loads/{LOAD}/jobs", {})["job_id"]
    assert world.service.wait(60)
    job = world.get(f"/v3/job/show/{job_id}")
    assert job["status"] == "success", job["debug"]


def killed(folder: Path, line: int) -> int:
    """Kill a run at *line* and say so by its code; 0 for none, and then the number of lines is told."""
    ended = subprocess.run(
        [sys.executable, str(DRIVER), str(folder), str(line)], capture_output=True, text=True, check=False, timeout=120
    )
    assert ended.returncode == (-signal.SIGKILL if line else 0), ended.stderr
    return int(ended.stdout) if not line else 0


def held(folder: Path) -> tuple[list[int], int]:
    """The ids in the file, and how far it says that reading came."""
    path = str(folder / FILE)
    with duckdb.connect() as connection:
        ids = [row[0] for row in connection.execute("SELECT id FROM read_parquet(?)", [path]).fetchall()]
        [(note,)] = connection.execute(
            "SELECT decode(value) FROM parquet_kv_metadata(?) WHERE decode(key) = 'tdr.imports'", [path]
        ).fetchall()
    (landed,) = json.loads(note).values()
    return ids, landed["position"]["done"]


def expected(position: int, out: dict[str, object]) -> list[int]:
    """What the counting source brings up to *position*: of each page the last five of the one before once more."""
    if out["mode"] == "upsert":
        return list(range(position))
    pages = range(0, position, PAGE)
    return [number for start in pages for number in range(max(0, start - 5), start + PAGE)]


APPENDED: dict[str, object] = {"mode": "append"}
BY_KEY: dict[str, object] = {"mode": "upsert", "key": ["id"]}


@pytest.mark.parametrize(
    ("out", "points"),
    [
        pytest.param(APPENDED, 3, id="append"),
        pytest.param(APPENDED, 40, id="append-all-along", marks=pytest.mark.slow),
        pytest.param(BY_KEY, 40, id="upsert-all-along", marks=pytest.mark.slow),
    ],
)
def test_a_load_that_is_killed_anywhere_leaves_a_whole_file_that_knows_how_far_it_is(
    open_world: OpenWorld, tmp_path: Path, out: dict[str, object], points: int
) -> None:
    first = tmp_path / "first"
    first.mkdir()
    begun(open_world, first, out)
    undisturbed = shutil.copytree(first, tmp_path / "undisturbed")
    lines = killed(undisturbed, 0)
    assert held(undisturbed) == (expected(2 * PAGE, out), 2 * PAGE)
    assert lines > points
    statuses = set()
    for point in range(1, points + 1):
        struck = shutil.copytree(first, tmp_path / f"struck-{point}")
        killed(struck, lines * point // (points + 1))

        ids, position = held(struck)
        assert (position in (PAGE, 2 * PAGE), sorted(ids)) == (True, sorted(expected(position, out)))
        world = opened(open_world, struck)
        status = world.get(f"/v3/bulk_loads/{LOAD}/jobs")[0]["status"]
        assert status in ({"success"} if position == 2 * PAGE else {"success", "error"}), (
            "what the file has is told of its job"
        )
        statuses.add((status, position))
        run(world)
        world.service.close()
        ids, after = held(struck)
        assert (after, sorted(ids)) == (position + PAGE, sorted(expected(position + PAGE, out)))
        assert [path.name for path in (struck / FILE).parent.iterdir()] == [FILE.name], "parts of the dead are gone"
    assert ("error", PAGE) in statuses
    assert ("success", 2 * PAGE) in statuses or points < 20
