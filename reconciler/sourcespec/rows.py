"""Rows of pages: each is the page with the array replaced by one of its elements, and what stands around it as the
specification wants it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

from reconciler.model.json import Json
from reconciler.sourcespec.findings import Refused
from reconciler.sourcespec.paths import MISSING, Path
from reconciler.sourcespec.specification import Content, Specification

Row: TypeAlias = dict[str, Json]

_NAMELESS: Final = "value"
"""What elements that are no objects are called where the page itself is the list."""


@dataclass(frozen=True, slots=True)
class Shaped:
    """Rows of a page. *elements*: how many the page has, which is what offsets count; rows may be more or fewer."""

    rows: list[Row]
    elements: int
    dropped: int = 0
    """Parents without a list to explode, which gave no row."""


class Shaper:
    """Shapes the pages of one run. What `keepAttributes` means is told from the first rows, and holds for all."""

    def __init__(self, specification: Specification) -> None:
        """By the content and explode paths of *specification*."""
        self._specification = specification
        self._content = specification.content
        self._keeps: dict[int, bool] = {}
        self._is_first = True

    def rows(self, page: Json) -> Shaped:
        """The rows of *page*.

        Raises:
            Refused: the first page has nothing at the content path, or any has neither list nor object there.
        """
        elements = self._elements(page)
        self._is_first = False
        rows = self._replaced(self._content, page, elements)
        if self._specification.explode is None:
            return Shaped(rows, len(elements))
        exploded: list[Row] = []
        dropped = 0
        for row in rows:
            found = list(self._exploded(self._specification.explode, row))
            dropped += not found
            exploded += found
        return Shaped(exploded, len(elements), dropped)

    def _elements(self, page: Json) -> Sequence[Json]:
        found = self._content.path.of(page)
        if found is MISSING:
            if self._is_first:
                raise Refused(
                    "contentPath.path",
                    f"content path not found: the answer has nothing at {self._content.path.text}",
                    f"it has {_members(page)}",
                )
            return ()
        if found is None:
            return ()
        if isinstance(found, list):
            return found
        if isinstance(found, dict):
            return (found,)
        raise Refused("contentPath.path", "content path is not an array or an object")

    def _replaced(self, content: Content, page: Json, elements: Sequence[Json]) -> list[Row]:
        kept = self._kept(content, elements, 0)
        if not content.path.steps:
            return [self._at_root(content, kept(element)) for element in elements]
        name = content.wrapper or str(content.path.steps[-1])
        container = content.path.parent.of(page)
        if not isinstance(container, dict):
            return []
        around = self._around(content, container, name)
        above = content.path.parent.steps
        if not above:
            return [{**around, name: element} for element in kept.of(elements)]
        return [_placed(page, above, {**around, name: element}) for element in kept.of(elements)]

    def _at_root(self, content: Content, element: Json) -> Row:
        if content.wrapper:
            return {content.wrapper: element}
        return dict(element) if isinstance(element, dict) else {_NAMELESS: element}

    def _exploded(self, explode: Content, row: Row) -> Iterator[Row]:
        elements = explode.path.of(row)
        if isinstance(elements, dict):
            elements = [elements]
        if not isinstance(elements, list) or not elements:
            if self._specification.extensions.outer:
                yield self._without(explode, row)
            return
        kept = self._kept(explode, elements, 1)
        name = explode.wrapper or str(explode.path.steps[-1])
        container = explode.path.parent.of(row)
        if isinstance(container, dict):
            around = self._around(explode, container, name)
            for element in elements:
                yield _placed(row, explode.path.parent.steps, {**around, name: kept(element)})

    def _without(self, explode: Content, row: Row) -> Row:
        container = explode.path.parent.of(row)
        if not isinstance(container, dict):
            return row
        return _placed(row, explode.path.parent.steps, self._around(explode, container, ""))

    def _around(self, content: Content, container: Mapping[str, Json], name: str) -> Row:
        """What stands beside the list, as the specification wants it."""
        own = content.path.steps[-1]
        around = {
            other: value
            for other, value in container.items()
            if other != own and other not in content.skip and (not content.keep or other in content.keep)
        }
        if name in around:
            raise Refused(
                "overrideWrapperAttribute",
                f"the rows would be called {name!r}, and the answer has a member of that name beside them",
                "choose another name, or skip the member",
            )
        return around

    def _kept(self, content: Content, elements: Sequence[Json], place: int) -> _Kept:
        """What is kept of elements. Names to keep are fields of theirs only where one of them is; else members beside."""
        if content.keep and place not in self._keeps:
            level = self._specification.extensions.keep_level
            fields = _fields(self._specification.page_schema, content.path) if not place else frozenset()
            fields = fields or frozenset(name for one in elements if isinstance(one, dict) for name in one)
            if level is None and not fields:
                return _Kept(content.skip, frozenset())
            self._keeps[place] = bool(content.keep & fields) if level is None else level == "elements"
        return _Kept(content.skip, content.keep if self._keeps.get(place) else frozenset())


@dataclass(frozen=True, slots=True)
class _Kept:
    skip: frozenset[str]
    keep: frozenset[str]

    def of(self, elements: Sequence[Json]) -> Sequence[Json]:
        """What is kept of each; mostly all of it, which is told without a look at each."""
        if not self.keep and set(map(type, elements)) <= {dict}:
            objects = cast("Sequence[Mapping[str, Json]]", elements)
            if not any(name in one for name in self.skip for one in objects):
                return elements
        return list(map(self, elements))

    def __call__(self, element: Json) -> Json:
        if not isinstance(element, dict) or (not self.keep and element.keys().isdisjoint(self.skip)):
            return element
        return {
            name: value
            for name, value in element.items()
            if name not in self.skip and (not self.keep or name in self.keep)
        }


def _placed(document: Json, steps: Sequence[str | int], value: Row) -> Row:
    """*document* with *value* at *steps*; what is not on the way is shared."""
    if not steps:
        return value
    first = steps[0]
    if isinstance(first, int):
        raise Refused("explodeEntityPath.path", "a place in a list is on the way to the rows", "use members only")
    there = document if isinstance(document, dict) else {}
    return {**there, first: _placed(there.get(first), steps[1:], value)}


def _fields(schema: Json, path: Path) -> frozenset[str]:
    """Fields of the elements at *path*, as the JSON Schema of a page says."""
    at: Json = schema
    for step in path.steps:
        properties = at.get("properties") if isinstance(at, dict) else None
        at = properties.get(str(step)) if isinstance(properties, dict) else None
    items = at.get("items") if isinstance(at, dict) else None
    properties = items.get("properties") if isinstance(items, dict) else None
    return frozenset(properties) if isinstance(properties, dict) else frozenset()


def _members(page: Json) -> str:
    if isinstance(page, dict):
        return ", ".join(f"{name!r}" for name in list(page)[:20]) or "no members"
    return f"a {'list' if isinstance(page, list) else 'single value'} and no members"
