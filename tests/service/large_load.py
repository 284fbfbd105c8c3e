"""Runs one load of many rows twice, in a process of its own: `large_load.py FOLDER ROWS KEY LASTS OUT`; tells its peak in MiB.

KEY: the column that rows are known by, or "". LASTS: "lasts" where the rows may be read again, else "". OUT: table or file.
"""

from __future__ import annotations

import resource
import sys
from functools import partial
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

import duckdb
from service_world import FakeClock, MinuteHourCron, RecordingExporter, XorSealer

from reconciler.connectors.destinations.table_files import open_table_file
from reconciler.ports.exports import Progress
from reconciler.ports.loads import LoadedRows, LoadRequest
from reconciler.service.loads import run_of
from reconciler.service.opening import open_service
from reconciler.service.requests import Call


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


def main(folder: Path, rows: int, key: str, lasts: str, out: str) -> None:
    service = open_service(
        folder,
        exporter=RecordingExporter(),
        importer=Numbers(rows, key, lasts=bool(lasts)),
        sealer=XorSealer(),
        clock=FakeClock(),
        api_keys=(),
        cron=MinuteHourCron(),
        open_table_file=partial(open_table_file, folder, None),
    )
    with service:
        service.catalog.create_database("shop")
        place = {
            "table": {"database": "shop", "table": "numbers"},
            "file": {"config": {"out": {"type": "files", "path": "numbers.parquet"}}},
        }
        service.loads.create(Call({}, {}, {"name": "numbers", **place[out]}))
        for _ in range(2):
            job = service.issue(run_of(service.loads.row("numbers"), 0, ""))
            service.wait()
            assert service.jobs.row(job)["status"] == "success"
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)  # noqa: T201 - what it is run for


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
