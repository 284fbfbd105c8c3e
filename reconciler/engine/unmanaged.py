"""What exists at the vendors and stands in no state: how much of each kind is managed, and what is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.errors import ProviderError
from reconciler.model.record import State
from reconciler.ports.listing import Found, Lists, Unlisted
from reconciler.ports.provider import Provider

_ALIKE = {"activation": "query"}
"""Kinds that are one at the vendor: a saved query that got an export is still the one that is managed."""


@dataclass(frozen=True, slots=True, order=True)
class Unmanaged:
    """An object that nothing manages."""

    kind: str
    remote_id: str
    label: str


@dataclass(frozen=True, slots=True, order=True)
class Coverage:
    """Of *total* objects of *kind*, *managed* are managed."""

    kind: str
    managed: int
    total: int


@dataclass(frozen=True, slots=True)
class Inventory:
    """All that vendors hold, against the state; each part sorted. *unlisted*: what would not tell what is in it."""

    unmanaged: tuple[Unmanaged, ...]
    coverage: tuple[Coverage, ...]
    unlisted: tuple[Unlisted, ...]


def inventory(
    providers: Iterable[Provider], state: State, unknown: Mapping[str, ProviderError] | None = None
) -> Inventory:
    """List everything. *unknown*: providers of which it is not known who answers; they are not asked."""
    asked = {provider.name: provider for provider in providers}
    remembered = {(_plain(address.kind), record.remote_id) for address, record in state.records.items()}
    found: list[Found] = []
    unlisted: list[Unlisted] = []
    for name, provider in sorted(asked.items()):
        if unknown and name in unknown:
            unlisted.append(Unlisted(name, unknown[name].message))
        elif isinstance(provider, Lists):
            try:
                for one in provider.listing():
                    if isinstance(one, Found):
                        found.append(one)
                    elif isinstance(one, Unlisted):
                        unlisted.append(one)
            except ProviderError as error:
                unlisted.append(Unlisted(name, error.message))
    totals = Counter(one.kind for one in found)
    outside = [one for one in found if (_plain(one.kind), one.remote_id) not in remembered]
    missing = Counter(one.kind for one in outside)
    return Inventory(
        tuple(sorted(Unmanaged(one.kind, one.remote_id, one.label) for one in outside)),
        tuple(Coverage(kind, totals[kind] - missing[kind], totals[kind]) for kind in sorted(totals)),
        tuple(sorted(unlisted, key=lambda one: (one.where, one.why))),
    )


def _plain(kind: str) -> str:
    return _ALIKE.get(kind, kind)
