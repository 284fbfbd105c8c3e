"""The output mapping of an activation as columns of SQL. Pure.

Source: oas-cdp, the schemas of ``SyndicationColumn``; what they leave open is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from reconciler.service.cdp.errors import Refused
from reconciler.service.cdp.sql import text
from reconciler.service.columns import quoted

NAMES: Final = ("SegmentName", "SegmentId", "AudienceId")
"""Pieces of a built text that stand for what is activated."""
_ONLY_IN_JOURNEYS: Final = ("FunnelName", "StageName")
_PLACE: Final = re.compile(r"\$(\d+)")


@dataclass(frozen=True, slots=True)
class Facts:
    """What built texts may say: *names* by piece, such as ``SegmentName``; *timezone* of time stamps."""

    names: Mapping[str, str]
    timezone: str


def checked(told: object) -> list[dict[str, Any]]:
    """The mapping of a request, each entry with its output column and its source.

    Raises:
        Refused: it is no mapping, or an output column is there twice.
    """
    if not isinstance(told, list):
        raise _wrong("", "is not an array")
    for place, one in enumerate(told):
        if not isinstance(one, Mapping) or not str(one.get("column") or "").strip():
            raise _wrong(f"/{place}/column", "can't be blank")
        source = one.get("source")
        if not isinstance(source, Mapping) or ("column" in source) == ("string" in source):
            raise _wrong(f"/{place}/source", "needs either a column or a string")
        if "string" in source:
            _pieces(source, place)
    names = [str(one["column"]) for one in told]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Refused("columns", "VIOLATES_UNIQUENESS_CONSTRAINT", f"columns has {twice[0]!r} more than once")
    return [dict(one) for one in told]


def select_list(
    mapping: Sequence[Mapping[str, Any]], attributes: Collection[str], facts: Facts, *, everything: bool
) -> str:
    """The SELECT list over customers called ``a``. *everything*: all *attributes* first, as they are called.

    Raises:
        Refused: a column that is not there, a piece that is not supported, or nothing at all.
    """
    chosen = {name: f"a.{quoted(name)}" for name in sorted(attributes)} if everything else {}
    for place, one in enumerate(mapping):
        chosen[str(one["column"])] = _expression(one["source"], place, attributes, facts)
    if not chosen:
        raise _wrong("", "says nothing, and not all columns are exported")
    return ", ".join(f"{sql} AS {quoted(name)}" for name, sql in chosen.items())


def _expression(source: Mapping[str, Any], place: int, attributes: Collection[str], facts: Facts) -> str:
    if "string" in source:
        return _built(source, place, facts)
    if source.get("functions"):
        raise _wrong(f"/{place}/source/functions", "is not supported by the embedded service")
    name = str(source["column"])
    if name not in attributes:
        raise _wrong(f"/{place}/source/column", f"{name!r} is no attribute of the parent segment")
    return f"a.{quoted(name)}"


def _built(source: Mapping[str, Any], place: int, facts: Facts) -> str:
    """A text: what stands between the places of parameters, and the parameters."""
    values = [_parameter(one, place, facts) for one in _pieces(source, place)]
    parts = _PLACE.split(str(source["string"]))
    pieces = [values[int(part) - 1] if number % 2 else text(part) for number, part in enumerate(parts) if part]
    return " || ".join(pieces) if pieces else "''"


def _parameter(one: Mapping[str, Any], place: int, facts: Facts) -> str:
    match one.get("type"):
        case "String":
            return text(one.get("string", ""))
        case "Timestamp":
            zone = text(facts.timezone)
            return f"TD_TIME_FORMAT(TD_SCHEDULED_TIME(), {text(one.get('format', ''))}, {zone})"
        case str(name) if name in NAMES:
            return text(facts.names[name])
        case other:
            raise _wrong(f"/{place}/source/parameters", f"{other!r} is not supported by the embedded service")


def _pieces(source: Mapping[str, Any], place: int) -> list[Mapping[str, Any]]:
    """The parameters of a built text, each of a known type and each place filled."""
    told = source.get("parameters") or []
    if not isinstance(told, list) or not all(isinstance(one, Mapping) for one in told):
        raise _wrong(f"/{place}/source/parameters", "is not an array of objects")
    for one in told:
        if one.get("type") not in {"String", "Timestamp", *NAMES, *_ONLY_IN_JOURNEYS}:
            raise _wrong(f"/{place}/source/parameters", f"type {one.get('type')!r} is not included in the list")
        if one["type"] == "Timestamp" and not one.get("format"):
            raise _wrong(f"/{place}/source/parameters", "a Timestamp needs a format")
    unfilled = sorted(number for number in _places(str(source["string"])) if not 1 <= number <= len(told))
    if unfilled:
        raise _wrong(f"/{place}/source/string", f"${unfilled[0]} stands for no parameter")
    return told


def _places(string: str) -> Iterator[int]:
    return (int(number) for number in _PLACE.findall(string))


def _wrong(pointer: str, message: str) -> Refused:
    return Refused(f"columns{pointer}", "INVALID_FORMAT_OR_ASSOCIATION", f"columns{pointer} {message}")
