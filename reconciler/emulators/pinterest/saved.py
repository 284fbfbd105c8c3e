"""The objects of the world as the storage keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler.emulators.pinterest.members import CountedMembers, KeptMembers, Members
from reconciler.emulators.pinterest.objects import Audience, CustomerList
from reconciler.emulators.pinterest.storage import Storage

_LIST_FIELDS = (
    "id", "account_id", "name", "list_type", "created", "updated", "ready_at",
    "batches", "uploaded", "removed", "status", "settled", "exceptions",
)  # fmt: skip
_AUDIENCE_FIELDS = (
    "id", "account_id", "name", "audience_type", "rule", "description", "created", "updated", "ready_at", "status", "size",
)  # fmt: skip


def of_list(item: CustomerList) -> dict[str, Any]:
    """Without its members, which have a table of their own, and without what hides it."""
    kept = {name: getattr(item, name) for name in _LIST_FIELDS}
    kept["counted"] = len(item.members) if isinstance(item.members, CountedMembers) else None
    return kept


def of_audience(item: Audience) -> dict[str, Any]:
    """Without what hides it."""
    return {name: getattr(item, name) for name in _AUDIENCE_FIELDS}


def load_lists(storage: Storage) -> Iterator[CustomerList]:
    """All lists with their members, oldest first."""
    values: list[dict[str, Any]] = list(storage.objects("list"))
    for value in sorted(values, key=lambda value: int(value["id"])):
        counted = value.pop("counted")
        members: Members
        members = KeptMembers(storage.members(value["id"])) if counted is None else CountedMembers(counted)
        yield CustomerList(**value, members=members)


def load_audiences(storage: Storage) -> Iterator[Audience]:
    """All audiences, oldest first."""
    values: list[dict[str, Any]] = list(storage.objects("audience"))
    for value in sorted(values, key=lambda value: int(value["id"])):
        yield Audience(**value)


def save_last_id(storage: Storage, kind: str, last_id: int) -> None:
    """Remember the last id given, so that a deleted object's id is not given again."""
    storage.save("last_id", kind, {"kind": kind, "id": last_id})


def load_last_id(storage: Storage, kind: str, *, default: int) -> int:
    """The last id given to *kind*, or *default*."""
    values: list[dict[str, Any]] = list(storage.objects("last_id"))
    return next((int(value["id"]) for value in values if value["kind"] == kind), default)
