"""The lines of a YAML text, and which of them belong to a value that has several."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import yaml

from reconciler.manifest.layout import LINE_END, Layout, Node

_MARKER = re.compile(r"(?:---|\.\.\.)(?=\s|$)|%")


@dataclass(frozen=True)
class TextLines:
    """Lines, counted from 0. The byte order mark belongs to none of them."""

    spans: Layout

    @cached_property
    def starts(self) -> list[int]:
        """Offset of the first character of each line."""
        text = self.spans.text
        first = 1 if text.startswith("\ufeff") else 0
        starts = [first, *(found.end() for found in LINE_END.finditer(text))]
        return starts if starts[-1] < len(text) or len(starts) == 1 else starts[:-1]

    @cached_property
    def texts(self) -> list[str]:
        """The lines without their ends."""
        return [self.spans.text[start : self.spans.line_end(start)] for start in self.starts]

    @cached_property
    def inside(self) -> set[int]:
        """Lines that go on with a value begun above: what looks like a comment there is none."""
        return {line for node in self._scalars for line in self._lines(node)[1:]}

    @cached_property
    def of_blocks(self) -> dict[int, int]:
        """Line of a block scalar -> the blanks that its text is indented by."""
        found: dict[int, int] = {}
        for node in self._scalars:
            if node.style in ("|", ">"):
                body = self._lines(node)[1:]
                filled = [self.texts[line] for line in body if self.texts[line].strip(" ")]
                blanks = min((len(text) - len(text.lstrip(" ")) for text in filled), default=0)
                found |= dict.fromkeys(body, blanks)
        return found

    def line(self, offset: int) -> int:
        """The line that *offset* lies in."""
        return max(bisect_right(self.starts, offset) - 1, 0)

    def indent(self, line: int) -> int:
        """How many blanks *line* begins with."""
        return len(self.texts[line]) - len(self.texts[line].lstrip(" "))

    def is_blank(self, line: int) -> bool:
        """Whether *line* holds nothing."""
        return line not in self.inside and not self.texts[line].strip()

    def is_comment(self, line: int) -> bool:
        """Whether *line* holds a comment alone."""
        return line not in self.inside and self.texts[line].lstrip().startswith("#")

    def is_marker(self, line: int) -> bool:
        """Whether *line* begins or ends a document."""
        return line not in self.inside and _MARKER.match(self.texts[line]) is not None

    def is_first(self, offset: int) -> bool:
        """Whether nothing but blanks stands before *offset* in its line."""
        return not self.spans.text[self.starts[self.line(offset)] : offset].strip(" ")

    def document_end(self, root: Node) -> int:
        """The line of the marker that follows *root*, or the number of lines."""
        begin = self.line(int(root.start_mark.index)) + 1
        return next((line for line in range(begin, len(self.texts)) if self.is_marker(line)), len(self.texts))

    def _lines(self, node: Node) -> range:
        first, end = self.line(int(node.start_mark.index)), int(node.end_mark.index)
        last = self.line(end)
        if node.style in ("|", ">") and (
            self.starts[last] == end or not self.spans.text[self.starts[last] : end].strip(" ")
        ):
            last -= 1  # the mark stands where the next line begins, or its first word
        if end >= len(self.spans.text) and node.style in ("|", ">"):
            last = len(self.starts) - 1
        return range(first, last + 1)

    @cached_property
    def _scalars(self) -> list[Node]:
        return [
            node
            for root in self.spans.roots
            for node in scalars(root)
            if node.end_mark.index > node.start_mark.index and node.end_mark.line > node.start_mark.line
        ]


def scalars(node: Node) -> Iterator[Node]:
    """The scalars written in *node*, keys among them."""
    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from scalars(key)
            if value.start_mark.index >= key.start_mark.index:
                yield from scalars(value)
    else:
        for one in node.value:
            if one.start_mark.index >= node.start_mark.index:
                yield from scalars(one)
