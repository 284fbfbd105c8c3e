"""Puts objects into state as they are, and proves that nothing is left to do with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from reconciler.engine.planning import Prepared, prepare
from reconciler.engine.session import Session
from reconciler.engine.world import World
from reconciler.model.address import Address
from reconciler.model.change import Adopt, Keep, Undecided, fields_of
from reconciler.model.json import Json
from reconciler.model.observation import Finding, Observation
from reconciler.model.record import Record, State
from reconciler.ports.store import Snapshot, StateStore


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A field that the next plan would still change, or "" as *path* and why nothing can be said."""

    address: Address
    path: str
    why: str


def importing(world: World, wanted: Mapping[Address, str]) -> World:
    """*world* whose manifests also import *wanted*."""
    told = world.transitions
    return replace(world, transitions=replace(told, imports={**told.imports, **wanted}))


def remember(store: StateStore, prepared: Prepared, session: Session, addresses: Iterable[Address]) -> list[Address]:
    """Write into state, in one step, those of *addresses* that *prepared* adopts. Only under the lock.

    Secrets cannot be read, so those that documents refer to now are taken for those in use: nothing is sent because of an
    import. Fields that differ from a document are remembered as they are, for the next plan to show.
    """
    changes = {change.address: change for change in prepared.plan.changes}
    records: dict[Address, Record] = {}
    for address in addresses:
        change = changes.get(address)
        if isinstance(change, Adopt):
            records[address] = _record(prepared, session, change)
    before = prepared.state
    accounts = {**before.accounts, **prepared.plan.base.accounts}
    if records:
        after: State = replace(
            before, records={**before.records, **records}, accounts=accounts, serial=before.serial + 1
        )
        store.checkpoint(after, before.serial)
    return sorted(records)


def _record(prepared: Prepared, session: Session, change: Adopt) -> Record:
    address = change.address
    resolution = prepared.resolutions.get(address)
    resolved: dict[str, Json] = {}
    if resolution is not None:
        resolved = {"mode": resolution.mode, "audience_id": resolution.audience_id}
    record = session.record_of(
        session.world.resources[address],
        change.remote_id,
        prepared.desired[address].attributes,
        resolved=resolved,
    )
    if all(field.secret for field in change.fields):
        return record
    there = _observed(prepared, change)
    applied = {name: there.attributes.get(name, value) for name, value in record.applied.items()}
    return replace(record, applied=applied)


def _observed(prepared: Prepared, change: Adopt) -> Observation:
    look = prepared.seen[change.address]
    if not isinstance(look, Finding):
        raise TypeError(str(change.address))
    seen: tuple[Observation, ...] = (*look.by_key, *((look.by_id,) if look.by_id else ()))
    return next(one for one in seen if one.remote_id == change.remote_id)


def unsettled(world: World, store: StateStore, addresses: Iterable[Address]) -> list[Unsettled]:
    """Plan again; everything that would still be done with *addresses*."""
    snapshot: Snapshot = store.read()
    wanted = set(addresses)
    found: list[Unsettled] = []
    for change in prepare(world, snapshot).plan.changes:
        if change.address not in wanted or isinstance(change, Keep):
            continue
        if isinstance(change, Undecided):
            found.append(Unsettled(change.address, "", change.why))
            continue
        fields = fields_of(change)
        if not fields:
            found.append(Unsettled(change.address, "", f"a plan would {type(change).__name__.lower()} it"))
        found += [
            Unsettled(change.address, path, f"is {field.before!r}, the document says {field.after!r}")
            for path, field in fields.items()
        ]
    return found
