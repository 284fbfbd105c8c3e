"""What did not move is told at once, and as the whole decision would tell it."""

from __future__ import annotations

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.engine.decide import Case, Decision, decide, steady
from reconciler.engine.diff import Rules, Tree
from reconciler.errors import Denied
from reconciler.model.address import Address
from reconciler.model.change import Keep
from reconciler.model.json import Json
from reconciler.model.kinds import DatabaseSpec
from reconciler.model.observation import Finding, Observation, Seen, Unreadable
from reconciler.model.record import Record
from reconciler.model.resource import Origin, Resource
from reconciler.model.secret import Secret
from reconciler.model.spec import Lifecycle
from reconciler.model.unknown import Unknown
from reconciler.ports.provider import FieldClass, KindTraits

ADDRESS = Address("database", "shop")
RESOURCE = Resource(ADDRESS, DatabaseSpec(), Lifecycle(), Origin("m.yaml", 0))
NAMES = st.sampled_from(["name", "delay", "columns"])
VALUES = st.sampled_from([None, 0, 1, "", "a", ["a", "b"], ["b", "a"], {"x": 1}])
TREES = st.dictionaries(NAMES, VALUES)
THREE = TREES.flatmap(lambda tree: st.tuples(st.just(tree), st.just(tree) | TREES, st.just(tree) | TREES))
TRAITS = st.sampled_from(
    [
        KindTraits(),
        KindTraits(defaults={"delay": 0, "name": ""}),
        KindTraits(
            classes={"/columns": FieldClass.SET, "/name": FieldClass.WRITE_ONLY, "/delay": FieldClass.IMMUTABLE}
        ),
    ]
)


def fingerprint(_secret: Secret, _path: str) -> str:
    return "key:fingerprint"


@given(trees=THREE, traits=TRAITS, note=st.sampled_from(["", "filling"]))
def test_what_is_told_at_once_is_what_would_be_decided(
    trees: tuple[dict[str, Json], dict[str, Json], dict[str, Json]], traits: KindTraits, note: str
) -> None:
    wanted, there, applied = trees
    record, look = Record("7", applied), Finding(Observation("7", there, note=note))
    found = steady(record, look, cast("Tree", wanted))

    if found is not None:
        rules = Rules(traits, fingerprint)
        assert decide(Case(RESOURCE, record, look, cast("Tree", wanted), rules)) == Decision(Keep(ADDRESS, "7", note))
    assert (found is not None) == (wanted == there == applied)


SAME: dict[str, Json] = {"name": "shop"}
THERE = Finding(Observation("7", SAME))


@pytest.mark.parametrize(
    ("record", "seen", "desired"),
    [
        (None, THERE, SAME),
        (Record("7", SAME, phase="ran"), THERE, SAME),
        (Record("7", SAME), Finding(None, (Observation("7", SAME),)), SAME),
        (Record("7", SAME), Finding(), SAME),
        (Record("7", SAME), Unreadable(Denied("no")), SAME),
        (Record("7", SAME, {"/token": "key:old"}), THERE, SAME | {"token": Secret("env:T", "new")}),
        (Record("7", SAME), THERE, SAME | {"id": Unknown(ADDRESS)}),
    ],
    ids=["unknown", "under-way", "other-id", "absent", "unreadable", "secret", "not-known-yet"],
)
def test_what_needs_a_decision_is_not_told_at_once(record: Record | None, seen: Seen, desired: Tree) -> None:
    assert steady(record, seen, desired) is None
