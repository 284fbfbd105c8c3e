"""What holds a plan besides its own changes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scene import Scene, activation, audience, query

from reconciler.engine.planning import Prepared
from reconciler.engine.review import reviewed
from reconciler.model.address import Address
from reconciler.model.change import Change, Delete, Forget, Reason
from reconciler.model.policy import PolicySpec
from reconciler.model.record import Record
from reconciler.policy.book import book_of

PIN, USER = Address("connection", "pin"), Address("audience", "vip")
GOES = Delete(PIN, "9", Reason.NOT_IN_CONFIG)


def with_connection(prepared: Prepared, *changes: Change) -> Prepared:
    records = {PIN: Record("9", {}), USER: Record("501", {}, depends_on=(PIN,))}
    state = replace(prepared.state, records=records)
    return replace(prepared, state=state, plan=replace(prepared.plan, changes=changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ((GOES,), ["connection/pin would be deleted, and audience/vip still uses it"]),
        ((Delete(USER, "501", Reason.NOT_IN_CONFIG), GOES), []),
        ((Forget(USER, "501", Reason.NOT_IN_CONFIG), GOES), []),
        ((Delete(USER, "501", Reason.NOT_IN_CONFIG),), []),
    ],
)
def test_a_connection_goes_after_its_users_only(scene: Scene, changes: tuple[Change, ...], expected: list[str]) -> None:
    prepared = with_connection(scene.plan(), *changes)

    plan = reviewed(scene.world(), prepared, book_of(PolicySpec(), PolicySpec())).plan

    assert [gate.message for gate in plan.gates if gate.rule == "connection_in_use"] == expected


def test_a_policy_holds_what_changes_and_not_what_stays(scene: Scene) -> None:
    book = book_of(PolicySpec.model_validate({"sets": ["privacy"]}), PolicySpec())
    starred = activation(sql="SELECT * FROM buyers")

    first = reviewed(scene.world(audience(), starred), scene.plan(audience(), starred), book).plan
    scene.apply(audience(), starred)
    second = reviewed(
        scene.world(audience(), starred, query("q")), scene.plan(audience(), starred, query("q")), book
    ).plan

    assert [(gate.rule, gate.message) for gate in first.gates] == [
        ("policy:columns-not-named", "activation/vip-daily sends columns that its query does not name")
    ]
    assert [one.rule for one in first.warnings] == ["activation-has-owner"]
    assert second.gates == ()
    assert second.warnings == ()


def test_what_cannot_come_back_is_called_irreversible(scene: Scene) -> None:
    scene.apply(audience(), activation(), query("q"))

    plan = reviewed(scene.world(query("q")), scene.plan(query("q")), book_of(PolicySpec(), PolicySpec())).plan

    assert {str(address): codes for address, codes in plan.risks.items()} == {
        "activation/vip-daily": ("stops_egress:email_sha256",),
        "audience/vip": ("irreversible",),
    }
