"""Exports to files: in each format what was in the rows, whole or not at all, and nowhere else than below the project."""

from __future__ import annotations

import errno
import fcntl
import gzip
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import duckdb
import pytest

from reconciler.connectors.destinations.files import FilesDestination
from reconciler.connectors.destinations.files_writing import write_rows
from reconciler.errors import Interrupted, Permanent
from reconciler.model.files import FileFormat
from reconciler.ports.exports import ExportReport, ExportRequest

SQL = (
    "SELECT * FROM (VALUES (1, 'a,\"b\"', 1.5::DOUBLE, ['x'], TIMESTAMP '2025-01-01 09:30:00'),"
    " (2, NULL, NULL, [], NULL), (3, '', 0.1, NULL, NULL)) AS t (id, text, number, list, moment)"
)


class Noon:
    """A clock that stands still at noon of 2026-02-03, UTC."""

    def now(self) -> float:
        return 1_770_120_000.0

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)


def export(root: Path, sql: str = SQL, job_id: str = "7", cancelled: bool = False, **settings: Any) -> ExportReport:  # noqa: FBT001, FBT002 - a case
    stop = threading.Event()
    if cancelled:
        stop.set()
    destination = FilesDestination(root, Noon())
    request = ExportRequest("files", settings, job_id)
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TEMP TABLE rows AS {sql}")
        destination.check(request, {"id": "INTEGER"})
        return destination.export(request, connection, lambda *_: None, stop)


@pytest.mark.parametrize("path", ["a.csv", "a.jsonl", "a.parquet"])
def test_an_error_in_the_middle_of_the_rows_is_told_without_them(tmp_path: Path, path: str) -> None:
    export(tmp_path, path=path)
    before = (tmp_path / path).read_bytes()
    with duckdb.connect() as connection:
        connection.execute("""
            CREATE TEMP VIEW rows AS
            SELECT CASE i WHEN 90000 THEN CAST('planted' AS INTEGER) ELSE i END AS id FROM range(90001) t(i)
        """)
        with pytest.raises(Permanent) as refused:
            FilesDestination(tmp_path, Noon()).export(
                ExportRequest("files", {"path": path}, "8"), connection, lambda *_: None, threading.Event()
            )

    assert refused.value.message == "the rows could not be read: ConversionException"
    assert refused.value.__suppress_context__
    assert (tmp_path / path).read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("path", ["out/a.csv", "out/a.csv.gz"])
def test_csv_tells_nothing_from_empty_and_quotes_what_needs_it(tmp_path: Path, path: str) -> None:
    report = export(tmp_path, path=path)

    content = (tmp_path / path).read_bytes()
    assert (gzip.decompress(content) if path.endswith(".gz") else content).decode() == (
        '"id","text","number","list","moment"\n1,"a,""b""",1.5,"[""x""]","2025-01-01 09:30:00"\n2,,,"[]",\n3,"",0.1,,\n'
    )
    assert (report.rows, report.sent) == (3, 3)
    assert list((tmp_path / "out").iterdir()) == [tmp_path / path], "nothing is left beside it"
    assert stat.S_IMODE((tmp_path / path).stat().st_mode) == 0o600


@pytest.mark.parametrize("path", ["a.jsonl", "a.ndjson", "a.jsonl.gz"])
def test_json_lines_hold_a_row_each(tmp_path: Path, path: str) -> None:
    export(tmp_path, path=path)

    content = (tmp_path / path).read_bytes()
    assert (gzip.decompress(content) if path.endswith(".gz") else content).decode().splitlines() == [
        '{"id":1,"text":"a,\\"b\\"","number":1.5,"list":["x"],"moment":"2025-01-01 09:30:00"}',
        '{"id":2,"text":null,"number":null,"list":[],"moment":null}',
        '{"id":3,"text":"","number":0.1,"list":null,"moment":null}',
    ]


def test_parquet_keeps_the_types(tmp_path: Path) -> None:
    export(tmp_path, path="a.parquet")

    read = duckdb.read_parquet(str(tmp_path / "a.parquet"))
    assert [str(type_) for type_ in read.types] == ["INTEGER", "VARCHAR", "DOUBLE", "VARCHAR[]", "TIMESTAMP"]
    assert read.fetchall() == duckdb.sql(SQL).fetchall()


@pytest.mark.parametrize("path", ["a.csv", "a.jsonl", "a.parquet"])
def test_no_rows_are_a_file_all_the_same(tmp_path: Path, path: str) -> None:
    assert export(tmp_path, "SELECT 1 AS id WHERE false", path=path).rows == 0
    assert (tmp_path / path).read_bytes() == (tmp_path / path).read_bytes()[: {"a.jsonl": 0, "a.csv": 5}.get(path)]


def test_more_rows_than_a_batch_arrive_in_order(tmp_path: Path) -> None:
    export(tmp_path, "SELECT n AS id FROM range(50000) AS t (n) ORDER BY n", path="a.csv")

    assert (tmp_path / "a.csv").read_text().split() == ['"id"', *map(str, range(50000))]


