"""What is told whole, the scroll of companies, and who is asking."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from reconciler.emulators.intercom.call import Call
from reconciler.emulators.intercom.refusals import not_found, scroll_exists, scroll_gone
from reconciler.emulators.intercom.world import Object, Scroll
from reconciler.model.json import Json

_SCROLLED, _IDLE_S = 100, 60


def me(call: Call) -> Json:
    """The admin of the token, and the workspace with its time zone."""
    app: Object = {
        "type": "app",
        "id_code": call.world.workspace,
        "name": "Sandbox workspace",
        "region": "US",
        "timezone": call.world.knobs.timezone,
        "created_at": 1_700_000_000,
        "identity_verification": False,
    }
    return {
        "type": "admin",
        "id": "991267459",
        "name": "Sandbox admin",
        "email": "admin@example.com",
        "email_verified": True,
        "app": app,
    }


def tags(call: Call) -> Json:
    """All tags."""
    return {"type": "list", "data": list(call.world.tags.values())}


def tag(call: Call) -> Json:
    """One tag."""
    found = call.world.tags.get(call.ids["tag_id"])
    if found is None:
        raise not_found("Resource")
    return found


def segments(call: Call) -> Json:
    """All segments; how many are in each only on request."""
    counted = call.query.get("include_count") == "true"
    shown: list[Json] = [
        {name: value for name, value in one.items() if counted or name != "count"}
        for one in call.world.segments.values()
    ]
    return {"type": "segment.list", "segments": shown, "pages": {}}


def segment(call: Call) -> Json:
    """One segment."""
    found = call.world.segments.get(call.ids["segment_id"])
    if found is None:
        raise not_found("Segment")
    return {name: value for name, value in found.items() if name != "count"}


def data_attributes(_call: Call) -> Json:
    """Attributes that people defined: none here."""
    return {"type": "list", "data": []}


def scroll_companies(call: Call) -> Json:
    """The next hundred companies of the one scroll that an app may have open; the parameter stays the same to its end."""
    page = scrolled(call, list(call.world.companies.values()))
    return {
        "type": "list",
        "data": list(page.told),
        "total_count": len(call.world.companies),
        "scroll_param": page.param,
        "pages": None,
    }


@dataclass(frozen=True, slots=True)
class Scrolled:
    """A page of a scroll."""

    told: list[Object]
    param: str


def scrolled(call: Call, everything: list[Object]) -> Scrolled:
    """The next page of the app's scroll, through *everything* when it begins here.

    Raises:
        Refused: another scroll is open, or this one is over: for a minute nobody went on with it, or it was at its end.
    """
    world, now = call.world, call.world.timeline.now()
    if world.scroll is not None and now - world.scroll.used_at > _IDLE_S:
        world.scroll = None
    param = call.query.get("scroll_param")
    if param is None:
        if world.scroll is not None:
            raise scroll_exists()
        world.scroll = Scroll(call.path, secrets.token_hex(12), everything, now)
    elif world.scroll is None or (world.scroll.path, world.scroll.param) != (call.path, param):
        raise scroll_gone()
    scroll = world.scroll
    told, scroll.left, scroll.used_at = scroll.left[:_SCROLLED], scroll.left[_SCROLLED:], now
    if not told:
        world.scroll = None
        if world.knobs.scroll_end == "not_found":
            raise scroll_gone()
    return Scrolled(told, scroll.param)
