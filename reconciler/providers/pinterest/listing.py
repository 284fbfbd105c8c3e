"""What one listing of an ad account's audiences tells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.apis.pinterest_values import Audience
from reconciler.model.address import Address
from reconciler.providers.pinterest.wire import is_managed_kind


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """An ad account, and the connection it is looked at through."""

    connection: Address
    ad_account_id: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Audiences made of customer lists, and still there: by id, and by exact title, oldest first."""

    by_id: Mapping[str, Audience]
    by_title: Mapping[str, tuple[Audience, ...]]

    @classmethod
    def of(cls, audiences: Iterable[Audience]) -> Listing:
        """Index *audiences* of any type."""
        by_id: dict[str, Audience] = {}
        by_title: dict[str, list[Audience]] = defaultdict(list)
        for audience in audiences:
            # A page may repeat an object that another one's removal has moved.
            if is_managed_kind(audience) and audience.id not in by_id:
                by_id[audience.id] = audience
                by_title[audience.name.strip()].append(audience)
        ordered = {title: tuple(sorted(same, key=_age)) for title, same in by_title.items()}
        return cls(by_id, ordered)


def _age(audience: Audience) -> tuple[int, str]:
    # Ids are digits and grow with time; text of equal length sorts as numbers do.
    return len(audience.id), audience.id
