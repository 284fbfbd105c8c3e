"""How fast records travel from a query result to Salesforce by Bulk API 2.0, and in how much memory.

    python bench/salesforce.py [--rows 1000000] [--repeat 3] [--large 4000000]

Everything is measured in one run, each time in a process of its own, against one minimal HTTP sink (another process) that counts
rows and bytes and takes every row, in turns. Medians are shown; seconds do not carry over to other machines, ratios do.

    bound       DuckDB writes the rows as CSV files of 24 MB, which are streamed from disk: what any export by this engine must do
    tdr         the connector as it is: rows staged as text, keys checked for twins, parts, journal, jobs, and what became of them
    tdr-bulk1   the same by Bulk API 1.0, in batches of 10,000 rows whose results are read row by row
    simple      simple-salesforce's `bulk2.upsert(records=…)`, rows taken from Parquet as dicts
    simple-csv  simple-salesforce's `bulk2.upsert(csv_file=…)`, the CSV written by DuckDB before

simple-salesforce needs BENCH_PYTHON, an interpreter that has it and pyarrow; it does not wait between its questions here, and reads
no results. A file is made by what has DuckDB, also for it.
"""

# ruff: noqa: PLC0415, D102 - each measured process imports only what it measures; asyncio names the protocol's methods
from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from sinks import served

VERSION = "60.0"
JOBS = f"/services/data/v{VERSION}/jobs/ingest"
PART_BYTES = 24_000_000
BATCH_ROWS = 10_000
NAMESPACE = "http://www.force.com/2009/06/asyncapi/dataload"
RESULT = b'"003000000000001AAA","true","true",""\n'
TEXTS = ("FirstName", "LastName", "Email", "Phone", "MailingCity")
TYPES = {
    "Key__c": "string",
    **dict.fromkeys(TEXTS, "string"),
    "Birthdate": "date",
    "Score__c": "double",
    "Vip__c": "boolean",
}
WRITABLE = {"createable": True, "updateable": True, "nillable": True, "length": 255}
FIELDS = [{"name": name, "type": kind, "externalId": name == "Key__c", **WRITABLE} for name, kind in TYPES.items()]


# -- the sink ------------------------------------------------------------------------------------------------------------


