"""Lists in pages.

Source: openapi.json 5.23.0, Paginated and its parameters; recorded replies for the null bookmark and the page behind the
last one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from typing import TypeVar

import orjson

from reconciler.emulators.faults import PageDropped, PageEndless, PageRepeated
from reconciler.emulators.pinterest.call import Call
from reconciler.emulators.pinterest.refusals import Refused, invalid
from reconciler.model.json import Json

Item = TypeVar("Item")

_DEFAULT_SIZE = 25
_LARGEST_SIZE = 250


def page(
    call: Call, items: Sequence[Item], key: Callable[[Item], str], show: Callable[[Item], Json]
) -> dict[str, Json]:
    """The page of *items* that the query asks for, as ``{"items", "bookmark"}``.

    items: all there are, in the order of the answer.
    key: the id of one, by which a bookmark remembers where to go on.

    Raises:
        Refused: 400, the size or the bookmark is not valid, or the bookmark belongs to another query.
    """
    size = _size(call.query.get("page_size"))
    start = _start(call, [key(item) for item in items])
    end = start + size
    if start and call.fault(PageRepeated):
        shown = items[max(0, start - size) : start]
        end = start
    elif call.fault(PageDropped):
        shown = items[end : end + size]
        end += size
    else:
        shown = items[start:end]
    is_more = end < len(items) or (end == len(items) and bool(shown) and call.world.knobs.trailing_bookmark)
    bookmark = _bookmark(call, key(items[end - 1]), _turn(call)) if is_more else None
    if bookmark is None and (endless := call.fault(PageEndless)):
        before_all = "9" * 18 if call.query.get("order") == "DESCENDING" else "0"
        behind = before_all if endless.goes_on == "again" or not items else key(items[-1])
        bookmark = _bookmark(call, behind, 1 if endless.goes_on == "in_place" else _turn(call) + 1)
    return {"items": [show(item) for item in shown], "bookmark": bookmark}


def is_descending(call: Call) -> bool:
    """Whether the query asks for the newest first.

    Raises:
        ValueError: ``order`` is something else than the two words; each endpoint refuses that in its own words.
    """
    order = call.query.get("order", "ASCENDING")
    if order not in {"ASCENDING", "DESCENDING"}:
        raise ValueError(order)
    return order == "DESCENDING"


def _size(text: str | None) -> int:
    if text is None:
        return _DEFAULT_SIZE
    if not text.isascii() or not text.removeprefix("-").isdigit():
        raise Refused(400, 1, f"Parameter 'page_size' was not numeric (was {text})")
    if not 1 <= int(text) <= _LARGEST_SIZE:
        raise invalid(f"'page_size' must be between 1 and {_LARGEST_SIZE} (was {text})")
    return int(text)


def _start(call: Call, keys: list[str]) -> int:
    """Where the bookmark points to: behind the item it names, or behind where that was if it is gone meanwhile."""
    bookmark = call.query.get("bookmark")
    if not bookmark:
        return 0
    try:
        query, after, *_ = orjson.loads(base64.b64decode(bookmark, validate=True))
    except (binascii.Error, ValueError, TypeError):
        raise invalid("'bookmark' is not valid") from None
    if query != _query(call) or not (isinstance(after, str) and after.isdecimal()):
        raise invalid("'bookmark' belongs to another query")
    if after in keys:
        return keys.index(after) + 1
    ids = [int(key) for key in keys]
    is_falling = call.query.get("order") == "DESCENDING"
    return sum(1 for item in ids if (item > int(after) if is_falling else item < int(after)))


def _turn(call: Call) -> int:
    """How often the bookmark that was sent was behind the last page; `_start` has read it."""
    bookmark = call.query.get("bookmark")
    _, _, *turns = orjson.loads(base64.b64decode(bookmark)) if bookmark else ("", "")
    return int(turns[0]) if turns else 0


def _bookmark(call: Call, after: str, turn: int = 0) -> str:
    return base64.b64encode(orjson.dumps([_query(call), after, *([turn] if turn else [])])).decode()


def _query(call: Call) -> str:
    others = sorted((name, value) for name, value in call.query.items() if name != "bookmark")
    return hashlib.sha256(orjson.dumps([call.path, others])).hexdigest()[:16]
