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
        file.execute("UPDATE version SET version = 1")

    again = open_world()

    assert [one["name"] for one in again.get("/v3/database/list")["databases"]] == ["sales"]
    assert again.json("POST", "/audiences", {"name": "people"})["id"] == "1"
    again.service.close()
    assert open_world().json("GET", "/audiences")[0]["name"] == "people"