class Sink(asyncio.Protocol):
    """Speaks as much of both bulk APIs as an export needs; takes every row, counts line ends, and keeps nothing."""

    rows = 0
    size_bytes = 0
    jobs = 0
    sent: dict[str, int] = {}  # noqa: RUF012 - one server a process

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._head = b""
        self._left = 0
        self._lines = 0

    def data_received(self, data: bytes) -> None:
        if self._left:
            self._take_body(data)
            return
        self._head += data
        head, found, body = self._head.partition(b"\r\n\r\n")
        if not found:
            return
        self._head = b""
        first, *lines = head.decode().split("\r\n")
        self._verb, self._path, _ = first.split(" ")
        fields = dict(line.lower().split(": ", 1) for line in lines)
        self._kind = fields.get("content-type", "")
        self._left, self._lines = int(fields.get("content-length", 0)), 0
        if self._left:
            self._take_body(body)
        else:
            self._answer()

    def _take_body(self, data: bytes) -> None:
        if self._kind.startswith("text/csv"):
            self._lines += data.count(b"\n")
            Sink.size_bytes += len(data)
        self._left -= len(data)
        if self._left <= 0:
            self._answer()

    def _answer(self) -> None:
        at, old = self._path.rstrip("/").split("/"), self._path.startswith("/services/async/")
        rows = max(self._lines - 1, 0)
        Sink.rows += rows
        if self._verb == "DELETE":
            self._say({"rows": Sink.rows, "bytes": Sink.size_bytes})
            Sink.rows = Sink.size_bytes = 0
        elif self._path.endswith("/oauth2/token"):
            host = self._transport.get_extra_info("sockname")
            self._say({"access_token": "bench", "instance_url": f"http://{host[0]}:{host[1]}", "token_type": "Bearer"})
        elif self._path.endswith("/describe"):
            rights = dict.fromkeys(("createable", "updateable", "deletable", "queryable"), True)
            self._say({"name": "Contact", **rights, "fields": FIELDS})
        elif old:
            self._answer_old(at[5:], rows)
        elif self._verb == "PUT":
            Sink.sent[at[-2]] = rows
            self._write(b"", "text/csv", 201)
        elif self._verb == "POST":
            Sink.jobs += 1
            self._say({"id": f"750{Sink.jobs:015}", "state": "Open"})
        else:
            state = "UploadComplete" if self._verb == "PATCH" else "JobComplete"
            counts = {"numberRecordsProcessed": Sink.sent.get(at[-1], 0), "numberRecordsFailed": 0}
            self._say({"id": at[-1], "state": state, **counts})

    def _answer_old(self, at: list[str], rows: int) -> None:
        if self._verb == "POST" and at[1:] == ["batch"]:
            Sink.jobs += 1
            batch = f"{at[0]}-{Sink.jobs}"
            Sink.sent[batch] = rows
            self._xml(f"<batchInfo xmlns='{NAMESPACE}'><id>{batch}</id><state>Queued</state></batchInfo>", 201)
        elif self._verb == "POST":
            Sink.jobs += 1
            self._xml(
                f"<jobInfo xmlns='{NAMESPACE}'><id>{at[0] if at else Sink.jobs}</id><state>Open</state></jobInfo>", 201
            )
        elif len(at) == 1:
            self._xml(f"<jobInfo xmlns='{NAMESPACE}'><id>{at[0]}</id><state>Open</state></jobInfo>")
        elif len(at) == 2:
            told = "".join(
                f"<batchInfo><id>{batch}</id><state>Completed</state><numberRecordsProcessed>{count}</numberRecordsProcessed>"
                "<numberRecordsFailed>0</numberRecordsFailed></batchInfo>"
                for batch, count in Sink.sent.items()
                if batch.startswith(f"{at[0]}-")
            )
            self._xml(f"<batchInfoList xmlns='{NAMESPACE}'>{told}</batchInfoList>")
        else:
            self._write(b'"Id","Success","Created","Error"\n' + RESULT * Sink.sent[at[2]], "text/csv")

    def _say(self, value: Any) -> None:
        self._write(json.dumps(value).encode(), "application/json")

    def _xml(self, text: str, status: int = 200) -> None:
        self._write(text.encode(), "application/xml", status)

    def _write(self, body: bytes, kind: str, status: int = 200) -> None:
        head = f"HTTP/1.1 {status} OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        self._transport.write(head.encode() + body)


def sink() -> AbstractContextManager[int]:
    """Port of a sink that runs while the context is open."""
    return served(Sink)


