"""Users of versions 1.x: their pages, their scroll, and that later versions know neither."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from intercom_access import TOKEN

from reconciler.connectors.sources.intercom_rows import with_old_names
from reconciler.emulators.intercom.sandbox import IntercomSandbox
from reconciler.emulators.intercom.world import World


@pytest.fixture
def old(sandbox: IntercomSandbox) -> Iterator[httpx.Client]:
    """A client of 1.4. The description of today has none of this, so nothing is held against it."""
    headers = {"authorization": f"Bearer {TOKEN}", "intercom-version": "1.4"}
    with httpx.Client(base_url=sandbox.base_url, headers=headers) as client:
        yield client


def people(world: World, number: int) -> None:
    for index in range(number):
        world.put_contact(
            f"c{index:05}",
            {"created_at": 1_700_000_000 + index, "external_id": f"own-{index}", "location": {"city": "Osaka"}},
        )


def ids(answer: httpx.Response) -> list[str]:
    return [one["id"] for one in answer.json()["users"]]


def test_users_come_in_numbered_pages_and_leads_are_none(old: httpx.Client, world: World) -> None:
    people(world, 61)
    world.put_contact("lead", {"role": "lead"})

    first = old.get("/users", params={"per_page": 60, "order": "asc"})
    second = old.get("/users", params={"per_page": 60, "order": "asc", "page": 2})

    assert (ids(first)[0], len(ids(first)), ids(second)) == ("c00000", 60, ["c00060"])
    assert (first.json()["type"], first.json()["total_count"]) == ("user.list", 61)
    assert first.json()["pages"]["next"] == "https://api.intercom.io/users?per_page=60&page=2"
    assert second.json()["pages"]["next"] is None
    assert len(ids(old.get("/users"))) == 50
    assert old.get("/users", params={"per_page": 61}).status_code == 400


def test_a_user_has_the_names_of_that_time(old: httpx.Client, world: World) -> None:
    people(world, 1)

    (user,) = old.get("/users").json()["users"]

    assert (user["type"], user["user_id"], user["app_id"]) == ("user", "own-0", world.workspace)
    assert user["location_data"]["city_name"] == "Osaka"
    assert "external_id" not in user


def test_an_import_with_old_names_has_them_from_contacts(old: httpx.Client, world: World) -> None:
    contact = world.put_contact("c1", {"external_id": "own-1", "last_seen_at": 1_700_000_500, "email": "j@example.com"})

    (user,) = old.get("/users").json()["users"]

    names = ("id", "user_id", "app_id", "email", "created_at", "updated_at", "last_request_at", "remote_created_at")
    today = with_old_names(contact)
    assert {name: today[name] for name in names} == {name: user[name] for name in names}


def test_nothing_comes_behind_the_ten_thousandth(old: httpx.Client, world: World) -> None:
    people(world, 10_020)

    last = old.get("/users", params={"per_page": 50, "page": 200}).json()
    behind = old.get("/users", params={"per_page": 50, "page": 201}).json()

    assert (len(last["users"]), last["pages"]["next"], behind["users"], behind["total_count"]) == (50, None, [], 10_020)


def test_a_scroll_tells_everybody_once_and_there_is_one_at_a_time(
    old: httpx.Client, sandbox: IntercomSandbox, world: World
) -> None:
    people(world, 150)

    first = old.get("/users/scroll").json()
    other = old.get("/companies/scroll")
    second = old.get("/users/scroll", params={"scroll_param": first["scroll_param"]}).json()
    end = old.get("/users/scroll", params={"scroll_param": first["scroll_param"]}).json()

    assert (len(first["users"]), len(second["users"]), end["users"]) == (100, 50, [])
    assert other.json()["errors"][0]["code"] == "scroll_exists"
    begun = old.get("/users/scroll").json()["scroll_param"]
    sandbox.control.advance(61)
    gone = old.get("/users/scroll", params={"scroll_param": begun})
    assert (gone.status_code, gone.json()["errors"][0]["message"]) == (404, "scroll parameter not found")


@pytest.mark.parametrize("at", ["/users", "/users/scroll"])
@pytest.mark.parametrize("version", ["2.0", "2.16", "Preview"])
def test_later_versions_know_no_users(old: httpx.Client, at: str, version: str) -> None:
    answer = old.get(at, headers={"intercom-version": version})

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "intercom_version_invalid")
