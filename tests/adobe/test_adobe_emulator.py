"""The emulator does what the facts about Adobe's Flow Service say."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from adobe_scene import (
    APPLICATION,
    CONNECTION_SPEC,
    ORG,
    asked_for_token,
    chain,
    code,
    flow_of,
    granted,
    one,
    posted,
)

from reconciler.emulators.adobe.sandbox import AdobeSandbox
from reconciler.emulators.adobe.world import GENERIC_REST, REST_TO_PLATFORM


def test_a_token_is_good_for_a_day_and_then_no_more(client: httpx.Client, sandbox: AdobeSandbox) -> None:
    assert asked_for_token(sandbox).json()["expires_in"] == 86_399
    assert client.get("/flows").status_code == 200

    sandbox.control.advance(86_399)

    assert code(client.get("/flows")) == (401, "2001-401")
    client.headers["authorization"] = f"Bearer {granted(sandbox)}"
    assert client.get("/flows").status_code == 200


def test_lifetimes_may_be_said_in_milliseconds(sandbox: AdobeSandbox) -> None:
    sandbox.control.knobs(lifetime_unit="milliseconds")
    assert asked_for_token(sandbox).json()["expires_in"] == 86_399_000


def test_wrong_credentials_get_no_token(sandbox: AdobeSandbox) -> None:
    answer = asked_for_token(sandbox, client_secret="another")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")


@pytest.mark.parametrize(
    ("header", "value", "expected"),
    [
        ("authorization", None, (401, "2000-401")),
        ("authorization", "Bearer nobody", (401, "2001-401")),
        ("x-gw-ims-org-id", "OTHER@AdobeOrg", (401, "2002-401")),
        ("x-api-key", "other", (403, "2118-403")),
        ("x-sandbox-name", None, (400, "2105-400")),
        ("x-sandbox-name", "nowhere", (404, "2100-404")),
    ],
    ids=["no-token", "wrong-token", "wrong-org", "wrong-key", "no-sandbox", "unknown-sandbox"],
)
def test_every_header_is_needed(
    client: httpx.Client, header: str, value: str | None, expected: tuple[int, str]
) -> None:
    del client.headers[header]
    headers = {} if value is None else {header: value}
    assert code(client.get("/flows", headers=headers)) == expected


def test_sandboxes_know_nothing_of_each_other(client: httpx.Client) -> None:
    made = posted(client, "connectionSpecs", CONNECTION_SPEC)
    assert one(client, "connectionSpecs", made)["sandboxName"] == "prod"

    client.headers["x-sandbox-name"] = "dev"

    assert code(client.get(f"/connectionSpecs/{made}")) == (404, "1101-404")


def test_a_specification_is_put_whole_and_never_deleted(client: httpx.Client) -> None:
    made = posted(client, "connectionSpecs", {**CONNECTION_SPEC, "description": "told to nobody"})
    assert "description" not in one(client, "connectionSpecs", made)

    client.put(f"/connectionSpecs/{made}", json={"name": "bare", "providerId": CONNECTION_SPEC["providerId"]})

    assert "sourceSpec" not in one(client, "connectionSpecs", made)
    assert client.delete(f"/connectionSpecs/{made}").status_code == 404


def test_a_careless_put_of_a_flow_specification_removes_the_sources_of_others(client: httpx.Client) -> None:
    made = posted(client, "connectionSpecs", CONNECTION_SPEC)
    before = one(client, "flowSpecs", REST_TO_PLATFORM)
    client.put(f"/flowSpecs/{REST_TO_PLATFORM}", json={**before, "sourceConnectionSpecIds": [made]})
    assert GENERIC_REST not in one(client, "flowSpecs", REST_TO_PLATFORM)["sourceConnectionSpecIds"]


def test_transformations_are_lost_where_a_put_calls_them_otherwise(client: httpx.Client, sandbox: AdobeSandbox) -> None:
    sandbox.control.knobs(transformations_member="transformationSpec")
    before = one(client, "flowSpecs", REST_TO_PLATFORM)
    client.put(f"/flowSpecs/{REST_TO_PLATFORM}", json=before)
    assert one(client, "flowSpecs", REST_TO_PLATFORM)["transformationSpecs"] == []

    client.put(f"/flowSpecs/{REST_TO_PLATFORM}", json={**before, "transformationSpec": before["transformationSpecs"]})
    assert one(client, "flowSpecs", REST_TO_PLATFORM)["transformationSpecs"] == before["transformationSpecs"]


def test_a_token_may_not_be_allowed_to_write_specifications(client: httpx.Client, sandbox: AdobeSandbox) -> None:
    sandbox.control.knobs(writes_specifications=False)
    assert code(client.post("/connectionSpecs", json=CONNECTION_SPEC)) == (400, "1426-400")


def test_a_chain_is_made_and_tells_no_secret(client: httpx.Client) -> None:
    made = chain(client)
    assert one(client, "connections", made["connections"])["auth"]["params"]["password"] == "**********"
    assert one(client, "flows", made["flows"])["state"] == "enabled"


def test_a_flow_needs_a_source_that_its_specification_lists(client: httpx.Client) -> None:
    made = chain(client)
    flow_spec = one(client, "flowSpecs", REST_TO_PLATFORM)
    client.put(f"/flowSpecs/{REST_TO_PLATFORM}", json={**flow_spec, "sourceConnectionSpecIds": [GENERIC_REST]})
    refused = client.post("/flows", json=flow_of(made))
    assert code(refused) == (400, "1413-400")


def test_a_change_needs_the_newest_etag(client: httpx.Client) -> None:
    made = chain(client)
    path = f"/connections/{made['connections']}"
    etag = one(client, "connections", made["connections"])["etag"]
    rename = [{"op": "replace", "path": "/name", "value": "renamed"}]
    assert etag[0] == etag[-1] == '"'
    assert code(client.patch(path, json=rename)) == (400, "1403-400")

    newer = client.patch(path, json=rename, headers={"if-match": etag}).json()["etag"]

    assert newer != etag
    assert code(client.patch(path, json=rename, headers={"if-match": etag})) == (412, "1404-412")
    assert one(client, "connections", made["connections"])["name"] == "renamed"


@pytest.mark.parametrize(
    ("kind", "change", "expected"),
    [
        ("connections", {"path": "/connectionSpec/id", "value": GENERIC_REST}, (400, "1414-400")),
        ("connections", {"path": "/auth/specName", "value": "oauth"}, (400, "1415-400")),
        ("flows", {"path": "/sourceConnectionIds/0", "value": "x"}, (400, "1413-400")),
        ("flows", {"path": "/scheduleParams/interval", "value": 0}, (400, "1413-400")),
        ("flows", {"path": "/nothing/here", "value": 1}, (400, "1413-400")),
    ],
    ids=["specification", "authentication", "source", "interval", "no-such-path"],
)
def test_what_cannot_be_changed_is_refused(
    client: httpx.Client, kind: str, change: dict[str, Any], expected: tuple[int, str]
) -> None:
    made = chain(client)
    headers = {"if-match": one(client, kind, made[kind])["etag"]}
    answer = client.patch(f"/{kind}/{made[kind]}", json=[{"op": "replace", **change}], headers=headers)
    assert code(answer) == expected


def test_a_start_that_has_passed_stays(client: httpx.Client, sandbox: AdobeSandbox) -> None:
    made = chain(client)
    later = [{"op": "replace", "path": "/scheduleParams/startTime", "value": 1_790_090_000}]

    def change() -> httpx.Response:
        headers = {"if-match": one(client, "flows", made["flows"])["etag"]}
        return client.patch(f"/flows/{made['flows']}", json=later, headers=headers)

    assert change().status_code == 200
    sandbox.control.advance(86_000)
    assert change().status_code == 200
    sandbox.control.advance(10_000)
    client.headers["authorization"] = f"Bearer {granted(sandbox)}"
    later[0]["value"] = 1_790_200_000
    assert code(change()) == (400, "1413-400")


def test_a_state_is_switched_by_an_action_and_passes_on_the_way(client: httpx.Client, sandbox: AdobeSandbox) -> None:
    made = chain(client)
    assert code(client.post("/flows", json={**flow_of(made), "state": "disabled"})) == (400, "1410-400")
    sandbox.control.knobs(passing_s=30)
    action = f"/flows/{made['flows']}/action"

    assert client.post(action, params={"op": "disable"}).status_code == 202

    assert one(client, "flows", made["flows"])["state"] == "disabling"
    assert code(client.post(action, params={"op": "enable"})) == (400, "1420-400")
    sandbox.control.advance(30)
    told = one(client, "flows", made["flows"])
    assert (told["state"], told["lastOperation"]["status"]["value"]) == ("disabled", "success")


def test_what_is_used_cannot_go(client: httpx.Client) -> None:
    made = chain(client)
    assert code(client.delete(f"/connections/{made['connections']}")) == (400, "1418-400")
    assert code(client.delete(f"/sourceConnections/{made['sourceConnections']}")) == (400, "1447-400")
    for kind in ("flows", "sourceConnections", "targetConnections", "connections"):
        assert client.delete(f"/{kind}/{made[kind]}").status_code == 204
    assert client.get("/connections").json() == {"items": []}


def test_lists_have_pages_filters_and_counts(client: httpx.Client) -> None:
    for number in range(5):
        posted(client, "connectionSpecs", {**CONNECTION_SPEC, "name": f"made{number}"})
    first = client.get("/connectionSpecs", params={"limit": 4, "orderby": "name"}).json()
    names = [told["name"] for told in first["items"]]
    second = client.get(first["_links"]["next"]["href"].removeprefix("/data/foundation/flowservice")).json()
    names += [told["name"] for told in second["items"]]

    assert names == ["data-lake", "generic-rest-extension", *(f"made{number}" for number in range(5))]
    assert "_links" not in second
    found = client.get("/connectionSpecs", params={"property": 'name=="made3"'}).json()["items"]
    assert [told["name"] for told in found] == ["made3"]
    for unsaid in ('name=="a\\b"', 'name=="a"b"', 'name=="a,b"'):
        assert code(client.get("/connectionSpecs", params={"property": unsaid})) == (400, "1453-400")
    assert client.get("/connectionSpecs", params={"count": "true"}).json() == {"count": 7}
    assert code(client.get("/connectionSpecs", params={"count": "true", "limit": 1})) == (400, "1401-400")


def test_only_flows_that_run_once_are_run(client: httpx.Client) -> None:
    made = chain(client)
    assert code(client.post("/runs", json={"flowId": made["flows"]})) == (400, "1413-400")
    once = posted(
        client, "flows", {**flow_of(made), "scheduleParams": {"startTime": "1790000000", "frequency": "once"}}
    )
    run = posted(client, "runs", {"flowId": once})
    told = client.get("/runs", params={"property": f"flowId=={once}"}).json()["items"]
    assert [one["id"] for one in told] == [run]
    assert client.get("/runs", params={"property": f"flowId=={made['flows']}"}).json()["items"] == []
    assert client.post(f"/runs/{run}/action", params={"op": "RE_TRIGGER"}).status_code == 200


def test_a_run_is_scheduled_goes_on_and_ends_with_its_records(client: httpx.Client, sandbox: AdobeSandbox) -> None:
    made = chain(client)
    schedule = {"startTime": "1790000000", "frequency": "once"}
    once = posted(client, "flows", {**flow_of(made), "scheduleParams": schedule})
    sandbox.control.knobs(run_s=60, run_rows=100, run_failed_rows=1)
    run = posted(client, "runs", {"flowId": once})

    def status() -> str:
        return str(one(client, "runs", run)["metrics"]["statusSummary"]["status"])

    assert status() == "scheduled"
    sandbox.control.advance(30)
    assert status() == "inProgress"
    sandbox.control.advance(30)
    assert status() == "success"
    assert one(client, "runs", run)["metrics"]["recordSummary"] == {
        "inputRecordCount": 100,
        "outputRecordCount": 99,
        "failedRecordCount": 1,
    }
    client.post(f"/flows/{once}/action", params={"op": "disable"})
    assert client.post("/runs", json={"flowId": once}).status_code == 400


def test_more_calls_than_allowed_wait(client: httpx.Client, sandbox: AdobeSandbox) -> None:
    sandbox.control.knobs(calls_per_minute=1)
    assert client.get("/flows").status_code == 200
    refused = client.get("/flows")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "40")
    sandbox.control.advance(40)
    assert client.get("/flows").status_code == 200


def test_numbers_may_come_back_as_text(client: httpx.Client, sandbox: AdobeSandbox) -> None:
    spec = {**CONNECTION_SPEC, "attributes": {"uiAttributes": {"order": 7}}}
    made = posted(client, "connectionSpecs", spec)
    sandbox.control.knobs(numbers_told="text")
    assert one(client, "connectionSpecs", made)["attributes"]["uiAttributes"]["order"] == "7"


def test_a_fault_is_worded_as_the_vendor_would(client: httpx.Client, sandbox: AdobeSandbox) -> None:
    sandbox.control.fault("error", method="GET", path="/flows", status=503, code=1103)
    sandbox.control.fault("token_expired", method="GET", path="/connections")
    assert code(client.get("/flows")) == (503, "1103-503")
    assert code(client.get("/connections")) == (401, "2001-401")
    assert [call["faults"] for call in sandbox.control.traffic()[-2:]] == [["error"], ["token_expired"]]


def test_the_organisation_is_one(sandbox: AdobeSandbox) -> None:
    assert (sandbox.adobe.world.org_id, APPLICATION.client_id) == (ORG, "fake-client-id-of-tests")
