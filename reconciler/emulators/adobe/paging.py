"""Lists: `limit`, `orderby`, `continuationToken`, `count` and `property` filters."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from typing import Final

from reconciler.emulators.adobe.call import Answered, Call
from reconciler.emulators.adobe.refusals import Refused, invalid
from reconciler.emulators.adobe.world import Object
from reconciler.emulators.faults import PageDropped, PageRepeated
from reconciler.model.json import Json

_LARGEST: Final = 100
_FILTER: Final = re.compile(r'([A-Za-z.]+)\s*(==|!=)\s*(?:"([^"\\]*)"|([^"\\]*))')
"""Without quotes or backslashes in a value: how they would be escaped is described nowhere."""


def page(call: Call, objects: Sequence[Object], shown: Callable[[Object], Json]) -> Answered:
    """The page that *call* asks for.

    Raises:
        Refused: 400.
    """
    # Commas join filters, as the API description says of the parameter.
    filters = [told for property_ in call.properties for told in property_.split(",")]
    matching = [one for one in objects if all(_takes(one, told) for told in filters)]
    if "count" in call.query:
        if "limit" in call.query:
            raise Refused("1401-400", "The parameters limit and count cannot be used together.")
        return Answered({"count": len(matching)})
    order = call.query.get("orderby", "")
    if order:
        name = order.removeprefix("-")
        matching.sort(key=lambda one: str(one.get(name, "")), reverse=order.startswith("-"))
    size = _size(call)
    start = _start(call)
    if call.fault(PageDropped):
        start += size
    elif call.fault(PageRepeated):
        start = max(0, start - size)
    body: dict[str, Json] = {"items": [shown(one) for one in matching[start : start + size]]}
    if start + size < len(matching):
        token = base64.urlsafe_b64encode(str(start + size).encode()).decode()
        body["_links"] = {"next": {"href": f"{call.path}?limit={size}&continuationToken={token}"}}
    return Answered(body)


def _size(call: Call) -> int:
    asked = call.query.get("limit", str(call.world.knobs.page_size))
    if not asked.isdecimal() or not 1 <= int(asked) <= _LARGEST:
        raise invalid(f"limit must be a number from 1 to {_LARGEST}.")
    return int(asked)


def _start(call: Call) -> int:
    token = call.query.get("continuationToken")
    if token is None:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token))
    except ValueError:
        raise invalid("The continuationToken is not valid.") from None


def _takes(one: Object, told: str) -> bool:
    found = _FILTER.fullmatch(told.strip())
    if found is None:
        raise Refused("1453-400", f"Invalid query value {told} provided in query param.")
    name, operator, quoted, bare = found.groups()
    value = bare if quoted is None else quoted
    here: Json = one
    for part in name.split("."):
        here = here.get(part) if isinstance(here, dict) else None
    return (str(here) == value) is (operator == "==")
