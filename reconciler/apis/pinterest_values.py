"""What Pinterest answers, as values. Fields that it sends and nobody documents are ignored.

Source: Pinterest API v5, schemas AdAccount, CustomerList, Audience and Account; ids are text and never numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.model.json import Json, canonical

CUSTOMER_LIST = "CUSTOMER_LIST"
REMOVED = frozenset({"ARCHIVED", "DELETED", "REMOVED"})
"""Statuses of an audience that was removed and is still shown; the API has no word of its own for it."""


class ListType(StrEnum):
    """What the members of a customer list are known by. Told at creation, and never told back."""

    EMAIL = "EMAIL"
    IDFA = "IDFA"
    MAID = "MAID"


class MemberChange(StrEnum):
    """What a batch of records does to a customer list."""

    ADD = "ADD"
    REMOVE = "REMOVE"


@dataclass(frozen=True, slots=True)
class UserAccount:
    """Whom the credentials belong to."""

    id: str
    username: str


@dataclass(frozen=True, slots=True)
class AdAccount:
    """An ad account and what the credentials may do in it."""

    id: str
    name: str
    currency: str
    permissions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CustomerList:
    """A list of people. Its members cannot be read.

    status: PROCESSING, READY, TOO_SMALL (fewer than 100 matched) or UPLOADING; others have been seen.
    batches, uploaded, removed: requests, records sent to be added and to be removed so far; repeated ones count again.
    created_at, updated_at: Unix seconds.
    problem: what Pinterest says went wrong with a batch, or ""; may name members.
    """

    id: str
    ad_account_id: str
    name: str
    status: str
    batches: int
    uploaded: int
    removed: int
    created_at: int
    updated_at: int
    problem: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom ads may be shown to.

    status: INITIALIZING, READY, TOO_SMALL, and whatever Pinterest thinks of.
    size: matched people, up to two days old; None when not told.
    customer_list_id: of the list it is made of, "" for the other types.
    created_at, updated_at: Unix seconds, None when not told.
    """

    id: str
    ad_account_id: str
    name: str
    audience_type: str
    status: str
    description: str
    size: int | None
    customer_list_id: str
    created_at: int | None
    updated_at: int | None

    @property
    def is_removed(self) -> bool:
        """Whether it was removed and is merely still shown."""
        return self.status.upper() in REMOVED


def user_account(data: Json) -> UserAccount:
    """Read an Account.

    Raises:
        ValueError: it is not one; the message says what is missing.
    """
    fields = _object(data)
    # The id was added to the schema late; the user name has always been there.
    username = _text(fields, "username")
    return UserAccount(id=str(fields.get("id") or username), username=username)


def ad_account(data: Json) -> AdAccount:
    """Read an AdAccount; raises ValueError as `user_account`."""
    fields = _object(data)
    permissions = fields.get("permissions")
    return AdAccount(
        id=_text(fields, "id"),
        name=str(fields.get("name") or ""),
        currency=str(fields.get("currency") or ""),
        permissions=tuple(map(str, permissions)) if isinstance(permissions, list) else (),
    )


def customer_list(data: Json) -> CustomerList:
    """Read a CustomerList; raises ValueError as `user_account`."""
    fields = _object(data)
    exceptions = fields.get("exceptions")
    return CustomerList(
        id=_text(fields, "id"),
        ad_account_id=_text(fields, "ad_account_id"),
        name=_text(fields, "name"),
        status=str(fields.get("status") or ""),
        batches=_count(fields, "num_batches"),
        uploaded=_count(fields, "num_uploaded_user_records"),
        removed=_count(fields, "num_removed_user_records"),
        created_at=_count(fields, "created_time"),
        updated_at=_count(fields, "updated_time"),
        problem=canonical(exceptions).decode() if exceptions else "",
    )


def audience(data: Json) -> Audience:
    """Read an Audience; raises ValueError as `user_account`."""
    fields = _object(data)
    rule = fields.get("rule")
    list_id = rule.get("customer_list_id") if isinstance(rule, Mapping) else None
    return Audience(
        id=_text(fields, "id"),
        ad_account_id=_text(fields, "ad_account_id"),
        name=_text(fields, "name"),
        audience_type=_text(fields, "audience_type"),
        status=str(fields.get("status") or ""),
        description=str(fields.get("description") or ""),
        size=_number(fields, "size"),
        customer_list_id=str(list_id or ""),
        created_at=_number(fields, "created_timestamp"),
        updated_at=_number(fields, "updated_timestamp"),
    )


def _object(data: Json) -> Mapping[str, Json]:
    if not isinstance(data, Mapping):
        message = f"{type(data).__name__} in the place of an object"
        raise ValueError(message)  # noqa: TRY004 - what is wrong is the vendor's value, not our call
    return data


def _text(fields: Mapping[str, Json], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        message = f"an object whose `{name}` is not text"
        raise ValueError(message)  # noqa: TRY004 - what is wrong is the vendor's value, not our call
    return value


def _number(fields: Mapping[str, Json], name: str) -> int | None:
    value = fields.get(name)
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _count(fields: Mapping[str, Json], name: str) -> int:
    return _number(fields, name) or 0
