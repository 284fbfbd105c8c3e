"""Quotes: none around words, always around what other readers of YAML take for something else, double ones as the rule."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from reconciler.manifest import rendering
from reconciler.manifest.edits import Edit
from reconciler.manifest.key_order import Shape, is_text, nodes
from reconciler.manifest.layout import Layout, Node, is_flat
from reconciler.manifest.text_lines import scalars

_NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
"""Numbers that read back letter by letter in every YAML; a text field may hold them bare."""
_NOTHING = "tag:yaml.org,2002:null"


def groups(spans: Layout, shapes: Sequence[Shape]) -> Sequence[Sequence[Edit]]:
    """An edit for each scalar that is not quoted so."""
    found = []
    for root, shape in zip(spans.roots, shapes, strict=True):
        found += [[edit] for node in scalars(root) if (edit := _requoted(spans, node)) is not None]
        found += [[edit] for edit in _surprises(spans, root, shape)]
    return found


def _requoted(spans: Layout, node: Node) -> Edit | None:
    start, end = int(node.start_mark.index), int(node.end_mark.index)
    written, value = spans.text[start:end], str(node.value)
    # A name or a tag before the quotes is not ours to write again; a text of several lines is laid out by hand.
    if node.style not in ("'", '"') or written[:1] != node.style or node.end_mark.line != node.start_mark.line:
        return None
    if rendering.is_plain(value):
        return start, end, value
    if node.style == "'" and '"' not in value and "\\" not in value:
        return start, end, rendering.quoted(value)
    return None


def _surprises(spans: Layout, root: Node, shape: Shape) -> Iterator[Edit]:
    """Text without quotes that tdr reads as text, and others as a yes, a date or another number."""
    for node, of_value in nodes(root, shape):
        if not is_flat(node) or node.style is not None or not is_text(of_value):
            continue
        start, end, value = int(node.start_mark.index), int(node.end_mark.index), str(node.value)
        is_surprise = node.tag != _NOTHING and not rendering.is_text(value)
        if is_surprise and not _NUMBER.fullmatch(value) and spans.text[start:end] == value:
            yield start, end, rendering.quoted(value)
