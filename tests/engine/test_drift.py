"""The digest of a drift, and what nothing manages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st
from scene import Scene, query

from reconciler.engine.drift import Drift, DriftReport, Verdict, drift
from reconciler.engine.refresh import refresh
from reconciler.engine.unmanaged import Coverage, Unmanaged, inventory
from reconciler.errors import Transient
from reconciler.model.address import Address
from reconciler.model.change import FieldChange, Origin
from reconciler.model.observation import Observation
from reconciler.model.record import Record, State
from reconciler.ports.listing import Found, Unlisted
from reconciler.ports.provider import Provider

FIELDS = st.lists(
    st.builds(
        FieldChange,
        st.sampled_from(["/a", "/b", "/c"]),
        st.one_of(st.none(), st.text(max_size=3)),
        st.one_of(st.none(), st.integers(-9, 9)),
        st.just(Origin.DRIFT),
    ),
    max_size=3,
    unique_by=lambda field: field.path,
).map(tuple)
ENTRIES = st.lists(
    st.builds(
        Drift,
        st.sampled_from("abcdef").map(lambda name: Address("query", name)),
        st.sampled_from(list(Verdict)),
        st.just("1"),
        FIELDS,
    ),
    max_size=5,
    unique_by=lambda entry: entry.address,
)


@given(ENTRIES, st.randoms(use_true_random=False))
def test_the_digest_knows_no_order_no_time_and_no_person(entries: list[Drift], random: Any) -> None:
    shuffled = [
        Drift(
            one.address,
            one.verdict,
            "2",
            tuple(random.sample(one.fields, len(one.fields))),
            note="later",
            changed_at="2026-03-01T00:00:00Z",
            changed_by="ana",
        )
        for one in random.sample(entries, len(entries))
    ]

    assert DriftReport(tuple(shuffled)).digest() == DriftReport(tuple(entries)).digest()


@given(ENTRIES, ENTRIES)
def test_the_digest_differs_when_what_moved_does(one: list[Drift], other: list[Drift]) -> None:
    def moved(entries: list[Drift]) -> list[object]:
        return sorted(
            repr(
                (
                    entry.address,
                    entry.verdict,
                    sorted((field.path, field.before, field.after) for field in entry.fields),
                )
            )
            for entry in entries
            if entry.is_drift
        )

    assert (DriftReport(tuple(one)).digest() == DriftReport(tuple(other)).digest()) == (moved(one) == moved(other))


def test_what_its_vendor_does_not_show_yet_is_not_missing(scene: Scene) -> None:
    world = scene.world()
    record = Record("501", {"title": "VIP"}, unseen_since="2023-11-14T22:13:10Z")
    state = State("l", "test", records={Address("audience", "vip"): record})

    (young,) = drift(world, state, refresh(world, state, {})).entries
    scene.clock.sleep(60)
    (old,) = drift(world, state, refresh(world, state, {})).entries

    assert (young.verdict, old.verdict) == (Verdict.CONVERGING, Verdict.MISSING)


def test_a_changed_query_is_placed_where_its_document_stands(scene: Scene) -> None:
    scene.apply(query("q"))
    scene.exports.objects["q"].update(sql="x")
    world = scene.world(query("q"))
    state = scene.store().read().state

    (entry,) = drift(world, state, refresh(world, state, {})).entries

    assert [(field.path, field.before, field.after) for field in entry.fields] == [("/sql", "SELECT 1", "x")]


class Shelf:
    """A vendor that tells what it holds."""

    def __init__(self, name: str, held: Iterable[Found | Unlisted], *, fails: bool = False) -> None:
        self.name = name
        self.held = held
        self.fails = fails

    def listing(self) -> Iterable[Found | Unlisted]:
        yield from self.held
        if self.fails:
            raise Transient("no answer")

    def declare(self, *_: object) -> object:
        raise NotImplementedError


def found(kind: str, remote_id: str) -> Found:
    return Found(kind, f"The {remote_id}", Observation(remote_id, {}))


def test_what_nothing_manages_is_counted_and_what_does_not_tell_is_named() -> None:
    state = State(
        "l", "test", records={Address("activation", "a"): Record("q1", {}), Address("table", "t"): Record("d.t", {})}
    )
    held = [found("query", "q2"), found("query", "q1"), found("table", "d.t"), Unlisted("d2", "no access")]
    shelves = [Shelf("one", held), Shelf("two", [found("audience", "5")], fails=True), Shelf("three", [])]

    told = inventory(cast("list[Provider]", shelves), state, {"three": Transient("who answers")})

    assert told.unmanaged == (Unmanaged("audience", "5", "The 5"), Unmanaged("query", "q2", "The q2"))
    assert told.coverage == (Coverage("audience", 0, 1), Coverage("query", 1, 2), Coverage("table", 1, 1))
    assert told.unlisted == (
        Unlisted("d2", "no access"),
        Unlisted("three", "who answers"),
        Unlisted("two", "no answer"),
    )
