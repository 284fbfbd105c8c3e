"""`kill -9` and lost answers at every request that changes something at Adobe: the next run ends with one of each."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from adobe_stage import ONE_OF_EACH, PASSWORD, WRITES, counted, kept, listing_project, writes
from stage import Stage, ended

from reconciler.emulators.adobe.sandbox import AdobeSandbox

DRIVER = Path(__file__).with_name("killed_at_adobe.py")
DESTROYS = 5
"""Requests of a destroy: flow, source and target connection, account, and the list of the flow specification."""
REPLACES = 6
"""Requests of a replacement: flow, source and target connection, away and made anew."""
CREATES = [
    ("POST", "/connectionSpecs"),
    ("PUT", "/flowSpecs/*"),
    ("POST", "/connections"),
    ("POST", "/sourceConnections"),
    ("POST", "/targetConnections"),
    ("POST", "/flows"),
]
NOTHING = dict.fromkeys(ONE_OF_EACH, 0) | {"connectionSpecs": 1}


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[Stage, AdobeSandbox]]:
    with listing_project(tmp_path / "lists") as both:
        yield both


def killed(stage: Stage, where: str, number: int, *command: str) -> None:
    process = stage.start([sys.executable, str(DRIVER), where, str(number), *command])
    out, err = ended(process)
    stage.heard += [out, err]
    assert process.returncode == -signal.SIGKILL, out + err
    stage.clock.leap(300)  # what was made may be listed late, so a run right after it waits


def at_each(count: int) -> list[object]:
    """Before and after each of *count* requests; a process each takes its time, so a third on most days."""
    return [
        pytest.param(where, number, marks=() if number % 3 == (1 if where == "after" else 0) else pytest.mark.slow)
        for number in range(1, count + 1)
        for where in ("before", "after")
    ]


def test_the_number_of_requests_is_what_it_was(both: tuple[Stage, AdobeSandbox]) -> None:
    stage, adobe = both
    stage.tdr("apply", "--yes")
    assert len(writes(adobe)) == WRITES == len(CREATES)
    stage.tdr("destroy", "--yes", "--env", "local")
    assert len(writes(adobe)) == WRITES + DESTROYS


@pytest.mark.parametrize(("where", "number"), at_each(WRITES))
def test_a_killed_apply_is_gone_on_with(both: tuple[Stage, AdobeSandbox], where: str, number: int) -> None:
    stage, adobe = both
    killed(stage, where, number, "apply", "--yes")

    stage.tdr("apply", "--yes")

    assert counted(adobe) == ONE_OF_EACH
    stage.tdr("plan", "--detailed-exitcode")
    assert PASSWORD not in "".join(stage.heard)


@pytest.mark.parametrize(("where", "number"), at_each(REPLACES))
def test_a_killed_replacement_is_gone_on_with(both: tuple[Stage, AdobeSandbox], where: str, number: int) -> None:
    stage, adobe = both
    stage.tdr("apply", "--yes")
    stage.edit("manifests/lists.yaml", "listId: a1b2", "listId: c3d4")
    killed(stage, where, number, "apply", "--yes")

    stage.tdr("apply", "--yes", *stage.approvals())

    assert counted(adobe) == ONE_OF_EACH
    assert kept(adobe, "sourceConnections")[0]["params"] == {"listId": "c3d4"}
    stage.tdr("plan", "--detailed-exitcode")


@pytest.mark.parametrize(("where", "number"), [("before", 7), ("after", 7), ("after", 6)])
def test_a_flow_that_is_to_be_off_is_off_though_it_was_killed_on_the_way(
    both: tuple[Stage, AdobeSandbox], where: str, number: int
) -> None:
    stage, adobe = both
    stage.edit("manifests/lists.yaml", "mapping: {id: map-1}", "mapping: {id: map-1}\n  enabled: false")
    killed(stage, where, number, "apply", "--yes")

    stage.tdr("apply", "--yes")

    assert counted(adobe) == ONE_OF_EACH
    assert kept(adobe, "flows")[0]["state"] == "disabled"
    stage.tdr("plan", "--detailed-exitcode")


@pytest.mark.parametrize(("where", "number"), [(where, number) for number in (1, 2) for where in ("before", "after")])
def test_a_source_that_moves_is_listed_in_one_place_though_it_was_killed_on_the_way(
    both: tuple[Stage, AdobeSandbox], where: str, number: int
) -> None:
    stage, adobe = both
    stage.tdr("apply", "--yes")
    world = adobe.adobe.world
    other = {**kept(adobe, "flowSpecs")[0], "name": "another", "sourceConnectionSpecIds": []}
    world.put(world.sandboxes["prod"], "flowSpecs", other, "other-flow-spec")
    stage.edit("manifests/lists.yaml", "name: List members", "name: List members, flow_spec: other-flow-spec")
    stage.edit("manifests/lists.yaml", "  account: lists-emea", "  flow_spec: other-flow-spec\n  account: lists-emea")
    killed(stage, where, number, "apply", "--yes")

    stage.tdr("apply", "--yes", *stage.approvals())

    (spec,) = kept(adobe, "connectionSpecs")
    assert [one["id"] for one in kept(adobe, "flowSpecs") if spec["id"] in one["sourceConnectionSpecIds"]] == [
        "other-flow-spec"
    ]
    stage.tdr("plan", "--detailed-exitcode")


@pytest.mark.parametrize(("where", "number"), at_each(DESTROYS))
def test_a_killed_destroy_is_gone_on_with(both: tuple[Stage, AdobeSandbox], where: str, number: int) -> None:
    stage, adobe = both
    stage.tdr("apply", "--yes")
    killed(stage, where, number, "destroy", "--yes", "--env", "local")

    stage.tdr("destroy", "--yes", "--env", "local")

    assert counted(adobe) == NOTHING
    assert stage.records() == {}


@pytest.mark.parametrize("fault", ["cut", "answer_lost", "cut_midway", "truncated", "html"])
@pytest.mark.parametrize(("method", "path"), CREATES, ids=[path.strip("/*") for _, path in CREATES])
def test_a_lost_answer_makes_no_second_object(
    both: tuple[Stage, AdobeSandbox], method: str, path: str, fault: str
) -> None:
    stage, adobe = both
    adobe.control.fault(fault, method=method, path=path, count=5)
    stage.tdr("apply", "--yes", expect=None)
    adobe.control.clear_faults()
    stage.clock.leap(300)

    stage.tdr("apply", "--yes")

    assert counted(adobe) == ONE_OF_EACH
    stage.tdr("plan", "--detailed-exitcode")


def test_what_lists_lose_is_not_made_twice(both: tuple[Stage, AdobeSandbox]) -> None:
    stage, adobe = both
    stage.tdr("apply", "--yes")
    adobe.control.fault("page_dropped", method="GET", path="/connections", count=None)
    adobe.control.fault("page_dropped", method="GET", path="/flows", count=None)
    assert stage.tdr("plan", "--detailed-exitcode").code == 0


def test_a_flow_that_is_refused_leaves_no_parts_behind(both: tuple[Stage, AdobeSandbox]) -> None:
    stage, adobe = both
    adobe.control.fault("error", method="POST", path="/flows", status=400, code=1413, message="no such dataset")
    said = stage.tdr("apply", "--yes", expect=6)
    assert "no such dataset" in said.out + said.err
    assert counted(adobe) == ONE_OF_EACH | {"sourceConnections": 0, "targetConnections": 0, "flows": 0}
    stage.tdr("apply", "--yes")
    assert counted(adobe) == ONE_OF_EACH
