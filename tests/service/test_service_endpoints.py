"""The page of addresses is held to the routes: none is missing there, and none is promised."""

from __future__ import annotations

import re
from pathlib import Path

from service_world import World
from starlette.routing import Route

from reconciler.service.app import create_app

PAGE = Path(__file__).parents[2] / "docs" / "endpoints.md"
ROW = re.compile(r"^\| `(?P<method>[A-Z]+) (?P<path>/\S+)` \| .+ \| (?P<by>[^|]+) \|$", re.MULTILINE)


def test_every_route_is_on_the_page_and_nothing_else(world: World) -> None:
    routes = {
        (method, route.path)
        for route in create_app(world.service).routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    rows = [(row["method"], row["path"]) for row in ROW.finditer(PAGE.read_text(encoding="utf-8"))]

    assert len(rows) == len(set(rows))
    assert set(rows) == routes


def test_every_address_says_who_has_called_it() -> None:
    callers = {row["by"].strip() for row in ROW.finditer(PAGE.read_text(encoding="utf-8"))}

    assert {caller for told in callers for caller in told.split(", ")} == {
        "td-client",
        "tdworkflow",
        "pytd",
        "tdr",
        "HTTP",
    }


def test_the_account_and_its_user_are_told(world: World) -> None:
    user = world.get("/v3/user/show")

    assert (user["id"], user["email"], user["administrator"]) == (1, "local@localhost", True)
    assert world.get("/v3/user/list") == {"users": [user]}
    assert world.get("/v3/account/show")["account"]["id"] == 1
    assert world.get("/v3/user/apikey/validate") == {"valid": True}
    assert world.get("/v3/database/show/sales")["name"] == "sales"
    world.get("/v3/database/show/nothing", status=404)


def test_a_connection_is_changed_by_either_method_and_told_masked(world: World) -> None:
    made = world.json(
        "POST", "/v4/connections", {"name": "crm", "type": "pinterest", "settings": {"client_secret": "s"}}
    )
    address = f"/v4/connections/{made['id']}"

    for method, description in (("PUT", "first"), ("PATCH", "second")):
        assert world.json(method, address, {"description": description})["description"] == description

    told = world.get(address)
    assert (told["description"], told["settings"]) == ("second", {"client_secret": "***"})
