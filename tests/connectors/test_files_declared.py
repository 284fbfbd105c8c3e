"""Files are held against the columns that their table declares, before a row is loaded."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reconciler.connectors.sources.files import FilesSource
from reconciler.errors import Permanent
from reconciler.model.json import Json
from reconciler.ports.loads import LoadRequest

COLUMNS: Json = [["email", "string"], ["visits", "long"], ["spent", "double"]]
HINT = "add it to the file, or say `optional: true` at the column in the Table document"


def count(folder: Path, *paths: str, columns: Json = COLUMNS, **more: Json) -> int:
    """Number of rows that the source makes of *paths*."""
    with duckdb.connect() as connection:
        request = LoadRequest({"type": "files", "paths": list(paths), "columns": columns, **more}, "load")
        relation = FilesSource(folder).read(request, connection, lambda *_: None).relation
        return len(connection.sql(f"FROM {relation}").fetchall())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("email,visits\na,1\n", "file `b.csv` has no column `spent`, which the table declares"),
        ("email\na\n", "file `b.csv` has no column `visits`, `spent`, which the table declares"),
        ("email,visit,spent\na,1,2\n", "file `b.csv` has no column `visits`, which the table declares"),
    ],
)
def test_a_file_that_lacks_a_declared_column_is_refused_by_name(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("email,visits,spent\na,1,2.5\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text(text, encoding="utf-8")
    with pytest.raises(Permanent) as refused:
        count(tmp_path, "*.csv")
    assert (refused.value.message, refused.value.hint) == (message, HINT)


def test_an_optional_column_may_be_missing_and_others_may_be_there(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("EMAIL,visits,extra\na,1,x\n", encoding="utf-8")
    assert count(tmp_path, "a.csv", optional=["spent"]) == 1


def test_a_table_that_no_document_declares_holds_nothing_against_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("visits\nmany\n", encoding="utf-8")
    assert count(tmp_path, "a.csv", columns=[]) == 1


def bad(row: int, column: str) -> str:
    type_, meant = {"visits": ("long", "whole number"), "spent": ("double", "number")}[column]
    return (
        f"row {row} (line {row + 1}, where no value holds line breaks): "
        f"the value of column `{column}` is no {meant}, and the table declares it as {type_}"
    )


@pytest.mark.parametrize(
    ("rows", "where"),
    [
        (
            ["a,1,2.5", "b,FAKE-value,1"],
            bad(2, "visits"),
        ),
        (
            ["a,1,FAKE-value"],
            bad(1, "spent"),
        ),
        (
            ["a,,", "b,1,1", "c,99999999999999999999,1"],
            bad(3, "visits"),
        ),
        (
            ["a,1,FAKE-value", "b,FAKE-value,1"],
            bad(1, "spent"),
        ),
    ],
)
def test_a_bad_number_is_named_by_file_row_column_and_type_and_never_shown(
    rows: list[str], where: str, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("email,visits,spent\nz,1,1\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("\n".join(["email,visits,spent", *rows, ""]), encoding="utf-8")
    with pytest.raises(Permanent) as refused:
        count(tmp_path, "a.csv", "b.csv")
    assert refused.value.message == f"file `b.csv`, {where}"
    assert "FAKE-value" not in refused.value.message + refused.value.hint


def test_a_bad_number_far_down_is_found_in_its_row(tmp_path: Path) -> None:
    rows = [f"u{number},{number},1" for number in range(1, 300_001)]
    rows[250_000] = "u,oops,1"
    (tmp_path / "a.csv").write_text("\n".join(["email,visits,spent", *rows, ""]), encoding="utf-8")
    with pytest.raises(Permanent, match=r"`a\.csv`, row 250001 \(line 250002"):
        count(tmp_path, "a.csv")


def test_files_with_types_of_their_own_are_held_too(tmp_path: Path) -> None:
    pq.write_table(pa.table({"email": ["a", "b"], "visits": ["1", "x"], "spent": [1.0, 2.0]}), tmp_path / "a.parquet")
    (tmp_path / "a.jsonl").write_text('{"email": "a", "visits": 1}\n', encoding="utf-8")
    with pytest.raises(Permanent, match=r"`a\.parquet`, row 2: the value of column `visits` is no whole number"):
        count(tmp_path, "a.parquet")
    with pytest.raises(Permanent, match=r"`a\.jsonl` has no column `spent`"):
        count(tmp_path, "a.jsonl")


@pytest.mark.parametrize("columns", ["email", [["email"]], [["email", 1]], {"email": "string"}])
def test_columns_that_are_said_otherwise_are_refused(columns: Json, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("email\na\n", encoding="utf-8")
    with pytest.raises(Permanent, match="`columns` of a files source must be a list of pairs of name and type"):
        count(tmp_path, "a.csv", columns=columns)


def test_what_the_table_declares_goes_before_what_an_older_session_repeats(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("email,visits\na,many\n", encoding="utf-8")
    source: dict[str, Json] = {"type": "files", "paths": ["a.csv"], "columns": [["visits", "long"]]}
    with duckdb.connect() as connection:
        request = LoadRequest(source, "load", {"email": "string", "visits": "string"})
        relation = FilesSource(tmp_path).read(request, connection, lambda *_: None).relation
        assert connection.sql(f"FROM {relation}").fetchall() == [("a", "many")]
        with pytest.raises(Permanent, match="has no column `phone`"):
            FilesSource(tmp_path).read(LoadRequest(source, "load", {"phone": "string"}), connection, lambda *_: None)
