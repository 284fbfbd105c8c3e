"""Loads into a file in a bucket whose answer to a write was lost: the rows are there once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any

import duckdb
import pytest
from file_twins import FILE, Told
from http_server import Handler, serving
from service_world import OpenWorld

from reconciler.connectors.destinations.table_files import open_table_file
from reconciler.stores.buckets import S3Bucket

REFUSED = b"<Error><Code>RequestTimeout</Code><Message>late</Message></Error>"
PLACE = {"bucket": "lake", "region": "us-east-1", "access_key_id": "FAKE-id", "secret_access_key": "FAKE-key"}


class Losing:
    """A bucket of one object, that loses what it answers to the writes *lost*, counted from 1: done, or not done as well."""

    def __init__(self, status: int, lost: set[int], *, done: bool = True) -> None:
        self.status, self.lost, self.done = status, lost, done
        self.content: bytes | None = None
        self.version = 0
        self.puts = 0

    @property
    def tag(self) -> str:
        return f'"{self.version}"'

    def put(self, content: bytes, condition: str | None) -> int:
        self.puts += 1
        if condition != (None if self.content is None else self.tag):
            return 412
        is_lost = self.puts in self.lost
        if self.done or not is_lost:
            self.content, self.version = content, self.version + 1
        return self.status if is_lost else 200


@contextmanager
def bucket(losing: Losing) -> Iterator[str]:
    class Asked(Handler):
        def asked(self) -> None:
            if self.command == "PUT":
                status = losing.put(self.body(), self.headers.get("if-match"))
                self.answer(status, {"etag": losing.tag}, b"" if status == 200 else REFUSED)
            elif losing.content is None:
                self.answer(404)
            else:
                told = {"etag": losing.tag, "last-modified": formatdate(usegmt=True)}
                self.answer(200, told, losing.content)

    with serving(Asked) as address:
        yield address


def run(open_world: OpenWorld, project: Path, losing: Losing, *, runs: int) -> list[dict[str, Any]]:
    told = Told()
    jobs = []
    with bucket(losing) as address:

        def opened(place: Any, job_id: str, spill: Path) -> Any:
            return open_table_file(project, S3Bucket, {**PLACE, "endpoint": address, **place}, job_id, spill)

        world = open_world(importer=told, open_table_file=opened)
        config = {"in": {}, "out": {"type": "files", "path": FILE}}
        world.json("POST", "/v3/bulk_loads", {"name": "crm", "config": config})
        for number in range(runs):
            told.sql = f"SELECT n AS id FROM range({number}0, {number}0 + 10) AS t (n)"
            job_id = world.json("POST", "/v3/bulk_loads/crm/jobs", {})["job_id"]
            assert world.service.wait(60)
            jobs.append(world.get(f"/v3/job/show/{job_id}"))
    return jobs


def ids(losing: Losing, tmp_path: Path) -> list[int]:
    path = tmp_path / "found.parquet"
    path.write_bytes(losing.content or b"")
    with duckdb.connect() as connection:
        return [row[0] for row in connection.execute(f"SELECT id FROM '{path}' ORDER BY 1").fetchall()]


@pytest.mark.parametrize("lost", [1, 2])
@pytest.mark.parametrize("status", [500, 400], ids=["asked-again", "of-unknown-outcome"])
def test_rows_whose_write_was_done_and_not_answered_are_there_once(
    open_world: OpenWorld, project: Path, tmp_path: Path, status: int, lost: int
) -> None:
    # Asked again after a 500, the bucket says that the file is another one: it is ours.
    losing = Losing(status, {lost})

    jobs = run(open_world, project, losing, runs=2)

    assert [job["status"] for job in jobs] == ["success", "success"]
    assert ids(losing, tmp_path) == list(range(20))


def test_rows_that_were_not_written_are_not_told_to_be_there(
    open_world: OpenWorld, project: Path, tmp_path: Path
) -> None:
    losing = Losing(400, {2}, done=False)

    first, second, third = run(open_world, project, losing, runs=3)

    assert [job["status"] for job in (first, second, third)] == ["success", "error", "success"]
    assert "RequestTimeout" in second["debug"]["stderr"]
    assert ids(losing, tmp_path) == [*range(10), *range(20, 30)]
