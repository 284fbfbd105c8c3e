"""Each of our requests against what the vendor's own client sends for the same operation, both answered by the service."""

from __future__ import annotations

import inspect
import io
import json
import tarfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from email.message import Message
from email.parser import BytesParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
import tdworkflow
from service_world import KEY, OpenWorld, World, listening
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as Event
from tdclient.api import API
from vendor_methods import told_on_the_page

from reconciler.apis.treasure_data import TreasureData
from reconciler.apis.treasure_data_connect import connect, connect_workflows
from reconciler.apis.treasure_data_endpoint import Endpoint
from reconciler.apis.treasure_data_workflows import Workflows
from reconciler.model.secret import Secret
from reconciler.providers.treasure_data.workflow_files import packed
from reconciler.service.app import create_app


@dataclass(frozen=True)
class Asked:
    """A request by its meaning: names decoded, the body by what it holds.

    encoding: ``fields``, ``json``, ``files`` or "". Forms are ours and td-client-ruby's, multipart is td-client-python's;
    the vendor takes either for fields.
    """

    method: str
    segments: tuple[str, ...]
    params: dict[str, str]
    encoding: str
    body: dict[str, object]
    authorization: str


@dataclass
class Recorder:
    """Passes requests on to *app* and keeps them with the status of their answers."""

    app: ASGIApp
    asked: list[Asked] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        content, more = b"", True
        while more:
            event = await receive()
            content += event.get("body", b"")
            more = event.get("more_body", False)
        headers = Message()
        for name, value in scope["headers"]:
            headers[name.decode()] = value.decode()
        encoding, body = read_body(headers, content)
        self.asked.append(
            Asked(
                scope["method"],
                tuple(unquote(segment) for segment in scope["raw_path"].decode().partition("?")[0].split("/")[1:]),
                dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True)),
                encoding,
                body,
                headers["authorization"],
            )
        )

        told = iter([{"type": "http.request", "body": content, "more_body": False}])

        async def again() -> Event:
            return next(told, None) or await receive()

        async def keep(event: Event) -> None:
            if event["type"] == "http.response.start":
                self.statuses.append(event["status"])
            await send(event)

        await self.app(scope, again, keep)


def read_body(headers: Message, content: bytes) -> tuple[str, dict[str, object]]:
    if not content:
        return "", {}
    match headers.get_content_type():
        case "application/json":
            return "json", json.loads(content)
        case "application/x-www-form-urlencoded":
            return "fields", dict(parse_qsl(content.decode(), keep_blank_values=True))
        case "application/gzip":
            with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
                files = [member for member in archive if member.isfile()]
                return "files", {one.name: archive.extractfile(one).read() for one in files}  # type: ignore[union-attr]
        case "multipart/form-data":
            parts = BytesParser().parsebytes(f"Content-Type: {headers['content-type']}\r\n\r\n".encode() + content)
            return "fields", {
                str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True).decode()
                for part in parts.get_payload()
            }
        case other:
            raise AssertionError(other)


@dataclass
class Side:
    """Two clients of one account, ours or theirs; *known* are ids that answers told."""

    api: Any
    workflows: Any
    folder: Path
    known: dict[str, Any] = field(default_factory=dict)

    def know(self, name: str, value: object) -> None:
        self.known[name] = value


NAME = "my query/1.日次"
QUERY = {
    "type": "presto",
    "database": "my_db",
    "query": "SELECT '日次'\r\nAS word",
    "cron": "0 3 * * *",
    "timezone": "Asia/Tokyo",
    "delay": 60,
    "priority": -1,
    "retry_limit": 2,
    "result": '{"type":"pinterest","audience_name":"x & y"}',
}
CONFIG = {"in": {"type": "files", "sql": "SELECT 1 AS a"}, "out": {"mode": "append"}, "exec": {}, "filters": []}
SESSION = {"cron": "@hourly", "timezone": "UTC", "delay": 0, "time_column": "created", "config": CONFIG}
EVERYTHING = {"query": "SELECT 1 AS a", "priority": 1, "retry_limit": 2, "result": "td://@/my_db/results?mode=replace"}
SESSION_TIME = "2025-03-01T00:00:00+00:00"
FILES = {"main.dig": "timezone: UTC\nschedule:\n  daily>: 07:00:00\n+a:\n  echo>: a\n", "queries/日次.sql": "SELECT 1"}


def their_push(theirs: Side) -> None:
    for name, text in FILES.items():
        path = theirs.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    made = theirs.workflows.create_project("日次 & more", str(theirs.folder), revision="r-1")
    theirs.know("project", str(made.id))


