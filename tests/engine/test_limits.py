"""How much a run may take away before somebody says yes."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from scene import Scene, activation, audience, planned, query

from reconciler.engine.review import ignores_ending
from reconciler.model.change import Replace
from reconciler.model.environment import EnvironmentSpec

TEN = [query(f"q{number}") for number in range(10)]


@pytest.mark.parametrize(
    ("thresholds", "kept", "changed", "expected"),
    [
        ({}, 7, 0, []),
        ({}, 6, 0, ["4 of 10 resources (40%); at most 30% may"]),
        ({}, 10, 4, ["4 of 10 resources (40%); at most 30% may"]),
        ({"minimum_resources": 11}, 6, 0, []),
        ({"minimum_resources": 11, "max_deletes": 2}, 6, 0, ["4 of 10 resources; at most 2 may"]),
        ({"max_delete_ratio": 1, "max_updates": 1}, 8, 2, ["2 of 10 resources; at most 1 may"]),
        (
            {"max_delete_ratio": 1, "kinds": {"Query": {"max_deletes": 0}}},
            9,
            0,
            ["1 of 10 resources of the kind query; at most 0 may"],
        ),
        (
            {"kinds": {"query": {"max_delete_ratio": 0.1}}},
            8,
            0,
            ["2 of 10 resources of the kind query (20%); at most 10% may"],
        ),
        ({"kinds": {"audience": {"max_deletes": 0}}}, 9, 0, []),
    ],
)
def test_numbers_and_shares_hold_for_all_together_and_for_a_kind(
    scene: Scene, thresholds: dict[str, Any], kept: int, changed: int, expected: list[str]
) -> None:
    scene.apply(*TEN)
    scene.environment = EnvironmentSpec.model_validate({"thresholds": thresholds})
    documents = [query(f"q{number}", "SELECT 2" if number < changed else "SELECT 1") for number in range(kept)]

    assert [gate.message for gate in scene.plan(*documents).plan.gates] == expected


def test_no_document_at_all_is_rather_a_wrong_folder(scene: Scene) -> None:
    scene.apply(query("q"))

    gates = scene.plan().plan.gates

    assert [(gate.rule, gate.message) for gate in gates] == [
        ("empty_set", "no document is declared, and 1 are remembered")
    ]


@pytest.mark.parametrize(("count", "held"), [(4, []), (5, ["empty_set"])])
def test_a_kind_that_had_many_does_not_lose_all_of_them_unasked(scene: Scene, count: int, held: list[str]) -> None:
    scene.apply(audience(), activation(), *TEN[:count])

    assert [gate.rule for gate in scene.plan(audience(), activation()).plan.gates] == held


@pytest.mark.parametrize(
    ("before", "after", "held"),
    [
        ("add", "replace", ["membership"]),
        ("add", "clear", ["membership"]),
        ("replace", "clear", ["membership"]),
        ("replace", "add", []),
        ("add", "remove", []),
        ("replace", "replace", []),
    ],
)
def test_an_activation_that_begins_to_take_members_away_is_held(
    scene: Scene, before: str, after: str, held: list[str]
) -> None:
    scene.apply(audience(), activation(membership=before))

    plan = scene.plan(audience(), activation(membership=after, cron="0 5 * * *")).plan

    assert [gate.rule for gate in plan.gates] == held


def test_an_audience_made_anew_is_held_unless_the_environment_allows_it(scene: Scene) -> None:
    scene.apply(audience(), activation())
    moved = (audience(ad_account_id="549700000002"), activation())

    assert [gate.rule for gate in scene.plan(*moved).plan.gates] == ["audience_replace"]
    scene.environment = EnvironmentSpec.model_validate({"thresholds": {"audience_replace": "false"}})
    assert scene.plan(*moved).plan.gates == ()


def test_an_activation_that_goes_is_paused_first(scene: Scene) -> None:
    scene.apply(audience(), activation(), query("q"))
    scene.exports.log.clear()

    scene.apply(audience(), query("q"))

    assert scene.exports.log == ["disable vip-daily", "delete vip-daily"]
    assert set(scene.remembered()) == {"audience/vip", "query/q"}


# The clock of these tests stands at 2023-11-14.
@pytest.mark.parametrize(
    ("until", "expected", "told"),
    [
        (None, {}, []),
        ("2023-12-31", {}, []),
        ("2023-11-20", {}, ["query/q: /sql is ignored until 2023-11-20 (tuned by hand)"]),
        ("2023-11-14", {}, ["query/q: /sql is ignored until 2023-11-14 (tuned by hand)"]),
        (
            "2023-11-13",
            {"query/q": "update"},
            ["query/q: /sql is not ignored any more since 2023-11-13 (tuned by hand)"],
        ),
    ],
)
def test_a_field_is_ignored_until_its_last_day(
    scene: Scene, until: str | None, expected: dict[str, str], told: list[str]
) -> None:
    scene.apply(query("q"))
    scene.exports.objects["q"]["sql"] = "SELECT 99"
    entry = {"path": "/sql", "reason": "tuned by hand"} | ({"until": until} if until else {})
    document = query("q", lifecycle={"ignore": [entry]})

    assert scene.world().today() == date(2023, 11, 14)
    assert planned(scene.plan(document)) == expected
    assert [one.message for one in ignores_ending(scene.world(document))] == told


def test_the_short_form_ignores_for_good(scene: Scene) -> None:
    scene.apply(query("q"))
    scene.exports.objects["q"]["sql"] = "SELECT 99"

    assert scene.plan(query("q", lifecycle={"ignore": ["/sql"]})).plan.is_empty


def test_an_audience_is_made_anew_by_the_activation_that_fills_it_and_the_others_wait(scene: Scene) -> None:
    others = (activation("a-more", membership="add"), activation("z-less", membership="remove"))
    scene.apply(audience(), activation(), *others)
    (old,) = scene.audiences.objects
    scene.clock.sleep(60)
    moved = (audience(ad_account_id="549700000002"), activation(), *others)

    plan = scene.plan(*moved).plan
    scene.audiences.makes_in = "549700000002"
    applied = scene.apply(*moved)

    (anew,) = [change for change in plan.changes if isinstance(change, Replace)]
    assert (str(anew.address), str(anew.via)) == ("audience/vip", "activation/vip-daily")
    order = ["audience/vip", "activation/vip-daily", "activation/a-more", "activation/z-less"]
    assert [str(change.address) for change in plan.changes] == order
    assert [(str(result.status), result.message) for result in applied.results] == [("done", "")] * 4
    (new,) = scene.audiences.objects
    assert (new != old, scene.audiences.objects[new]["account"]) == (True, "549700000002")
    assert scene.plan(*moved).plan.is_empty


def test_an_audience_that_nothing_would_make_anew_is_not_deleted(scene: Scene) -> None:
    scene.apply(audience(), activation())
    before = dict(scene.audiences.objects)
    moved = (audience(ad_account_id="549700000002"), activation(membership="remove"))

    plan = scene.plan(*moved).plan
    scene.apply(*moved)

    assert planned(scene.plan(*moved)) == {"audience/vip": "undecided", "activation/vip-daily": "undecided"}
    assert [change.why for change in plan.undecided] == [
        "/account cannot be changed, and no activation replaces or adds the members of a new one",
        "waits for audience/vip",
    ]
    assert scene.audiences.objects == before
