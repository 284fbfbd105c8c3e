"""A drawing of what needs what: boxes in columns, what is needed left of what needs it. The same for the same graph.

In layers by the longest way, each ordered by the middle of its neighbours, as Sugiyama, Tagawa and Toda describe it (1981).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_SWEEPS: Final = 4
_BOX_HEIGHT: Final = 26
_ROW: Final = 36
_GAP: Final = 70
_MARGIN: Final = 12
_CHARACTER: Final = 7.3
"""Width of a character at the size that the style sheet gives to labels."""
_LONGEST: Final = 44


@dataclass(frozen=True, slots=True)
class Box:
    """A node. Numbers are pixels; *label* is the name, shortened in its middle where it is long."""

    name: str
    label: str
    x: float
    y: float
    width: float
    height: float = _BOX_HEIGHT

    @property
    def middle(self) -> float:
        """Where arrows begin and end."""
        return self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class Arrow:
    """From what is needed to what needs it, as the path of an SVG."""

    needed: str
    by: str
    path: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """All of it, and its size."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    width: float
    height: float


def drawn(names: Iterable[str], needs: Mapping[str, Iterable[str]]) -> Drawing:
    """The drawing of *names*. needs: name -> names that it needs; others than *names* are left out."""
    known = sorted(set(names))
    within = set(known)
    edges = {name: sorted(set(needs.get(name, ())) & within - {name}) for name in known}
    layers = _ordered(_layers(known, edges), edges)
    boxes: dict[str, Box] = {}
    x = float(_MARGIN)
    tallest = max((len(layer) for layer in layers), default=0)
    for layer in layers:
        labels = {name: _short(name) for name in layer}
        width = max(len(label) for label in labels.values()) * _CHARACTER + 16
        top = _MARGIN + (tallest - len(layer)) * _ROW / 2
        for row, name in enumerate(layer):
            boxes[name] = Box(name, labels[name], round(x, 1), round(top + row * _ROW, 1), round(width, 1))
        x += width + _GAP
    arrows = [Arrow(need, name, _path(boxes[need], boxes[name])) for name in known for need in edges[name]]
    height = _MARGIN * 2 + max(tallest * _ROW - (_ROW - _BOX_HEIGHT), 0)
    return Drawing(tuple(boxes[name] for name in known), tuple(arrows), round(x - _GAP + _MARGIN, 1), height)


def _layers(names: Sequence[str], edges: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Names by the longest way to something that needs nothing. Those in a circle stand in the first."""
    waiting = {name: len(edges[name]) for name in names}
    needed_by: dict[str, list[str]] = defaultdict(list)
    for name in names:
        for need in edges[name]:
            needed_by[need].append(name)
    depth = dict.fromkeys(names, 0)
    free = [name for name in names if not waiting[name]]
    for name in free:  # grows while it is gone through
        for other in needed_by[name]:
            depth[other] = max(depth[other], depth[name] + 1)
            waiting[other] -= 1
            if not waiting[other]:
                free.append(other)
    layers: dict[int, list[str]] = defaultdict(list)
    for name in names:
        layers[depth[name] if not waiting[name] else 0].append(name)
    return [layers[level] for level in sorted(layers)]


def _ordered(layers: list[list[str]], edges: Mapping[str, Sequence[str]]) -> list[list[str]]:
    neighbours: dict[str, list[str]] = defaultdict(list)
    for name, needs in edges.items():
        for need in needs:
            neighbours[name].append(need)
            neighbours[need].append(name)
    place = {name: row - len(layer) / 2 for layer in layers for row, name in enumerate(layer)}

    def middle(name: str) -> float:
        around = neighbours[name]
        return sum(place[other] for other in around) / len(around) if around else place[name]

    for sweep in range(_SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            layer.sort(key=lambda name: (middle(name), name))
            place.update((name, row - len(layer) / 2) for row, name in enumerate(layer))
    return layers


def _path(source: Box, target: Box) -> str:
    x1, y1, x2, y2 = source.x + source.width, source.middle, target.x, target.middle
    bend = max((x2 - x1) / 2, 24)
    return f"M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}"


def _short(name: str) -> str:
    if len(name) <= _LONGEST:
        return name
    half = _LONGEST // 2
    return f"{name[: half - 1]}…{name[-half:]}"