def received(port: int) -> dict[str, int]:
    """Rows and bytes the sink got since it was asked last."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("DELETE", "/")
    told: dict[str, int] = json.loads(connection.getresponse().read())
    return told


# -- what is measured ----------------------------------------------------------------------------------------------------


def bound(source: Path, port: int) -> int:
    import duckdb

    connection, rows = http.client.HTTPConnection("127.0.0.1", port, blocksize=1_000_000), 0

    def ask(verb: str, at: str, body: Any, kind: str = "application/json", size: int | None = None) -> bytes:
        more = {"Content-Length": str(size)} if size is not None else {}
        connection.request(verb, at, body, {"Content-Type": kind, **more})
        return connection.getresponse().read()

    with tempfile.TemporaryDirectory() as folder, duckdb.connect(config={"threads": "2"}) as engine:
        engine.execute(
            f"COPY (SELECT * FROM read_parquet('{source}')) TO '{folder}/csv' (FORMAT csv, FILE_SIZE_BYTES {PART_BYTES})"
        )
        for part in sorted(Path(folder, "csv").iterdir()):
            job = json.loads(ask("POST", JOBS, b"{}"))["id"]
            with part.open("rb") as file:
                ask("PUT", f"{JOBS}/{job}/batches", file, "text/csv", part.stat().st_size)
            ask("PATCH", f"{JOBS}/{job}", b"{}")
            rows += json.loads(ask("GET", f"{JOBS}/{job}", None))["numberRecordsProcessed"]
    return rows


class _Plain:
    """Tokens are asked for by no login of this benchmark."""

    def seal(self, plain: bytes) -> bytes:
        return plain

    def open(self, sealed: bytes) -> bytes:
        return sealed


def _tdr(source: Path, port: int, **more: Any) -> int:
    import duckdb

    from reconciler.connectors.destinations.salesforce import SalesforceDestination
    from reconciler.connectors.destinations.salesforce_client import connector
    from reconciler.dataplane.exporter import TypedExporter
    from reconciler.ports.clock import SystemClock
    from reconciler.ports.exports import ExportRequest
    from reconciler.stores.tokens import SealedTokenStore

    settings = {
        "auth_method": "client_credentials",
        "login_url": f"http://127.0.0.1:{port}",
        "client_id": "bench",
        "client_secret": "bench",
        "api_version": VERSION,
        "object": "Contact",
        "mode": "update",
        "upsert": True,
        "unique": "Key__c",
        **more,
    }
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(config={"threads": "2"}) as connection:
        connection.sql(f"CREATE VIEW rows AS SELECT * FROM read_parquet('{source}')")
        destination = SalesforceDestination(
            connector(None, SystemClock(), lambda: SealedTokenStore(Path(folder), _Plain(), SystemClock())),
            Path(folder),
        )
        exporter = TypedExporter({"sfdc_v2": destination})
        request = ExportRequest("sfdc_v2", settings, "bench")
        return exporter.export(request, connection, lambda *_: None, threading.Event()).sent


def tdr(source: Path, port: int) -> int:
    return _tdr(source, port)


def tdr_bulk1(source: Path, port: int) -> int:
    return _tdr(source, port, api_version="32.0")


def _simple(port: int, **given: Any) -> int:
    import requests
    from requests.adapters import HTTPAdapter
    from simple_salesforce import Salesforce

    class Plain(HTTPAdapter):
        """It knows https only, and the sink has no certificate."""

        def send(self, request: Any, *args: Any, **options: Any) -> Any:
            request.url = request.url.replace("https://", "http://", 1)
            return super().send(request, *args, **options)

    session = requests.Session()
    session.mount("https://", Plain())
    org = Salesforce(session_id="bench", instance=f"127.0.0.1:{port}", session=session, version=VERSION)
    jobs = org.bulk2.Contact.upsert(external_id_field="Key__c", wait=0, **given)
    return sum(int(job["numberRecordsProcessed"]) for job in jobs)


def simple(source: Path, port: int) -> int:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(source)
    for number, name in enumerate(table.column_names):
        table = table.set_column(number, name, pc.cast(table.column(name), "string"))
    return _simple(port, records=table.to_pylist())


def simple_csv(source: Path, port: int) -> int:
    return _simple(port, csv_file=str(source.with_suffix(".csv")))


MEASURED: dict[str, Callable[[Path, int], int]] = {
    "bound": bound,
    "tdr": tdr,
    "tdr-bulk1": tdr_bulk1,
    "simple": simple,
    "simple-csv": simple_csv,
}
PEER = {"simple", "simple-csv"}
IMPORTED = (
    "duckdb",
    "pyarrow.parquet",
    "pyarrow.compute",
    "httpx",
    "tenacity",
    "reconciler.apis.salesforce",
    "reconciler.connectors.destinations.salesforce",
    "simple_salesforce",
)


# -- running -------------------------------------------------------------------------------------------------------------


def measure(name: str, source: Path, port: int) -> dict[str, float]:
    """Run one of `MEASURED` here; imports are made before the clock starts."""
    for module in IMPORTED:
        if name in PEER and module.startswith(("duckdb", "reconciler", "httpx")):
            continue
        with contextlib.suppress(ImportError):
            __import__(module)
    started, used = time.perf_counter(), time.process_time()
    rows = MEASURED[name](source, port)
    return {
        "rows": rows,
        "seconds": time.perf_counter() - started,
        "cpu": time.process_time() - used,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def measured_apart(name: str, source: Path, port: int) -> dict[str, float]:
    """`measure` in a process of its own."""
    python = os.environ["BENCH_PYTHON"] if name in PEER else sys.executable
    command = [python, __file__, "--measure", name, "--source", str(source), "--port", str(port)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-2_000:]}")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def make_source(folder: Path, rows: int) -> Path:
    """Contacts of nine fields, in Parquet, and beside it in CSV."""
    import duckdb

    source = folder / f"{rows}.parquet"
    contact = """'k' || i AS Key__c, 'First' || (i % 1000) AS FirstName, 'Last, ' || i AS LastName,
        'first.last' || i || '@example.com' AS Email, '+1555' || lpad((i % 10000000)::VARCHAR, 7, '0') AS Phone,
        CASE WHEN i % 3 > 0 THEN 'City ' || (i % 100) END AS MailingCity,
        DATE '1950-01-01' + (i % 20000)::INTEGER AS Birthdate, round(i / 7, 2) AS Score__c, i % 2 = 0 AS Vip__c"""
    with duckdb.connect(config={"memory_limit": "512MiB"}) as connection:
        connection.sql(f"COPY (SELECT {contact} FROM range({rows}) t(i)) TO '{source}' (FORMAT parquet)")
        connection.sql(f"COPY (FROM read_parquet('{source}')) TO '{source.with_suffix('.csv')}' (FORMAT csv)")
    return source


def compare(folder: Path, port: int, rows: int, repeat: int, large: int) -> None:
    """Print the table."""
    names = [name for name in MEASURED if name not in PEER]
    if os.environ.get("BENCH_PYTHON"):
        names += sorted(PEER)
    else:
        print("simple-salesforce is left out: BENCH_PYTHON names no interpreter that has it")
    source = make_source(folder, rows)
    results: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    sizes: dict[str, int] = {}
    for _ in range(repeat):
        for name in names:
            received(port)
            result = measured_apart(name, source, port)
            got = received(port)
            assert got["rows"] == result["rows"] == rows, (
                f"{name}: {result['rows']}, and the sink got {got['rows']} of {rows}"
            )
            results[name].append(result)
            sizes[name] = got["bytes"]
    seconds = {name: statistics.median(one["seconds"] for one in results[name]) for name in names}
    print(f"{rows:,} contacts, medians of {repeat}")
    for name in names:
        peak = statistics.median(one["peak_mib"] for one in results[name])
        cpu = statistics.median(one["cpu"] for one in results[name])
        print(
            f"  {name:10} {rows / seconds[name]:>12,.0f} rows/s   {seconds['bound'] / seconds[name]:5.2f} x bound   "
            f"cpu {cpu:6.2f} s   peak {peak:5.0f} MiB   {sizes[name] / 1e6:4.0f} MB sent"
        )
    for other in sorted(PEER & seconds.keys()):
        print(f"  tdr is {seconds[other] / seconds['tdr']:.2f} x {other}")
    grown = measured_apart("tdr", make_source(folder, large), port)
    before = statistics.median(one["peak_mib"] for one in results["tdr"])
    print(f"{large:,} contacts: {large / grown['seconds']:,.0f} rows/s, peak {grown['peak_mib']:.0f} MiB, "
          f"{grown['peak_mib'] / before:.2f} x that of {rows:,}")  # fmt: skip


def main() -> None:
    """Measure what the command line says."""
    parser = argparse.ArgumentParser(description="Measure exports of records to Salesforce.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--large", type=int, default=4_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--measure", choices=MEASURED)
    parser.add_argument("--source", type=Path)
    parser.add_argument("--port", type=int)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure, options.source, options.port)))
        return
    with tempfile.TemporaryDirectory(prefix="tdr-bench-") as folder, sink() as port:
        compare(Path(folder), port, options.rows, options.repeat, options.large)


if __name__ == "__main__":
    main()
