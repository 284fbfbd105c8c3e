"""Runs exports to Salesforce, each in a process that dies on the way: `dying_salesforce_export.py URL`.

Reads lines of JSON ``{"folder", "sql", "settings", "last", "number"}``: the process asks for the time at most *last* times, and is
killed when it asks once more; its number goes to the file *number*, for others to kill it. Answers each line with
``{"code", "questions"}``: how it ended, and how often it asked when it lived.
Processes are forked from one that has everything loaded, because loading takes longer than an export.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import duckdb
import httpx  # noqa: F401 - loaded once for all
import tenacity  # noqa: F401 - as above
from export_world import FakeClock
from salesforce_world import no_tokens, settings_for

from reconciler.apis import salesforce_connect as _loaded  # noqa: F401 - as above
from reconciler.connectors.destinations.salesforce import SalesforceDestination
from reconciler.connectors.destinations.salesforce_client import connector
from reconciler.dataplane.exporter import TypedExporter
from reconciler.errors import ProviderError
from reconciler.ports.exports import ExportRequest


class DyingClock(FakeClock):
    """Kills its process at the question after the *last*."""

    def __init__(self, last: int) -> None:
        super().__init__()
        self.last = last
        self.asked = 0

    def now(self) -> float:
        self.asked += 1
        if self.asked > self.last:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().now()

    def sleep(self, seconds: float) -> None:
        self.now()
        super().sleep(seconds)


def export(url: str, told: dict[str, Any]) -> int:
    clock, folder = DyingClock(told["last"]), Path(told["folder"])
    destination = SalesforceDestination(connector(None, clock, no_tokens), folder / "runs", clock=clock)
    with duckdb.connect() as connection:
        connection.execute(f"CREATE VIEW rows AS {told['sql']}")
        request = ExportRequest("sfdc_v2", settings_for(url, told["settings"]), "1")
        exporter = TypedExporter({"sfdc_v2": destination})
        exporter.export(request, connection, lambda *_: None, threading.Event())
    return clock.asked


def main(url: str) -> None:
    for line in sys.stdin:
        told, (read, write) = json.loads(line), os.pipe()
        child = os.fork()
        if child == 0:
            sys.stdout = sys.stderr
            Path(told["number"]).write_text(str(os.getpid()), encoding="ascii")
            try:
                os.write(write, str(export(url, told)).encode())
            except ProviderError as error:
                os.write(write, f"0 {type(error).__name__}".encode())
            os._exit(0)
        os.close(write)
        _, status = os.waitpid(child, 0)
        asked = os.read(read, 100).decode()
        os.close(read)
        print(json.dumps({"code": os.waitstatus_to_exitcode(status), "questions": asked}), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main(sys.argv[1])
