"""What it costs to have one operation on disk, whether that depends on how much is remembered, and how long reading it takes.

An operation is one journal line with its record, through the store as the engine uses it: the lock is confirmed, the end of
the file is checked, the line is appended and synchronised. The bound appends the same bytes to an open file. Reading builds
every record of a document; the bound is what PyYAML's C loader needs for as many manifests.
"""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path

import yaml
from measuring import IS_QUICK, Goal, show
from projects import query

from reconciler.model.address import Address
from reconciler.model.record import Record
from reconciler.ports.store import Entry, Phase
from reconciler.stores.local import LocalStore

SIZES = (100, 1_000, 10_000)
OPERATIONS = 200 if IS_QUICK else 1_000
LOADS = 3 if IS_QUICK else 5

_sync_data = getattr(os, "fdatasync", os.fsync)  # macOS has only the latter


def state(folder: Path) -> None:
    """Measure and show."""
    rows = [["records", "operation", "append + fdatasync", "ratio", "whole document"]]
    ratios: dict[int, float] = {}
    for size in SIZES:
        operation, bound, whole = _measure(folder / f"state-{size}", size)
        ratios[size] = operation / bound
        rows.append(
            [
                f"{size:,}",
                f"{operation * 1000:.3f} ms",
                f"{bound * 1000:.3f} ms",
                f"{ratios[size]:.2f}",
                f"{whole * 1000:.1f} ms",
            ]
        )
    show(
        f"State after one operation, medians of {OPERATIONS}",
        rows,
        [
            Goal("one operation of 1,000 / append + fdatasync", ratios[1_000], 1.5),
            Goal("the same at 10,000 records / at 100", ratios[10_000] / ratios[100], 1.2),
        ],
        ["whole document: what a store without a journal would write each time"],
    )
    _loading(folder / f"state-{SIZES[-1]}", SIZES[-1])


def _loading(folder: Path, size: int) -> None:
    """Measure and show how long it takes to read what is remembered of *size* resources."""
    manifests = "---\n".join(query(number) for number in range(size)).encode()
    loads, bounds = [], []
    for _ in range(LOADS):
        began = time.perf_counter()
        records = dict(LocalStore(folder, "bench").read().state.records.items())
        loads.append(time.perf_counter() - began)
        began = time.perf_counter()
        documents = list(yaml.load_all(manifests, yaml.CSafeLoader))
        bounds.append(time.perf_counter() - began)
        assert len(records) == len(documents) == size
    load, bound = statistics.median(loads), statistics.median(bounds)
    show(
        f"Reading {size:,} records, medians of {LOADS}",
        [
            ["records", "state", "manifests by PyYAML's C loader", "ratio"],
            [f"{size:,}", f"{load:.2f} s", f"{bound:.2f} s", f"{load / bound:.2f}"],
        ],
        [Goal("reading 10,000 records / their manifests", load / bound, 0.5)],
        [],
    )


def _measure(folder: Path, size: int) -> tuple[float, float, float]:
    store = LocalStore(folder, "bench")
    with store.lock("bench", "bench", 0):
        start = store.read().state
        filled = type(start)(
            start.lineage, "bench", 1, {}, {_address(number): _record(number) for number in range(size)}
        )
        began = time.perf_counter()
        store.checkpoint(filled, start.serial)
        whole = time.perf_counter() - began
        operations, bounds = [], []
        journal = folder / "journal.jsonl"
        plain = os.open(folder / "plain", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        for number in range(OPERATIONS):
            entry = Entry(
                f"{number:012}",
                Phase.DONE,
                "update",
                _address(number % size),
                1.0,
                remembers=True,
                record=_record(number),
            )
            before = journal.stat().st_size if journal.exists() else 0
            began = time.perf_counter()
            store.append(entry)
            operations.append(time.perf_counter() - began)
            line = b"x" * (journal.stat().st_size - before)
            began = time.perf_counter()
            os.write(plain, line)
            _sync_data(plain)
            bounds.append(time.perf_counter() - began)
        os.close(plain)
    return statistics.median(operations), statistics.median(bounds), whole


def _address(number: int) -> Address:
    return Address("query", f"query-{number:05}")


def _record(number: int) -> Record:
    applied = {
        "name": f"query-{number:05}",
        "database": "shop",
        "sql": "SELECT 1 " * 40,
        "cron": "0 3 * * *",
        "delay": 600,
    }
    return Record(f"query-{number:05}", applied, depends_on=(Address("database", "shop"),))
