from __future__ import annotations

import gzip
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reconciler.connectors.sources.files import FilesSource
from reconciler.dataplane.importer import TypedImporter
from reconciler.errors import Permanent
from reconciler.model.json import Json
from reconciler.ports.loads import LoadRequest

Rows = list[tuple[object, ...]]


def read(folder: Path, *paths: str, **more: Json) -> tuple[list[str], Rows]:
    """Columns and rows of what the source makes of *paths*."""
    with duckdb.connect() as connection:
        importer = TypedImporter({"files": FilesSource(folder)})
        request = LoadRequest({"type": "files", "paths": list(paths), **more}, "load")
        relation = importer.read(request, connection, lambda *_: None).relation
        found = connection.sql(f"FROM {relation}")
        return found.columns, found.fetchall()


def test_csv_is_text_with_its_leading_zeros(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b'\xef\xbb\xbfemail,id,day\r\nx@example.com,0547123,2024-01-02\r\n"a\r\nb",2,\r\n')
    assert read(tmp_path, "a.csv") == (
        ["email", "id", "day"],
        [("x@example.com", "0547123", "2024-01-02"), ("a\r\nb", "2", None)],
    )


@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
def test_the_separator_is_told_from_the_header(tmp_path: Path, separator: str) -> None:
    (tmp_path / "a.csv").write_text(separator.join(["id", '"a,b;c|d"']) + "\n" + separator.join(["1", "2"]) + "\n")
    assert read(tmp_path, "a.csv") == (["id", "a,b;c|d"], [("1", "2")])


def test_globs_are_sorted_and_columns_matched_by_name(tmp_path: Path) -> None:
    (tmp_path / "day").mkdir()
    (tmp_path / "day" / "2 [x].csv").write_text("name,id\nb,2\n")
    (tmp_path / "day" / "1.csv").write_text("id\n1\n")
    (tmp_path / "day" / "3.csv.gz").write_bytes(gzip.compress(b"id\n3\n"))
    columns, rows = read(tmp_path, "day/*.csv*")
    assert columns == ["id", "name"]
    assert sorted(rows) == [("1", None), ("2", "b"), ("3", None)]


def test_a_glob_does_not_mean_what_somebody_is_just_writing(tmp_path: Path) -> None:
    (tmp_path / ".work").mkdir()
    for name in ("a.csv", ".b.csv", ".c.csv.7.tdr-part", ".work/d.csv"):
        (tmp_path / name).write_text(f"id\n{name}\n")
    assert read(tmp_path, "*.csv*")[1] == [("a.csv",)]
    assert read(tmp_path, "**/*.csv")[1] == [("a.csv",)]
    assert read(tmp_path, ".[a-b].csv")[1] == [(".b.csv",)]
    assert read(tmp_path, ".work/*")[1] == [(".work/d.csv",)]


def test_parquet_and_json_lines_keep_their_types(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": ["007"], "n": [1]}), tmp_path / "a.parquet")
    (tmp_path / "a.jsonl").write_text('{"id": "007", "n": 1}\n{"id": "x", "m": 2.5}\n')
    assert read(tmp_path, "a.parquet") == (["id", "n"], [("007", 1)])
    assert read(tmp_path, "a.jsonl") == (["id", "n", "m"], [("007", 1, None), ("x", None, 2.5)])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.csv",
            b"email,id\na@b.c,1\nplanted@b.c,2,3\n",
            "file `a.csv`, line 3, cannot be read as csv: InvalidInputException",
        ),
        ("a.csv", b"email,id\nplanted@b.c\n", "file `a.csv`, line 2, cannot be read as csv: InvalidInputException"),
        (
            "a.csv",
            b'email,id\na@b.c,1\n"planted@b.c,2\n',
            "file `a.csv`, line 3, cannot be read as csv: InvalidInputException",
        ),
        ("a.csv", b"email\nplanted\x8e\x52\n", "file `a.csv`, line 2, cannot be read as csv: InvalidInputException"),
        ("a.csv", "email,山田\n".encode("cp932"), "file `a.csv`, line 1: it is not UTF-8"),
        ("a.csv", b"", "file `a.csv` is empty"),
        ("a.csv", b"id,,x\n", "file `a.csv`, line 1: column 2 has no name"),
        ("a.csv", b"id,ID\n", "file `a.csv`, line 1: column 'ID' stands there twice"),
        (
            "a.jsonl",
            b'{"id": 1}\n{"id": planted\n',
            "file `a.jsonl`, line 2, cannot be read as jsonl: InvalidInputException",
        ),
        ("a.parquet", b"PAR1 planted", "file `a.parquet` cannot be read as parquet: InvalidInputException"),
        ("a.txt", b"x", "the format of `a.txt` cannot be told from its name"),
    ],
)
def test_a_broken_file_is_named_with_its_line_and_not_quoted(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Permanent) as caught:
        read(tmp_path, name)
    assert caught.value.message == message
    assert "planted" not in caught.value.hint


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (["nope.csv"], "file 'nope.csv' does not exist"),
        (["sub"], "file 'sub' is no file"),
        (["n*.csv"], "no file matches 'n*.csv'"),
        (["../secret.csv"], "path '../secret.csv' leaves the folder of the source"),
        (["/etc/passwd"], "path '/etc/passwd' leaves the folder of the source"),
        (["link.csv"], "path 'link.csv' leads outside the folder of the source"),
        (["l*.csv"], "path 'l*.csv' leads outside the folder of the source"),
        (["sub/up/secret.csv"], "path 'sub/up/secret.csv' leads outside the folder of the source"),
        ([], "`paths` of a files source must be a list of paths or globs"),
    ],
)
def test_only_files_below_the_folder_are_read(tmp_path: Path, paths: list[str], message: str) -> None:
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (tmp_path / "secret.csv").write_text("id\n1\n")
    (root / "link.csv").symlink_to(tmp_path / "secret.csv")
    (root / "sub" / "up").symlink_to(tmp_path)
    with pytest.raises(Permanent) as caught:
        read(root, *paths)
    assert caught.value.message == message


def test_a_link_inside_the_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "day1.csv").write_text("id\n1\n")
    (tmp_path / "latest.csv").symlink_to(tmp_path / "day1.csv")
    assert read(tmp_path, "latest.csv") == (["id"], [("1",)])
    assert read(tmp_path, "latest.csv", "day1.csv") == (["id"], [("1",)])


def test_formats_are_not_mixed_and_can_be_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n")
    (tmp_path / "a.jsonl").write_text('{"id": 1}\n')
    with pytest.raises(Permanent, match="one source reads files of one format, and these are csv, jsonl"):
        read(tmp_path, "a.csv", "a.jsonl")
    (tmp_path / "a.txt").write_text("id\n1\n")
    assert read(tmp_path, "a.txt", format="csv") == (["id"], [("1",)])
    with pytest.raises(Permanent, match="'xml' is not a file format"):
        read(tmp_path, "a.txt", format="xml")


def test_the_root_of_a_connection_lies_inside_the_folder(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("id\n1\n")
    assert read(tmp_path, "a.csv", root="data") == (["id"], [("1",)])
    with pytest.raises(Permanent, match="leads outside the folder"):
        read(tmp_path, "a.csv", root="..")


def test_an_unknown_setting_or_type_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="`pahts` is not a setting") as caught:
        read(tmp_path, "a.csv", pahts="x")
    assert caught.value.hint == "did you mean `paths`?"
    with pytest.raises(Permanent, match="there is no source of type 'file' here") as caught:
        read(tmp_path, "a.csv", type="file")
    assert caught.value.hint == "did you mean `files`?"
