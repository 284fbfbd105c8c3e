"""When an activation runs by itself, as the vendor says it and as a cron. Pure.

Source: oas-cdp, `repeatUnit` and what belongs to it; `scheduleType` and `scheduleOption` are its older words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from reconciler.service.cdp.errors import Refused

UNITS: Final = ("none", "minute", "hour", "day", "week", "month", "once")
_OLDER_TYPES: Final = ("cron", "daily", "hourly", "minutes_interval", "monthly", "none", "weekly")
_UNIT_OF: Final = {"none": "none", "hourly": "hour", "daily": "day", "minutes_interval": "minute"}
_OLDER_OF: Final = {
    "none": "none",
    "once": "none",
    "minute": "minutes_interval",
    "hour": "hourly",
    "day": "daily",
    "week": "weekly",
    "month": "monthly",
}
_CLOCK: Final = re.compile(r"(\d{2}):(\d{2})(?::\d{2})?")
_UNSCHEDULED: Final[Mapping[str, Any]] = {
    "repeatUnit": "none",
    "repeatFrequency": 1,
    "repeatSubFrequency": [],
    "startAt": None,
    "endOn": None,
    "scheduleType": "none",
    "scheduleOption": None,
    "runAt": None,
}
FIELDS: Final = (*_UNSCHEDULED, "cron")


@dataclass(frozen=True, slots=True)
class Repetition:
    """A checked schedule: *cron* from *start* on and not after *end* (Unix seconds); without one, once at *start*."""

    cron: str | None = None
    start: float | None = None
    end: float | None = None


def words(written: Mapping[str, Any], before: Mapping[str, Any], zone: str, now: float) -> dict[str, Any]:
    """All fields of a schedule after a request, its older words among them.

    Raises:
        Refused: what cannot be.
    """
    told = {**_UNSCHEDULED, **{key: before[key] for key in _UNSCHEDULED if key in before}}
    if "repeatUnit" in written:
        told |= {key: written[key] for key in _UNSCHEDULED if key in written and not key.startswith("schedule")}
        told["scheduleType"] = _OLDER_OF.get(str(told["repeatUnit"]), "none")
    elif written.get("cron"):
        told |= _of_older("cron", written["cron"], zone, now)
    elif "scheduleType" in written:
        told |= _of_older(written["scheduleType"], written.get("scheduleOption"), zone, now)
    else:
        told |= {key: written[key] for key in ("startAt", "endOn", "runAt") if key in written}
    if told["repeatUnit"] not in {*UNITS, None}:
        raise _wrong("repeatUnit", "is not included in the list")
    if told["repeatUnit"] not in {"none", None} and not told["startAt"]:
        told["startAt"] = _local(now, zone).strftime("%Y-%m-%dT%H:%M:00")
    if told["repeatUnit"] and told["startAt"]:
        told["scheduleOption"] = None if told["repeatUnit"] == "none" else str(told["startAt"])[11:16]
    return told


def repetition(told: Mapping[str, Any], zone: str) -> Repetition:
    """When it runs.

    Raises:
        Refused: fields that do not fit together.
    """
    unit = told["repeatUnit"]
    if unit is None:
        return Repetition(str(told["scheduleOption"]), None, _end(told, zone))
    if unit == "none":
        return Repetition()
    start = _moment(told["startAt"])
    began = start.replace(tzinfo=ZoneInfo(zone)).timestamp()
    if unit == "once":
        return Repetition(None, began, _end(told, zone))
    return Repetition(_cron(unit, start, told), began, _end(told, zone))


def _cron(unit: str, start: datetime, told: Mapping[str, Any]) -> str:
    match unit:
        case "minute":
            every = _whole(told["repeatFrequency"], 1, 59, "repeatFrequency")
            if 60 % every:
                raise _wrong("repeatFrequency", "must divide an hour in the embedded service")
            first = start.minute % every
            return "* * * * *" if every == 1 else f"{f'{first}-59' if first else '*'}/{every} * * * *"
        case "hour":
            return f"{start.minute} * * * *"
        case "day":
            return f"{start.minute} {start.hour} * * *"
        case "week":
            days = told["repeatSubFrequency"] or [start.isoweekday()]
            numbers = sorted({_whole(day, 1, 7, "repeatSubFrequency") % 7 for day in days})
            return f"{start.minute} {start.hour} * * {','.join(map(str, numbers))}"
        case _:
            return f"{start.minute} {start.hour} {start.day} * *"


def _of_older(kind: object, option: object, zone: str, now: float) -> dict[str, Any]:
    """The fields that older words mean, `startAt` filled from them."""
    if kind not in _OLDER_TYPES:
        raise _wrong("scheduleType", "is not included in the list")
    said: dict[str, Any] = {**_UNSCHEDULED, "scheduleType": kind, "scheduleOption": option or None}
    if kind == "cron":
        if not option:
            raise _wrong("scheduleOption", "can't be blank")
        return {**said, "repeatUnit": None}
    if kind not in _UNIT_OF:
        raise _wrong("scheduleOption", f"is not documented for {kind}; use repeatUnit")
    if kind == "none":
        return said
    start = _local(now, zone).replace(second=0, microsecond=0)
    if kind == "minutes_interval":
        said["repeatFrequency"] = _whole(option, 1, 59, "scheduleOption")
    elif option:
        clock = _CLOCK.fullmatch(str(option))
        if clock is None:
            raise _wrong("scheduleOption", "is not a time such as 03:00")
        start = datetime.combine(start.date(), time(int(clock[1]) % 24, int(clock[2]) % 60))
    return {**said, "repeatUnit": _UNIT_OF[str(kind)], "startAt": start.strftime("%Y-%m-%dT%H:%M:%S")}


def _moment(told: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(told))
    except ValueError as error:
        raise _wrong("startAt", "is not a time such as 2025-03-01T03:00:00") from error
    if moment.tzinfo is not None:
        raise _wrong("startAt", "has a zone of its own; it is read in `timezone`")
    return moment


def _end(told: Mapping[str, Any], zone: str) -> float | None:
    """The end of the last day."""
    if not told["endOn"]:
        return None
    try:
        day = date.fromisoformat(str(told["endOn"])[:10])
    except ValueError as error:
        raise _wrong("endOn", "is not a date such as 2025-03-01") from error
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone)).timestamp()


def _whole(value: object, low: int, high: int, field: str) -> int:
    number = int(value) if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()) else low - 1
    if not low <= number <= high:
        raise _wrong(field, f"is not a number from {low} to {high}")
    return number


def _local(now: float, zone: str) -> datetime:
    return datetime.fromtimestamp(now, UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def _wrong(field: str, message: str) -> Refused:
    return Refused(field, "INVALID_FORMAT_OR_ASSOCIATION", f"{field} {message}")
