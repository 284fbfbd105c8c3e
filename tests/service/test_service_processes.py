"""Several processes on one folder: what they share, what they hold, and what is left when one dies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from service_world import TARGET, OpenWorld, World


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
