"""Conversations. Their parts are told of one at a time only."""

from __future__ import annotations

import re

from reconciler.emulators.intercom import search
from reconciler.emulators.intercom.call import Call
from reconciler.emulators.intercom.contacts import numbered
from reconciler.emulators.intercom.paging import LARGEST, Asked, page
from reconciler.emulators.intercom.refusals import not_found, wrong_version
from reconciler.emulators.intercom.world import Object
from reconciler.model.json import Json

_SIZE, _MOST_PARTS = 20, 500
_MARKUP = re.compile(r"<[^>]+>")
_SINCE = {
    "company": (2, 15),
    "channel": (2, 16),
    "external_references": (2, 16),
    "sales_agent": (2, 16),
    "sales_agent_participated": (2, 16),
    "ai_agent": (2, 11),
    "ai_agent_participated": (2, 11),
    "linked_objects": (2, 10),
}
_TELLS_DELETED = (2, 16)


def listed(call: Call) -> Json:
    """All conversations, newest change first."""
    size = call.count("per_page", call.query.get("per_page"), default=_SIZE, most=LARGEST)
    asked = Asked(call.path, size, call.query.get("starting_after"))
    known = list(call.world.conversations.now.values())
    taken, pages = page(call, asked, known, lambda _: True)
    return _answer(call, taken, len(known), pages)


def searched(call: Call) -> Json:
    """Those that search knows and the query takes."""
    takes = search.conversations(call)
    known = list(call.world.conversations.searched(call.world.timeline.now()))
    taken, pages = page(call, search.asked(call, default_size=_SIZE), known, takes)
    return _answer(call, taken, sum(map(takes, known)), pages)


def one(call: Call) -> Json:
    """One conversation with its newest parts."""
    found = call.world.conversations.now.get(call.ids["conversation_id"])
    if found is None:
        raise not_found("Conversation")
    parts = found["parts"]
    newest: list[Json] = parts[-_MOST_PARTS:] if isinstance(parts, list) else []
    if call.query.get("display_as") == "plaintext":
        newest = [_plain(part) for part in newest]
    return {
        **_shown(call, found),
        "conversation_parts": {
            "type": "conversation_part.list",
            "conversation_parts": newest,
            "total_count": len(newest),
        },
    }


def deleted(call: Call) -> Json:
    """Ids of conversations that are gone, in numbered pages."""
    if call.version < _TELLS_DELETED:
        raise wrong_version()
    gone = sorted(call.world.deleted_conversations.values(), key=lambda item: str(item["deleted_at"]), reverse=True)
    answer = numbered(call, gone)
    if not isinstance(answer, dict):
        raise TypeError("a numbered list is a map")
    told = {name: value for name, value in answer.items() if name != "data"}
    return {**told, "type": "conversation.list", "conversations": answer["data"]}


def _shown(call: Call, kept: Object) -> Object:
    hidden = {name for name, since in _SINCE.items() if call.version < since}
    if call.version in {(2, 12), (2, 13)}:
        hidden.add("custom_attributes")
    # The description knows no null for these, so a conversation without one does not speak of it.
    hidden |= {name for name in ("company", "sales_agent") if kept[name] is None}
    return {name: value for name, value in kept.items() if name != "parts" and name not in hidden}


def _plain(part: Json) -> Json:
    if not isinstance(part, dict) or not isinstance(part.get("body"), str):
        return part
    return {**part, "body": _MARKUP.sub("", str(part["body"]))}


def _answer(call: Call, taken: list[Object], total: int, pages: Json) -> Json:
    shown: list[Json] = [_shown(call, one) for one in taken]
    return {"type": "conversation.list", "conversations": shown, "total_count": total, "pages": pages}
