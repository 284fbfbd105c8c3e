"""The client keeps tokens good, pages whole and etags as they came."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from adobe_scene import APPLICATION, CLIENT_SECRET, CONNECTION_SPEC, ORG, chain

from reconciler.apis.adobe import Change, FlowService, Kind
from reconciler.apis.adobe_connect import connect
from reconciler.emulators.adobe.sandbox import AdobeSandbox
from reconciler.errors import Conflict, Denied, NotFound, Permanent, ProviderError, Transient
from reconciler.model.dataflows import AdobeTarget
from reconciler.model.secret import Secret
from reconciler.providers.adobe.flow_parts import FlowParts


class SandboxClock:
    """The sandbox's own time, which passes while somebody sleeps."""

    def __init__(self, sandbox: AdobeSandbox) -> None:
        self._sandbox = sandbox

    def now(self) -> float:
        return self._sandbox.adobe.timeline.now()

    def sleep(self, seconds: float) -> None:
        self._sandbox.control.advance(seconds)


def target(at: AdobeSandbox, **values: object) -> AdobeTarget:
    secrets = {"client_id": APPLICATION.client_id, "client_secret": CLIENT_SECRET}
    told = {name: Secret(f"env:{name}", text) for name, text in secrets.items()}
    addresses = {"base_url": at.base_url, "login_url": at.base_url}
    return AdobeTarget.model_validate({"org_id": ORG, **told, **addresses, **values})


@pytest.fixture
def api(sandbox: AdobeSandbox) -> Iterator[FlowService]:
    api = connect(target(sandbox), clock=SandboxClock(sandbox))
    yield api
    api.close()


def tokens(sandbox: AdobeSandbox) -> int:
    return sum(call["path"].startswith("/ims/") for call in sandbox.control.traffic())


@pytest.mark.parametrize("unit", ["seconds", "milliseconds"])
def test_a_token_is_used_until_shortly_before_it_ends(api: FlowService, sandbox: AdobeSandbox, unit: str) -> None:
    sandbox.control.knobs(lifetime_unit=unit)
    api.may_read()
    sandbox.control.advance(86_399 - 301)
    api.may_read()
    assert tokens(sandbox) == 1
    sandbox.control.advance(2)
    api.may_read()
    assert tokens(sandbox) == 2


def test_a_token_that_was_ended_is_replaced(api: FlowService, sandbox: AdobeSandbox) -> None:
    api.may_read()
    sandbox.control.call("DELETE", "/tokens")
    api.may_read()
    assert tokens(sandbox) == 2


@pytest.mark.parametrize(
    ("values", "hint"),
    [
        ({"client_secret": Secret("env:x", "FAKE-other-secret")}, "belong together"),
        ({"client_id": Secret("env:x", "FAKE-other-id")}, "belong together"),
        ({"org_id": "OTHER@AdobeOrg"}, "belong together"),
        ({"sandbox": "nowhere"}, "adobe.sandbox"),
    ],
    ids=["secret", "id", "organisation", "sandbox"],
)
def test_who_is_not_let_in_is_told_what_to_look_at(sandbox: AdobeSandbox, values: dict[str, object], hint: str) -> None:
    with connect_closing(sandbox, values) as api, pytest.raises(Denied) as refused:
        api.one(Kind.FLOWS, "any")
    assert hint in refused.value.hint
    assert "FAKE-other" not in refused.value.message


def connect_closing(sandbox: AdobeSandbox, values: dict[str, object]) -> Closing:
    return Closing(connect(target(sandbox, **values), clock=SandboxClock(sandbox)))


class Closing:
    """A client that is closed at the end."""

    def __init__(self, api: FlowService) -> None:
        self._api = api

    def __enter__(self) -> FlowService:
        return self._api

    def __exit__(self, *_: object) -> None:
        self._api.close()


def test_lists_come_whole_and_each_object_once(api: FlowService, sandbox: AdobeSandbox, client: httpx.Client) -> None:
    for number in range(205):
        client.post("/connectionSpecs", json={**CONNECTION_SPEC, "name": f"made{number}"})
    names = [told["name"] for told in api.listed(Kind.CONNECTION_SPECS)]
    assert (len(names), len(set(names))) == (207, 207)
    assert [told["name"] for told in api.named(Kind.CONNECTION_SPECS, "made7")] == ["made7"]
    sandbox.control.fault("page_repeated", method="GET", path="/connectionSpecs", nth=2)
    with pytest.raises(Transient, match="never end"):
        api.listed(Kind.CONNECTION_SPECS)


