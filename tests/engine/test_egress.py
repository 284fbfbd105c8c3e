"""What a plan says of the data that leaves."""

from __future__ import annotations

from typing import Any

import pytest
from scene import Scene, activation, audience, query

from reconciler.engine.review import reviewed
from reconciler.model.environment import EnvironmentSpec, Thresholds
from reconciler.model.plan import Plan
from reconciler.model.policy import PolicySpec
from reconciler.model.resource import Resource
from reconciler.policy.book import book_of

QUIET = book_of(PolicySpec(sets=()), PolicySpec())


def plan_of(scene: Scene, *resources: Resource) -> Plan:
    return reviewed(scene.world(*resources), scene.plan(*resources), QUIET).plan


def told(plan: Plan) -> list[tuple[str, str, str]]:
    return [(one.risk, one.destination, one.effective) for one in plan.egress]


def test_what_an_audience_is_made_with_starts_leaving_during_the_apply(scene: Scene) -> None:
    plan = plan_of(scene, audience(), activation())

    assert told(plan) == [
        ("starts_egress:email_sha256", "ads:549700000001", "during this apply, by its first run"),
    ]
    assert {str(address): codes for address, codes in plan.risks.items()} == {
        "activation/vip-daily": ("replaces_members", "starts_egress:email_sha256")
    }


def test_nothing_is_told_of_what_stays(scene: Scene) -> None:
    scene.apply(audience(), activation())

    assert plan_of(scene, audience(), activation()).egress == ()
    assert told(plan_of(scene, audience(), activation(cron="0 4 * * *"))) == []


SCHEDULED = "from its next scheduled run on (0 3 * * * UTC)"


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT email, phone FROM buyers", [("starts_egress:phone_plain", SCHEDULED)]),
        ("SELECT email, city FROM buyers", []),
        (
            "SELECT phone FROM buyers",
            [("stops_egress:email_sha256", "once this is applied"), ("starts_egress:phone_plain", SCHEDULED)],
        ),
        ("SELECT email, to_hex(md5(phone)) AS phone FROM buyers", [("starts_egress:phone_md5", SCHEDULED)]),
        ("SELECT to_hex(md5(email)) AS email FROM buyers", [("changes_egress:email_md5", SCHEDULED)]),
        (
            "SELECT * FROM buyers",
            [("starts_egress:unknown_plain", SCHEDULED), ("stops_egress:email_sha256", "once this is applied")],
        ),
        ("SELECT email FROM buyers WHERE spent > 10", []),
    ],
)
def test_a_changed_query_tells_which_columns_start_and_stop(
    scene: Scene, sql: str, expected: list[tuple[str, str]]
) -> None:
    scene.apply(audience(), activation())

    plan = plan_of(scene, audience(), activation(sql=sql))

    assert sorted((one.risk, one.effective) for one in plan.egress) == sorted(expected)


def test_what_somebody_made_it_send_is_told_to_stop(scene: Scene) -> None:
    scene.apply(audience(), activation())
    scene.exports.objects["vip-daily"]["sql"] = "SELECT email, phone FROM buyers"

    assert [one.risk for one in plan_of(scene, audience(), activation()).egress] == ["stops_egress:phone_plain"]


@pytest.mark.parametrize(
    ("on_delete", "expected"),
    [("delete", ["stops_egress:email_sha256"]), ("disable", ["stops_egress:email_sha256"]), ("forget", [])],
)
def test_what_goes_stops_and_what_is_forgotten_does_not(scene: Scene, on_delete: str, expected: list[str]) -> None:
    scene.apply(audience(), activation(lifecycle={"on_delete": on_delete}))

    assert [one.risk for one in plan_of(scene, audience()).egress] == expected


def test_without_a_schedule_it_leaves_when_somebody_runs_it(scene: Scene) -> None:
    scene.apply(audience(), activation())

    plan = plan_of(scene, audience(), activation(cron="", sql="SELECT email, phone FROM buyers"))

    assert [one.effective for one in plan.egress] == ["when it is run by hand"]


def test_more_new_columns_than_allowed_are_held(scene: Scene) -> None:
    scene.environment = EnvironmentSpec(
        thresholds=Thresholds(max_new_egress_columns=0, minimum_resources=1, max_update_ratio=1)
    )
    more: dict[str, Any] = {"sql": "SELECT email, phone FROM buyers"}
    scene.apply(audience(), activation())

    gates = plan_of(scene, audience(), activation(**more)).gates

    assert [(gate.rule, gate.message) for gate in gates] == [("egress", "1 columns start leaving; at most 0 may")]


def test_another_user_of_a_vendor_is_held_when_something_is_to_be_done(scene: Scene) -> None:
    from dataclasses import replace  # noqa: PLC0415 - the one test that moves accounts

    prepared = scene.plan(query("q"))
    joined = replace(prepared, state=replace(prepared.state, accounts={"exports": "td-0"}))

    gates = reviewed(scene.world(query("q")), joined, QUIET).plan.gates

    assert [(gate.rule, gate.message) for gate in gates] == [
        ("account_binding", "exports: 'td-1' answers, and the state knows 'td-0'")
    ]
