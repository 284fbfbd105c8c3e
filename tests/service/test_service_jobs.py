"""Jobs: how they are issued, what they tell, and how they end."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from service_world import TARGET, OpenWorld, World


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


def test_killing_a_query_interrupts_it(world: World) -> None:
    numbers = "UNNEST(sequence(1, 100000))"
    endless = f"SELECT count(*) FROM {numbers} a (n) CROSS JOIN {numbers} b (m) WHERE n * m % 7 = 3"
    job_id = world.post("/v3/job/issue/trino/sales", {"query": endless})["job_id"]
    wait_for(world, job_id, "running")

    world.post(f"/v3/job/kill/{job_id}")

    assert world.service.wait(60)
    assert world.get(f"/v3/job/status/{job_id}")["status"] == "killed"
    assert world.post(f"/v3/job/kill/{job_id}")["former_status"] == "killed"


def test_spilled_rows_lie_outside_the_project_and_are_removed(tmp_path: Path, open_world: OpenWorld) -> None:
    spill = tmp_path / "spill"
    spill.mkdir()
    world = open_world(memory_mb=60, spill_root=spill)
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