def test_words_in_the_path_are_of_the_run(tmp_path: Path) -> None:
    export(tmp_path, path="{date}/run-{job_id}.csv", job_id="42")
    export(tmp_path, path="{date}/run-{job_id}.csv", job_id="42")

    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.csv")] == ["2026-02-03/run-42.csv"]


@pytest.mark.parametrize("path", ["a.csv", "a.jsonl", "a.parquet"])
def test_an_export_that_stops_leaves_the_file_before(tmp_path: Path, path: str) -> None:
    (tmp_path / path).write_bytes(b"before")

    with pytest.raises(Interrupted, match="before its file was whole"):
        export(tmp_path, path=path, cancelled=True)

    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [(path, b"before")]


def test_a_number_that_json_does_not_have_is_named_by_row_and_column(tmp_path: Path) -> None:
    sql = "SELECT * FROM (VALUES (1.5::DOUBLE), ('nan'::DOUBLE)) AS t (n)"
    with pytest.raises(Permanent, match="row 2: column `n` is not a finite number"):
        export(tmp_path, sql, path="a.jsonl")
    assert list(tmp_path.iterdir()) == []
    export(tmp_path, sql, path="a.csv")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "`path` of the export to a file is missing"),
    ({"path": "../a.csv"}, "leaves the folder it is below"),
    ({"path": "/tmp/a.csv"}, "leaves the folder it is below"),
    ({"path": "tdr.yaml"}, "does not say how its rows are written"),
    ({"path": "data"}, "does not say how its rows are written"),
    ({"path": "a.parquet.gz"}, "Parquet is compressed by itself"),
    ({"path": "a.csv", "format": "parquet"}, "`format` is 'parquet', and the path ends like csv"),
    ({"path": "{day}.csv"}, "`{day}` in `path` stands for nothing"),
    ({"path": "a.csv", "paht": "b"}, "`paht` is not a setting of an export to a file"),
    ({"path": "a.csv", "root": "../elsewhere"}, "leads outside the folder it is below"),
    ({"path": "taken.csv"}, "`taken.csv` is a folder"),
    ({"path": "link/a.csv"}, "leads outside the folder it is below"),
]


@pytest.mark.parametrize(("settings", "message"), WRONG, ids=[message for _, message in WRONG])
def test_what_cannot_be_written_is_refused_before_the_query_runs(
    tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    root = tmp_path / "project"
    (root / "taken.csv").mkdir(parents=True)
    (root / "link").symlink_to(tmp_path)

    with pytest.raises(Permanent) as refused:
        FilesDestination(root, Noon()).check(ExportRequest("files", settings, "7"), {"id": "INTEGER"})

    assert message in str(refused.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["project"]


def test_a_link_in_the_place_of_the_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (tmp_path / "other.csv").write_text("theirs")
    (root / "a.csv").symlink_to(tmp_path / "other.csv")

    export(root, path="a.csv")

    assert (tmp_path / "other.csv").read_text() == "theirs"
    assert not (root / "a.csv").is_symlink()


def test_what_a_killed_export_left_is_removed_and_what_another_one_writes_stays(tmp_path: Path) -> None:
    left, held = tmp_path / ".a.csv.5.tdr-part", tmp_path / ".b.csv.6.tdr-part"
    left.write_bytes(b"half")
    with held.open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        export(tmp_path, path="c.csv")

    assert sorted(path.name for path in tmp_path.iterdir()) == [held.name, "c.csv"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("form", FileFormat)
@pytest.mark.parametrize("compressed", [False, True])
def test_a_full_disk_is_told_as_one_in_each_format(form: FileFormat, compressed: bool) -> None:  # noqa: FBT001 - a case
    with duckdb.connect() as connection:
        connection.execute("CREATE TEMP TABLE rows AS SELECT md5(i::VARCHAR) AS text FROM range(200000) t (i)")
        with pytest.raises(OSError, match="No space left") as refused:
            write_rows(connection, Path("/dev/full"), form, lambda _: None, compressed=compressed)

    assert refused.value.errno == errno.ENOSPC


LIMITED = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_files_destination import export
from reconciler.errors import Permanent
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    export(Path(sys.argv[1]), "SELECT md5(i::VARCHAR) AS text FROM range(100000) t (i)", path=sys.argv[3])
except Permanent as error:
    print(error.message, error.hint, sep="; ")
"""


@pytest.mark.parametrize("path", ["a.csv", "a.jsonl.gz", "a.parquet"])
def test_a_disk_without_room_leaves_the_file_before_and_says_what_now(tmp_path: Path, path: str) -> None:
    (tmp_path / path).write_text("before")

    command = [sys.executable, "-c", LIMITED, str(tmp_path), str(Path(__file__).parent), path]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ended.stdout == (
        f"file `{path}` cannot be written: File too large; make room on its disk; "
        "a file of an earlier run is still there as it was, so run it again then\n"
    ), ended.stderr
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [(path, "before")]
