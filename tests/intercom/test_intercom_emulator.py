"""The emulator does what Intercom's description and facts say; every exchange here is held against the description."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from intercom_contract import accepts_its_own_violation, needs_contract

from reconciler.emulators.intercom.sandbox import IntercomSandbox
from reconciler.emulators.intercom.world import World

ANGELES = ZoneInfo("America/Los_Angeles")


def at(text: str) -> int:
    """Unix seconds of a local time in the workspace's zone."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ANGELES).timestamp())


def filtered(field: str, operator: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"query": {"field": field, "operator": operator, "value": value}, **more}


def ids(answer: httpx.Response) -> list[str]:
    told = answer.json()
    return [one["id"] for one in told.get("data", told.get("conversations", told.get("segments", [])))]


def codes(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["code"]


def people(world: World, number: int) -> None:
    for index in range(number):
        world.put_contact(f"c{index:03}", {"updated_at": 1_700_000_000 + index, "email": f"p{index}@example.com"})


@needs_contract
def test_a_wrong_answer_would_be_noticed() -> None:
    assert not accepts_its_own_violation()


def test_ten_contacts_are_listed_where_nobody_says_how_many(client: httpx.Client, world: World) -> None:
    people(world, 12)
    first = client.get("/contacts").json()
    assert (len(first["data"]), first["total_count"], first["pages"]["per_page"]) == (10, 12, 10)
    cursor = first["pages"]["next"]["starting_after"]
    second = client.get("/contacts", params={"starting_after": cursor})
    assert ids(second) == ["c001", "c000"]
    assert second.json()["pages"]["next"] is None


def test_a_search_takes_its_cursor_from_the_body_and_not_from_the_address(client: httpx.Client, world: World) -> None:
    people(world, 5)
    sort = {"field": "updated_at", "order": "ascending"}
    asked = filtered("role", "=", "user", sort=sort, pagination={"per_page": 2})
    first = client.post("/contacts/search", json=asked)
    cursor = first.json()["pages"]["next"]["starting_after"]
    ignored = client.post("/contacts/search", json=asked, params={"starting_after": cursor})
    asked["pagination"]["starting_after"] = cursor
    second = client.post("/contacts/search", json=asked)
    assert [ids(first), ids(ignored), ids(second)] == [["c000", "c001"], ["c000", "c001"], ["c002", "c003"]]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"pagination": {"per_page": 151}}, "parameter_invalid"),
        ({"pagination": {"starting_after": None}}, "parameter_invalid"),
        ({"pagination": {"starting_after": "bm9uZQ=="}}, "parameter_invalid"),
        ({"sort": {"field": "updated_at", "order": "desc"}}, "invalid_sort_order"),
        ({"query": None}, "missing_parameter"),
        ({"query": {"operator": "AND", "value": []}}, "parameter_invalid"),
        ({"query": {"field": "role", "operator": ">", "value": "user"}}, "parameter_invalid"),
        ({"query": {"field": "shoe_size", "operator": "=", "value": "9"}}, "parameter_invalid"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_what_cannot_be_searched_is_refused(client: httpx.Client, change: Mapping[str, Any], code: str) -> None:
    answer = client.post("/contacts/search", json={**filtered("role", "=", "user"), **change})
    assert codes(answer) == (400, code)


def test_a_cursor_belongs_to_its_question(client: httpx.Client, world: World) -> None:
    people(world, 3)
    cursor = client.get("/contacts", params={"per_page": 1}).json()["pages"]["next"]["starting_after"]
    other = client.get("/contacts", params={"per_page": 2, "starting_after": cursor})
    assert codes(other) == (400, "parameter_invalid")


@pytest.mark.parametrize("operator", [">=", "<=", "!=", "IN", "NIN"])
def test_dates_of_contacts_know_three_operators(client: httpx.Client, operator: str) -> None:
    value = [1] if operator in {"IN", "NIN"} else 1
    assert client.post("/contacts/search", json=filtered("updated_at", operator, value)).status_code == 400


@pytest.mark.parametrize(
    ("operator", "expected"), [(">", ["d11"]), ("=", ["d10a", "d10b"]), ("<", ["d09"])], ids=["after", "on", "before"]
)
def test_dates_of_contacts_are_days_of_the_workspace(
    client: httpx.Client, world: World, operator: str, expected: list[str]
) -> None:
    moments = {"d09": "2026-03-07T23:59:59", "d10a": "2026-03-08T00:00:00", "d10b": "2026-03-08T23:59:59"}
    for name, moment in {**moments, "d11": "2026-03-09T00:00:00"}.items():  # the 8th had 23 hours
        world.put_contact(name, {"updated_at": at(moment)})
    asked = filtered(
        "updated_at", operator, at("2026-03-08T15:00:00"), sort={"field": "updated_at", "order": "ascending"}
    )
    assert ids(client.post("/contacts/search", json=asked)) == expected


def test_preview_compares_seconds(sandbox: IntercomSandbox, world: World) -> None:
    for name, moment in {"before": 99, "on": 100, "after": 101}.items():
        world.put_contact(name, {"updated_at": moment})
    headers = {"authorization": "Bearer dG9rOmZha2VfdG9rZW5fb2ZfdGVzdHM=", "intercom-version": "Preview"}
    with httpx.Client(base_url=sandbox.base_url, headers=headers) as client:
        answer = client.post("/contacts/search", json=filtered("updated_at", ">=", 100))
    assert sorted(ids(answer)) == ["after", "on"]
    assert answer.headers["intercom-version"] == "Preview"


@pytest.mark.parametrize(("reading", "expected"), [("strict", ["c2"]), ("inclusive", ["c1", "c2"])])
def test_dates_of_conversations_are_seconds(
    client: httpx.Client, world: World, sandbox: IntercomSandbox, reading: str, expected: list[str]
) -> None:
    sandbox.control.knobs(greater_in_conversations=reading)
    for index in range(3):
        world.put_conversation(f"c{index}", {"updated_at": 1_700_000_000 + index})
    answer = client.post("/conversations/search", json=filtered("updated_at", ">", 1_700_000_001))
    assert sorted(ids(answer)) == expected


def test_parts_come_with_one_conversation_only_and_500_at_most(client: httpx.Client, world: World) -> None:
    world.put_conversation("7", {"parts": [{"body": f"<p>{number}</p>"} for number in range(502)]})
    assert "conversation_parts" not in client.get("/conversations").json()["conversations"][0]
    parts = client.get("/conversations/7", params={"display_as": "plaintext"}).json()["conversation_parts"]
    assert (parts["total_count"], parts["conversation_parts"][0]["body"]) == (500, "2")


def test_lists_in_a_contact_end_after_ten(client: httpx.Client, world: World) -> None:
    world.put_contact("c1", {"tag_ids": [f"t{number}" for number in range(12)]})
    tags = client.get("/contacts/c1").json()["tags"]
    assert (len(tags["data"]), tags["has_more"], tags["total_count"]) == (10, True, 12)
    assert len(client.get("/contacts/c1/tags").json()["data"]) == 12


def test_a_merged_contact_is_gone_with_an_address(client: httpx.Client, world: World) -> None:
    people(world, 2)
    world.merge_contact("c000", into="c001")
    gone = client.get("/contacts/c000")
    assert codes(gone) == (410, "contact_merged")
    assert gone.headers["link"] == '</contacts/c001>; rel="canonical"'
    assert ids(client.get("/contacts")) == ["c001"]
    assert codes(client.get("/contacts/c000", headers={"intercom-version": "2.14"})) == (404, "not_found")


def test_deleted_conversations_are_told_by_their_ids(client: httpx.Client, world: World) -> None:
    world.put_conversation("7", {})
    world.delete_conversation("7")
    assert codes(client.get("/conversations/7")) == (404, "not_found")
    assert [one["id"] for one in client.get("/conversations/deleted").json()["conversations"]] == ["7"]


def test_search_notices_late_what_a_get_tells_at_once(
    client: httpx.Client, world: World, sandbox: IntercomSandbox
) -> None:
    sandbox.control.knobs(index_delay_s=120)
    world.put_contact("c1", {"name": "new"})
    asked = filtered("role", "=", "user")
    assert ids(client.post("/contacts/search", json=asked)) == []
    assert client.get("/contacts/c1").json()["name"] == "new"
    sandbox.control.advance(120)
    assert ids(client.post("/contacts/search", json=asked)) == ["c1"]


def test_segments_and_tags_are_told_whole(client: httpx.Client, world: World) -> None:
    world.put_segment("s1", {"name": "Active", "count": 3})
    world.put_tag("t1", {"name": "vip"})
    assert client.get("/segments", params={"include_count": "true"}).json()["segments"][0]["count"] == 3
    assert "count" not in client.get("/segments").json()["segments"][0]
    assert client.get("/tags").json() == {"type": "list", "data": [{"type": "tag", "name": "vip", "id": "t1"}]}


def test_a_scroll_keeps_its_parameter_and_an_app_has_one(
    client: httpx.Client, world: World, sandbox: IntercomSandbox
) -> None:
    for number in range(101):
        world.put_company(f"k{number:03}", {})
    first = client.get("/companies/scroll").json()
    assert codes(client.get("/companies/scroll")) == (400, "scroll_exists")
    param = {"scroll_param": first["scroll_param"]}
    second = client.get("/companies/scroll", params=param).json()
    assert (len(first["data"]), len(second["data"]), second["scroll_param"]) == (100, 1, first["scroll_param"])
    sandbox.control.advance(61)
    assert codes(client.get("/companies/scroll", params=param)) == (404, "not_found")


def test_calls_are_counted_in_ten_seconds(client: httpx.Client, sandbox: IntercomSandbox) -> None:
    sandbox.control.knobs(calls_per_window=2)
    first, second, third = (client.get("/tags") for _ in range(3))
    left = [one.headers["x-ratelimit-remaining"] for one in (first, second, third)]
    assert (left, codes(third)) == (["1", "0", "0"], (429, "rate_limit_exceeded"))
    assert third.headers["x-ratelimit-reset"] == "1790000010"
    assert "retry-after" not in third.headers
    sandbox.control.advance(10)
    assert client.get("/tags").status_code == 200


def test_a_token_is_needed(stranger: httpx.Client) -> None:
    answer = stranger.get("/me", headers={"authorization": "Bearer another"})
    assert codes(answer) == (401, "unauthorized")


def test_the_workspace_tells_its_zone(client: httpx.Client) -> None:
    assert client.get("/me").json()["app"]["timezone"] == "America/Los_Angeles"


@pytest.mark.parametrize(("version", "has_channel"), [("2.14", False), ("2.16", True)])
def test_versions_have_other_fields(client: httpx.Client, world: World, version: str, has_channel: bool) -> None:  # noqa: FBT001 - a row of the table
    world.put_conversation("7", {})
    answer = client.get("/conversations", headers={"intercom-version": version})
    assert ("channel" in answer.json()["conversations"][0]) is has_channel


def test_there_is_no_version_9(client: httpx.Client) -> None:
    assert codes(client.get("/tags", headers={"intercom-version": "9.0"})) == (400, "intercom_version_invalid")
