"""What a plan says about schedules: meaning and next runs, before and after, apart from what is approved."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from reconciler.engine.planning import Prepared
from reconciler.model.address import Address
from reconciler.model.change import Adopt, Change, Create, Delete, FieldChange, Keep, Origin, Reason, Update
from reconciler.model.json import Json
from reconciler.model.observation import Finding, Observation
from reconciler.model.plan import Base, Plan
from reconciler.model.record import State
from reconciler.ports.provider import Desired
from reconciler.reports import schedules

ADDRESS = Address("query", "daily")
NOW = datetime.fromisoformat("2026-03-27T12:00:00+00:00").timestamp()
OLD: dict[str, Json] = {"cron": "0 3 * * *", "timezone": "Asia/Tokyo", "delay": 0}
RUNS_AT_THREE_IN_TOKYO = [
    "      2026-03-28 03:00 +09:00 = 2026-03-27 18:00 UTC",
    "      2026-03-29 03:00 +09:00 = 2026-03-28 18:00 UTC",
    "      2026-03-30 03:00 +09:00 = 2026-03-29 18:00 UTC",
]


def field(name: str, before: Json, after: Json) -> FieldChange:
    return FieldChange(f"/{name}", before, after, Origin.CONFIG)


def view(change: Change, desired: dict[str, Json], observed: dict[str, Json] | None = None) -> list[dict[str, Any]]:
    plan = Plan((change,), Base("sha256:0", "lineage", 1, "local", {}))
    look = Finding(by_id=Observation("7", observed)) if observed is not None else Finding()
    prepared = Prepared(plan, State("lineage", "local"), {ADDRESS: look}, {ADDRESS: Desired("daily", desired)}, {}, {})
    entries: Any = schedules.document(prepared, "documented", NOW)["entries"]
    return list(entries)


def updated(**after: Json) -> list[str]:
    """The text of an update from OLD to OLD with *after*."""
    fields = tuple(field(name, OLD[name], value) for name, value in after.items())
    (entry,) = view(Update(ADDRESS, "7", fields, Reason.CONFIG_CHANGED), {**OLD, **after}, OLD)
    return list(schedules.lines(entry))


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (
            {"cron": "0 4 * * 1"},
            [
                "    runs at 04:00 Asia/Tokyo on Mondays",
                "      2026-03-30 04:00 +09:00 = 2026-03-29 19:00 UTC",
                "      2026-04-06 04:00 +09:00 = 2026-04-05 19:00 UTC",
                "      2026-04-13 04:00 +09:00 = 2026-04-12 19:00 UTC",
                "    was daily at 03:00 Asia/Tokyo",
                *RUNS_AT_THREE_IN_TOKYO,
            ],
        ),
        (
            {"timezone": "UTC"},
            [
                "    runs daily at 03:00 UTC",
                "      2026-03-28 03:00 UTC",
                "      2026-03-29 03:00 UTC",
                "      2026-03-30 03:00 UTC",
                "    was daily at 03:00 Asia/Tokyo",
                *RUNS_AT_THREE_IN_TOKYO,
            ],
        ),
        (
            {"delay": 600},
            [
                "    runs daily at 03:00 Asia/Tokyo, starting 10 minutes later",
                *RUNS_AT_THREE_IN_TOKYO,
                "    was daily at 03:00 Asia/Tokyo",
                *RUNS_AT_THREE_IN_TOKYO,
            ],
        ),
        (
            {"cron": ""},
            ["    no scheduled run", "    was daily at 03:00 Asia/Tokyo", *RUNS_AT_THREE_IN_TOKYO],
        ),
        (
            {"cron": "30 2 * * *", "timezone": "Europe/Berlin"},
            [
                "    runs daily at 02:30 Europe/Berlin",
                "      2026-03-28 02:30 +01:00 = 2026-03-28 01:30 UTC",
                (
                    "      2026-03-29 03:30 +02:00 = 2026-03-29 01:30 UTC"
                    " (clocks go forward: 02:30 does not exist on 2026-03-29)"
                ),
                "      2026-03-30 02:30 +02:00 = 2026-03-30 00:30 UTC",
                "    was daily at 03:00 Asia/Tokyo",
                *RUNS_AT_THREE_IN_TOKYO,
                (
                    "    notice: clocks go forward: 02:30 does not exist on 2026-03-29; "
                    "what the vendor does then is not documented"
                ),
                "    notice: clocks go back: 02:30 comes twice on 2026-10-25; what the vendor does then is not documented",
                (
                    "    notice: clocks go forward: 02:30 does not exist on 2027-03-28; "
                    "what the vendor does then is not documented"
                ),
            ],
        ),
        (
            {"cron": "0 0 1 1,7 1,2"},
            [
                "    runs at 00:00 Asia/Tokyo on Monday and Tuesday in January and July",
                "      2026-07-06 00:00 +09:00 = 2026-07-05 15:00 UTC",
                "      2026-07-07 00:00 +09:00 = 2026-07-06 15:00 UTC",
                "      2026-07-13 00:00 +09:00 = 2026-07-12 15:00 UTC",
                "    was daily at 03:00 Asia/Tokyo",
                *RUNS_AT_THREE_IN_TOKYO,
                "    notice: day of month 1 has no effect: day of week 1,2 asks for more runs, and only that is followed",
                (
                    "    warning: documented reading: '0 0 * 1,7 1,2', classic reading: '0 0 1 1,7 1,2'; "
                    "'0 0 * 1,7 1,2' means this in both"
                ),
            ],
        ),
    ],
    ids=["cron", "zone", "delay", "none", "clock-change", "both-days"],
)
def test_a_changed_schedule_is_told_by_meaning(after: dict[str, Json], expected: list[str]) -> None:
    assert updated(**after) == expected


def test_a_new_schedule_tells_its_next_runs_and_no_before() -> None:
    fields = tuple(field(name, None, value) for name, value in OLD.items())
    (entry,) = view(Create(ADDRESS, fields, Reason.NOT_YET_CREATED), OLD)
    assert entry["before"] is None
    assert list(schedules.lines(entry)) == ["    runs daily at 03:00 Asia/Tokyo", *RUNS_AT_THREE_IN_TOKYO]
    assert entry["after"]["next_runs"][0] == {
        "local": "2026-03-28T03:00:00+09:00",
        "utc": "2026-03-27T18:00:00Z",
        "note": "",
    }


def test_what_a_schedule_was_is_read_from_the_vendor_where_the_manifest_leaves_it_open() -> None:
    """`cron: ""` declares no zone, so the zone of what was there is the vendor's."""
    change = Adopt(ADDRESS, "7", (field("cron", "0 3 * * *", ""),), Reason.ADOPTED_BY_KEY)
    (entry,) = view(change, {"cron": ""}, OLD)
    assert entry["before"]["meaning"] == "daily at 03:00 Asia/Tokyo"


