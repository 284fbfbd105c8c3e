"""Where everything stands in a YAML text: nodes with exact spans, and which of them are repeated by aliases.

Composed by PyYAML's own scanner, whose marks count characters of the text as it is, byte order mark and CRLF included.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

LINE_END = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_NULL = "tag:yaml.org,2002:null"

Node: TypeAlias = Any
"""A `yaml.Node`; its value is text, a list of nodes or a list of pairs."""


@dataclass(slots=True)
class Layout:
    """The documents of *text* that hold something, as node trees.

    repeated: ids of nodes that an alias repeats. dashes: offsets of those that begin an item. names: offsets of `&` and `*`.
    """

    text: str
    roots: list[Node] = field(default_factory=list)
    repeated: set[int] = field(default_factory=set)
    dashes: list[int] = field(default_factory=list)
    names: list[int] = field(default_factory=list)

    def end(self, node: Node) -> int:
        """Offset behind the last character of *node*, without the blank lines and comments that follow."""
        if isinstance(node, yaml.ScalarNode):
            if node.style in ("|", ">"):
                return self._end_of_block(node)
            return int(node.end_mark.index)
        if node.flow_style or not node.value:
            return int(node.end_mark.index)
        last = node.value[-1]
        if isinstance(node, yaml.SequenceNode):
            return self._end_below(node, last)
        return self._end_below(last[0], last[1])

    def _end_below(self, before: Node, node: Node) -> int:
        """As `end`; an alias's node stands elsewhere, so its end is that of the line it is written in."""
        if node.start_mark.index >= before.start_mark.index:
            return self.end(node)
        return self.line_end(int(before.end_mark.index))

    def _end_of_block(self, node: Node) -> int:
        start, end = int(node.start_mark.index), int(node.end_mark.index)
        body = self.text[start:end]
        if "+" in LINE_END.split(body, maxsplit=1)[0]:
            return end  # the blank lines are part of the value
        return start + len(body.rstrip(" \r\n\x85\u2028\u2029"))

    def line_start(self, offset: int) -> int:
        """Offset of the first character of the line, a byte order mark left out."""
        start = max((found.end() for found in LINE_END.finditer(self.text, 0, offset)), default=0)
        return start + 1 if self.text.startswith("\ufeff", start) else start

    def line_end(self, offset: int) -> int:
        """Offset of the line end at or behind *offset*, or of the end of the text."""
        found = LINE_END.search(self.text, offset)
        return found.start() if found else len(self.text)

    def next_line(self, offset: int) -> int:
        """Offset of the line below, or of the end of the text."""
        found = LINE_END.search(self.text, offset)
        return found.end() if found else len(self.text)

    @property
    def newline(self) -> str:
        """The line end that the text uses."""
        found = LINE_END.search(self.text)
        return found[0] if found and found[0] in ("\r\n", "\r") else "\n"

    def is_repeated(self, node: Node) -> bool:
        """Whether an alias repeats *node* or something in it."""
        return any(id(one) in self.repeated for one in _all(node))


def layout(text: str) -> Layout:
    """Compose all documents of *text*; the empty ones are left out.

    Raises:
        yaml.YAMLError: it does not parse.
    """
    loader = _Composer(text)
    try:
        roots = []
        while loader.check_node():
            roots.append(loader.get_node())
    finally:
        loader.dispose()
    written = [root for root in roots if not is_null(root)]
    return Layout(text, written, loader.repeated, loader.dashes, loader.names)


def is_flat(node: Node) -> bool:
    """Whether *node* is a scalar."""
    return isinstance(node, yaml.ScalarNode)


def is_null(node: Node) -> bool:
    """Whether *node* says nothing."""
    return isinstance(node, yaml.ScalarNode) and node.tag == _NULL


class _Composer(yaml.SafeLoader):
    """Composes nodes and remembers which of them an alias repeats."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.repeated: set[int] = set()
        self.dashes: list[int] = []
        self.names: list[int] = []

    def compose_node(self, parent: Node, index: Any) -> Node:
        is_alias = self.check_event(yaml.AliasEvent)
        node = super().compose_node(parent, index)
        if is_alias:
            self.repeated.add(id(node))
        return node

    def fetch_block_entry(self) -> None:
        self.dashes.append(int(self.index))
        super().fetch_block_entry()

    def fetch_anchor(self) -> None:
        self.names.append(int(self.index))
        super().fetch_anchor()

    def fetch_alias(self) -> None:
        self.names.append(int(self.index))
        super().fetch_alias()


def _all(node: Node) -> Iterator[Node]:
    """*node* and everything written in it; what aliases repeat stands elsewhere and is left out."""
    yield node
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key
            if value.start_mark.index >= key.start_mark.index:
                yield from _all(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            if item.start_mark.index >= node.start_mark.index:
                yield from _all(item)
