"""Sources at Adobe as people keep them: declared, planned, applied, changed here and there, and taken away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from adobe_stage import (
    CLIENT_SECRET,
    ONE_OF_EACH,
    ORG,
    PASSWORD,
    changed,
    counted,
    forget_traffic,
    kept,
    listing_project,
    writes,
)
from stage import Stage, files_below

from reconciler.emulators.adobe.sandbox import AdobeSandbox
from reconciler.emulators.adobe.world import GENERIC_REST, REST_TO_PLATFORM

FLOW = "dataflow/newsletter"


@pytest.fixture
def project_and_adobe(tmp_path: Path) -> Iterator[tuple[Stage, AdobeSandbox]]:
    with listing_project(tmp_path / "lists") as both:
        yield both


@pytest.fixture
def stage(project_and_adobe: tuple[Stage, AdobeSandbox]) -> Stage:
    return project_and_adobe[0]


@pytest.fixture
def adobe(project_and_adobe: tuple[Stage, AdobeSandbox]) -> AdobeSandbox:
    return project_and_adobe[1]


def planned(stage: Stage) -> dict[str, list[str]]:
    """Address -> actions, then the fields that differ, of what a plan would do."""
    told = {}
    for change in stage.tdr("plan", "--format", "json", expect=None).document["changes"]:
        if change["actions"] != ["noop"]:
            fields = [one["path"] for one in (*change["fields"], *change.get("secrets", ()))]
            told[change["address"]] = [*change["actions"], *sorted(set(fields))]
    return told


def test_a_chain_is_made_in_order_and_then_there_is_nothing_to_do(stage: Stage, adobe: AdobeSandbox) -> None:
    assert sorted(planned(stage)) == [FLOW, "sourceaccount/lists-emea", "sourceregistration/lists"]

    stage.tdr("apply", "--yes")

    assert counted(adobe) == ONE_OF_EACH
    assert writes(adobe) == [
        "POST /connectionSpecs",
        "PUT /flowSpecs/*",
        "POST /connections",
        "POST /sourceConnections",
        "POST /targetConnections",
        "POST /flows",
    ]
    stage.tdr("plan", "--detailed-exitcode")
    (spec,) = kept(adobe, "connectionSpecs")
    assert (spec["name"], spec["type"], spec["exploreSpec"]["name"]) == ("List members", "generic-rest", "Resource")
    assert spec["sourceSpec"]["attributes"]["paginationParams"]["limitValue"] == "100"
    (flow,) = kept(adobe, "flows")
    assert flow["transformations"] == [{"name": "Mapping", "params": {"mappingId": "map-1", "mappingVersion": 0}}]
    assert stage.records()[FLOW]["id"] == flow["id"]


def test_what_others_share_stays_as_it_was(stage: Stage, adobe: AdobeSandbox) -> None:
    (before,) = kept(adobe, "flowSpecs")
    stage.tdr("apply", "--yes")
    (after,) = kept(adobe, "flowSpecs")
    moved = {"sourceConnectionSpecIds", "updatedAt"}
    assert {name for name in before if before[name] != after[name]} <= moved
    assert after["sourceConnectionSpecIds"][0] == GENERIC_REST


def test_numbers_that_come_back_as_text_are_no_difference(stage: Stage, adobe: AdobeSandbox) -> None:
    stage.edit("sources/lists.yaml", 'limitValue: "100"', "limitValue: 100")
    stage.tdr("apply", "--yes")
    adobe.control.knobs(numbers_told="text")
    changed(adobe, "flows", scheduleParams={"startTime": "1927605600", "frequency": "hour", "interval": "6"})
    assert planned(stage) == {}


def test_a_changed_specification_is_put_whole(stage: Stage, adobe: AdobeSandbox) -> None:
    stage.tdr("apply", "--yes")
    forget_traffic(adobe)
    stage.edit("sources/lists.yaml", '    headerParams: {X-Version: "3"}\n', "")
    stage.edit("sources/lists.yaml", "limitName: count", "limitName: size")
    limit = "/specification/sourceSpec/attributes/paginationParams/limitName"
    version = "/specification/sourceSpec/attributes/headerParams/X-Version"
    assert planned(stage) == {"sourceregistration/lists": ["update", "/members", version, limit]}

    stage.tdr("apply", "--yes")

    assert writes(adobe) == ["PUT /connectionSpecs/*"]
    (spec,) = kept(adobe, "connectionSpecs")
    assert "headerParams" not in spec["sourceSpec"]["attributes"]
    stage.tdr("plan", "--detailed-exitcode")


def test_what_somebody_changes_there_is_drift_and_goes_back(stage: Stage, adobe: AdobeSandbox) -> None:
    stage.tdr("apply", "--yes")
    changed(adobe, "flows", state="disabled", name="newsletter of somebody")
    changed(adobe, "connections", auth={"specName": "Basic Authentication", "params": {"domain": "apac"}})
    (flow_spec,) = kept(adobe, "flowSpecs")
    adobe.control.call(
        "PATCH", f"/objects/prod/flowSpecs/{REST_TO_PLATFORM}", {"sourceConnectionSpecIds": [GENERIC_REST]}
    )
    assert flow_spec["id"] == REST_TO_PLATFORM
    assert stage.tdr("drift", expect=None).code == 2
    assert planned(stage) == {
        "sourceregistration/lists": ["update", "/flow_spec"],
        "sourceaccount/lists-emea": ["update", "/params/domain", "/params/username"],
        FLOW: ["update", "/enabled", "/name"],
    }
    forget_traffic(adobe)

    stage.tdr("apply", "--yes")

    assert sorted(writes(adobe)) == sorted(
        ["PUT /flowSpecs/*", "PATCH /connections/*", "PATCH /flows/*", "POST /flows/*/action"]
    )
    stage.tdr("plan", "--detailed-exitcode")
    (account,) = kept(adobe, "connections")
    assert account["auth"]["params"] == {"domain": "emea", "username": "reader", "password": PASSWORD}


def test_a_schedule_changes_in_place_and_its_start_does_not(stage: Stage, adobe: AdobeSandbox) -> None:
    stage.tdr("apply", "--yes")
    (first,) = kept(adobe, "flows")
    stage.edit("manifests/lists.yaml", "interval: 6", "interval: 12, backfill: false")
    assert planned(stage) == {FLOW: ["update", "/schedule/backfill", "/schedule/interval"]}
    stage.tdr("apply", "--yes")
    (same,) = kept(adobe, "flows")
    assert (same["id"], same["scheduleParams"]["interval"]) == (first["id"], 12)

    stage.edit("manifests/lists.yaml", "frequency: hour, interval: 12, backfill: false", "frequency: once")
    stage.tdr("apply", "--yes")
    (once,) = kept(adobe, "flows")
    assert set(once["scheduleParams"]) == {"startTime", "frequency"}
    stage.tdr("plan", "--detailed-exitcode")

    stage.edit("manifests/lists.yaml", "2031-01-31", "2031-02-28")
    assert planned(stage) == {FLOW: ["replace", "/schedule/start"]}


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ("listId: a1b2", "listId: c3d4", "/source_params"),
        ("dataset_id: 5f1b", "dataset_id: 6a2c", "/dataset_id"),
        ("schemas/9d", "schemas/8c", "/schema_id"),
    ],
    ids=["inputs", "dataset", "schema"],
)
def test_what_a_flow_would_not_notice_makes_another_pair_and_flow(
    stage: Stage, adobe: AdobeSandbox, before: str, after: str, path: str
) -> None:
    stage.tdr("apply", "--yes")
    (first,) = kept(adobe, "flows")
    stage.edit("manifests/lists.yaml", before, after)
    assert planned(stage) == {FLOW: ["replace", path]}
    assert f"{path} cannot be changed in place" in stage.tdr("plan").out

    stage.tdr("apply", "--yes", *stage.approvals())

    assert counted(adobe) == ONE_OF_EACH
    (second,) = kept(adobe, "flows")
    assert first["id"] != second["id"]
    assert not set(first["sourceConnectionIds"]) & set(second["sourceConnectionIds"])
    stage.tdr("plan", "--detailed-exitcode")


def test_a_flow_that_is_declared_off_is_off(stage: Stage, adobe: AdobeSandbox) -> None:
    stage.edit("manifests/lists.yaml", "mapping: {id: map-1}", "mapping: {id: map-1}\n  enabled: false")
    adobe.control.knobs(passing_s=20)
    stage.tdr("apply", "--yes")
    stage.clock.leap(60)
    assert [one["state"] for one in kept(adobe, "flows")] == ["disabled"]
    stage.tdr("plan", "--detailed-exitcode")


def test_destroy_leaves_the_specification_and_says_so(stage: Stage, adobe: AdobeSandbox) -> None:
    stage.tdr("apply", "--yes")

    said = stage.tdr("destroy", "--yes", "--env", "local")

    assert "Adobe deletes no connection specification" in said.out + said.err
    assert counted(adobe) == dict.fromkeys(ONE_OF_EACH, 0) | {"connectionSpecs": 1}
    assert stage.records() == {}


def test_a_changed_secret_is_sent_and_shown_nowhere(stage: Stage, adobe: AdobeSandbox) -> None:
    stage.tdr("apply", "--yes")
    stage.environ["LISTS_PASSWORD"] = "FAKE-password-that-is-new"
    assert planned(stage) == {"sourceaccount/lists-emea": ["update", "/secrets/password"]}
    stage.tdr("apply", "--yes")

    (account,) = kept(adobe, "connections")
    assert account["auth"]["params"]["password"] == "FAKE-password-that-is-new"
    written = list(files_below(stage.folder).values())
    told = "\n".join(stage.heard).encode()
    for secret in (CLIENT_SECRET, PASSWORD, "FAKE-password-that-is-new", *adobe.adobe.world.tokens):
        assert secret.encode() not in told
        assert not [one for one in written if secret.encode() in one]


def test_an_expired_token_is_replaced_on_the_way(stage: Stage, adobe: AdobeSandbox) -> None:
    adobe.control.fault("token_expired", method="POST", path="/connections")
    stage.tdr("apply", "--yes")
    assert counted(adobe) == ONE_OF_EACH


def test_wrong_credentials_are_told_as_such(stage: Stage, adobe: AdobeSandbox) -> None:
    stage.environ["ADOBE_CLIENT_SECRET"] = "FAKE-wrong-client-secret"
    said = stage.tdr("plan", expect=None)
    assert said.code != 0
    assert "belong together" in said.out + said.err
    assert "FAKE-wrong" not in said.out + said.err
    assert writes(adobe) == []


def test_a_sandbox_that_is_not_there_is_no_empty_one(stage: Stage, adobe: AdobeSandbox) -> None:
    stage.tdr("apply", "--yes")
    stage.edit("manifests/environments/local.yaml", f"  org_id: {ORG}\n", f"  org_id: {ORG}\n  sandbox: nowhere\n")
    said = stage.tdr("plan", expect=None)
    assert said.code != 0
    assert "adobe.sandbox" in said.out + said.err
    assert counted(adobe) == ONE_OF_EACH


def test_another_sandbox_is_another_account(stage: Stage) -> None:
    stage.tdr("apply", "--yes")
    stage.edit("manifests/environments/local.yaml", f"  org_id: {ORG}\n", f"  org_id: {ORG}\n  sandbox: dev\n")
    said = stage.tdr("apply", "--yes", expect=3)
    assert f"{ORG}/dev" in said.err


def test_an_environment_without_adobe_refuses_its_kinds(stage: Stage) -> None:
    stage.write("manifests/environments/local.yaml", "variables: {}\n")
    said = stage.tdr("validate", expect=7)
    assert "names no organisation of Adobe" in said.out + said.err


def test_an_authentication_that_is_not_there_is_told_before_anything_is_made(stage: Stage, adobe: AdobeSandbox) -> None:
    stage.edit("manifests/lists.yaml", "auth: Basic Authentication", "auth: OAuth2")
    said = stage.tdr("validate", expect=7)
    assert "write one of: Basic Authentication" in said.out + said.err
    assert writes(adobe) == []


def test_what_somebody_changes_between_look_and_write_is_not_overwritten(stage: Stage, adobe: AdobeSandbox) -> None:
    stage.tdr("apply", "--yes")
    stage.edit("manifests/lists.yaml", "interval: 6", "interval: 12")
    adobe.control.fault("error", method="PATCH", path="/flows/*", status=412, code=1404, message="etag")
    said = stage.tdr("apply", "--yes", expect=1)
    assert "somebody changed it since the plan was made" in said.out + said.err
    stage.tdr("apply", "--yes")
    stage.tdr("plan", "--detailed-exitcode")


def test_a_limit_is_waited_for(stage: Stage, adobe: AdobeSandbox) -> None:
    adobe.control.fault("rate_limited", method="POST", path="/connections", reset_s=7)
    stage.tdr("apply", "--yes")
    assert counted(adobe) == ONE_OF_EACH


def test_lost_transformations_are_noticed(stage: Stage, adobe: AdobeSandbox) -> None:
    adobe.control.knobs(transformations_member="transformationSpec")
    said = stage.tdr("apply", "--yes", expect=1)
    assert "transformations_member" in said.out + said.err

    stage.edit(
        "manifests/environments/local.yaml", "adobe:\n", "adobe:\n  transformations_member: transformationSpec\n"
    )
    adobe.control.call(
        "PATCH", f"/objects/prod/flowSpecs/{REST_TO_PLATFORM}", {"transformationSpecs": [{"name": "Mapping"}]}
    )
    stage.tdr("apply", "--yes")
    assert counted(adobe) == ONE_OF_EACH
    (flow_spec,) = kept(adobe, "flowSpecs")
    assert flow_spec["transformationSpecs"] == [{"name": "Mapping"}]


def test_sources_that_are_registered_at_once_are_all_listed(stage: Stage, adobe: AdobeSandbox) -> None:
    many = "".join(
        f"---\napiVersion: tdr/v1\nkind: SourceRegistration\nmetadata: {{name: more-{number}}}\nspec: {{source: lists}}\n"
        for number in range(6)
    )
    stage.write("manifests/more.yaml", many)
    adobe.control.fault("slow", method="GET", path="/flowSpecs/*", delay_s=0.02, count=None)
    stage.tdr("apply", "--yes")
    assert (counted(adobe)["connectionSpecs"], counted(adobe)["listed"]) == (7, 7)

    stage.write("manifests/more.yaml", "")
    stage.tdr("apply", "--yes", *stage.approvals())
    assert counted(adobe)["listed"] == 1
    stage.tdr("plan", "--detailed-exitcode")


def test_a_flow_that_somebody_deleted_is_made_again_of_the_parts_that_are_left(
    stage: Stage, adobe: AdobeSandbox
) -> None:
    stage.tdr("apply", "--yes")
    (flow,) = kept(adobe, "flows")
    adobe.control.call("DELETE", f"/objects/prod/flows/{flow['id']}")
    stage.clock.leap(60)  # right after it was made, a list that lacks it may only be late
    forget_traffic(adobe)
    stage.tdr("apply", "--yes", *stage.approvals())
    assert writes(adobe) == ["POST /flows"]
    assert counted(adobe) == ONE_OF_EACH


def test_an_account_of_another_specification_is_another_account(stage: Stage, adobe: AdobeSandbox) -> None:
    stage.tdr("apply", "--yes")
    stage.edit("manifests/lists.yaml", "  source: lists\n  auth", f"  connection_spec: {GENERIC_REST}\n  auth")
    forget_traffic(adobe)
    said = stage.tdr("apply", "--yes", expect=3)
    assert "/connection_spec cannot be changed" in said.out + said.err
    assert writes(adobe) == []


@pytest.mark.parametrize("there", [[], [{"name": "Other", "params": {}}], None], ids=["none", "another", "absent"])
def test_a_mapping_is_put_where_there_is_none(stage: Stage, adobe: AdobeSandbox, there: object) -> None:
    stage.tdr("apply", "--yes")
    changed(adobe, "flows", transformations=there)
    assert planned(stage) == {FLOW: ["update", "/mapping/id", "/mapping/version"]}
    stage.tdr("apply", "--yes")
    (flow,) = kept(adobe, "flows")
    assert flow["transformations"][0]["params"] == {"mappingId": "map-1", "mappingVersion": 0}
    stage.tdr("plan", "--detailed-exitcode")


def test_a_saved_plan_of_what_somebody_changed_since_is_refused(stage: Stage, adobe: AdobeSandbox) -> None:
    stage.tdr("apply", "--yes")
    stage.edit("manifests/lists.yaml", "interval: 6", "interval: 12")
    stage.tdr("plan", "--out", "flow.plan")
    changed(adobe, "flows", description="", name="somebody's")
    forget_traffic(adobe)
    said = stage.tdr("apply", "flow.plan", "--yes", expect=4)
    assert "/name was no change when planned" in said.err
    assert writes(adobe) == []


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("params: {listId: a1b2}", "params: {api_key: FAKE-key}", "is a secret, and inputs are shown"),
        ("params: {domain: emea, username: reader}", "params: {password: FAKE-key}", "is a secret"),
        ("2031-01-31T06:00:00Z", "2031-01-31T06:00:00", "must say its zone"),
        ("2031-01-31T06:00:00Z", "soon", "must be a moment"),
        ("frequency: hour, interval: 6", "frequency: once, interval: 6", "does not go with `frequency: once`"),
        ("frequency: hour, interval: 6", "frequency: minute, interval: 5", "15 or more"),
        ("frequency: hour, interval: 6", "frequency: day", "needs an `interval`"),
        ("  source: lists\n", "", "needs either `source`"),
        ("mapping: {id: map-1}", "flow_spec: other", "is not the one that `sourceregistration/lists` is listed in"),
    ],
    ids=["input", "parameter", "zone", "moment", "once", "minutes", "interval", "source", "flow-spec"],
)
def test_what_cannot_be_meant_is_told_before_any_call(
    stage: Stage, adobe: AdobeSandbox, before: str, after: str, expected: str
) -> None:
    stage.edit("manifests/lists.yaml", before, after)
    said = stage.tdr("validate", expect=7)
    assert expected in said.out + said.err
    assert "FAKE-key" not in said.err.replace(after, "")
    assert adobe.control.traffic() == []


def test_a_specification_without_authentications_is_refused(stage: Stage) -> None:
    text = (stage.folder / "sources/lists.yaml").read_text(encoding="utf-8")
    source = text.index("sourceSpec:")
    stage.write("sources/lists.yaml", text[source:])
    assert "has no `authSpec`" in stage.tdr("validate", expect=7).err
