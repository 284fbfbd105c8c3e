"""Characters that look like others or like nothing, and how to name them to a person who cannot see them."""

from __future__ import annotations

import re
import unicodedata

ODD_BLANK = re.compile("[\u00a0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff]")
"""Blanks, and characters without width, that YAML takes for text."""

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Control characters other than tab and line feed."""

UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")
"""What a terminal would not show, or would act on."""

TYPOGRAPHIC_QUOTE = re.compile("[\u2018-\u201f]")

_ESCAPE = re.compile(r"\\[0abefvrNLP_xuU]")


def named(character: str) -> str:
    """``U+00A0 NO-BREAK SPACE``; the code point alone where Unicode has no name."""
    code_point = f"U+{ord(character):04X}"
    name = unicodedata.name(character, "")
    return f"{code_point} {name}".strip()


def all_named(characters: list[str]) -> str:
    """Each of *characters* once, in order, named and joined."""
    return ", ".join(named(character) for character in dict.fromkeys(characters))


def may_hide_something(text: str) -> bool:
    """Whether a YAML text needs its scalars looked at one by one: most are plain ASCII without escapes."""
    return not text.isascii() or _ESCAPE.search(text) is not None or CONTROL.search(text) is not None


def width(text: str) -> int:
    """Columns that *text* takes on a screen; East Asian characters take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
