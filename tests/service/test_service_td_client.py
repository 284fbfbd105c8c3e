"""The vendor's Python client, over real HTTP on loopback, gets from the service what it asks for."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import tdclient
from service_world import KEY, OpenWorld, World, listening
from tdclient import errors

from reconciler.errors import UsageError
from reconciler.service.app import create_app
from reconciler.service.serving import serve

SOURCE = {"in": {"type": "files", "sql": "SELECT 1 AS n", "secret_key": "s"}}


@pytest.fixture
def served(world: World) -> Iterator[World]:
    """The world, listening on loopback."""
    with listening(world):
        yield world


@pytest.fixture
def td(served: World) -> Iterator[tdclient.Client]:
    with tdclient.Client(apikey=KEY, endpoint=f"http://127.0.0.1:{served.port}/", retry_post_requests=False) as client:
        yield client


def test_databases_and_tables(td: tdclient.Client) -> None:
    assert td.server_status() == "ok"
    td.create_database("shop")
    with pytest.raises(errors.AlreadyExistsError):
        td.create_database("shop")
    td.create_log_table("shop", "orders")
    td.update_schema("shop", "orders", [["email", "string"], ["amount", "double", "total"]])
    td.update_expire("shop", "orders", 30)
    td.create_log_table("shop", "copies")
    td.swap_table("shop", "orders", "copies")

    assert sorted(database.name for database in td.databases()) == ["sales", "shop"]
    tables = {table.name: table for table in td.tables("shop")}
    assert tables["copies"].schema == [["email", "string"], ["amount", "double", "total"]]
    assert tables["orders"].expire_days == 30
    td.change_database("shop", "copies", "sales")
    assert td.delete_table("sales", "copies") == "log"
    td.delete_database("shop")
    with pytest.raises(errors.NotFoundError):
        td.delete_database("shop")


def test_saved_queries(td: tdclient.Client, served: World) -> None:
    fields = {"type": "presto", "database": "sales", "query": "SELECT 1", "cron": "0 3 * * *", "timezone": "UTC"}
    start = td.create_schedule("my query.1", {**fields, "delay": 0, "priority": 0, "retry_limit": 0, "result": ""})
    assert start == datetime(2025, 3, 2, 3, tzinfo=UTC)
    td.update_schedule("my query.1", {"cron": ""})

    [schedule] = td.schedules()
    assert (schedule.name, schedule.cron, schedule.query) == ("my query.1", None, "SELECT 1")
    [run] = td.run_schedule("my query.1", 1700000000, 1)
    assert run.scheduled_at == datetime.fromtimestamp(1700000000, UTC)
    served.service.wait(30)
    [past] = td.history("my query.1", 0, 5)
    assert (past.job_id, past.status()) == (run.job_id, "success")
    assert td.delete_schedule("my query.1") == (None, "SELECT 1")
    with pytest.raises(errors.NotFoundError):
        td.delete_schedule("my query.1")


@pytest.mark.parametrize("name", ["a/b", "...", "50%+", "日次送信"])
def test_a_saved_query_with_an_odd_name(td: tdclient.Client, name: str) -> None:
    td.create_schedule(name, {"type": "trino", "database": "sales", "query": "SELECT 1", "cron": ""})

    assert [schedule.name for schedule in td.schedules()] == [name]
    td.delete_schedule(name)
    assert td.schedules() == []


def test_results(td: tdclient.Client) -> None:
    td.create_result("my_conn", "mysql://etl:pw@db.example.com/shop")

    assert [(result.name, result.url) for result in td.results()] == [
        ("my_conn", "mysql://etl:***@db.example.com/shop")
    ]
    with pytest.raises(errors.AlreadyExistsError, match="Result must be unique"):
        td.create_result("my_conn", "mysql://db.example.com/shop")
    td.delete_result("my_conn")
    assert td.results() == []


@pytest.mark.parametrize("engine", ["presto", "trino", "hive"])
def test_queries(td: tdclient.Client, engine: str) -> None:
    job = td.query("sales", "SELECT 1 AS n, 'a' AS s", type=engine, priority="HIGH", retry_limit=1)
    job.wait(timeout=60, wait_interval=0.05)

    assert job.success()
    assert list(job.result()) == [[1, "a"]]
    assert td.api.job_result_format(job.job_id, "json", header=True) == [["n", "s"], [1, "a"]]
    assert list(td.api.job_result_format_each(job.job_id, "msgpack", store_tmpfile=True, num_threads=2)) == [[1, "a"]]
    assert job.result_schema == [["n", "integer"], ["s", "varchar"]]
    assert (job.priority, job.retry_limit, job.num_records) == ("HIGH", 1, 1)
    assert [listed.job_id for listed in td.jobs(0, 5, "success")] == [job.job_id]
    assert td.kill(job.job_id) == "success"
    assert td.job_status(job.job_id) == "success"


def test_a_query_that_fails_shows_why(td: tdclient.Client) -> None:
    job = td.query("sales", "SELECT nope", type="trino")
    job.wait(timeout=60, wait_interval=0.05)

    assert job.error()
    assert "nope" in td.job(job.job_id).debug["stderr"]


def test_a_download_is_the_whole_result(td: tdclient.Client, tmp_path: Path) -> None:
    job = td.query("sales", "SELECT n FROM UNNEST(sequence(1, 30000)) AS t (n)", type="trino")
    job.wait(timeout=60, wait_interval=0.05)

    assert list(td.api.job_result_format_each(job.job_id, "msgpack", store_tmpfile=True)) == [
        [n] for n in range(1, 30001)
    ]


def test_bulk_loads(td: tdclient.Client, served: World) -> None:
    td.create_log_table("sales", "people")
    created = td.api.connector_create(
        "c1", "sales", "people", {"config": SOURCE}, {"cron": "0 2 * * *", "timezone": "UTC", "delay": 0}
    )
    assert created["config"]["in"]["secret_key"] == "***"
    assert td.api.connector_show("c1") == created == td.api.connector_list()[0]
    assert td.api.connector_update("c1", {"cron": ""})["cron"] is None

    job_id = td.api.connector_run("c1", scheduled_time=1700000000)["job_id"]
    issued = td.api.connector_issue("sales", "people", {"config": SOURCE})
    served.service.wait(60)

    assert [record["job_id"] for record in td.api.connector_history("c1")] == [job_id]
    assert [td.job_status(one) for one in (job_id, issued)] == ["success", "success"]
    assert td.api.connector_delete("c1")["name"] == "c1"
    with pytest.raises(errors.NotFoundError):
        td.api.connector_show("c1")


def test_users(td: tdclient.Client) -> None:
    assert [(user.name, user.email) for user in td.users()] == [("Local User", "local@localhost")]


def test_a_wrong_key_is_an_auth_error(served: World) -> None:
    with (
        tdclient.Client(apikey="1/beef", endpoint=f"http://127.0.0.1:{served.port}/") as client,
        pytest.raises(errors.AuthError),
    ):
        client.databases()


@pytest.mark.parametrize("host", ["", "::", "192.0.2.1", "example.com"])
def test_nothing_is_served_to_other_machines(open_world: OpenWorld, host: str) -> None:
    with pytest.raises(UsageError, match="for this machine only"):
        serve(create_app(open_world().service), host=host)


SERVING = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from service_world import KEY, FakeClock, MinuteHourCron, RecordingExporter, SqlImporter, XorSealer
from reconciler.service.app import create_app
from reconciler.service.opening import open_service
from reconciler.service.serving import serve

service = open_service(Path(sys.argv[1]), exporter=RecordingExporter(), importer=SqlImporter(), sealer=XorSealer(),
                       clock=FakeClock(), api_keys=[KEY], cron=MinuteHourCron())
with service:
    serve(create_app(service), announce=lambda port: print(port, flush=True))
print("cleaned up", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_serving_with_everything_cleaned_up(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", SERVING, str(tmp_path / "service"), str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with tdclient.Client(apikey=KEY, endpoint=f"http://127.0.0.1:{port}/") as client:
            assert client.server_status() == "ok"
            with pytest.raises(UsageError, match=f"port {port} of 127.0.0.1 cannot be used"):
                serve(create_app, port)
        process.send_signal(number)
        rest = process.stdout.read()

    assert (rest, process.returncode) == ("cleaned up\n", 0)
    assert list((tmp_path / "service" / "leases").iterdir()) == []
