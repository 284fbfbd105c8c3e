"""Schedules by meaning: what a change of cron, zone or delay does to the next runs.

Next runs depend on the clock, so they stand under a key of their own in a plan's document, with the time they were worked out
for; nothing of it enters the plan's digest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from reconciler.model.change import Adopt, Change, Create, Replace, Update, fields_of
from reconciler.model.observation import Finding
from reconciler.ports.clock import rfc3339
from reconciler.schedule import Dialect, Run, ScheduleError, meaning, next_runs, parse, remarks

if TYPE_CHECKING:
    from reconciler.engine.planning import Prepared
    from reconciler.model.json import Json
    from reconciler.reports.documents import Document

RUNS = 3
_FIELDS = {"cron": "", "timezone": "UTC", "delay": 0}
"""The attributes of whatever runs by itself, and what they are where neither side says."""


def document(prepared: Prepared, dialect: Dialect | str, now: float) -> Document:
    """The schedules that a plan changes or makes, in the order of its changes.

    dialect: how this environment reads cron texts.
    now: Unix seconds, from which the next runs are counted.
    """
    entries = [_entry(prepared, change, Dialect(dialect), now) for change in prepared.plan.changes]
    return {"computed_at": rfc3339(now), "entries": [entry for entry in entries if entry is not None]}


def _entry(prepared: Prepared, change: Change, dialect: Dialect, now: float) -> Document | None:
    changed = {name: field for name in _FIELDS if (field := fields_of(change).get(f"/{name}")) is not None}
    if not changed:
        return None
    desired = prepared.desired.get(change.address)
    known = {**_FIELDS, **_observed(prepared, change), **(desired.attributes if desired else {})}
    after = _Side.of({**known, **{name: field.after for name, field in changed.items()}})
    before = _Side.of({**known, **{name: field.before for name, field in changed.items()}})
    if not after.cron and not before.cron:
        return None
    return {
        "address": str(change.address),
        "before": None if isinstance(change, Create) else before.view(dialect, now),
        "after": after.view(dialect, now),
        "notices": [
            {"rule": remark.rule, "severity": remark.severity.value, "message": remark.message}
            for remark in remarks(after.cron, after.timezone, after.delay, dialect, now)
        ],
    }


@dataclass(frozen=True, slots=True)
class _Side:
    """A timing as it was or as it will be. *delay* is in seconds."""

    cron: str
    timezone: str
    delay: int

    @classmethod
    def of(cls, attributes: Mapping[str, object]) -> _Side:
        cron, zone, delay = (attributes[name] or default for name, default in _FIELDS.items())
        return cls(str(cron), str(zone), int(str(delay)))

    def view(self, dialect: Dialect, now: float) -> Document:
        words, runs = _read(self.cron, self.timezone, self.delay, dialect, now)
        return {
            "cron": self.cron,
            "timezone": self.timezone,
            "delay": self.delay,
            "meaning": words,
            "next_runs": [run_document(run) for run in runs],
        }


@lru_cache(maxsize=4096)
def _read(cron: str, zone: str, delay: int, dialect: Dialect, now: float) -> tuple[str, tuple[Run, ...]]:
    """The meaning in words and the next runs. What a vendor holds may be something that nobody can read."""
    try:
        parsed = parse(cron, dialect)
        return meaning(parsed, zone, delay), tuple(next_runs(parsed, zone, now, RUNS))
    except ScheduleError as error:
        return f"cannot be read: {error}", ()


def _observed(prepared: Prepared, change: Change) -> Mapping[str, Json]:
    """What the vendor has for what the manifest leaves open."""
    look = prepared.seen.get(change.address)
    if not isinstance(look, Finding) or not isinstance(change, Update | Replace | Adopt):
        return {}
    found = [look.by_id, *look.by_key]
    return next((one.attributes for one in found if one is not None and one.remote_id == change.remote_id), {})


def lines(entry: Mapping[str, Any]) -> Iterator[str]:
    """One entry of the document as text: what it will mean with its next runs, what it meant, what to know of it."""
    before, after = entry["before"], entry["after"]
    yield f"    runs {after['meaning']}" if after["cron"] else f"    {after['meaning']}"
    yield from _runs(after)
    if before is not None:
        yield f"    was {before['meaning']}"
        yield from _runs(before)
    yield from (f"    {notice['severity']}: {notice['message']}" for notice in entry["notices"])


def _runs(side: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"      {run_line(run, side['timezone'])}" for run in side["next_runs"])


def run_document(run: Run) -> Document:
    """One run: RFC 3339 with the zone's offset and in UTC, and what a clock change does to it."""
    return {
        "local": run.local.isoformat(timespec="seconds"),
        "utc": rfc3339(run.utc.timestamp()),
        "note": run.note,
    }


def run_line(run: Mapping[str, Any], zone: str) -> str:
    """A run's document as ``2026-01-31 09:30 +09:00 = 2026-01-31 00:30 UTC``."""
    utc = f"{_minute(run['utc'])} UTC"
    local = f"{_minute(run['local'])} {run['local'][19:]} = " if zone != "UTC" else ""
    return f"{local}{utc}" + (f" ({run['note']})" if run["note"] else "")


def _minute(moment: str) -> str:
    """``2026-01-31 09:30`` of an RFC 3339 text."""
    return moment[:16].replace("T", " ")
