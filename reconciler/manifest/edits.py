"""Ways to do one step of a change in a text: each replaces one stretch of it. The best comes first; none is proven."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import yaml

from reconciler.manifest import rendering
from reconciler.manifest.differing import Step, Verb
from reconciler.manifest.layout import Layout, Node
from reconciler.model.json import Json

Edit: TypeAlias = tuple[int, int, str]
"""Start, end and what comes in between."""


def edits(spans: Layout, way: Sequence[Node], step: Step) -> Iterator[Edit]:
    """Ways to do *step*. *way*: the nodes from the document to the one concerned, or, of an insertion, to its collection."""
    is_flow = any(getattr(node, "flow_style", False) for node in way[:-1])
    match step.verb:
        case Verb.SET:
            yield from _replaced(spans, way, step, is_flow=is_flow)
        case Verb.INSERT:
            node, part = way[-1], step.path[-1]
            if is_flow or node.flow_style:
                yield from _inserted_in_flow(spans, node, part, step.value)
            elif isinstance(node, yaml.MappingNode):
                yield from _new_key(spans, node, str(part), step.value)
            else:
                yield from _new_item(spans, node, int(part), step.value)
        case Verb.REMOVE:
            yield from _removed(spans, way, step, is_flow=is_flow)


# -- values ------------------------------------------------------------------------------------------------------------


def _replaced(spans: Layout, way: Sequence[Node], step: Step, *, is_flow: bool) -> Iterator[Edit]:
    node, parent, value = way[-1], way[-2], step.value
    start, end = int(node.start_mark.index), spans.end(node)
    style = getattr(node, "style", None)
    holder = _key_of(parent, node)
    indent = (holder or parent).start_mark.column + 2
    if not is_flow and not _is_block(node) and isinstance(value, str) and ("\n" in value or style == "|"):
        yield from _literal(spans, node, value, indent)
    if _is_collection(value):
        if not is_flow and holder is not None and start == end:
            lines = rendering.entry("x", value, indent - 2)[1:]
            if lines:
                at = spans.line_end(end)
                yield at, at, spans.newline + spans.newline.join(lines)
        texts: Iterator[str] = iter((rendering.inline(value),))
    else:
        texts = rendering.scalars(value, style)
    is_below = holder is not None and not is_flow and _is_block(node)
    if is_below and holder is not None:
        start = spans.text.index(":", int(holder.end_mark.index)) + 1
    for text in texts:
        needs_blank = is_below or spans.text[start - 1 : start] in (":", "-", ",")
        yield start, end, f" {text}" if needs_blank else text


def _literal(spans: Layout, node: Node, value: str, indent: int) -> Iterator[Edit]:
    start, end = int(node.start_mark.index), spans.end(node)
    if getattr(node, "style", None) in ("|", ">"):  # a collection has none
        lines = [line for line in spans.text[spans.next_line(start) : end].splitlines() if line.strip()]
        indent = len(lines[0]) - len(lines[0].lstrip(" ")) if lines else indent
        rest = spans.text[start : spans.line_end(start)].lstrip("|>+-0123456789")
    elif spans.line_end(start) >= end:
        rest, end = spans.text[end : spans.line_end(end)], spans.line_end(end)
    else:
        return
    body = rendering.literal(value, indent)
    if body is None:
        return
    gap = " " if spans.text[start - 1 : start] in (":", "-") else ""
    text = gap + body[0] + rest.rstrip() + spans.newline + spans.newline.join(body[1:])
    yield start, end, text
    if end == len(spans.text):
        yield start, end, text + spans.newline


def _is_collection(value: Json) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, Sequence) and not isinstance(value, str))


def _is_block(node: Node) -> bool:
    return isinstance(node, yaml.CollectionNode) and not node.flow_style


def _key_of(parent: Node, node: Node) -> Node | None:
    if not isinstance(parent, yaml.MappingNode):
        return None
    return next(key for key, value in parent.value if value is node)


# -- what is new -------------------------------------------------------------------------------------------------------


def _new_key(spans: Layout, node: Node, name: str, value: Json) -> Iterator[Edit]:
    indent = int(node.start_mark.column)
    yield _below(spans, spans.end(node), rendering.entry(name, value, indent))
    yield _below(spans, spans.end(node), [f"{' ' * indent}{rendering.key(name)}: {rendering.inline(value)}"])


def _new_item(spans: Layout, node: Node, index: int, value: Json) -> Iterator[Edit]:
    items = node.value
    indent = int(node.start_mark.column)
    for like_block in (bool(items) and _is_block(items[0]), False):
        lines = rendering.item(value, indent, like_block=like_block)
        if index >= len(items):
            yield _below(spans, spans.end(node), lines)
        else:
            dash = _dash(spans, items[index])
            at = spans.line_start(dash)
            text = "".join(line + spans.newline for line in lines)
            yield at, at, text
            # The first item of a sequence in a sequence shares its line with the dash of the outer one.
            yield dash, dash, text.lstrip(" ") + " " * indent


def _below(spans: Layout, offset: int, lines: Sequence[str]) -> Edit:
    """*lines* put below the line that *offset* lies in, or at *offset* when a line begins there."""
    if offset and spans.line_start(offset) == offset:
        return offset, offset, "".join(line + spans.newline for line in lines)
    at = spans.line_end(offset)
    return at, at, "".join(spans.newline + line for line in lines)


def _dash(spans: Layout, item: Node) -> int:
    return spans.text.rindex("-", 0, max(int(item.start_mark.index), 1))


def _inserted_in_flow(spans: Layout, node: Node, part: str | int, value: Json) -> Iterator[Edit]:
    text = rendering.inline(value)
    if isinstance(node, yaml.MappingNode):
        text = f"{rendering.key(str(part))}: {text}"
        index = len(node.value)
        entries = [pair[1] if pair[1].start_mark.index >= pair[0].start_mark.index else pair[0] for pair in node.value]
    else:
        index, entries = int(part), node.value
    if index == 0:
        at = (
            int(node.start_mark.index)
            + spans.text[int(node.start_mark.index) :].index("{["[isinstance(node, yaml.SequenceNode)])
            + 1
        )
        yield at, at, text + ", " if entries else text
    else:
        at = spans.end(entries[index - 1])
        yield at, at, ", " + text


# -- what goes ---------------------------------------------------------------------------------------------------------


def _removed(spans: Layout, way: Sequence[Node], step: Step, *, is_flow: bool) -> Iterator[Edit]:
    node, parent = way[-1], way[-2]
    if isinstance(parent, yaml.MappingNode):
        entries = [(key, value) for key, value in parent.value]
        index = next(number for number, (_, value) in enumerate(entries) if value is node)
        begins = [int(key.start_mark.index) for key, _ in entries]
    else:
        entries = [(item, item) for item in parent.value]
        index = int(step.path[-1])
        begins = [_begin(spans, item, is_flow=is_flow) for item, _ in entries]
    if len(entries) == 1:
        empty: Json = {} if isinstance(parent, yaml.MappingNode) else []
        if len(way) > 2:
            yield from _replaced(spans, way[:-1], Step(Verb.SET, step.path[:-1], empty), is_flow=is_flow)
        return
    end = spans.end(node)
    if is_flow:
        if index + 1 < len(entries):
            yield begins[index], begins[index + 1], ""
        yield spans.end(entries[index - 1][1]), end, ""
        return
    begin = begins[index]
    start = spans.line_start(begin)
    if not spans.text[start:begin].strip(" "):
        behind = spans.next_line(end) if spans.line_start(end) != end else end
        if behind == len(spans.text) and spans.line_end(end) == behind:
            start -= len(spans.newline)  # the last line has no end, so it takes that of the line above
        yield start, behind, ""
    if index + 1 < len(entries):
        yield begin, begins[index + 1], ""


def _begin(spans: Layout, item: Node, *, is_flow: bool) -> int:
    return int(item.start_mark.index) if is_flow else _dash(spans, item)
