"""What others have made at both vendors with the vendors' own clients, for tdr to take over."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import tdclient
from stage import ACCOUNT, CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, SERVICE_KEY, Stage, environment

from reconciler.emulators.sandbox import Sandbox

CHECKOUT = Path(__file__).resolve().parents[2]
PYTHON = CHECKOUT / ".venv-vendor-clients" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
MAKES_AUDIENCES = Path(__file__).with_name("pinterest_audiences.py")

SCHEMA = CHECKOUT / "reconciler/reports/schemas/import.json"
CREDENTIALS = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "refresh_token": REFRESH_TOKEN}
SECRETS = {f"PINTEREST_MAIN_{name.upper()}": value for name, value in CREDENTIALS.items()}
LONG = "x" * 200
SQL = "SELECT email\nFROM buyers\nWHERE note = '${var:x} ''a''' -- 日本語"
QUERIES = ["日次集計", "a/b", LONG, "Report", "report", "REPORT", "50%+ of \"all\": 'x' #1", "yes", "2024-01-01"]
TITLES = [
    ("VIP", "Best buyers"),
    ("vip", ""),
    ("会員リスト", '購入者 # all: "quoted"'),
    ("Twins", "one"),
    ("Twins", "other"),
    (LONG, ""),
]


@pytest.fixture
def empty(tmp_path: Path, running_sandbox: Sandbox) -> Stage:
    """A project that declares nothing at any vendor."""
    running_sandbox.control.reset()
    folder = tmp_path / "empty"
    folder.mkdir()
    stage = Stage(folder, running_sandbox, environment(folder, running_sandbox))
    stage.write("tdr.yaml", "apiVersion: tdr/v1\nproject: empty\n")
    stage.write("manifests/environments/local.yaml", 'endpoints: {pinterest: "${var:pinterest}"}\n')
    stage.write(
        "manifests/schedules.yaml",
        "apiVersion: tdr/v1\nkind: Schedule\nmetadata: {name: nightly}\nspec: {cron: '0 3 * * *'}\n",
    )
    return stage


@contextmanager
def served(stage: Stage) -> Iterator[tdclient.Client]:
    """The vendor's own client of the service that the project runs on."""
    server = stage.spawn("serve")
    assert server.stderr is not None
    try:
        address = next(word for line in server.stderr for word in line.split() if word.startswith("http://"))
        with tdclient.Client(
            apikey=SERVICE_KEY, endpoint=f"{address.rstrip(';/')}/", retry_post_requests=False
        ) as client:
            yield client
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=60)


def make_audiences(stage: Stage, titles: list[tuple[str, str]]) -> list[str]:
    """Make audiences as a marketer's script does; returns their ids."""
    assert stage.sandbox is not None
    environ = {
        "PATH": stage.environ["PATH"],
        "PINTEREST_API_URI": stage.sandbox.base_url,
        "PINTEREST_ACCESS_TOKEN": stage.control.access_token("ads:read", "ads:write"),
    }
    done = subprocess.run(
        [PYTHON, MAKES_AUDIENCES],
        cwd=stage.folder,
        env=environ,
        input=json.dumps([[ACCOUNT, *title] for title in titles]),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    ids: list[str] = json.loads(done.stdout)
    return ids


def export(audience_id: str, verb: str, setting: str, **more: Any) -> str:
    settings = {"type": "pinterest", **CREDENTIALS, "ad_account_id": ACCOUNT, "audience_type": "customer_list"}
    return json.dumps({**settings, "action": verb, setting: audience_id, "ignore_invalid_records": True, **more})


@pytest.fixture
def grown(empty: Stage) -> Stage:
    """Both vendors hold something of every kind, with the names that people give."""
    if not PYTHON.exists():
        pytest.skip("no `.venv-vendor-clients`: `make test` creates it")
    ids = make_audiences(empty, TITLES)
    with empty.somebody() as td:
        settings = {"name": "Pinterest Main", "type": "pinterest", "settings": CREDENTIALS}
        td.create_connection({**settings, "description": "by the marketing team"})
        td.create_connection({"name": "lake", "type": "files", "settings": {"root": "data"}})
    with served(empty) as td:
        td.create_database("shop")
        td.create_database("other_shop")
        td.create_log_table("shop", "buyers")
        td.update_schema("shop", "buyers", [["email", "string"], ["note", "string", "remark"]])
        td.update_expire("shop", "buyers", 30)
        td.create_log_table("other_shop", "buyers")
        for name in QUERIES:
            td.create_schedule(name, {"type": "presto", "database": "shop", "query": SQL, "cron": ""})
        timing = {"cron": "5 3 * * 1,3", "timezone": "Asia/Tokyo", "delay": 600, "priority": 1, "retry_limit": 2}
        td.create_schedule("weekly", {"type": "hive", "database": "other_shop", "query": "SELECT 1;", **timing})
        exports = {
            "VIP daily": export(ids[0], "REPLACE_CURRENT_AUDIENCE", "audience_id_replace", retry_count=3),
            "vip add": export(ids[1], "ADD_PEOPLE_TO_CURRENT_AUDIENCE", "audience_id_add_people"),
            "除外者": export(ids[2], "REMOVE_PEOPLE_TO_CURRENT_AUDIENCE", "audience_id_remove_people"),
            "clear": export(ids[3], "DELETE_CURRENT_AUDIENCE", "audience_id_delete", ignore_invalid_records=False),
        }
        for name, result in exports.items():
            td.create_schedule(
                name, {"type": "presto", "database": "shop", "query": SQL, "cron": "@daily", "result": result}
            )
        load = {"in": {"type": "files", "paths": ["*.csv"], "root": "data"}, "out": {"mode": "replace"}}
        td.api.connector_create("load buyers", "other_shop", "buyers", {"config": load})
    return empty
