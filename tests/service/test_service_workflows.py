"""Workflow projects: pushed, run, scheduled, stopped, and read back, by requests in the vendor's shapes."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from service_world import NOW, TARGET, OpenWorld, World

from reconciler.service.workflows.attempts import NewAttempt
from reconciler.workflow.archive import pack

HOUR = 3600
Push = Callable[..., Any]


@pytest.fixture(scope="module")
def world(open_world_for_all: OpenWorld) -> World:
    made = open_world_for_all()
    made.post("/v3/database/create/sales")
    made.done("CREATE TABLE orders AS SELECT 'a@b.c' AS email, 3 AS n")
    return made


@pytest.fixture
def push(world: World) -> Iterator[Push]:
    """Pushes projects, which are gone after the test."""
    made: set[str] = set()

    def send(
        files: Mapping[str, str], project: str = "nightly", revision: str = "r1", status: int = 200, **query: str
    ) -> Any:
        packed = pack({path: text.encode() for path, text in files.items()})
        return send_archive(packed, project, revision, status, **query)

    def send_archive(archive: bytes, project: str, revision: str, status: int, **query: str) -> Any:
        answer = world.client.request(
            "PUT",
            "/api/projects",
            params={"project": project, "revision": revision, **query},
            content=archive,
            headers={"content-type": "application/gzip"},
        )
        assert answer.status_code == status, answer.text
        if status == 200:
            made.add(answer.json()["id"])
        return answer.json()

    send.archive = send_archive  # type: ignore[attr-defined]
    yield send
    for project in made:
        world.client.request("DELETE", f"/api/projects/{project}")


def run(
    world: World, project: Mapping[str, Any], session_time: str = "2025-03-01T00:00:00+00:00", **body: Any
) -> dict[str, Any]:
    """Start the project's one workflow, wait, and return the attempt."""
    [workflow] = world.get(f"/api/projects/{project['id']}/workflows")["workflows"]
    request = {"workflowId": workflow["id"], "sessionTime": session_time, "params": {}, **body}
    attempt = world.json("PUT", "/api/attempts", request)
    assert world.service.wait(60)
    told: dict[str, Any] = world.get(f"/api/attempts/{attempt['id']}")
    return told


def states(world: World, attempt: Mapping[str, Any]) -> dict[str, str]:
    return {task["fullName"]: task["state"] for task in world.get(f"/api/attempts/{attempt['id']}/tasks")["tasks"]}


def errors(world: World, attempt: Mapping[str, Any]) -> list[str]:
    tasks = world.get(f"/api/attempts/{attempt['id']}/tasks")["tasks"]
    return [task["error"]["message"] for task in tasks if task["error"] and not task["isGroup"]]


def log(world: World, attempt: Mapping[str, Any], task: str) -> str:
    files = world.get(f"/api/logs/{attempt['id']}/files")["files"]
    [name] = [file["fileName"] for file in files if file["taskName"] == task]
    return gzip.decompress(world.client.get(f"/api/logs/{attempt['id']}/files/{name}").content).decode()


def test_a_push_makes_a_project_with_its_workflows_and_is_told_as_the_vendor_tells_it(world: World, push: Push) -> None:
    files = {
        "main.dig": "timezone: Asia/Tokyo\n+a:\n  echo>: hello\n",
        "sql/a.sql": "SELECT 1",
        "sub/other.dig": "+x:\n  echo>: 1\n",
    }
    project = push(files)
    archive = pack({path: text.encode() for path, text in files.items()})

    md5 = base64.b64encode(hashlib.md5(archive, usedforsecurity=False).digest()).decode()
    stamps = {"createdAt": "2025-03-01T09:00:00Z", "updatedAt": "2025-03-01T09:00:00Z", "deletedAt": None}
    assert project == {
        "id": project["id"],
        "name": "nightly",
        "revision": "r1",
        "archiveType": "db",
        "archiveMd5": md5,
        **stamps,
    }
    assert world.get("/api/projects?name=nightly") == {"projects": [project]}
    assert world.client.get(f"/api/projects/{project['id']}/archive").content == archive
    [workflow] = world.get(f"/api/projects/{project['id']}/workflows")["workflows"]
    assert workflow == {
        "id": workflow["id"],
        "name": "main",
        "project": {"id": project["id"], "name": "nightly"},
        "revision": "r1",
        "timezone": "Asia/Tokyo",
        "config": {"+a": {"echo>": "hello"}},
    }
    assert world.get(f"/api/projects/{project['id']}/workflows/main") == workflow
    assert world.get(f"/api/workflows/{workflow['id']}") == workflow
    assert world.get("/api/projects/999", status=404) == {"message": "Project does not exist: 999", "status": 404}


