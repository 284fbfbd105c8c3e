"""The world against the memory: what somebody changed since the last apply."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import cast

from reconciler.engine.diff import Rules, differences
from reconciler.engine.world import World
from reconciler.model.address import Address
from reconciler.model.change import FieldChange, Origin
from reconciler.model.json import Json, canonical, digest
from reconciler.model.observation import Finding, Observation, Seen, Unreadable
from reconciler.model.record import Record, State
from reconciler.ports.provider import FieldClass, KindTraits


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
    """One resource. *fields* go from what was applied to what was found; *note* tells what is not a field.

    changed_at: RFC 3339 time of the object's last change, where the vendor tells.
    changed_by: who made it, where the vendor tells.
    source: ``file:line`` of its document, or "".
    """

    address: Address
    verdict: Verdict
    remote_id: str
    fields: tuple[FieldChange, ...] = ()
    note: str = ""
    changed_at: str = ""
    changed_by: str = ""
    source: str = ""

    @property
    def is_drift(self) -> bool:
        """Whether somebody moved it."""
        return self.verdict in (Verdict.DRIFTED, Verdict.MISSING)


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

    def digest(self) -> str:
        """``sha256:…`` over what moved (addresses, fields, values): equal as long as the same things are moved alike.

        When and by whom is left out, as is what could not be read.
        """
        return digest(
            [
                [
                    str(entry.address),
                    entry.verdict.value,
                    [[field.path, field.before, field.after] for field in sorted(entry.fields)],
                ]
                for entry in sorted(self.entries, key=lambda entry: entry.address)
                if entry.is_drift
            ]
        )


def drift(
    world: World, state: State, seen: Mapping[Address, Seen], chosen: Collection[Address] | None = None
) -> DriftReport:
    """Compare what was seen with what was last applied, of *chosen* or of all; declared or not does not matter."""
    return DriftReport(
        tuple(
            replace(_one(world, address, record, seen.get(address)), source=world.sources.get(address, ""))
            for address, record in sorted(state.records.items())
            if chosen is None or address in chosen
        )
    )


def _one(world: World, address: Address, record: Record, look: Seen | None) -> Drift:
    if look is None:
        return Drift(address, Verdict.UNKNOWN, record.remote_id, note=f"no provider knows the kind {address.kind!r}")
    if isinstance(look, Unreadable):
        return Drift(address, Verdict.UNKNOWN, record.remote_id, note=look.error.message)
    if look.by_id is None:
        return _absent(world, address, record, look)
    resource = world.resources.get(address)
    ignored = world.ignored(resource) if resource else ()
    traits = world.traits(address)
    rules = Rules(traits, world.fingerprint, ignored)
    # What was applied takes the place of what is declared, so "before" and "after" come out the other way round.
    # Secrets are in neither, and none of them is missing for that.
    moved = differences(record.applied, look.by_id.attributes, replace(record, fingerprints={}), rules)
    if moved:
        at, by = _origin(look.by_id)
        fields = tuple(_turned(field, traits) for field in moved)
        return Drift(address, Verdict.DRIFTED, record.remote_id, fields, changed_at=at, changed_by=by)
    verdict = Verdict.CONVERGING if look.by_id.note else Verdict.IN_SYNC
    return Drift(address, verdict, record.remote_id, note=look.by_id.note)


def _absent(world: World, address: Address, record: Record, look: Finding) -> Drift:
    patience_s = world.traits(address).visible_within_s
    if record.unseen_since and patience_s:
        age_s = world.clock.now() - datetime.fromisoformat(record.unseen_since).timestamp()
        if age_s < patience_s:
            note = f"made at {record.unseen_since}; its vendor does not show it yet"
            return Drift(address, Verdict.CONVERGING, record.remote_id, note=note)
    others = ", ".join(other.remote_id for other in look.by_key)
    note = f"others of its name exist: {others}" if others else "deleted outside"
    return Drift(address, Verdict.MISSING, record.remote_id, note=note)


def _turned(field: FieldChange, traits: KindTraits) -> FieldChange:
    """From applied to found; a set in one order, for vendors tell it in any."""
    applied, found = cast("Json", field.after), cast("Json", field.before)
    if traits.classes.get(field.path) is FieldClass.SET:
        applied, found = _in_order(applied), _in_order(found)
    return FieldChange(field.path, applied, found, Origin.DRIFT, field.secret)


def _in_order(value: Json) -> Json:
    return sorted(value, key=canonical) if isinstance(value, list | tuple) else value


def _origin(found: Observation) -> tuple[str, str]:
    """When and by whom the object was last changed, as far as its vendor tells."""
    told = found.computed
    return str(told.get("updated_at") or ""), str(told.get("updated_by") or "")
