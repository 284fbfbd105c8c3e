"""Runs one load in a process of its own that dies when it asks for the time the n-th time: `dying_load.py FOLDER N [NAME URL]`.

NAME: of the load, whose rows come from a Pinterest at URL; without, rows are counted.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

import duckdb
from anyio.from_thread import start_blocking_portal
from memory_tokens import MemoryTokens
from service_world import KEY, Client, FakeClock, MinuteHourCron, RecordingExporter, XorSealer

from reconciler.connectors.sources.pinterest_marketing import PinterestMarketingSource, connector
from reconciler.ports.exports import Progress
from reconciler.ports.loads import LoadedRows, LoadRequest
from reconciler.service.app import create_app
from reconciler.service.opening import open_service

PAGE = 40


class Counting:
    """Each run brings the next rows, and the last ones of the run before once more, changed."""

    def read(self, request: LoadRequest, connection: duckdb.DuckDBPyConnection, progress: Progress) -> LoadedRows:
        done = int(str(request.position.get("done", 0)))
        progress(0, PAGE, "reading")
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE counted AS SELECT n AS id, 'seen ' || {done} AS note"
            f" FROM range({max(0, done - 5)}, {done + PAGE}) AS t (n) ORDER BY n"
        )
        key = ("id",) if request.source["merges"] else ()
        return LoadedRows("counted", key, {"done": done + PAGE})


class DyingClock(FakeClock):
    """Kills its process at the *last* question."""

    def __init__(self, last: int) -> None:
        super().__init__()
        self.left = last

    def now(self) -> float:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().now()


def advertising(url: str, clock: FakeClock) -> PinterestMarketingSource:
    """A source that asks for the time as its service does."""
    return PinterestMarketingSource(connector(MemoryTokens(), base_url=url, clock=clock), clock)


def main(folder: Path, last: int, name: str = "counted", url: str = "") -> None:
    clock = DyingClock(0)
    service = open_service(
        folder,
        exporter=RecordingExporter(),
        importer=advertising(url, clock) if url else Counting(),
        sealer=XorSealer(),
        clock=clock,
        api_keys=[KEY],
        cron=MinuteHourCron(),
    )
    with start_blocking_portal() as portal:
        client = Client(portal, create_app(service))
        clock.left = last
        client.post(f"/v3/bulk_loads/{name}/jobs", json={})
        service.wait(30)
        service.close()
    print(last - clock.left)  # noqa: T201 - how often it was asked


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
