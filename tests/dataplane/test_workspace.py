from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from reconciler.dataplane.workspace import open_workspace

ROWS = 150_000
MANY = f"SELECT count(*) FROM (SELECT DISTINCT 'planted-' || i || repeat('x', 40) AS key FROM range({ROWS}) t(i))"


def limit_mib(engine: duckdb.DuckDBPyConnection) -> float:
    [(told,)] = engine.sql("SELECT current_setting('memory_limit')").fetchall()
    value, unit = str(told).split()
    return float(value) * {"MiB": 1, "GiB": 1024}[unit]


def test_work_is_done_once_more_with_more_memory_when_spilling_is_not_enough(tmp_path: Path) -> None:
    began: list[float] = []

    def work(engine: duckdb.DuckDBPyConnection) -> int:
        began.append(limit_mib(engine))
        [(count,)] = engine.sql(MANY).fetchall()
        return int(count)

    with open_workspace(tmp_path, memory_mib=2) as workspace:
        assert workspace.with_room(work) == ROWS

    assert began[0] == 2
    assert len(began) > 1, "2 MiB were enough, so that nothing is shown"
    assert began == [2 * 2**number for number in range(len(began))]


def test_work_that_cannot_begin_again_has_all_memory_from_the_start(tmp_path: Path) -> None:
    with open_workspace(tmp_path, memory_mib=2) as workspace:
        assert workspace.once(lambda engine: engine.sql(MANY).fetchall()) == [(ROWS,)]


def test_an_error_that_more_memory_does_not_mend_is_raised_at_once(tmp_path: Path) -> None:
    tries = 0

    def work(engine: duckdb.DuckDBPyConnection) -> None:
        nonlocal tries
        tries += 1
        engine.sql("SELECT * FROM nowhere")

    with open_workspace(tmp_path) as workspace, pytest.raises(duckdb.CatalogException):
        workspace.with_room(work)
    assert tries == 1
