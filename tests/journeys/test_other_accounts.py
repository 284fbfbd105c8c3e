"""Accounts that do otherwise what the vendor's documents leave open: asked, taken over and managed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from other_account import OTHER_MASK, OtherAccount, account_of
from segment_stage import activated, asked, built
from stage import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, Stage, environment

from reconciler.model.probe import FactName as Fact
from reconciler.providers.treasure_data.probing import MOST_REQUESTS

__all__ = ["activated", "built"]

SECRETS = {
    "PINTEREST_MAIN_CLIENT_ID": CLIENT_ID,
    "PINTEREST_MAIN_CLIENT_SECRET": CLIENT_SECRET,
    "PINTEREST_MAIN_REFRESH_TOKEN": REFRESH_TOKEN,
}
WITHOUT = frozenset({Fact.CONNECTIONS_LISTED, Fact.CUSTOMER_DATA_ANSWERS, Fact.WORKFLOWS_ANSWER})
"""What an account may not have at all."""
DIG = "+nightly:\n  echo>: done\n"


@pytest.fixture
def grown_account(activated: Stage) -> Stage:
    """A service that holds something for every fact, as its own project and others made it."""
    activated.write("manifests/flows/nightly.dig", DIG)
    activated.write(
        "manifests/more.yaml",
        """\
apiVersion: tdr/v1
kind: Workflow
metadata: {name: flows}
spec: {directory: manifests/flows}
---
apiVersion: tdr/v1
kind: SegmentFolder
metadata: {name: europe}
spec: {parent_segment: people}
---
apiVersion: tdr/v1
kind: Segment
metadata: {name: north}
spec: {parent_segment: people, folder: europe, where: {all: [{attribute: spring, equals: "no"}]}}
""",
    )
    activated.tdr("apply", "--yes")
    with activated.somebody() as td:
        crm = td.create_connection(
            {"name": "crm", "type": "sfdc_v2", "settings": {"password": "FAKE-crm", "user": "u"}}
        )
        fields: dict[str, Any] = {"type": "trino", "database": "shop", "query": "SELECT 1"}
        td.create_saved_query("daily", {**fields, "cron": "@daily"})
        td.create_saved_query("urgent", {**fields, "cron": "", "priority": 2})
        pair = {"result_connection_id": str(crm["id"]), "result_connection_settings": '{"object":"Lead"}'}
        td.create_saved_query("to crm", {**fields, "cron": "", **pair})
        td.create_saved_query("to mysql", {**fields, "cron": "", "result": "mysql://etl:FAKE-pw@db.example.com/shop/t"})
    (one,) = asked(activated, "GET", "/audiences/1/syndications")
    sundays = {**one, "repeatUnit": "week", "repeatSubFrequency": [3, 7], "startAt": "2025-03-02T03:00:00"}
    place = f"/audiences/1/segments/{one['segmentId']}/syndications/{one['id']}"
    config = {**one["connectorConfig"], "api_token": "FAKE-token"}
    asked(activated, "PUT", place, {**sundays, "connectorConfig": config, "description": ""})
    return activated


def other_project(stage: Stage, tmp_path: Path, url: str, key: str) -> Stage:
    """A project that declares nothing, with the account at *url* as its only environment."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    other = Stage(folder, stage.sandbox, environment(folder, stage.sandbox) | SECRETS | {"TD_API_KEY": key})
    other.write("tdr.yaml", "apiVersion: tdr/v1\nproject: elsewhere\n")
    other.write(
        "manifests/environments/prod.yaml",
        f"treasure_data: {{endpoint: {url}, api_key: '${{secret:env:TD_API_KEY}}'}}\n"
        'endpoints: {pinterest: "${var:pinterest}"}\n',
    )
    return other


def probed(stage: Stage) -> dict[str, str]:
    stage.tdr("doctor", "--probe", "--format", "json", expect=None)
    record = json.loads((stage.folder / "manifests/environments/prod.probe.json").read_text("utf-8"))
    answers: dict[str, str] = record["answers"]
    return answers


OTHERWISE = {
    "as-documented": frozenset[Fact](),
    "otherwise": frozenset(Fact) - WITHOUT - {Fact.ACTIVATION_DETAILS_LISTED, Fact.REPEAT_UNITS_TOLD},
    "older-activations": frozenset({Fact.ACTIVATION_DETAILS_LISTED, Fact.REPEAT_UNITS_TOLD}),
    "with-less": WITHOUT,
}
# Of these a list proves the one answer only.
NOT_TOLD = {
    Fact.TRINO_KEPT: "unknown",
    Fact.PRESETS_KEPT: "unknown",
    Fact.ENGINE_VERSIONS_TOLD: "yes",
    Fact.QUERY_PAIRS_TAKEN: "yes",
    Fact.IMPORT_SECRETS_MASKED: "unknown",
}
LOOKED_UP = {Fact.CONNECTIONS_LISTED, Fact.CONNECTION_IDS_AGREE}
PROD = "manifests/environments/prod.yaml"
IMPORT = """\
apiVersion: tdr/v1
kind: Import
metadata: {name: customers}
spec:
  from: {type: files, paths: [data/customers.csv]}
  to: {database: shop, table: customers, mode: replace_on_new_data}
"""
ACTIVATION = "manifests/activations/spring-to-pinterest.yaml"
SEGMENT = """\
apiVersion: tdr/v1
kind: Segment
metadata: {name: south}
spec: {parent_segment: people, folder: europe, where: {all: [{attribute: spring, equals: "yes"}]}}
"""

SUNDAYS = """\
apiVersion: tdr/v1
kind: Activation
metadata: {name: sundays}
spec:
  from: {segment: south}
  to: {audience: spring-buyers}
  membership: add
  columns: [{column: email}]
  schedule: {cron: "0 5 * * 0", timezone: Asia/Tokyo}
"""


