"""Line ends: no blanks before them, and one at the end of the file."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.manifest.edits import Edit
from reconciler.manifest.layout import Layout
from reconciler.manifest.text_lines import TextLines


def groups(spans: Layout) -> Sequence[Sequence[Edit]]:
    """The blanks to go, and what to do with the end of the file."""
    lines = TextLines(spans)
    blanks: list[Edit] = []
    for line, (start, text) in enumerate(zip(lines.starts, lines.texts, strict=True)):
        kept = len(text.rstrip(" \t"))
        # In a value of several lines they may be part of it, and its first line belongs to it as well.
        if kept < len(text) and line not in lines.inside and line + 1 not in lines.inside:
            blanks.append((start + kept, start + len(text), ""))
    return [group for group in (blanks, _last(spans)) if group]


def _last(spans: Layout) -> list[Edit]:
    text, newline = spans.text, spans.newline
    body = len(text.rstrip("\r\n"))
    if not text.strip() or text[body:] == newline or text[body - 1] in " \t":
        return []
    return [(body, len(text), newline)]
