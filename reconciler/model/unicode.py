"""Whether text from the command line or the environment is text."""

from __future__ import annotations


def is_unicode(text: str) -> bool:
    """Whether *text* was UTF-8 where it came from: Python hands over other bytes as surrogates, which nothing can send."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
