"""Objects in the form of Intercom's description 2.16, made of the few fields that somebody names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.model.json import Json

EMBEDDED = 10
"""Entries of a list inside a contact; the rest is read by its address."""
_TIMES = ("last_seen_at", "last_replied_at", "last_contacted_at", "last_email_opened_at", "last_email_clicked_at")
_ABOUT = ("language_override", "browser", "browser_version", "browser_language", "os")
_MOBILE = ("app_name", "app_version", "device", "os_version", "sdk_version", "last_seen_at")
_STATISTICS: Mapping[str, Json] = {"type": "conversation_statistics", "count_reopens": 0, "count_assignments": 0}


def contact(contact_id: str, told: Mapping[str, Json], *, workspace: str, now: int) -> dict[str, Json]:
    """A contact as it is kept; *told* goes before what is usual."""
    email = told.get("email")
    fields: dict[str, Json] = {
        "type": "contact",
        "id": contact_id,
        "external_id": None,
        "workspace_id": workspace,
        "role": "user",
        "email": None,
        "email_domain": email.rpartition("@")[2] if isinstance(email, str) else None,
        "phone": None,
        "name": None,
        "avatar": None,
        "owner_id": None,
        "has_hard_bounced": False,
        "marked_email_as_spam": False,
        "unsubscribed_from_emails": False,
        "created_at": now,
        "updated_at": now,
        "signed_up_at": None,
        **dict.fromkeys(_TIMES),
        **dict.fromkeys(_ABOUT),
        **{f"{system}_{name}": None for system in ("android", "ios") for name in _MOBILE},
        "custom_attributes": {},
        "location": {"type": "location", "country": None, "region": None, "city": None},
        "social_profiles": {"data": []},
        "tag_ids": [],
        "company_ids": [],
        "note_ids": [],
    }
    return {**fields, **told, "id": contact_id}


def shown_contact(kept: Mapping[str, Json]) -> dict[str, Json]:
    """A contact as it is answered: of each list the first ten, and where to read the others."""
    contact_id = str(kept["id"])
    lists = {"tag_ids": ("tags", "tag"), "company_ids": ("companies", "company"), "note_ids": ("notes", "note")}
    shown = {name: value for name, value in kept.items() if name not in lists}
    for name, (plural, singular) in lists.items():
        ids = kept[name]
        shown[plural] = _embedded(contact_id, plural, singular, ids if isinstance(ids, list) else [])
    return shown


def _embedded(contact_id: str, plural: str, singular: str, ids: Sequence[Json]) -> Json:
    address = f"https://api.intercom.io/contacts/{contact_id}/{plural}"
    data: list[Json] = [
        {"type": singular, "id": str(one), "url": f"https://api.intercom.io/{plural}/{one}"} for one in ids[:EMBEDDED]
    ]
    return {
        "type": "list",
        "data": data,
        "url": address,
        "total_count": len(ids),
        "has_more": len(ids) > EMBEDDED,
    }


def conversation(conversation_id: str, told: Mapping[str, Json], *, now: int) -> dict[str, Json]:
    """A conversation as it is kept, its parts among it."""
    author: Json = {"type": "user", "id": "5f7f0d217289f8d2f4262080", "name": None, "email": "user@example.com"}
    fields: dict[str, Json] = {
        "type": "conversation",
        "id": conversation_id,
        "title": None,
        "created_at": now,
        "updated_at": now,
        "waiting_since": None,
        "snoozed_until": None,
        "open": True,
        "state": "open",
        "read": False,
        "priority": "none",
        "admin_assignee_id": None,
        "team_assignee_id": None,
        "company": None,
        "tags": {"type": "tag.list", "tags": []},
        "source": {
            "type": "conversation",
            "id": f"s{conversation_id}",
            "delivered_as": "customer_initiated",
            "subject": "",
            "body": "<p>Hello</p>",
            "author": author,
            "attachments": [],
            "url": None,
            "redacted": False,
        },
        "contacts": {"type": "contact.list", "contacts": []},
        "teammates": {"type": "admin.list", "teammates": []},
        "custom_attributes": {},
        "statistics": dict(_STATISTICS),
        "linked_objects": {"type": "list", "total_count": 0, "has_more": False, "data": []},
        "ai_agent_participated": False,
        "ai_agent": None,
        "sales_agent_participated": False,
        "sales_agent": None,
        "channel": {"initial": "messenger", "current": "messenger"},
        "external_references": [],
        "parts": [],
    }
    return {**fields, **told, "id": conversation_id}


def part(part_id: str, told: Mapping[str, Json], *, now: int) -> dict[str, Json]:
    """A part of a conversation."""
    author: Json = {"type": "admin", "id": "991268363", "name": "Support", "email": "support@example.com"}
    fields: dict[str, Json] = {
        "type": "conversation_part",
        "id": part_id,
        "part_type": "comment",
        "body": "<p>Okay!</p>",
        "created_at": now,
        "updated_at": now,
        "notified_at": now,
        "assigned_to": None,
        "author": author,
        "attachments": [],
        "external_id": None,
        "redacted": False,
        "email_message_metadata": None,
        "state": "open",
        "tags": [],
        "event_details": None,
        "app_package_code": None,
    }
    return {**fields, **told, "id": part_id}
