"""Every verb of every kind, with everything that can happen to a call: the run after the fault ends as it was declared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from fault_scenes import ADOPTED, SCENES, Call
from fault_world import FaultWorld
from hurried import HurriedClock

TRIES = 4
"""Applies after the fault is over, at most: what cannot be told at once may ask to be run again."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What happens to a call, and the *vendors* that can act it out."""

    fault: dict[str, Any]
    vendors: tuple[str, ...] = ("treasure_data", "pinterest")


TROUBLES = {
    "429": Trouble({"kind": "rate_limited", "reset_s": 0}),
    "429 with Retry-After": Trouble({"kind": "rate_limited", "reset_s": 0, "retry_after_s": 0}),
    "500": Trouble({"kind": "error", "status": 500}),
    "502": Trouble({"kind": "error", "status": 502}),
    "cut before the effect": Trouble({"kind": "cut"}),
    "cut after the effect": Trouble({"kind": "answer_lost"}),
    "cut within the body": Trouble({"kind": "cut_midway"}),
    "half the JSON": Trouble({"kind": "truncated"}),
    "malformed JSON": Trouble({"kind": "malformed"}),
    "HTML error page": Trouble({"kind": "html", "status": 502}),
    "HTML said to be success": Trouble({"kind": "html", "status": 200}),
    "401 in the run": Trouble({"kind": "error", "status": 401}),
    "token expired": Trouble({"kind": "token_expired"}, ("pinterest",)),
    "403": Trouble({"kind": "error", "status": 403, "code": 29}),
    "404": Trouble({"kind": "error", "status": 404, "code": 50}),
    "listed late": Trouble({"kind": "listed_late", "list_calls": 1, "get_calls": 1}, ("pinterest",)),
    "page repeated": Trouble({"kind": "page_repeated"}, ("pinterest",)),
    "page dropped": Trouble({"kind": "page_dropped"}, ("pinterest",)),
}
CLOCKS = {"clock a day behind": timedelta(days=-1), "clock a day ahead": timedelta(days=1)}
"""How wrong the clock of this machine goes."""


def combinations() -> Iterator[Any]:
    """Scene, call and trouble; a diagonal of them in the default run, the rest slow."""
    number = 0
    for title, scene in SCENES.items():
        for side, call in (("write", scene.write), ("read", scene.read)):
            if call is None:
                continue
            for what, trouble in TROUBLES.items():
                if call.vendor not in trouble.vendors:
                    continue
                number += 1
                marks = () if number % 9 == 0 else pytest.mark.slow
                yield pytest.param(title, call, what, marks=marks, id=f"{title}-{side}-{what}".replace(" ", "_"))


@pytest.mark.slow
@pytest.mark.parametrize("skew", CLOCKS)
@pytest.mark.parametrize("title", SCENES)
def test_a_clock_that_goes_wrong_makes_nothing_twice_and_what_it_leaves_open_is_told(
    world: FaultWorld, record_property: Callable[[str, object], None], title: str, skew: str
) -> None:
    project = world.project(SCENES[title])
    right, project.stage.clock = project.stage.clock, HurriedClock(CLOCKS[skew].total_seconds())

    said = project.stage.tdr("apply", "--yes", expect=None)
    note(record_property, struck=1)
    project.stage.clock = right

    if said.code:
        assert "the clock of this machine" in said.out, said
        project.stage.edit("manifests/all.yaml", "description: As it was", "description: As it was\n" + ADOPTED)
        project.stage.tdr("apply", "--yes")
    assert project.left() == dict(project.scene.left)
    project.stage.tdr("plan", "--detailed-exitcode")


@pytest.mark.parametrize(("title", "call", "what"), [*combinations()])
def test_after_the_fault_all_is_as_declared_and_nothing_is_there_twice(
    world: FaultWorld, record_property: Callable[[str, object], None], title: str, call: Call, what: str
) -> None:
    scene = SCENES[title]
    project = world.project(scene)
    world.arm(call, TROUBLES[what].fault)

    said = [project.stage.tdr("apply", "--yes", expect=None)]
    note(record_property, struck=world.calm())
    open_at_first = said[0].code != 0
    assert not open_at_first or said[0].code in {1, 3, 6}, said[0]
    while said[-1].code and len(said) <= TRIES:
        said.append(project.stage.tdr("apply", "--yes", expect=None))

    codes = [one.code for one in said]
    assert codes[-1] == 0, (codes, said[-1])
    assert project.left() == dict(scene.left), (codes, said[0])
    assert project.stage.tdr("plan", "--detailed-exitcode", expect=None).code == 0
    if open_at_first:
        assert any(address in said[0].out + said[0].err for address in project.addresses()), said[0]


def note(record_property: Callable[[str, object], None], struck: int) -> None:
    """Count this combination in the summary; *struck* is how many calls the fault struck."""
    for name, value in (("fault matrix", 1), ("struck", struck)):
        record_property(name, value)
