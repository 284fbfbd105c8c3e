"""Parent segments, folders and segments by both generations of addresses."""

from __future__ import annotations

from typing import Any

import pytest
from segment_data import DOCUMENT, PEOPLE, attribute, fill, people, run
from service_world import OpenWorld, World

JAPAN = {
    "type": "And",
    "conditions": [
        {
            "type": "And",
            "conditions": [
                {
                    "type": "Value",
                    "leftValue": {"name": "country"},
                    "operator": {"type": "Equal", "rightValue": "JP"},
                }
            ],
        }
    ],
}


@pytest.fixture
def parent(world: World) -> dict[str, Any]:
    """A parent segment that was never run."""
    made: dict[str, Any] = world.json("POST", "/audiences", DOCUMENT)
    return made


def folder(name: str, parent_id: str, kind: str = "folder-segment", **attributes: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "attributes": {"name": name, **attributes},
        "relationships": {"parentFolder": {"data": {"id": parent_id, "type": "folder-segment"}}},
    }


def segment(name: str, parent_id: str, **attributes: Any) -> dict[str, Any]:
    return folder(name, parent_id, "segment-batch", **attributes)


def made(world: World, where: str, body: dict[str, Any]) -> str:
    return str(world.json("POST", where, body)["data"]["id"])


def names(world: World, folder_id: str, query: str) -> list[str]:
    told = world.json("GET", f"/entities/by-folder/{folder_id}?{query}")["data"]
    return [entity["attributes"]["name"] for entity in told]


def test_a_parent_segment_has_ids_as_text_and_a_root_folder(world: World, parent: dict[str, Any]) -> None:
    assert parent["id"] == "1"
    assert [(one["id"], one["matrixColumnName"]) for one in parent["attributes"]][-2:] == [
        ("6", "joined"),
        ("7", "city"),
    ]
    assert parent["behaviors"][0]["matrixDatabaseName"] == "cdp_audience_1"
    assert parent["behaviors"][0]["matrixTableName"] == "behavior_orders"
    assert (parent["population"], parent["matrixUpdatedAt"], parent["scheduleType"]) == (None, None, "none")
    assert world.json("GET", "/audiences") == [parent]
    assert world.json("GET", "/audiences/1") == parent
    (listed,) = world.json("GET", "/entities/parent_segments")["data"]
    assert (listed["id"], listed["type"], listed["attributes"]["name"]) == ("1", "parentSegment", "people")
    root = listed["relationships"]["parentSegmentFolder"]["data"]
    assert root == {"id": parent["rootFolderId"], "type": "folder-segment"}
    assert [(one["id"], one["parentFolderId"]) for one in world.json("GET", "/audiences/1/folders")] == [
        (root["id"], None)
    ]


def test_writing_a_parent_segment_exchanges_all_of_it(world: World, parent: dict[str, Any]) -> None:
    kept = [parent["attributes"][1], attribute("mail", "string", "country")]

    told = world.json("PUT", "/audiences/1", {"name": "everyone", "master": parent["master"], "attributes": kept})

    assert [(one["id"], one["name"]) for one in told["attributes"]] == [("2", "age"), ("8", "mail")]
    assert (told["name"], told["behaviors"], told["timezone"]) == ("everyone", [], "UTC")
    assert world.json("GET", "/audiences/1") == told


def test_a_run_builds_the_tables_and_counts_the_people(world: World, parent: dict[str, Any]) -> None:
    fill(world)

    execution = run(world, parent["id"])

    assert (execution["status"], execution["finishedAt"]) == ("success", "2025-03-01T09:00:00Z")
    told = world.json("GET", f"/audiences/{parent['id']}")
    assert (told["population"], told["matrixUpdatedAt"]) == (len(PEOPLE), "2025-03-01T09:00:00Z")
    rows = world.rows("SELECT country, city FROM customers WHERE age = 30 ORDER BY country", database="cdp_audience_1")
    assert rows == [["JP", "Tokyo"], ["us", "Tokyo Bay"]]
    assert world.rows("SELECT COUNT(*) FROM behavior_orders", database="cdp_audience_1") == [[6]]


