"""Journeys and the activations of their steps by the addresses below ``/entities``."""

from __future__ import annotations

from typing import Any

import pytest
from segment_data import DOCUMENT
from service_world import World


@pytest.fixture
def folder(world: World) -> str:
    """The id of a folder in a parent segment."""
    audience = world.json("POST", "/audiences", DOCUMENT)
    body = {"attributes": {"name": "Campaigns"}, "relationships": within(audience["rootFolderId"])}
    made: str = world.json("POST", "/entities/folders", body)["data"]["id"]
    return made


def within(folder: str) -> dict[str, Any]:
    return {"parentFolder": {"data": {"id": folder, "type": "folder-segment"}}}


def journey(folder: str, **attributes: Any) -> dict[str, Any]:
    return {"type": "journey", "attributes": {"name": "Welcome", **attributes}, "relationships": within(folder)}


def params(world: World, **more: Any) -> dict[str, Any]:
    connection = world.json("POST", "/v4/connections", {"name": "ads", "type": "pinterest", "settings": {}})
    told = {"name": "Mail", "connectionId": str(connection["id"]), "connectorConfig": {"client_secret": "s-1"}, **more}
    return {"type": "journeyActivationStep", "attributes": {"activationId": None, "activationParams": told}}


def test_one_is_drawn_told_by_its_folder_and_removed_with_its_steps(world: World, folder: str) -> None:
    made = world.json("POST", "/entities/journeys", journey(folder, journeyStages=[{"name": "First"}]))["data"]
    at = f"/entities/journeys/{made['id']}"
    step = world.json("POST", f"{at}/activations", params(world, repeatUnit="day", startAt="2025-03-02T03:00:00"))[
        "data"
    ]

    assert world.json("GET", f"/entities/journeys?folder_id={folder}")["data"] == [world.json("GET", at)["data"]]
    assert (made["attributes"]["state"], made["attributes"]["journeyStages"]) == ("draft", [{"name": "First"}])
    assert world.json("GET", f"{at}/activations")["data"] == [step]
    told = step["attributes"]["activationParams"]
    assert (told["connectorConfig"], told["repeatUnit"]) == ({"client_secret": "***"}, "day")
    body = {"attributes": {"activationParams": {"name": "Other", "repeatUnit": "none"}}}
    changed = world.json("PATCH", f"{at}/activations/{step['id']}", body)["data"]["attributes"]["activationParams"]
    assert (changed["name"], changed["repeatUnit"], changed["connectionId"]) == ("Other", "none", told["connectionId"])
    assert world.service.tick(world.clock.now() + 10 * 86_400) == 0, "nobody moves through journeys here"
    world.json("DELETE", f"/entities/folders/{folder}", status=409)
    world.json("DELETE", at)
    world.json("GET", f"{at}/activations", status=404)
    world.json("DELETE", f"/entities/folders/{folder}")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"name": ""}, "Name can't be blank"),
        ({"connectionId": None}, "ConnectionId can't be blank"),
        ({"connectionId": "99"}, "there is no connection 99"),
        ({"connectorConfig": {"client_secret": "***"}}, "holds a masked value"),
        ({"repeatUnit": "yearly"}, "repeatUnit is not included in the list"),
    ],
)
def test_an_activation_that_cannot_be_is_refused(world: World, folder: str, more: dict[str, Any], message: str) -> None:
    at = f"/entities/journeys/{world.json('POST', '/entities/journeys', journey(folder))['data']['id']}/activations"

    refused = world.json("POST", at, params(world, **more), status=400)

    assert message in refused["errors"][0]["detail"]
    assert world.json("GET", at)["data"] == []


def test_a_journey_that_cannot_be_is_refused(world: World, folder: str) -> None:
    for body in (
        journey(folder, name=" "),
        journey(folder, state="over"),
        journey("99"),
        {"attributes": {"name": "x"}},
    ):
        assert world.client.post("/entities/journeys", json=body).status_code in {400, 404}
    assert world.json("GET", f"/entities/journeys?folder_id={folder}")["data"] == []
    world.json("GET", "/entities/journeys?folder_id=99", status=404)
