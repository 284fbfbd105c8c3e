"""Which object a resource is: imported by id, moved, removed, marked by its owner, or gone."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

from scene import Scene, activation, audience, planned, query

from reconciler.engine.applying import Applied
from reconciler.engine.planning import Prepared, prepare
from reconciler.engine.scoping import exactly
from reconciler.engine.world import World
from reconciler.model.address import Address
from reconciler.model.environment import EnvironmentSpec
from reconciler.model.observation import Finding, Observation
from reconciler.model.resource import Resource
from reconciler.model.spec import OnDelete
from reconciler.model.transitions import Transitions


class Told(Scene):
    """A scene whose manifests tell transitions."""

    told: Transitions = Transitions()
    owner: str = ""
    rebuilds: bool = False

    def world(self, *resources: Resource) -> World:
        return replace(super().world(*resources), transitions=self.told, owner=self.owner, rebuilds=self.rebuilds)


def at(text: str) -> Address:
    return Address.parse(text)


def told(scene: Scene, **entries: Any) -> Told:
    again = Told(scene.folder, scene.clock)
    again.audiences, again.exports = scene.audiences, scene.exports
    again.told = Transitions(**entries)
    return again


def rules(prepared: Prepared) -> list[str]:
    return [gate.rule for gate in prepared.plan.gates]


def rules_of_warnings(prepared: Prepared) -> list[str]:
    return [warning.rule for warning in prepared.plan.warnings]


def ends(applied: Applied) -> dict[str, str]:
    return {str(result.address): result.status.value for result in applied.results}


# -- imports ---------------------------------------------------------------------------------------------------------


def test_an_import_takes_the_object_of_that_id_among_several_of_one_title(scene: Scene) -> None:
    scene.audiences.make("VIP", "a")
    meant = scene.audiences.make("VIP", "b")
    importing = told(scene, imports={at("audience/vip"): meant})

    plan = importing.plan(audience())

    assert (planned(plan), rules(plan)) == ({"audience/vip": "adopt"}, [])
    importing.apply(audience())
    assert scene.remembered()["audience/vip"]["id"] == meant
    assert importing.plan(audience()).plan.is_empty
    assert scene.audiences.log == []


def test_an_import_waits_for_nothing_else(scene: Scene) -> None:
    scene.exports.objects["q"] = {"sql": "SELECT 1", "database": "shop"}
    scene.exports.objects["other"] = {"sql": "SELECT 2", "database": "shop"}
    importing = told(scene, imports={at("query/q"): "q"})

    prepared = prepare(importing.world(query("q"), query("other")), importing.store().read(), exactly([at("query/q")]))

    assert (planned(prepared), rules(prepared)) == ({"query/q": "adopt"}, [])


def test_an_import_that_is_not_there_is_told_with_its_id(scene: Scene) -> None:
    plan = told(scene, imports={at("query/q"): "Daily"}).plan(query("q"))

    assert planned(plan) == {"query/q": "undecided"}
    assert [gate.message for gate in plan.plan.gates] == ["query/q: there is no object 'Daily' to import"]


def test_an_object_that_is_another_resource_already_is_not_imported(scene: Scene) -> None:
    scene.apply(query("old"))

    plan = told(scene, imports={at("query/new"): "old"}).plan(query("old"), query("new"))

    assert (planned(plan), rules(plan)) == ({"query/new": "undecided"}, ["import_taken"])


def test_an_object_that_differs_in_what_cannot_change_is_not_imported(scene: Scene) -> None:
    there = scene.audiences.make("VIP", "a", account="549700000009")

    plan = told(scene, imports={at("audience/vip"): there}).plan(audience())

    assert (planned(plan), rules(plan)) == ({"audience/vip": "undecided"}, ["import_differs"])


def test_an_import_of_what_is_another_object_already_does_nothing_and_says_so(scene: Scene) -> None:
    scene.apply(query("q"))

    plan = told(scene, imports={at("query/q"): "elsewhere"}).plan(query("q"))

    assert (plan.plan.is_empty, rules_of_warnings(plan)) == (True, ["import-without-effect"])


# -- moves -----------------------------------------------------------------------------------------------------------


def test_a_move_renames_the_memory_and_writes_nothing_at_the_vendor(scene: Scene) -> None:
    made = scene.audiences.make("VIP", "a")
    scene.apply(audience(lifecycle={"adopt": "always"}))
    moving = told(scene, moved={at("audience/vip"): at("audience/best")})

    assert planned(moving.plan(audience("best"))) == {"audience/vip": "move"}
    assert ends(moving.apply(audience("best"))) == {"audience/vip": "done"}
    assert {name: record["id"] for name, record in scene.remembered().items()} == {"audience/best": made}
    assert moving.plan(audience("best")).plan.is_empty
    assert scene.plan(audience("best")).plan.is_empty
    assert scene.audiences.log == []


def test_what_moved_and_changed_is_moved_and_then_changed(scene: Scene) -> None:
    scene.audiences.make("VIP", "a")
    scene.apply(audience(lifecycle={"adopt": "always"}))
    moving = told(scene, moved={at("audience/vip"): at("audience/best")})

    plan = moving.plan(audience("best", title="Best"))

    assert planned(plan) == {"audience/vip": "move", "audience/best": "update"}
    assert plan.plan.depends_on[at("audience/best")] == (at("audience/vip"),)
    assert ends(moving.apply(audience("best", title="Best"))) == {"audience/vip": "done", "audience/best": "done"}


def test_a_move_to_what_state_knows_as_another_object_is_refused(scene: Scene) -> None:
    scene.apply(query("a"), query("b"))

    plan = told(scene, moved={at("query/a"): at("query/b")}).plan(query("b"))

    assert rules(plan) == ["moved_to_taken"]


def test_a_move_that_was_cut_off_in_its_middle_is_finished(scene: Scene) -> None:
    scene.audiences.make("VIP", "a")
    scene.apply(audience(lifecycle={"adopt": "always"}))
    moving = told(scene, moved={at("audience/vip"): at("audience/best")})
    store = moving.store()
    state = store.read().state
    with store.lock("test", "run", 0):
        both = state.with_record(at("audience/best"), state.records[at("audience/vip")])
        store.checkpoint(both, state.serial)

    moving.apply(audience("best"))

    assert list(scene.remembered()) == ["audience/best"]


def test_a_new_resource_that_is_nearly_one_that_goes_looks_like_a_rename(scene: Scene) -> None:
    scene.apply(query("old"))

    prepared = scene.plan(query("new"))

    assert planned(prepared) == {"query/old": "delete", "query/new": "create"}
    assert [warning.hint for warning in prepared.plan.warnings] == [
        (
            "if it is the same, add these lines to a file of the manifests:\n"
            "  ---\n  apiVersion: tdr/v1\n  kind: Transitions\n  moved:\n  - {from: query/old, to: query/new}"
        )
    ]
    assert rules_of_warnings(scene.plan(query("new", sql="SELECT 2", database="else"))) == []


# -- removals --------------------------------------------------------------------------------------------------------


def test_a_removal_forgets_although_the_document_said_delete(scene: Scene) -> None:
    scene.apply(query("q"), query("kept"))
    removing = told(scene, removed={at("query/q"): OnDelete.FORGET})

    assert planned(removing.plan(query("kept"))) == {"query/q": "forget"}
    removing.apply(query("kept"))
    assert (list(scene.remembered()), sorted(scene.exports.objects)) == (["query/kept"], ["kept", "q"])
    assert removing.plan(query("kept")).plan.is_empty


# -- marks -----------------------------------------------------------------------------------------------------------


def marked(scene: Told, mark: str) -> Prepared:
    """A plan in a world where the one object of the name bears *mark*."""
    scene.exports.objects["q"] = {"sql": "SELECT 1", "database": "shop"}
    shown = Finding(by_key=(Observation("q", scene.exports.objects["q"], marker=mark),))
    scene.exports.observe = lambda wanted, context: {question.address: shown for question in wanted}  # type: ignore[method-assign]
    return scene.plan(query("q"))


def test_an_object_with_our_mark_is_taken_without_asking(scene: Scene) -> None:
    ours = told(scene)
    ours.owner = "shop/prod"

    plan = marked(ours, "tdr:shop/prod/query/q")

    assert (planned(plan), rules(plan)) == ({"query/q": "adopt"}, [])


def test_an_object_with_the_mark_of_another_project_is_refused_with_its_owner(scene: Scene) -> None:
    ours = told(scene)
    ours.owner = "shop/prod"

    plan = marked(ours, "tdr:other/prod/query/q")

    assert planned(plan) == {"query/q": "undecided"}
    assert [gate.message for gate in plan.plan.gates] == [
        "query/q: object q belongs to other/prod, as its mark 'tdr:other/prod/query/q' says"
    ]


# -- absence ---------------------------------------------------------------------------------------------------------


def test_what_is_gone_is_made_anew_and_who_holds_its_id_is_told(scene: Scene) -> None:
    scene.apply(audience(), activation())
    gone = scene.remembered()["audience/vip"]["id"]
    scene.audiences.objects.clear()
    scene.clock.seconds += 3_600

    plan = scene.plan(audience(), activation())

    assert [warning.message for warning in plan.plan.warnings if warning.rule == "gone"] == [
        f"audience/vip: object {gone} is gone; its id is held by activation/vip-daily"
    ]


def test_the_first_sighting_of_an_absence_is_remembered_until_it_is_settled(scene: Scene) -> None:
    scene.apply(query("q"), query("kept"))
    scene.exports.objects.pop("q")
    scene.exports.before_write = lambda verb, name: (_ for _ in ()).throw(ConnectionError)  # type: ignore[assignment]

    with contextlib.suppress(ConnectionError):
        scene.apply(query("q"), query("kept"))
    missed = scene.store().read().state.records[at("query/q")].absent_since
    scene.exports.before_write = lambda verb, name: None
    scene.apply(query("q"), query("kept"))

    assert missed.startswith("2023-11-14T")
    assert scene.remembered()["query/q"]["absent_since"] == ""


def test_an_absence_is_looked_at_twice_unless_an_earlier_run_wrote_it_down(scene: Scene) -> None:
    scene.apply(query("q"), query("kept"))
    scene.exports.objects.pop("q")
    calls = scene.exports.api_calls
    scene.plan(query("q"), query("kept"))
    twice = scene.exports.api_calls - calls

    store = scene.store()
    state = store.read().state
    with store.lock("test", "run", 0):
        missed = replace(state.records[at("query/q")], absent_since="2023-11-14T22:13:20Z")
        store.checkpoint(state.with_record(at("query/q"), missed), state.serial)
    scene.clock.seconds += 3_600
    calls = scene.exports.api_calls
    scene.plan(query("q"), query("kept"))

    assert (twice, scene.exports.api_calls - calls) == (2, 1)


def test_an_environment_says_how_long_an_absence_is_waited_for(scene: Scene) -> None:
    scene.apply(query("q"), query("kept"))
    scene.exports.objects.pop("q")
    scene.environment = EnvironmentSpec(confirm_absence_after=90)
    before = scene.clock.seconds

    scene.plan(query("q"), query("kept"))

    assert scene.clock.seconds - before == 90


def test_what_shows_again_at_the_second_look_is_not_made_anew(scene: Scene) -> None:
    scene.apply(query("q"), query("kept"))
    hidden = scene.exports.objects.pop("q")
    scene.clock.sleep = lambda _seconds: scene.exports.objects.update(q=hidden)  # type: ignore[method-assign]

    assert scene.plan(query("q"), query("kept")).plan.is_empty