def test_a_run_that_fails_leaves_what_was_built(world: World) -> None:
    audience = people(world)
    world.json("PUT", f"/audiences/{audience}", {**DOCUMENT, "attributes": [attribute("shoe", "number")]})

    assert run(world, audience)["status"] == "error"

    assert world.json("GET", f"/audiences/{audience}")["population"] == len(PEOPLE)
    body = {"name": "japan", "rule": JAPAN}
    assert world.json("POST", f"/audiences/{audience}/segments", body)["population"] == 2


def test_filters_of_a_parent_segment_leave_people_out(world: World) -> None:
    fill(world)
    filters = [{"columnName": "country", "rightValues": ["JP", "us"]}]
    audience = world.json("POST", "/audiences", {**DOCUMENT, "audienceFilters": filters})["id"]

    run(world, audience)

    assert world.json("GET", f"/audiences/{audience}")["population"] == 3


def test_a_population_follows_rule_and_tables(world: World) -> None:
    fill(world)
    audience = world.json("POST", "/audiences", DOCUMENT)["id"]
    address = f"/audiences/{audience}/segments"
    made = world.json("POST", address, {"name": "japan", "rule": JAPAN})
    assert made["population"] is None

    run(world, audience)
    assert world.json("GET", f"{address}/{made['id']}")["population"] == 2
    assert world.json("PUT", f"{address}/{made['id']}", {"rule": {}})["population"] == len(PEOPLE)
    world.done("INSERT INTO people (id, country) VALUES (7, 'JP')")
    assert world.json("GET", f"{address}/{made['id']}")["population"] == len(PEOPLE)
    run(world, audience)
    assert world.json("GET", f"{address}/{made['id']}")["population"] == len(PEOPLE) + 1
    assert world.json("PUT", f"{address}/{made['id']}", {"countPopulation": False})["population"] is None


def test_folders_are_a_tree_with_names_of_their_own_place(world: World, parent: dict[str, Any]) -> None:
    root = parent["rootFolderId"]
    asia = made(world, "/entities/folders", folder("asia", root))
    europe = made(world, "/entities/folders", folder("europe", root))
    japan = made(world, "/entities/folders", folder("japan", asia))
    made(world, "/entities/folders", folder("japan", europe))
    made(world, "/entities/segments", segment("all", japan, rule=JAPAN))

    assert names(world, root, "depth=0") == ["people"]
    assert names(world, root, "depth=1") == ["people", "asia", "europe"]
    assert names(world, asia, "depth=10") == ["asia", "japan", "all"]
    world.json("PATCH", f"/entities/folders/{japan}", folder("nippon", europe, description="x"))
    assert names(world, europe, "depth=10") == ["europe", "nippon", "japan", "all"]
    assert world.json("GET", f"/entities/folders/{japan}")["data"]["attributes"]["description"] == "x"


def test_a_listing_leaves_rules_empty_unless_asked(world: World, parent: dict[str, Any]) -> None:
    root = parent["rootFolderId"]
    one = made(world, "/entities/segments", segment("japan", root, rule=JAPAN))

    rules = [
        [
            entity["attributes"].get("rule")
            for entity in world.json("GET", f"/entities/by-folder/{root}?{query}")["data"]
        ]
        for query in ("depth=1", "depth=1&with_rule=false", "depth=1&with_rule=true")
    ]

    assert rules == [[None, {}], [None, {}], [None, JAPAN]]
    assert world.json("GET", f"/entities/segments/{one}")["data"]["attributes"]["rule"] == JAPAN
    assert world.json("GET", f"/audiences/1/segments/{one}")["rule"] == JAPAN


