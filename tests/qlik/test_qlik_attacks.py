"""A tenant at its worst: twins, lists that lose pages, rights that are missing, answers that never come."""

from __future__ import annotations

from pathlib import Path

import pytest
from landing_stage import ADDRESS as TASK_ADDRESS
from landing_stage import TABLES, TASK, landing_in
from tenant_stage import ADDRESS, APP_SECRET, FILE, TenantStage

from reconciler.emulators.qlik.sandbox import QlikSandbox
from reconciler.emulators.qlik.world import Connection

LIST, ONE = "/api/v1/data-connections", "/api/v1/data-connections/*"


def put_twin(tenant: TenantStage) -> Connection:
    """Somebody's connection of the same name, in a space of the same sort, which the key sees."""
    world = tenant.qlik.tenant.world
    (ours,) = world.connections.values()
    twin = Connection(world.new_id(), ours.name, ours.source, ours.space, {}, world.now(), world.now())
    world.connections[twin.id] = twin
    return twin


def test_a_list_that_loses_a_page_changes_nothing(tenant: TenantStage) -> None:
    tenant.tdr("apply", "--yes")
    tenant.qlik.control.fault("page_dropped", method="GET", path=LIST, count=None)

    tenant.tdr("plan", "--detailed-exitcode")
    tenant.tdr("apply", "--yes")

    assert len(tenant.connections()) == 1


def test_what_a_list_does_not_show_is_not_made_twice(tenant: TenantStage) -> None:
    tenant.tdr("apply", "--yes")
    tenant.tdr("state", "rm", ADDRESS)
    tenant.qlik.control.fault("page_dropped", method="GET", path=LIST, count=None)

    tenant.tdr("apply", "--yes", expect=1)

    assert len(tenant.connections()) == 1


def test_of_two_of_one_name_a_person_says_which(tenant: TenantStage) -> None:
    tenant.stage.edit(FILE, "  space: Marketing\n", "")
    tenant.tdr("apply", "--yes")
    ours = tenant.the_connection()["id"]
    put_twin(tenant)
    tenant.tdr("plan", "--detailed-exitcode")  # the one that is remembered is meant

    tenant.tdr("state", "rm", ADDRESS)
    asked = tenant.tdr("apply", "--yes", expect=3)
    assert "2 objects have its name" in asked.out + asked.err
    assert "imports: [{to: qlikconnection/pinterest-ads, id: …}]" in asked.out + asked.err

    tenant.stage.write(
        "manifests/which.yaml",
        f"apiVersion: tdr/v1\nkind: Transitions\nimports: [{{to: {ADDRESS}, id: {ours}}}]\n",
    )
    tenant.tdr("apply", "--yes")
    assert tenant.stage.records()[ADDRESS]["id"] == ours


def test_of_two_sources_or_gateways_of_one_name_a_person_says_which(tenant: TenantStage) -> None:
    world = tenant.qlik.tenant.world
    world.more_sources = [{"dataSourceId": "qdi-custom", "name": "pinterest marketing", "provider": "Custom"}]
    tenant.tdr("apply", "--yes")  # written as it is spelled, the name means one
    assert next(iter(world.connections.values())).source == "qdi-pinterest-marketing"

    world.more_gateways = [{"id": "gw-0002", "name": "Main gateway"}]
    tenant.stage.edit(FILE, "  start_time", "  gateway: Main gateway\n  start_time")
    asked = tenant.tdr("apply", "--yes", expect=1)
    assert "2 data gateways called 'Main gateway'" in asked.out + asked.err
    tenant.stage.edit(FILE, "gateway: Main gateway", "gateway: gw-0002")
    tenant.tdr("apply", "--yes")
    assert tenant.the_connection()["properties"]["gateway"] == "gw-0002"
    tenant.tdr("plan", "--detailed-exitcode")


def test_two_sources_spelled_alike_are_asked_about(tenant: TenantStage) -> None:
    tenant.qlik.tenant.world.more_sources = [{"dataSourceId": "qdi-twin", "name": "Pinterest Marketing"}]

    asked = tenant.tdr("apply", "--yes", expect=1)

    assert "2 data sources called 'Pinterest Marketing'" in asked.out + asked.err
    assert "qdi-pinterest-marketing, qdi-twin" in asked.out + asked.err
    assert tenant.connections() == []
    tenant.stage.edit(FILE, "  start_time", "  source: qdi-pinterest-marketing\n  start_time")
    tenant.tdr("apply", "--yes")


