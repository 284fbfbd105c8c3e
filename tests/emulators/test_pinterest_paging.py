from __future__ import annotations

import base64

import httpx
import pytest

from reconciler.emulators.remote_control import RemoteControl

ACCOUNT = "/ad_accounts/549700000001"
LISTS = f"{ACCOUNT}/customer_lists"
IDS = [str(4_189_755 + n) for n in range(7)]


@pytest.fixture
def seven(control: RemoteControl) -> list[str]:
    for n in range(7):
        control.call("POST", "/lists", {"ad_account_id": "549700000001", "name": f"list {n}"})
    return IDS


def pages(client: httpx.Client, **query: str | int) -> list[list[str]]:
    found: list[list[str]] = []
    bookmark = None
    while not found or bookmark:
        body = client.get(LISTS, params={**query, **({"bookmark": bookmark} if bookmark else {})}).json()
        found.append([item["id"] for item in body["items"]])
        bookmark = body["bookmark"]
    return found


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [IDS]),
        ({"page_size": 7}, [IDS]),
        ({"page_size": 3}, [IDS[:3], IDS[3:6], IDS[6:]]),
        ({"page_size": 3, "order": "ASCENDING"}, [IDS[:3], IDS[3:6], IDS[6:]]),
        ({"page_size": 4, "order": "DESCENDING"}, [IDS[:2:-1], IDS[2::-1]]),
    ],
)
@pytest.mark.usefixtures("seven")
def test_pages_follow_each_other(client: httpx.Client, query: dict[str, str | int], expected: list[list[str]]) -> None:
    assert pages(client, **query) == expected


@pytest.mark.usefixtures("seven")
def test_a_full_last_page_may_be_followed_by_an_empty_one(client: httpx.Client, control: RemoteControl) -> None:
    control.knobs(trailing_bookmark=True)

    assert pages(client, page_size=7) == [IDS, []]


def test_a_page_has_25_items_unless_told(client: httpx.Client, control: RemoteControl) -> None:
    for n in range(26):
        control.call("POST", "/lists", {"ad_account_id": "549700000001", "name": f"list {n}"})

    assert list(map(len, pages(client))) == [25, 1]


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ("3e", "Parameter 'page_size' was not numeric (was 3e)"),
        ("", "Parameter 'page_size' was not numeric (was )"),
        ("0", "Invalid request: 'page_size' must be between 1 and 250 (was 0)"),
        ("-1", "Invalid request: 'page_size' must be between 1 and 250 (was -1)"),
        ("251", "Invalid request: 'page_size' must be between 1 and 250 (was 251)"),
    ],
)
@pytest.mark.parametrize("path", ["/ad_accounts", LISTS, f"{ACCOUNT}/audiences"])
def test_page_sizes_have_bounds(client: httpx.Client, path: str, size: str, message: str) -> None:
    answer = client.get(path, params={"page_size": size})

    assert (answer.status_code, answer.json()) == (400, {"code": 1, "message": message})


@pytest.mark.parametrize("change", [{"page_size": "3"}, {"order": "DESCENDING"}])
@pytest.mark.usefixtures("seven")
def test_a_bookmark_belongs_to_its_query(client: httpx.Client, change: dict[str, str]) -> None:
    query = {"page_size": "2", "bookmark": client.get(LISTS, params={"page_size": "2"}).json()["bookmark"]}

    assert client.get(LISTS, params=query).status_code == 200
    answer = client.get(LISTS, params=query | change)
    assert answer.json() == {"code": 1, "message": "Invalid request: 'bookmark' belongs to another query"}


@pytest.mark.parametrize("bookmark", ["x", base64.b64encode(b"{}").decode(), base64.b64encode(b'["q"]').decode()])
def test_a_bookmark_cannot_be_made_up(client: httpx.Client, bookmark: str) -> None:
    assert client.get(LISTS, params={"bookmark": bookmark}).status_code == 400


@pytest.mark.parametrize("order", ["ASCENDING", "DESCENDING"])
@pytest.mark.usefixtures("seven")
def test_a_list_deleted_between_two_pages_costs_nobody_else(
    client: httpx.Client, control: RemoteControl, order: str
) -> None:
    first = client.get(LISTS, params={"page_size": "3", "order": order}).json()
    control.call("DELETE", f"/lists/{first['items'][-1]['id']}")

    query = {"page_size": "3", "order": order, "bookmark": first["bookmark"]}
    second = client.get(LISTS, params=query).json()

    whole = IDS if order == "ASCENDING" else IDS[::-1]
    assert [item["id"] for item in second["items"]] == whole[3:6]


@pytest.mark.usefixtures("seven")
def test_a_page_can_come_twice(client: httpx.Client, control: RemoteControl) -> None:
    control.fault("page_repeated", path="/ad_accounts/*/customer_lists", nth=2)

    assert pages(client, page_size=3) == [IDS[:3], IDS[:3], IDS[3:6], IDS[6:]]


@pytest.mark.usefixtures("seven")
def test_a_page_can_get_lost(client: httpx.Client, control: RemoteControl) -> None:
    control.fault("page_dropped", path="/ad_accounts/*/customer_lists", nth=2)

    assert pages(client, page_size=3) == [IDS[:3], IDS[6:]]


@pytest.mark.parametrize("order", ["ASCENDING", "DESCENDING"])
@pytest.mark.parametrize(
    ("goes_on", "behind", "bookmarks"),
    [("empty", [[], []], 4), ("again", [[0, 4], [4, 7]], 4), ("in_place", [[], []], 2)],
)
@pytest.mark.usefixtures("seven")
def test_pages_can_come_to_no_end(
    client: httpx.Client, control: RemoteControl, order: str, goes_on: str, behind: list[list[int]], bookmarks: int
) -> None:
    control.fault("page_endless", path="/ad_accounts/*/customer_lists", count=None, goes_on=goes_on)
    whole = IDS if order == "ASCENDING" else IDS[::-1]
    query = {"page_size": "4", "order": order}
    told, seen = [], set()
    for _ in range(4):
        page = client.get(LISTS, params=query).json()
        told.append([item["id"] for item in page["items"]])
        seen.add(page["bookmark"])
        query["bookmark"] = page["bookmark"]

    assert told == [whole[:4], whole[4:], *(whole[slice(*part)] if part else [] for part in behind)]
    assert len(seen) == bookmarks


def test_an_answer_can_have_nothing_in_it(unchecked: httpx.Client, control: RemoteControl) -> None:
    control.fault("bare", path="/ad_accounts/*/customer_lists")
    assert unchecked.get(LISTS).json() == {}
    assert unchecked.get(LISTS).json() == {"items": [], "bookmark": None}


def test_a_wrong_order_is_refused(client: httpx.Client) -> None:
    answer = client.get(LISTS, params={"order": "down"})

    assert answer.json() == {
        "code": 1,
        "message": "Invalid request: 'order' value 'down' is not one of ['ASCENDING', 'DESCENDING']",
    }