@pytest.mark.parametrize("place", ["folders", "segments"])
def test_a_name_is_taken_within_its_folder_only(world: World, parent: dict[str, Any], place: str) -> None:
    kind = "folder-segment" if place == "folders" else "segment-batch"
    root = parent["rootFolderId"]
    other = made(world, "/entities/folders", folder("other", root))
    made(world, f"/entities/{place}", folder("same", root, kind))

    made(world, f"/entities/{place}", folder("same", other, kind))
    answer = world.client.post(f"/entities/{place}", json=folder("same", root, kind))

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/vnd.treasuredata.v1+json"
    assert answer.json() == {
        "errors": [
            {
                "code": "validation-error",
                "status": "400",
                "detail": "Name has already been taken",
                "source": {"pointer": "/attributes/name"},
                "meta": {"validationCode": "VIOLATES_UNIQUENESS_CONSTRAINT"},
            }
        ]
    }


def test_what_is_in_use_cannot_be_deleted(world: World, parent: dict[str, Any]) -> None:
    root = parent["rootFolderId"]
    place = made(world, "/entities/folders", folder("place", root))
    inner = made(world, "/entities/segments", segment("inner", place, rule=JAPAN))
    reference = {"type": "And", "conditions": [{"type": "And", "conditions": [{"type": "Reference", "id": inner}]}]}
    outer = made(world, "/entities/segments", segment("outer", root, rule=reference))

    (error,) = world.json("DELETE", f"/entities/segments/{inner}", status=409)["errors"]
    assert (error["code"], error["meta"]["referencedBySegments"]) == ("conflict-error", [outer])
    (error,) = world.json("DELETE", f"/entities/folders/{place}", status=409)["errors"]
    assert error["code"] == "conflict-error"
    older = world.client.request("DELETE", f"/entities/folders/{place}", headers={"accept": "application/json"})
    assert (older.status_code, older.json()["referencedBySegments"]) == (409, [{"id": inner}])

    for address in (f"segments/{outer}", f"segments/{inner}", f"folders/{place}"):
        world.json("DELETE", f"/entities/{address}")
    assert names(world, root, "depth=10") == ["people"]


def test_segments_cannot_refer_to_each_other_in_a_circle(world: World, parent: dict[str, Any]) -> None:
    root = parent["rootFolderId"]
    first = made(world, "/entities/segments", segment("first", root))
    second = made(world, "/entities/segments", segment("second", root, rule=pointing_to(first)))

    answer = world.json("PATCH", f"/entities/segments/{first}", {"attributes": {"rule": pointing_to(second)}}, 400)

    assert answer["errors"][0]["detail"] == "segments refer to each other in a circle"


def pointing_to(segment_id: str) -> dict[str, Any]:
    return {"type": "And", "conditions": [{"type": "And", "conditions": [{"type": "Reference", "id": segment_id}]}]}


@pytest.mark.parametrize(
    ("method", "address", "body", "status", "code"),
    [
        ("GET", "/audiences/9", None, 404, "record-not-found-error"),
        ("GET", "/audiences/x", None, 404, "record-not-found-error"),
        ("POST", "/audiences", {}, 400, "validation-error"),
        ("POST", "/audiences", {"name": "people"}, 400, "validation-error"),
        ("POST", "/audiences", {"name": "n" * 300}, 400, "validation-error"),
        ("POST", "/audiences", {"name": "n", "scheduleType": "often"}, 400, "validation-error"),
        ("POST", "/audiences", {"name": "n", "attributes": [{"name": "a"}]}, 400, "validation-error"),
        ("POST", "/audiences", {"name": "n", "attributes": "all"}, 400, "validation-error"),
        (
            "POST",
            "/audiences",
            {"name": "n", "attributes": [attribute("a", "string"), attribute("A", "string", "a")]},
            400,
            "validation-error",
        ),
        ("GET", "/audiences/1/segments/9", None, 404, "record-not-found-error"),
        ("POST", "/audiences/1/segments", {"name": ""}, 400, "validation-error"),
        ("POST", "/audiences/1/segments", {"name": "n", "kind": 1}, 400, "validation-error"),
        ("POST", "/audiences/1/segments", {"name": "n", "segmentFolderId": "99"}, 404, "record-not-found-error"),
    ],
)
def test_plain_addresses_refuse_in_their_shape(
    world: World, parent: dict[str, Any], method: str, address: str, body: object, status: int, code: str
) -> None:
    answer = world.json(method, address, body, status=status)

    assert answer["code"] == code
    assert answer["message"]
    assert len(world.json("GET", "/audiences")) == 1


