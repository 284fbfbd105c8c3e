"""Jobs: what they tell, the rows they give, exports, killing, and what is left when a process dies."""

from __future__ import annotations

import csv
import gc
import gzip
import io
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import msgpack
import orjson
import pytest
from service_world import OpenWorld, World

from reconciler.errors import StateError
from reconciler.service.storage import Storage

ROWS = "SELECT * FROM (VALUES (1, 'a', 1.5e0), (2, 'b\tc,d', NULL), (3, NULL, nan())) AS t (n, s, d) ORDER BY n"
TARGET = '{"type":"pinterest","refresh_token":"r-secret","audience_name":"x"}'


def result(world: World, job: dict[str, Any], query: str, **options: Any) -> Any:
    return world.client.get(f"/v3/job/result/{job['job_id']}?{query}", **options)


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


def test_a_job_is_shown_as_the_vendor_shows_it(world: World) -> None:
    job = world.run("SELECT 1 AS one", priority="1", retry_limit="2")

    assert job == {
        "job_id": job["job_id"],
        "type": "trino",
        "database": "sales",
        "status": "success",
        "query": "SELECT 1 AS one",
        "priority": 1,
        "retry_limit": 2,
        "result": "",
        "result_size": job["result_size"],
        "num_records": 1,
        "duration": 0,
        "cpu_time": None,
        "user_name": "Local User",
        "hive_result_schema": '[["one","integer"]]',
        "url": "",
        "organization": None,
        "linked_result_export_job_id": None,
        "result_export_target_job_id": None,
        "created_at": "2025-03-01 09:00:00 UTC",
        "start_at": "2025-03-01 09:00:00 UTC",
        "end_at": "2025-03-01 09:00:00 UTC",
        "updated_at": "2025-03-01 09:00:00 UTC",
        "tdr_progress": {"done": 0, "total": 0},
        "debug": {
            "cmdout": "2025-03-01 09:00:00 UTC: started, TD_SCHEDULED_TIME() is 1740819600\n"
            "2025-03-01 09:00:00 UTC: finished, 1 rows\n",
            "stderr": None,
        },
    }


def test_jobs_are_listed_newest_first_by_position_and_status(world: World) -> None:
    jobs = [world.run(sql)["job_id"] for sql in ("SELECT 1", "SELECT nope", "SELECT 3")]

    assert [job["job_id"] for job in world.get("/v3/job/list")["jobs"]] == jobs[::-1]
    assert [job["job_id"] for job in world.get("/v3/job/list?from=1&to=1")["jobs"]] == [jobs[1]]
    assert [job["job_id"] for job in world.get("/v3/job/list?status=error")["jobs"]] == [jobs[1]]
    assert world.get("/v3/job/list?from=x", status=400)["message"] == "'from' must be a number, got 'x'"


@pytest.mark.parametrize(
    ("path", "fields", "status", "message"),
    [
        ("trino/nope", {"query": "SELECT 1"}, 404, "Couldn't find UserDatabase with name = nope"),
        ("trino/sales", {}, 422, "'query' parameter is required"),
        ("trino/sales", {"query": " "}, 422, "'query' parameter is required"),
        ("pig/sales", {"query": "x"}, 422, None),
        ("bulkload/sales", {"table": "nope", "config": "{}"}, 404, "Couldn't find UserTable with name = nope"),
        ("trino/sales", {"query": "SELECT 1", "result_connection_id": "99"}, 404, None),
    ],
)
def test_a_job_that_cannot_be_is_refused_at_once(
    world: World, path: str, fields: dict[str, str], status: int, message: str | None
) -> None:
    answer = world.post(f"/v3/job/issue/{path}", fields, status=status)

    assert message is None or answer["message"] == message
    assert world.get("/v3/job/list")["jobs"] == []


def test_a_domain_key_issues_one_job(world: World) -> None:
    fields = {"query": "SELECT 1", "domain_key": "plan-7"}
    first = world.post("/v3/job/issue/trino/sales", fields)["job_id"]

    again = world.post("/v3/job/issue/trino/sales", fields, status=409)

    assert again["details"] == {"conflicts_with": first}
    assert again["message"] == "Domain key 'plan-7' has already been used"
    assert len(world.get("/v3/job/list")["jobs"]) == 1


