"""JSON values and the one canonical form in which they are compared, hashed and stored."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import orjson

Json: TypeAlias = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]


def canonical(value: object) -> bytes:
    """UTF-8 JSON with sorted keys and no blanks: equal values give equal bytes."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def digest(value: object) -> str:
    """``sha256:`` and 64 hex digits over the canonical form."""
    return "sha256:" + hashlib.sha256(canonical(value)).hexdigest()
