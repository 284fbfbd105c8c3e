"""What a row from Intercom looks like: flat, in columns that are the same in every run.

Objects and lists become JSON text, so that no attribute which somebody makes up at Intercom gives a table another column. Source:
schemas of Intercom's description 2.16; the older names are those of its retired API of users.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

import orjson

from reconciler.model.imports import IntercomTarget
from reconciler.model.json import Json

Row: TypeAlias = Mapping[str, Json]
Columns: TypeAlias = Mapping[str, str]
"""Name -> type in SQL, in the order of the table."""

_TEXT, _WHOLE, _YES = "VARCHAR", "BIGINT", "BOOLEAN"


def _of(type_: str, *names: str) -> dict[str, str]:
    return dict.fromkeys(names, type_)


_MOBILE: Final = tuple(
    f"{system}_{name}"
    for system in ("android", "ios")
    for name in ("app_name", "app_version", "device", "os_version", "sdk_version")
)
_USERS: Final[Columns] = {
    **_of(_TEXT, "id", "external_id", "email", "type", "workspace_id", "role", "email_domain", "phone", "name"),
    **_of(_TEXT, "avatar", "owner_id"),
    **_of(_YES, "has_hard_bounced", "marked_email_as_spam", "unsubscribed_from_emails"),
    **_of(_WHOLE, "created_at", "updated_at", "signed_up_at", "last_seen_at", "last_replied_at", "last_contacted_at"),
    **_of(_WHOLE, "last_email_opened_at", "last_email_clicked_at", "android_last_seen_at", "ios_last_seen_at"),
    **_of(_TEXT, "language_override", "browser", "browser_version", "browser_language", "os", *_MOBILE),
    **_of(_TEXT, "custom_attributes", "tags", "notes", "companies", "location", "social_profiles"),
}
_CONVERSATIONS: Final[Columns] = {
    **_of(_TEXT, "id", "type", "title", "state", "priority"),
    **_of(_WHOLE, "created_at", "updated_at", "waiting_since", "snoozed_until"),
    **_of(_YES, "open", "read", "ai_agent_participated", "sales_agent_participated"),
    **_of(_WHOLE, "admin_assignee_id", "team_assignee_id"),
    **_of(_TEXT, "company", "tags", "conversation_rating", "source", "contacts", "teammates", "custom_attributes"),
    **_of(_TEXT, "first_contact_reply", "sla_applied", "statistics", "linked_objects", "ai_agent", "sales_agent"),
    **_of(_TEXT, "channel", "external_references", "topics", "ticket"),
}
COLUMNS: Final[Mapping[IntercomTarget, Columns]] = {
    IntercomTarget.USERS: _USERS,
    IntercomTarget.CONVERSATIONS: _CONVERSATIONS,
    IntercomTarget.SEGMENTS: {
        **_of(_TEXT, "id", "type", "name", "person_type"),
        **_of(_WHOLE, "created_at", "updated_at", "count"),
    },
    IntercomTarget.TAGS: _of(_TEXT, "id", "type", "name"),
    IntercomTarget.COMPANIES: {
        **_of(_TEXT, "id", "company_id", "type", "name", "website", "industry", "plan"),
        **_of(_WHOLE, "created_at", "updated_at", "remote_created_at", "last_request_at"),
        **_of(_TEXT, "custom_attributes", "tags", "segments"),
    },
}
PARTS: Final = "conversation_parts"
_OLD: Final = {
    "external_id": "user_id",
    "workspace_id": "app_id",
    "last_seen_at": "last_request_at",
    "location": "location_data",
}
_SIGNED_UP: Final = ("signed_up_at", "remote_created_at")
_PLACES: Final = {"city": "city_name", "country": "country_name", "region": "region_name"}


def columns_of(target: IntercomTarget, *, parts: bool, old_names: bool) -> Columns:
    """The columns that every load of *target* has, whatever its rows say."""
    known = COLUMNS[target]
    if parts:
        known = {**known, PARTS: _TEXT}
    if old_names:
        known = {_OLD.get(name, name): type_ for name, type_ in known.items()} | {_SIGNED_UP[1]: _WHOLE}
    return known


def with_old_names(row: Row) -> Row:
    """A contact in the words of the retired API of users, as far as it has what these mean."""
    location = row.get("location")
    told: dict[str, Json] = {_OLD.get(name, name): value for name, value in row.items()}
    told[_SIGNED_UP[1]] = row.get(_SIGNED_UP[0])
    if isinstance(location, Mapping):
        told[_OLD["location"]] = {_PLACES.get(name, name): value for name, value in location.items()}
    return told


def flat(rows: Iterable[Row], columns: Columns) -> list[dict[str, Json]]:
    """*rows* with text in the place of objects and lists, and with every value fit for its column."""
    return [{name: _fit(value, columns.get(name, "")) for name, value in row.items()} for row in rows]


def _fit(value: Json, type_: str) -> Json:
    if isinstance(value, Mapping | list):
        return orjson.dumps(value).decode()
    if value is None:
        return None
    if type_ == _TEXT and not isinstance(value, str):
        return orjson.dumps(value).decode()
    if type_ == _WHOLE and not isinstance(value, int):
        text = str(value)
        return int(text) if text.removeprefix("-").isdecimal() else None
    return value
