"""Files of an older version get what they lack, and lose nothing; what cannot be read is refused."""

from __future__ import annotations

import gc
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from service_world import OpenWorld

from reconciler.errors import StateError
from reconciler.service.storage import Storage

ADDED_LATER = ("audience_runs", "segments", "folders", "audiences")


TAKING_BACK = (
    *(
        f"DROP TABLE {table}"
        for table in (
            *("workflow_tasks", "workflow_attempts", "workflow_sessions", "workflow_schedules"),
            *("workflows", "project_secrets", "project_revisions", "projects"),
            *("bulk_imports", "uploads", "deleted_tables"),
        )
    ),
    "ALTER TABLE tables DROP COLUMN declared",
    "ALTER TABLE bulk_loads DROP COLUMN identity",
    "DROP TABLE journey_steps",
    "DROP TABLE journeys",
    "DROP INDEX audiences_due",
    *(f"ALTER TABLE audiences DROP COLUMN {name}" for name in ("cron", "timezone", "delay", "next_time", "due_at")),
    "DROP TABLE syndications",
    "DROP INDEX jobs_of_syndication",
    "ALTER TABLE jobs DROP COLUMN syndication_id",
    "ALTER TABLE jobs DROP COLUMN fault",
)
"""What makes a file one of the second version."""


def test_a_file_of_the_first_version_is_brought_up_to_date(open_world: OpenWorld) -> None:
    world = open_world()
    world.post("/v3/database/create/sales")
    world.service.close()
    with closing(sqlite3.connect(world.root / "service.sqlite")) as file, file:
        for statement in (*TAKING_BACK, *(f"DROP TABLE {table}" for table in ADDED_LATER)):
            file.execute(statement)
        file.execute("UPDATE version SET version = 1")

    again = open_world()

    assert [one["name"] for one in again.get("/v3/database/list")["databases"]] == ["sales"]
    assert again.json("POST", "/audiences", {"name": "people"})["id"] == "1"
    again.service.close()
    assert open_world().json("GET", "/audiences")[0]["name"] == "people"


def test_what_sessions_said_of_columns_is_known_from_their_table_afterwards(open_world: OpenWorld) -> None:
    world = open_world()
    world.post("/v3/database/create/sales")
    for table in ("people", "others"):
        world.post(f"/v3/table/create/sales/{table}", {"schema": '[["n","long"],["s","string"],["added","string"]]'})
    said = {"type": "files", "columns": [["n", "long"], ["s", "string"]], "sql": "SELECT 1 AS n, 'a' AS s"}
    load = {"name": "crm", "database": "sales", "table": "people", "config": {"in": said}}
    world.client.post("/v3/bulk_loads", json=load)
    world.service.close()
    with closing(sqlite3.connect(world.root / "service.sqlite")) as file, file:
        for statement in TAKING_BACK:
            file.execute(statement)
        file.execute("UPDATE version SET version = 2")

    again = open_world()
    for table in ("people", "others"):
        again.client.request("PUT", "/v3/bulk_loads/crm", json={"table": table})
        again.client.post("/v3/bulk_loads/crm/jobs", json={})
        assert again.service.wait(60)

    assert [dict(request.columns) for request in again.importer.requests] == [{"n": "long", "s": "string"}, {}]


def test_metadata_of_a_newer_version_is_refused(tmp_path: Path, open_world: OpenWorld) -> None:
    world = open_world()
    world.service.storage.run("UPDATE version SET version = 99")

    with pytest.raises(StateError, match="was written by a newer version of tdr"):
        open_world(root=world.root)


def test_metadata_that_is_none_is_refused(tmp_path: Path, open_world: OpenWorld) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "service.sqlite").write_bytes(b"not a database" * 100)

    with pytest.raises(StateError, match=r"service\.sqlite is damaged"):
        open_world(root=tmp_path / "broken")


def test_connections_of_threads_that_ended_are_closed(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "s.sqlite", 0)
    for _ in range(20):
        thread = threading.Thread(target=storage.all, args=("SELECT 1",))
        thread.start()
        thread.join()
    gc.collect()

    assert len(storage._opened) == 1
    storage.close()