def test_an_etag_is_sent_as_it_came_and_an_old_one_is_a_conflict(api: FlowService, client: httpx.Client) -> None:
    made = chain(client)["connections"]
    etag = str(api.one(Kind.CONNECTIONS, made)["etag"])
    api.patch(Kind.CONNECTIONS, made, etag, [Change("replace", "/name", "new")])
    assert api.one(Kind.CONNECTIONS, made)["name"] == "new"
    with pytest.raises(Conflict) as stale:
        api.patch(Kind.CONNECTIONS, made, etag, [Change("replace", "/name", "newer")])
    assert "tdr plan" in stale.value.hint


def test_what_is_used_is_a_conflict_and_what_is_gone_is_told(api: FlowService, client: httpx.Client) -> None:
    made = chain(client)
    with pytest.raises(Conflict, match="is used by"):
        api.delete(Kind.CONNECTIONS, made["connections"])
    api.delete(Kind.FLOWS, made["flows"])
    with pytest.raises(NotFound):
        api.one(Kind.FLOWS, made["flows"])


def test_a_flow_on_its_way_is_waited_for(api: FlowService, sandbox: AdobeSandbox, client: httpx.Client) -> None:
    made = chain(client)["flows"]
    sandbox.control.knobs(passing_s=12)
    api.switch(made, on=False)
    assert api.one(Kind.FLOWS, made)["state"] == "disabling"
    assert api.settled(made)["state"] == "disabled"
    sandbox.control.knobs(passing_s=1000)
    api.switch(made, on=True)
    with pytest.raises(Transient, match="updating"):
        api.settled(made)


@pytest.mark.parametrize("member", ["errorCode", "error_code", "code"])
@pytest.mark.parametrize("prefix", ["", "FLOW-"])
def test_a_code_is_found_wherever_it_stands(api: FlowService, sandbox: AdobeSandbox, member: str, prefix: str) -> None:
    sandbox.control.knobs(code_member=member, code_prefix=prefix, writes_specifications=False)
    with pytest.raises(Denied) as refused:
        api.create(Kind.CONNECTION_SPECS, CONNECTION_SPEC)
    assert "may not write connection specifications" in refused.value.hint


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"kind": "rate_limited", "reset_s": 20}, None),
        ({"kind": "error", "status": 503, "code": 1103}, None),
        ({"kind": "error", "status": 400, "code": 1420}, None),
        ({"kind": "error", "status": 400, "code": 1413}, Permanent),
        ({"kind": "error", "status": 403, "code": 2121}, Denied),
        ({"kind": "error", "status": 404, "code": 2103}, Denied),
        ({"kind": "html", "status": 404}, Permanent),
        ({"kind": "truncated"}, None),
    ],
    ids=["429", "503", "passing", "invalid", "permission", "no-sandbox", "page", "half"],
)
def test_faults_are_waited_out_or_told(
    api: FlowService, sandbox: AdobeSandbox, fault: dict[str, object], expected: type[ProviderError] | None
) -> None:
    kind = str(fault.pop("kind"))
    sandbox.control.fault(kind, path="/flows", **fault)
    if expected is None:
        assert api.listed(Kind.FLOWS) == []
        return
    with pytest.raises(expected) as refused:
        api.listed(Kind.FLOWS)
    assert not isinstance(refused.value, NotFound)


@pytest.mark.parametrize("kind", [Kind.SOURCES, Kind.TARGETS])
def test_a_part_is_left_behind_only_when_no_flow_uses_it(
    api: FlowService, sandbox: AdobeSandbox, client: httpx.Client, kind: Kind
) -> None:
    made = chain(client)
    part, mark, objects = made[kind.value], "tdr:shop/test/dataflow/rows", "/objects/prod"
    sandbox.control.call("PATCH", f"{objects}/{kind.value}/{part}", {"description": mark})
    member = "sourceConnectionIds" if kind is Kind.SOURCES else "targetConnectionIds"
    sandbox.control.call("PATCH", f"{objects}/flows/{made['flows']}", {member: ["another", part]})
    parts = FlowParts(api)
    assert parts.left_behind(kind, mark) == []
    sandbox.control.call("DELETE", f"{objects}/flows/{made['flows']}")
    assert [told["id"] for told in parts.left_behind(kind, mark)] == [part]
    assert parts.left_behind(kind, "") == []
    parts.remove_left_behind(mark)
    assert parts.left_behind(kind, mark) == []
