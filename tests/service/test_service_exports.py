"""Exports of queries: jobs of their own, with the rows, settings and failures of their own."""

from __future__ import annotations

import pytest
from service_world import TARGET, World, result


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
    query = world.run("SELECT 'ana' || '@example.com' AS email", result=TARGET)

    answer = result(world, query, "format=json")

    assert (answer.status_code, answer.json()["message"]) == (
        404,
        f"The result of job {query['job_id']} was exported and is not kept",
    )
    assert world.exporter.exported[0][1] == [("ana@example.com",)]
    assert list((world.root / "results").iterdir()) == []
    files = [path for path in world.root.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if b"ana@example.com" in path.read_bytes()] == []


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


@pytest.mark.parametrize("ending", [SystemExit(-1), MemoryError("no room"), RecursionError("too deep")], ids=repr)
def test_whatever_ends_an_export_no_job_is_left_running(world: World, ending: BaseException) -> None:
    world.exporter.ending = ending

    query = world.run("SELECT 'x' AS email", result=TARGET)

    export = world.get(f"/v3/job/show/{query['linked_result_export_job_id']}")
    assert export["status"] == "error"
    assert type(ending).__name__ in export["debug"]["stderr"]
    world.exporter.ending = None
    assert query["status"] != "running"
    assert world.run("SELECT 'x' AS email", result=TARGET)["status"] == "success"


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


@pytest.mark.parametrize("damage", ["empty", "within a header", "between chunks", "within a chunk"])
def test_kept_rows_that_are_not_all_there_are_not_exported(world: World, damage: str) -> None:
    query = world.run("SELECT n AS maid FROM UNNEST(sequence(1, 12000)) AS t (n)")
    (kept,) = (world.root / "results").iterdir()
    whole = kept.read_bytes()
    first_chunk = 8 + int.from_bytes(whole[:8], "big")
    assert 8 < first_chunk < len(whole)
    left = {"empty": 0, "within a header": 5, "between chunks": first_chunk, "within a chunk": len(whole) - 1}
    kept.write_bytes(whole[: left[damage]])

    job_id = world.post(f"/v3/job/result_export/{query['job_id']}", {"result": TARGET})["job_id"]
    world.service.wait(30)

    export = world.get(f"/v3/job/show/{job_id}")
    told = f"the kept rows of job {query['job_id']} are not all there; run its query again"
    assert (export["status"], export["debug"]["stderr"]) == ("error", told)
    assert world.exporter.exported == []


@pytest.mark.parametrize(("mode", "expected"), [("append", [[1], [2]]), ("replace", [[2]])])
def test_rows_are_exported_into_a_table_of_the_account(world: World, mode: str, expected: list[list[int]]) -> None:
    world.run("CREATE TABLE target AS SELECT 1 AS n")

    query = world.run("SELECT 2 AS n", result=f"td://@/sales/target?mode={mode}")

    assert world.get(f"/v3/job/show/{query['linked_result_export_job_id']}")["status"] == "success"
    assert world.rows("SELECT n FROM target ORDER BY n") == expected


EXACT = "12345678901234567890.0123456789"


@pytest.mark.parametrize("mode", ["append", "replace"])
@pytest.mark.parametrize("before", ["", "SELECT 1.5E0 AS n", "SELECT 7 AS n"])
def test_digits_of_a_result_that_no_double_keeps_are_kept_in_the_table(world: World, before: str, mode: str) -> None:
    if before:
        world.run(before, result="td://@/sales/amounts")

    query = world.run(f"SELECT CAST('{EXACT}' AS DECIMAL(38, 10)) AS n", result=f"td://@/sales/amounts?mode={mode}")

    export = world.get(f"/v3/job/show/{query['linked_result_export_job_id']}")
    assert export["status"] == "success", export["debug"]
    stored = [row[0] for row in world.rows("SELECT n FROM amounts")]
    assert EXACT in stored
    assert len(stored) == (2 if before and mode == "append" else 1)


def test_a_declared_column_refuses_what_it_would_round(world: World) -> None:
    world.post("/v3/table/create/sales/declared/log")
    world.post("/v3/table/update-schema/sales/declared", {"schema": '[["n", "double"]]'})

    query = world.run(f"SELECT CAST('{EXACT}' AS DECIMAL(38, 10)) AS n", result="td://@/sales/declared")

    export = world.get(f"/v3/job/show/{query['linked_result_export_job_id']}")
    assert export["status"] == "error"
    assert "row 1" in export["debug"]["stderr"]
    assert "1234567890" not in export["debug"]["stderr"]
    assert world.rows("SELECT count(*) FROM declared") == [[0]]


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
