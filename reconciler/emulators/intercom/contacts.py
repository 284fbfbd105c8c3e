"""Contacts and the lists that belong to them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from reconciler.emulators.intercom import search
from reconciler.emulators.intercom.call import Call
from reconciler.emulators.intercom.objects import shown_contact
from reconciler.emulators.intercom.paging import LARGEST, Asked, page
from reconciler.emulators.intercom.refusals import merged, not_found, wrong_version
from reconciler.emulators.intercom.world import Object
from reconciler.model.json import Json

_LIST_SIZE, _SEARCH_SIZE, _NUMBERED_SIZE, _NUMBERED_LARGEST = 10, 50, 50, 60
_TELLS_MERGED, _FINDS_EXTERNAL = (2, 16), (2, 13)


def listed(call: Call) -> Json:
    """All contacts, ten a page where nobody says otherwise."""
    size = call.count("per_page", call.query.get("per_page"), default=_LIST_SIZE, most=LARGEST)
    asked = Asked(call.path, size, call.query.get("starting_after"))
    everybody = list(call.world.contacts.now.values())
    taken, pages = page(call, asked, everybody, lambda _: True)
    return _answer(taken, len(everybody), pages)


def searched(call: Call) -> Json:
    """Those that search knows and the query takes."""
    takes = search.contacts(call)
    known = list(call.world.contacts.searched(call.world.timeline.now()))
    taken, pages = page(call, search.asked(call, default_size=_SEARCH_SIZE), known, takes)
    return _answer(taken, sum(map(takes, known)), pages)


def one(call: Call) -> Json:
    """One contact. Merged ones answer 410 from 2.16 on."""
    return shown_contact(_contact(call))


def by_external_id(call: Call) -> Json:
    """One contact, by the id that its owner gave it."""
    if call.version < _FINDS_EXTERNAL:
        raise wrong_version()
    for contact in call.world.contacts.now.values():
        if contact["external_id"] == call.ids["external_id"]:
            return shown_contact(contact)
    raise not_found("User")


def tags(call: Call) -> Json:
    """All tags of a contact."""
    return {"type": "list", "data": list(_belonging(call, "tag_ids", call.world.tags, "tag"))}


def segments(call: Call) -> Json:
    """All segments of a contact."""
    contact = _contact(call)
    ids = contact.get("segment_ids")
    known = [call.world.segments[str(one)] for one in (ids if isinstance(ids, list) else [])]
    return {"type": "list", "data": [{name: one[name] for name in one if name != "count"} for one in known]}


def companies(call: Call) -> Json:
    """All companies of a contact, in numbered pages."""
    return numbered(call, _belonging(call, "company_ids", call.world.companies, "company"))


def numbered(call: Call, objects: Sequence[Object]) -> Json:
    """*objects* in pages by number, as older endpoints have them."""
    size = call.count("per_page", call.query.get("per_page"), default=_NUMBERED_SIZE, most=_NUMBERED_LARGEST)
    number = call.count("page", call.query.get("page"), default=1, most=10_000)
    total_pages = max(1, math.ceil(len(objects) / size))
    following = (
        f"https://api.intercom.io{call.path}?per_page={size}&page={number + 1}" if number < total_pages else None
    )
    pages: Json = {"type": "pages", "next": following, "page": number, "per_page": size, "total_pages": total_pages}
    shown: list[Json] = list(objects[(number - 1) * size : number * size])
    return {"type": "list", "data": shown, "total_count": len(objects), "pages": pages}


def _belonging(call: Call, field: str, known: Mapping[str, Object], kind: str) -> list[Object]:
    ids = _contact(call).get(field)
    unnamed: Object = {"type": kind}
    return [
        {**unnamed, "name": str(one), "id": str(one), **known.get(str(one), {})}
        for one in (ids if isinstance(ids, list) else [])
    ]


def _contact(call: Call) -> Object:
    contact_id = call.ids["contact_id"]
    found = call.world.contacts.now.get(contact_id)
    if found is not None:
        return found
    into = call.world.merged.get(contact_id)
    if into is not None and call.version >= _TELLS_MERGED:
        raise merged(into)
    raise not_found("User")


def _answer(taken: Sequence[Object], total: int, pages: Json) -> Json:
    data: list[Json] = [shown_contact(one) for one in taken]
    return {"type": "list", "data": data, "total_count": total, "pages": pages}
