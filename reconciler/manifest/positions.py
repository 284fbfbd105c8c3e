"""Finds the place of a value again, when a message needs it: the document is composed once more, this time with marks."""

from __future__ import annotations

from typing import Any

import yaml

from reconciler.diagnostics import Position
from reconciler.manifest.pointers import parts
from reconciler.manifest.source import Source
from reconciler.manifest.syntax import LOADER


class Positions:
    """Places in one file. Documents looked into are kept, for errors come in groups."""

    def __init__(self, source: Source) -> None:
        """Look at nothing yet."""
        self._source = source
        self._roots: dict[int, yaml.Node | None] = {}

    def locate(self, line: int, path: str, *, key: bool = False) -> Position:
        """Where the value at *path* stands (with *key*, its key) in the document that begins at *line*.

        A path that leads nowhere gives the deepest place on the way: a missing key is missing there.
        """
        if line not in self._roots:
            self._roots[line] = self._compose(line)
        node = self._roots[line]
        if node is None:
            return Position(self._source.file, line)
        mark = node.start_mark
        for part in parts(path):
            pair = _child(node, part)
            if pair is None:
                break
            key_node, node = pair
            is_empty = isinstance(node, yaml.ScalarNode) and not node.value and not node.style
            mark = key_node.start_mark if key_node is not None and (key or is_empty) else node.start_mark
        return Position(self._source.file, line + mark.line, mark.column + 1)

    def _compose(self, line: int) -> yaml.Node | None:
        lines, start = self._source.lines, line - 1
        end = next((n for n in range(line, len(lines)) if lines[n].startswith(("---", "..."))), len(lines))
        try:
            return yaml.compose("\n".join(lines[start:end]), Loader=LOADER)
        except yaml.YAMLError:
            return None


def _child(node: Any, part: str) -> tuple[yaml.Node | None, yaml.Node] | None:
    if isinstance(node, yaml.SequenceNode):
        return (None, node.value[int(part)]) if part.isdecimal() and int(part) < len(node.value) else None
    if not isinstance(node, yaml.MappingNode):
        return None
    for key, value in node.value:
        if key.value == part:
            return key, value
    for key, value in node.value:
        if key.value == "<<":
            for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                if (found := _child(source, part)) is not None:
                    return found
    return None
