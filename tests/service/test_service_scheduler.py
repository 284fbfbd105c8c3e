"""Schedules: every time once, the latest of those missed, and who fires it."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from service_world import NOW, FakeClock, MinuteHourCron, OpenWorld, World

from reconciler.service.schedules import Schedules, Timing

FIELDS = {"database": "sales", "query": "SELECT TD_SCHEDULED_TIME()", "type": "trino"}
HOUR = 3600


def fired(world: World, name: str = "hourly") -> list[str]:
    history: list[dict[str, Any]] = world.get(f"/v3/schedule/history/{name}?from=0&to=100")["history"]
    return [job["scheduled_at"] for job in history]


def test_a_query_fires_once_when_its_time_has_come(world: World) -> None:
    world.post("/v3/schedule/create/hourly", {**FIELDS, "cron": "@hourly"})

    assert [world.service.tick(NOW + seconds) for seconds in (0, HOUR - 1, HOUR, HOUR, HOUR + 1, 2 * HOUR)] == [
        0,
        0,
        1,
        0,
        0,
        1,
    ]
    world.service.wait(30)
    assert fired(world) == ["2025-03-01 11:00:00 UTC", "2025-03-01 10:00:00 UTC"]


def test_the_scheduled_time_is_what_the_query_sees(world: World) -> None:
    world.post("/v3/schedule/create/hourly", {**FIELDS, "cron": "@hourly", "delay": "600"})

    assert world.service.tick(NOW + HOUR + 599) == 0
    assert world.service.tick(NOW + HOUR + 600) == 1
    world.service.wait(30)

    job = world.get("/v3/job/list")["jobs"][0]
    assert world.client.get(f"/v3/job/result/{job['job_id']}?format=json").text == f"[{int(NOW) + HOUR}]\n"


def test_of_the_times_missed_only_the_latest_is_made_up_for(world: World) -> None:
    world.post("/v3/schedule/create/hourly", {**FIELDS, "cron": "@hourly"})

    assert world.service.tick(NOW + 30 * 24 * HOUR + 90) == 1
    assert world.service.tick(NOW + 30 * 24 * HOUR + 91) == 0
    assert fired(world) == ["2025-03-31 09:00:00 UTC"]


def test_a_query_without_a_schedule_never_fires(world: World) -> None:
    world.post("/v3/schedule/create/hourly", {**FIELDS, "cron": "@hourly"})
    world.post("/v3/schedule/update/hourly", {"cron": ""})

    assert world.service.tick(NOW + 10 * HOUR) == 0


def test_a_new_schedule_counts_from_when_it_was_set(world: World) -> None:
    world.post("/v3/schedule/create/hourly", {**FIELDS, "cron": "0 3 * * *"})
    world.clock.time = NOW + 5 * 24 * HOUR
    world.post("/v3/schedule/update/hourly", {"cron": "@hourly"})

    assert world.service.tick(world.clock.time) == 0
    assert world.service.tick(world.clock.time + HOUR) == 1


def test_an_update_of_something_else_does_not_lose_a_time_that_is_due(world: World) -> None:
    world.post("/v3/schedule/create/hourly", {**FIELDS, "cron": "@hourly"})
    world.clock.time = NOW + HOUR + 5
    world.post("/v3/schedule/update/hourly", {"query": "SELECT 2", "cron": "@hourly"})

    assert world.service.tick() == 1


def test_loads_fire_too(world: World) -> None:
    config = {"in": {"sql": "SELECT 1 AS n"}}
    body = {"name": "crm", "database": "sales", "table": "people", "config": config, "cron": "@hourly"}
    world.client.post("/v3/bulk_loads", json=body)

    assert world.service.tick(NOW + HOUR) == 1
    world.service.wait(30)
    assert world.rows("SELECT n FROM people") == [[1]]


def test_two_processes_never_fire_one_time_twice(world: World, open_world: OpenWorld) -> None:
    for number in range(20):
        world.post(f"/v3/schedule/create/query{number}", {**FIELDS, "cron": "@hourly"})
    other = open_world(root=world.root)
    start = threading.Barrier(2)
    counts: list[int] = []

    def fire(who: World) -> None:
        start.wait()
        counts.append(who.service.tick(NOW + HOUR))

    threads = [threading.Thread(target=fire, args=(who,)) for who in (world, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(counts) == 20
    assert len(world.get("/v3/job/list?from=0&to=99")["jobs"]) == 20


def test_the_thread_ticks_by_the_clock(open_world: OpenWorld) -> None:
    world = open_world(clock=FakeClock(NOW))
    world.post("/v3/database/create/sales")
    world.post("/v3/schedule/create/hourly", {**FIELDS, "cron": "@hourly"})
    world.clock.time = NOW + HOUR

    world.service.scheduler.start()
    give_up_at = time.monotonic() + 30
    while not fired(world) and time.monotonic() < give_up_at:
        time.sleep(0.05)
    world.service.scheduler.stop()

    assert fired(world) == ["2025-03-01 10:00:00 UTC"]


@pytest.mark.parametrize("hours", [1, 5, 30, 300, 10_000])
def test_the_latest_time_is_found_however_long_nobody_looked(hours: int) -> None:
    schedules = Schedules(MinuteHourCron(), FakeClock())

    latest = schedules.latest_until(Timing("@hourly", "UTC", 0), NOW + HOUR, NOW + hours * HOUR + 59)

    assert latest == NOW + hours * HOUR