def test_a_revision_is_pushed_once_and_the_newest_one_counts(world: World, push: Push) -> None:
    project = push({"main.dig": "+a:\n  echo>: one\n"})

    assert push({"main.dig": "+a:\n  echo>: two\n"}, status=409)["message"] == "Revision already exists: r1"
    push({"main.dig": "+a:\n  echo>: two\n"}, revision="r2")

    assert [one["revision"] for one in world.get(f"/api/projects/{project['id']}/revisions")["revisions"]] == [
        "r2",
        "r1",
    ]
    assert log(world, run(world, project), "+main+a").endswith(": two\n")


def test_tasks_run_in_order_with_variables_groups_and_what_earlier_ones_stored(world: World, push: Push) -> None:
    dig = """
timezone: Asia/Tokyo
_export:
  td: {database: sales, engine: trino}
  names: {table: copies}
+all:
  _export: {minimum: 2}
  +copy:
    td>: sql/copy.sql
    create_table: ${names.table}
  +count:
    td>:
    query: SELECT count(*) AS n FROM ${names.table}
+say:
  echo>: ${session_date} ${session_local_time} ${td.last_job.num_records} ${who}
"""
    project = push({"main.dig": dig, "sql/copy.sql": "SELECT * FROM orders WHERE n > ${minimum};\n"})

    attempt = run(world, project, "2025-02-28T15:00:00+00:00", params={"who": "me"})

    assert (attempt["status"], attempt["done"], attempt["success"]) == ("success", True, True)
    assert attempt["sessionTime"] == "2025-03-01T00:00:00+09:00"
    assert states(world, attempt) == dict.fromkeys(
        ["+main", "+main+all", "+main+all+copy", "+main+all+count", "+main+say"], "success"
    )
    assert log(world, attempt, "+main+say").endswith(": 2025-03-01 2025-03-01 00:00:00 1 me\n")
    assert world.rows("SELECT email, n FROM copies") == [["a@b.c", 3]]