Act = Callable[[Side], object]
OF_TD_CLIENT: dict[str, tuple[Act, Act]] = {
    "users": (lambda our: our.api.users(), lambda their: their.api.list_users()),
    "create_database": (
        lambda our: our.api.create_database("my_db"),
        lambda their: their.api.create_database("my_db"),
    ),
    "databases": (lambda our: our.api.databases(), lambda their: their.api.list_databases()),
    "create_table": (
        lambda our: our.api.create_table("my_db", "t_1", {}),
        lambda their: their.api.create_log_table("my_db", "t_1"),
    ),
    "update_schema": (
        lambda our: our.api.update_schema("my_db", "t_1", '[["a","int"]]'),
        lambda their: their.api.update_schema("my_db", "t_1", '[["a","int"]]'),
    ),
    "update_table": (
        lambda our: our.api.update_table("my_db", "t_1", {"expire_days": 7}),
        lambda their: their.api.update_expire("my_db", "t_1", 7),
    ),
    "tables": (lambda our: our.api.tables("my_db"), lambda their: their.api.list_tables("my_db")),
    "create_database: to move into": (
        lambda our: our.api.create_database("other_db"),
        lambda their: their.api.create_database("other_db"),
    ),
    "create_table: to be moved": (
        lambda our: our.api.create_table("my_db", "t_2", {}),
        lambda their: their.api.create_log_table("my_db", "t_2"),
    ),
    "move_table": (
        lambda our: our.api.move_table("my_db", "t_2", "other_db"),
        lambda their: their.api.change_database("my_db", "t_2", "other_db"),
    ),
    "create_saved_query": (
        lambda our: our.api.create_saved_query(NAME, QUERY),
        lambda their: their.api.create_schedule(NAME, QUERY),
    ),
    "saved_queries": (lambda our: our.api.saved_queries(), lambda their: their.api.list_schedules()),
    "update_saved_query": (
        lambda our: our.api.update_saved_query(NAME, {"cron": "", "query": "SELECT 2 AS b"}),
        lambda their: their.api.update_schedule(NAME, {"cron": "", "query": "SELECT 2 AS b"}),
    ),
    "update_saved_query: to another name": (
        lambda our: our.api.update_saved_query(NAME, {"name": "..."}),
        lambda their: their.api.update_schedule(NAME, {"name": "..."}),
    ),
    "run_saved_query": (
        lambda our: our.api.run_saved_query("...", 1_700_000_000, "key-1"),
        lambda their: their.api.run_schedule("...", 1_700_000_000, 1),
    ),
    "saved_query_history": (
        lambda our: our.api.saved_query_history("...", 5),
        lambda their: their.api.history("...", 0, 5),
    ),
    "delete_saved_query": (
        lambda our: our.api.delete_saved_query("..."),
        lambda their: their.api.delete_schedule("..."),
    ),
    "create_bulk_load": (
        lambda our: our.api.create_bulk_load({"name": "c1", "database": "my_db", "table": "t_1", **SESSION}),
        lambda their: their.api.connector_create("c1", "my_db", "t_1", dict(SESSION)),
    ),
    "bulk_load": (lambda our: our.api.bulk_load("c1"), lambda their: their.api.connector_show("c1")),
    "bulk_loads": (lambda our: our.api.bulk_loads(), lambda their: their.api.connector_list()),
    "update_bulk_load": (
        lambda our: our.api.update_bulk_load("c1", {"cron": "", "config": CONFIG}),
        lambda their: their.api.connector_update("c1", {"cron": "", "config": CONFIG}),
    ),
    "run_bulk_load": (
        lambda our: our.api.run_bulk_load("c1", "key-2"),
        lambda their: their.api.connector_run("c1", domain_key="key-2"),
    ),
    "preview_bulk_load": (
        lambda our: our.api.preview_bulk_load(CONFIG),
        lambda their: their.api.connector_preview({"config": CONFIG}),
    ),
    "results": (lambda our: our.api.results(), lambda their: their.api.list_result()),
    "bulk_load_jobs": (lambda our: our.api.bulk_load_jobs("c1"), lambda their: their.api.connector_history("c1")),
    "delete_bulk_load": (lambda our: our.api.delete_bulk_load("c1"), lambda their: their.api.connector_delete("c1")),
    "issue_job: with everything": (
        lambda our: our.api.issue_job("trino", "my_db", EVERYTHING, "key-3"),
        lambda their: their.api.query(
            "SELECT 1 AS a",
            type="trino",
            db="my_db",
            result_url="td://@/my_db/results?mode=replace",
            priority=1,
            retry_limit=2,
            domain_key="key-3",
        ),
    ),
    "issue_job": (
        lambda our: our.know("job", our.api.issue_job("hive", "my_db", {"query": "SELECT 1 AS a"}, "key-4")),
        lambda their: their.know("job", their.api.query("SELECT 1 AS a", db="my_db", domain_key="key-4")),
    ),
    "job": (lambda our: our.api.job(our.known["job"]), lambda their: their.api.show_job(their.known["job"])),
    "job_rows": (
        lambda our: our.api.job_rows(our.known["job"]),
        lambda their: their.api.job_result_format(their.known["job"], "json"),
    ),
    "kill_job": (lambda our: our.api.kill_job(our.known["job"]), lambda their: their.api.kill(their.known["job"])),
    "delete_table": (
        lambda our: our.api.delete_table("my_db", "t_1"),
        lambda their: their.api.delete_table("my_db", "t_1"),
    ),
    "delete_database": (
        lambda our: our.api.delete_database("my_db"),
        lambda their: their.api.delete_database("my_db"),
    ),
}
"""Name of our method -> our call and theirs, in the order in which one account can do them all."""
OF_TDWORKFLOW: dict[str, tuple[Act, Act]] = {
    "push": (
        lambda our: our.know("project", our.workflows.push("日次 & more", "r-1", packed(FILES))["id"]),
        their_push,
    ),
    "projects": (lambda our: our.workflows.projects(), lambda their: their.workflows.projects(count=100)),
    "first_projects": (lambda our: our.workflows.first_projects(), lambda their: their.workflows.projects(count=100)),
    "project": (
        lambda our: our.workflows.project("日次 & more"),
        lambda their: their.workflows.projects(name="日次 & more"),
    ),
    "archive": (
        lambda our: our.workflows.archive(our.known["project"]),
        lambda their: their.workflows.download_project_archive(their.known["project"], str(their.folder / "got")),
    ),
    "revisions": (
        lambda our: our.workflows.revisions(our.known["project"]),
        lambda their: their.workflows.project_revisions(their.known["project"]),
    ),
    "workflows": (
        lambda our: our.know("workflow", our.workflows.workflows(our.known["project"])[0]["id"]),
        lambda their: their.know("workflow", their.workflows.project_workflows(their.known["project"])[0].id),
    ),
    "schedules": (
        lambda our: our.know("schedule", our.workflows.schedules(our.known["project"])[0]["id"]),
        lambda their: their.know("schedule", their.workflows.project_schedules(their.known["project"])[0].id),
    ),
    "disable_schedule": (
        lambda our: our.workflows.disable_schedule(our.known["schedule"]),
        lambda their: their.workflows.disable_schedule(their.known["schedule"]),
    ),
    "enable_schedule": (
        lambda our: our.workflows.enable_schedule(our.known["schedule"]),
        lambda their: their.workflows.enable_schedule(their.known["schedule"]),
    ),
    "set_secret": (
        lambda our: our.workflows.set_secret(our.known["project"], "td.apikey", "geheim"),
        lambda their: their.workflows.set_secrets(their.known["project"], {"td.apikey": "geheim"}),
    ),
    "secret_keys": (
        lambda our: our.workflows.secret_keys(our.known["project"]),
        lambda their: their.workflows.secrets(their.known["project"]),
    ),
    "delete_secret": (
        lambda our: our.workflows.delete_secret(our.known["project"], "td.apikey"),
        # It looks first whether there is one; the last request is compared.
        lambda their: their.workflows.delete_secret(their.known["project"], "td.apikey"),
    ),
    "start_attempt": (
        lambda our: our.know("attempt", our.workflows.start_attempt(our.known["workflow"], SESSION_TIME, "n 1")["id"]),
        lambda their: their.know(
            "attempt", their.workflows.start_attempt(their.known["workflow"], SESSION_TIME, "n 1").id
        ),
    ),
    "attempt": (
        lambda our: our.workflows.attempt(our.known["attempt"]),
        lambda their: their.workflows.attempt(their.known["attempt"]),
    ),
    "sessions": (
        lambda our: our.workflows.sessions(our.known["project"], 5),
        lambda their: their.workflows.project_sessions(their.known["project"], page_size=5),
    ),
    "tasks": (
        lambda our: our.workflows.tasks(our.known["attempt"]),
        lambda their: their.workflows.attempt_tasks(their.known["attempt"]),
    ),
    "log_files": (
        lambda our: our.know("log", our.workflows.log_files(our.known["attempt"])[0]["fileName"]),
        lambda their: their.know("log", their.workflows.log_files(their.known["attempt"])[0].file_name),
    ),
    "log": (
        lambda our: our.workflows.log(our.known["attempt"], our.known["log"]),
        lambda their: their.workflows.log_file(their.known["attempt"], their.known["log"]),
    ),
    "delete_project": (
        lambda our: our.workflows.delete_project(our.known["project"]),
        lambda their: their.workflows.delete_project(their.known["project"]),
    ),
}
OPERATIONS = OF_TD_CLIENT | OF_TDWORKFLOW


