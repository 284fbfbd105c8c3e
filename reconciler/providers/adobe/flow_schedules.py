"""Schedules of flows: as declared, as compared, as sent, as told. Source: the JSON Schema of the flow specification."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from reconciler.apis.adobe import Object
from reconciler.model.dataflows import FlowSchedule
from reconciler.model.json import Json
from reconciler.ports.clock import rfc3339
from reconciler.providers.adobe import wire

_WHOLE: Final = re.compile(r"-?\d+")


def compared(schedule: FlowSchedule) -> dict[str, Json]:
    """What a document asks for, numbers and truth values as text.

    One that names no start means the moment at which the flow is made: no matter which that was, but none that is still to come.
    """
    told: dict[str, Json] = {"frequency": schedule.frequency.value}
    if schedule.start_s is None:
        told["waits_until"] = ""
    else:
        told["start"] = rfc3339(schedule.start_s)
    if schedule.interval is not None:
        told["interval"] = str(schedule.interval)
        told["backfill"] = "true" if schedule.backfill is not False else "false"
    return told


def told_as(told: Object, now_s: float) -> dict[str, Json]:
    """What is there at *now_s* (Unix seconds), as `compared`.

    Some clients send the start as text, and what is not sent of `backfill` is true.
    """
    start = wire.text(told.get("startTime"))
    is_to_come = bool(_WHOLE.fullmatch(start)) and int(start) > now_s
    start = rfc3339(int(start)) if _WHOLE.fullmatch(start) else start
    schedule: dict[str, Json] = {
        "frequency": wire.text(told.get("frequency")),
        "start": start,
        "waits_until": start if is_to_come else "",
    }
    if told.get("interval") is not None:
        schedule["interval"] = wire.text(told.get("interval"))
        schedule["backfill"] = wire.text(wire.comparable(told.get("backfill", True)))
    return schedule


def sent(schedule: FlowSchedule, now_s: int) -> dict[str, Json]:
    """What a flow is made with; it begins at *now_s* (Unix seconds) where the document does not say when."""
    made: dict[str, Json] = {
        "startTime": now_s if schedule.start_s is None else schedule.start_s,
        "frequency": schedule.frequency.value,
    }
    if schedule.interval is not None:
        made["interval"] = schedule.interval
        made["backfill"] = schedule.backfill is not False
    return made


def said(told: Mapping[str, str]) -> dict[str, Json]:
    """What a document says of a schedule that was told."""
    tree: dict[str, Json] = {"frequency": told["frequency"]}
    if start := told.get("start"):  # not remembered where the document named none
        tree = {"start": start, **tree}
    if "interval" in told:
        tree["interval"] = int(told["interval"])
        if told["backfill"] == "false":
            tree["backfill"] = False
    return tree
