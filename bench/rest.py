"""How fast rows come from a REST API into a table, and in how much memory.

    python bench/rest.py [--pages 200] [--rows 500] [--repeat 3]

Everything is measured in one run, each time in a process of its own, against one server on this machine (another process), in
turns. Medians are shown; seconds do not carry over to other machines, ratios do.

    loop      httpx, orjson and pyarrow to one Parquet file, page by page, flattened by hand: what one writes in an afternoon
    tdr       the runner of source specifications as it is, pages by token, one after the other, up to its Parquet files
    tdr-table the same, and on into a table of DuckDB, which is closed; nobody else here makes one
    tdr-ahead as tdr-table by numbers of pages, whose end the API tells: several are under way at once
    append, replace, upsert
              the same as an import by the embedded service, run twice; only with --memory
    dlt       dlt's `rest_api` source to Parquet files; needs BENCH_PYTHON, an interpreter that has dlt and pyarrow

With `latency` the server thinks 50 ms about each answer; the bound is that time alone, in turn.
"""

# ruff: noqa: PLC0415 - each measured process imports only what it measures
from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from members_api import api

if TYPE_CHECKING:
    from reconciler.connectors.sources.rest import RestSource

LATENCY_S = 0.05


# -- what is measured ----------------------------------------------------------------------------------------------------


def loop(address: str, folder: Path) -> int:
    import httpx
    import orjson
    import pyarrow as pa
    import pyarrow.parquet as pq

    count, token, writer = 0, None, None
    with httpx.Client(timeout=100) as client:
        while True:
            answer = client.get(f"{address}/members", params={"after": token} if token else {})
            page = orjson.loads(answer.content)
            flat = []
            for one in page["members"]:
                place = one.pop("address")
                one["address.city"], one["address.zip"] = place["city"], place["zip"]
                one["address.geo.lat"], one["address.geo.long"] = place["geo"]["lat"], place["geo"]["long"]
                one["tags"] = orjson.dumps(one["tags"]).decode()
                flat.append(one)
            table = pa.Table.from_pylist(flat)
            writer = writer or pq.ParquetWriter(folder / "rows.parquet", table.schema)
            writer.write_table(table)
            count += len(flat)
            token = page["meta"]["next"]
            if token is None:
                writer.close()
                return count


TOKEN = {
    "type": "CONTINUATION_TOKEN",
    "continuationTokenPath": "$.meta.next",
    "parameterType": "QUERYPARAM",
    "parameterName": "after",
}
PAGE = {
    "type": "PAGE",
    "limitName": "limit",
    "limitValue": 500,
    "pageParamName": "page",
    "endPageIndex": "headers.x-pagecount",
}


class _Plain:
    def seal(self, plain: bytes) -> bytes:
        return plain

    def open(self, sealed: bytes) -> bytes:
        return sealed


class _Clock:
    now = staticmethod(time.time)
    sleep = staticmethod(time.sleep)


def _source(address: str, folder: Path, paging: dict[str, Any]) -> tuple[RestSource, dict[str, Any]]:
    """The runner of source specifications, and what it is asked for."""
    from reconciler.cli.memory import collect_seldom
    from reconciler.connectors.sources.rest import RestSource
    from reconciler.http.guarded import guarded_transport
    from reconciler.stores.tokens import SealedTokenStore

    collect_seldom()  # as every process of tdr does when it starts
    store = SealedTokenStore(folder, _Plain(), _Clock())  # type: ignore[arg-type]
    spec = {
        "attributes": {
            "urlParams": {"host": address, "path": "/members", "method": "GET"},
            "contentPath": {"path": "$.members", "skipAttributes": ["meta"]},
            "paginationParams": paging,
        }
    }
    source = RestSource(lambda at, private: guarded_transport(at, allow_private=private), lambda: store, _Clock())
    return source, {"type": "rest", "spec": spec, "allow_private": True}


