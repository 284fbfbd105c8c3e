"""Where reading stopped stands in the file that a load fills: whatever becomes of the file, the load or the service."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from file_twins import FILE, OUTS, Open, Told
from service_world import OpenWorld

from reconciler.connectors.destinations.table_files import open_table_file


@pytest.mark.parametrize("out", OUTS.values(), ids=OUTS)
def test_the_next_run_goes_on_where_the_file_says(twins: Open, out: dict[str, Any]) -> None:
    both = twins(**out)
    both.told.position = {"at": 7, "who": "it's"}
    both.run()
    both.told.position = None
    both.run()
    both.told.sql, both.told.position = "SELECT 1 AS id WHERE false", {"at": 8}
    both.run()
    both.run()

    assert both.begun_at() == [{}, {"at": 7, "who": "it's"}, {"at": 7, "who": "it's"}, {"at": 8}]
    assert both.position() == {"at": 8}


def test_an_older_file_is_read_on_from_where_it_stopped(twins: Open) -> None:
    both = twins()
    both.told.position = {"at": 1}
    both.run()
    older = both.path.read_bytes()
    both.told.position = {"at": 2}
    both.run()
    both.path.write_bytes(older)
    both.run()
    both.path.unlink()
    both.run()

    assert both.begun_at() == [{}, {"at": 1}, {"at": 1}, {}]


def test_whoever_sets_the_position_is_heard_once(twins: Open) -> None:
    both = twins()
    both.told.position = {"at": 1}
    both.run()
    both.world.json("PUT", "/v3/bulk_loads/file", {"config_diff": {}})
    both.told.position = {"at": 2}
    both.run()
    both.world.json("PUT", "/v3/bulk_loads/file", {"config_diff": {"at": 50}})
    both.told.position = {"at": 51}
    both.run()
    both.run()

    assert both.begun_at() == [{}, {}, {"at": 50}, {"at": 51}]
    assert both.position() == {"at": 51}


def test_a_position_that_was_set_is_not_taken_for_one_of_another_file(twins: Open) -> None:
    both = twins()
    both.world.json("PUT", "/v3/bulk_loads/file", {"config_diff": {"at": 5}})
    both.told.position = {"at": 6}
    both.run()
    both.path.unlink()
    both.run()

    assert both.begun_at() == [{"at": 5}, {}]


def test_a_position_that_was_set_stays_although_nothing_comes(twins: Open) -> None:
    both = twins()
    both.told.position = {"at": 1}
    both.run()
    both.world.json("PUT", "/v3/bulk_loads/file", {"config_diff": {"at": 50}})
    both.told.sql, both.told.position = "SELECT 1 AS id WHERE false", None
    both.run()
    both.run()

    assert both.begun_at() == [{}, {"at": 50}, {"at": 50}]
    assert both.position() == {"at": 50}


def test_a_renamed_load_is_the_same_one_and_a_new_one_of_its_name_is_not(twins: Open) -> None:
    both = twins()
    both.told.position = {"at": 1}
    both.run()
    both.world.json("PUT", "/v3/bulk_loads/file", {"name": "renamed"})
    both.make("file", {"config": {"in": {}, "out": {"type": "files", "path": FILE}}})
    both.told.position = {"at": 9}
    both.run("file")
    both.told.position = {"at": 2}
    both.run("renamed")
    both.run("file")

    assert both.begun_at() == [{}, {}, {"at": 1}, {"at": 9}]


def test_another_service_goes_on_where_the_file_says(
    twins: Open, open_world: OpenWorld, project: Path, tmp_path: Path
) -> None:
    both = twins()
    both.told.position = {"at": 3}
    both.run()
    told = Told()
    there = open_world(importer=told, open_table_file=partial(open_table_file, project, None), root=tmp_path / "other")
    there.json("POST", "/v3/bulk_loads", {"name": "file", "config": {"in": {}, "out": {"type": "files", "path": FILE}}})
    for _ in range(2):
        told.position = {"at": 4}
        there.json("POST", "/v3/bulk_loads/file/jobs", {})
        assert there.service.wait(60)

    assert [dict(request.position) for request in told.requests] == [{"at": 3}, {"at": 4}]


def test_a_load_that_turns_to_a_table_begins_anew_there(twins: Open) -> None:
    both = twins()
    both.told.position = {"at": 3}
    both.run()
    both.world.json(
        "PUT", "/v3/bulk_loads/file", {"database": "sales", "table": "others", "config": {"in": {}, "out": {}}}
    )
    both.run()
    back = {"database": "", "table": "", "config": {"in": {}, "out": {"type": "files", "path": FILE}}}
    both.world.json("PUT", "/v3/bulk_loads/file", back)
    both.told.position = {"at": 4}
    both.run()

    assert both.begun_at() == [{}, {}, {"at": 3}]


def test_a_position_that_was_set_for_a_table_is_none_of_the_file(twins: Open) -> None:
    both = twins()
    both.world.json("PUT", "/v3/bulk_loads/table", {"config_diff": {"at": 5}})
    both.told.position = {"at": 6}
    both.run("table")
    out = {"type": "files", "path": "lake/others.parquet"}
    both.world.json("PUT", "/v3/bulk_loads/table", {"database": "", "table": "", "config": {"in": {}, "out": out}})
    both.run("table")

    assert both.begun_at() == [{"at": 5}, {}]
