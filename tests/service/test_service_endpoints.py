"""The page of addresses is held to the routes: none is missing there, and none is promised."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
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


FACTS = Path(__file__).parents[3] / "shared" / "facts" / "treasure-data.md"
METHODS = "GET|PUT|POST|PATCH|DELETE"
WHOLE = re.compile(rf"`(?P<methods>(?:{METHODS})(?:(?:/|, )(?:{METHODS}))*) (?P<path>/[^`]+)`")
SHORTENED = re.compile(rf"`(?:(?:{METHODS})[A-Z/, ]* )?(?:\.\.\.(?P<after>/[^`]+)|(?P<bare>/[^`\s]+))`")


def test_every_address_of_the_vendor_that_is_known_is_answered_or_said_not_to_be() -> None:
    if not FACTS.exists():
        pytest.skip("no ../shared: what is known of the vendor is kept beside the checkout")
    told = [
        (method, parts(path)) for method, path in re.findall(r"`([A-Z]+) (/[^`\s]+)`", PAGE.read_text(encoding="utf-8"))
    ]
    text = FACTS.read_text(encoding="utf-8")
    text = text[text.index("\n## 2. ") : text.index("\n## 10. ")]
    known = [(method, span["path"]) for span in WHOLE.finditer(text) for method in re.findall(METHODS, span["methods"])]
    lines = "\n".join(line for line in text.splitlines() if re.match(rf"\| `(?:{METHODS})", line))
    endings = [span["after"] or span["bare"] for span in SHORTENED.finditer(lines)]

    assert (len(known) > 90, len(endings) > 15) == (True, True)
    assert [one for one in known if not any(says(page, one[0], one[1]) for page in told)] == []
    assert [one for one in endings if not any(ends(page, parts(one)) for _, page in told)] == []


def parts(path: str) -> list[str]:
    """The parts of *path* without its query."""
    return re.split(r"[? ]", path, maxsplit=1)[0].strip("/").split("/")


def says(page: tuple[str, list[str]], method: str, path: str) -> bool:
    return page[0] == method and len(page[1]) == len(parts(path)) and ends(page[1], parts(path))


def ends(page: list[str], wanted: list[str]) -> bool:
    """Whether *page* ends in *wanted*; what varies on the page may be anything there."""
    last = page[-len(wanted) :]
    return len(last) == len(wanted) and all(
        one.startswith("{") or one == other or (other.startswith("{") and one.startswith("{"))
        for one, other in zip(last, wanted, strict=True)
    )