def test_rows_go_to_a_connection_with_secrets_that_nobody_can_read(world: World, push: Push) -> None:
    world.json("POST", "/v4/connections", {"name": "pins", "type": "pinterest", "settings": {"client_id": "c"}})
    dig = """
+export:
  td>:
  query: SELECT email FROM orders
  database: sales
  result_connection: pins
  result_settings: {refresh_token: "${secret:pins.token}", audience_name: x}
"""
    project = push({"main.dig": dig})
    answer = world.client.request("PUT", f"/api/projects/{project['id']}/secrets/pins.token", json={"value": "s3cr3t!"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert world.get(f"/api/projects/{project['id']}/secrets") == {"secrets": [{"key": "pins.token"}]}

    attempt = run(world, project)

    assert attempt["success"], errors(world, attempt)
    request, rows = world.exporter.exported[-1]
    assert (request.settings["refresh_token"], rows) == ("s3cr3t!", [("a@b.c",)])
    told = [f"/api/attempts/{attempt['id']}/tasks", f"/api/projects/{project['id']}/workflows", "/v3/job/list"]
    assert not any("s3cr3t!" in world.client.get(path).text for path in told)
    assert b"s3cr3t!" not in (world.root / "service.sqlite").read_bytes()
    world.client.request("DELETE", f"/api/projects/{project['id']}/secrets/pins.token")
    assert "no such secret" in errors(world, run(world, project, "2025-03-02T00:00:00Z"))[0]


def test_a_saved_query_and_the_export_of_a_kept_result_are_run(world: World, push: Push) -> None:
    world.post(
        "/v3/schedule/create/to pins",
        {"type": "trino", "database": "sales", "query": "SELECT email FROM orders", "result": TARGET},
    )
    dig = """
+saved:
  td_run>: to pins
+kept:
  td>:
  query: SELECT n FROM orders
  database: sales
+export:
  td_result_export>:
  job_id: ${td.last_job_id}
  result_url: '{"type":"pinterest","audience_name":"y"}'
"""
    attempt = run(world, push({"main.dig": dig}))

    assert attempt["success"], errors(world, attempt)
    assert [rows for _, rows in world.exporter.exported[-2:]] == [[("a@b.c",)], [(3,)]]


def test_a_bulk_load_is_run_by_name_or_from_a_file(world: World, push: Push) -> None:
    for table in ("by_name", "by_file"):
        world.post(f"/v3/table/create/sales/{table}/log")
    config = {"in": {"type": "files", "sql": "SELECT 7 AS n"}}
    world.json(
        "POST",
        "/v3/bulk_loads",
        {"name": "load it", "database": "sales", "table": "by_name", "config": config, "cron": ""},
    )
    dig = """
+named:
  td_load>: load it
+file:
  td_load>: load.yml
  database: sales
  table: by_file
"""
    attempt = run(world, push({"main.dig": dig, "load.yml": "in: {type: files, sql: SELECT 8 AS n}\n"}))

    assert attempt["success"], errors(world, attempt)
    assert (world.rows("SELECT n FROM by_name"), world.rows("SELECT n FROM by_file")) == ([[7]], [[8]])


def test_a_failure_ends_the_attempt_after_retries_and_runs_what_is_for_errors(world: World, push: Push) -> None:
    dig = """
_error:
  +tell:
    echo>: "failed: ${error.message}"
+bad:
  _retry: 1
  fail>: not today
+never:
  echo>: never
"""
    attempt = run(world, push({"main.dig": dig}))

    assert (attempt["status"], attempt["success"]) == ("error", False)
    assert states(world, attempt) == {
        "+main": "group_error",
        "+main+bad": "error",
        "+main+never": "canceled",
        "+main^error": "success",
        "+main^error+tell": "success",
    }
    assert log(world, attempt, "+main+bad").count("not today") == 3
    assert "failed: +main+bad failed" in log(world, attempt, "+main^error+tell")


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("py>: scripts.run", "Unknown task type: py"),
        ("echo>: ${moment(session_time).format('YYYY')}", "no other expressions"),
        ("echo>: ${missing.name}", "there is no such variable"),
        ("echo>: ${secret:any}", "it may not stand here"),
        ("td>: ../../etc/passwd", "there is no file '../../etc/passwd' in the project"),
        ("td>:\n  query: SELECT 1\n  database: sales\n  preview: true", "does not know: preview"),
        ("td>:\n  query: SELECT 1", "`database` is missing"),
        ("td>:\n  query: SELECT nothing FROM nowhere\n  database: sales", "ended with error"),
        ("td_run>: no such query", "Couldn't find Schedule"),
    ],
)
def test_what_a_task_cannot_do_fails_it_with_the_reason(world: World, push: Push, task: str, message: str) -> None:
    attempt = run(world, push({"main.dig": f"+a:\n  {task}\n"}))

    assert attempt["status"] == "error"
    [reason] = errors(world, attempt)
    assert message in reason


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("+a:\n  echo>: 1\n+a:\n  echo>: 2\n", "main.dig:3:1: `+a` is there twice, first in line 1"),
        ("+a:\n  echo>: [1\n", "main.dig:3:1"),
        ("+a:\n  echo>: 1\n  td>: x.sql\n", "main.dig:3: a task does one thing"),
        ("+a:\n  echo>: 1\n  +b:\n    echo>: 2\n", "main.dig:2: a task with `echo>` has no tasks in it"),
        ("_export: {a: 1}\n", "the workflow has no task"),
        ("schedule:\n  daily>: soon\n+a:\n  echo>: 1\n", "main.dig:1: `daily>` has no time HH:MM:SS: 'soon'"),
        ("schedule:\n  yearly>: x\n+a:\n  echo>: 1\n", "`yearly>` is no schedule that this service knows"),
        ("timezone: Mars/Base\n+a:\n  echo>: 1\n", "main.dig:1: `timezone` is no name"),
        (
            "".join(
                f"{name}: &{name} [{','.join([inner] * 9)}]\n"
                for name, inner in zip("abcdef", ["1", "*a", "*b", "*c", "*d", "*e"], strict=True)
            )
            + "+a:\n  echo>: 1\n",
            "more than 50,000 values",
        ),
        ("_export:\n  !include : main.dig\n+a:\n  echo>: 1\n", "the file includes itself"),
        ("_export:\n  !include : ../secret\n+a:\n  echo>: 1\n", "path inside the project"),
        ("+a: !!python/object/apply:os.system [x]\n", "main.dig:1:5: the tag"),
    ],
)
def test_a_project_that_cannot_be_read_is_refused_with_the_place(push: Push, text: str, message: str) -> None:
    told = push({"main.dig": text}, status=400)

    assert told["status"] == 400
    assert message in told["message"]


