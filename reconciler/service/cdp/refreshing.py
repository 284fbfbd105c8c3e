"""When a parent segment is built by itself, as a cron. Pure.

Its words are the older ones of activations. On which day `weekly` and `monthly` ones are built the vendor does not document:
here it is the day on which the schedule was set, as an activation without a start has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from reconciler.service.cdp.errors import Refused
from reconciler.service.cdp.repeating import repetition, words

FIELDS: Final = ("scheduleType", "scheduleOption", "timezone")
"""What of a parent segment says when."""
_UNIT_OF: Final = {"weekly": "week", "monthly": "month"}


def cron_of(document: Mapping[str, Any], now: float) -> str | None:
    """The cron of a schedule that is set at *now* (Unix seconds), in the zone of *document*; None for none.

    Raises:
        Refused: words that fit no schedule.
    """
    kind, zone = document["scheduleType"], zone_of(document)
    if kind not in _UNIT_OF:
        told = {"scheduleType": kind, "scheduleOption": document["scheduleOption"]}
        return repetition(words(told, {}, zone, now), zone).cron
    # The time of day is read as a daily one's is.
    daily = {"scheduleType": "daily", "scheduleOption": document["scheduleOption"] or "00:00"}
    start = words(daily, {}, zone, now)["startAt"]
    return repetition(words({"repeatUnit": _UNIT_OF[kind], "startAt": start}, {}, zone, now), zone).cron


def zone_of(document: Mapping[str, Any]) -> str:
    """The zone that the schedule is read in.

    Raises:
        Refused: there is no such zone.
    """
    zone = str(document["timezone"] or "UTC")
    try:
        datetime.fromtimestamp(0, UTC).astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Refused("timezone", "INVALID_FORMAT_OR_ASSOCIATION", f"timezone {zone!r} is not known") from error
    return zone
