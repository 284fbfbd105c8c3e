"""An account that others filled with the vendor's clients: taken over whole, changed field by field, and left by tdr."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import tdclient
import yaml
from made_by_others import CREDENTIALS, PYTHON, SECRETS, export, make_audiences, served
from stage import SERVICE_KEY, Stage, leaks

tdworkflow = pytest.importorskip("tdworkflow", reason="no `tdworkflow`: `make test` installs it")

QUERIES, LOADS, SEGMENTS, FOLDERS, ACTIVATIONS, WORKFLOWS = 200, 50, 30, 6, 60, 10
VERBS = (
    ("REPLACE_CURRENT_AUDIENCE", "audience_id_replace"),
    ("ADD_PEOPLE_TO_CURRENT_AUDIENCE", "audience_id_add_people"),
    ("REMOVE_PEOPLE_TO_CURRENT_AUDIENCE", "audience_id_remove_people"),
)
CRONS = ("", "5 3 * * *", "@hourly", "0 9 * * 1-5")
DIG = "timezone: Asia/Tokyo\nschedule:\n  daily>: 07:00:00\n+a:\n  echo>: {number}\n"
SQL = "SELECT email FROM buyers WHERE note = '{}'"


class Others:
    """People with the vendor's clients, and one who writes requests by hand."""

    def __init__(self, td: tdclient.Client, audiences: list[str], folder: Path) -> None:
        self.td, self.audiences, self.folder = td, audiences, folder
        self.address = str(td.api.endpoint).rstrip("/")
        host = self.address.removeprefix("http://")
        self.workflows = tdworkflow.client.Client(endpoint=host, apikey=SERVICE_KEY, scheme="http")

    def send(self, method: str, path: str, **content: Any) -> Any:
        headers = {"authorization": f"TD1 {SERVICE_KEY}"}
        answer = httpx.request(method, self.address + path, headers=headers, timeout=60, **content)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return answer.json()

    def prepare(self) -> None:
        self.td.create_database("shop")
        self.td.create_log_table("shop", "buyers")
        self.td.update_schema("shop", "buyers", [["email", "string"], ["note", "string"]])
        whole = json.loads(export(self.audiences[2], *VERBS[2]))
        for name, kind, settings in (
            ("Pinterest Main", "pinterest", CREDENTIALS),
            ("ads whole", "pinterest", {key: value for key, value in whole.items() if key != "type"}),
            ("lake", "files", {"root": "data"}),
        ):
            self.send("POST", "/v4/connections", json={"name": name, "type": kind, "settings": settings})

    def connection(self, name: str) -> int:
        return int(self.send("GET", "/v3/connections/lookup", params={"name": name})["id"])

    def query(self, name: str, number: int) -> None:
        timing = {
            "cron": CRONS[number % 4],
            "timezone": "Asia/Tokyo" if number % 3 else "UTC",
            "delay": number % 2 * 60,
        }
        fields = {"type": "presto", "database": "shop", "query": SQL.format(number), **timing}
        self.td.create_schedule(name, {**fields, "priority": number % 3 - 1, "retry_limit": number % 4})

    def activation(self, name: str, number: int) -> None:
        """One of a query, in the three forms that its target may have."""
        fields = {"type": "presto", "database": "shop", "query": SQL.format(number), "cron": CRONS[number % 4]}
        settings = json.loads(export(self.audiences[number % 3], *VERBS[number % 3], retry_count=number % 5))
        match number % 3:
            case 0:
                self.td.create_schedule(name, {**fields, "result": json.dumps(settings)})
            case 1:
                plain = {key: value for key, value in settings.items() if key not in {"type", *CREDENTIALS}}
                pair = {
                    "result_connection_id": str(self.connection("Pinterest Main")),
                    "result_connection_settings": json.dumps(plain),
                }
                self.send("POST", f"/v3/schedule/create/{name}", data={**fields, **pair})
            case _:
                self.td.create_schedule(name, {**fields, "result": "ads whole"})

    def load(self, name: str, number: int) -> None:
        source = {"type": "files", "paths": [f"{number}-*.csv"], "root": "data"}
        config = {"in": source, "out": {"mode": "replace" if number % 2 else "append"}}
        timing = {"cron": CRONS[number % 4], "timezone": "UTC", "delay": number % 2 * 60}
        self.td.api.connector_create(name, "shop", "buyers", {"config": config, **timing})

    def parent(self, name: str) -> str:
        place = {"parentDatabaseName": "shop", "parentTableName": "buyers"}
        attributes = [{"name": one, "type": "string", "parentColumn": one, **place} for one in ("email", "note")]
        return str(
            self.send("POST", "/audiences", json={"name": name, "master": place, "attributes": attributes})["id"]
        )

    def folder_in(self, parent: str, name: str) -> str:
        root = next(one["id"] for one in self.send("GET", f"/audiences/{parent}/folders") if not one["parentFolderId"])
        within = {"parentFolder": {"data": {"id": root, "type": "folder-segment"}}}
        body = {"type": "folder-segment", "attributes": {"name": name}, "relationships": within}
        return str(self.send("POST", "/entities/folders", json=body)["data"]["id"])

    def segment(self, parent: str, folder: str, name: str, number: int) -> str:
        condition = {
            "type": "Value",
            "leftValue": {"name": "note"},
            "operator": {"type": "Equal", "rightValue": str(number)},
        }
        rule = {"type": "And", "conditions": [{"type": "And", "conditions": [condition]}]}
        body = {"name": name, "description": f"number {number}", "segmentFolderId": folder, "rule": rule}
        return str(self.send("POST", f"/audiences/{parent}/segments", json=body)["id"])

    def of_segment(self, parent: str, segment: str, name: str, number: int) -> None:
        settings = json.loads(export(self.audiences[number % 3], *VERBS[number % 3]))
        plain = {key: value for key, value in settings.items() if key not in {"type", *CREDENTIALS}}
        schedule = {"repeatUnit": "day", "repeatFrequency": 1, "startAt": "2026-01-05T03:00:00"} if number % 2 else {}
        columns = [{"column": "email", "source": {"column": "email"}}]
        body = {
            "name": name,
            "connectionId": self.connection("Pinterest Main"),
            "connectorConfig": plain,
            "timezone": "UTC",
        }
        self.send(
            "POST",
            f"/audiences/{parent}/segments/{segment}/syndications",
            json={**body, "columns": columns, "allColumns": False, **schedule},
        )

    def workflow(self, name: str, number: int) -> None:
        folder = self.folder / name
        folder.mkdir(parents=True)
        (folder / "main.dig").write_text(DIG.format(number=number))
        self.workflows.create_project(name, str(folder))


