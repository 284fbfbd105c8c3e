"""The destination with its real client against the emulator, over loopback HTTP with faults."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from export_world import FakeClock, digest, rows_of, settings_of
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_tokens import MemoryTokens

from reconciler.connectors.destinations.pinterest import PinterestDestination
from reconciler.connectors.destinations.pinterest_client import CancellableClock, connector
from reconciler.emulators.pinterest.knobs import Knobs
from reconciler.emulators.pinterest.tokens import AppCredentials
from reconciler.emulators.sandbox import Sandbox
from reconciler.errors import Conflict, ProviderError, Transient
from reconciler.model.json import Json
from reconciler.ports.exports import ExportReport, ExportRequest

PEOPLE = [f"person{number}@example.com" for number in range(12)]
ADD = "add_people_to_current_audience"
REMOVE = "remove_people_to_current_audience"
REPLACE = "replace_current_audience"
CLEAR = "delete_current_audience"
CREATE = "create_new_audience"
FAULTS = ("rate_limited", "error", "html", "cut", "answer_lost", "cut_midway", "truncated", "malformed")
WRITES = ("POST", "PATCH")


class World:
    """A destination in front of a sandbox."""

    def __init__(self, sandbox: Sandbox, folder: Path, base_url: str = "") -> None:
        self.control = sandbox.control
        self.events: list[str] = []
        connect = connector(MemoryTokens(), base_url=base_url or sandbox.base_url, clock=FakeClock())
        self.destination = PinterestDestination(connect, folder, clock=FakeClock(), allow_empty_replace=True)
        self.jobs = 0

    def run(self, people: list[str], action: str, target: str, **more: Json) -> ExportReport:
        self.jobs += 1
        request = ExportRequest("pinterest", settings_of(action, target, **more), f"job-{self.jobs}")
        with rows_of(people) as connection:
            return self.destination.export(
                request, connection, lambda _done, _total, event="": self.events.append(event), threading.Event()
            )

    def members(self, audience_id: str) -> set[str]:
        [audience] = [one for one in self.control.audiences() if one["id"] == audience_id]
        return set(self.control.members(audience["rule"]["customer_list_id"]))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    credentials = AppCredentials("app", "s3cret", "r3fresh")
    with Sandbox(credentials, knobs=Knobs(rate_tier="off")) as running:
        yield running


@pytest.fixture
def world(sandbox: Sandbox, tmp_path: Path) -> World:
    sandbox.control.reset()
    return World(sandbox, tmp_path)


def digests(people: set[str] | list[str]) -> set[str]:
    return {digest(person) for person in people}


def test_an_address_among_the_settings_goes_before_the_usual_one(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.control.reset()
    world = World(sandbox, tmp_path, base_url="http://127.0.0.1:9/v5")

    made = world.run(PEOPLE[:2], CREATE, "vip", base_url=sandbox.base_url).audience_id

    assert world.members(made) == digests(PEOPLE[:2])


def test_an_audience_is_created_filled_replaced_and_emptied(world: World) -> None:
    made = world.run(PEOPLE[:5], CREATE, "vip", limit_records_per_request=2).audience_id
    assert world.members(made) == digests(PEOPLE[:5])
    world.run(PEOPLE[3:8], REPLACE, made)
    assert world.members(made) == digests(PEOPLE[3:8])
    world.run(PEOPLE[:1], ADD, made)
    world.run(PEOPLE[4:6], REMOVE, made)
    assert world.members(made) == digests([PEOPLE[0], PEOPLE[3], *PEOPLE[6:8]])
    with pytest.raises(Conflict, match="exists already"):
        world.run(PEOPLE[:5], CREATE, "vip")
    world.run([], CLEAR, made)
    assert world.members(made) == set()


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("nth", [1, 2, 3, 4])
def test_a_create_under_faults_ends_with_one_list_and_one_audience(world: World, kind: str, nth: int) -> None:
    # The 1st POST makes the list, the PATCHes fill it, the last POST makes the audience; the token call is no part of it.
    world.control.fault(kind, method="*", path="/ad_accounts/**", nth=nth + 2)
    try:
        report = world.run(PEOPLE[:5], CREATE, "vip", limit_records_per_request=2)
    except Transient:
        world.control.clear_faults()
        report = world.run(PEOPLE[:5], CREATE, "vip", limit_records_per_request=2)
    assert len(world.control.lists()) == 1
    assert len(world.control.audiences()) == 1
    assert world.members(report.audience_id) == digests(PEOPLE[:5])


def test_a_daily_quota_stops_the_run_and_the_next_goes_on(world: World) -> None:
    made = world.run(PEOPLE[:1], CREATE, "vip").audience_id
    world.control.fault("rate_limited", method="PATCH", nth=3, count=None, reset_s=67_150)
    with pytest.raises(Transient, match="asks to wait"):
        world.run(PEOPLE, ADD, made, limit_records_per_request=2)
    assert len(world.members(made)) == 5
    world.control.clear_faults()
    report = world.run(PEOPLE, ADD, made, limit_records_per_request=2)
    assert (report.sent, world.members(made)) == (7, digests(PEOPLE))


def test_a_body_that_is_too_large_is_halved(world: World) -> None:
    made = world.run(PEOPLE[:1], CREATE, "vip").audience_id
    world.control.knobs(body_limit_bytes=300)
    world.run(PEOPLE, ADD, made)
    assert world.members(made) == digests(PEOPLE)


FAULT = st.tuples(st.sampled_from(FAULTS), st.integers(1, 4))
STEP = st.tuples(
    st.sampled_from([ADD, REMOVE, REPLACE, CLEAR]), st.sets(st.sampled_from(PEOPLE)), st.lists(FAULT, max_size=2)
)


@settings(max_examples=15, deadline=None)
@given(steps=st.lists(STEP, min_size=1, max_size=3), last=st.sets(st.sampled_from(PEOPLE)))
def test_whatever_went_wrong_before_a_replace_leaves_exactly_its_rows(
    sandbox: Sandbox,
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[str, set[str], list[tuple[str, int]]]],
    last: set[str],
) -> None:
    sandbox.control.reset()
    world = World(sandbox, tmp_path_factory.mktemp("law"))
    made = world.run(PEOPLE[:3], CREATE, "vip").audience_id
    for action, people, faults in steps:
        for kind, nth in faults:
            world.control.fault(kind, method="PATCH", nth=nth, count=2)
        with suppress(ProviderError):
            world.run(sorted(people), action, made, limit_records_per_request=2, retry_count=1)
        world.control.clear_faults()

    world.run(sorted(last), REPLACE, made, limit_records_per_request=5)

    assert world.members(made) == digests(last)


def test_a_cancelled_run_does_not_wait_to_the_end() -> None:
    cancelled = threading.Event()
    clock = FakeClock()
    before = clock.now()
    cancelled.set()
    with pytest.raises(Transient, match="cancelled while it waited"):
        CancellableClock(clock, cancelled).sleep(300)
    assert clock.now() == before
    CancellableClock(clock, threading.Event()).sleep(3)
    assert clock.now() == before + 3
