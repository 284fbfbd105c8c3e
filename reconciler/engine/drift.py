"""The world against the memory: what somebody changed since the last apply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from reconciler.engine.diff import Rules, differences
from reconciler.engine.world import World
from reconciler.model.address import Address
from reconciler.model.change import FieldChange, Origin
from reconciler.model.observation import Seen, Unreadable
from reconciler.model.record import Record, State


class Verdict(StrEnum):
    """What a look at one remembered resource came to."""

    IN_SYNC = "in_sync"
    DRIFTED = "drifted"
    MISSING = "missing"
    UNKNOWN = "unknown"
    CONVERGING = "converging"
    """As applied, while the vendor is still at work, such as filling an audience."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One resource. *fields* go from what was applied to what was found; *note* tells what is not a field."""

    address: Address
    verdict: Verdict
    remote_id: str
    fields: tuple[FieldChange, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class DriftReport:
    """Every remembered resource, sorted by address."""

    entries: tuple[Drift, ...]

    @property
    def is_clean(self) -> bool:
        """Whether all was read and all is as applied."""
        return all(entry.verdict in (Verdict.IN_SYNC, Verdict.CONVERGING) for entry in self.entries)

    @property
    def is_complete(self) -> bool:
        """Whether all could be read; a scan that could not is never clean."""
        return all(entry.verdict is not Verdict.UNKNOWN for entry in self.entries)

    def summary(self) -> dict[str, int]:
        """Verdict -> how many, every verdict named."""
        return {verdict.value: sum(entry.verdict is verdict for entry in self.entries) for verdict in Verdict}


def drift(world: World, state: State, seen: Mapping[Address, Seen]) -> DriftReport:
    """Compare what was seen with what was last applied; declared or not does not matter."""
    return DriftReport(
        tuple(_one(world, address, record, seen.get(address)) for address, record in sorted(state.records.items()))
    )


def _one(world: World, address: Address, record: Record, look: Seen | None) -> Drift:
    if look is None:
        return Drift(address, Verdict.UNKNOWN, record.remote_id, note=f"no provider knows the kind {address.kind!r}")
    if isinstance(look, Unreadable):
        return Drift(address, Verdict.UNKNOWN, record.remote_id, note=look.error.message)
    if look.by_id is None:
        others = ", ".join(other.remote_id for other in look.by_key)
        note = f"others of its name exist: {others}" if others else "deleted outside"
        return Drift(address, Verdict.MISSING, record.remote_id, note=note)
    resource = world.resources.get(address)
    ignored = resource.lifecycle.ignore if resource else ()
    rules = Rules(world.traits(address), world.fingerprint, ignored)
    moved = differences(record.applied, look.by_id.attributes, record, rules)
    if moved:
        fields = tuple(
            FieldChange(field.path, field.after, field.before, Origin.DRIFT, field.secret) for field in moved
        )
        return Drift(address, Verdict.DRIFTED, record.remote_id, fields)
    verdict = Verdict.CONVERGING if look.by_id.note else Verdict.IN_SYNC
    return Drift(address, verdict, record.remote_id, note=look.by_id.note)
