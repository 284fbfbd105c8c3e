"""Lists: ``{data, links: {self, next, prev}, meta: {count}}``, twenty at a time unless asked otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

from reconciler.emulators.faults import PageDropped
from reconciler.emulators.qlik.call import Call
from reconciler.emulators.qlik.refusals import invalid
from reconciler.model.json import Json

_USUAL: Final = 20
_MOST: Final = 100


def page(call: Call, found: Sequence[Json]) -> Json:
    """The page of *found* that the call asks for, with addresses of those beside it.

    Raises:
        Refused: 400, a limit or a page that is none.
    """
    limit, at = _number(call, "limit", _USUAL, _MOST), _number(call, "page", 0, len(found) + 1)
    dropped = limit if any(isinstance(fault, PageDropped) for fault in call.faults) else 0
    chosen = list(found[at + dropped : at + dropped + limit])
    links: dict[str, Json] = {"self": {"href": _address(call, at)}}
    if at + limit < len(found):
        links["next"] = {"href": _address(call, at + limit)}
    if at:
        links["prev"] = {"href": _address(call, max(0, at - limit))}
    return {"data": chosen, "links": links, "meta": {"count": len(chosen)}}


def _number(call: Call, name: str, usual: int, most: int) -> int:
    told = call.query.get(name)
    if told is None:
        return usual
    if not told.isdecimal() or int(told) > most or (name == "limit" and int(told) == 0):
        raise invalid(f"{name} is not valid")
    return int(told)


def _address(call: Call, at: int) -> str:
    query = (
        {**call.query, "page": str(at)} if at else {name: value for name, value in call.query.items() if name != "page"}
    )
    return f"{call.base}{call.path}" + (f"?{urlencode(query)}" if query else "")
