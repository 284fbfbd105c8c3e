"""Files of an older version get what they lack, and lose nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from service_world import OpenWorld

ADDED_LATER = ("audience_runs", "segments", "folders", "audiences")


def test_a_file_of_the_first_version_is_brought_up_to_date(open_world: OpenWorld) -> None:
    world = open_world()
    world.post("/v3/database/create/sales")
    world.service.close()
    with closing(sqlite3.connect(world.root / "service.sqlite")) as file, file:
        for table in ADDED_LATER:
            file.execute(f"DROP TABLE {table}")
        file.execute("ALTER TABLE tables DROP COLUMN declared")
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
        file.execute("ALTER TABLE tables DROP COLUMN declared")
        file.execute("UPDATE version SET version = 2")

    again = open_world()
    for table in ("people", "others"):
        again.client.request("PUT", "/v3/bulk_loads/crm", json={"table": table})
        again.client.post("/v3/bulk_loads/crm/jobs", json={})
        assert again.service.wait(60)

    assert [dict(request.columns) for request in again.importer.requests] == [{"n": "long", "s": "string"}, {}]