@pytest.mark.parametrize(
    ("method", "address", "body", "status", "code"),
    [
        ("GET", "/entities/segments/9", None, 404, "record-not-found-error"),
        ("GET", "/entities/parent_segments/9", None, 404, "record-not-found-error"),
        ("GET", "/entities/by-folder/1", None, 400, "bad-parameter-error"),
        ("POST", "/entities/folders", {"attributes": {"name": "n"}}, 400, "validation-error"),
        ("POST", "/entities/segments", {"attributes": {"name": "n"}}, 400, "validation-error"),
        ("POST", "/entities/segments", segment("n", "99"), 404, "record-not-found-error"),
        ("POST", "/entities/segments", segment("", "1"), 400, "validation-error"),
        ("POST", "/entities/folders", {**folder("n", "1"), "attributes": []}, 400, "bad-parameter-error"),
        ("POST", "/entities/folders", {**folder("n", "1"), "relationships": {"x": 1}}, 400, "bad-parameter-error"),
        ("PATCH", "/entities/folders/1", folder("n", "1"), 422, "unprocessable-entity-error"),
        ("DELETE", "/entities/folders/1", None, 422, "unprocessable-entity-error"),
    ],
)
def test_entities_refuse_in_theirs(
    world: World, parent: dict[str, Any], method: str, address: str, body: object, status: int, code: str
) -> None:
    (error,) = world.json(method, address, body, status=status)["errors"]

    assert (error["code"], error["status"]) == (code, str(status))


def test_another_parent_segment_is_another_world(world: World, parent: dict[str, Any]) -> None:
    other = world.json("POST", "/audiences", {"name": "other"})
    here = made(world, "/entities/segments", segment("here", parent["rootFolderId"]))

    moved = world.json("PATCH", f"/entities/segments/{here}", segment("here", other["rootFolderId"]), status=422)
    assert moved["errors"][0]["meta"] == {"unprocessableEntityCode": "CANNOT_MOVE"}
    world.json("GET", f"/audiences/{other['id']}/segments/{here}", status=404)
    refused = world.json(
        "POST", f"/audiences/{other['id']}/segments", {"name": "n", "rule": pointing_to(here)}, status=400
    )
    assert refused["message"] == f"there is no segment {here}"


def test_a_deleted_parent_segment_takes_folders_and_segments_along(world: World, parent: dict[str, Any]) -> None:
    place = made(world, "/entities/folders", folder("place", parent["rootFolderId"]))
    inner = made(world, "/entities/segments", segment("inner", place))

    world.json("DELETE", f"/audiences/{parent['id']}")

    assert world.json("GET", "/audiences") == []
    world.json("GET", f"/entities/segments/{inner}", status=404)
    world.json("GET", f"/entities/folders/{place}", status=404)
    again = world.json("POST", "/audiences", DOCUMENT)
    assert again["id"] != parent["id"], "an id is never used twice"


def test_everything_is_there_after_a_restart(open_world: OpenWorld) -> None:
    first = open_world()
    first.post("/v3/database/create/sales")
    audience = people(first)
    one = first.json("POST", f"/audiences/{audience}/segments", {"name": "japan", "rule": JAPAN})
    first.service.close()

    again = open_world()

    assert again.json("GET", f"/audiences/{audience}/segments") == [one]
    assert again.json("GET", f"/audiences/{audience}")["population"] == len(PEOPLE)
