"""What a look at the vendors found, taken into memory: state then says what is there, and manifests differ from it as before."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from reconciler.engine.drift import Drift, DriftReport, Verdict
from reconciler.model.address import Address
from reconciler.model.json import Json
from reconciler.model.observation import Finding, Seen
from reconciler.model.record import Record, State


@dataclass(frozen=True, slots=True)
class Noticed:
    """What came of the look at one resource.

    after: what is remembered of it from now on; None when that stays as it is.
    note: what is not a field; *hint* says what now, where a person has to do something.
    is_left: whether something moved, or may have, that is not taken into memory.
    """

    found: Drift
    after: Record | None = None
    note: str = ""
    hint: str = ""
    is_left: bool = False


def noticed(
    state: State, seen: Mapping[Address, Seen], report: DriftReport, unfinished: Collection[Address], at: str
) -> tuple[Noticed, ...]:
    """What to remember of everything in *report*, which was made of *state* and *seen*; in its order.

    An object that was not found stays remembered: only when it was first missed is written down.

    unfinished: where a killed run left an operation open; that is settled by the next apply.
    at: RFC 3339 time of the look.
    """
    return tuple(_one(entry, state.records[entry.address], seen, unfinished, at) for entry in report.entries)


def _one(
    entry: Drift, record: Record, seen: Mapping[Address, Seen], unfinished: Collection[Address], at: str
) -> Noticed:
    address, look = entry.address, seen.get(entry.address)
    if entry.verdict is Verdict.UNKNOWN or not isinstance(look, Finding):
        return Noticed(entry, note=entry.note, hint="try again when it can be read", is_left=True)
    if record.phase or address in unfinished:
        hint = "`tdr apply` looks at it and goes on"
        return Noticed(entry, note="an apply was cut off there", hint=hint, is_left=True)
    if entry.verdict is Verdict.MISSING:
        first = "" if record.absent_since else f"; first missed at {at}"
        hint = f"`tdr apply` makes it again where a document declares it; `tdr state rm {address}` forgets it"
        after = None if record.absent_since else replace(record, absent_since=at)
        return Noticed(entry, after, f"{entry.note}{first}", hint, is_left=True)
    if look.by_id is None:
        return Noticed(entry, note=entry.note)
    after = replace(record, unseen_since="", absent_since="")
    if entry.fields:
        applied = as_found(record.applied, look.by_id.attributes, [field.path for field in entry.fields])
        # No document says this, so nothing is known of what it was made of.
        after = replace(after, applied=applied, made_of="")
    note = entry.note
    if record.absent_since or record.unseen_since:
        note = "; ".join(filter(None, (note, "is there after all")))
    return Noticed(entry, after if after != record else None, note)


def as_found(
    applied: Mapping[str, Json], found: Mapping[str, Json], moved: Collection[str], at: str = ""
) -> dict[str, Json]:
    """*applied* with what was *found* at and above the pointers *moved*; what is not there any more is None."""
    tree: dict[str, Json] = {}
    for name, last in applied.items():
        path, have = f"{at}/{name}", found.get(name)
        if isinstance(last, Mapping) and isinstance(have, Mapping):
            tree[name] = as_found(last, have, moved, path)
        elif any(one == path or one.startswith(f"{path}/") for one in moved):
            tree[name] = have
        else:
            tree[name] = last
    return tree
