"""The keys of each mapping in the order of its model: entries change places, with the comments above and in them.

A comment above the first key of a document is about the document and stays. Blank lines stay where they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import yaml

from reconciler.manifest.edits import Edit
from reconciler.manifest.key_order import Shape, envelope_in_order, in_order, keys_of, nodes
from reconciler.manifest.layout import Layout, Node
from reconciler.manifest.text_lines import TextLines


def groups(spans: Layout, shapes: Sequence[Shape]) -> Sequence[Sequence[Edit]]:
    """The edits of each mapping that is out of order; of two, one in the other, the outer one."""
    lines = TextLines(spans)
    found: list[list[Edit]] = []
    for root, shape in zip(spans.roots, shapes, strict=True):
        behind = 0
        for node, of_node in nodes(root, shape):
            if not isinstance(node, yaml.MappingNode) or node.start_mark.index < behind:
                continue
            keys, said = keys_of(node)
            wanted = in_order(keys, of_node, said) if of_node is not None else _wanted(keys, is_root=node is root)
            if wanted == keys or _holds_names(spans, node):
                continue
            places = [keys.index(key) for key in wanted]
            edits = _in_flow(spans, node, places) if node.flow_style else _in_block(lines, node, places)
            if edits:
                found.append(edits)
                behind = max(end for _, end, _ in edits)
    return found


def _wanted(keys: list[str], *, is_root: bool) -> list[str]:
    return envelope_in_order(keys) if is_root else keys


def _holds_names(spans: Layout, node: Node) -> bool:
    """Whether a name for a block is given or used in *node*, or a block is merged: what comes first may matter then."""
    # A name before the first key is the mapping's own, and comes first whatever is below.
    start, end = int(node.value[0][0].start_mark.index), int(node.end_mark.index)
    return any(start <= name < end for name in spans.names) or any(key.value == "<<" for key, _ in node.value)


def _in_flow(spans: Layout, node: Node, places: Sequence[int]) -> list[Edit]:
    stretches = [(int(key.start_mark.index), spans.end(value)) for key, value in node.value]
    if any("#" in spans.text[end:start] for (_, end), (start, _) in pairwise(stretches)):
        return []  # nobody knows what a comment between two brackets is about
    texts = [spans.text[start:end] for start, end in stretches]
    return _exchanged(stretches, texts, places)


def _in_block(lines: TextLines, node: Node, places: Sequence[int]) -> list[Edit]:
    """Exchange entries, each from the comment above its key to the last comment below its value."""
    spans = lines.spans
    column = int(node.value[0][0].start_mark.column)
    keys = [int(key.start_mark.index) for key, _ in node.value]
    ends = [_last_line(lines, spans.end(value), column) for _, value in node.value]
    begins = [lines.line(key) for key in keys]
    first = [begins[0], *(_with_comments(lines, begin, end) for end, begin in zip(ends[:-1], begins[1:], strict=True))]
    if column and lines.is_first(keys[0]):
        first[0] = _with_comments(lines, begins[0], _line_above(lines, begins[0], column))
    # The first entry of a list's item stands behind the dash; all others are whole lines.
    is_inline = [
        line == begin and not lines.is_first(key) for line, begin, key in zip(first, begins, keys, strict=True)
    ]
    starts = [key if inline else lines.starts[line] for line, key, inline in zip(first, keys, is_inline, strict=True)]
    stretches = [(start, spans.line_end(lines.starts[end])) for start, end in zip(starts, ends, strict=True)]
    texts = [
        " " * column * inline + spans.text[start:end] for (start, end), inline in zip(stretches, is_inline, strict=True)
    ]
    edits = _exchanged(stretches, texts, places)
    if not is_inline[0]:
        return edits
    return [(start, end, text.lstrip(" ") if start == starts[0] else text) for start, end, text in edits]


def _exchanged(stretches: Sequence[tuple[int, int]], texts: Sequence[str], places: Sequence[int]) -> list[Edit]:
    return [
        (stretch[0], stretch[1], texts[place])
        for number, (stretch, place) in enumerate(zip(stretches, places, strict=True))
        if number != place
    ]


def _last_line(lines: TextLines, end: int, column: int) -> int:
    """The last line of an entry whose value ends at *end*: comments that stand deeper than its key are still about it."""
    last = lines.line(end)
    if last and lines.starts[last] == end:
        last -= 1
    line = last + 1
    while line < len(lines.texts) and (lines.is_blank(line) or lines.is_comment(line)):
        if lines.is_comment(line) and lines.indent(line) > column:
            last = line
        line += 1
    return last


def _with_comments(lines: TextLines, line: int, above: int) -> int:
    """The first line of the comments, below the line *above*, that belong to the key in *line*."""
    found = line
    for other in range(line - 1, above, -1):
        if lines.is_comment(other):
            found = other
    return found


def _line_above(lines: TextLines, line: int, column: int) -> int:
    """The line that a mapping at *column* stands below: the nearest above *line* that is no comment of it."""
    above = line - 1
    while above >= 0 and (lines.is_blank(above) or (lines.is_comment(above) and lines.indent(above) >= column)):
        above -= 1
    return above