def test_an_export_is_a_job_of_its_own_that_points_back(world: World) -> None:
    query = world.run("SELECT 'ana@example.com' AS email", result=TARGET)
    export = world.get(f"/v3/job/show/{query['linked_result_export_job_id']}")

    assert (query["status"], query["num_records"], query["result_size"]) == ("success", 1, None)
    assert query["result"] == '{"type":"pinterest","refresh_token":"***","audience_name":"x"}'
    assert (export["type"], export["status"], export["num_records"]) == ("export", "success", 1)
    assert export["result_export_target_job_id"] == query["job_id"]
    assert export["tdr_progress"] == query["tdr_progress"] == {"done": 1, "total": 1}
    assert export["debug"]["cmdout"].splitlines() == [
        "2025-03-01 09:00:00 UTC: exporting 1 rows to pinterest",
        "2025-03-01 09:00:00 UTC: uploaded",
        "2025-03-01 09:00:00 UTC: exported: 1 rows, 1 sent, 0 removed, 0 duplicates, rejected: none, 1 requests, audience 77",
        "2025-03-01 09:00:00 UTC: finished",
    ]
    [(checked, columns)] = world.exporter.checked
    [(request, rows)] = world.exporter.exported
    assert (checked, columns) == (request, {"email": "VARCHAR"})
    assert request.settings == {"refresh_token": "r-secret", "audience_name": "x"}
    assert (request.type, request.job_id, rows) == ("pinterest", query["job_id"], [("ana@example.com",)])


def test_rows_that_were_exported_are_not_kept(world: World) -> None:
    query = world.run("SELECT 'ana@example.com' AS email", result=TARGET)

    answer = result(world, query, "format=json")

    assert (answer.status_code, answer.json()["message"]) == (
        404,
        f"The result of job {query['job_id']} was exported and is not kept",
    )
    for path in world.root.rglob("*"):
        assert (
            not path.is_file()
            or path.suffix == ".duckdb"
            or b"ana@example.com" not in path.read_bytes()
            or (
                path.name.startswith("service.sqlite")  # the SQL that the user wrote is kept, and holds a literal here
            )
        )


def test_a_refused_export_fails_the_query_before_it_runs(world: World) -> None:
    world.exporter.refusal = "column `mail` is none of email, maid, idfa"

    query = world.run("SELECT 'x' AS mail", result=TARGET)

    assert (query["status"], query["linked_result_export_job_id"]) == ("error", None)
    assert query["debug"]["stderr"] == "column `mail` is none of email, maid, idfa; write another"
    assert world.exporter.exported == []


def test_a_failed_export_fails_its_own_job_only(world: World) -> None:
    world.exporter.failure = "Pinterest answered 500 for ana@example.com"

    query = world.run("SELECT 'x' AS email", result=TARGET)
    export = world.get(f"/v3/job/show/{query['linked_result_export_job_id']}")

    assert (query["status"], export["status"]) == ("success", "error")
    assert export["debug"]["stderr"] == "Pinterest answered 500 for ***"
    assert export["tdr_progress"] == {"done": 0, "total": 1}
    assert [job["job_id"] for job in world.get("/v3/job/list?status=error")["jobs"]] == [export["job_id"]]


def test_only_rows_of_a_select_are_exported(world: World) -> None:
    job = world.run("CREATE TABLE one AS SELECT 1 AS n", result=TARGET)

    assert job["debug"]["stderr"] == "only the rows of a SELECT can be exported"


def test_a_kept_result_is_exported_afterwards(world: World) -> None:
    query = world.run("SELECT 'a@b.c' AS email, 1 AS n, ARRAY['x'] AS tags")

    job_id = world.post(f"/v3/job/result_export/{query['job_id']}", {"result": TARGET})["job_id"]
    world.service.wait(30)

    export = world.get(f"/v3/job/show/{job_id}")
    assert (export["status"], export["result_export_target_job_id"]) == ("success", query["job_id"])
    assert world.exporter.exported[0][1] == [("a@b.c", 1, '["x"]')]
    assert world.get(f"/v3/job/show/{query['job_id']}")["linked_result_export_job_id"] == job_id
    world.post(f"/v3/job/result_export/{query['job_id']}", {}, status=422)


@pytest.mark.parametrize(("mode", "expected"), [("append", [[1], [2]]), ("replace", [[2]])])
def test_rows_are_exported_into_a_table_of_the_account(world: World, mode: str, expected: list[list[int]]) -> None:
    world.run("CREATE TABLE target AS SELECT 1 AS n")

    query = world.run("SELECT 2 AS n", result=f"td://@/sales/target?mode={mode}")

    assert world.get(f"/v3/job/show/{query['linked_result_export_job_id']}")["status"] == "success"
    assert world.rows("SELECT n FROM target ORDER BY n") == expected


