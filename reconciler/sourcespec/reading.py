"""Texts of specifications: strict JSON, whose mistakes are told by line and column. Nothing is repaired silently."""

from __future__ import annotations

import json
import re
from typing import Any

from reconciler.model.json import Json
from reconciler.sourcespec.findings import Refused

_TRAILING = re.compile(r",\s*\Z")


def read_json(text: str) -> Json:
    """The value that *text* is.

    Raises:
        Refused: it is not JSON, or has a member twice; says where.
    """
    repeated: list[str] = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for name, value in pairs:
            if name in seen:
                repeated.append(name)
            seen[name] = value
        return seen

    try:
        value: Json = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=members, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise _not_json(text, error) from error
    except RecursionError:
        raise Refused("text", "nested too deep for a specification") from None
    if repeated:
        raise Refused(
            "text", f"member {repeated[0]!r} stands twice in one object", "most readers would lose one of them"
        )
    return value


def _no_number(word: str) -> Json:
    raise Refused("text", f"{word} is no number in JSON")


def _not_json(text: str, error: json.JSONDecodeError) -> Refused:
    where = f"line {error.lineno}, column {error.colno}"
    before = text[: error.pos]
    if text[error.pos : error.pos + 1] in {"}", "]"} and _TRAILING.search(before):
        place = before.rstrip().count("\n") + 1
        column = len(before.rstrip()) - (before.rstrip().rfind("\n") + 1)
        message = f"a comma after the last member, in line {place}, column {column}"
        return Refused("text", message, "remove the comma", place, column)
    if error.msg.startswith("Expecting ',' delimiter"):
        return Refused("text", f"a comma is missing before {where}", "", error.lineno, error.colno)
    if error.msg.startswith("Extra data") and before.lstrip().startswith('"'):
        message = f"members without braces around them, at {where}"
        return Refused("text", message, "put { and } around all of it", error.lineno, error.colno)
    return Refused("text", f"not JSON: {error.msg.lower()} at {where}", "", error.lineno, error.colno)
