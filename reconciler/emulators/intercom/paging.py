"""Lists by cursor: in the query of lists, in the body of searches. A cursor belongs to what was asked."""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import orjson

from reconciler.emulators.faults import PageDropped, PageRepeated
from reconciler.emulators.intercom.call import Call
from reconciler.emulators.intercom.refusals import invalid_cursor
from reconciler.emulators.intercom.world import Object
from reconciler.model.json import Json

LARGEST = 150


@dataclass(frozen=True, slots=True)
class Asked:
    """What page is wanted. *question* is all that a cursor is bound to."""

    question: Json
    size: int
    cursor: str | None
    field: str = "updated_at"
    is_descending: bool = True


def page(
    call: Call, asked: Asked, objects: Sequence[Object], takes: Callable[[Object], bool]
) -> tuple[list[Object], Json]:
    """The objects of the wanted page that *takes* takes, and the envelope ``pages``.

    Raises:
        Refused: 400, the cursor is none or belongs to another question.
    """
    knobs = call.world.knobs
    matching = list(objects) if knobs.empty_pages else [one for one in objects if takes(one)]
    matching.sort(key=lambda one: _key(one, asked), reverse=asked.is_descending)
    start, number = _start(asked, matching)
    end = start + asked.size
    if call.fault(PageDropped):
        start, end = end, end + asked.size
    taken = matching[start:end]
    cursor = _cursor(asked, _key(taken[-1], asked), number + 1) if taken and end < len(matching) else None
    if call.fault(PageRepeated) and asked.cursor:
        cursor = asked.cursor
    total_pages = max(1, math.ceil(len(matching) / asked.size))
    return [one for one in taken if takes(one)], _pages(call, asked.size, number, total_pages, cursor)


def _pages(call: Call, size: int, number: int, total_pages: int, cursor: str | None) -> Json:
    pages: dict[str, Json] = {"type": "pages", "page": number, "per_page": size, "total_pages": total_pages}
    if cursor is not None:
        return {**pages, "next": {"per_page": size, "starting_after": cursor}}
    match call.world.knobs.end_cursor:
        case "no_pages":
            return None
        case "absent":
            return pages
        case "empty":
            return {**pages, "next": {"per_page": size, "starting_after": ""}}
        case _:
            return {**pages, "next": None}


def _key(one: Mapping[str, Json], asked: Asked) -> tuple[int, str]:
    value = one.get(asked.field)
    return (value if isinstance(value, int) else 0, str(one["id"]))


def _start(asked: Asked, objects: Sequence[Object]) -> tuple[int, int]:
    """Where the cursor points to, among objects that may have moved since, and the number of that page."""
    if asked.cursor is None:
        return 0, 1
    try:
        question, milliseconds, key, number = orjson.loads(base64.b64decode(asked.cursor, validate=True))
        behind = (int(milliseconds) // 1000, str(key))
        page_number = int(number)
    except (binascii.Error, ValueError, TypeError):
        raise invalid_cursor() from None
    if question != _digest(asked):
        raise invalid_cursor()
    for index, one in enumerate(objects):
        here = _key(one, asked)
        if (here < behind) if asked.is_descending else (here > behind):
            return index, page_number
    return len(objects), page_number


def _cursor(asked: Asked, key: tuple[int, str], number: int) -> str:
    """Sort value in milliseconds, id and page, as they were seen."""
    return base64.b64encode(orjson.dumps([_digest(asked), key[0] * 1000, key[1], number])).decode()


def _digest(asked: Asked) -> str:
    told = orjson.dumps([asked.question, asked.size, asked.field, asked.is_descending], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(told).hexdigest()[:12]
