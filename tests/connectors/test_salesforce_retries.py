"""Rows that Salesforce refused are sent once more, and those alone; a run that broke off is finished, without its query."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from salesforce_world import OLD, PEOPLE, UPSERT, WANTED, World

from reconciler.errors import Permanent, Transient
from reconciler.model.json import Json

MODES: dict[str, dict[str, Json]] = {
    "insert": {"mode": "append"},
    "insert-bulk1": {"mode": "append", **OLD},
    "upsert": UPSERT,
    "replace": {"mode": "truncate"},
    "update": {"mode": "update", "upsert": False, "unique": "Key__c"},
}
modes = pytest.mark.parametrize("mode", MODES)


def refused_once(world: World, mode: str) -> None:
    """A run in which three rows were refused."""
    if mode == "update":
        world.put(*({"Key__c": f"k{number}", "LastName": "Former"} for number in range(50)))
    world.refuse("Name 3", "Name 7", "Name 8")
    assert world.run(PEOPLE, MODES[mode]).sent == 47


@modes
def test_refused_rows_are_sent_once_more_and_no_other(world: World, mode: str) -> None:
    refused_once(world, mode)
    world.refuse("Name 7")
    jobs = len(world.jobs)

    report = world.retry(MODES[mode])

    assert (report.rows, report.sent, dict(report.rejected)) == (3, 2, {"FIELD_CUSTOM_VALIDATION_EXCEPTION": 1})
    assert len(world.jobs) == jobs + 1, "nothing is read or deleted a second time"
    texts = [path.read_text(encoding="ascii") for path in (world.folder / "quarantine").glob("*.jsonl")]
    listed = [json.loads(line) for text in texts for line in text.splitlines()]
    assert [one["row"] for one in listed].count(8) == 2, "the number in the query is told both times"
    world.refuse()

    assert world.retry(MODES[mode]).sent == 1

    assert world.there() == WANTED
    assert world.left_over() == []
    assert world.kept() == []
    with pytest.raises(Permanent, match="no refused row is left to be sent again"):
        world.retry(MODES[mode])


def test_a_run_that_failed_for_its_refused_rows_can_be_retried(world: World) -> None:
    settings: dict[str, Json] = {**MODES["insert"], "ignore_invalid_records": False}
    world.refuse("Name 3")
    with pytest.raises(Permanent, match="refused 1 of 50 rows"):
        world.run(PEOPLE, settings)
    with pytest.raises(Permanent, match="refused 1 of 1 rows"):
        world.retry(settings)
    world.refuse()

    world.retry(settings)

    assert world.there() == WANTED


@modes
def test_a_run_that_broke_off_is_finished_without_its_query(world: World, mode: str) -> None:
    if mode == "update":
        world.put(*({"Key__c": f"k{number}", "LastName": "Former"} for number in range(50)))
    world.after(4, world.cancelled.set)
    with suppress(Transient):
        world.run(PEOPLE, MODES[mode])
    world.go_on()

    report = world.retry(MODES[mode])

    assert (report.rows, world.there()) == (50, WANTED)


def test_who_runs_anew_instead_is_told_that_rows_are_sent_twice(world: World) -> None:
    world.stop_once_rows_arrived()
    with pytest.raises(Transient):
        world.run(PEOPLE, MODES["insert-bulk1"])
    world.go_on()

    world.run(PEOPLE, MODES["insert-bulk1"], "2")

    assert any("an earlier run broke off after it had begun to send" in event for event in world.said)


@pytest.mark.parametrize("fault", ["lost", "cut", "acted-503"])
def test_a_retry_that_is_disturbed_goes_on_too(world: World, fault: str) -> None:
    refused_once(world, "insert-bulk1")
    world.refuse()
    asked = world.crm.passage.number
    world.disturb(fault, *range(asked + 2, asked + 8))

    for _ in range(5):
        try:
            world.retry(MODES["insert-bulk1"])
        except Transient:
            continue
        break

    assert world.there() == WANTED


def test_rows_of_unknown_outcome_are_not_sent_again_by_a_retry(world: World) -> None:
    world.org.break_next(10, "Timeout : too slow")
    assert world.run(PEOPLE, MODES["insert-bulk1"]).sent == 40

    with pytest.raises(Permanent, match="no refused row is left"):
        world.retry(MODES["insert-bulk1"])


def test_only_the_newest_of_runs_alike_keeps_its_refused_rows(world: World) -> None:
    refused_once(world, "upsert")
    world.refuse()

    world.run(PEOPLE.replace("'k'", "'other'"), {"mode": "append"}, "another activation's")
    world.run("SELECT 'k1' AS Key__c, 'One' AS LastName, '1' AS Phone", UPSERT, "also another's")
    assert len(world.kept()) == 1
    world.run(PEOPLE, UPSERT, "2")

    assert world.kept() == []
    with pytest.raises(Permanent, match="no refused row is left"):
        world.retry(UPSERT, "1")


def test_of_a_run_that_nobody_knows_nothing_can_be_sent(world: World) -> None:
    with pytest.raises(Permanent, match="nothing is kept of this run"):
        world.retry(UPSERT)
    assert world.asked() == []
