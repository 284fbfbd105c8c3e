"""Runs one load into a file in a process of its own that kills itself right before the n-th line of what lands rows in files.

Called as ``python killed_file_load.py FOLDER N``; prints the number of those lines when there were fewer.
"""

from __future__ import annotations

import sys
import threading
from functools import partial
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
sys.path.append(str(Path(__file__).parents[1] / "journeys"))

from anyio.from_thread import start_blocking_portal
from dying_load import Counting
from killed_at_line import Killer
from service_world import KEY, Client, FakeClock, MinuteHourCron, RecordingExporter, XorSealer

from reconciler.connectors.destinations.table_files import open_table_file
from reconciler.service.app import create_app
from reconciler.service.opening import open_service

MODULES = [
    *("service/landing", "service/parquet_files", "service/arrivals", "service/tables", "service/loads"),
    *("service/progress", "connectors/destinations/table_files", "connectors/destinations/files_staging", "durable"),
]
LOAD = "counted"


def main(folder: Path, fatal: int) -> None:
    killer = Killer(fatal, MODULES)
    threading.settrace(killer)
    service = open_service(
        folder / "service",
        exporter=RecordingExporter(),
        importer=Counting(),
        sealer=XorSealer(),
        clock=FakeClock(),
        api_keys=[KEY],
        cron=MinuteHourCron(),
        open_table_file=partial(open_table_file, folder, None),
    )
    with start_blocking_portal() as portal:
        Client(portal, create_app(service)).post(f"/v3/bulk_loads/{LOAD}/jobs", json={})
        service.wait(60)
        service.close()
    print(killer.lines)  # noqa: T201 - for whoever started it


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
