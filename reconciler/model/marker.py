"""Ownership marks: text on an object, where its vendor has a place for one, that says whose it is."""

from __future__ import annotations

from typing import Final

from reconciler.model.address import Address

_PREFIX: Final = "tdr:"


def marker(owner: str, address: Address) -> str:
    """``tdr:PROJECT/ENVIRONMENT/KIND/NAME``; "" where there is no *owner* (``PROJECT/ENVIRONMENT``)."""
    return f"{_PREFIX}{owner}/{address}" if owner else ""


def owner_in(text: str) -> str:
    """The owner named by a mark, or "" when *text* is none."""
    if not text.startswith(_PREFIX):
        return ""
    parts = text.removeprefix(_PREFIX).split("/")
    return "/".join(parts[:2]) if len(parts) == 4 and all(parts) else ""
