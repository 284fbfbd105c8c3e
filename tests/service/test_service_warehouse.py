"""The data file is given back, whatever went wrong while somebody used it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from reconciler.service.warehouse import Warehouse

MB = 400
MUCH = "CREATE TEMP TABLE much AS SELECT n, repeat(md5(n::VARCHAR), 4) AS text FROM range(800_000) AS t (n)"
"""100 MB."""


@pytest.fixture
def spilled(tmp_path: Path) -> Path:
    folder = tmp_path / "spilled"
    folder.mkdir()
    return folder


@pytest.fixture
def warehouse(tmp_path: Path, spilled: Path) -> Iterator[Warehouse]:
    one = Warehouse(tmp_path / "data.duckdb", set, memory_mb=MB, patience_s=0, spill_root=spilled)
    yield one
    one.close()


def refuse(spilled: Path) -> None:
    """Let nothing be written there any more."""
    [folder] = spilled.iterdir()
    shutil.rmtree(folder)
    folder.write_bytes(b"")


def is_given_back(warehouse: Warehouse, path: Path) -> bool:
    """Whether nobody has the file open, and all memory is there for who comes next."""
    with duckdb.connect(str(path)) as other:  # in one process, an instance with other settings is refused
        other.execute("SELECT 1")
    with warehouse.connection() as connection:
        [[limit]] = connection.execute("SELECT current_setting('memory_limit')").fetchall()
        [[count]] = connection.execute("SELECT count(*) FROM range(10)").fetchall()
    with duckdb.connect(config={"memory_limit": f"{MB}MB"}) as other:
        [[whole]] = other.execute("SELECT current_setting('memory_limit')").fetchall()
    return (limit, count) == (whole, 10)


def test_memory_that_a_disk_does_not_take_stays_in_use(warehouse: Warehouse, spilled: Path, tmp_path: Path) -> None:
    with warehouse.connection() as connection:
        connection.execute(MUCH)
        refuse(spilled)
        with warehouse.taking(40):
            rows = connection.execute("SELECT count(*), count(text) FROM much").fetchall()

    assert rows == [(800_000, 800_000)]
    assert is_given_back(warehouse, tmp_path / "data.duckdb")


def test_who_leaves_beside_somebody_whose_memory_no_disk_takes_leaves(
    warehouse: Warehouse, spilled: Path, tmp_path: Path
) -> None:
    with warehouse.connection() as staying, warehouse.taking(40):
        with warehouse.connection():
            staying.execute(MUCH)
            refuse(spilled)
        rows = staying.execute("SELECT count(*), count(text) FROM much").fetchall()

    assert rows == [(800_000, 800_000)]
    assert is_given_back(warehouse, tmp_path / "data.duckdb")


def test_an_error_is_the_one_that_was_made_where_a_disk_takes_nothing(
    warehouse: Warehouse, spilled: Path, tmp_path: Path
) -> None:
    with pytest.raises(ZeroDivisionError), warehouse.connection() as connection:  # noqa: PT012 - all of it is what ends
        connection.execute(MUCH)
        refuse(spilled)
        with warehouse.taking(40):
            raise ZeroDivisionError

    assert is_given_back(warehouse, tmp_path / "data.duckdb")
