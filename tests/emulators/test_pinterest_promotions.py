"""Campaigns down to keywords, tags, catalogs and their metrics, as the emulator tells them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from openapi_contract import NO_TLS

from reconciler.emulators.remote_control import RemoteControl

OWN, SHARED = "549700000001", "549700000002"
TODAY = "2026-09-21"  # 1790000000
AT = f"/ad_accounts/{OWN}"


def put(control: RemoteControl, collection: str, key: str, **fields: Any) -> None:
    control.call("PUT", f"/objects/{collection}/{key}", {"ad_account_id": OWN, **fields})


def put_campaigns(control: RemoteControl) -> None:
    for number, status in enumerate(("ACTIVE", "PAUSED", "ARCHIVED", "DRAFT"), start=1):
        put(
            control,
            "campaigns",
            f"62673500000{number}",
            name=status.lower(),
            status=status,
            objective_type="AWARENESS",
            daily_spend_cap=None,
            created_time=1_780_000_000,
            updated_time=1_780_000_000 + number,
        )


def names(answer: httpx.Response) -> list[str]:
    return [item["name"] for item in answer.json()["items"]]


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ["active", "paused"]),
        ("entity_statuses=ARCHIVED", ["archived"]),
        ("entity_statuses=ACTIVE&entity_statuses=DRAFT", ["active", "draft"]),
        ("campaign_ids=626735000002", ["paused"]),
        ("order=DESCENDING", ["paused", "active"]),
    ],
)
def test_archived_campaigns_are_told_when_asked_for(
    client: httpx.Client, control: RemoteControl, query: str, shown: list[str]
) -> None:
    put_campaigns(control)

    assert names(client.get(f"{AT}/campaigns?{query}")) == shown


def test_lists_may_also_be_written_with_commas(unchecked: httpx.Client, control: RemoteControl) -> None:
    put_campaigns(control)

    assert names(unchecked.get(f"{AT}/campaigns?entity_statuses=ACTIVE,ARCHIVED,DRAFT")) == [
        "active",
        "archived",
        "draft",
    ]


def test_pages_are_followed_by_bookmarks_and_nulls_are_told(client: httpx.Client, control: RemoteControl) -> None:
    put_campaigns(control)
    first = client.get(f"{AT}/campaigns", params={"page_size": 1}).json()
    second = client.get(f"{AT}/campaigns", params={"page_size": 1, "bookmark": first["bookmark"]}).json()

    assert [first["items"][0]["name"], second["items"][0]["name"], second["bookmark"]] == ["active", "paused", None]
    assert first["items"][0]["daily_spend_cap"] is None
    assert first["items"][0]["type"] == "campaign"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/campaigns?entity_statuses=GONE", "Invalid request: 'entity_statuses' value 'GONE' is not one of"),
        ("/campaigns?order=UP", "Invalid request: 'order' value 'UP' is not one of"),
        ("/ads?ad_ids=1&campaign_ids=2", "Invalid request: provide only one of ['campaign_ids', 'ad_ids']"),
        ("/ad_groups?campaign_ids=x", r"'campaign_ids' value 'x' must match the pattern: ^\d+$"),
        ("/campaigns?" + "&".join(["campaign_ids=1"] * 251), "Invalid request: 'campaign_ids' must have at most 250 items"),
        ("/keywords?campaign_id=1&ad_group_id=2", "Invalid request: provide only one of"),
        ("/conversion_tags?filter_deleted=maybe", "Invalid request: 'filter_deleted' value 'maybe' is not a boolean"),
    ],
)  # fmt: skip
def test_wrong_filters_are_refused(client: httpx.Client, path: str, message: str) -> None:
    answer = client.get(AT + path)

    assert answer.status_code == 400
    assert answer.json()["message"].startswith(message)


def test_keywords_are_those_of_one_parent(client: httpx.Client, control: RemoteControl) -> None:
    for key, parent in (("1", OWN), ("2", "2680000000001"), ("3", "626735000001")):
        put(control, "keywords", key, parent_id=parent, parent_type="AD_GROUP", value=f"word {key}", match_type="BROAD")

    for query, told in (("", ["1"]), ("?ad_group_id=2680000000001", ["2"]), ("?campaign_id=626735000001", ["3"])):
        assert [item["id"] for item in client.get(f"{AT}/keywords{query}").json()["items"]] == [*told]


def test_tags_have_no_pages_and_deleted_ones_can_be_left_out(client: httpx.Client, control: RemoteControl) -> None:
    for key, status in (("1", "ACTIVE"), ("2", "ARCHIVED")):
        put(control, "conversion_tags", key, name=f"tag {key}", status=status, last_fired_time_ms=None)

    assert client.get(f"{AT}/conversion_tags").json().keys() == {"items"}
    assert names(client.get(f"{AT}/conversion_tags")) == ["tag 1", "tag 2"]
    assert names(client.get(f"{AT}/conversion_tags?filter_deleted=true")) == ["tag 1"]


def test_catalogs_are_those_of_the_account_in_the_query(unchecked: httpx.Client, control: RemoteControl) -> None:
    # Not held against the description: it asks for a zone in these times, which recorded ones do not have.
    none = unchecked.get("/catalogs/product_groups", params={"ad_account_id": OWN})
    assert (none.status_code, none.json()["code"]) == (409, 4182)
    put(
        control,
        "catalogs",
        "2680059592705",
        name="shop",
        catalog_type="RETAIL",
        created_at="2026-03-14T15:15:22",
        updated_at="2026-03-14T15:16:34",
    )

    assert names(unchecked.get("/catalogs", params={"ad_account_id": OWN})) == ["shop"]
    assert names(unchecked.get("/catalogs", params={"ad_account_id": SHARED})) == []
    assert unchecked.get("/catalogs/product_groups", params={"ad_account_id": OWN}).json()["items"] == []


def put_metrics(
    control: RemoteControl, day: str, level: str = "CAMPAIGN", key: str = "626735000001", **values: int
) -> None:
    told = {"ad_account_id": OWN, "level": level, "id": key, "date": day, "values": values}
    control.call("POST", "/metrics", told)


QUESTION = {
    "start_date": "2026-09-14",
    "end_date": TODAY,
    "campaign_ids": "626735000001",
    "columns": "SPEND_IN_DOLLAR,TOTAL_CLICKTHROUGH",
    "granularity": "DAY",
}


@pytest.mark.parametrize(
    ("granularity", "rows"),
    [
        ("DAY", [("2026-09-14", 3), ("2026-09-15", 4), ("2026-09-21", 5)]),
        ("WEEK", [("2026-09-14", 7), ("2026-09-21", 5)]),
        ("MONTH", [("2026-09-14", 12)]),
        ("TOTAL", [(None, 12)]),
        ("HOUR", []),
    ],
)
def test_metrics_are_a_bare_list_with_dates_by_granularity(
    client: httpx.Client, control: RemoteControl, granularity: str, rows: list[tuple[str | None, int]]
) -> None:
    for day, spend in (("2026-09-14", 3), ("2026-09-15", 4), ("2026-09-21", 5), ("2026-09-13", 9)):
        put_metrics(control, day, SPEND_IN_DOLLAR=spend)
    put_metrics(control, "2026-09-15", key="626735000002", SPEND_IN_DOLLAR=8)
    start = {"start_date": "2026-09-19"} if granularity == "HOUR" else {}

    answer = client.get(f"{AT}/campaigns/analytics", params={**QUESTION, **start, "granularity": granularity}).json()

    assert [(row.get("DATE"), row["SPEND_IN_DOLLAR"]) for row in answer] == rows
    assert all(row.keys() - {"DATE"} == {"CAMPAIGN_ID", "SPEND_IN_DOLLAR"} for row in answer)


@pytest.mark.parametrize(
    ("path", "level", "ids"),
    [
        ("/analytics", "ADVERTISER", {}),
        ("/ad_groups/analytics", "AD_GROUP", {"ad_group_ids": OWN}),
        ("/ads/analytics", "PIN_PROMOTION", {"ad_ids": OWN}),
    ],
)
def test_every_level_names_whose_metrics_they_are(
    client: httpx.Client, control: RemoteControl, path: str, level: str, ids: dict[str, str]
) -> None:
    column = {"ADVERTISER": "AD_ACCOUNT_ID", "AD_GROUP": "AD_GROUP_ID", "PIN_PROMOTION": "AD_ID"}[level]
    put_metrics(control, TODAY, level, OWN, SPEND_IN_DOLLAR=3)
    question = {name: value for name, value in QUESTION.items() if name != "campaign_ids"}

    answer = client.get(AT + path, params={**question, **ids}).json()

    assert answer == [{column: OWN, "DATE": TODAY, "SPEND_IN_DOLLAR": 3}]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"start_date": "2026-06-22"}, "You can only get data from the last 90 days."),
        ({"granularity": "HOUR", "start_date": "2026-09-12"}, "You can only get data from the last 8 days."),
        ({"granularity": "HOUR"}, "The time range specified is too large, it must be less than 3 days"),
        ({"start_date": "yesterday"}, "Invalid request: 'start_date' value 'yesterday' is not a 'date'"),
        ({"end_date": "2026-09-01"}, "Invalid request: 'end_date' must not be before 'start_date'"),
        ({"granularity": "WEEKLY"}, "Invalid request: 'granularity' value 'WEEKLY' is not one of"),
        ({"campaign_ids": ""}, "Invalid request: 'campaign_ids' is a required property"),
        ({"columns": ""}, "Invalid request: 'columns' is a required property"),
    ],
)
def test_questions_that_cannot_be_answered_are_refused(
    client: httpx.Client, change: dict[str, str], message: str
) -> None:
    answer = client.get(f"{AT}/campaigns/analytics", params={**QUESTION, **change})

    assert answer.status_code == 400
    assert answer.json()["message"].startswith(message)


TARGETING = {
    "start_date": "2026-09-14",
    "end_date": TODAY,
    "columns": "SPEND_IN_DOLLAR,TOTAL_CLICKTHROUGH",
    "granularity": "DAY",
    "targeting_types": "GENDER,LOCATION",
}


def put_targeting(control: RemoteControl, day: str, kind: str, value: str | int, spend: int) -> None:
    told = {"ad_account_id": OWN, "level": "ADVERTISER_TARGETING", "id": OWN, "date": day}
    by = {"TARGETING_TYPE": kind, "TARGETING_VALUE": value}
    control.call("POST", "/metrics", {**told, "values": {"SPEND_IN_DOLLAR": spend}, "by": by})


@pytest.mark.parametrize("granularity", ["DAY", "TOTAL"])
def test_targeting_is_told_for_each_type_on_its_own(
    client: httpx.Client, control: RemoteControl, granularity: str
) -> None:
    for day, kind, value, spend in (
        ("2026-09-14", "GENDER", "female", 3),
        (TODAY, "GENDER", "female", 4),
        (TODAY, "LOCATION", 500, 5),
        (TODAY, "AGE_BUCKET", "45-49", 6),
        ("2026-09-13", "GENDER", "female", 7),
    ):
        put_targeting(control, day, kind, value, spend)

    answer = client.get(f"{AT}/targeting_analytics", params={**TARGETING, "granularity": granularity}).json()

    told = [
        (row["targeting_type"], row["targeting_value"], row["metrics"]["SPEND_IN_DOLLAR"]) for row in answer["data"]
    ]
    by_day = [("GENDER", "female", 3), ("LOCATION", 500, 5), ("GENDER", "female", 4)]
    assert told == (by_day if granularity == "DAY" else [("GENDER", "female", 7), ("LOCATION", 500, 5)])
    dates = [row["metrics"].get("DATE") for row in answer["data"]]
    assert dates == (["2026-09-14", TODAY, TODAY] if granularity == "DAY" else [None, None])
    assert answer.keys() == {"data"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"targeting_types": ""}, "Invalid request: 'targeting_types' must have 1 to 15 items"),
        ({"targeting_types": ",".join(["GENDER"] * 16)}, "Invalid request: 'targeting_types' must have 1 to 15 items"),
        ({"targeting_types": "MEDIA_TYPE"}, "Invalid request: 'targeting_types' value 'MEDIA_TYPE' is not one of"),
        ({"columns": ""}, "Invalid request: 'columns' is a required property"),
        ({"start_date": "2026-06-22"}, "You can only get data from the last 90 days."),
    ],
)
def test_targeting_that_cannot_be_told_is_refused(client: httpx.Client, change: dict[str, str], message: str) -> None:
    answer = client.get(f"{AT}/targeting_analytics", params={**TARGETING, **change})

    assert answer.status_code == 400
    assert answer.json()["message"].startswith(message)


def test_metrics_need_a_role_that_may_see_them(unchecked: httpx.Client, control: RemoteControl) -> None:
    for role, status in (("ANALYST", 200), ("CAMPAIGN_MANAGER", 200), ("AUDIENCE_MANAGER", 403)):
        control.call("PUT", f"/accounts/{SHARED}", {"name": "Partner shop", "permissions": [role]})
        answer = unchecked.get(f"/ad_accounts/{SHARED}/campaigns/analytics", params=QUESTION)
        assert answer.status_code == status


REPORT = {
    "start_date": "2026-03-20",
    "end_date": TODAY,
    "granularity": "DAY",
    "level": "CAMPAIGN",
    "columns": ["SPEND_IN_DOLLAR", "CAMPAIGN_ID"],
}


ITEMS = {"level": "PRODUCT_ITEM", "start_date": "2026-08-21"}
APART = {"level": "CAMPAIGN_TARGETING"}


@pytest.mark.parametrize(
    ("level", "own"),
    [
        ("PRODUCT_GROUP", {"PRODUCT_GROUP_ID": "7"}),
        ("PRODUCT_ITEM", {}),
        ("KEYWORD", {}),
        ("AD_GROUP_TARGETING", {"AD_GROUP_ID": "7"}),
        ("PRODUCT_ITEM_TARGETING", {}),
    ],
)
def test_reports_of_all_levels_have_their_rows_by_id(
    client: httpx.Client, control: RemoteControl, level: str, own: dict[str, str]
) -> None:
    control.knobs(report_s=0)
    is_targeted = level.endswith("_TARGETING")
    for kind, value, spend in (("GENDER", "female", 3), ("GENDER", "male", 4), ("LOCATION", 500, 5)):
        by = {"TARGETING_TYPE": kind, "TARGETING_VALUE": value} if is_targeted else {"CAMPAIGN_ID": value}
        told = {"ad_account_id": OWN, "level": level, "id": "7", "date": TODAY, "values": {"SPEND_IN_DOLLAR": spend}}
        control.call("POST", "/metrics", {**told, "by": by})
    chosen = {"targeting_types": ["GENDER"]} if is_targeted else {}
    asked = client.post(f"{AT}/reports", json={**REPORT, "start_date": TODAY, "level": level, **chosen}).json()
    url = client.get(f"{AT}/reports", params={"token": asked["token"]}).json()["url"]

    with httpx.Client(verify=NO_TLS) as nobody:
        [(key, rows)] = nobody.get(url).json().items()
    name = "TARGETING_VALUE" if is_targeted else "CAMPAIGN_ID"
    assert key == "7"
    assert [(row["SPEND_IN_DOLLAR"], row[name]) for row in rows] == (
        [(3, "female"), (4, "male")] if is_targeted else [(5, 500), (3, "female"), (4, "male")]
    )
    apart = {"TARGETING_TYPE": "GENDER"} if is_targeted else {}
    assert all(row.items() >= {**own, **apart, "DATE": TODAY}.items() for row in rows)
    assert all(len(row) == len(own) + len(apart) + 3 for row in rows)


@pytest.mark.parametrize(("level", "by"), [("CAMPAIGN_TARGETING", {}), ("CAMPAIGN", {"TARGETING_TYPE": "GENDER"})])
def test_targeting_is_of_its_own_levels(control: RemoteControl, level: str, by: dict[str, str]) -> None:
    told = {"ad_account_id": OWN, "level": level, "id": "7", "date": TODAY, "values": {}, "by": by}
    with pytest.raises(ValueError, match="for levels that end in _TARGETING"):
        control.call("POST", "/metrics", told)


def test_a_report_takes_its_time_and_is_fetched_without_credentials(
    client: httpx.Client, control: RemoteControl
) -> None:
    put_metrics(control, "2026-03-21", SPEND_IN_DOLLAR=4)
    put_metrics(control, "2026-03-22", SPEND_IN_DOLLAR=0)
    asked = client.post(f"{AT}/reports", json=REPORT).json()
    where = {"token": asked["token"]}
    assert asked["report_status"] == "IN_PROGRESS"
    assert client.get(f"{AT}/reports", params=where).json()["report_status"] == "IN_PROGRESS"
    control.advance(30)
    told = client.get(f"{AT}/reports", params=where).json()
    assert client.post(f"{AT}/reports", json=REPORT).json()["report_status"] == "FINISHED"

    rows = {"626735000001": [{"CAMPAIGN_ID": "626735000001", "DATE": "2026-03-21", "SPEND_IN_DOLLAR": 4}]}
    assert told["report_status"] == "FINISHED"
    with httpx.Client(verify=NO_TLS) as nobody:
        answer = nobody.get(told["url"])
        assert (answer.json(), len(answer.content)) == (rows, told["size"])
        assert nobody.get(told["url"], headers={"authorization": "Bearer x"}).status_code == 400
        control.advance(300)
        assert nobody.get(told["url"]).status_code == 403, "the link lives five minutes"
    control.advance(3_600)
    assert client.get(f"{AT}/reports", params=where).json()["report_status"] == "EXPIRED"
    assert client.get(f"{AT}/reports", params={"token": "x=="}).json()["report_status"] == "DOES_NOT_EXIST"


@pytest.mark.parametrize("fate", ["FAILED", "CANCELLED", "EXPIRED"])
def test_a_report_may_come_to_nothing_and_be_asked_for_again(
    client: httpx.Client, control: RemoteControl, fate: str
) -> None:
    control.knobs(report_fate=fate, report_s=0)
    token = client.post(f"{AT}/reports", json=REPORT).json()["token"]
    assert client.get(f"{AT}/reports", params={"token": token}).json() == {
        "report_status": fate,
        "url": None,
        "size": None,
    }
    control.knobs(report_fate="FINISHED")
    client.post(f"{AT}/reports", json=REPORT)
    assert client.get(f"{AT}/reports", params={"token": token}).json()["report_status"] == "FINISHED"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"start_date": "2024-01-01"}, "You can only get data from the last 914 days."),
        ({"start_date": "2026-03-01"}, "The time range specified is too large, it must be less than 186 days"),
        ({"columns": []}, "Invalid request: 'columns' is a required property"),
        ({"level": "KEYWORD_"}, "Invalid request: 'level' value 'KEYWORD_' is not one of"),
        ({"level": "PRODUCT_ITEM", "start_date": "2026-06-20"}, "You can only get data from the last 92 days."),
        (
            {"level": "PRODUCT_ITEM", "start_date": "2026-08-20"},
            "The time range specified is too large, it must be less than 31 days",
        ),
        ({**ITEMS, "ad_ids": ["1"]}, "Invalid request: 'ad_ids' is not allowed for Product Item level reports"),
        ({**ITEMS, "ad_statuses": ["PAUSED"]}, "Invalid request: 'ad_statuses' is not allowed for Product Item"),
        ({**ITEMS, "columns": ["AD_ID"]}, "Invalid request: column AD_ID is not allowed for Product Item level"),
        ({**ITEMS, "columns": ["PIN_PROMOTION_ID"]}, "Invalid request: column PIN_PROMOTION_ID is not allowed"),
        (
            {"targeting_types": ["GENDER"]},
            "Invalid request: 'targeting_types' requires 'level' to be a value ending in",
        ),
        ({**APART, "targeting_types": []}, "Invalid request: 'targeting_types' must have 1 to 5 items"),
        ({**APART, "targeting_types": ["GENDER"] * 6}, "Invalid request: 'targeting_types' must have 1 to 5 items"),
        ({**APART, "targeting_types": ["SEX"]}, "Invalid request: 'targeting_types' value 'SEX' is not one of"),
        ({**APART, "targeting_types": ["MEDIA_TYPE"]}, "Invalid request: MEDIA_TYPE is only available in PRODUCT_ITEM"),
        (
            {**APART, "level": "AD_GROUP_TARGETING", "targeting_types": ["AUDIENCE_MULTIPLIER"]},
            "Invalid request: AUDIENCE_MULTIPLIER is only available in CAMPAIGN_TARGETING level",
        ),
    ],
)
def test_reports_that_cannot_be_made_are_refused(client: httpx.Client, change: dict[str, Any], message: str) -> None:
    answer = client.post(f"{AT}/reports", json={**REPORT, **change})

    assert answer.status_code == 400
    assert answer.json()["message"].startswith(message)
