"""The users of versions 1.x, which were contacts later: for those who still compare with what they read there.

Source: Intercom's guide to the change from 1.x to 2.0; clients of that time. Nothing of it is in the description of today.
"""

from __future__ import annotations

import math

from reconciler.emulators.intercom.call import Call
from reconciler.emulators.intercom.lists import scrolled
from reconciler.emulators.intercom.refusals import invalid, wrong_version
from reconciler.emulators.intercom.world import Object
from reconciler.model.json import Json

_SIZE, _LARGEST, _DEEPEST = 50, 60, 10_000
_FIRST_WITHOUT = (2, 0)
_SAME = ("id", "email", "name", "phone", "created_at", "updated_at", "signed_up_at", "custom_attributes")
_SORTS = ("created_at", "updated_at", "signed_up_at", "last_request_at")


def users(call: Call) -> Json:
    """Users page by page; behind the ten-thousandth nothing comes any more, which is what the scroll is for."""
    _only_then(call)
    size = call.count("per_page", call.query.get("per_page"), default=_SIZE, most=_LARGEST)
    number = call.count("page", call.query.get("page"), default=1, most=1_000_000)
    known = _sorted(call, [shown_user(one) for one in _users(call)])
    told = known[:_DEEPEST][(number - 1) * size : number * size]
    total_pages = max(1, math.ceil(len(known) / size))
    goes_on = number < total_pages and number * size < _DEEPEST
    following = f"https://api.intercom.io/users?per_page={size}&page={number + 1}" if goes_on else None
    pages: Json = {"type": "pages", "next": following, "page": number, "per_page": size, "total_pages": total_pages}
    return {"type": "user.list", "pages": pages, "users": list(told), "total_count": len(known)}


def scroll_users(call: Call) -> Json:
    """The next hundred users of the one scroll that an app may have open, whatever it scrolls through."""
    _only_then(call)
    scroll = scrolled(call, _users(call))
    return {"type": "user.list", "users": [shown_user(one) for one in scroll.told], "scroll_param": scroll.param}


def shown_user(contact: Object) -> Object:
    """A contact in the names of 1.x; lists that contacts tell by ids are told by those, too."""
    place = contact.get("location")
    where = place if isinstance(place, dict) else {}
    return {
        "type": "user",
        **{name: contact.get(name) for name in _SAME},
        "user_id": contact.get("external_id"),
        "app_id": contact.get("workspace_id"),
        "anonymous": False,
        "pseudonym": None,
        "session_count": 0,
        "last_seen_ip": None,
        "last_request_at": contact.get("last_seen_at"),
        "remote_created_at": contact.get("signed_up_at"),
        "unsubscribed_from_emails": contact.get("unsubscribed_from_emails"),
        "avatar": {"type": "avatar", "image_url": contact.get("avatar")},
        "location_data": {
            "type": "location_data",
            **{f"{name}_name": where.get(name) for name in ("city", "country", "region")},
        },
        "user_agent_data": None,
        "companies": _listed("company", contact.get("company_ids")),
        "tags": _listed("tag", contact.get("tag_ids")),
        "segments": _listed("segment", contact.get("segment_ids")),
        "social_profiles": {"type": "social_profile.list", "social_profiles": []},
    }


def _listed(kind: str, ids: Json) -> Json:
    plural = "companies" if kind == "company" else f"{kind}s"
    entries: list[Json] = [{"type": kind, "id": str(one)} for one in (ids if isinstance(ids, list) else [])]
    return {"type": f"{kind}.list", plural: entries}


def _users(call: Call) -> list[Object]:
    """Leads had an address of their own then."""
    since = call.query.get("created_since")
    if since is not None and not since.isdecimal():
        raise invalid("created_since must be a number of days")
    oldest = 0 if since is None else call.world.now() - int(since) * 86_400
    return [
        one for one in call.world.contacts.now.values() if one["role"] == "user" and _whole(one["created_at"]) >= oldest
    ]


def _sorted(call: Call, told: list[Object]) -> list[Object]:
    field, order = call.query.get("sort", "created_at"), call.query.get("order", "desc")
    if field not in _SORTS or order not in {"asc", "desc"}:
        raise invalid(f"sort must be one of {', '.join(_SORTS)}, and order asc or desc")
    return sorted(told, key=lambda one: (_whole(one.get(field)), str(one["id"])), reverse=order == "desc")


def _whole(value: Json) -> int:
    return value if isinstance(value, int) else 0


def _only_then(call: Call) -> None:
    if call.version >= _FIRST_WITHOUT:
        raise wrong_version()
