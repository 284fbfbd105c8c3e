"""Each of our requests against what the vendor's own client sends for the same operation."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from email.message import Message
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from tdclient.api import API

from reconciler.apis.treasure_data import TreasureData
from reconciler.apis.treasure_data_connect import connect
from reconciler.apis.treasure_data_endpoint import Endpoint
from reconciler.model.secret import Secret

KEY = "1/0123456789abcdef"
# Everything that td-client wants to find in some answer.
ANSWER = {
    "schedules": [],
    "start": None,
    "cron": None,
    "query": "SELECT 1",
    "history": [],
    "jobs": [{"job_id": 1, "type": "trino", "scheduled_at": "2025-03-01 00:00:00 UTC"}],
    "databases": [],
    "tables": [],
    "job_id": "1",
    "name": "c1",
    "type": "log",
    "status": "running",
    "id": 1,
}


@dataclass(frozen=True)
class Asked:
    """A request by its meaning: names decoded, fields whichever way the body was encoded."""

    method: str
    segments: tuple[str, ...]
    params: dict[str, str]
    fields: dict[str, object]
    authorization: str


@dataclass
class Recorder:
    url: str
    asked: list[Asked] = field(default_factory=list)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Keep quiet."""

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            recorded.asked.append(
                Asked(
                    self.command,
                    tuple(unquote(segment) for segment in parts.path.split("/")[1:]),
                    dict(parse_qsl(parts.query, keep_blank_values=True)),
                    _fields(self.headers, body),
                    self.headers["Authorization"],
                )
            )
            is_array = (
                parts.path.startswith("/v3/bulk_loads") and self.command == "GET" and parts.path != "/v3/bulk_loads/c1"
            )
            answer = json.dumps([] if is_array else ANSWER).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - the base class's names

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    recorded = Recorder(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield recorded
    server.shutdown()
    thread.join()
    server.server_close()


def _fields(headers: Message, body: bytes) -> dict[str, object]:
    kind = headers.get_content_type()
    if not body:
        return {}
    if kind == "application/json":
        parsed: dict[str, object] = json.loads(body)
        return parsed
    if kind == "application/x-www-form-urlencoded":
        return dict(parse_qsl(body.decode(), keep_blank_values=True))
    assert kind == "multipart/form-data"
    message = BytesParser().parsebytes(b"Content-Type: " + headers["Content-Type"].encode() + b"\r\n\r\n" + body)
    return {
        str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True).decode()
        for part in message.get_payload()
    }


QUERY = {
    "type": "presto",
    "database": "sales",
    "query": "SELECT '日次'\r\nFROM t",
    "cron": "0 3 * * *",
    "timezone": "Asia/Tokyo",
    "delay": 60,
    "priority": -1,
    "retry_limit": 2,
    "result": '{"type":"pinterest"}',
}
CONFIG = {"in": {"type": "files"}, "out": {"mode": "append"}, "exec": {}, "filters": []}
SESSION = {"cron": "@daily", "timezone": "UTC", "delay": 0, "time_column": "created", "config": CONFIG}

OPERATIONS: dict[str, tuple[Callable[[TreasureData], object], Callable[[API], object]]] = {
    "database list": (lambda ours: ours.databases(), lambda theirs: theirs.list_databases()),
    "database create": (lambda ours: ours.create_database("my_db"), lambda theirs: theirs.create_database("my_db")),
    "database delete": (lambda ours: ours.delete_database("my_db"), lambda theirs: theirs.delete_database("my_db")),
    "table create": (
        lambda ours: ours.create_table("my_db", "t_1", {}),
        lambda theirs: theirs.create_log_table("my_db", "t_1"),
    ),
    "table schema": (
        lambda ours: ours.update_schema("my_db", "t_1", '[["a","int"]]'),
        lambda theirs: theirs.update_schema("my_db", "t_1", '[["a","int"]]'),
    ),
    "table expiry": (
        lambda ours: ours.update_table("my_db", "t_1", {"expire_days": 7}),
        lambda theirs: theirs.update_expire("my_db", "t_1", 7),
    ),
    "table delete": (
        lambda ours: ours.delete_table("my_db", "t_1"),
        lambda theirs: theirs.delete_table("my_db", "t_1"),
    ),
    "saved query list": (lambda ours: ours.saved_queries(), lambda theirs: theirs.list_schedules()),
    "saved query create": (
        lambda ours: ours.create_saved_query("my query/1.日次", QUERY),
        lambda theirs: theirs.create_schedule("my query/1.日次", QUERY),
    ),
    "saved query update": (
        lambda ours: ours.update_saved_query("my query/1.日次", {"cron": ""}),
        lambda theirs: theirs.update_schedule("my query/1.日次", {"cron": ""}),
    ),
    "saved query delete": (
        lambda ours: ours.delete_saved_query("my query/1.日次"),
        lambda theirs: theirs.delete_schedule("my query/1.日次"),
    ),
    "saved query history": (
        lambda ours: ours.saved_query_history("my query", 5),
        lambda theirs: theirs.history("my query", 0, 5),
    ),
    "job show": (lambda ours: ours.job("1"), lambda theirs: theirs.show_job("1")),
    "import list": (lambda ours: ours.bulk_loads(), lambda theirs: theirs.connector_list()),
    "import create": (
        lambda ours: ours.create_bulk_load({"name": "c1", "database": "raw", "table": "t_1", **SESSION}),
        lambda theirs: theirs.connector_create("c1", "raw", "t_1", dict(SESSION)),
    ),
    "import update": (
        lambda ours: ours.update_bulk_load("c1", {"cron": ""}),
        lambda theirs: theirs.connector_update("c1", {"cron": ""}),
    ),
    "import delete": (lambda ours: ours.delete_bulk_load("c1"), lambda theirs: theirs.connector_delete("c1")),
    "import history": (lambda ours: ours.bulk_load_jobs("c1"), lambda theirs: theirs.connector_history("c1")),
}


def asked_by_both(
    recorder: Recorder, our_call: Callable[[TreasureData], object], their_call: Callable[[API], object]
) -> tuple[Asked, Asked]:
    ours = connect(Endpoint("test", recorder.url), Secret("env:TD_API_KEY", KEY))
    our_call(ours)
    ours.close()
    theirs = API(apikey=KEY, endpoint=recorder.url + "/")
    their_call(theirs)
    theirs.close()
    first, second = recorder.asked
    return first, second


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_request_is_the_one_that_td_client_sends(recorder: Recorder, operation: str) -> None:
    ours, theirs = asked_by_both(recorder, *OPERATIONS[operation])

    assert ours == theirs


def test_a_run_differs_from_td_client_s_by_its_key_only(recorder: Recorder) -> None:
    ours, theirs = asked_by_both(
        recorder,
        lambda ours: ours.run_saved_query("my query", 1_700_000_000, "key-1"),
        lambda theirs: theirs.run_schedule("my query", 1_700_000_000, 1),
    )

    assert ours == replace(theirs, fields={**theirs.fields, "domain_key": "key-1"})


def test_a_query_is_issued_as_td_client_does(recorder: Recorder) -> None:
    ours, theirs = asked_by_both(
        recorder,
        lambda ours: ours.issue_job("trino", "my_db", {"query": "SELECT 1", "priority": 1}, "key-1"),
        lambda theirs: theirs.query("SELECT 1", type="trino", db="my_db", priority=1, domain_key="key-1"),
    )

    assert ours == theirs
