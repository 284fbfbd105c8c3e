"""What a plan says for what is declared, remembered and there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scene import Scene, activation, audience, planned, query

from reconciler.engine.planning import prepare
from reconciler.engine.safety import guard_accounts
from reconciler.engine.scoping import exactly, part_of_all
from reconciler.errors import Blocked
from reconciler.model.activation import Outcome
from reconciler.model.address import Address
from reconciler.model.change import Adopt, Create, Reason, Update
from reconciler.model.environment import EnvironmentSpec
from reconciler.model.scope import Scope

VIP = Address("audience", "vip")
DAILY = Address("activation", "vip-daily")


def test_an_empty_world_gets_created_in_the_order_of_need(scene: Scene) -> None:
    plan = scene.plan(activation(), audience(), query("q")).plan

    assert [str(change.address) for change in plan.changes] == ["activation/vip-daily", "audience/vip", "query/q"]
    made = next(change for change in plan.changes if change.address == VIP)
    assert isinstance(made, Create)
    assert made.via == DAILY


def test_the_second_plan_is_empty(scene: Scene) -> None:
    documents = (activation(), audience(description="Best"), query("q"))
    scene.apply(*documents)

    assert scene.plan(*documents).plan.is_empty


def test_the_activation_that_replaces_makes_the_audience_and_the_other_waits_for_it(scene: Scene) -> None:
    prepared = scene.plan(audience(), activation("a-adds", "add"), activation("b-replaces"))

    assert [str(change.address) for change in prepared.plan.changes] == [
        "activation/b-replaces",
        "audience/vip",
        "activation/a-adds",
    ]
    outcomes = {str(address): resolution.outcome for address, resolution in prepared.resolutions.items()}
    assert outcomes == {"activation/a-adds": Outcome.STEADY, "activation/b-replaces": Outcome.BOOTSTRAP}


def test_an_audience_that_nothing_feeds_waits_with_a_warning(scene: Scene) -> None:
    plan = scene.plan(audience(), activation(membership="remove")).plan

    assert plan.is_empty
    assert sorted(warning.rule for warning in plan.warnings) == ["nothing-to-do", "unfed-audience"]


def test_what_cannot_be_read_is_not_created(scene: Scene) -> None:
    scene.exports.denied = True

    plan = scene.plan(query("q")).plan

    assert planned(scene.plan(query("q"))) == {"query/q": "undecided"}
    assert plan.undecided[0].why == "no access"


def test_what_needs_the_undecided_waits(scene: Scene) -> None:
    scene.audiences.denied = True

    assert planned(scene.plan(activation(), audience(), query("q"))) == {
        "activation/vip-daily": "undecided",
        "audience/vip": "undecided",
        "query/q": "create",
    }


def test_an_object_of_that_name_is_not_taken_without_asking(scene: Scene) -> None:
    scene.exports.objects["q"] = {"sql": "SELECT 2", "database": "shop"}

    plan = scene.plan(query("q")).plan

    assert [(gate.rule, gate.addresses) for gate in plan.gates] == [("adoption_required", (Address("query", "q"),))]
    assert "lifecycle: {adopt: always}" in plan.gates[0].hint


def test_with_leave_it_is_adopted_and_what_differs_is_shown(scene: Scene) -> None:
    scene.exports.objects["q"] = {"sql": "SELECT 2", "database": "shop"}
    document = query("q", lifecycle={"adopt": "always"})

    plan = scene.plan(document).plan

    change = plan.changes[0]
    assert isinstance(change, Adopt)
    assert [(field.path, field.before, field.after) for field in change.fields] == [("/sql", "SELECT 2", "SELECT 1")]
    assert not plan.gates
    scene.apply(document)
    assert scene.plan(document).plan.is_empty
    assert scene.exports.objects["q"]["sql"] == "SELECT 1"


def test_adoption_may_be_refused_for_good(scene: Scene) -> None:
    scene.exports.objects["q"] = {"sql": "SELECT 2", "database": "shop"}

    plan = scene.plan(query("q", lifecycle={"adopt": "never"})).plan

    assert [gate.rule for gate in plan.gates] == ["adoption_refused"]
    assert planned(scene.plan(query("q", lifecycle={"adopt": "never"}))) == {"query/q": "undecided"}


def test_of_two_audiences_of_one_title_none_is_guessed(scene: Scene) -> None:
    scene.audiences.make("VIP", {"x"})
    scene.audiences.make("VIP", {"y"})

    prepared = scene.plan(audience(), activation())

    assert {gate.rule for gate in prepared.plan.gates} == {"ambiguous_identity"}
    assert "501" in prepared.plan.gates[0].message
    assert "502" in prepared.plan.gates[0].message


def test_the_document_may_choose_the_audience(scene: Scene) -> None:
    scene.audiences.make("VIP", {"x"})
    scene.audiences.make("VIP", {"y"})
    documents = (audience(audience_id="502"), activation())

    scene.apply(*documents)

    assert scene.audiences.objects["501"]["members"] == {"x"}
    assert scene.audiences.objects["502"]["members"] == {"y"}, "a steady export is written, not run"
    assert scene.exports.objects["vip-daily"]["export"] == {"action": "REPLACE", "id_replace": "502"}
    assert scene.plan(*documents).plan.is_empty


def test_a_field_changed_outside_is_drift_and_comes_back(scene: Scene) -> None:
    scene.apply(query("q"))
    scene.exports.objects["q"]["sql"] = "SELECT 99"

    change = scene.plan(query("q")).plan.changes[0]

    assert isinstance(change, Update)
    assert change.reason is Reason.DRIFT
    assert [field.origin.value for field in change.fields] == ["drift"]
    scene.apply(query("q"))
    assert scene.exports.objects["q"]["sql"] == "SELECT 1"


def test_an_audience_deleted_outside_is_made_anew_and_its_activation_follows(scene: Scene) -> None:
    documents = (audience(), activation())
    scene.apply(*documents)
    scene.audiences.objects.clear()

    prepared = scene.plan(*documents)

    assert planned(prepared) == {"activation/vip-daily": "update", "audience/vip": "create"}
    scene.apply(*documents)
    assert scene.plan(*documents).plan.is_empty
    assert [made["members"] for made in scene.audiences.objects.values()] == [{"a", "b", "c"}]
    assert scene.exports.objects["vip-daily"]["export"] == {"action": "REPLACE", "id_replace": "502"}


def test_an_audience_made_anew_by_hand_is_not_taken_without_asking(scene: Scene) -> None:
    documents = (audience(), activation())
    scene.apply(*documents)
    scene.audiences.objects.clear()
    scene.audiences.make("VIP", {"x"})

    plan = scene.plan(*documents).plan

    assert [gate.rule for gate in plan.gates] == ["adoption_required"]


def test_an_export_found_in_create_mode_is_a_finding(scene: Scene) -> None:
    documents = (audience(), activation())
    scene.apply(*documents)
    scene.exports.objects["vip-daily"]["export"] = {"action": "CREATE", "name": "VIP"}

    plan = scene.plan(*documents).plan

    assert [warning.rule for warning in plan.warnings] == ["create-mode"]
    assert planned(scene.plan(*documents)) == {"activation/vip-daily": "update"}


def test_deletes_run_backwards_along_what_was_applied(scene: Scene) -> None:
    scene.apply(audience(), activation(), query("q"))

    plan = scene.plan(query("q")).plan

    assert [(str(change.address), type(change).__name__) for change in plan.changes] == [
        ("activation/vip-daily", "Delete"),
        ("audience/vip", "Delete"),
        ("query/q", "Keep"),
    ]
    scene.apply(query("q"))
    assert scene.exports.objects.keys() == {"q"}
    assert scene.audiences.objects == {}
    assert scene.remembered().keys() == {"query/q"}


def test_a_renamed_audience_document_keeps_its_audience(scene: Scene) -> None:
    scene.apply(audience(), activation(), activation("vip-adds", "add"))
    renamed = (audience("people"), activation(to="people"), activation("vip-adds", "add", to="people"))

    plan = scene.plan(*renamed).plan

    assert [(str(change.address), type(change).__name__) for change in plan.changes] == [
        ("audience/people", "Adopt"),
        ("activation/vip-adds", "Keep"),
        ("activation/vip-daily", "Keep"),
        ("audience/vip", "Forget"),
    ]
    assert plan.gates == ()
    assert [warning.rule for warning in plan.warnings] == ["renamed"]
    scene.apply(*renamed)
    assert list(scene.audiences.objects) == ["501"]
    assert scene.plan(*renamed).plan.is_empty


@pytest.mark.parametrize(
    ("on_delete", "expected", "left"),
    [("delete", "delete", False), ("disable", "disable", True), ("forget", "forget", True)],
)
def test_a_document_gone_does_what_it_said(scene: Scene, on_delete: str, expected: str, left: bool) -> None:  # noqa: FBT001 - a column of the table
    scene.apply(activation(lifecycle={"on_delete": on_delete}), audience())

    assert planned(scene.plan(audience())) == {"activation/vip-daily": expected}
    scene.apply(audience())
    assert ("vip-daily" in scene.exports.objects) is left
    assert "activation/vip-daily" not in scene.remembered()


def test_block_holds_the_delete(scene: Scene) -> None:
    scene.apply(query("q", lifecycle={"on_delete": "block"}), query("other"))

    assert [gate.rule for gate in scene.plan(query("other")).plan.gates] == ["on_delete"]


def test_protection_outlives_the_document(scene: Scene) -> None:
    scene.apply(query("q", lifecycle={"protect": True}), query("other"))

    assert [gate.rule for gate in scene.plan(query("other")).plan.gates] == ["protected"]


def test_protection_can_be_lifted_by_a_reviewed_change(scene: Scene) -> None:
    scene.apply(query("q", lifecycle={"protect": True}), query("other"))
    scene.apply(query("q"), query("other"))

    assert scene.plan(query("other")).plan.gates == ()


def test_an_immutable_field_means_making_it_anew(scene: Scene) -> None:
    scene.apply(query("q"))

    changed = query("q", database="other")

    assert planned(scene.plan(changed)) == {"query/q": "replace"}
    scene.apply(changed)
    assert scene.exports.log == ["create q", "delete q", "create q"]
    assert scene.plan(changed).plan.is_empty


def test_more_deletes_than_the_threshold_are_held(scene: Scene) -> None:
    every = [query(f"q{number}") for number in range(10)]
    scene.apply(*every)

    assert scene.plan(*every[3:]).plan.gates == ()
    gates = scene.plan(*every[4:]).plan.gates
    assert [(gate.rule, len(gate.addresses)) for gate in gates] == [("deletes", 4)]
    assert gates[0].message == "4 of 10 resources (40%); at most 30% may"


def test_many_objects_gone_at_once_are_rather_a_wrong_account(scene: Scene) -> None:
    every = [query(f"q{number}") for number in range(6)]
    scene.apply(*every)
    for name in ("q0", "q1", "q2", "q3"):
        del scene.exports.objects[name]

    assert [gate.rule for gate in scene.plan(*every).plan.gates] == ["mass_absence"]


def test_a_few_gone_are_made_again_and_the_rest_is_left_alone(scene: Scene) -> None:
    scene.apply(query("a"), query("b"))
    del scene.exports.objects["a"]
    scene.exports.objects["c"] = {"sql": "somebody else's"}

    assert planned(scene.plan(query("a"), query("b"))) == {"query/a": "create"}
    scene.apply(query("a"), query("b"))
    assert scene.exports.objects["c"] == {"sql": "somebody else's"}


def test_another_account_than_the_environments_stops_before_reading(scene: Scene) -> None:
    scene.environment = EnvironmentSpec(accounts={"exports": "td-2"})

    with pytest.raises(Blocked, match="account 'td-1' answers, but the environment belongs to 'td-2'"):
        scene.plan(query("q"))

    assert scene.exports.api_calls == 0


def test_of_a_vendor_that_does_not_say_who_answers_nothing_is_asked(scene: Scene) -> None:
    scene.audiences.account_name = ""

    prepared = scene.plan(audience(), activation(), query("q"))

    assert planned(prepared) == {
        "activation/vip-daily": "undecided",
        "audience/vip": "undecided",
        "query/q": "create",
    }
    assert scene.audiences.api_calls == 0


@pytest.mark.parametrize(("now", "blocked"), [("u1", False), ("u1,u2", False), ("u2,u3", True)])
def test_another_user_may_join_those_a_state_knows(scene: Scene, now: str, *, blocked: bool) -> None:
    world = scene.world(query("q"))
    state = replace(scene.store().read().state, accounts={"exports": "u1"})
    scene.exports.account_name = now

    if blocked:
        with pytest.raises(Blocked, match="the state belongs to 'u1'"):
            guard_accounts(world, state)
    else:
        assert guard_accounts(world, state).accounts == {"exports": now}


def test_targets_take_what_they_need_and_nothing_else(scene: Scene) -> None:
    world = scene.world(audience(), activation(), query("q"))
    plan = prepare(world, scene.store().read(), exactly([VIP])).plan

    assert [str(change.address) for change in plan.changes] == ["activation/vip-daily", "audience/vip"]
    assert not plan.complete


def test_an_audience_and_the_activation_that_makes_it_go_together(scene: Scene) -> None:
    world, snapshot = scene.world(audience(), activation(), query("q")), scene.store().read()

    def in_part(scope: Scope) -> list[str]:
        plan = prepare(world, snapshot, part_of_all(scope, world, snapshot.state)).plan
        return [str(change.address) for change in plan.changes]

    assert in_part(Scope(targets=("activation/*",))) == ["activation/vip-daily", "audience/vip"]
    assert in_part(Scope(excludes=("activation/*",))) == ["query/q"]
    assert in_part(Scope(excludes=("audience/vip",))) == ["query/q"]


def test_one_list_call_for_however_many(scene: Scene) -> None:
    plan = scene.plan(*(query(f"q{number}") for number in range(50))).plan

    assert plan.api_calls == {"audiences": 0, "exports": 1}