@dataclass(frozen=True, slots=True)
class Account:
    """A filled account, and what more of it can be made of."""

    stage: Stage
    folder: Path
    audiences: list[str]
    parents: list[str]
    segment_folders: list[tuple[str, str]]
    """Parent segment and folder."""


@pytest.fixture
def account(empty: Stage, tmp_path: Path) -> Account:
    """An account that others alone have filled."""
    if not PYTHON.exists():
        pytest.skip("no `.venv-vendor-clients`: `make test` creates it")
    empty.environ.update(SECRETS)
    stage, folder = empty, tmp_path / "flows"
    audiences = make_audiences(stage, [("One", ""), ("Two", ""), ("Three", "")])
    with served(stage) as td:
        others = Others(td, audiences, folder)
        others.prepare()
        for number in range(QUERIES - ACTIVATIONS // 2):
            others.query(f"query {number:03}", number)
        for number in range(ACTIVATIONS // 2):
            others.activation(f"from-query-{number:02}", number)
        for number in range(LOADS):
            others.load(f"load {number:02}", number)
        parents = [others.parent(name) for name in ("people", "members")]
        folders = [(parent, others.folder_in(parent, f"folder {n}")) for parent in parents for n in range(FOLDERS // 2)]
        for number in range(SEGMENTS):
            parent, inside = folders[number % FOLDERS]
            segment = others.segment(parent, inside, f"segment {number:02}", number)
            others.of_segment(parent, segment, f"of segment {number:02}", number)
        for number in range(WORKFLOWS):
            others.workflow(f"flow-{number}", number)
    return Account(stage, folder, audiences, parents, folders)


def planned(stage: Stage) -> dict[str, list[str]]:
    """Address -> paths that would change, of what is not left as it is."""
    changes = stage.tdr("plan", "--format", "json", expect=None).document["changes"]
    return {one["address"]: [field["path"] for field in one["fields"]] for one in changes if one["actions"] != ["noop"]}


def unmanaged(stage: Stage) -> set[tuple[str, str]]:
    found = stage.tdr("drift", "--unmanaged", "--format", "json", expect=None).document["unmanaged"]
    return {(one["kind"], one["name"]) for one in found}


def change(stage: Stage, path: str, **fields: Any) -> None:
    file = stage.folder / "manifests" / path
    document = yaml.safe_load(file.read_text("utf-8"))
    document["spec"].update(fields)
    file.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding="utf-8")


@pytest.mark.slow
def test_a_large_account_is_taken_over_changed_by_fields_and_left(account: Account) -> None:
    stage = account.stage

    told = stage.tdr("import", "--all", "--format", "json", expect=None).document

    # A connection that says where rows go besides who sends them has no words; all else has, and so have its queries.
    assert [(one["kind"], one["label"]) for one in told["left_out"]] == [("connection", "ads whole")]
    assert sum("what it does the connection 'ads whole' says" in note for note in told["notes"]) == 10
    assert (told["unlisted"], told["unsettled"]) == ([], [])
    assert planned(stage) == {}
    assert unmanaged(stage) == {("connection", "ads whole")}
    kinds = [address.partition("/")[0] for address in stage.records()]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "connection": 2,
        "database": 1,
        "table": 1,
        "audience": 3,
        "query": QUERIES - ACTIVATIONS // 2,
        "activation": ACTIVATIONS,
        "import": LOADS,
        "parentsegment": 2,
        "segmentfolder": FOLDERS,
        "segment": SEGMENTS,
        "workflow": WORKFLOWS,
    }

    change(stage, "queries/query-007.yaml", priority=2)
    change(stage, "activations/from-query-00.yaml", retry_limit=1)
    change(stage, "activations/from-query-01.yaml", membership="replace")
    change(stage, "activations/from-query-02.yaml", retry_limit=3)
    change(stage, "activations/from-query-05.yaml", membership="replace")
    change(stage, "activations/of-segment-03.yaml", description="For the third")
    change(stage, "audiences/one.yaml", description="The first")
    change(stage, "tables/buyers.yaml", expire_days=30)
    change(stage, "parentsegments/people.yaml", description="Everybody")
    change(stage, "segmentfolders/folder-0.yaml", description="Of the first")
    change(stage, "segments/segment-04.yaml", description="The fourth")
    change(stage, "imports/load-05.yaml", schedule={"cron": "15 4 * * *"})
    change(stage, "workflows/flow-6.yaml", enabled=False)

    expected = {
        "activation/from-query-00": ["/retry_limit"],
        "activation/from-query-01": ["/export/action", "/export/audience_id_replace"],
        "activation/from-query-02": ["/retry_limit"],
        "activation/from-query-05": ["/export/action", "/export/audience_id_replace"],
        "activation/of-segment-03": ["/description"],
        "audience/one": ["/description"],
        "import/load-05": ["/cron", "/delay"],
        "parentsegment/people": ["/description"],
        "query/query-007": ["/priority"],
        "segment/segment-04": ["/description"],
        "segmentfolder/folder-0": ["/description"],
        "table/buyers": ["/expire_days"],
        "workflow/flow-6": ["/enabled"],
    }
    assert planned(stage) == expected
    stage.tdr("apply", "--yes", *stage.approvals())
    assert planned(stage) == {}

    mine = "apiVersion: tdr/v1\nkind: Query\nmetadata: {{name: mine-{0}}}\nspec: {{database: shop, sql: SELECT {0}}}\n"
    stage.write("manifests/mine.yaml", "---\n".join(mine.format(number) for number in range(3)))
    stage.tdr("apply", "--yes")
    with served(stage) as td:
        others = Others(td, account.audiences, account.folder)
        for number in range(3):
            others.query(f"later {number}", number)
            others.activation(f"later-from-query-{number}", number)
            others.load(f"later load {number}", number)
        parent, inside = account.segment_folders[0]
        others.of_segment(parent, others.segment(parent, inside, "later", 1), "later of segment", 1)
        others.workflow("later-flow", 1)
        before = everything(others, account.parents)
    targets = [word for number in range(2) for word in ("--target", f"query/mine-{number}")]
    stage.tdr("destroy", "--env", "local", "--yes", *targets)
    with served(stage) as td:
        after = everything(Others(td, account.audiences, account.folder), account.parents)

    assert [one for one in before if one not in after] == [f"query mine-{number}" for number in range(2)]
    assert [one for one in after if one not in before] == []
    assert leaks({str(n): text.encode() for n, text in enumerate(stage.heard)}, CREDENTIALS.values()) == []


def everything(others: Others, parents: list[str]) -> list[str]:
    """What the account holds, as the vendor's clients and addresses tell it."""
    names = [f"query {one.name}" for one in others.td.schedules()]
    names += [f"load {one['name']}" for one in others.send("GET", "/v3/bulk_loads")]
    names += [f"flow {one.name}" for one in others.workflows.projects()]
    for kind in ("folders", "segments", "syndications"):
        names += [
            f"{kind} {one['name']}" for parent in parents for one in others.send("GET", f"/audiences/{parent}/{kind}")
        ]
    return sorted(names)