def test_of_two_tasks_of_one_name_a_person_says_which(tmp_path: Path, qlik: QlikSandbox) -> None:
    landing = landing_in(tmp_path / "ads", qlik)
    twin = {"name": "Ads landing", "prepared": True, "files": {"task.yaml": TASK, "sourceSelection.yaml": TABLES}}
    landing.tenant.control("POST", f"/projects/{landing.project}/tasks", twin)

    asked = landing.tenant.tdr("apply", "--yes", expect=3)

    assert "2 objects have its name" in asked.out + asked.err
    assert landing.there.run is None
    landing.tenant.stage.write(
        "manifests/which.yaml",
        f"apiVersion: tdr/v1\nkind: Transitions\nimports: [{{to: {TASK_ADDRESS}, id: {landing.project}/{landing.task}}}]\n",
    )
    landing.tenant.tdr("apply", "--yes")
    assert landing.run_state == "RUNNING"


@pytest.mark.parametrize("status", [403, 404, 409, 412, 423])
def test_a_change_that_is_refused_fails_once_and_is_planned_again(tenant: TenantStage, status: int) -> None:
    tenant.tdr("apply", "--yes")
    tenant.stage.edit(FILE, "2026-01-01", "2026-02-01")
    tenant.qlik.control.fault("error", method="PATCH", path=ONE, status=status, message="not so")

    refused = tenant.tdr("apply", "--yes", expect=1)
    assert "not so" in refused.out + refused.err
    assert tenant.the_connection()["properties"]["startTime"] == "2026-01-01"
    tenant.tdr("apply", "--yes")

    assert tenant.the_connection()["properties"]["startTime"] == "2026-02-01"


@pytest.mark.parametrize("status", [403, 500])
@pytest.mark.parametrize("path", [LIST, ONE, "/api/v1/data-sources", "/api/v1/spaces"])
def test_what_cannot_be_read_decides_nothing(tenant: TenantStage, path: str, status: int) -> None:
    tenant.tdr("apply", "--yes")
    tenant.qlik.control.fault("error", method="GET", path=path, status=status, message="not for you", count=None)

    said = tenant.tdr("apply", "--yes", expect=None)

    assert said.code != 0
    assert "not for you" in said.out + said.err
    assert tenant.writes() == []
    assert len(tenant.connections()) == 1


@pytest.mark.parametrize("kind", ["answer_lost", "cut_midway", "truncated", "html"])
def test_a_code_is_used_once_though_its_answer_is_lost(tenant: TenantStage, kind: str) -> None:
    code = tenant.code_of(tenant.tdr("apply", "--yes").err)
    tenant.stage.edit(FILE, "  start_time", "  code: ${secret:env:PINTEREST_CODE}\n  start_time")
    tenant.qlik.control.fault(kind, method="PATCH", path=ONE)
    new = {"PINTEREST_CODE": code, "PINTEREST_APP_SECRET": "FAKE-rotated-app-secret"}

    tenant.tdr("apply", "--yes", **new)

    (kept,) = tenant.qlik.tenant.world.connections.values()
    assert (kept.client_secret, bool(kept.credentials_id)) == ("FAKE-rotated-app-secret", True)
    tenant.tdr("plan", "--detailed-exitcode", **new)


def test_what_is_rolled_back_keeps_its_consent(tenant: TenantStage) -> None:
    tenant.tdr("apply", "--yes")
    tenant.consent_in_the_console()
    tenant.stage.edit(FILE, "2026-01-01", "2026-02-01")
    tenant.tdr("apply", "--yes")
    newest = tenant.tdr("history", "--format", "json").document["runs"][0]["run"]

    tenant.tdr("rollback", newest, "--yes")
    tenant.stage.edit(FILE, "2026-02-01", "2026-01-01")

    assert tenant.the_connection()["properties"]["startTime"] == "2026-01-01"
    tenant.tdr("plan", "--detailed-exitcode")  # its secret is known to be the one that is there
    assert tenant.the_connection()["is_authorised"]
    (kept,) = tenant.qlik.tenant.world.connections.values()
    assert kept.client_secret == APP_SECRET
