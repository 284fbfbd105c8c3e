"""Activations as `tdx`, the vendor's command line, writes them below a segment, and as documents say them. Pure, both ways.

Source: the pages of tdx on activations. What they do not speak of is refused by name. Two things they leave open: at which time
a `daily` schedule without `start_at` runs, and in which zone a `start_at` with an offset is meant; neither is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from reconciler.model.activation import AudienceVerbs, Outcome, Resolution
from reconciler.model.address import Address
from reconciler.model.connections import PinterestConnection
from reconciler.model.kinds import ActivationSpec, AudienceSpec
from reconciler.model.spec import Spec
from reconciler.model.timing import Timing
from reconciler.ports.listing import Directory
from reconciler.providers.treasure_data import repeats, results
from reconciler.providers.treasure_data.declaring_activations import exporting
from reconciler.providers.treasure_data.references import CannotSay, Tree
from reconciler.schedule import Dialect

_KNOWN: Final = frozenset(
    {
        *("name", "connection", "columns", "all_columns", "schedule", "connector_config", "notification"),
        *("behaviors", "behavior", "run_after_journey_refresh"),
    }
)
_SCHEDULE: Final = {
    "repeat_unit": "repeatUnit",
    "repeat_frequency": "repeatFrequency",
    "repeat_sub_frequency": "repeatSubFrequency",
    "start_at": "startAt",
}
_OLDER: Final = {"minute": "none", "hour": "hourly", "day": "daily", "week": "weekly", "month": "monthly"}
_NOTICES: Final = {"onSuccess": "success", "onFailure": "failure"}
_MOST_BEHAVIORS: Final = 4

Told = dict[str, Any]


def declared(told: object, segment: str, directory: Directory) -> tuple[Tree, list[str]]:
    """The spec of an activation of the document *segment*, without its name, and what of it is left alone.

    directory: knows audiences by the vendor's ids.

    Raises:
        CannotSay: a document would send something else, or elsewhere.
    """
    activation = _mapping(told, "it")
    _refuse_contradictions(activation)
    if others := sorted(set(map(str, activation)) - _KNOWN):
        raise CannotSay(f"it has keys that are not known: {', '.join(others)}")
    spec: Tree = {"from": {"segment": segment}}
    spec |= exporting(
        results.readable(_mapping(activation.get("connector_config"), "its `connector_config`")), directory
    )
    _refuse_another_connection(activation, spec["to"]["audience"], directory)
    if activation.get("all_columns") is True:
        spec["all_columns"] = True
    if columns := [_column(one) for one in _list(activation.get("columns"), "its `columns`")]:
        spec["columns"] = columns
    remarks: list[str] = []
    spec |= _timing(_mapping(activation.get("schedule") or {}, "its `schedule`"), remarks)
    return spec | _notify(_mapping(activation.get("notification") or {}, "its `notification`")), remarks


@dataclass(frozen=True, slots=True)
class Target:
    """Where an activation goes: an audience with the vendor's id, and what its connection is called there."""

    audience: AudienceSpec
    audience_id: str
    connection: str


@dataclass(frozen=True, slots=True)
class Saying:
    """How things are said: what exports understand, how cron texts are read, and after when (Unix seconds) schedules begin."""

    verbs: AudienceVerbs
    dialect: Dialect
    now: float


def written(name: str, spec: ActivationSpec, target: Target, timing: Timing | None, saying: Saying) -> Told:
    """What tdx writes for the activation called *name*.

    Raises:
        CannotSay: tdx has no words for something that is sent, or for when.
    """
    if spec.description:
        raise CannotSay("tdx has no words for its `description`")
    verb = saying.verbs.on_existing[spec.membership]
    mode = Resolution(Outcome.STEADY, verb.action, {verb.id_setting: target.audience_id}, target.audience_id)
    told: Told = {"name": name, "connection": target.connection}
    if spec.all_columns:
        told["all_columns"] = True
    for one in spec.columns or ():
        if one.column is None or one.name != one.column:
            raise CannotSay(f"tdx has no words for the column {one.name!r}, which is renamed or made")
        told.setdefault("columns", []).append(one.column)
    if timing is not None:
        told["schedule"] = _schedule(timing, saying.dialect, saying.now)
    told["connector_config"] = results.config_settings(spec, target.audience, mode)
    if spec.notify is not None:
        theirs = {ours: word for word, ours in _NOTICES.items()}
        whens = [theirs[one.value] for one in spec.notify.when]
        told["notification"] = {"notify_on": whens, "email_recipients": list(spec.notify.emails)}
    return told


