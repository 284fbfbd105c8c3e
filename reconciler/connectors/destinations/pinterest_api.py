"""What the export needs of Pinterest's API, and nothing else of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from reconciler.model.kinds import Identifier


@dataclass(frozen=True, slots=True)
class CustomerList:
    """A list of members."""

    list_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Audience:
    """An audience. *list_id* is "" when it is not made of a customer list."""

    audience_id: str
    name: str
    list_id: str = ""
    is_removed: bool = False


class AudienceApi(Protocol):
    """Lists and audiences of one ad account.

    Every call may raise a ProviderError. Calls that create raise OutcomeUnknown when they may have acted and are never
    repeated by the client; changes of members are repeated by it, being set operations. An answer that reports a problem
    with the members is a Permanent.
    """

    def lists(self) -> Sequence[CustomerList]:
        """All customer lists."""
        ...

    def audiences(self) -> Sequence[Audience]:
        """All audiences the account owns."""
        ...

    def audience(self, audience_id: str) -> Audience:
        """One audience; NotFound when there is none."""
        ...

    def create_list(self, name: str, identifier: Identifier, records: bytes) -> CustomerList:
        """Make a list with its first members: hex digests joined by commas."""
        ...

    def add(self, list_id: str, records: bytes) -> None:
        """Add members: hex digests joined by commas."""
        ...

    def remove(self, list_id: str, records: bytes) -> None:
        """Remove members: hex digests joined by commas."""
        ...

    def create_audience(self, name: str, description: str, list_id: str) -> Audience:
        """Make an audience of a list."""
        ...

    def close(self) -> None:
        """Close connections."""
        ...


AddOrRemove: TypeAlias = Callable[[str, bytes], None]
