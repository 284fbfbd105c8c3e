"""How fast e-mail addresses travel from a query result to Pinterest, and in how much memory.

    python bench/export.py [--rows 1000000] [--repeat 3] [--large 10000000]

Everything is measured in one run, each time in a process of its own, against one minimal HTTP sink (another process), in
turns so that a busy machine disturbs all alike. Medians are shown; seconds do not carry over to other machines, ratios do.

    read      DuckDB reads the addresses from Parquet into Arrow, nothing else
    bound     the same with the addresses trimmed, lower-cased and hashed: what any export by this engine must at least do
    distinct  the same with one row a hash
    loop      Arrow to Python, hashlib, a set and HTTP: what one writes in an afternoon
    tdr       the connector as it is: validate, hash, de-duplicate, ledger on disk, batches, HTTP; with the extra `datafusion`
    tdr-base  the same without that extra
    tdr-1900  the same with the default of 1,900 members a request in place of the 10,000 of the vendor's sample
    bound-hash, tdr-hash  as bound and tdr, of addresses that were hashed beforehand, so that there is only upper case to undo
    dlt       a dlt custom destination that hashes and sends; needs BENCH_PYTHON, an interpreter that has dlt and pyarrow
"""

# ruff: noqa: PLC0415 - each measured process imports only what it measures; asyncio names the protocol's methods
from __future__ import annotations

import argparse
import contextlib
import hashlib
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
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from member_sink import members_received, sink

SAMPLE_BATCH = 10_000
ARROW_ROWS = 100_000
LIST_PATH = "/v5/ad_accounts/549700000001/customer_lists/1"


def send(connection: http.client.HTTPConnection, records: str) -> None:
    body = json.dumps({"operation_type": "ADD", "records": records})
    connection.request("PATCH", LIST_PATH, body, {"Content-Type": "application/json"})
    connection.getresponse().read()


# -- what is measured ----------------------------------------------------------------------------------------------------


def engine_alone(source: Path, select: str) -> int:
    import duckdb

    rows = 0
    with duckdb.connect(config={"threads": "2"}) as connection:
        for batch in connection.sql(f"SELECT {select} FROM read_parquet('{source}')").to_arrow_reader(ARROW_ROWS):
            rows += batch.num_rows
    return rows


def read_alone(source: Path, _port: int) -> int:
    return engine_alone(source, "email")


def bound(source: Path, _port: int) -> int:
    return engine_alone(source, "sha256(lower(trim(email)))")


def distinct(source: Path, _port: int) -> int:
    return engine_alone(source, "DISTINCT sha256(lower(trim(email)))")


def bound_hashed(source: Path, _port: int) -> int:
    return engine_alone(source, "lower(trim(email))")


def loop(source: Path, port: int) -> int:
    import pyarrow.parquet as pq

    connection = http.client.HTTPConnection("127.0.0.1", port)
    seen: set[str] = set()
    waiting: list[str] = []
    for batch in pq.ParquetFile(source).iter_batches(ARROW_ROWS, columns=["email"]):
        for email in batch.column(0).to_pylist():
            digest = hashlib.sha256(email.strip().lower().encode()).hexdigest()
            if digest in seen:
                continue
            seen.add(digest)
            waiting.append(digest)
            if len(waiting) == SAMPLE_BATCH:
                send(connection, ",".join(waiting))
                waiting = []
    if waiting:
        send(connection, ",".join(waiting))
    return len(seen)


class _Tokens:
    def load(self, _key: str) -> None:
        return None

    def save(self, _key: str, _tokens: object) -> None:
        return None

    @contextlib.contextmanager
    def exclusive(self, _key: str) -> Iterator[None]:
        yield


def export(source: Path, port: int, limit: int | None) -> int:
    import duckdb

    from reconciler.connectors.destinations.pinterest import PinterestDestination
    from reconciler.connectors.destinations.pinterest_client import connector
    from reconciler.dataplane.exporter import TypedExporter
    from reconciler.ports.exports import ExportRequest

    settings = {
        "type": "pinterest",
        "client_id": "bench",
        "client_secret": "bench",
        "refresh_token": "bench",
        "ad_account_id": "549700000001",
        "audience_type": "customer_list",
        "action": "REPLACE_CURRENT_AUDIENCE",
        "audience_id_replace": "2",
        **({"limit_records_per_request": limit} if limit else {}),
    }
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(config={"threads": "2"}) as connection:
        connection.sql(f"CREATE VIEW rows AS SELECT email FROM read_parquet('{source}')")
        connect = connector(_Tokens(), base_url=f"http://127.0.0.1:{port}")
        exporter = TypedExporter({"pinterest": PinterestDestination(connect, Path(folder))})
        request = ExportRequest("pinterest", settings, "bench")
        return exporter.export(request, connection, lambda *_: None, threading.Event()).sent


def tdr(source: Path, port: int) -> int:
    return export(source, port, SAMPLE_BATCH)


def tdr_base(source: Path, port: int) -> int:
    assert "datafusion" not in sys.modules
    sys.modules["datafusion"] = None  # type: ignore[assignment] # what Python takes for a package that is not there
    return export(source, port, SAMPLE_BATCH)


def tdr_default(source: Path, port: int) -> int:
    return export(source, port, None)


