"""What others changed becomes what is remembered, field by field, and nothing else does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from scene import Scene, query

from reconciler.engine.diff import Rules, differences
from reconciler.engine.drift import Verdict, drift
from reconciler.engine.noticing import Noticed, as_found, noticed
from reconciler.engine.refresh import refresh
from reconciler.errors import Transient
from reconciler.model.address import Address
from reconciler.model.observation import Seen, Unreadable
from reconciler.ports.provider import KindTraits

NAMES = st.sampled_from(["a", "b", "c"])
LEAVES = st.one_of(st.none(), st.integers(0, 2), st.lists(st.integers(0, 2), max_size=2))
TREES = st.recursive(
    st.dictionaries(NAMES, LEAVES, max_size=3), lambda below: st.dictionaries(NAMES, below, max_size=3)
)
RULES = Rules(KindTraits(), lambda *_: "")
AT = "2026-03-01T00:00:00Z"


@given(TREES, TREES, st.sets(st.sampled_from(["/a", "/b/a", "/c"])))
def test_what_was_taken_differs_no_more_and_the_rest_does_as_before(
    applied: dict[str, Any], found: dict[str, Any], ignored: set[str]
) -> None:
    rules = replace(RULES, ignored=tuple(sorted(ignored)))
    moved = [field.path for field in differences(applied, found, None, rules)]

    after = as_found(applied, found, moved)

    assert differences(after, found, None, rules) == ()
    assert after.keys() == applied.keys()
    untouched = {name for name in applied if not any(path.split("/")[1] == name for path in moved)}
    assert {name: after[name] for name in untouched} == {name: applied[name] for name in untouched}


def look(scene: Scene, *names: str, unfinished: tuple[str, ...] = (), lost: tuple[str, ...] = ()) -> dict[str, Noticed]:
    world = scene.world(*(query(name) for name in names))
    state = scene.store().read().state
    seen: dict[Address, Seen] = refresh(world, state, {})
    seen |= {Address("query", name): Unreadable(Transient("no answer")) for name in lost}
    report = drift(world, state, seen)
    found = noticed(state, seen, report, [Address("query", name) for name in unfinished], AT)
    return {one.found.address.name: one for one in found}


def test_only_what_was_read_and_is_there_is_taken(scene: Scene) -> None:
    names = ("changed", "cut-off", "gone", "same", "unread")
    scene.apply(*(query(name) for name in names))
    for name in ("changed", "cut-off", "unread"):
        scene.exports.objects[name].update(sql="SELECT 2")
    del scene.exports.objects["gone"]
    before = scene.remembered()

    found = look(scene, *names, unfinished=("cut-off",), lost=("unread",))

    assert {name: one.found.verdict for name, one in found.items()} == {
        "changed": Verdict.DRIFTED,
        "cut-off": Verdict.DRIFTED,
        "gone": Verdict.MISSING,
        "same": Verdict.IN_SYNC,
        "unread": Verdict.UNKNOWN,
    }
    assert [name for name, one in found.items() if one.is_left] == ["cut-off", "gone", "unread"]
    after = {name: one.after.to_json() for name, one in found.items() if one.after is not None}
    changed, gone = before["query/changed"], before["query/gone"]
    assert after == {
        "changed": changed | {"applied": changed["applied"] | {"sql": "SELECT 2"}, "made_of": ""},
        "gone": gone | {"absent_since": AT},
    }


def test_what_was_missed_and_is_there_again_is_missed_no_more(scene: Scene) -> None:
    scene.apply(query("q"))
    store = scene.store()
    address = Address("query", "q")
    with store.lock("test", "run", 0):
        state = store.read().state
        missed = replace(state.records[address], absent_since=AT)
        store.checkpoint(state.with_record(address, missed), state.serial)

    (one,) = look(scene, "q").values()

    assert one.after is not None
    assert one.after.absent_since == ""
    assert one.note == "is there after all"
    assert not one.is_left