def test_killing_an_export_reaches_the_exporter(world: World) -> None:
    world.exporter.wait_for_cancel = True
    query_id = world.post("/v3/job/issue/trino/sales", {"query": "SELECT 1 AS email", "result": TARGET})["job_id"]
    assert world.exporter.started.wait(30)
    export_id = world.get(f"/v3/job/show/{query_id}")["linked_result_export_job_id"]

    answer = world.post(f"/v3/job/kill/{export_id}")

    assert answer == {"job_id": export_id, "former_status": "running"}
    assert world.service.wait(30)
    assert world.get(f"/v3/job/status/{export_id}")["status"] == "killed"
    assert world.get(f"/v3/job/status/{query_id}")["status"] == "success"


def test_killing_a_query_interrupts_it(world: World) -> None:
    numbers = "UNNEST(sequence(1, 100000))"
    endless = f"SELECT count(*) FROM {numbers} a (n) CROSS JOIN {numbers} b (m) WHERE n * m % 7 = 3"
    job_id = world.post("/v3/job/issue/trino/sales", {"query": endless})["job_id"]
    wait_for(world, job_id, "running")

    world.post(f"/v3/job/kill/{job_id}")

    assert world.service.wait(60)
    assert world.get(f"/v3/job/status/{job_id}")["status"] == "killed"
    assert world.post(f"/v3/job/kill/{job_id}")["former_status"] == "killed"


def test_a_kill_from_another_process_reaches_the_job(world: World, open_world: OpenWorld) -> None:
    world.exporter.wait_for_cancel = True
    query_id = world.post("/v3/job/issue/trino/sales", {"query": "SELECT 1 AS email", "result": TARGET})["job_id"]
    assert world.exporter.started.wait(30)
    export_id = world.get(f"/v3/job/show/{query_id}")["linked_result_export_job_id"]
    other = open_world(root=world.root)

    other.post(f"/v3/job/kill/{export_id}")

    assert world.service.wait(30)
    assert other.get(f"/v3/job/status/{export_id}")["status"] == "killed"


def test_a_running_job_of_a_living_process_is_left_alone(world: World, open_world: OpenWorld) -> None:
    world.exporter.wait_for_cancel = True
    query_id = world.post("/v3/job/issue/trino/sales", {"query": "SELECT 1 AS email", "result": TARGET})["job_id"]
    assert world.exporter.started.wait(30)

    other = open_world(root=world.root)

    export_id = other.get(f"/v3/job/show/{query_id}")["linked_result_export_job_id"]
    assert other.get(f"/v3/job/status/{export_id}")["status"] == "running"


DYING = """
import sys, threading
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from service_world import KEY, FakeClock, MinuteHourCron, RecordingExporter, SqlImporter, XorSealer
from reconciler.service.jobs import NewJob
from reconciler.service.opening import open_service

exporter = RecordingExporter(wait_for_cancel=True)
service = open_service(Path(sys.argv[1]), exporter=exporter, importer=SqlImporter(), sealer=XorSealer(),
                       clock=FakeClock(), api_keys=[KEY], cron=MinuteHourCron())
service.catalog.create_database("sales")
target = service.sealer.seal(b'{"result": "{\\\\"type\\\\":\\\\"x\\\\"}"}')
job = service.issue(NewJob(type="trino", database="sales", query="SELECT 1 AS email", target=target))
exporter.started.wait(30)
print(job, flush=True)
threading.Event().wait()
"""


