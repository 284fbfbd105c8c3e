"""What would be done to one resource: a closed set, each with exactly the fields that make sense for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from reconciler.model.activation import Resolution
from reconciler.model.address import Address
from reconciler.model.json import Json
from reconciler.model.unknown import Unknown


class Origin(StrEnum):
    """Who moved a field away from where it was."""

    CONFIG = "config"
    DRIFT = "drift"
    BOTH = "config_and_drift"
    UPGRADE = "upgrade"
    """Nobody: this release of tdr says to the vendor otherwise what an earlier one applied."""


class Reason(StrEnum):
    """Why a change is planned; explains, and nothing branches on it."""

    CONFIG_CHANGED = "config_changed"
    DRIFT = "drift"
    CONFIG_AND_DRIFT = "config_and_drift"
    SCHEMA_UPGRADED = "schema_upgraded"
    MISSING_REMOTELY = "missing_remotely"
    NOT_YET_CREATED = "not_yet_created"
    NOT_IN_CONFIG = "not_in_config"
    SECRET_ROTATED = "secret_rotated"  # noqa: S105 - a reason code
    SECRET_UNVERIFIABLE = "secret_unverifiable"  # noqa: S105 - as above
    IMMUTABLE_FIELD = "immutable_field"
    REQUESTED_REPLACE = "requested_replace"
    ADOPTED_BY_KEY = "adopted_by_key"
    JOURNAL_RECOVERED = "journal_recovered"
    BOOTSTRAP_UNFINISHED = "bootstrap_unfinished"
    IN_SYNC = "in_sync"
    UNREADABLE = "unreadable"
    GONE = "gone"
    MOVED = "moved"
    IMPORTED = "imported"
    ADOPTED_BY_MARKER = "adopted_by_marker"


@dataclass(frozen=True, slots=True, order=True)
class FieldChange:
    """One leaf that differs. A secret shows as its mask on both sides; None is absence.

    applied: what was last applied, where the manifest and the vendor both left it; else None.
    introduced_in: where the origin is an upgrade, the release of tdr that says it so; else "".
    """

    path: str
    before: Json | Unknown = field(compare=False)
    after: Json | Unknown = field(compare=False)
    origin: Origin = field(compare=False)
    secret: bool = field(default=False, compare=False)
    applied: Json = field(default=None, compare=False)
    introduced_in: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Keep:
    """As declared. *note* tells what a reader may want to know, such as ``filling since …``."""

    address: Address
    remote_id: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Create:
    """Not there. *via* is the activation whose first run makes it, when the vendor allows no other way."""

    address: Address
    fields: tuple[FieldChange, ...]
    reason: Reason
    resolution: Resolution | None = None
    via: Address | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """There and different. *fields* is sorted by path and never empty."""

    address: Address
    remote_id: str
    fields: tuple[FieldChange, ...]
    reason: Reason
    resolution: Resolution | None = None


@dataclass(frozen=True, slots=True)
class Replace:
    """There, and a field differs that its vendor cannot change, or somebody asked for it: delete, then create.

    *fields* may be empty when it was asked for. *via* is as in `Create`.
    """

    address: Address
    remote_id: str
    fields: tuple[FieldChange, ...]
    reason: Reason
    resolution: Resolution | None = None
    via: Address | None = None


@dataclass(frozen=True, slots=True)
class Adopt:
    """There, and from now on ours. *fields* is what differs and will be changed at once; may be empty."""

    address: Address
    remote_id: str
    fields: tuple[FieldChange, ...]
    reason: Reason
    resolution: Resolution | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """No document declares it any more."""

    address: Address
    remote_id: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Disable:
    """No document declares it any more, and it is to stay but do nothing: its schedule is taken off."""

    address: Address
    remote_id: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Forget:
    """Only the memory goes."""

    address: Address
    remote_id: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Move:
    """What is remembered as *address* is remembered as *to* from now on; nothing changes at the vendor."""

    address: Address
    remote_id: str
    to: Address
    reason: Reason = Reason.MOVED


@dataclass(frozen=True, slots=True)
class Undecided:
    """Its vendor would not tell, or it waits for one that would not; nothing is decided."""

    address: Address
    why: str


Change: TypeAlias = Keep | Create | Update | Replace | Adopt | Delete | Disable | Forget | Move | Undecided


_TIMING = frozenset({"/delay", "/timezone"})
"""What comes and goes with a cron text, which is empty where a vendor has no other word for a pause."""


def action(change: Change) -> str:
    """The word of the plan document, such as ``noop``, ``create`` or ``update``.

    An update that only lets something run by itself, or no more, is ``resume`` or ``pause``; it is carried out as any update.
    """
    match change:
        case Update(fields=(FieldChange(path="/enabled", after=bool() as is_enabled),)):
            return "resume" if is_enabled else "pause"
        case Update(fields=(FieldChange(path="/cron") as cron, *others)) if {one.path for one in others} <= _TIMING:
            if bool(cron.before) is not bool(cron.after):
                return "resume" if cron.after else "pause"
    return "noop" if isinstance(change, Keep) else type(change).__name__.lower()


def fields_of(change: Change) -> Mapping[str, FieldChange]:
    """The field changes by path; empty for changes that have none."""
    match change:
        case Keep():  # the many, first
            return {}
        case Create() | Update() | Replace() | Adopt():
            return {field_change.path: field_change for field_change in change.fields}
        case _:
            return {}
