"""Killed before or after any journal line of a takeover, a move, a letting go: the next run ends where an undisturbed one does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from scene import Killed, Scene, audience, query
from test_identity import Told, at, told

from reconciler.model.resource import Resource

ASKED = {"adopt": "always"}
OLD = query("q", "SELECT 1")


def owned(scene: Scene) -> None:
    """Somebody's audience that state remembers as ours."""
    scene.audiences.make("VIP", "a")
    scene.apply(audience(lifecycle=ASKED))


def foreign(scene: Scene) -> None:
    """Two audiences and a query that others made."""
    scene.audiences.make("VIP", "a")
    scene.audiences.make("VIP", "b")
    scene.exports.objects["q"] = {"sql": "SELECT 2", "database": "shop", "cron": "0 1 * * *"}


def applied(*documents: Resource) -> Any:
    return lambda scene: scene.apply(*documents)


CASES: dict[str, tuple[Any, Mapping[str, Any], tuple[Resource, ...]]] = {
    "adopted by its name": (foreign, {}, (query("q", "SELECT 2", lifecycle=ASKED),)),
    "adopted and changed": (foreign, {}, (query("q", "SELECT 3", lifecycle=ASKED),)),
    "imported by its id": (foreign, {"imports": {at("audience/vip"): "502"}}, (audience(),)),
    "imported and changed": (foreign, {"imports": {at("audience/vip"): "502"}}, (audience(description="New"),)),
    "moved": (owned, {"moved": {at("audience/vip"): at("audience/best")}}, (audience("best"),)),
    "moved and changed": (
        owned,
        {"moved": {at("audience/vip"): at("audience/best")}},
        (audience("best", title="Best"),),
    ),
    "replaced": (applied(OLD, query("kept")), {}, (query("q", "SELECT 1", database="other"), query("kept"))),
    "deleted": (applied(OLD, query("kept")), {}, (query("kept"),)),
    "disabled": (applied(query("q", lifecycle={"on_delete": "disable"}), query("kept")), {}, (query("kept"),)),
    "forgotten": (applied(query("q", lifecycle={"on_delete": "forget"}), query("kept")), {}, (query("kept"),)),
}


def world(folder: Path, case: str) -> Told:
    before, transitions, _ = CASES[case]
    scene = Scene(folder)
    before(scene)
    return told(scene, **transitions)


def outcome(scene: Scene) -> object:
    return scene.remembered(), scene.exports.objects, scene.audiences.objects


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("case", CASES)
def test_the_next_run_ends_where_an_undisturbed_one_does(
    tmp_path_factory: pytest.TempPathFactory, case: str, side: str
) -> None:
    documents = CASES[case][2]
    undisturbed = world(tmp_path_factory.mktemp("undisturbed"), case)
    undisturbed.apply(*documents)
    total = undisturbed.lines
    assert total

    for line in range(1, total + 1):
        scene = world(tmp_path_factory.mktemp(f"line-{line}"), case)
        setattr(scene, f"kill_{side}", line)
        with pytest.raises(Killed):
            scene.apply(*documents)
        scene.kill_before = scene.kill_after = 0

        assert not scene.plan(*documents).plan.gates, f"line {line}"
        scene.apply(*documents)

        assert outcome(scene) == outcome(undisturbed), f"line {line}"
        assert scene.plan(*documents).plan.is_empty, f"line {line}"
        assert scene.store().read().unfinished == ()
