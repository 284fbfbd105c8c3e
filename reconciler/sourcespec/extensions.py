"""`x-tdr`: what a specification of Adobe's cannot say and a run needs. Never sent to Adobe."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Final, Literal

from reconciler.diagnostics import did_you_mean
from reconciler.model.json import Json
from reconciler.sourcespec.definition import Reader
from reconciler.sourcespec.paths import Path, parse
from reconciler.sourcespec.specification import Extensions

_AT: Final = "x-tdr"
_MEMBERS: Final = ("key", "lookback", "maxWindow", "outer", "totalPath", "keepLevel")
_SPAN: Final = re.compile(r"(\d+)([smhdw])")
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def read_extensions(reader: Reader, told: Json) -> Extensions:
    """The extensions of a specification."""
    if told is None:
        return Extensions()
    ours = Reader(_AT, reader.findings)
    if not isinstance(told, Mapping):
        ours.refuse("", "`x-tdr` must be an object")
        return Extensions()
    for name in told:
        if name not in _MEMBERS:
            ours.refuse(name, f"`{name}` is not a member of `x-tdr`", did_you_mean(name, _MEMBERS))
    outer = told.get("outer", False)
    if not isinstance(outer, bool):
        ours.refuse("outer", "must be true or false")
        outer = False
    return Extensions(
        key=_key(ours, told),
        lookback=_span(ours, told, "lookback"),
        longest_window=_span(ours, told, "maxWindow"),
        outer=outer,
        total=ours.path(told, "totalPath"),
        keep_level=_level(ours, told),
    )


def _key(reader: Reader, told: Mapping[str, Json]) -> tuple[Path, ...]:
    value = told.get("key", [])
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        reader.refuse("key", "must be the path of a column in a row, or a list of them")
        return ()
    try:
        return tuple(parse(str(name)) for name in names)
    except ValueError as error:
        reader.refuse("key", str(error))
        return ()


def _span(reader: Reader, told: Mapping[str, Json], name: str) -> timedelta | None:
    text = reader.text(told, name)
    if not text:
        return None
    match = _SPAN.fullmatch(text)
    if match is None:
        reader.refuse(name, f"{text!r} is no span of time", "write one such as 30m, 12h or 3d")
        return None
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def _level(reader: Reader, told: Mapping[str, Json]) -> Literal["siblings", "elements"] | None:
    text = reader.text(told, "keepLevel")
    if text == "siblings":
        return "siblings"
    if text == "elements":
        return "elements"
    if text:
        reader.refuse("keepLevel", f"{text!r} is neither siblings nor elements")
    return None