@pytest.mark.parametrize("otherwise", OTHERWISE.values(), ids=OTHERWISE)
def test_what_an_account_tells_is_heeded_from_the_probe_to_an_empty_plan(
    grown_account: Stage, tmp_path: Path, otherwise: frozenset[Fact]
) -> None:
    with account_of(grown_account, *otherwise) as (account, url, key):
        project = other_project(grown_account, tmp_path, url, key)
        answers = probed(project)
        assert all(call.startswith("GET ") for call in account.heard)
        assert len(account.heard) <= MOST_REQUESTS
        for fact in sorted(otherwise):
            assert answers[fact] == NOT_TOLD.get(fact, "no"), fact

        if otherwise >= WITHOUT:
            # Their addresses do not tell whether they were made in the console, so a person says it.
            assert answers[Fact.RESULTS_HOLD_CONNECTIONS] == "unknown"
            project.edit(PROD, "treasure_data: {", "treasure_data: {facts: {results_hold_connections: true}, ")
        imported = project.tdr("import", "--all", "--format", "json", expect=None).document
        account.heard.clear()
        plan = project.tdr("plan", "--detailed-exitcode", "--format", "json").document

        left_out = {"to mysql"} | ({"urgent", "customers"} if Fact.PRIORITIES_IN_RANGE in otherwise else set())
        assert {one["label"] for one in imported["left_out"]} == left_out
        assert (imported["unlisted"], imported["unsettled"], set(plan["summary"])) == ([], [], {"noop"})
        kinds = {one["address"].partition("/")[0] for one in imported["adopted"]}
        people = {"parentsegment", "segment", "segmentfolder", "activation", "workflow"}
        assert {"connection", "query", "table"} <= kinds
        assert kinds & people == (set() if otherwise >= WITHOUT else people)
        looked_up = any(call.startswith("GET /v3/connections/lookup") for call in account.heard)
        assert looked_up == bool(LOOKED_UP & otherwise)
        told = "".join(project.heard)
        assert [one for one in (OTHER_MASK, "FAKE-crm", "FAKE-pw", "FAKE-token") if one in told] == []
        changed_and_applied(project, account, otherwise)

    if otherwise >= WITHOUT:
        return
    found = {one["name"]: one for one in asked(grown_account, "GET", "/audiences/1/syndications")}
    fields = ("repeatUnit", "repeatSubFrequency", "scheduleType", "scheduleOption")
    in_cron = Fact.REPEAT_UNITS_TOLD in otherwise
    for name, cron, at in (("spring-to-pinterest", "30 4 * * 0", "04:30"), ("sundays", "0 5 * * 0", "05:00")):
        schedule = [found[name][one] for one in fields]
        assert schedule == ([None, [], "cron", cron] if in_cron else ["week", [7], "weekly", at])
    assert found["spring-to-pinterest"]["connectorConfig"]["api_token"] == "***"
    (load,) = asked(grown_account, "GET", "/v3/bulk_loads")
    assert load["config"]["out"]["mode"] == "append"


@pytest.mark.slow
@pytest.mark.parametrize("fact", list(Fact))
def test_each_fact_alone_is_heeded_the_other_way(grown_account: Stage, tmp_path: Path, fact: Fact) -> None:
    with account_of(grown_account, fact) as (account, url, key):
        project = other_project(grown_account, tmp_path, url, key)
        assert probed(project)[fact] == NOT_TOLD.get(fact, "no")

        project.tdr("import", "--all", expect=None)
        project.tdr("plan", "--detailed-exitcode")
        changed_and_applied(project, account, frozenset({fact}))


def changed_and_applied(project: Stage, account: OtherAccount, otherwise: frozenset[Fact]) -> None:
    """What somebody changes in the manifests reaches the account, and the plan after it is empty."""
    if Fact.IMPORT_MODES_TOLD in otherwise:
        project.write("manifests/imports/customers.yaml", IMPORT)
        project.tdr("import", "import/customers", "customers")
        project.tdr("plan", "--detailed-exitcode")
    project.edit("manifests/imports/customers.yaml", "mode: replace_on_new_data", "mode: append")
    expected = {"import/customers"}
    if Fact.CUSTOMER_DATA_ANSWERS in otherwise:
        project.write("manifests/south.yaml", SEGMENT.replace("folder: europe, ", ""))
        assert "this account has no parent segments" in project.tdr("validate", expect=7).err
        (project.folder / "manifests/south.yaml").unlink()
    else:
        project.write("manifests/south.yaml", SEGMENT)
        expected |= {"segment/south"}
        # Without a connection that anybody told of, the activation was left out.
        if Fact.CONNECTIONS_LISTED not in otherwise:
            project.edit(ACTIVATION, 'cron: "0 3 * * 0,3"', 'cron: "30 4 * * 0"')
            project.write("manifests/sundays.yaml", SUNDAYS)
            expected |= {"activation/spring-to-pinterest", "activation/sundays"}
    if Fact.USERS_LISTED in otherwise:
        text = (project.folder / ACTIVATION).read_text("utf-8")
        project.edit(ACTIVATION, "  schedule:", "  notify: {when: [failure], emails: [a@example.com]}\n  schedule:")
        assert "does not list its users" in project.tdr("validate", expect=7).err
        project.write(ACTIVATION, text)

    plan = project.tdr("plan", "--format", "json", expect=None).document
    assert {one["address"] for one in plan["changes"] if one["actions"] != ["noop"]} == expected
    project.tdr("apply", "--yes", *project.approvals())
    project.tdr("plan", "--detailed-exitcode")
    assert not any(call.startswith("POST /v4/connections") for call in account.heard)
