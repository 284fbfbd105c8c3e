"""Loads into Parquet files: the same rows as in a table, where reading stopped in the file itself, and nothing by halves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from file_twins import FILE, OUTS, Open

LOTS = {
    "the same columns": ["SELECT 1 AS id, 'a' AS n", "SELECT unnest([1, 2, 2]) AS id, unnest(['A', 'b', 'B']) AS n"],
    "columns that come and stay": [
        "SELECT 1 AS id, 'a' AS n",
        "SELECT 2 AS id, 5 AS Age",
        "SELECT 1 AS id, 'z' AS n, [1, 2] AS l",
    ],
    "a column that grows": [
        "SELECT 1 AS id, 1::INT AS n",
        "SELECT 2 AS id, 3000000000::BIGINT AS n",
        "SELECT 3 AS id, 2.5::DOUBLE AS n",
        "SELECT 1 AS id, 7 AS n",
        "SELECT 4 AS id, '007' AS n",
        "SELECT 5 AS id, 8 AS n",
    ],
    "a list among texts": ["SELECT 1 AS id, [1, 2] AS n", "SELECT 2 AS id, ['a'] AS n"],
    "digits": [
        "SELECT 1 AS id, 0.1234567890123456789::DECIMAL(38, 19) AS d, 18446744073709551615::UBIGINT AS u",
        "SELECT 2 AS id, 170141183460469231731687303715884105727::HUGEINT AS d, 1.5::DECIMAL(4, 2) AS e",
    ],
    "times, nested names and odd ones": [
        """SELECT 1 AS id, 100 AS time, {'a': 1} AS s, 'x' AS "owner.name", DATE '2026-01-02' AS day, true AS yes""",
        """SELECT NULL AS time, 'y' AS "Owner.Name", 'q' AS "a""b'c", 2 AS id""",
    ],
    "nothing comes": ["SELECT 1 AS id, 'a' AS n", "SELECT 2 AS id, 'b' AS n WHERE false", "SELECT 3 AS id"],
    "nothing comes first": ["SELECT 2 AS id WHERE false", "SELECT 3 AS id"],
}


@pytest.mark.parametrize("lots", LOTS.values(), ids=[name.replace(" ", "-") for name in LOTS])
@pytest.mark.parametrize("out", OUTS.values(), ids=OUTS)
def test_a_file_becomes_what_a_table_becomes(twins: Open, out: dict[str, Any], lots: list[str]) -> None:
    both = twins(**out)
    for sql in lots:
        table, file = both.both(sql)

        assert (table["status"], file["status"]) == ("success", "success"), (table["debug"], file["debug"])
        assert file["num_records"] == table["num_records"]
        assert file["hive_result_schema"] == table["hive_result_schema"]
        told = [job["debug"]["cmdout"].replace("sales.people", "it") for job in (table, file)]
        assert told[0] == told[1].replace(f"`{FILE}`", "it")
        if both.path.exists() or both.of_table()[1]:
            assert both.of_file() == both.of_table()


def test_a_file_has_columns_that_tables_hide(twins: Open) -> None:
    both = twins()
    for _ in range(2):
        both.both("SELECT 1 AS id, 3 AS v")

    assert [row[1] for row in both.of_file()[1]] == [3, 3]


@pytest.mark.parametrize("whole", [False, True], ids=["changes", "whole"])
def test_what_a_source_knows_its_rows_by_counts_as_in_a_table(twins: Open, *, whole: bool) -> None:
    both = twins()
    both.told.key, both.told.whole = ("id",), whole
    both.both("SELECT unnest([1, 2]) AS id, 'a' AS n")
    both.both("SELECT unnest([2, 3]) AS id, 'b' AS n")

    assert sorted(both.of_file()[1]) == sorted(both.of_table()[1])
    assert len(both.of_file()[1]) == (2 if whole else 3)


REFUSED = {
    "no key": ("SELECT * FROM (VALUES (1, 'a'), (NULL, 'b')) AS t (id, n)", "row 2 has no value for `id`"),
    "no such key": ("SELECT 'b' AS n", "rows are known by `id`, and these have no such column"),
    "other rows": ("SELECT 'b' AS other", f"none of the columns of these rows is one of `{FILE}`"),
}


@pytest.mark.parametrize(("sql", "message"), REFUSED.values(), ids=[name.replace(" ", "-") for name in REFUSED])
def test_rows_that_do_not_fit_leave_file_and_position(twins: Open, sql: str, message: str) -> None:
    both = twins(mode="upsert", key=["id"])
    both.told.position = {"at": 1}
    both.both("SELECT 1 AS id, 'a' AS n")
    before = both.path.read_bytes()
    both.told.position = {"at": 2}

    table, file = both.both(sql)

    said = file["debug"]["stderr"]
    assert (table["status"], file["status"]) == ("error", "error")
    assert said.startswith(message)
    assert said.replace(f"`{FILE}`", "sales.people") == table["debug"]["stderr"]
    assert both.path.read_bytes() == before
    assert both.position() == {"at": 1}
    assert [path.name for path in both.path.parent.iterdir()] == ["people.parquet"]


def test_a_time_column_is_the_row_s_time(twins: Open) -> None:
    both = twins(time_column="at")
    both.both("SELECT 1 AS id, TIMESTAMP '2026-01-02 00:00:00' AS at")
    table, file = both.both("SELECT 2 AS id, 'x' AS at")

    assert both.of_file() == both.of_table()
    assert both.of_file()[1][0][-1] == 1_767_312_000
    assert file["debug"]["stderr"] == table["debug"]["stderr"]


# -- files from elsewhere -------------------------------------------------------------------------------------------------


def test_a_file_from_elsewhere_is_taken_as_the_rows_that_are_there(twins: Open) -> None:
    both = twins(mode="upsert", key=["id"])
    both.path.parent.mkdir()
    rows = pa.table(
        {
            "ID": pa.array([1, 2], pa.int64()),
            "Name": ["a", "b"],
            "paid": pa.array([True, None]),
            "big": pa.array([2**63, 5], pa.uint64()),
        }
    )
    pq.write_table(rows, both.path)
    both.told.sql = "SELECT 2 AS id, 'B' AS name"

    job = both.run()

    columns, found = both.of_file()
    assert job["status"] == "success", job["debug"]
    assert both.begun_at() == [{}]
    now = int(both.world.clock.time)
    assert columns == {"id": "BIGINT", "name": "VARCHAR", "paid": "INTEGER", "big": "VARCHAR", "time": "BIGINT"}
    assert sorted(found) == [[1, "a", 1, str(2**63), now], [2, "B", None, "5", now]]


def _cut(path: Path, beside: str = "n") -> None:
    pq.write_table(pa.table({"id": list(range(10_000)), beside: ["x" * 20] * 10_000}), path, compression="none")
    raw = bytearray(path.read_bytes())
    raw[10:60_000] = b"\xff" * 59_990
    path.write_bytes(raw)


def _noted(note: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        table = pa.table({"id": [1]})
        pq.write_table(table.replace_schema_metadata({b"tdr.imports": note}), path)

    return write


BROKEN: dict[str, tuple[Callable[[Path], Any], str]] = {
    "text": (lambda path: path.write_text("id,name\n1,FAKE\n"), "cannot be read as Parquet"),
    "nothing": (lambda path: path.write_bytes(b""), "cannot be read as Parquet"),
    "broken": (_cut, "cannot be read as Parquet"),
    "broken beside `found`": (lambda path: _cut(path, "found"), "cannot be read as Parquet"),
    "broken beside `Found`": (lambda path: _cut(path, "Found"), "cannot be read as Parquet"),
    "folder": (lambda path: path.mkdir(), "is a folder"),
    "note": (_noted(b"[1]"), "was written by another version of tdr"),
    "note of others": (_noted(b'{"a": {"b": 1}}'), "was written by another version of tdr"),
}


@pytest.mark.parametrize("out", [{"mode": "append"}, {"mode": "replace"}], ids=["append", "replace"])
@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_no_such_file_is_told_and_stays(twins: Open, kind: str, out: dict[str, Any]) -> None:
    both = twins(**out)
    both.path.parent.mkdir()
    make, message = BROKEN[kind]
    make(both.path)
    before = None if both.path.is_dir() else both.path.read_bytes()

    job = both.run()

    assert job["status"] == "error"
    assert message in job["debug"]["stderr"]
    assert "FAKE" not in str(job)
    assert before is None or both.path.read_bytes() == before
    assert [path.name for path in both.path.parent.iterdir()] == ["people.parquet"]


# -- what may be said -----------------------------------------------------------------------------------------------------

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no path": ({"config": {"out": {"type": "files"}}}, "out.path can't be blank"),
    "outside": ({"config": {"out": {"type": "files", "path": "../a.parquet"}}}, "leaves the folder"),
    "absolute": ({"config": {"out": {"type": "files", "path": "/tmp/a.parquet"}}}, "leaves the folder"),
    "no parquet": ({"config": {"out": {"type": "files", "path": "a.csv"}}}, "is not that of a Parquet file"),
    "words": ({"config": {"out": {"type": "files", "path": "{date}.parquet"}}}, "words in braces"),
    "both": (
        {"database": "sales", "table": "people", "config": {"out": {"type": "files", "path": "a.parquet"}}},
        "neither database nor table",
    ),
    "neither": ({"config": {"out": {}}}, "'database' parameter is required"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_load_that_cannot_be_is_refused(twins: Open, kind: str) -> None:
    both = twins()
    fields, message = WRONG[kind]

    made = both.world.json("POST", "/v3/bulk_loads", {"name": "wrong", **fields}, status=422)
    changed = both.world.json("PUT", "/v3/bulk_loads/file", {"database": "", "table": "", **fields}, status=422)

    assert message in orjson.dumps(made).decode()
    assert message in orjson.dumps(changed).decode()
    assert both.world.get("/v3/bulk_loads/file")["config"]["out"] == {"type": "files", "path": FILE}


def test_a_run_of_no_load_has_no_file(twins: Open) -> None:
    both = twins()
    both.world.post("/v3/table/create/sales/people")
    fields = {"config": {"in": {}, "out": {"type": "files", "path": FILE}}, "table": "people"}

    refused = both.world.json("POST", "/v3/job/issue/bulkload/sales", fields, status=422)

    assert "neither database nor table" in str(refused)


def test_only_connections_to_files_hold_files(twins: Open) -> None:
    both = twins()
    made = both.world.json("POST", "/v4/connections", {"name": "crm", "type": "sfdc_v2", "settings": {}})
    out = {"type": "files", "path": FILE, "td_authentication_id": made["id"]}
    both.world.json("PUT", "/v3/bulk_loads/file", {"config": {"in": {}, "out": out}})

    job = both.run()

    assert (job["status"], both.path.exists()) == ("error", False)
    said = "the connection of a load into a file is of type 'sfdc_v2'; name one of type files"
    assert job["debug"]["stderr"] == said
