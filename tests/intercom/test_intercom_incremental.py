"""Incremental loads lose nothing and double nothing, whatever the workspace's zone, its days and the delay of its search."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intercom_loads import Loads, Watching
from openapi_contract import NO_TLS, CheckedTransport

from reconciler.emulators.intercom.sandbox import IntercomSandbox
from reconciler.emulators.intercom.world import World

ZONES = ("America/Los_Angeles", "Asia/Tokyo", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu", "UTC")
DAY = 86_400


@pytest.fixture
def loads(sandbox: IntercomSandbox, checked: CheckedTransport, tmp_path: Path) -> Callable[..., Loads]:
    return lambda **settings: Loads(sandbox, tmp_path, checked, incremental=True, **settings)


@dataclass(frozen=True)
class Step:
    """Some time passes, some objects change, which search notices after a while, and perhaps a load runs."""

    passes_s: int
    delay_s: int
    changes: tuple[int, ...]
    runs: bool


steps = st.lists(
    st.builds(
        Step,
        passes_s=st.one_of(st.integers(0, 900), st.integers(0, 3 * DAY)),
        delay_s=st.sampled_from([0, 120, 1800]),
        changes=st.lists(st.integers(0, 5), max_size=3).map(tuple),
        runs=st.booleans(),
    ),
    min_size=1,
    max_size=7,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    plan=steps,
    zone=st.sampled_from(ZONES),
    target=st.sampled_from(["users", "conversations"]),
    reading=st.sampled_from(["day", "second"]),
    greater=st.sampled_from(["strict", "inclusive"]),
)
def test_what_is_there_at_last_is_what_is_at_intercom(
    sandbox: IntercomSandbox, plan: list[Step], zone: str, target: str, reading: str, greater: str
) -> None:
    sandbox.control.reset()
    knobs = {"timezone": zone, "date_filters": reading, "greater_in_conversations": greater}
    sandbox.control.knobs(**knobs)
    world, timeline = sandbox.intercom.world, sandbox.intercom.timeline
    with tempfile.TemporaryDirectory() as folder:
        transport = httpx.HTTPTransport(verify=NO_TLS)
        load = Loads(sandbox, Path(folder), transport, target=target, incremental=True)
        for number, step in enumerate(plan):
            timeline.advance(step.passes_s)
            world.knobs = world.knobs.model_copy(update={"index_delay_s": step.delay_s})
            for one in step.changes:
                changed(world, target, str(one), number)
            if step.runs:
                load.run()
        timeline.advance(1800)
        load.run()
        transport.close()
    shelf = world.contacts if target == "users" else world.conversations
    there = {key: value["name" if target == "users" else "title"] for key, value in shelf.now.items()}
    assert {key: row["name" if target == "users" else "title"] for key, row in load.table.items()} == there


def changed(world: World, target: str, key: str, number: int) -> None:
    if target == "users":
        world.put_contact(key, {"name": f"as of step {number}"})
    else:
        world.put_conversation(key, {"title": f"as of step {number}"})


def test_the_position_is_the_newest_change_and_not_the_time_of_the_run(
    loads: Callable[..., Loads], world: World, sandbox: IntercomSandbox
) -> None:
    world.put_contact("c1", {})
    newest = int(sandbox.intercom.timeline.now())
    load = loads(target="users")
    sandbox.control.advance(5 * DAY)
    load.run()
    assert load.position == {"target": "users", "leads": False, "updated_at": newest}
    sandbox.control.advance(DAY)
    load.run()
    assert load.position["updated_at"] == newest


def test_a_run_asks_a_day_and_an_hour_and_the_overlap_back_and_keeps_the_overlap(
    sandbox: IntercomSandbox, checked: CheckedTransport, world: World, tmp_path: Path
) -> None:
    watching = Watching(checked)
    load = Loads(sandbox, tmp_path, watching, target="users", incremental=True, overlap=600)
    newest = int(sandbox.intercom.timeline.now())
    for name, age in {"old": 7200, "near": 600, "newest": 0}.items():
        world.put_contact(name, {"updated_at": newest - age})
    load.run()
    assert [row["id"] for row in load.run()] == ["near", "newest"]
    asked: list[Any] = [body["query"] for body in watching.bodies()]
    role = {"field": "role", "operator": "=", "value": "user"}
    assert asked[0] == role
    since = {"field": "updated_at", "operator": ">", "value": newest - 600 - 90_000}
    assert asked[1] == {"operator": "AND", "value": [role, since]}
    assert load.loaded is not None
    assert load.loaded.key == ("id",)


def test_a_position_of_another_question_is_not_gone_on_from(loads: Callable[..., Loads], world: World) -> None:
    load = loads(target="users")
    world.put_contact("u1", {"updated_at": 1_700_000_000})
    world.put_contact("u2", {"updated_at": 1_780_000_000})
    world.put_contact("l1", {"role": "lead", "updated_at": 1_700_000_000})
    load.run()
    load.source["leads"] = True
    assert [row["id"] for row in load.run()] == ["l1", "u1", "u2"]


def test_a_load_that_is_not_incremental_leaves_no_position_and_stores_rows_of_their_own(
    sandbox: IntercomSandbox, checked: CheckedTransport, world: World, tmp_path: Path
) -> None:
    world.put_contact("u1", {})
    load = Loads(sandbox, tmp_path, checked, target="users")
    load.run()
    assert load.loaded is not None
    assert (load.loaded.key, load.loaded.position) == ((), None)


def test_what_was_merged_is_told_of_as_not_to_be_seen(loads: Callable[..., Loads], world: World) -> None:
    world.put_contact("u1", {})
    world.put_contact("u2", {})
    load = loads(target="users")
    load.run()
    world.merge_contact("u1", into="u2")
    load.run()
    assert sorted(load.table) == ["u1", "u2"]
    assert load.loaded is not None
    assert "until a load with `mode: replace`" in load.loaded.notices[1]