def _refuse_contradictions(activation: Told) -> None:
    if activation.get("schedule") and activation.get("run_after_journey_refresh"):
        raise CannotSay("`schedule` and `run_after_journey_refresh` exclude each other; keep one of them")
    if activation.get("run_after_journey_refresh"):
        raise CannotSay("`run_after_journey_refresh` belongs to activations of journeys")
    if activation.get("behavior") and activation.get("behaviors"):
        raise CannotSay("`behavior` and `behaviors` exclude each other; keep the list, `behaviors`")
    count = len(_list(activation.get("behaviors"), "its `behaviors`"))
    if count > _MOST_BEHAVIORS:
        raise CannotSay(f"it has {count} `behaviors`, and {_MOST_BEHAVIORS} are the most")
    if count or activation.get("behavior"):
        raise CannotSay("it sends columns of behaviors, for which documents have no words")


def _refuse_another_connection(activation: Told, audience: str, directory: Directory) -> None:
    spec = directory.specs.get(Address("audience", audience))
    name = connection_label(directory.specs, spec) if isinstance(spec, AudienceSpec) else ""
    if activation.get("connection") != name:
        through = activation.get("connection")
        raise CannotSay(f"it goes through the connection {through!r}, and audience/{audience} through {name!r}")


def connection_label(specs: Mapping[Address, Spec], audience: AudienceSpec) -> str:
    """What the connection of an audience is called at the vendor."""
    used = specs.get(Address("connection", audience.connection))
    return (used.name if isinstance(used, PinterestConnection) else None) or audience.connection


def _column(told: object) -> Tree:
    if isinstance(told, str):
        return {"column": told}
    column = _mapping(told, "a column")
    if column.get("visibility", "clear") != "clear" or column.keys() - {"name", "visibility"} or not column.get("name"):
        raise CannotSay(f"documents have no words for how the column {str(column.get('name'))!r} goes out")
    return {"column": str(column["name"])}


def _timing(schedule: Told, remarks: list[str]) -> Tree:
    """The document's `schedule`; nothing, with a remark, when the file does not say at which time."""
    if not schedule:
        return {}
    if others := sorted(set(map(str, schedule)) - {"type", "timezone", "cron", "end_on", *_SCHEDULE}):
        raise CannotSay(f"its `schedule` has keys that are not known: {', '.join(others)}")
    if schedule.get("end_on"):
        raise CannotSay("its `schedule` ends on a day, for which documents have no words")
    zone, start = str(schedule.get("timezone") or "UTC"), str(schedule.get("start_at") or "")
    if start.endswith("Z") or "+" in start:
        if zone != "UTC" or not start.endswith("Z"):
            raise CannotSay(f"whether its `start_at` {start!r} is a time of {zone} is not documented")
        start = start.removesuffix("Z")
    kind = schedule.get("type", "none" if "repeat_unit" not in schedule else "")
    raw: Told = {vendors: schedule[ours] for ours, vendors in _SCHEDULE.items() if ours in schedule}
    if "repeat_unit" not in schedule:
        raw |= {"scheduleType": kind, "scheduleOption": schedule.get("cron")}
    cron = repeats.told(raw | {"startAt": start})
    if cron and len(cron.split(" ")) != 5:
        said = kind or schedule.get("repeat_unit")
        remarks.append(f"its schedule {said!r} says no time; it stays as it is at the vendor")
        return {}
    return {"schedule": {"cron": cron, **({"timezone": zone} if cron and zone != "UTC" else {})}}


def _schedule(timing: Timing, dialect: Dialect, now: float) -> Told:
    sent: Mapping[str, Any] = repeats.sent(timing.cron, timing.timezone, dialect, now)
    if "scheduleOption" in sent:
        raise CannotSay(f"tdx has no words for when it runs, {timing.cron!r}")
    if sent["repeatUnit"] == "none":
        return {"type": "none"}
    told: Told = {"type": _OLDER[sent["repeatUnit"]], "timezone": timing.timezone, "repeat_unit": sent["repeatUnit"]}
    if sent["repeatUnit"] == "minute":
        told["repeat_frequency"] = sent["repeatFrequency"]
    if sent["repeatUnit"] == "week":
        # Sunday is 0 here, and 7 in the vendor's API.
        told["repeat_sub_frequency"] = sorted(day % 7 for day in sent["repeatSubFrequency"])
    return told | {"start_at": sent["startAt"]}


def _notify(notification: Told) -> Tree:
    whens = [str(one) for one in _list(notification.get("notify_on"), "`notify_on`")]
    emails = [str(one) for one in _list(notification.get("email_recipients"), "`email_recipients`")]
    if others := sorted(set(whens) - _NOTICES.keys()):
        raise CannotSay(f"its `notification` is for {', '.join(others)}, which is not known")
    return {"notify": {"when": [_NOTICES[one] for one in whens], "emails": emails}} if whens and emails else {}


def _mapping(value: object, what: str) -> Told:
    if not isinstance(value, dict):
        raise CannotSay(f"{what} is no mapping")
    return value


def _list(value: object, what: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise CannotSay(f"{what} is no list")
    return value