def tar(*entries: tuple[str, str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, kind, content in entries:
            entry = tarfile.TarInfo(name)
            entry.size = len(content) if kind == "file" else 0
            entry.type = {
                "file": tarfile.REGTYPE,
                "link": tarfile.SYMTYPE,
                "hard": tarfile.LNKTYPE,
                "pipe": tarfile.FIFOTYPE,
            }[kind]
            entry.linkname = content.decode() if kind in {"link", "hard"} else ""
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


@pytest.mark.parametrize(
    ("archive", "message"),
    [
        pytest.param(tar(("../out.dig", "file", b"x")), "lies outside the project", id="above"),
        pytest.param(tar(("a/../../out", "file", b"x")), "lies outside the project", id="above-from-inside"),
        pytest.param(tar(("/etc/passwd", "file", b"x")), "lies outside the project", id="absolute"),
        pytest.param(tar(("C:\\x", "file", b"x")), "lies outside the project", id="with-a-drive"),
        pytest.param(tar(("main.dig", "link", b"/etc/passwd")), "is no plain file", id="link"),
        pytest.param(tar(("main.dig", "hard", b"other")), "is no plain file", id="hard-link"),
        pytest.param(tar(("main.dig", "pipe", b"")), "is no plain file", id="pipe"),
        pytest.param(tar(("a", "file", b"1"), ("./a", "file", b"2")), "is there twice", id="twice"),
        pytest.param(gzip.compress(b"\0" * 60_000_000), "the archive holds no file", id="empty"),
        pytest.param(tar(("big", "file", b"\0" * 51 * 1024 * 1024)), "the project has more than", id="too-large"),
        pytest.param(b"no archive", "is no .tar.gz, or is damaged", id="no-archive"),
        pytest.param(tar(("main.dig", "file", b"+a:\n  echo>: 1\n"))[:60], "is no .tar.gz, or is damaged", id="cut"),
    ],
)
def test_an_archive_that_is_not_what_it_should_be_is_refused_whole(
    world: World, push: Push, archive: bytes, message: str
) -> None:
    told = push.archive(archive, "attack", "r1", 400)  # type: ignore[attr-defined]

    assert message in told["message"]
    assert world.get("/api/projects?name=attack") == {"projects": []}


def test_a_body_larger_than_any_archive_is_not_read_to_its_end(push: Push) -> None:
    told = push.archive(b"\0" * (10 * 1024 * 1024 + 1), "attack", "r1", 413)  # type: ignore[attr-defined]

    assert "the archive has more than" in told["message"]


def test_a_session_has_one_attempt_of_a_name_and_a_retry_goes_on_after_what_succeeded(world: World, push: Push) -> None:
    dig = "+first:\n  echo>: once\n+second:\n  fail>: ${why}\n"
    project = push({"main.dig": dig})
    first = run(world, project, params={"why": "not yet"})
    [workflow] = world.get(f"/api/projects/{project['id']}/workflows")["workflows"]

    body = {"workflowId": workflow["id"], "sessionTime": first["sessionTime"], "params": {}}
    again = world.json("PUT", "/api/attempts", body, status=409)
    assert again["id"] == first["id"]

    push({"main.dig": dig.replace("fail>", "echo>")}, revision="r2")
    second = run(
        world,
        project,
        params={"why": "now"},
        retryAttemptName="fix",
        resume={"mode": "failed", "attemptId": first["id"]},
    )

    assert (second["sessionId"], second["index"], second["success"]) == (first["sessionId"], 2, True)
    logged = [file["taskName"] for file in world.get(f"/api/logs/{second['id']}/files")["files"]]
    assert logged == ["+main+second"]
    assert [one["id"] for one in world.get(f"/api/attempts/{first['id']}/retries")["attempts"]] == [
        second["id"],
        first["id"],
    ]
    assert world.get(f"/api/sessions/{first['sessionId']}")["lastAttempt"]["id"] == second["id"]


def test_a_running_attempt_is_killed_with_the_job_that_it_waits_for(world: World, push: Push) -> None:
    world.exporter.wait_for_cancel = True
    world.exporter.started.clear()
    dig = f"""
+a:
  td>:
  query: SELECT email FROM orders
  database: sales
  result_url: '{TARGET}'
+b:
  echo>: 1
"""
    project = push({"main.dig": dig})
    [workflow] = world.get(f"/api/projects/{project['id']}/workflows")["workflows"]
    body = {"workflowId": workflow["id"], "sessionTime": "2025-03-01T00:00:00Z", "params": {}}
    attempt = world.json("PUT", "/api/attempts", body)
    assert world.exporter.started.wait(30)

    try:
        assert world.client.post(f"/api/attempts/{attempt['id']}/kill").status_code == 204
        assert world.service.wait(60)
    finally:
        world.exporter.wait_for_cancel = False

    told = world.get(f"/api/attempts/{attempt['id']}")
    assert (told["status"], told["cancelRequested"], told["success"]) == ("killed", True, False)
    assert states(world, told)["+main+b"] == "canceled"
    assert world.get("/v3/job/list")["jobs"][0]["status"] == "killed"


def test_a_schedule_starts_each_session_once_and_the_latest_of_those_missed(world: World, push: Push) -> None:
    project = push({"main.dig": "schedule:\n  hourly>: 30:00\n+a:\n  echo>: ${session_time} ${next_session_time}\n"})
    [schedule] = world.get(f"/api/projects/{project['id']}/schedules")["schedules"]
    assert (schedule["nextScheduleTime"], schedule["nextRunTime"]) == (
        "2025-03-01T09:00:00+00:00",
        "2025-03-01T09:30:00Z",
    )

    started = [world.service.tick(NOW + seconds) for seconds in (0, HOUR / 2 - 1, HOUR / 2, HOUR / 2, 5 * HOUR)]
    assert world.service.wait(30)

    assert started == [0, 0, 1, 0, 1]
    sessions = world.get(f"/api/projects/{project['id']}/sessions")["sessions"]
    assert [one["sessionTime"] for one in sessions] == ["2025-03-01T13:00:00+00:00", "2025-03-01T09:00:00+00:00"]
    assert "2025-03-01T13:00:00+00:00 2025-03-01T14:00:00+00:00" in log(world, sessions[0]["lastAttempt"], "+main+a")


def test_a_schedule_is_disabled_skipped_enabled_and_backfilled(world: World, push: Push) -> None:
    dig = "schedule:\n  daily>: 07:00:00\n+a:\n  echo>: 1\n"
    project = push({"main.dig": dig})
    [schedule] = world.get(f"/api/projects/{project['id']}/schedules")["schedules"]
    address = f"/api/schedules/{schedule['id']}"

    assert world.json("POST", f"{address}/disable")["disabledAt"] == "2025-03-01T09:00:00Z"
    assert world.service.tick(NOW + 40 * HOUR) == 0
    push({"main.dig": dig.replace("1", "2")}, revision="r2")
    assert world.get(address)["disabledAt"] == "2025-03-01T09:00:00Z"
    assert world.json("POST", f"{address}/enable")["disabledAt"] is None
    skipped = world.json("POST", f"{address}/skip", {"nextRunTime": "2025-03-05T00:00:00Z", "dryRun": True})
    assert (skipped["nextRunTime"], world.get(address)["nextRunTime"]) == (
        "2025-03-05T07:00:00Z",
        "2025-03-02T07:00:00Z",
    )
    assert world.json("POST", f"{address}/skip", {"count": 1})["nextRunTime"] == "2025-03-03T07:00:00Z"

    body = {"fromTime": "2025-02-27T00:00:00Z", "attemptName": "again", "dryRun": False}
    attempts = world.json("POST", f"{address}/backfill", body)["attempts"]
    assert world.service.wait(30)
    assert [one["sessionTime"][:10] for one in attempts] == ["2025-02-27", "2025-02-28", "2025-03-01"]
    world.json("POST", f"{address}/backfill", body, status=409)


def test_attempts_of_a_process_that_is_gone_have_failed(open_world: OpenWorld, tmp_path: Path) -> None:
    first = open_world(root=tmp_path / "shared")
    archive = pack({"main.dig": b"+a:\n  echo>: 1\n"})
    first.client.request(
        "PUT", "/api/projects?project=p&revision=r", content=archive, headers={"content-type": "application/gzip"}
    )
    [workflow] = first.get("/api/workflows")["workflows"]
    # As a process leaves it that was killed between making the attempt and running it.
    attempts = first.service.workflows.attempts
    row = dict(first.service.workflows.projects.workflow(workflow["id"]))
    attempt = attempts.start(NewAttempt(row, 0))
    first.service.leases.release()

    second = open_world(root=tmp_path / "shared")

    told = second.get(f"/api/attempts/{attempt}")
    assert (told["status"], told["done"]) == ("error", True)
