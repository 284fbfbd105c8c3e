"""Activations of segments by both generations of addresses, and their runs."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from segment_data import DOCUMENT, people
from service_world import NOW, OpenWorld, World

from reconciler.service.cdp.errors import Refused
from reconciler.service.cdp.repeating import Repetition, repetition, words

SECRET = "FAKE-secret-of-a-connector"
DAY = 86_400
JAPAN = {
    "type": "And",
    "conditions": [
        {
            "type": "And",
            "conditions": [
                {"type": "Value", "leftValue": {"name": "country"}, "operator": {"type": "Equal", "rightValue": "JP"}}
            ],
        }
    ],
}


def piece(kind: str, **more: str) -> dict[str, str]:
    return {"type": kind, **more}


BUILT = {
    "column": "told",
    "source": {
        "string": "seg-$1/$2 $3 of $4, $5'",
        "parameters": [
            piece("SegmentId"),
            piece("SegmentName"),
            piece("Timestamp", format="yyyy-MM-dd"),
            piece("AudienceId"),
            piece("String", string="it's"),
        ],
    },
}


@pytest.fixture
def segment(world: World) -> str:
    """Where the activations of a segment are: two people of a parent segment that was built."""
    audience = people(world)
    made = world.json("POST", f"/audiences/{audience}/segments", {"name": "japan", "rule": JAPAN})
    return f"/audiences/{audience}/segments/{made['id']}/syndications"


@pytest.fixture
def bare(world: World) -> str:
    """The same of a parent segment that was never built."""
    audience = world.json("POST", "/audiences", DOCUMENT)["id"]
    made = world.json("POST", f"/audiences/{audience}/segments", {"name": "japan"})
    return f"/audiences/{audience}/segments/{made['id']}/syndications"


def body(world: World, **more: Any) -> dict[str, Any]:
    connection = world.json(
        "POST",
        "/v4/connections",
        {"name": f"ads-{uuid.uuid4()}", "type": "pinterest", "settings": {"refresh_token": "r-1"}},
    )
    return {
        "name": "to the ads",
        "connectionId": connection["id"],
        "connectorConfig": {"action": "ADD", "client_secret": SECRET},
        "columns": [{"column": "email", "source": {"column": "country"}}],
        **more,
    }


def entities(address: str) -> str:
    return "/entities/segments/" + address.split("/segments/")[1]


def entity(**attributes: Any) -> dict[str, Any]:
    return {"type": "syndication", "attributes": attributes}


def run(world: World, address: str, syndication_id: str) -> dict[str, Any]:
    told = world.json("POST", f"{entities(address)}/{syndication_id}/run")["data"]
    assert told["type"] == "execution-syndication"
    assert world.service.wait(60)
    newest: dict[str, Any] = world.json("GET", f"{address}/{syndication_id}")["executions"][0]
    assert newest["workflowAttemptId"] == told["id"]
    return newest


def test_one_is_made_shown_changed_and_removed_by_either_generation(world: World, bare: str) -> None:
    made = world.json("POST", bare, body(world, notifyOn=["onFailure"], emailRecipients=["1"]))

    assert (made["id"], made["segmentId"], made["audienceId"], made["connectionId"]) == ("1", "1", "1", "1")
    assert made["connectorConfig"] == {"action": "ADD", "client_secret": "***"}
    assert (made["emailRecipients"], made["valid"], made["executions"]) == ([1], True, [])
    assert (made["repeatUnit"], made["scheduleType"], made["startAt"]) == ("none", "none", None)
    told = world.json("PATCH", f"{entities(bare)}/1", entity(name="renamed", description="why"))["data"]
    assert (told["type"], told["id"], told["attributes"]["name"]) == ("syndication", "1", "renamed")
    assert told["attributes"]["connectorConfig"] == {"action": "ADD", "client_secret": "***"}
    changed = world.json("PUT", f"{bare}/1", {"allColumns": True})
    assert (changed["name"], changed["description"], changed["allColumns"]) == ("renamed", "why", True)
    assert changed["columns"] == made["columns"]
    assert world.json("GET", bare) == world.json("GET", "/audiences/1/syndications") == [changed]
    [summary] = world.json("GET", "/entities/parent_segments/1/syndications")["data"]
    assert summary["attributes"].keys().isdisjoint({"repeatUnit", "notifyOn", "executions"})
    assert [one["id"] for one in world.json("GET", entities(bare))["data"]] == ["1"]
    second = world.json("POST", entities(bare), entity(**body(world, name="second", description="")))["data"]
    assert second["id"] == "2"
    world.json("DELETE", f"{entities(bare)}/1")
    world.json("DELETE", f"{bare}/2")
    assert world.json("GET", bare) == []
    assert world.json("GET", f"{bare}/1", status=404)["code"] == "record-not-found-error"
    assert world.json("GET", f"{entities(bare)}/1", status=404)["errors"][0]["code"] == "record-not-found-error"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": " "}, "Name can't be blank"),
        ({"connectionId": 99}, "there is no connection 99"),
        ({"connectorConfig": None}, "connectorConfig can't be blank"),
        (
            {"connectorConfig": {"client_secret": "***"}},
            "connectorConfig holds a masked value (***): write the secret itself",
        ),
        ({"columns": [{"column": "email"}]}, "columns/0/source needs either a column or a string"),
        (
            {"columns": [{"column": "x", "source": {"string": "$2", "parameters": [piece("SegmentId")]}}]},
            "columns/0/source/string $2 stands for no parameter",
        ),
        (
            {"columns": [{"column": "x", "source": {"column": "a"}}] * 2},
            "columns has 'x' more than once",
        ),
        ({"notifyOn": ["always"]}, "notifyOn is not included in the list"),
        ({"emailRecipients": [2]}, "there is no user 2"),
        ({"timezone": "PST"}, "Validation failed: Timezone is invalid: 'PST'; use a name such as Asia/Tokyo"),
        ({"repeatUnit": "year"}, "repeatUnit is not included in the list"),
        ({"syndicationBehaviors": [{}] * 5}, "syndicationBehaviors is too long (maximum is 4, got 5)"),
        (
            {"syndicationBehaviors": [{}], "syndicationBehavior": {}, "name": ""},
            "Name can't be blank",
        ),
        (
            {"syndicationBehaviors": [{}], "syndicationBehavior": {"behaviorTableName": "orders"}},
            "takes no syndicationBehaviors beside it",
        ),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_made(
    world: World, bare: str, changes: dict[str, Any], message: str
) -> None:
    refused = world.json("POST", bare, {**body(world), **changes}, status=400)

    assert refused["message"] == message
    assert world.json("GET", bare) == []


def test_a_masked_value_that_comes_back_is_a_wrong_parameter(world: World, bare: str) -> None:
    attributes = {**body(world), "connectorConfig": {"client_secret": "***"}}

    [error] = world.json("POST", entities(bare), entity(**attributes), status=400)["errors"]

    assert (error["code"], error["source"]) == ("bad-parameter-error", {"pointer": "/attributes/connectorConfig"})
    assert error["meta"] == {"parameterCode": "MASKED_VALUE_IS_USED"}


def test_a_run_exports_the_people_of_the_segment_in_the_columns_of_the_mapping(world: World, segment: str) -> None:
    columns = [{"column": "where", "source": {"column": "city"}}, {"column": "old", "source": {"column": "age"}}, BUILT]
    made = world.json("POST", segment, body(world, columns=columns))

    execution = run(world, segment, made["id"])

    [(request, rows)] = world.exporter.exported
    said = "seg-1/japan 2025-03-01 of 1, it's'"
    assert sorted(rows) == [("O'saka 100%", 19, said), ("Tokyo", 30, said)]
    assert world.exporter.checked[0][1].keys() == {"where", "old", "told"}
    assert (request.type, request.settings) == (
        "pinterest",
        {"refresh_token": "r-1", "action": "ADD", "client_secret": SECRET},
    )
    assert (execution["status"], execution["finishedAt"]) == ("success", "2025-03-01T09:00:00Z")
    job = world.get(f"/v3/job/show/{execution['workflowAttemptId']}")
    assert (job["database"], job["num_records"]) == ("cdp_audience_1", 2)


def test_all_columns_are_those_of_the_parent_segment_and_built_texts_come_after(world: World, segment: str) -> None:
    made = world.json("POST", segment, body(world, allColumns=True, columns=[BUILT]))

    run(world, segment, made["id"])

    assert list(world.exporter.checked[0][1]) == [
        *("age", "city", "country", "joined", "seen_at", "spent", "tags"),
        "told",
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"columns": [{"column": "x", "source": {"column": "gone"}}]}, "'gone' is no attribute of the parent segment"),
        ({"columns": []}, "columns says nothing, and not all columns are exported"),
        (
            {"columns": [{"column": "x", "source": {"column": "age", "functions": [{}]}}]},
            "columns/0/source/functions is not supported by the embedded service",
        ),
        (
            {"columns": [{"column": "x", "source": {"string": "$1", "parameters": [piece("StageName")]}}]},
            "'StageName' is not supported by the embedded service",
        ),
        ({"syndicationBehaviors": [{"behaviorTableName": "orders"}]}, "the embedded service exports no behaviors"),
    ],
)
def test_a_run_that_cannot_be_fails_and_says_why(
    world: World, segment: str, changes: dict[str, Any], message: str
) -> None:
    made = world.json("POST", segment, body(world, **changes))

    execution = run(world, segment, made["id"])

    assert execution["status"] == "error"
    assert message in world.get(f"/v3/job/show/{execution['workflowAttemptId']}")["debug"]["stderr"]
    assert world.exporter.exported == []


def test_a_segment_that_was_never_built_exports_nothing(world: World, bare: str) -> None:
    made = world.json("POST", bare, body(world))

    execution = run(world, bare, made["id"])

    job = world.get(f"/v3/job/show/{execution['workflowAttemptId']}")
    assert (execution["status"], job["debug"]["stderr"]) == ("error", "the parent segment was not run yet")


def test_a_failed_export_is_a_failed_run(world: World, segment: str) -> None:
    world.exporter.failure = "Pinterest answered 500"
    made = world.json("POST", segment, body(world))

    assert run(world, segment, made["id"])["status"] == "error"
    shown = world.json("GET", f"{segment}/{made['id']}")
    assert (shown["runStatus"], shown["valid"]) == ("error", True)


def test_a_connection_that_went_makes_it_invalid(world: World, segment: str) -> None:
    made = world.json("POST", segment, body(world))
    world.json("DELETE", f"/v4/connections/{made['connectionId']}")

    assert run(world, segment, made["id"])["status"] == "error"
    assert not world.json("GET", f"{segment}/{made['id']}")["valid"]


def test_it_fires_when_its_time_has_come_and_once_for_all_times_missed(world: World, segment: str) -> None:
    schedule = {"repeatUnit": "day", "startAt": "2025-03-03T04:05:00", "endOn": "2025-03-20"}
    made = world.json("POST", segment, body(world, **schedule))

    first = NOW - 9 * 3600 + 2 * DAY + 4 * 3600 + 300
    assert [world.service.tick(moment) for moment in (NOW + DAY, first - 1, first, first)] == [0, 0, 1, 0]
    assert world.service.tick(first + 5 * DAY + 60) == 1
    assert world.service.tick(first + 40 * DAY) == 0
    assert world.service.wait(60)
    assert (len(world.exporter.exported), made["scheduleType"], made["scheduleOption"]) == (2, "daily", "04:05")


def test_changing_something_else_does_not_lose_a_time_that_is_due(world: World, segment: str) -> None:
    made = world.json("POST", segment, body(world, repeatUnit="day", startAt="2025-03-01T10:00:00"))
    world.clock.time = NOW + 3605
    world.json("PUT", f"{segment}/{made['id']}", {"name": "other", "repeatUnit": "day", "startAt": made["startAt"]})

    assert world.service.tick() == 1


def test_a_schedule_whose_runs_fail_for_their_settings_goes_off_after_five(world: World, segment: str) -> None:
    made = world.json("POST", segment, body(world, columns=[], repeatUnit="day", startAt="2025-03-01T10:00:00"))

    fired = []
    for day in range(7):
        world.clock.time = NOW + 3600 + day * DAY
        fired.append(world.service.tick())
        assert world.service.wait(60)

    assert fired == [1, 1, 1, 1, 1, 0, 0]
    shown = world.json("GET", f"{segment}/{made['id']}")
    assert (shown["repeatUnit"], shown["startAt"], shown["valid"]) == ("none", None, True)
    world.json("PUT", f"{segment}/{made['id']}", {"repeatUnit": "day", "startAt": "2025-03-01T10:00:00"})
    assert [world.service.tick(NOW + 3600 + 8 * DAY)] == [1]


def test_failures_that_may_pass_leave_the_schedule_on(world: World, segment: str) -> None:
    world.json("POST", segment, body(world, repeatUnit="day", startAt="2025-03-01T10:00:00"))
    world.exporter.passing = "Pinterest is down"

    fired = []
    for day in range(7):
        world.clock.time = NOW + 3600 + day * DAY
        fired.append(world.service.tick())
        assert world.service.wait(60)

    assert fired == [1] * 7


def test_they_are_there_when_the_service_is_opened_again(open_world: OpenWorld) -> None:
    first = open_world()
    first.post("/v3/database/create/sales")
    audience = first.json("POST", "/audiences", DOCUMENT)["id"]
    first.json("POST", f"/audiences/{audience}/segments", {"name": "japan"})
    made = first.json("POST", f"/audiences/{audience}/segments/1/syndications", body(first))
    first.service.close()

    second = open_world(root=first.root)

    assert second.json("GET", f"/audiences/{audience}/syndications") == [made]
    for path in first.root.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes()


@pytest.mark.parametrize(
    ("written", "cron"),
    [
        ({"repeatUnit": "minute", "repeatFrequency": 15, "startAt": "2025-03-01T03:10:00"}, "10-59/15 * * * *"),
        ({"repeatUnit": "minute", "repeatFrequency": 15, "startAt": "2025-03-01T03:00:00"}, "*/15 * * * *"),
        ({"repeatUnit": "hour", "startAt": "2025-03-01T03:10:00"}, "10 * * * *"),
        ({"repeatUnit": "day", "startAt": "2025-03-01T03:10:00"}, "10 3 * * *"),
        ({"repeatUnit": "week", "repeatSubFrequency": [1, 7], "startAt": "2025-03-01T03:10:00"}, "10 3 * * 0,1"),
        ({"repeatUnit": "week", "startAt": "2025-03-01T03:10:00"}, "10 3 * * 6"),
        ({"repeatUnit": "month", "startAt": "2025-03-05T03:10:00"}, "10 3 5 * *"),
        ({"scheduleType": "daily", "scheduleOption": "04:30"}, "30 4 * * *"),
        ({"scheduleType": "hourly"}, "0 * * * *"),
        ({"scheduleType": "minutes_interval", "scheduleOption": "20"}, "*/20 * * * *"),
        ({"scheduleType": "cron", "scheduleOption": "1 2 3 * *"}, "1 2 3 * *"),
        ({"cron": "1 2 3 * *"}, "1 2 3 * *"),
        ({"repeatUnit": "once", "startAt": "2025-03-05T03:10:00"}, None),
        ({"scheduleType": "none"}, None),
    ],
)
def test_a_schedule_in_the_vendors_words_is_a_cron(written: dict[str, Any], cron: str | None) -> None:
    told = words(written, {}, "UTC", NOW)

    assert repetition(told, "UTC").cron == cron
    assert words(told, {}, "UTC", NOW) == told or "repeatUnit" not in written


def test_a_start_is_read_in_its_zone_and_the_last_day_counts() -> None:
    told = words({"repeatUnit": "day", "startAt": "2025-03-01T00:00:00", "endOn": "2025-03-02"}, {}, "Asia/Tokyo", NOW)

    assert repetition(told, "Asia/Tokyo") == Repetition("0 0 * * *", 1_740_754_800.0, 1_740_927_600.0)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"repeatUnit": "minute", "repeatFrequency": 7}, "repeatFrequency must divide an hour in the embedded service"),
        ({"repeatUnit": "week", "repeatSubFrequency": [0]}, "repeatSubFrequency is not a number from 1 to 7"),
        ({"repeatUnit": "day", "startAt": "soon"}, "startAt is not a time such as 2025-03-01T03:00:00"),
        (
            {"repeatUnit": "day", "startAt": "2025-03-01T00:00:00Z"},
            "startAt has a zone of its own; it is read in `timezone`",
        ),
        ({"repeatUnit": "day", "endOn": "never"}, "endOn is not a date such as 2025-03-01"),
        ({"scheduleType": "weekly"}, "scheduleOption is not documented for weekly; use repeatUnit"),
        ({"scheduleType": "yearly"}, "scheduleType is not included in the list"),
        ({"scheduleType": "cron"}, "scheduleOption can't be blank"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(written: dict[str, Any], message: str) -> None:
    with pytest.raises(Refused) as caught:
        repetition(words(written, {}, "UTC", NOW), "UTC")

    assert caught.value.message == message
