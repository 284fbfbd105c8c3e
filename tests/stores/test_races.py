"""Several processes apply at one place at the same time: nothing is lost, and nothing is made twice."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import race_driver
from places import Place

WORKERS = 2


def _race(place: Place, folder: Path, applies: int) -> dict[str, int]:
    """Let `WORKERS` processes apply *applies* times each; what came of it, in numbers."""
    vendor = folder / "vendor.sqlite"
    asked = {
        "kind": place.kind,
        "address": place.address,
        "name": place.name,
        "folder": str(place.folder),
        "vendor": str(vendor),
        "applies": applies,
    }
    begun = place.open().read().state.serial
    processes = [
        subprocess.Popen(
            [sys.executable, race_driver.__file__, json.dumps(asked | {"worker": worker})],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for worker in range(WORKERS)
    ]
    told = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * WORKERS, [error[-2000:] for _, error in told]
    workers = [json.loads(out) for out, _ in told]
    with closing(sqlite3.connect(vendor)) as connection:
        made = {name: (str(key), count) for name, key, count in connection.execute(
            "SELECT name, max(id), count(*) FROM objects GROUP BY name"
        )}  # fmt: skip
        texts = dict(connection.execute("SELECT name, sql FROM objects WHERE name LIKE 'worker-%'"))
    snapshot = place.open().read()
    remembered = {address.name: record for address, record in snapshot.state.records.items()}
    wanted = {f"q-{number}" for number in range(applies)} | {f"worker-{worker}" for worker in range(WORKERS)}
    last = f"SELECT {applies - 1}"
    return {
        "applies": WORKERS * applies,
        "undone": sum(worker["undone"] for worker in workers),
        "lost serials": begun + sum(worker["grown"] for worker in workers) - snapshot.state.serial,
        "lost records": len(wanted - remembered.keys()) + len(remembered.keys() - wanted),
        "records of another object": sum(record.remote_id != made[name][0] for name, record in remembered.items()),
        "lost updates": sum(
            texts[f"worker-{worker}"] != last or remembered[f"worker-{worker}"].applied["sql"] != last
            for worker in range(WORKERS)
        ),
        "double creates": sum(count - 1 for _, count in made.values()),
        "unfinished": len(snapshot.unfinished),
    }


def _clean(applies: int) -> dict[str, int]:
    return {
        "applies": WORKERS * applies,
        "undone": 0,
        "lost serials": 0,
        "lost records": 0,
        "records of another object": 0,
        "lost updates": 0,
        "double creates": 0,
        "unfinished": 0,
    }


def test_two_processes_that_apply_at_once_lose_nothing_and_make_nothing_twice(place: Place, tmp_path: Path) -> None:
    assert _race(place, tmp_path, 8) == _clean(8)


@pytest.mark.slow
@pytest.mark.parametrize("place", ["http", "postgres", "s3"], indirect=True)  # the places that teams share
def test_two_processes_that_apply_two_hundred_times_each_lose_nothing(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counts = _race(place, tmp_path, 200)

    with capsys.disabled():
        sys.stdout.write(f"\n{place.kind}: {', '.join(f'{count} {name}' for name, count in counts.items())}\n")
    assert counts == _clean(200)
