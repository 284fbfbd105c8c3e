from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from reconciler.connectors.destinations.salesforce_rows import stage
from reconciler.dataplane.reading import reading
from reconciler.dataplane.workspace import open_workspace
from reconciler.errors import Permanent

BATCH = 10_000


def here(connection: duckdb.DuckDBPyConnection, _folder: Path) -> int:
    with reading(connection, "SELECT n FROM rows", BATCH) as result:
        return sum(batch.num_rows for batch in result.batches())


def by_another_engine(connection: duckdb.DuckDBPyConnection, _folder: Path) -> int:
    with duckdb.connect() as engine, reading(connection, "SELECT n FROM rows", BATCH) as result:
        engine.from_arrow(result.stream()).create_view("given")
        [(count,)] = engine.sql("SELECT count(n) FROM given").fetchall()
        return int(count)


def staged_for_salesforce(connection: duckdb.DuckDBPyConnection, folder: Path) -> int:
    with open_workspace() as workspace:
        return stage(connection, workspace, {"n": "INTEGER"}, folder / "rows.parquet", key="", erases=False)[0]


READERS = [here, by_another_engine, staged_for_salesforce]


@pytest.mark.parametrize("read", READERS)
def test_all_rows_are_read(tmp_path: Path, read: Callable[[duckdb.DuckDBPyConnection, Path], int]) -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE VIEW rows AS SELECT i::INTEGER AS n FROM range(350001) t(i)")
        assert read(connection, tmp_path) == 350_001


@pytest.mark.parametrize("bad_row", [0, 350_000], ids=["at once", "in the middle of the stream"])
@pytest.mark.parametrize("read", READERS)
def test_what_the_engine_says_of_a_row_is_told_by_its_kind_only(
    tmp_path: Path, read: Callable[[duckdb.DuckDBPyConnection, Path], int], bad_row: int
) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE VIEW rows AS SELECT CASE i WHEN getvariable('bad') THEN CAST('plan' || 'ted' AS INTEGER) ELSE i END AS n"
            " FROM range(350001) t(i)"
        )
        connection.execute(f"SET VARIABLE bad = {bad_row}")
        with pytest.raises(Permanent) as caught:
            read(connection, tmp_path)
        assert connection.sql("SELECT 1").fetchall() == [(1,)], "the connection is free for other queries"

    assert caught.value.message == "the rows could not be read: ConversionException"
    assert "planted" not in "".join(traceback.format_exception(caught.value))


def test_an_error_of_whoever_reads_stays_what_it_is() -> None:
    with (
        duckdb.connect() as connection,
        pytest.raises(duckdb.CatalogException),
        reading(connection, "SELECT 1", BATCH),
        duckdb.connect() as engine,
    ):
        engine.sql("SELECT * FROM nowhere")