def _tdr(address: str, folder: Path, paging: dict[str, Any], *, makes_table: bool = True) -> int:
    import duckdb

    from reconciler.ports.loads import LoadRequest

    source, asked = _source(address, folder, paging)
    spills = {"temp_directory": str(folder)}
    with duckdb.connect(str(folder / "rows.duckdb"), config=spills) as connection:
        loaded = source.read(LoadRequest(asked, "1"), connection, lambda *_: None)
        rows = loaded.relation
        if makes_table:
            connection.execute(f"CREATE TABLE members AS SELECT * FROM {rows}")
            rows = "members"
        [(count,)] = connection.sql(f'SELECT count("members.id") FROM {rows}').fetchall()
        return int(count)


def tdr(address: str, folder: Path) -> int:
    return _tdr(address, folder, TOKEN, makes_table=False)


def tdr_table(address: str, folder: Path) -> int:
    return _tdr(address, folder, TOKEN)


def tdr_ahead(address: str, folder: Path) -> int:
    return _tdr(address, folder, PAGE)


def _imported(address: str, folder: Path, out: dict[str, Any]) -> int:
    """Two runs of an import by the embedded service: what is there already is part of the second."""
    import orjson

    from reconciler.service.jobs import NewJob
    from reconciler.service.opening import open_service

    source, asked = _source(address, folder, TOKEN)
    nobody: Any = None  # neither exports nor schedules here
    with open_service(
        folder / "service",
        exporter=nobody,
        importer=source,
        sealer=_Plain(),
        clock=_Clock(),
        api_keys=(),
        cron=nobody,
        spill_root=folder,
    ) as service:
        service.catalog.create_database("shop")
        config = orjson.dumps({"in": asked, "out": out})
        for _ in range(2):
            job = service.issue(NewJob(type="bulkload", database="shop", table="members", config=config))
            service.wait()
            told = service.jobs.row(job)
            assert told["status"] == "success", "the log above says why"
        return int(told["num_records"])


def imported_append(address: str, folder: Path) -> int:
    return _imported(address, folder, {"mode": "append"})


def imported_replace(address: str, folder: Path) -> int:
    return _imported(address, folder, {"mode": "replace"})


def imported_upsert(address: str, folder: Path) -> int:
    return _imported(address, folder, {"mode": "upsert", "key": ["members.id"]})


def dlt_rest(address: str, folder: Path) -> int:
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["RUNTIME__LOG_LEVEL"] = "CRITICAL"
    import dlt
    from dlt.sources.rest_api import rest_api_source

    source = rest_api_source(
        {
            "client": {
                "base_url": address,
                "paginator": {"type": "cursor", "cursor_path": "meta.next", "cursor_param": "after"},
            },
            "resources": [
                {
                    "name": "members",
                    "endpoint": {"path": "members", "data_selector": "members"},
                    "max_table_nesting": 1,
                }
            ],
        }
    )
    place = dlt.destinations.filesystem(bucket_url=(folder / "out").as_uri())
    pipeline = dlt.pipeline("bench", pipelines_dir=str(folder / "work"), destination=place, dataset_name="bench")
    pipeline.run(source, loader_file_format="parquet")
    return int(pipeline.last_trace.last_normalize_info.row_counts["members"])


MEASURED: dict[str, Callable[[str, Path], int]] = {
    "loop": loop,
    "tdr": tdr,
    "tdr-table": tdr_table,
    "tdr-ahead": tdr_ahead,
    "append": imported_append,
    "replace": imported_replace,
    "upsert": imported_upsert,
    "dlt": dlt_rest,
}
IMPORTED = (
    "duckdb",
    "pyarrow.parquet",
    "pyarrow.compute",
    "httpx",
    "orjson",
    "httpcore",
    "anyio",
    "h11",
    "pandas",  # pyarrow looks for it, where it is there
    "tenacity",
    "reconciler.connectors.sources.rest",
    "reconciler.service.loading",
    "reconciler.service.opening",
    "reconciler.http.guarded",
    "reconciler.stores.tokens",
    "dlt.sources.rest_api",
)


