"""The objects that td-client makes of answers, and its cursors: each method that sends something, over HTTP."""

from __future__ import annotations

import gzip
import inspect
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import msgpack
import tdclient
from service_world import KEY, World, listening
from tdclient import models
from tdclient.connection import Connection
from tdclient.cursor import Cursor
from vendor_methods import told_on_the_page

KINDS = (models.Database, models.Table, models.Job, models.Schedule, models.BulkImport, Connection, Cursor)
DOES_NOT_APPLY = {
    "Table.export_data": "as `export_data` above",
    "Cursor.callproc": "it sends nothing: the client supports it nowhere",
    "Cursor.nextset": "as `Cursor.callproc`",
    "Cursor.setinputsizes": "as `Cursor.callproc`",
    "Cursor.setoutputsize": "as `Cursor.callproc`",
    "Connection.commit": "as `Cursor.callproc`",
    "Connection.rollback": "as `Cursor.callproc`",
}
RECORDS = [{"time": 1_700_000_000, "email": "a@example.com"}, {"time": 1_700_003_600, "email": "b@example.com"}]
PACKED = gzip.compress(b"".join(msgpack.packb(record) for record in RECORDS))


def offered() -> set[str]:
    return {
        function.__qualname__
        for kind in KINDS
        for name, function in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }


@contextmanager
def watching(called: set[str]) -> Iterator[None]:
    """While inside, functions of the client that run are put into *called*."""

    def watch(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and frame.f_globals.get("__name__", "").startswith("tdclient."):
            called.add(frame.f_code.co_qualname)

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        yield
    finally:
        sys.setprofile(before)


def of_tables(client: tdclient.Client) -> dict[str, Any]:
    [sales] = client.databases()
    sales.create_log_table("people")
    people = sales.table("people")
    people.import_data("msgpack.gz", PACKED, len(PACKED))
    people.import_file("csv", io.BytesIO(b"time,email\n1700007200,c@example.com\n"))
    told = {
        "database": (sales.name, sales.permission, sales.count),
        "tables": [(table.db_name, table.name, table.type, table.identifier) for table in sales.tables()],
        "latest": [row["email"] for row in people.tail(2)],
        "count": sales.table("people").count,
    }
    people.delete()
    return told | {"tables left": client.tables("sales")}


def of_jobs(client: tdclient.Client) -> dict[str, Any]:
    [sales] = client.databases()
    job = sales.query("SELECT 1 AS n", type="trino")
    job.wait(timeout=60, wait_interval=0.05)
    job.update()
    client.create_schedule("every day", {"type": "trino", "database": "sales", "query": "SELECT 2 AS n", "cron": ""})
    [schedule] = client.schedules()
    [run] = schedule.run(1_700_000_000, 1)
    run.wait(timeout=60, wait_interval=0.05)
    told = {
        "states": (job.status(), job.success(), job.finished(), job.error(), job.killed(), job.queued(), job.running()),
        "results": [list(job.result()), list(job.result_format("json")), list(run.result())],
        "job": (job.type, job.database, job.query, job.num_records, job.result_schema, job.user_name),
        "killed": job.kill(),
        "schedule": (schedule.name, schedule.type, schedule.database, schedule.timezone, schedule.delay),
    }
    client.delete_schedule("every day")
    return told


def of_bulk_imports(client: tdclient.Client) -> dict[str, Any]:
    client.create_log_table("sales", "copies")
    session = client.create_bulk_import("session-1", "sales", "copies")
    session.upload_part("first", io.BytesIO(PACKED), len(PACKED))
    session.upload_file("second", "json", io.BytesIO(b'{"time": 5, "email": "c@example.com"}\n{"time": "later"}\n'))
    session.upload_part("extra", io.BytesIO(b"x"), 1)
    session.delete_part("extra")
    parts = sorted(session.list_parts())
    session.freeze()
    session.unfreeze()
    session.freeze()
    job = session.perform()
    job.wait(timeout=60, wait_interval=0.05)
    session.update()
    told = {
        "parts": parts,
        "session": (session.status, session.valid_records, session.error_records, session.job_id == job.job_id),
        "errors": list(session.error_record_items()),
        "committed": session.commit(),
        "imported": len(list(client.tail("sales", "copies", 9))),
    }
    session.delete()
    return told | {"sessions left": client.bulk_imports()}


def of_cursors(address: str) -> dict[str, Any]:
    connection = tdclient.connect(apikey=KEY, endpoint=address, db="sales", type="trino", wait_interval=0.05)
    cursor = connection.cursor()
    cursor.execute("SELECT n FROM UNNEST(sequence(1, {count})) AS t (n)", {"count": 5})
    told = {
        "fetched": [cursor.fetchone(), cursor.fetchmany(2), cursor.fetchall()],
        "columns": (cursor.description[0][0], cursor.rowcount),
        "job of the cursor": (cursor.job_status(), len(cursor.job_result()), cursor.show_job()["status"]),
        "many": len(cursor.executemany("SELECT {n} AS n", [{"n": 1}, {"n": 2}])),
    }
    cursor.close()
    connection.close()
    return told


TOLD = {
    "database": ("sales", "administrator", 0),
    "tables": [("sales", "people", "log", "sales.people")],
    "latest": ["c@example.com", "b@example.com"],
    "count": 3,
    "tables left": [],
    "states": ("success", True, True, False, False, False, False),
    "results": [[[1]], [[1]], [[2]]],
    "job": ("trino", "sales", "SELECT 1 AS n", 1, [["n", "integer"]], "Local User"),
    "killed": "success",
    "schedule": ("every day", "trino", "sales", "UTC", 0),
    "parts": ["first", "second"],
    "session": ("ready", 3, 1, True),
    "errors": [{"time": "later"}],
    "committed": True,
    "imported": 3,
    "sessions left": [],
    "fetched": [[1], [[2], [3]], [[4], [5]]],
    "columns": ("n", 5),
    "job of the cursor": ("success", 5, "success"),
    "many": 2,
}


def test_objects_and_cursors_get_what_they_ask_for(world: World) -> None:
    called: set[str] = set()
    with (
        listening(world) as address,
        watching(called),
        tdclient.Client(apikey=KEY, endpoint=f"{address}/", retry_post_requests=False) as client,
    ):
        told = of_tables(client) | of_jobs(client) | of_bulk_imports(client) | of_cursors(f"{address}/")
        client.database("sales").delete()

    assert world.get("/v3/database/list")["databases"] == []
    assert told == TOLD
    assert sorted(offered() - called) == sorted(DOES_NOT_APPLY)
    assert told_on_the_page("td-client's objects and cursors") == (sorted(offered() & called), DOES_NOT_APPLY)