@dataclass(frozen=True)
class Difference:
    """How ours is made of theirs, and why it is another one."""

    reason: str
    made_of: Callable[[Asked], Asked]


DIFFERENCES = {
    "tables": Difference(
        "manifests declare descriptions, and a list is without them unless asked",
        lambda theirs: replace(theirs, params={"include_descriptions": "true"}),
    ),
    "run_saved_query": Difference(
        "a run whose answer is lost is asked for again, and must not start twice; td-client takes no key here",
        lambda theirs: replace(theirs, body={**theirs.body, "domain_key": "key-1"}),
    ),
    "job_rows": Difference(
        "a result has no row of names unless it is asked for; td-client says so, in Python's word for it",
        lambda theirs: replace(theirs, params={"format": "json"}),
    ),
    "secret_keys": Difference(
        "the comment on top of digdag's ProjectResource has no slash at the end",
        lambda theirs: replace(theirs, segments=theirs.segments[:-1]),
    ),
}
NO_COUNTERPART = {
    "rename_table": "td-client renames no table",
    "retry_export": "the embedded service's own; Treasure Data has no such request",
    "user": "td-client asks for all users only",
    "account": "td-client asks for no account; td-client-ruby does",
    **dict.fromkeys(
        ("connections", "connection_id", "create_connection", "update_connection", "delete_connection"),
        "td-client knows `/v3/result`, a URL under a name; what a connection is set to fits into no URL",
    ),
}
NO_REQUESTS = {"calls", "cleaned", "close", "scrubber"}


