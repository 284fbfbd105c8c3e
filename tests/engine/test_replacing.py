"""What is made anew on request, at each line of the journal at which a run may end."""

from __future__ import annotations

from pathlib import Path

import pytest
from scene import Killed, Scene, activation, audience, planned, query

from reconciler.engine.planning import prepare
from reconciler.model.address import Address
from reconciler.model.change import Reason, Replace

DOCUMENTS = (audience(), activation(), query("q"))
VIP, DAILY, Q = (Address.parse(text) for text in ("audience/vip", "activation/vip-daily", "query/q"))


def test_what_is_as_declared_is_replaced_when_somebody_asks(scene: Scene) -> None:
    scene.apply(*DOCUMENTS)

    prepared = prepare(scene.world(*DOCUMENTS), scene.store().read(), None, {Q})

    assert planned(prepared) == {"query/q": "replace"}
    change = next(change for change in prepared.plan.changes if change.address == Q)
    assert isinstance(change, Replace)
    assert (change.fields, change.reason) == ((), Reason.REQUESTED_REPLACE)


def test_an_audience_is_made_anew_by_the_first_run_of_what_fills_it(scene: Scene) -> None:
    scene.apply(*DOCUMENTS)
    before = scene.remembered()["audience/vip"]["id"]

    scene.apply(*DOCUMENTS, replaced={VIP})

    assert scene.remembered()["audience/vip"]["id"] != before
    assert list(scene.audiences.objects) == [scene.remembered()["audience/vip"]["id"]]
    assert scene.plan(*DOCUMENTS).plan.is_empty


@pytest.mark.parametrize("address", [Q, DAILY, VIP], ids=str)
@pytest.mark.parametrize("side", ["before", "after"])
def test_a_run_that_is_killed_while_it_replaces_is_finished_by_the_next(
    tmp_path_factory: pytest.TempPathFactory, address: Address, side: str
) -> None:
    def scene_of(name: str) -> Scene:
        scene = Scene(Path(tmp_path_factory.mktemp(name)))
        scene.apply(*DOCUMENTS)
        return scene

    undisturbed = scene_of("undisturbed")
    undisturbed.apply(*DOCUMENTS, replaced={address})
    total = undisturbed.lines
    assert total >= 4

    for line in range(1, total + 1):
        scene = scene_of(f"line-{line}")
        setattr(scene, f"kill_{side}", line)
        with pytest.raises(Killed):
            scene.apply(*DOCUMENTS, replaced={address})
        scene.kill_before = scene.kill_after = 0

        scene.apply(*DOCUMENTS)

        assert scene.plan(*DOCUMENTS).plan.is_empty, f"line {line}"
        assert scene.store().read().unfinished == ()
        assert (len(scene.audiences.objects), sorted(scene.exports.objects)) == (1, ["q", "vip-daily"])
