"""Parquet files that are filled as tables are: where one may be, what takes its place, and who waits for whom. Disk and bucket."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.store import S3Store

from reconciler.connectors.destinations.table_files import open_table_file
from reconciler.errors import Conflict, Interrupted, Permanent
from reconciler.ports.table_files import TableFile
from reconciler.stores import buckets
from reconciler.stores.buckets import S3Bucket

sys.path.append(str(Path(__file__).parents[1] / "stores"))

import s3_server
from server_fixtures import s3  # noqa: F401 - a fixture

PATH = "lake/people.parquet"
KEY: dict[str, Any] = {"access_key_id": "FAKE-id", "secret_access_key": "FAKE-key"}

Open = Callable[..., TableFile]
"""A file of one run, by the id of its job."""


def writing(text: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_text(text)

    return write


@pytest.fixture
def on_disk(tmp_path: Path) -> Open:
    root = tmp_path / "project"
    root.mkdir()

    def make(job: str = "1", **place: Any) -> TableFile:
        return open_table_file(root, None, {"path": PATH, **place}, job, tmp_path / f"spill-{job}")

    return make


@pytest.fixture
def store(request: pytest.FixtureRequest, s3: str) -> S3Store:  # noqa: F811 - the fixture
    prefix = f"tables/{request.node.name.replace('_', '-')}"
    return S3Store(
        s3_server.BUCKET,
        prefix=prefix,
        config={"endpoint": s3, "region": "us-east-1", **KEY},
        client_options={"allow_http": True},
    )


@pytest.fixture
def in_bucket(request: pytest.FixtureRequest, s3: str, tmp_path: Path) -> Open:  # noqa: F811 - the fixture
    prefix = f"tables/{request.node.name.replace('_', '-')}"

    def make(job: str = "1", **place: Any) -> TableFile:
        spill = tmp_path / f"spill-{job}"
        spill.mkdir(exist_ok=True)
        where = {"bucket": s3_server.BUCKET, "prefix": prefix, "endpoint": s3, "region": "us-east-1", **KEY}
        return open_table_file(tmp_path, S3Bucket, {**where, "path": PATH, **place}, job, spill)

    return make


@pytest.fixture(params=["on_disk", "in_bucket"])
def opened(request: pytest.FixtureRequest) -> Open:
    made: Open = request.getfixturevalue(request.param)
    return made


def text_of(file: TableFile) -> str | None:
    found = file.find()
    return None if found is None else found.read_text()


def put(file: TableFile, text: str) -> None:
    with file.alone(threading.Event()):
        file.find()
        file.exchange(writing(text))


def test_what_was_written_is_found(opened: Open) -> None:
    first = opened("1")
    assert text_of(first) is None

    put(first, "one")
    put(opened("2"), "two")

    assert (text_of(first), text_of(opened("3"))) == ("two", "two")


def test_what_others_changed_meanwhile_is_not_exchanged(opened: Open) -> None:
    mine, others = opened("1"), opened("2")
    for former, next_ in ((None, "theirs"), ("theirs", "theirs, too")):
        assert text_of(mine) == former
        put(others, next_)
        with pytest.raises(Conflict, match="was changed meanwhile"):
            mine.exchange(writing("mine"))
        assert text_of(mine) == next_
    mine.exchange(writing("mine"))
    assert text_of(others) == "mine"


def test_what_cannot_be_written_to_its_end_leaves_what_was_there(opened: Open) -> None:
    put(opened("1"), "one")
    file = opened("2")

    def break_off(path: Path) -> None:
        path.write_text("two")
        raise Permanent("the rows ended early")

    file.find()
    with pytest.raises(Permanent, match="ended early"):
        file.exchange(break_off)

    assert text_of(opened("3")) == "one"


def test_large_objects_are_looked_for_before_they_are_sent(in_bucket: Open, store: S3Store, tmp_path: Path) -> None:
    bucket = in_bucket()._bucket  # type: ignore[attr-defined]
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(buckets._ONE_REQUEST_BYTES + 1)

    bucket.exchange(large, "large.parquet", "")
    version = bucket.version("large.parquet")
    with pytest.raises(Conflict):
        bucket.exchange(large, "large.parquet", "")
    bucket.exchange(large, "large.parquet", version)

    assert obstore.head(store, "large.parquet")["size"] == buckets._ONE_REQUEST_BYTES + 1


def test_on_disk_one_waits_for_the_other_and_may_be_stopped(on_disk: Open) -> None:
    waiting, stop, events = on_disk("2"), threading.Event(), []

    def wait() -> None:
        try:
            with waiting.alone(stop):
                events.append("in")
        except Interrupted:
            events.append("stopped")

    for stopped in (False, True):
        with on_disk("1").alone(threading.Event()):
            one = threading.Thread(target=wait)
            one.start()
            if stopped:
                stop.set()
                one.join(30)
            events.append("out")
        one.join(30)
    assert events == ["out", "in", "stopped", "out"]


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664, 0o444])
def test_who_may_read_a_file_may_read_the_next_one(on_disk: Open, tmp_path: Path, mode: int) -> None:
    put(on_disk("1"), "one")
    path = tmp_path / "project" / PATH
    assert path.stat().st_mode & 0o777 == 0o600  # a new one is its owner's
    path.chmod(mode)

    put(on_disk("2"), "two")

    assert path.read_text() == "two"
    assert path.stat().st_mode & 0o777 == mode


def test_parts_of_the_dead_are_swept(on_disk: Open, tmp_path: Path) -> None:
    put(on_disk("1"), "one")
    folder = tmp_path / "project/lake"
    (folder / ".people.parquet.9.tdr-part").write_text("half")

    put(on_disk("2"), "two")

    assert [path.name for path in folder.iterdir()] == ["people.parquet"]


OUTSIDE: dict[str, tuple[dict[str, Any], str]] = {
    "above": ({"path": "../a.parquet"}, "leaves the folder it is below"),
    "absolute": ({"path": "/tmp/a.parquet"}, "leaves the folder it is below"),
    "by its root": ({"path": "a.parquet", "root": "../elsewhere"}, "leads outside the folder it is below"),
    "by a link": ({"path": "out/a.parquet"}, "leads outside the folder it is below"),
    "no path": ({"path": None}, "`path` of a load into a file is missing"),
    "no Parquet": ({"path": "a.csv"}, "is not that of a Parquet file"),
    "root that is none": ({"path": "a.parquet", "root": 5}, "must be a path"),
    "folder": ({"path": "taken.parquet"}, "`taken.parquet` is a folder"),
}


@pytest.mark.parametrize("kind", OUTSIDE)
def test_nothing_outside_the_project_is_reached(on_disk: Open, tmp_path: Path, kind: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "project/out").symlink_to(outside)
    (tmp_path / "project/taken.parquet").mkdir()
    place, message = OUTSIDE[kind]

    with pytest.raises(Permanent, match=message):
        on_disk(**place)
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("target", ["outside.parquet", "project/inside.parquet"])
def test_a_link_in_the_place_of_the_file_is_refused(on_disk: Open, tmp_path: Path, target: str) -> None:
    (tmp_path / target).write_text("rows")
    (tmp_path / "project/lake").mkdir()
    (tmp_path / "project" / PATH).symlink_to(tmp_path / target)
    file = on_disk()

    with pytest.raises(Permanent, match="is a link"):
        file.find()
    assert (tmp_path / target).read_text() == "rows"


def test_a_folder_that_becomes_a_link_is_noticed(on_disk: Open, tmp_path: Path) -> None:
    file = on_disk()
    (tmp_path / "project/lake").symlink_to(tmp_path)

    with pytest.raises(Permanent, match="leads outside"), file.alone(threading.Event()):
        pass
    assert not (tmp_path / "people.parquet").exists()


def test_a_bucket_that_is_not_there_is_named(in_bucket: Open) -> None:
    file = in_bucket(bucket="tdr-nowhere")
    file.find()

    with pytest.raises(Permanent, match=r"s3://tdr-nowhere.* there is no such bucket"):
        file.exchange(writing("one"))


def test_buckets_need_somebody_who_opens_them(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="there are no buckets here"):
        open_table_file(tmp_path, None, {"path": PATH, "bucket": "b"}, "1", tmp_path)
