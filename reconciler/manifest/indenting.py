"""Two blanks a level: by how much each line moves so that every block stands where it should."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import yaml

from reconciler.manifest.edits import Edit
from reconciler.manifest.layout import Layout, Node
from reconciler.manifest.text_lines import TextLines

STEP = 2


def groups(spans: Layout) -> Sequence[Sequence[Edit]]:
    """The edits of each document that is not indented so."""
    lines = TextLines(spans)
    found = (_Document(lines, root).edits() for root in spans.roots)
    return [edits for edits in found if edits]


class _Document:
    """One document. *moves* says of each line of its blocks by how many blanks it goes to the right."""

    def __init__(self, lines: TextLines, root: Node) -> None:
        self._lines = lines
        self._text = lines.spans.text
        self._first = lines.line(int(root.start_mark.index))
        self._end = lines.document_end(root)
        self._moves: dict[int, int] = {}
        self._gaps: list[Edit] = []
        if _is_block(root):
            self._put(root, 0, self._end)

    def edits(self) -> list[Edit]:
        """What is to be changed."""
        return [*self._gaps, *(edit for line in sorted(self._moves) if (edit := self._moved(line)) is not None)]

    # -- blocks --------------------------------------------------------------------------------------------------------

    def _put(self, node: Node, column: int, end: int) -> None:
        """Put the block *node*, which ends before the line *end*, at *column*."""
        if isinstance(node, yaml.MappingNode):
            self._put_mapping(node, column, end)
        else:
            self._put_sequence(node, column, end)

    def _put_mapping(self, node: Node, column: int, end: int) -> None:
        begins = [int(key.start_mark.index) for key, _ in node.value]
        ends = [*(self._lines.line(begin) for begin in begins[1:]), end]
        for (key, value), begin, below in zip(node.value, begins, ends, strict=True):
            self._paint(begin, below, column - int(key.start_mark.column))
            if _is_block(value) and value.start_mark.index >= begin:
                self._put(value, column + STEP, below)

    def _put_sequence(self, node: Node, column: int, end: int) -> None:
        if any(one.start_mark.index < node.start_mark.index for one in node.value):
            return  # an alias says nothing about where it is written
        dashes = [self._dash(one) for one in node.value]
        ends = [*(self._lines.line(dash) for dash in dashes[1:]), end]
        for one, dash, below in zip(node.value, dashes, ends, strict=True):
            self._paint(dash, below, column - self._column(dash))
            begin = int(one.start_mark.index)
            gap = self._text[dash + 1 : begin]
            if gap.strip(" ") == "" and len(gap) > 1:
                self._gaps.append((dash + 1, begin, " "))
            if _is_block(one):
                self._put(one, column + STEP, below)

    def _dash(self, item: Node) -> int:
        dashes = self._lines.spans.dashes
        return dashes[bisect_left(dashes, int(item.start_mark.index)) - 1]

    def _column(self, offset: int) -> int:
        return offset - self._lines.starts[self._lines.line(offset)]

    def _paint(self, begin: int, end: int, move: int) -> None:
        """Let the lines from *begin* to before the line *end* move; the first one not when something else begins it."""
        first = self._lines.line(begin) + (not self._lines.is_first(begin))
        self._moves |= dict.fromkeys(range(first, end), move)

    # -- lines ---------------------------------------------------------------------------------------------------------

    def _moved(self, line: int) -> Edit | None:
        lines = self._lines
        if lines.is_blank(line):
            return None
        old = lines.indent(line)
        if line in lines.of_blocks and not lines.texts[line].strip(" "):
            new = self._of_empty(line)
        elif lines.is_comment(line):
            new = self._of_comment(line)
        else:
            new = self._new(line)
        start = lines.starts[line]
        return (start, start + old, " " * new) if new != old else None

    def _new(self, line: int) -> int:
        return max(0, self._lines.indent(line) + self._moves.get(line, 0))

    def _of_empty(self, line: int) -> int:
        """A line of blanks in a block: those beyond the indentation are text."""
        length, block = len(self._lines.texts[line]), self._lines.of_blocks[line]
        return self._new(line) if length > block else min(length, max(0, block + self._moves[line]))

    def _of_comment(self, line: int) -> int:
        """A comment stands as what follows it does, or else in the block above that it stands in."""
        lines, old = self._lines, self._lines.indent(line)
        following = next((other for other in range(line + 1, self._end) if self._holds(other)), None)
        if following is not None and lines.indent(following) == old:
            return self._new(following)
        above = (other for other in range(line - 1, self._first - 1, -1) if self._holds(other))
        owner = next((other for other in above if lines.indent(other) <= old), None)
        return old if owner is None else max(0, old + self._moves.get(owner, 0))

    def _holds(self, line: int) -> bool:
        """Whether *line* begins something."""
        return line not in self._lines.inside and not self._lines.is_blank(line) and not self._lines.is_comment(line)


def _is_block(node: Node) -> bool:
    return isinstance(node, yaml.CollectionNode) and not node.flow_style and bool(node.value)