def test_a_text_at_the_vendor_that_nobody_can_read_is_told_as_such() -> None:
    change = Update(ADDRESS, "7", (field("cron", "@fortnightly", "0 3 * * *"),), Reason.DRIFT)
    (entry,) = view(change, OLD, {**OLD, "cron": "@fortnightly"})
    assert list(schedules.lines(entry)) == [
        "    runs daily at 03:00 Asia/Tokyo",
        *RUNS_AT_THREE_IN_TOKYO,
        "    was cannot be read: '@fortnightly' is not a preset; there are @hourly, @daily, @monthly",
    ]


@pytest.mark.parametrize(
    "change",
    [
        Keep(ADDRESS, "7"),
        Delete(ADDRESS, "7", Reason.NOT_IN_CONFIG),
        Update(ADDRESS, "7", (field("sql", "select 1", "select 2"),), Reason.CONFIG_CHANGED),
        Create(ADDRESS, (field("cron", None, ""),), Reason.NOT_YET_CREATED),
    ],
    ids=["keep", "delete", "other-field", "never-scheduled"],
)
def test_a_schedule_that_does_not_change_is_not_told(change: Change) -> None:
    desired: dict[str, Json] = {"cron": ""} if isinstance(change, Create) else OLD
    assert view(change, desired, OLD) == []
