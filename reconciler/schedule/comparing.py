"""Whether two schedules are the same, however each side writes them."""

from __future__ import annotations

import re

from reconciler.schedule.cron import Dialect
from reconciler.schedule.parsing import parse
from reconciler.schedule.problem import ScheduleError
from reconciler.schedule.zones import canonical_zone, known_zones

# Servers show ``0 12 * * * UTC``.
_ZONE_AT_THE_END = re.compile(r"(?P<cron>.*\S) (?P<zone>[A-Z][A-Za-z_]+(?:/[A-Za-z_+-]+)*)")


def same(a: str | None, b: str | None, dialect: Dialect | str = Dialect.DOCUMENTED) -> bool:
    """Whether two cron texts mean the same, a zone at their end aside. None and "" do."""
    return canonical_timing(a, "UTC", dialect)[0] == canonical_timing(b, "UTC", dialect)[0]


def canonical_timing(
    cron: str | None, timezone: str | None, dialect: Dialect | str = Dialect.DOCUMENTED
) -> tuple[str, str]:
    """Cron and zone as they are compared: equal pairs run at the same times.

    Without a scheduled run the zone does not matter and is "". A text that cannot be read stays as it is: an observation
    must be comparable whatever it holds.
    """
    text, zone = (cron or "").rstrip("\r\n"), timezone or ""
    decorated = _ZONE_AT_THE_END.fullmatch(text)
    if decorated is not None and canonical_zone(decorated["zone"]) in known_zones():
        text, zone = decorated["cron"], zone or decorated["zone"]
    try:
        canonical = parse(text, dialect).canonical
    except ScheduleError:
        canonical = text
    return (canonical, canonical_zone(zone)) if canonical else ("", "")
