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
    """What a document asks for, numbers and truth values as text."""
    told: dict[str, Json] = {"frequency": schedule.frequency.value}
    if schedule.start_s is not None:
        told["start"] = rfc3339(schedule.start_s)
    if schedule.interval is not None:
        told["interval"] = str(schedule.interval)
        told["backfill"] = "true" if schedule.backfill is not False else "false"
    return told


def told_as(told: Object) -> dict[str, Json]:
    """What is there, as `compared`. Some clients send the start as text, and what is not sent of `backfill` is true."""
    start = wire.text(told.get("startTime"))
    schedule: dict[str, Json] = {
        "frequency": wire.text(told.get("frequency")),
        "start": rfc3339(int(start)) if _WHOLE.fullmatch(start) else start,
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
    tree: dict[str, Json] = {"start": told["start"], "frequency": told["frequency"]}
    if "interval" in told:
        tree["interval"] = int(told["interval"])
        if told["backfill"] == "false":
            tree["backfill"] = False
    return tree
