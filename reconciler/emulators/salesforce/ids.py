"""Salesforce's ids: 15 characters that are case sensitive, and 3 more that tell the case. Source: REST API guide."""

from __future__ import annotations

import re

USER_ID = "005000000000001AAA"
ORG_ID = "00D000000000001AAA"

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_FORM = re.compile(r"[A-Za-z0-9]{15}([A-Za-z0-5]{3})?")


def numbered(prefix: str, number: int) -> str:
    """The id of 18 characters with that key prefix and number."""
    return whole(f"{prefix}{number:012d}")


def whole(short: str) -> str:
    """15 characters with their suffix: bit i of a letter says that character i of its five is upper case."""
    groups = (short[at : at + 5] for at in (0, 5, 10))
    return short + "".join(_ALPHABET[sum(1 << i for i, one in enumerate(five) if one.isupper())] for five in groups)


def read(text: str) -> str | None:
    """*text* of 15 or 18 characters as 18; None when it is no id or its suffix is another's."""
    if _FORM.fullmatch(text) is None:
        return None
    told = whole(text[:15])
    return told if len(text) == 15 or told[15:] == text[15:].upper() else None
