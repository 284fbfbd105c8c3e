"""Drawings of what needs what: nothing is lost, nothing lies on something else, and the same graph looks the same."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from reconciler.reports.html.layout import drawn

NAMES = [f"kind/n{number}" for number in range(12)]
edges = st.dictionaries(st.sampled_from(NAMES), st.sets(st.sampled_from([*NAMES, "kind/unknown"])), max_size=12)


@given(edges)
def test_every_name_has_a_box_of_its_own_and_every_need_an_arrow(needs: dict[str, set[str]]) -> None:
    drawing = drawn(NAMES, needs)
    assert [box.name for box in drawing.boxes] == sorted(NAMES)
    wanted = {(need, name) for name, all_ in needs.items() for need in all_ if need in NAMES and need != name}
    assert {(arrow.needed, arrow.by) for arrow in drawing.arrows} == wanted
    for one, other in itertools.combinations(drawing.boxes, 2):
        assert (
            one.x + one.width <= other.x
            or other.x + other.width <= one.x
            or one.y + one.height <= other.y
            or other.y + other.height <= one.y
        ), (one, other)
    for box in drawing.boxes:
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.width <= drawing.width
        assert box.y + box.height <= drawing.height


@given(st.sets(st.tuples(st.integers(0, 11), st.integers(0, 11)).filter(lambda pair: pair[0] < pair[1])))
def test_what_is_needed_stands_left_of_what_needs_it(pairs: set[tuple[int, int]]) -> None:
    needs: dict[str, list[str]] = {}
    for need, name in pairs:
        needs.setdefault(NAMES[name], []).append(NAMES[need])
    boxes = {box.name: box for box in drawn(NAMES, needs).boxes}
    for name, wanted in needs.items():
        for need in wanted:
            assert boxes[need].x + boxes[need].width < boxes[name].x


@given(edges, st.randoms())
def test_the_same_graph_is_drawn_the_same(needs: dict[str, set[str]], random: object) -> None:
    names = list(NAMES)
    random.shuffle(names)  # type: ignore[attr-defined]
    assert drawn(names, {name: sorted(needs.get(name, ()), reverse=True) for name in names}) == drawn(NAMES, needs)


def test_long_names_are_shortened_in_their_middle() -> None:
    (box,) = drawn(["kind/" + "a" * 80 + "-end"], {}).boxes
    assert len(box.label) == 44
    assert box.label.startswith("kind/aaa")
    assert box.label.endswith("-end")


def test_nothing_to_draw_is_a_drawing_too() -> None:
    assert drawn([], {}).boxes == ()