# -- running -------------------------------------------------------------------------------------------------------------


def measure(name: str, address: str) -> dict[str, float]:
    """Run one of `MEASURED` here; imports are made before the clock starts."""
    for module in IMPORTED:
        with contextlib.suppress(ImportError):
            __import__(module)
    with tempfile.TemporaryDirectory() as folder:
        started, used = time.perf_counter(), time.process_time()
        rows = MEASURED[name](address, Path(folder))
        return {
            "rows": rows,
            "seconds": time.perf_counter() - started,
            "cpu": time.process_time() - used,
            "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


def measured_apart(name: str, address: str) -> dict[str, float]:
    """`measure` in a process of its own."""
    python = os.environ["BENCH_PYTHON"] if name == "dlt" else sys.executable
    command = [python, __file__, "--measure", name, "--address", address]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-2_000:]}")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def _turns(names: list[str], address: str, rows: int, repeat: int) -> dict[str, dict[str, float]]:
    results: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(repeat):
        for name in names:
            result = measured_apart(name, address)
            assert result["rows"] == rows, f"{name}: {result['rows']} of {rows} rows"
            results[name].append(result)
    return {
        name: {key: statistics.median(one[key] for one in told) for key in told[0]} for name, told in results.items()
    }


def compare(pages: int, rows: int, repeat: int) -> None:
    """Print both tables."""
    names = ["loop", "tdr", "tdr-table", "tdr-ahead"]
    if os.environ.get("BENCH_PYTHON"):
        names.append("dlt")
    else:
        print("dlt is left out: BENCH_PYTHON names no interpreter that has it")
    with api(pages, rows, 0) as address:
        found = _turns(names, address, pages * rows, repeat)
    print(f"{pages} pages of {rows} rows, medians of {repeat}")
    for name, told in found.items():
        rate = pages * rows / told["seconds"]
        ratio = found["loop"]["seconds"] / told["seconds"]
        print(
            f"  {name:9} {rate:>10,.0f} rows/s   {ratio:5.2f} x loop   cpu {told['cpu']:5.2f} s   "
            f"peak {told['peak_mib']:4.0f} MiB"
        )
    if "dlt" in found:
        print(f"  tdr is {found['dlt']['seconds'] / found['tdr']['seconds']:.2f} x dlt")
    with api(pages, rows, LATENCY_S) as address:
        slow = _turns(["loop", "tdr", "tdr-table", "tdr-ahead"], address, pages * rows, 1)
    bound = pages * LATENCY_S
    print(f"{LATENCY_S * 1000:.0f} ms an answer; {bound:.1f} s are the bound in turn")
    for name, told in slow.items():
        print(f"  {name:9} {told['seconds']:6.2f} s   {bound / told['seconds']:5.2f} of the bound")


def compare_memory(rows: int) -> None:
    """Print how the peak of reading, and of imports by the embedded service, grows with the number of pages."""
    before: dict[str, float] = {}
    for pages in (20, 200, 2_000):
        print(f"{pages * rows:,} rows")
        with api(pages, rows, 0) as address:
            for name in ("tdr", "append", "replace", "upsert"):
                told = measured_apart(name, address)
                grown = f"   {told['peak_mib'] / before[name]:.2f} x a tenth of them" if name in before else ""
                before[name] = told["peak_mib"]
                print(f"  {name:9} peak {told['peak_mib']:4.0f} MiB   cpu {told['cpu']:6.2f} s{grown}", flush=True)


def main() -> None:
    """Measure what the command line says."""
    parser = argparse.ArgumentParser(description="Measure rows that come from a REST API.")
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--memory", action="store_true", help="only how it grows with the rows")
    parser.add_argument("--measure", choices=MEASURED)
    parser.add_argument("--address")
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure, options.address)))
        return
    if not options.memory:
        compare(options.pages, options.rows, options.repeat)
    compare_memory(options.rows)


if __name__ == "__main__":
    main()