def test_jobs_of_a_killed_process_are_errors_not_successes(tmp_path: Path, open_world: OpenWorld) -> None:
    root = tmp_path / "service"
    command = [sys.executable, "-c", DYING, str(root), str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        query_id = process.stdout.readline().strip()
        process.kill()
    assert query_id

    world = open_world(root=root)

    query = world.get(f"/v3/job/show/{query_id}")
    export = world.get(f"/v3/job/show/{query['linked_result_export_job_id']}")
    assert query["status"] == "success"
    assert (export["status"], export["debug"]["stderr"]) == ("error", "the process ended while it ran")
    assert world.rows("SELECT 1") == [[1]]


def test_data_held_by_another_process_is_an_error_that_names_it(tmp_path: Path, open_world: OpenWorld) -> None:
    world = open_world(patience_s=0.3)
    world.post("/v3/database/create/sales")
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", hold, str(world.root / "data.duckdb")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        job = world.run("SELECT 1")
        message = f"the data of the embedded service is in use by process {process.pid}"
        process.kill()

    assert job["debug"]["stderr"].startswith(message)
    assert world.rows("SELECT 1") == [[1]]


def test_the_data_file_is_free_between_jobs(world: World) -> None:
    world.run("CREATE TABLE one AS SELECT 1 AS n")
    other = "import duckdb, sys; print(duckdb.connect(sys.argv[1]).execute('select count(*) from duckdb_tables()').fetchall())"
    command = [sys.executable, "-c", other, str(world.root / "data.duckdb")]

    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[(1,)]\n"


def test_spilled_rows_lie_outside_the_project_and_are_removed(tmp_path: Path, open_world: OpenWorld) -> None:
    spill = tmp_path / "spill"
    spill.mkdir()
    world = open_world(memory_limit="60MB", spill_root=spill)
    world.post("/v3/database/create/sales")
    seen: list[str] = []
    export = world.exporter.export

    def look(*arguments: Any) -> Any:
        seen.extend(path.name for path in spill.iterdir())
        return export(*arguments)

    world.exporter.export = look  # type: ignore[method-assign]
    job = world.run(
        "SELECT n, repeat('x', 40) || CAST(n AS varchar) AS s FROM UNNEST(sequence(1, 600000)) t (n)", result=TARGET
    )

    assert job["num_records"] == 600_000
    assert seen != []
    assert list(spill.iterdir()) == []


def test_closing_waits_for_the_job_at_hand(world: World) -> None:
    job_id = world.post("/v3/job/issue/trino/sales", {"query": "SELECT 1 AS email", "result": TARGET})["job_id"]

    world.service.close()

    assert [rows for _, rows in world.exporter.exported] == [[(1,)]]
    assert job_id


def test_a_plain_look_at_the_control_plane_loads_no_engine() -> None:
    code = (
        "import sys, reconciler.service.app, reconciler.service.opening, reconciler.service.serving;"
        "print([m for m in ('duckdb','pyarrow','sqlglot','uvicorn','structlog','httpx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def wait_for(world: World, job_id: str, status: str) -> None:
    give_up_at = time.monotonic() + 30
    while world.get(f"/v3/job/status/{job_id}")["status"] != status:
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def test_details_of_an_error_are_json(world: World) -> None:
    answer = world.client.get("/v3/job/show/1")

    assert orjson.loads(answer.content) == {
        "error": "Couldn't find Job with account_id = 1, id = 1",
        "message": "Couldn't find Job with account_id = 1, id = 1",
        "text": "Couldn't find Job with account_id = 1, id = 1",
        "severity": "error",
        "status_code": 404,
    }


def test_a_bug_of_ours_is_an_answer_that_says_so(world: World) -> None:
    world.service.storage.run("DROP TABLE tables")

    answer = world.client.get("/v3/database/list")

    assert (answer.status_code, answer.json()["message"]) == (
        500,
        "this is a bug of the embedded service: OperationalError; see the log",
    )


def test_many_processes_may_open_one_new_folder_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from reconciler.service.storage import Storage;"
        "s = Storage(Path(sys.argv[1]), 0); s.run('INSERT INTO databases VALUES (NULL, ?, 0, 0)', sys.argv[2]);"
        "print(len(s.all('SELECT * FROM version')))"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "s.sqlite"), f"db{number}"], stdout=subprocess.PIPE, text=True
        )
        for number in range(4)
    ]

    assert [process.communicate()[0] for process in started] == ["1\n"] * 4


def test_metadata_of_a_newer_version_is_refused(tmp_path: Path, open_world: OpenWorld) -> None:
    world = open_world()
    world.service.storage.run("UPDATE version SET version = 99")

    with pytest.raises(StateError, match="was written by a newer version of tdr"):
        open_world(root=world.root)


def test_metadata_that_is_none_is_refused(tmp_path: Path, open_world: OpenWorld) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "service.sqlite").write_bytes(b"not a database" * 100)

    with pytest.raises(StateError, match=r"service\.sqlite is damaged"):
        open_world(root=tmp_path / "broken")


def test_connections_of_threads_that_ended_are_closed(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "s.sqlite", 0)
    for _ in range(20):
        thread = threading.Thread(target=storage.all, args=("SELECT 1",))
        thread.start()
        thread.join()
    gc.collect()

    assert len(storage._opened) == 1
    storage.close()
