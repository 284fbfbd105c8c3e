"""Ad accounts, customer lists and audiences, and how the API shows them.

Source: openapi.json 5.23.0; fields it lacks (``is_nca``, ``is_ctv_enabled``, ``time_zone``) from recorded replies of 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from reconciler.emulators.faults import ListedLate
from reconciler.emulators.pinterest.members import Members
from reconciler.model.json import Json

WRITERS = frozenset(("OWNER", "ADMIN", "AUDIENCE_MANAGER"))
ANALYSTS = frozenset(("OWNER", "ADMIN", "ANALYST", "CAMPAIGN_MANAGER"))


@dataclass(frozen=True, slots=True)
class Account:
    """An ad account that the person of the token may see, in the roles of *permissions*."""

    id: str
    name: str
    permissions: tuple[str, ...] = ("OWNER",)
    country: str = "US"
    currency: str = "USD"
    created: int = 1_700_000_000
    time_zone: str | None = None

    @property
    def is_own(self) -> bool:
        """Whether it is the person's own, not shared by somebody."""
        return "OWNER" in self.permissions

    def shown(self) -> dict[str, Json]:
        """The AdAccount of the API."""
        owner = ("549755885175", "sandbox") if self.is_own else ("549755885176", "partner")
        shown: dict[str, Json] = {
            "id": self.id,
            "name": self.name,
            "owner": {"id": owner[0], "username": owner[1]},
            "country": self.country,
            "currency": self.currency,
            "permissions": list(self.permissions),
            "created_time": self.created,
            "updated_time": self.created,
        }
        if self.time_zone is not None:
            shown["time_zone"] = self.time_zone
        return shown


@dataclass(slots=True)
class Hiding:
    """How long an object stays out of sight; see `ListedLate`."""

    list_calls: int
    list_until: float
    get_calls: int
    get_until: float

    @classmethod
    def starting(cls, fault: ListedLate, now: float) -> Hiding:
        """From *now* on."""
        return cls(fault.list_calls, now + fault.list_s, fault.get_calls, now + fault.get_s)

    def from_list(self, now: float) -> bool:
        """Whether a list call misses the object; counts the call."""
        self.list_calls, left = max(0, self.list_calls - 1), self.list_calls
        return left > 0 or now < self.list_until

    def from_get(self, now: float) -> bool:
        """Whether a read by id answers 404; counts the call."""
        self.get_calls, left = max(0, self.get_calls - 1), self.get_calls
        return left > 0 or now < self.get_until


@dataclass(slots=True)
class CustomerList:
    """A customer list. *settled* is how many people it matched when its processing last ended, at *ready_at*."""

    id: str
    account_id: str
    name: str
    list_type: str
    created: int
    updated: int
    ready_at: float
    members: Members
    batches: int = 1
    uploaded: int = 0
    removed: int = 0
    status: Literal["PROCESSING", "READY", "TOO_SMALL"] = "PROCESSING"
    settled: int = 0
    exceptions: Mapping[str, Json] = field(default_factory=dict)
    hiding: Hiding | None = None

    def shown(self) -> dict[str, Json]:
        """The CustomerList of the API, as get, create and patch give it."""
        return {
            "ad_account_id": self.account_id,
            "created_time": self.created,
            "id": self.id,
            "name": self.name,
            "num_batches": self.batches,
            "num_removed_user_records": self.removed,
            "num_uploaded_user_records": self.uploaded,
            "type": "customerlist",
            "updated_time": self.updated,
            "exceptions": self.exceptions,
            "status": self.status,
        }

    def listed(self) -> dict[str, Json]:
        """As the list call gives it."""
        return {**self.shown(), "is_nca": False}


@dataclass(slots=True)
class Audience:
    """An audience. Its first size is there from *ready_at* on."""

    id: str
    account_id: str
    name: str
    audience_type: str
    rule: Mapping[str, Json]
    description: str | None
    created: int
    updated: int
    ready_at: float
    status: Literal["INITIALIZING", "READY", "TOO_SMALL", "ARCHIVED"] = "INITIALIZING"
    size: int = 0
    hiding: Hiding | None = None

    @property
    def list_id(self) -> str | None:
        """The customer list it is made of, if it is made of one."""
        list_id = self.rule.get("customer_list_id")
        return list_id if isinstance(list_id, str) else None

    def written(self) -> dict[str, Json]:
        """The Audience of the API, as create and patch give it."""
        return {
            "ad_account_id": self.account_id,
            "id": self.id,
            "name": self.name,
            "audience_type": self.audience_type,
            "created_timestamp": self.created,
            "updated_timestamp": self.updated,
            "created_by_company_name": None,
            "description": self.description,
            "rule": self.rule,
            "size": self.size,
            "status": self.status,
            "type": "audience",
            "is_nca": False,
        }

    def shown(self) -> dict[str, Json]:
        """As get gives it."""
        return {**self.written(), "created_by_company_name": "Sandbox Inc."}

    def listed(self) -> dict[str, Json]:
        """As the list call gives it."""
        return {**self.shown(), "is_ctv_enabled": False}
