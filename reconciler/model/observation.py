"""What a provider read at its vendor during this run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from reconciler.errors import ProviderError
from reconciler.model.json import Json


@dataclass(frozen=True, slots=True)
class Observation:
    """One object as it is.

    remote_id: the vendor's id, as text.
    attributes: comparable fields, normalised as the provider's `desired` is; secrets are left out, for they read as masks.
    computed: what the vendor decides and a person may want to see (status, size, counters); never compared.
    created_at: Unix seconds, when the vendor tells.
    note: what the vendor is still doing with it, such as ``filling``; shown, never compared.
    marker: the ownership mark on it (see `model.marker`), or "" where it bears none or its kind has no place for one.
    """

    remote_id: str
    attributes: Mapping[str, Json]
    computed: Mapping[str, Json] = field(default_factory=dict)
    created_at: int | None = None
    note: str = ""
    marker: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A completed look at one resource. Both parts empty means absent, as far as one look can tell.

    by_id: the object whose id the state remembers.
    by_key: objects that match the resource's natural key, sorted by id; the one of *by_id* is among them if it matches.
    """

    by_id: Observation | None = None
    by_key: tuple[Observation, ...] = ()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The vendor would not or could not tell. Never to be read as absence."""

    error: ProviderError


Seen: TypeAlias = Finding | Unreadable
