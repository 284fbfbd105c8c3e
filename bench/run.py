"""All measurements, one table each. ``BENCH_QUICK=1`` makes them small, for trying."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import export
import member_sink
import rest
import salesforce
from listing import listing
from measuring import IS_QUICK, PEERS
from pages import pages
from plans import plans
from startup import startup

from state import state

ROWS, LARGE, REPEAT = (100_000, 400_000, 1) if IS_QUICK else (1_000_000, 4_000_000, 3)


def main() -> None:
    """Run what is named on the command line, or all."""
    jobs = {
        "startup": startup,
        "state": state,
        "listing": lambda _: listing(),
        "plans": plans,
        "export": _export,
        "rest": _rest,
        "salesforce": _salesforce,
        "pages": pages,
    }
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tdr-bench-") as folder:
        for name in sys.argv[1:] or jobs:
            jobs[name](Path(folder))
    print(f"\n{time.monotonic() - began:.0f} s")


def _export(folder: Path) -> None:
    if PEERS.exists():
        os.environ.setdefault("BENCH_PYTHON", str(PEERS))
    print("\n## Exports\n", flush=True)
    with member_sink.sink() as port:
        export.compare_all(folder, port, ROWS, 10 * ROWS, REPEAT)


def _rest(_: Path) -> None:
    if PEERS.exists():
        os.environ.setdefault("BENCH_PYTHON", str(PEERS))
    print("\n## Rows from a REST API\n", flush=True)
    rest.compare(20 if IS_QUICK else 200, 500, REPEAT)


def _salesforce(folder: Path) -> None:
    if PEERS.exists():
        os.environ.setdefault("BENCH_PYTHON", str(PEERS))
    print("\n## Records to Salesforce\n", flush=True)
    with salesforce.sink() as port:
        salesforce.compare(folder, port, ROWS, REPEAT, LARGE)


if __name__ == "__main__":
    main()
