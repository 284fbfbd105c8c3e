"""Tables and examples of Markdown that both GitHub and the site read alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

MADE: Final = "<!-- Made by docs/making/pages.py from the source. Do not edit: `make reference` writes it anew. -->"
"""What every generated page begins with."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, with a line break behind it; "" when there are no *rows*."""
    lines = [f"| {' | '.join(map(cell, row))} |" for row in rows]
    return "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|", *lines, ""]) if lines else ""


def cell(text: str) -> str:
    """*text* on one line, with what would end the cell escaped."""
    return re.sub(r"\s+", " ", text).replace("|", "\\|").strip()


def words(text: str) -> str:
    """A docstring's *text* as Markdown: its double backticks become single ones, and what looks like a tag is one no more."""
    plain = text.replace("``", "`")
    parts = re.split(r"(`[^`]*`)", plain)
    return "".join(part if part.startswith("`") else _outside(part) for part in parts)


def _outside(part: str) -> str:
    """Text outside of code, where `${…}`, `<` and `*` would mean something to a reader of Markdown."""
    part = re.sub(r"\$\{[^}]*\}", lambda found: f"`{found[0]}`", part)
    part = re.sub(r"\*(\w+)\*", r"`\1`", part)  # how docstrings name what they are about
    return part.replace("<", "&lt;").replace("*", "\\*")


def code(value: object) -> str:
    """*value* as code; "" for nothing."""
    return f"`{value}`" if value not in (None, "") else ""
