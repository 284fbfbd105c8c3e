"""What a plan's page shows: the document's facts, ready to be written down in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from reconciler.reports import leaving, text
from reconciler.reports.collections import entries_that_differ
from reconciler.reports.html import layout
from reconciler.reports.html.timeline import Timeline, timeline
from reconciler.reports.values import dotted, is_long, show, text_changes

Change = Mapping[str, Any]

DRAWN_AT_MOST: Final = 300
"""More boxes than this are drawn as one for each kind and action."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field. *lines*: a difference by lines, in the place of *before* and *after*."""

    name: str
    before: str
    after: str
    lines: tuple[str, ...]
    remarks: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A change with what is said of it. *anchor*: where the drawing leads to."""

    anchor: str
    change: Change
    symbol: str
    words: str
    fields: tuple[Field, ...]
    timing: tuple[str, ...]

    @property
    def action(self) -> str:
        """What is done."""
        return str(self.change["actions"][0])

    @property
    def kind(self) -> str:
        """The first part of its address."""
        return str(self.change["address"]).partition("/")[0]

    @property
    def is_held(self) -> bool:
        """Whether a gate or a risk asks for a look."""
        return bool(self.change.get("gates") or self.change.get("risk"))


@dataclass(frozen=True, slots=True)
class Node:
    """A box of the drawing. *anchor*: "" for what stays as it is."""

    box: layout.Box
    action: str
    anchor: str
    told: str


@dataclass(frozen=True, slots=True)
class Graph:
    """*is_by_kind*: there are so many resources that each box is a kind."""

    nodes: tuple[Node, ...]
    drawing: layout.Drawing
    is_by_kind: bool


def view(document: Mapping[str, Any], *, verbose: bool) -> dict[str, Any]:
    """What the template `plan.html` asks for. verbose: also what stays as it is, by name."""
    timings = text.timings_of(document)
    doing = [change for change in document["changes"] if change["actions"] != ["noop"]]
    doing.sort(key=lambda one: (text.ORDER.index(one["actions"][0]), one["address"]))
    shown = [_shown(number, change, timings) for number, change in enumerate(doing, 1)]
    told = document.get("schedules")
    return {
        "title": f"Plan for {document['environment']}",
        "document": document,
        "shown": shown,
        "summary": text.summary_line(document),
        "checkout": text.checkout(document).removeprefix(", "),
        "banners": list(text.banners(document)),
        "warnings": text.warning_lines(document),
        "staying": text.staying(document["changes"], verbose=verbose),
        "actions": _counted(one.action for one in shown),
        "kinds": _counted(one.kind for one in shown),
        "origins": _counted(str(one.change.get("origin") or "") for one in shown),
        "held": sum(one.is_held for one in shown),
        "egress": list(leaving.lines(document.get("egress", ())))[1:-1],
        "graph": _graph(document["changes"], shown),
        "timeline": _timeline(told),
        "words": text.WORDS,
    }


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(value for value in values if value).items()))


def _timeline(told: Mapping[str, Any] | None) -> Timeline | None:
    return timeline(told) if told else None


def _shown(number: int, change: Change, timings: Mapping[str, Sequence[str]]) -> Shown:
    action = change["actions"][0]
    return Shown(
        anchor=f"c{number}",
        change=change,
        symbol=text.SYMBOLS[action],
        words=text.WORDS[action],
        fields=tuple(_field(field, is_new=action == "create") for field in change["fields"]),
        timing=tuple(line.strip() for line in timings.get(change["address"], ())),
    )


def _field(field: Mapping[str, Any], *, is_new: bool) -> Field:
    before, after = field["before"], field["after"]
    lines: tuple[str, ...] = ()
    was = is_to_be = ""
    if field["sensitive"]:
        is_to_be = text.secret(before, after)
    elif is_long(before) or is_long(after):
        lines = tuple(text_changes(before, after))
    elif isinstance(before, list) and isinstance(after, list):
        lines = tuple(entries_that_differ(before, after))
    else:
        was = "" if is_new or before is None else show(before)
        is_to_be = show(after)
    remarks = []
    if not is_new and field["origin"] != "config":
        since = f": tdr {field['introduced_in']} says it so" if field.get("introduced_in") else ""
        remarks.append(f"{field['origin']}{since}")
    if "applied" in field:
        remarks.append(f"conflict: {text.conflict(field['applied'])}")
    return Field(dotted(field["path"]), was, is_to_be, lines, tuple(remarks), str(field["source"] or ""))


def _graph(changes: Sequence[Change], shown: Sequence[Shown]) -> Graph | None:
    """What changes, and what stands right beside it. None where nothing needs anything."""
    anchors = {str(one.change["address"]): one for one in shown}
    needs = {str(change["address"]): [str(need) for need in change["depends_on"]] for change in changes}
    near = {
        end
        for name, wanted in needs.items()
        for need in wanted
        if name in anchors or need in anchors
        for end in (name, need)
    }
    if not near:
        return None
    if len(near) > DRAWN_AT_MOST:
        return _by_kind(near, needs, anchors)
    drawing = layout.drawn(near, needs)
    return Graph(tuple(_node(box, anchors.get(box.name)) for box in drawing.boxes), drawing, is_by_kind=False)


def _node(box: layout.Box, one: Shown | None) -> Node:
    if one is None:
        return Node(box, "stays", "", f"{box.name}: stays as it is")
    return Node(box, one.action, one.anchor, f"{box.name}: {one.words}")


def _by_kind(near: Iterable[str], needs: Mapping[str, Sequence[str]], anchors: Mapping[str, Shown]) -> Graph:
    groups: Counter[tuple[str, str]] = Counter()
    group_of: dict[str, tuple[str, str]] = {}
    for name in near:
        one = anchors.get(name)
        group_of[name] = (name.partition("/")[0], one.action if one else "stays")
        groups[group_of[name]] += 1

    def label(group: tuple[str, str]) -> str:
        return f"{groups[group]} {group[0]}: {text.WORDS.get(group[1], group[1])}"

    wanted: dict[str, set[str]] = {}
    for name, group in group_of.items():
        within = {label(group_of[need]) for need in needs.get(name, ()) if need in group_of}
        wanted.setdefault(label(group), set()).update(within)
    action_of = {label(group): group[1] for group in groups}
    drawing = layout.drawn(action_of, wanted)
    nodes = tuple(Node(box, action_of[box.name], "", box.name) for box in drawing.boxes)
    return Graph(nodes, drawing, is_by_kind=True)
