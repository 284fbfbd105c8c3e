"""Which columns start, stop or change leaving, to whom, and from when on.

Compared is what an export sends now, as it was found at its vendor, with what it would send after the plan. Only changes
are looked at: a plan that changes no activation costs nothing here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.engine.diff import without_secrets
from reconciler.engine.planning import Prepared
from reconciler.engine.world import World
from reconciler.model.activation import Outcome
from reconciler.model.address import Address
from reconciler.model.change import Adopt, Change, Create, Delete, Disable, Keep, Replace, Undecided, Update
from reconciler.model.egress import UNKNOWN, EgressChange, Leaving, Movement, Outflow
from reconciler.model.kinds import ActivationSpec
from reconciler.model.observation import Finding
from reconciler.model.row_activations import FileActivationSpec, ObjectActivationSpec
from reconciler.model.timing import ScheduleSpec, Timing
from reconciler.policy.columns import columns_of, hashing_of, pii_class

Sent = Mapping[tuple[str, str], Leaving]
"""Destination and column -> how it leaves."""


def egress_changes(world: World, prepared: Prepared) -> Iterator[EgressChange]:
    """What the plan starts, stops and changes, in the order of its changes, then by destination and column."""
    for change in prepared.plan.changes:
        if isinstance(change, Keep | Undecided) or world.traits(change.address).outflow is None:
            continue
        before, after = _found(world, prepared, change), _wanted(world, prepared, change)
        if before == after:
            continue
        yield from _moves(change.address, sent(before), sent(after), _effective(world, prepared, change))


def _found(world: World, prepared: Prepared, change: Change) -> Outflow | None:
    """What is sent today, by what was seen at the vendor."""
    if isinstance(change, Create):
        return None
    look = prepared.seen.get(change.address)
    if not isinstance(look, Finding):
        return None
    remote_id = getattr(change, "remote_id", "")
    objects = [one for one in (look.by_id, *look.by_key) if one is not None and one.remote_id == remote_id]
    return _outflow(world, change.address, objects[0].attributes) if objects else None


def _wanted(world: World, prepared: Prepared, change: Change) -> Outflow | None:
    desired = prepared.desired.get(change.address)
    if desired is None or not isinstance(change, Create | Update | Replace | Adopt):
        # What is forgotten goes on sending as it did.
        return None if isinstance(change, Delete | Disable) else _found(world, prepared, change)
    return _outflow(world, change.address, without_secrets(desired.attributes))


def _outflow(world: World, address: Address, attributes: Mapping[str, object]) -> Outflow | None:
    reader = world.traits(address).outflow
    return reader(attributes) if reader else None


def sent(outflow: Outflow | None) -> Sent:
    """The columns that leave. Those that cannot be told from the query are one entry, `UNKNOWN`."""
    if outflow is None:
        return {}
    if outflow.columns is not None:
        return dict(_of_people(outflow, outflow.columns))
    columns = columns_of(outflow.sql, outflow.dialect)
    if columns is None:
        return {(outflow.destination, UNKNOWN.column): UNKNOWN}
    leaving = {}
    for column in columns:
        hashes = {} if outflow.takes is None else outflow.takes
        if outflow.takes is None or column.name in hashes:
            hashing = column.hashing or hashes.get(column.name, "")
            leaving[outflow.destination, column.name] = Leaving(column.name, pii_class(column.name), hashing)
    return leaving


def _of_people(outflow: Outflow, columns: Mapping[str, str]) -> Iterator[tuple[tuple[str, str], Leaving]]:
    """What leaves of the people of a segment: told by the name of the attribute as much as by the one it goes out under."""
    for name, source in columns.items():
        if name == UNKNOWN.column:
            yield (outflow.destination, name), UNKNOWN
            continue
        hashes = {} if outflow.takes is None else outflow.takes
        if outflow.takes is None or name in hashes:
            hashing = hashing_of(name) or hashing_of(source) or hashes.get(name, "")
            yield (outflow.destination, name), Leaving(name, pii_class(name) or pii_class(source), hashing)


def _moves(address: Address, before: Sent, after: Sent, effective: str) -> Iterator[EgressChange]:
    for key in sorted(before.keys() | after.keys()):
        destination, _ = key
        then, now = before.get(key), after.get(key)
        if now is not None and then is None:
            yield EgressChange(address, destination, Movement.STARTS, now, now, effective)
        elif then is not None and now is None:
            yield EgressChange(address, destination, Movement.STOPS, then, then, "once this is applied")
        elif then is not None and now is not None and then != now:
            yield EgressChange(address, destination, Movement.CHANGES, now, then, effective)


def _effective(world: World, prepared: Prepared, change: Change) -> str:
    """When the first rows leave, in words: a date would make every plan another one."""
    resolution = prepared.resolutions.get(change.address)
    if resolution is not None and resolution.outcome is Outcome.BOOTSTRAP:
        return "during this apply, by its first run"
    timing = _timing(world, change.address)
    if timing is None or not timing.cron:
        return "when it is run by hand"
    return f"from its next scheduled run on ({timing.cron} {timing.timezone})"


def _timing(world: World, address: Address) -> Timing | None:
    resource = world.resources.get(address)
    spec = resource.spec if resource else None
    if not isinstance(spec, ActivationSpec | ObjectActivationSpec | FileActivationSpec):
        return None
    if not isinstance(spec.running, str):
        return spec.running
    named = world.resources.get(Address("schedule", spec.running))
    return named.spec if named is not None and isinstance(named.spec, ScheduleSpec) else None
