"""Exports to Salesforce that go wrong at any moment: requests that fail or are not answered, processes that are killed.

Whatever happens, the same job ends with what the query gave, and nothing is there twice.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from salesforce_world import FAULTS, OLD, PEOPLE, UPSERT, Crm, World

from reconciler.errors import Denied, Transient
from reconciler.model.json import Json

UPDATE: dict[str, Json] = {"mode": "update", "upsert": False, "unique": "Key__c"}
MODES: dict[str, dict[str, Json]] = {
    "insert": {"mode": "append"},
    "insert-bulk1": {"mode": "append", **OLD},
    "upsert": UPSERT,
    "upsert-serial": {**UPSERT, "concurrency_mode": "serial", "split_records": 20},
    "update": UPDATE,
    "update-bulk1": {**UPDATE, **OLD},
    "replace": {"mode": "truncate"},
    "replace-hard-bulk1": {"mode": "truncate", "hard_delete": True, **OLD},
}
modes = pytest.mark.parametrize("mode", MODES)


Content = list[dict[str, Json]]


def fresh(folder: Path, crm: Crm, mode: str) -> World:
    """An org with what is there before the run; two of the rows are locked for a while."""
    crm.begin()
    world = World(folder, crm)
    if not mode.startswith("insert"):
        world.put(*({"Key__c": f"k{2 * number}", "LastName": f"Former {number}"} for number in range(30)))
    world.org.lock("LastName", "Name 2")
    world.org.lock("LastName", "Name 40")
    return world


def content(world: World) -> Content:
    return sorted(world.contacts().values(), key=lambda one: str(sorted(one.items())))


@dataclass(frozen=True)
class Undisturbed:
    """A run in which nothing goes wrong: what is there in the end, how many requests and how many calls of the API it takes."""

    wanted: Content
    requests: int
    calls: int


@pytest.fixture(scope="module")
def undisturbed(crm: Crm, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Undisturbed]:
    """Mode -> its run, carried out once."""

    @cache
    def run(mode: str) -> Undisturbed:
        world = fresh(tmp_path_factory.mktemp("undisturbed"), crm, mode)
        world.run(PEOPLE, MODES[mode])
        found = content(world)
        assert len(found) == {"upsert": 55, "update": 30}.get(mode.partition("-")[0], 50)
        return Undisturbed(found, crm.passage.number, sum(world.org.calls().values()))

    return run


@pytest.mark.parametrize(
    ("mode", "fault", "step"),
    [
        # Of the modes that make records every request, of the others every second one.
        pytest.param(
            mode, fault, 1 if mode.startswith("insert") else 2, id=f"{mode}-{fault}-at-many", marks=pytest.mark.slow
        )
        for mode in MODES
        for fault in FAULTS
    ]
    + [
        pytest.param(mode, fault, 6, id=f"{mode}-{fault}-at-some")
        for mode, fault in zip(
            MODES, ["lost", "acted-503", "cut", "lost", "503", "429", "lost", "acted-503"], strict=True
        )
    ],
)
def test_whatever_happens_to_any_one_request_the_job_ends_with_what_the_query_gave(
    tmp_path: Path, crm: Crm, undisturbed: Callable[[str], Undisturbed], mode: str, fault: str, step: int
) -> None:
    smooth = undisturbed(mode)

    for number in range(2, smooth.requests + 1, step):
        world = fresh(tmp_path / str(number), crm, mode)
        world.disturb(fault, number)
        ended = 0
        for _ in range(3):
            try:
                world.run(PEOPLE, MODES[mode])
            except Transient:
                continue
            ended += 1
        assert ended, f"request {number}"
        assert content(world) == smooth.wanted, f"request {number}: {world.asked()[number - 1]}"
        assert world.left_over() == []


@pytest.mark.parametrize("mode", ["insert", "insert-bulk1", "replace-hard-bulk1"])
def test_a_run_for_which_the_org_has_no_requests_left_goes_on_on_another_day(
    tmp_path: Path, crm: Crm, undisturbed: Callable[[str], Undisturbed], mode: str
) -> None:
    smooth = undisturbed(mode)
    world = fresh(tmp_path, crm, mode)
    world.org.control.knobs(daily_calls=smooth.calls - 4)
    with pytest.raises(Denied) as refused:
        world.run(PEOPLE, MODES[mode])
    assert "run again later" in refused.value.hint
    world.org.control.knobs(daily_calls=15_000)

    world.run(PEOPLE, MODES[mode])

    assert content(world) == smooth.wanted


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("mode", ["insert", "insert-bulk1", "replace-hard-bulk1"])
def test_many_faults_in_a_row_and_apart_make_nothing_twice(
    tmp_path: Path, crm: Crm, undisturbed: Callable[[str], Undisturbed], mode: str, fault: str
) -> None:
    wanted = undisturbed(mode).wanted
    world = fresh(tmp_path, crm, mode)
    world.disturb(fault, *(number for number in range(2, 60) if number % 3 or number % 10 < 4))
    for _ in range(40):
        try:
            world.run(PEOPLE, MODES[mode])
        except Transient:
            continue
        break
    else:
        pytest.fail("it never ended")
    assert content(world) == wanted


@modes
def test_a_run_that_ends_after_any_request_goes_on_from_there(
    tmp_path: Path, crm: Crm, undisturbed: Callable[[str], Undisturbed], mode: str
) -> None:
    smooth = undisturbed(mode)

    for number in range(1, smooth.requests + 1, 5):
        world = fresh(tmp_path / str(number), crm, mode)
        world.after(number, world.cancelled.set)
        for _ in range(2):
            try:
                world.run(PEOPLE, MODES[mode])
            except Transient:
                world.cancelled.clear()
        assert content(world) == smooth.wanted, f"request {number}"


class Mortals:
    """Exports in processes of their own; see `dying_salesforce_export`."""

    def __init__(self, url: str) -> None:
        script = Path(__file__).with_name("dying_salesforce_export.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script), url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def export(self, folder: Path, mode: str, last: int = 100_000) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        folder.mkdir(exist_ok=True)
        told = {
            "folder": str(folder),
            "sql": PEOPLE,
            "settings": MODES[mode],
            "last": last,
            "number": str(folder / "n"),
        }
        self.process.stdin.write(json.dumps(told) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer


@pytest.fixture
def mortals() -> Iterator[Callable[[str], Mortals]]:
    made: list[Mortals] = []

    def make(url: str) -> Mortals:
        made.append(Mortals(url))
        return made[-1]

    yield make
    for one in made:
        one.process.communicate()


@pytest.mark.slow
@modes
def test_a_process_that_is_killed_at_any_moment_leaves_nothing_undone_and_nothing_twice(
    tmp_path: Path,
    crm: Crm,
    undisturbed: Callable[[str], Undisturbed],
    mortals: Callable[[str], Mortals],
    mode: str,
) -> None:
    wanted = undisturbed(mode).wanted
    process, ends = mortals(crm.sandbox.base_url), 0
    for last in range(1, 10_000):
        folder = tmp_path / f"killed-{last}"
        world = fresh(folder, crm, mode)
        died = process.export(folder, mode, last)
        if died["code"] == 0:
            break
        ends += 1
        assert died["code"] == -9
        survived = process.export(folder, mode)
        assert (survived["code"], int(survived["questions"]) > 0) == (0, True)
        assert content(world) == wanted, f"killed at question {last}"
    assert ends >= 20


@pytest.mark.slow
@modes
def test_a_process_that_is_killed_after_any_request_acted_and_before_it_hears_of_it_goes_on(
    tmp_path: Path,
    crm: Crm,
    undisturbed: Callable[[str], Undisturbed],
    mortals: Callable[[str], Mortals],
    mode: str,
) -> None:
    smooth = undisturbed(mode)
    process = mortals(crm.sandbox.base_url)
    for number in range(1, smooth.requests + 1, 1 if mode.startswith("insert") else 2):
        folder = tmp_path / f"killed-{number}"
        world = fresh(folder, crm, mode)

        def kill(folder: Path = folder) -> None:
            os.kill(int((folder / "n").read_text(encoding="ascii")), signal.SIGKILL)

        world.after(number, kill)
        assert process.export(folder, mode)["code"] == -9
        survived = process.export(folder, mode)
        assert (survived["code"], int(survived["questions"]) > 0) == (0, True)
        assert content(world) == smooth.wanted, f"killed at request {number}: {world.asked()[number - 1]}"
