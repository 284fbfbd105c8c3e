"""Our client against the tenant: pages, tokens, answers that are spoiled, and what must not be said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hurried import HurriedClock
from qlik_tenant import KEY, MACHINE, MACHINE_SECRET

from reconciler.apis.qlik import QlikClient
from reconciler.apis.qlik_connect import Machine, connect
from reconciler.emulators.qlik.sandbox import QlikSandbox
from reconciler.errors import Conflict, Denied, OutcomeUnknown, Permanent, Transient
from reconciler.model.secret import Secret
from reconciler.ports.clock import SystemClock

SOURCE = "qdi-pinterest-marketing"
PROPERTIES = {"clientId": "app-1", "clientSecret": "FAKE-app-secret"}


class LeapingClock(SystemClock):
    """Waiting takes no time, and is over when it should be."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def now(self) -> float:
        return super().now() + self.ahead_s

    def sleep(self, seconds: float) -> None:
        self.ahead_s += seconds


@pytest.fixture
def client(qlik: QlikSandbox) -> Iterator[QlikClient]:
    connected = connect(qlik.base_url, Secret("env:QLIK_API_KEY", KEY), clock=HurriedClock())
    yield connected
    connected.close()


def test_all_pages_of_a_list_are_read(client: QlikClient, qlik: QlikSandbox) -> None:
    for number in range(205):
        qlik.control.call("POST", "/spaces", {"name": f"space {number}"})

    assert len({space.name for space in client.spaces()}) == 205


def test_a_machine_gets_a_new_token_when_the_old_one_is_refused(qlik: QlikSandbox) -> None:
    machine = Machine(MACHINE, Secret("env:QLIK_CLIENT_SECRET", MACHINE_SECRET))
    connected = connect(qlik.base_url, machine, clock=HurriedClock())
    assert connected.spaces() == []
    qlik.control.call("DELETE", "/keys")

    assert connected.spaces() == []
    connected.close()


def test_a_refused_key_says_what_now_and_not_the_key(qlik: QlikSandbox, client: QlikClient) -> None:
    qlik.control.call("DELETE", "/keys")

    with pytest.raises(Denied) as refused:
        client.spaces()
    assert "make a new one" in refused.value.hint
    assert KEY not in refused.value.message + refused.value.hint


@pytest.mark.parametrize("form", ["mapping", "list", "schema"])
def test_names_of_properties_are_found_in_each_form(qlik: QlikSandbox, client: QlikClient, form: str) -> None:
    qlik.control.knobs(api_specs=form)

    assert client.properties(SOURCE) == ("clientId", "clientSecret", "endTime", "gateway", "startTime")


def test_a_taken_name_is_a_conflict(client: QlikClient) -> None:
    client.create_connection(SOURCE, "ads", "", PROPERTIES)

    with pytest.raises(Conflict):
        client.create_connection(SOURCE, "ads", "", PROPERTIES)


@pytest.mark.parametrize("kind", ["answer_lost", "cut_midway", "truncated"])
def test_a_creation_without_an_answer_is_not_repeated(qlik: QlikSandbox, client: QlikClient, kind: str) -> None:
    qlik.control.fault(kind, method="POST", path="/api/v1/data-connections")

    with pytest.raises(OutcomeUnknown):
        client.create_connection(SOURCE, "ads", "", PROPERTIES)
    assert len(client.connections()) == 1


def test_a_full_minute_is_waited_for(qlik: QlikSandbox, client: QlikClient) -> None:
    qlik.control.fault("rate_limited", retry_after_s=7)

    assert client.spaces() == []


def test_a_list_that_is_none_is_told(qlik: QlikSandbox, client: QlikClient) -> None:
    qlik.control.fault("malformed", path="/api/v1/data-connections", count=None)

    with pytest.raises(Transient):
        client.connections()


def test_a_code_that_is_of_no_use_is_refused_and_not_repeated(client: QlikClient) -> None:
    made = client.create_connection(SOURCE, "ads", "", PROPERTIES)
    rename: list[dict[str, Any]] = [{"op": "replace", "path": "/qName", "value": "ads"}]

    with pytest.raises(Permanent) as refused:
        client.patch_connection(made.id, rename, code="FAKE-code-nobody-gave")
    assert "FAKE-code" not in refused.value.message


@pytest.mark.parametrize("end", ["FAILED", "CANCELED"])
def test_an_action_that_ends_badly_is_told(qlik: QlikSandbox, client: QlikClient, end: str) -> None:
    qlik.control.knobs(action_ends=end)
    project = qlik.control.call("POST", "/projects", {"name": "Ads"})["id"]
    task = qlik.control.call("POST", f"/projects/{project}/tasks", {"name": "Landing"})["id"]

    with pytest.raises(Permanent, match=end):
        client.projects.prepare(project, task, may_recreate=False)


def test_an_action_that_never_ends_is_given_up(qlik: QlikSandbox) -> None:
    client = connect(qlik.base_url, Secret("env:QLIK_API_KEY", KEY), clock=LeapingClock())
    qlik.control.knobs(action_polls=100_000)
    project = qlik.control.call("POST", "/projects", {"name": "Ads"})["id"]
    task = qlik.control.call("POST", f"/projects/{project}/tasks", {"name": "Landing"})["id"]

    with pytest.raises(Transient, match="longer than"):
        client.projects.validate(project, task)
    client.close()
