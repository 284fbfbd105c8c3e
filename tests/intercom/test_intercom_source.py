"""What a load from Intercom brings, asks and survives. Requests and answers are held against Intercom's description."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from intercom_loads import Loads, Watching
from openapi_contract import NO_TLS, CheckedTransport

from reconciler.emulators.intercom.sandbox import IntercomSandbox
from reconciler.emulators.intercom.world import World
from reconciler.errors import Denied, Permanent, TdrError, Transient

FIRST = 1_780_000_000


@pytest.fixture
def loads(sandbox: IntercomSandbox, checked: CheckedTransport, tmp_path: Path) -> Callable[..., Loads]:
    return lambda **settings: Loads(sandbox, tmp_path, checked, **settings)


@pytest.fixture
def unchecked(sandbox: IntercomSandbox, tmp_path: Path) -> Callable[..., Loads]:
    """Without the description, for answers that are spoiled on purpose."""
    return lambda **settings: Loads(sandbox, tmp_path, httpx.HTTPTransport(verify=NO_TLS), **settings)


def people(world: World, number: int, **more: Any) -> None:
    for index in range(number):
        world.put_contact(f"c{index:04}", {"updated_at": FIRST + index, "email": f"p{index}@example.com", **more})


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows]


# -- what comes --------------------------------------------------------------------------------------------------------


def test_users_are_contacts_that_are_no_leads_in_flat_columns(loads: Callable[..., Loads], world: World) -> None:
    world.put_contact("u1", {"external_id": "70", "custom_attributes": {"plan": "Größe L"}, "updated_at": FIRST})
    world.put_contact("l1", {"role": "lead", "updated_at": FIRST})
    load = loads(target="users")

    (row,) = load.run()

    assert list(row)[:3] == ["id", "external_id", "email"]
    assert (row["id"], row["external_id"], row["updated_at"], row["has_hard_bounced"]) == ("u1", "70", FIRST, False)
    assert json.loads(row["custom_attributes"]) == {"plan": "Größe L"}
    assert json.loads(row["tags"])["total_count"] == 0
    assert {load.types[name] for name in ("created_at", "last_seen_at")} == {"BIGINT"}
    assert load.types["phone"] == "VARCHAR"


def test_a_field_that_nobody_knows_yet_comes_as_one_more_column(loads: Callable[..., Loads], world: World) -> None:
    world.put_contact("u1", {"updated_at": FIRST, "sms_consent": True, "consents": [{"of": "mail"}]})
    world.put_contact("u2", {"updated_at": FIRST + 1, "sms_consent": None})
    load = loads(target="users")
    rows = load.run()
    assert [row["sms_consent"] for row in rows] == [True, None]
    assert [row["consents"] for row in rows] == ['[{"of":"mail"}]', None]
    assert list(load.types)[-2:] == ["sms_consent", "consents"]


def test_leads_come_on_request(loads: Callable[..., Loads], world: World) -> None:
    world.put_contact("u1", {"updated_at": FIRST})
    world.put_contact("l1", {"role": "lead", "updated_at": FIRST + 1})
    assert ids(loads(target="users", leads=True).run()) == ["u1", "l1"]


def test_columns_are_the_same_whatever_the_rows_say(loads: Callable[..., Loads], world: World) -> None:
    load = loads(target="users")
    assert load.run() == []
    empty = dict(load.types)
    people(world, 3)
    load.run()
    assert load.types == empty


def test_the_names_of_the_retired_api_come_on_request(loads: Callable[..., Loads], world: World) -> None:
    location = {"type": "location", "country": "Japan", "region": "Tokyo", "city": "Shibuya"}
    world.put_contact(
        "u1", {"external_id": "70", "last_seen_at": 5, "signed_up_at": 3, "location": location, "updated_at": FIRST}
    )
    (row,) = loads(target="users", old_names=True).run()
    assert list(row)[:3] == ["id", "user_id", "email"]
    assert (row["user_id"], row["last_request_at"], row["remote_created_at"]) == ("70", 5, 3)
    assert json.loads(row["location_data"])["city_name"] == "Shibuya"
    assert "external_id" not in row


def test_a_contact_of_many_tags_and_companies_comes_with_all(loads: Callable[..., Loads], world: World) -> None:
    tags = [f"t{number}" for number in range(12)]
    companies = [f"k{number}" for number in range(75)]
    world.put_contact("u1", {"tag_ids": tags, "company_ids": companies, "updated_at": FIRST})
    (row,) = loads(target="users").run()
    assert [one["id"] for one in json.loads(row["tags"])["data"]] == tags
    assert [one["id"] for one in json.loads(row["companies"])["data"]] == companies


def test_conversations_come_with_parts_on_request_only(loads: Callable[..., Loads], world: World) -> None:
    world.put_conversation("7", {"updated_at": FIRST, "parts": [{"body": "<p>Hello</p>"}]})
    assert "conversation_parts" not in loads(target="conversations").run()[0]
    (row,) = loads(target="conversations", parts=True).run()
    parts = json.loads(row["conversation_parts"])["conversation_parts"]
    assert [one["body"] for one in parts] == ["<p>Hello</p>"]
    assert row["open"] is True


def test_tags_and_segments_come_whole(loads: Callable[..., Loads], world: World) -> None:
    world.put_tag("t1", {"name": "vip"})
    world.put_segment("s1", {"name": "Active", "count": 3})
    assert loads(target="tags").run() == [{"id": "t1", "type": "tag", "name": "vip"}]
    assert [(row["name"], row["count"]) for row in loads(target="segments").run()] == [("Active", 3)]


@pytest.mark.parametrize("end", ["empty", "not_found"])
def test_companies_come_by_a_scroll_whose_parameter_stays(
    loads: Callable[..., Loads], world: World, sandbox: IntercomSandbox, end: str
) -> None:
    sandbox.control.knobs(scroll_end=end)
    for number in range(250):
        world.put_company(f"k{number:03}", {})
    assert ids(loads(target="companies").run()) == [f"k{number:03}" for number in range(250)]


@pytest.mark.parametrize("fault", [{"kind": "cut"}, {"kind": "answer_lost"}, {"kind": "error", "status": 502}])
def test_a_scroll_that_failed_begins_again(
    loads: Callable[..., Loads], world: World, sandbox: IntercomSandbox, fault: dict[str, Any]
) -> None:
    for number in range(150):
        world.put_company(f"k{number:03}", {})
    sandbox.control.fault(**fault, path="/companies/scroll", nth=2)
    load = loads(target="companies")
    assert ids(load.run()) == [f"k{number:03}" for number in range(150)]
    assert sum(load.clock.slept) >= 60, "another scroll of the app is open for a minute"


def test_a_preview_reads_no_more_than_it_shows(
    loads: Callable[..., Loads], world: World, sandbox: IntercomSandbox
) -> None:
    people(world, 400)
    assert len(loads(target="users").run(enough=20)) == 150
    assert len(sandbox.control.traffic()) == 1


# -- pages -------------------------------------------------------------------------------------------------------------


def test_every_page_says_how_large_it_is_and_carries_its_cursor_in_the_body(
    sandbox: IntercomSandbox, checked: CheckedTransport, world: World, tmp_path: Path
) -> None:
    people(world, 301)
    watching = Watching(checked)

    rows = Loads(sandbox, tmp_path, watching, target="users").run()

    assert len(rows) == 301
    pagination = [body["pagination"] for body in watching.bodies()]
    assert [one["per_page"] for one in pagination] == [150, 150, 150]
    assert ["starting_after" in one for one in pagination] == [False, True, True]
    assert all(not one.url.query for one in watching.requests)
    assert {one.headers["intercom-version"] for one in watching.requests} == {"2.16"}


def test_an_empty_page_with_a_cursor_is_not_the_end(
    loads: Callable[..., Loads], world: World, sandbox: IntercomSandbox
) -> None:
    sandbox.control.knobs(empty_pages=True)
    for index in range(450):
        role = "user" if index in {0, 449} else "lead"
        world.put_contact(f"c{index:04}", {"role": role, "updated_at": FIRST + index})
    assert ids(loads(target="users").run()) == ["c0000", "c0449"]


@pytest.mark.parametrize("end", ["null", "absent", "no_pages", "empty"])
def test_no_empty_cursor_is_ever_sent(
    sandbox: IntercomSandbox, checked: CheckedTransport, world: World, tmp_path: Path, end: str
) -> None:
    sandbox.control.knobs(end_cursor=end)
    people(world, 151)
    watching = Watching(checked)
    assert len(Loads(sandbox, tmp_path, watching, target="users").run()) == 151
    assert len(watching.requests) == 2
    assert all(body["pagination"].get("starting_after", "x") for body in watching.bodies())


def test_a_cursor_that_comes_back_is_an_error_that_names_it(
    loads: Callable[..., Loads], world: World, sandbox: IntercomSandbox
) -> None:
    people(world, 400)
    sandbox.control.fault("page_repeated", path="/contacts/search", nth=2, count=None)
    load = loads(target="users", incremental=True)
    with pytest.raises(Transient, match=r"answered 200 with the cursor 'W.*' twice, so its pages never end"):
        load.run()
    assert load.position == {}


def test_a_contact_that_changes_while_pages_are_read_comes_once_and_as_it_is_then(
    sandbox: IntercomSandbox, checked: CheckedTransport, world: World, tmp_path: Path
) -> None:
    people(world, 200)

    def meanwhile(number: int) -> None:
        if number == 2:
            world.put_contact("c0000", {"name": "changed"})

    rows = Loads(sandbox, tmp_path, Watching(checked, meanwhile), target="users").run()

    assert sorted(ids(rows)) == [f"c{number:04}" for number in range(200)]
    assert [row["name"] for row in rows if row["id"] == "c0000"] == ["changed"]


# -- what goes wrong ---------------------------------------------------------------------------------------------------

FAULTS: dict[str, dict[str, Any]] = {
    "429": {"kind": "rate_limited", "reset_s": 7},
    "500": {"kind": "error", "status": 500},
    "503 with a wait": {"kind": "error", "status": 503, "retry_after_s": 3},
    "a page of a gateway": {"kind": "html"},
    "a page that says 200": {"kind": "html", "status": 200},
    "slow": {"kind": "slow", "delay_s": 0.05},
    "cut": {"kind": "cut"},
    "cut midway": {"kind": "cut_midway"},
    "answer lost": {"kind": "answer_lost"},
    "truncated": {"kind": "truncated"},
    "malformed": {"kind": "malformed"},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("target", ["users", "conversations"])
def test_what_passes_by_itself_changes_nothing(
    unchecked: Callable[..., Loads],
    world: World,
    sandbox: IntercomSandbox,
    fault: dict[str, Any],
    nth: int,
    target: str,
) -> None:
    people(world, 160)
    for index in range(160):
        world.put_conversation(str(1000 + index), {"updated_at": FIRST + index})
    undisturbed = unchecked(target=target).run()
    sandbox.control.fault(**fault, nth=nth, count=2)
    assert unchecked(target=target).run() == undisturbed


def test_a_window_that_is_used_up_is_waited_for_and_not_asked_in_vain(
    loads: Callable[..., Loads], world: World, sandbox: IntercomSandbox
) -> None:
    sandbox.control.knobs(calls_per_window=2)
    people(world, 700)
    load = loads(target="users")
    assert len(load.run()) == 700
    assert [one["status"] for one in sandbox.control.traffic()] == [200, 200, 429, 200, 200, 429, 200]
    assert all(9 <= slept <= 12 for slept in load.clock.slept)


def test_a_failure_that_stays_ends_the_load_and_keeps_nothing(
    unchecked: Callable[..., Loads], world: World, sandbox: IntercomSandbox
) -> None:
    people(world, 400)
    load = unchecked(target="users", incremental=True)
    sandbox.control.fault("cut", nth=3, count=None)
    with pytest.raises(Transient):
        load.run()
    assert (load.position, load.table) == ({}, {})
    sandbox.control.clear_faults()
    assert len(load.run()) == 400


def test_a_wrong_token_is_refused_with_what_to_look_at(loads: Callable[..., Loads]) -> None:
    load = loads(target="tags")
    load.source["access_token"] = "another-token-than-that"
    with pytest.raises(Denied) as refused:
        load.run()
    assert refused.value.hint.startswith("look whether the token is right and of this region")
    assert "another-token" not in str(refused.value)


@pytest.mark.parametrize(("status", "path"), [(410, "/contacts/*/tags"), (404, "/contacts/*/companies")])
def test_a_contact_that_vanishes_on_the_way_is_left_out_and_counted(
    loads: Callable[..., Loads], world: World, sandbox: IntercomSandbox, status: int, path: str
) -> None:
    many: Any = [f"x{number}" for number in range(11)]
    world.put_contact("u1", {"tag_ids": many, "company_ids": many, "updated_at": FIRST})
    world.put_contact("u2", {"updated_at": FIRST + 1})
    sandbox.control.fault("error", status=status, path=path)
    load = loads(target="users")
    assert ids(load.run()) == ["u2"]
    assert load.loaded is not None
    assert load.loaded.notices == ("1 were gone before they could be read whole, and are left out",)


def test_a_conversation_that_vanishes_on_the_way_is_left_out(
    sandbox: IntercomSandbox, checked: CheckedTransport, world: World, tmp_path: Path
) -> None:
    for index in range(3):
        world.put_conversation(str(index), {"updated_at": FIRST + index})

    def meanwhile(number: int) -> None:
        if number == 1:
            world.conversations.now.pop("1")  # search has not noticed yet

    rows = Loads(sandbox, tmp_path, Watching(checked, meanwhile), target="conversations", parts=True).run()
    assert ids(rows) == ["0", "2"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"target": "tags", "incremental": True}, "target tags has no incremental mode: Intercom tells tags whole"),
        ({"target": "segments", "incremental": "true"}, "target segments has no incremental mode"),
        ({"target": "user"}, "`target` of the Intercom source is no target"),
        ({}, "`target` of the Intercom source is missing"),
        ({"target": "users", "incrmental": True}, "`incrmental` is not a setting of an Intercom source"),
        ({"target": "users", "access_token": ""}, "`access_token` of the Intercom source is missing"),
        ({"target": "users", "access_token": "xxxxxxx"}, "`access_token` of the Intercom source is a placeholder"),
        (
            {"target": "users", "access_token": "", "app_id": "a1", "api_key": "k"},
            "Intercom has retired app ids with API keys",
        ),
        ({"target": "users", "overlap": -1}, "`overlap` of the Intercom source"),
    ],
    ids=lambda value: json.dumps(value)[:40] if isinstance(value, dict) else None,
)
def test_settings_that_cannot_work_are_refused_before_anything_is_asked(
    loads: Callable[..., Loads], sandbox: IntercomSandbox, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(Permanent) as refused:
        loads(**settings).run()
    assert str(refused.value).startswith(message)
    assert sandbox.control.traffic() == []


def test_no_error_shows_a_person_or_the_token(
    unchecked: Callable[..., Loads], world: World, sandbox: IntercomSandbox
) -> None:
    people(world, 3)
    told: list[str] = []
    for kind in ("truncated", "malformed", "cut_midway"):
        sandbox.control.clear_faults()
        sandbox.control.fault(kind, count=None)
        with pytest.raises(TdrError) as failed:
            unchecked(target="users").run()
        told.append(f"{failed.value} {failed.value.hint} {failed.value.__cause__!r}")
    assert not [text for text in told if "@example.com" in text or "dG9r" in text]


def test_parts_that_are_fetched_side_by_side_wait_for_the_next_window_together(
    loads: Callable[..., Loads], world: World, sandbox: IntercomSandbox
) -> None:
    sandbox.control.knobs(calls_per_window=20)
    for index in range(60):
        world.put_conversation(str(1000 + index), {"updated_at": FIRST + index, "parts": [{"body": str(index)}]})

    rows = loads(target="conversations", parts=True).run()

    assert [json.loads(row["conversation_parts"])["conversation_parts"][0]["body"] for row in rows] == [
        str(index) for index in range(60)
    ]