@pytest.fixture(scope="module")
def asked(
    open_world_for_all: OpenWorld, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, list[Asked]], dict[str, list[Asked]]]:
    """What ours and what theirs sent for each operation, each to a service of its own that has taken it."""

    def ours(recorder: Recorder, world: World, url: str) -> dict[str, list[Asked]]:
        place, key = Endpoint("test", url), Secret("env:TD_API_KEY", KEY)
        with closing(connect(place, key)) as api, closing(connect_workflows(place, key)) as workflows:
            return carry_out(0, Side(api, workflows, world.root), recorder, world)

    def theirs(recorder: Recorder, world: World, url: str) -> dict[str, list[Asked]]:
        workflows = tdworkflow.client.Client(endpoint=url.partition("://")[2], apikey=KEY, scheme="http")
        folder = tmp_path_factory.mktemp("project")
        with closing(API(apikey=KEY, endpoint=f"{url}/")) as api, closing(workflows.http):
            return carry_out(1, Side(api, workflows, folder), recorder, world)

    found = []
    for act in (ours, theirs):
        world = open_world_for_all(root=tmp_path_factory.mktemp("service"))
        recorder = Recorder(create_app(world.service))
        with listening(world, recorder) as url:
            found.append(act(recorder, world, url))
        assert [status for status in recorder.statuses if not 200 <= status < 300] == []
    return found[0], found[1]


def carry_out(side: int, client: Side, recorder: Recorder, world: World) -> dict[str, list[Asked]]:
    sent = {}
    for operation, acts in OPERATIONS.items():
        before = len(recorder.asked)
        acts[side](client)
        sent[operation] = recorder.asked[before:]
        assert world.service.wait(60)
    return sent


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_request_is_the_one_that_the_vendor_s_client_sends(
    asked: tuple[dict[str, list[Asked]], dict[str, list[Asked]]], operation: str
) -> None:
    [ours], theirs = asked[0][operation], asked[1][operation][-1]

    if operation in DIFFERENCES:
        assert ours != theirs, f"no difference any more: {DIFFERENCES[operation].reason}"
        theirs = DIFFERENCES[operation].made_of(theirs)
    assert ours == theirs


def test_the_page_tells_the_differences() -> None:
    assert told_on_the_page("tdr")[1] == {name: one.reason for name, one in DIFFERENCES.items()}


@pytest.mark.parametrize(
    ("client", "operations"),
    [(TreasureData, OF_TD_CLIENT), (Workflows, OF_TDWORKFLOW)],
    ids=["TreasureData", "Workflows"],
)
def test_every_request_of_ours_is_compared_or_has_no_counterpart(client: type, operations: dict[str, object]) -> None:
    ours = {name for name, _ in inspect.getmembers(client) if not name.startswith("_")} - NO_REQUESTS
    compared = {operation.partition(":")[0] for operation in operations}

    assert sorted(ours - compared) == sorted(NO_COUNTERPART.keys() & ours)
    assert sorted(compared - ours) == []
