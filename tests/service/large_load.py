"""Runs one load of many rows twice, in a process of its own: `large_load.py FOLDER ROWS KEY LASTS`; tells its peak in MiB.

KEY: the column that rows are known by, or "". LASTS: "lasts" where the rows may be read again, else "".
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

import duckdb
import orjson
from service_world import FakeClock, MinuteHourCron, RecordingExporter, XorSealer

from reconciler.ports.exports import Progress
from reconciler.ports.loads import LoadedRows, LoadRequest
from reconciler.service.jobs import NewJob
from reconciler.service.opening import open_service


class Numbers:
    """Rows of texts that nothing makes smaller."""

    def __init__(self, rows: int, key: str, *, lasts: bool) -> None:
        self.rows = rows
        self.key = (key,) if key else ()
        self.lasts = lasts

    def read(self, request: LoadRequest, connection: duckdb.DuckDBPyConnection, progress: Progress) -> LoadedRows:
        texts = ", ".join(f"md5(n || '{name}') AS {name}" for name in "abcd")
        connection.execute(f"CREATE VIEW numbers AS SELECT n AS id, {texts} FROM range({self.rows}) AS t (n)")
        return LoadedRows("numbers", self.key, lasts=self.lasts)


def main(folder: Path, rows: int, key: str, lasts: str) -> None:
    service = open_service(
        folder,
        exporter=RecordingExporter(),
        importer=Numbers(rows, key, lasts=bool(lasts)),
        sealer=XorSealer(),
        clock=FakeClock(),
        api_keys=(),
        cron=MinuteHourCron(),
    )
    with service:
        service.catalog.create_database("shop")
        config = XorSealer().seal(orjson.dumps({"in": {}, "out": {}}))
        for _ in range(2):
            job = service.issue(NewJob(type="bulkload", database="shop", table="numbers", config=config))
            service.wait()
            assert service.jobs.row(job)["status"] == "success"
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)  # noqa: T201 - what it is run for


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4])
