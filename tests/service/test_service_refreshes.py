"""Parent segments that are built by their own schedule."""

from __future__ import annotations

from typing import Any

import pytest
from segment_data import DOCUMENT, people
from service_world import NOW, OpenWorld, World

from reconciler.service.cdp.errors import Refused
from reconciler.service.cdp.refreshing import cron_of

DAY = 86_400


def builds(world: World, audience: str) -> list[str]:
    assert world.service.wait(60)
    return [one["status"] for one in world.json("GET", f"/audiences/{audience}/executions")]


def refreshed(world: World, audience: str, **more: Any) -> None:
    told = world.json("GET", f"/audiences/{audience}")
    world.json("PUT", f"/audiences/{audience}", {**told, **more})


def test_one_is_built_when_its_time_has_come_and_once_for_all_times_missed(world: World) -> None:
    audience = people(world)
    before = len(builds(world, audience))
    refreshed(world, audience, scheduleType="daily", scheduleOption="12:00")
    due = NOW + 3 * 3600

    assert world.service.tick(due - 1) == 0
    assert world.service.tick(due) > 0
    assert builds(world, audience) == ["success"] * (before + 1)
    assert world.service.tick(due) == 0
    refreshed(world, audience, description="something else changes")
    assert world.service.tick(due + 5 * DAY) > 0
    assert world.service.tick(due + 5 * DAY) == 0
    assert builds(world, audience) == ["success"] * (before + 2)
    refreshed(world, audience, scheduleType="none", scheduleOption=None)
    assert world.service.tick(due + 9 * DAY) == 0


def test_a_build_under_way_is_not_begun_again(world: World) -> None:
    audience = people(world)
    refreshed(world, audience, scheduleType="hourly")
    before = len(builds(world, audience))

    assert world.service.tick(NOW + 3600) > 0
    # Whether the first one is at its end by then is a matter of luck: the second time is claimed either way.
    world.service.tick(NOW + 7200)

    assert builds(world, audience)[before:] != []
    assert world.service.tick(NOW + 7200) == 0


def test_what_was_kept_before_has_its_times_when_the_file_is_opened(open_world: OpenWorld) -> None:
    first = open_world()
    audience = first.json("POST", "/audiences", DOCUMENT)["id"]
    refreshed(first, audience, scheduleType="daily", scheduleOption="12:00")
    first.service.storage.run("UPDATE audiences SET cron = NULL, timezone = NULL, next_time = NULL, due_at = NULL")

    second = open_world()

    assert second.service.storage.one("SELECT cron, timezone, due_at FROM audiences")[:] == (
        "0 12 * * *",
        "UTC",
        NOW + 3 * 3600,
    )


@pytest.mark.parametrize(
    ("kind", "option", "cron"),
    [
        ("none", None, None),
        ("hourly", None, "0 * * * *"),
        ("daily", "03:30", "30 3 * * *"),
        ("daily", None, "0 9 * * *"),
        ("minutes_interval", "15", "*/15 * * * *"),
        ("weekly", "03:30", "30 3 * * 6"),
        ("weekly", None, "0 0 * * 6"),
        ("monthly", "03:30", "30 3 1 * *"),
        ("cron", "5 4 * * 1", "5 4 * * 1"),
    ],
)
def test_a_schedule_in_the_vendors_words_is_a_cron(kind: str, option: str | None, cron: str | None) -> None:
    assert cron_of({"scheduleType": kind, "scheduleOption": option, "timezone": None}, NOW) == cron


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"scheduleType": "daily", "scheduleOption": "noon", "timezone": "UTC"}, "is not a time such as 03:00"),
        ({"scheduleType": "weekly", "scheduleOption": "Mondays", "timezone": "UTC"}, "is not a time such as 03:00"),
        ({"scheduleType": "cron", "scheduleOption": "", "timezone": "UTC"}, "can't be blank"),
        ({"scheduleType": "daily", "scheduleOption": "03:00", "timezone": "Tokyo"}, "'Tokyo' is not known"),
    ],
)
def test_one_that_fits_no_schedule_is_refused(document: dict[str, Any], message: str) -> None:
    with pytest.raises(Refused, match=message):
        cron_of(document, NOW)
