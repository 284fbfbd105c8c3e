"""`paginationParams`: which members each type needs, in whatever spelling the vendor has published."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal, get_args

from reconciler.diagnostics import did_you_mean
from reconciler.model.json import Json
from reconciler.sourcespec.definition import Reader
from reconciler.sourcespec.paths import parse
from reconciler.sourcespec.specification import (
    REQUESTS_AT_MOST,
    EndCondition,
    Offset,
    Pages,
    Paging,
    PagingKind,
    Pointer,
    Single,
    Token,
)

HEADERS: Final = "headers."
_AT: Final = "paginationParams"
_LONGEST_DELAY_MS: Final = 60_000
_EndKind = Literal["const", "empty", "nonempty", "exist", "nonexist"]


def read_paging(reader: Reader, told: Mapping[str, Json]) -> Paging | None:
    """How pages follow each other; None where it cannot be said."""
    if not told:
        return None
    name = reader.text(told, f"{_AT}.type", required=True)
    read = _KINDS.get(name.upper())
    if read is None:
        if name:
            known = ", ".join(_KINDS)
            reader.refuse(f"{_AT}.type", f"{name!r} is none of {known}", did_you_mean(name.upper(), _KINDS))
        return None
    if name != name.upper():
        reader.warn(f"{_AT}.type", f"{name!r} is written in capitals", f"write {name.upper()}")
    kind = read(reader, told)
    end = _end(reader, told)
    delay_ms = reader.whole(told, f"{_AT}.delayRequestMillis", least=0, most=_LONGEST_DELAY_MS) or 0
    most = reader.whole(told, f"{_AT}.maximumRequest", least=1) or REQUESTS_AT_MOST
    return None if kind is None else Paging(kind, end, delay_ms / 1000, most)


def _limit(reader: Reader, told: Mapping[str, Json]) -> tuple[str, int]:
    name = reader.text(told, f"{_AT}.limitName", required=True)
    if told.get("limitValue") is None:
        reader.refuse(f"{_AT}.limitValue", "`limitValue` is missing")
    return name, reader.whole(told, f"{_AT}.limitValue", least=1) or 1


def _offset(reader: Reader, told: Mapping[str, Json]) -> PagingKind | None:
    told = reader.alias(told, f"{_AT}.offSetName", "offsetName")
    return Offset(*_limit(reader, told), reader.text(told, f"{_AT}.offSetName", required=True))


def _pointer(reader: Reader, told: Mapping[str, Json]) -> PagingKind | None:
    told = reader.alias(told, f"{_AT}.pointerPath", "pointerName")
    limit = _limit(reader, told)
    path = reader.path(told, f"{_AT}.pointerPath", required=True)
    return None if path is None else Pointer(*limit, path)


def _token(reader: Reader, told: Mapping[str, Json]) -> PagingKind | None:
    text = reader.text(told, f"{_AT}.continuationTokenPath", required=True)
    header = text.removeprefix(HEADERS) if text.startswith(HEADERS) else ""
    path = None if header else reader.path(told, f"{_AT}.continuationTokenPath")
    place = reader.text(told, f"{_AT}.parameterType", required=True)
    name = reader.text(told, f"{_AT}.parameterName", required=True)
    if place and place.upper() not in _PLACES:
        reader.refuse(f"{_AT}.parameterType", f"{place!r} is not QUERYPARAM or HEADERPARAM")
        return None
    if not name or (path is None and not header):
        return None
    return Token(path, header, _PLACES.get(place.upper(), "query"), name)


_PLACES: Final[dict[str, Literal["query", "header"]]] = {"QUERYPARAM": "query", "HEADERPARAM": "header"}


def _pages(reader: Reader, told: Mapping[str, Json]) -> PagingKind | None:
    limit = _limit(reader, told)
    name = reader.text(told, f"{_AT}.pageParamName", required=True)
    first = reader.whole(told, f"{_AT}.initialPageIndex", least=0) or 0
    last: int | str | None
    told_last = told.get("endPageIndex")
    if isinstance(told_last, str) and told_last.startswith(HEADERS):
        last = told_last.removeprefix(HEADERS)
    else:
        last = reader.whole(told, f"{_AT}.endPageIndex", least=0)
    return Pages(*limit, name, first, last)


def _single(_reader: Reader, _told: Mapping[str, Json]) -> PagingKind | None:
    return Single()


_KINDS: Final[dict[str, Callable[[Reader, Mapping[str, Json]], PagingKind | None]]] = {
    "OFFSET": _offset,
    "POINTER": _pointer,
    "CONTINUATION_TOKEN": _token,
    "PAGE": _pages,
    "NONE": _single,
}


def _end(reader: Reader, told: Mapping[str, Json]) -> EndCondition | None:
    name = reader.text(told, f"{_AT}.endConditionName")
    value = told.get("endConditionValue")
    if not name and value is None:
        return None
    if not name or value is None:
        reader.refuse(_AT, "`endConditionName` and `endConditionValue` go together")
        return None
    header = name.removeprefix(HEADERS) if name.startswith(HEADERS) else ""
    path = None
    if not header:
        try:
            path = parse(name)
        except ValueError as error:
            reader.refuse(f"{_AT}.endConditionName", str(error))
            return None
    text = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    word, colon, rest = text.partition(":")
    if colon and word.lower() == "const":
        return EndCondition(path, header, "const", rest)
    if text.lower() in get_args(_EndKind)[1:]:
        kind: _EndKind = next(one for one in get_args(_EndKind) if one == text.lower())
        return EndCondition(path, header, kind)
    reader.warn(f"{_AT}.endConditionValue", f"{text!r} is read as Const:{text}", f"write Const:{text}")
    return EndCondition(path, header, "const", text)