def dlt_destination(source: Path, port: int) -> int:
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["RUNTIME__LOG_LEVEL"] = "CRITICAL"
    import dlt
    import pyarrow.parquet as pq

    connection = http.client.HTTPConnection("127.0.0.1", port)
    sent = 0

    @dlt.resource(name="emails")
    def emails() -> Iterator[object]:
        yield from pq.ParquetFile(source).iter_batches(ARROW_ROWS, columns=["email"])

    @dlt.destination(batch_size=SAMPLE_BATCH, loader_file_format="parquet", name="sink", naming_convention="direct")
    def into_sink(items: object, _table: object) -> None:
        nonlocal sent
        values = items.column("email").to_pylist()
        digests = {hashlib.sha256(value.strip().lower().encode()).hexdigest() for value in values}
        send(connection, ",".join(digests))
        sent += len(digests)

    with tempfile.TemporaryDirectory() as folder:
        os.environ["LOAD__WORKERS"] = "1"
        pipeline = dlt.pipeline("bench", pipelines_dir=folder, destination=into_sink, dataset_name="bench")
        pipeline.run(emails())
    return sent


MEASURED: dict[str, Callable[[Path, int], int]] = {
    "read": read_alone,
    "bound": bound,
    "distinct": distinct,
    "loop": loop,
    "tdr": tdr,
    "tdr-base": tdr_base,
    "tdr-1900": tdr_default,
    "bound-hash": bound_hashed,
    "tdr-hash": tdr,
    "dlt": dlt_destination,
}


IMPORTED = (
    "duckdb",
    "pyarrow.parquet",
    "pyarrow.compute",
    "httpx",
    "tenacity",
    "reconciler.apis.pinterest_connect",
    "reconciler.connectors.destinations.pinterest",
    "dlt",
)
ENGINED = {"tdr", "tdr-1900", "tdr-hash"}
SENDING = {"loop", "tdr", "tdr-base", "tdr-1900", "tdr-hash", "dlt"}


# -- running -------------------------------------------------------------------------------------------------------------


def measure(name: str, source: Path, port: int) -> dict[str, float]:
    """Run one of `MEASURED` here; imports are made before the clock starts."""
    for module in (*IMPORTED, *(["datafusion"] if name in ENGINED else [])):
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
    python = os.environ["BENCH_PYTHON"] if name == "dlt" else sys.executable
    command = [python, __file__, "--measure", name, "--source", str(source), "--port", str(port)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-2_000:]}")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


ADDRESS = "'First.Last' || i || '@Example.com '"
HASHED = f"upper(sha256({ADDRESS}))"


def make_source(folder: Path, rows: int, email: str = ADDRESS) -> Path:
    import duckdb

    source = folder / f"{rows}{'-hash' if email == HASHED else ''}.parquet"
    with duckdb.connect(config={"memory_limit": "512MiB"}) as connection:
        connection.sql(f"COPY (SELECT {email} AS email FROM range({rows}) t(i)) TO '{source}' (FORMAT parquet)")
    return source


def compare(folder: Path, port: int, rows: int, repeat: int, names: Sequence[str]) -> dict[str, float]:
    """Measure *names* in turns and print what came of it; returns the peak of each in MiB."""
    plain, hashed = make_source(folder, rows), make_source(folder, rows, HASHED)
    results: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(repeat):
        for name in names:
            members_received(port)
            source = hashed if name.endswith("-hash") else plain
            result = measured_apart(name, source, port)
            got = members_received(port)
            assert got == (rows if name in SENDING else 0), f"{name}: the sink got {got} of {rows} members"
            assert result["rows"] == rows, f"{name}: {result['rows']} of {rows} rows"
            results[name].append(result)
    rates = {name: rows / statistics.median(one["seconds"] for one in results[name]) for name in names}
    peaks = {name: statistics.median(one["peak_mib"] for one in results[name]) for name in names}
    print(f"{rows:,} addresses, medians of {repeat}")
    for name in names:
        cpu = statistics.median(one["cpu"] for one in results[name])
        bound = "bound-hash" if name.endswith("-hash") else "bound"
        print(
            f"  {name:10} {rates[name]:>12,.0f} rows/s   {rates[name] / rates[bound]:5.2f} x {bound:10}   "
            f"cpu {cpu:5.2f} s   peak {peaks[name]:4.0f} MiB"
        )
    for other in ("loop", "dlt"):
        if other in rates:
            print(f"  tdr is {rates['tdr'] / rates[other]:.2f} x {other}")
    return peaks


def compare_all(folder: Path, port: int, rows: int, large: int, repeat: int) -> None:
    """All of `MEASURED` with *rows* addresses; the engine and the connector alone with *large*."""
    names = [name for name in MEASURED if name != "dlt"]
    if os.environ.get("BENCH_PYTHON"):
        names.append("dlt")
    else:
        print("dlt is left out: BENCH_PYTHON names no interpreter that has it")
    before = compare(folder, port, rows, repeat, names)
    after = compare(folder, port, large, repeat, ("bound", "distinct", "tdr", "tdr-base"))
    for name in ("tdr", "tdr-base"):
        print(f"  {name}: {after[name] / before[name]:.2f} x the memory of {rows:,} addresses")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure exports of e-mail addresses.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--large", type=int, default=10_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--measure", choices=MEASURED)
    parser.add_argument("--source", type=Path)
    parser.add_argument("--port", type=int)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure, options.source, options.port)))
        return
    with tempfile.TemporaryDirectory(prefix="tdr-bench-") as folder, sink() as port:
        compare_all(Path(folder), port, options.rows, options.large, options.repeat)


if __name__ == "__main__":
    main()
