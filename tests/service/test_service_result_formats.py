"""The rows of a query as clients fetch them: formats, ranges, and how long they are kept."""

from __future__ import annotations

import csv
import gzip
import io

import msgpack
from service_world import World, result

ROWS = "SELECT * FROM (VALUES (1, 'a', 1.5e0), (2, 'b\tc,d', NULL), (3, NULL, nan())) AS t (n, s, d) ORDER BY n"


def test_rows_come_in_every_format(world: World) -> None:
    job = world.run(ROWS)
    assert job["status"] == "success", job["debug"]

    lines = result(world, job, "format=json").text
    assert lines == '[1,"a",1.5]\n[2,"b\\tc,d",null]\n[3,null,null]\n'
    assert result(world, job, "format=json&header=true").text == '["n","s","d"]\n' + lines
    separated = result(world, job, "format=csv&header=true").text
    assert list(csv.reader(io.StringIO(separated))) == [
        ["n", "s", "d"],
        ["1", "a", "1.5"],
        ["2", "b\tc,d", ""],
        ["3", "", "nan"],
    ]
    assert result(world, job, "format=csv&nullify_special=true").text.endswith("3,,\n")
    assert result(world, job, "format=tsv").text.splitlines()[0] == "1\ta\t1.5"
    packed = result(world, job, "format=msgpack").content
    assert list(msgpack.Unpacker(io.BytesIO(packed)))[:2] == [[1, "a", 1.5], [2, "b\tc,d", None]]
    zipped = result(world, job, "format=msgpack.gz")
    assert gzip.decompress(zipped.content) == packed
    assert len(zipped.content) == job["result_size"] == int(zipped.headers["content-length"])


def test_a_range_of_a_result_is_that_part_of_it(world: World) -> None:
    job = world.run("SELECT n FROM UNNEST(sequence(1, 25000)) AS t (n)")
    whole = result(world, job, "format=msgpack.gz").content

    for wanted, first, last in (("bytes=0-9", 0, 9), (f"bytes={len(whole) - 5}-", len(whole) - 5, len(whole) - 1)):
        part = result(world, job, "format=msgpack.gz", headers={"range": wanted})

        assert (part.status_code, part.content) == (206, whole[first : last + 1])
        assert part.headers["content-range"] == f"bytes {first}-{last}/{len(whole)}"
    middle = len(whole) // 2
    parts = [
        result(world, job, "format=msgpack.gz", headers={"range": f"bytes={a}-{b}"}).content
        for a, b in ((0, middle), (middle + 1, len(whole) + 100))
    ]
    assert b"".join(parts) == whole
    assert result(world, job, "format=msgpack.gz", headers={"range": f"bytes={len(whole)}-"}).status_code == 416


def test_an_unknown_format_or_job_is_refused(world: World) -> None:
    job = world.run("SELECT 1")

    assert result(world, job, "format=xlsx").json()["message"] == (
        "Unknown format: 'xlsx'; use one of json, csv, tsv, msgpack, msgpack.gz"
    )
    assert world.get("/v3/job/show/9", status=404)["message"] == "Couldn't find Job with account_id = 1, id = 9"
    assert world.get("/v3/job/status/x", status=404)["message"] == "Couldn't find Job with account_id = 1, id = x"


def test_kept_rows_are_sealed_and_forgotten_after_a_day(world: World) -> None:
    job = world.run("SELECT 'ana@example.com' AS email")
    [file] = (world.root / "results").iterdir()
    content = file.read_bytes()

    world.clock.time += 86_401
    world.service.tick()

    assert b"ana@example.com" not in content
    assert result(world, job, "format=json").json()["message"] == (
        f"Job {job['job_id']} has no result, or it is kept no longer"
    )
