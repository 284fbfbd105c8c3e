"""Loads of advertising from the emulator over real HTTP, run by run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from memory_tokens import MemoryTokens

from reconciler.connectors.sources.pinterest_marketing import PinterestMarketingSource, connector
from reconciler.connectors.sources.pinterest_marketing_tables import TABLES
from reconciler.emulators.pinterest.knobs import Knobs
from reconciler.emulators.pinterest.tokens import AppCredentials
from reconciler.emulators.sandbox import Sandbox
from reconciler.emulators.timeline import Timeline
from reconciler.errors import Permanent, Transient
from reconciler.model.advertising import AdTable
from reconciler.model.json import Json
from reconciler.ports.loads import LoadedRows, LoadRequest

OWN = "549700000001"
TODAY = date(2026, 9, 21)
SECRET = "secret-of-the-app"
FACTS = Path(__file__).resolve().parents[3] / "shared/facts/pinterest.md"


class TimelineClock:
    """The emulator's time, which goes on only by waiting."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline

    def now(self) -> float:
        return self._timeline.now()

    def sleep(self, seconds: float) -> None:
        self._timeline.advance(seconds)


class Loads:
    """Loads from one emulator. *position* is of the last run; *told*: what it brought."""

    def __init__(self, sandbox: Sandbox, timeline: Timeline, folder: Path) -> None:
        self.sandbox, self.folder = sandbox, folder
        clock = TimelineClock(timeline)
        self.source = PinterestMarketingSource(connector(MemoryTokens(), base_url=sandbox.base_url, clock=clock), clock)
        self.position: Mapping[str, Json] = {}
        self.told: LoadedRows | None = None

    def run(self, table: str, **settings: Json) -> list[dict[str, Any]]:
        asked: dict[str, Json] = {
            "type": "pinterest_marketing",
            "client_id": "1500001",
            "client_secret": SECRET,
            "refresh_token": "pinr.granted",
            "ad_account_id": OWN,
            "table": table,
            **settings,
        }
        with duckdb.connect(config={"temp_directory": str(self.folder)}) as connection:
            request = LoadRequest(asked, "1", position=self.position)
            self.told = self.source.read(request, connection, lambda *_: None)
            self.position = self.told.position or self.position
            found = connection.sql(f"SELECT * FROM {self.told.relation}")
            return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]

    def put(self, collection: str, key: str, **fields: Any) -> None:
        self.sandbox.control.call("PUT", f"/objects/{collection}/{key}", {"ad_account_id": OWN, **fields})

    def campaign(self, key: str, updated: int, status: str = "ACTIVE") -> None:
        self.put(
            "campaigns", key, name=f"of {key}", status=status, updated_time=updated, tracking_urls={"click": ["x"]}
        )

    def metrics(self, level: str, key: str, day: str, spend: int, **by: str | int) -> None:
        told = {
            "ad_account_id": OWN,
            "level": level,
            "id": key,
            "date": day,
            "values": {"SPEND_IN_MICRO_DOLLAR": spend},
            "by": by,
        }
        self.sandbox.control.call("POST", "/metrics", told)


@pytest.fixture
def loads(tmp_path: Path) -> Iterator[Loads]:
    """1790000000 is 2026-09-21."""
    timeline = Timeline(lambda: 1_790_000_000.0)
    credentials = AppCredentials("1500001", SECRET, "pinr.granted")
    with Sandbox(credentials, knobs=Knobs(rate_tier="off"), timeline=timeline) as sandbox:
        yield Loads(sandbox, timeline, tmp_path)


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows]


def test_archived_rows_come_and_later_runs_bring_what_changed(loads: Loads) -> None:
    for number, status in enumerate(("ACTIVE", "PAUSED", "ARCHIVED", "DRAFT", "DELETED_DRAFT"), start=1):
        loads.campaign(f"62673500000{number}", 1_780_000_000 + number, status)
    first = loads.run("campaigns")
    loads.campaign("626735000002", 1_780_000_009, "ARCHIVED")

    assert len(first) == 5
    assert first[0]["tracking_urls"] == '{"click":["x"]}'
    assert ids(loads.run("campaigns")) == ["626735000002", "626735000005"], "what is as new as the newest comes again"
    assert loads.told is not None
    assert (loads.told.key, loads.told.whole) == (("id",), False)
    question = {"table": "campaigns", "ad_account_id": OWN, "start_time": None}
    assert loads.position == {**question, "cursor": 1_780_000_009}
    assert len(loads.run("campaigns", method="reload-and-compare")) == 5


def test_a_position_of_another_table_says_nothing(loads: Loads) -> None:
    loads.campaign("626735000001", 1_780_000_001)
    loads.position = {"table": "ads", "ad_account_id": OWN, "cursor": 1_790_000_000}

    assert ids(loads.run("campaigns")) == ["626735000001"]


def test_changes_are_chosen_by_day(loads: Loads) -> None:
    for number, day in enumerate((0, 1, 2), start=1):
        loads.campaign(str(number), 1_780_012_800 + day * 86_400)  # 2026-05-29 and the days after

    assert ids(loads.run("campaigns", start_time="2026-05-30", end_time="2026-05-30")) == ["2"]


def test_rows_without_a_time_come_unless_somebody_says_otherwise(loads: Loads) -> None:
    loads.campaign("1", 1_780_012_800)  # 2026-05-29
    loads.campaign("2", 1_780_099_200)
    loads.put("campaigns", "3", status="ACTIVE", updated_time=None)

    assert ids(loads.run("campaigns", start_time="2026-05-30")) == ["2", "3"]
    loads.position = {}
    assert ids(loads.run("campaigns", start_time="2026-05-30", undated=False)) == ["2"]
    with pytest.raises(Permanent, match="`undated` is for rows of objects"):
        loads.run("campaigns", undated=True)


def test_keywords_of_all_parents_come_and_need_a_comparison(loads: Loads) -> None:
    loads.campaign("7", 1)
    loads.put("ad_groups", "8", campaign_id="7", status="ARCHIVED", updated_time=1)
    for key, parent in (("1", OWN), ("2", "7"), ("3", "8")):
        loads.put("keywords", key, parent_id=parent, value="shoes", match_type="BROAD")

    assert ids(loads.run("keywords", method="reload-and-compare")) == ["1", "2", "3"]
    assert loads.told is not None
    assert loads.told.whole
    with pytest.raises(Permanent, match="tells no times of changes"):
        loads.run("keywords")


def test_accounts_and_whose_they_are(loads: Loads) -> None:
    accounts = loads.run("ad_accounts", method="reload-and-compare")
    assert OWN in ids(accounts)
    assert loads.told is not None
    assert loads.told.key == ("id",)
    (own,) = loads.run("user_account", method="reload")
    assert own["username"] == "sandbox"
    with pytest.raises(Permanent, match="tells no times of changes"):
        loads.run("user_account")


def test_audiences_of_ones_own_and_those_received_are_asked_for(loads: Loads) -> None:
    control = loads.sandbox.control
    made = control.call("POST", "/lists", {"ad_account_id": OWN, "name": "vip"})
    audience = {"ad_account_id": OWN, "name": "vip", "customer_list_id": made["id"]}
    control.call("POST", "/audiences", audience)
    (row,) = loads.run("audiences")
    assert row["name"] == "vip"
    asked = [one["query"] for one in control.traffic() if one["path"].endswith("/audiences")]
    assert [("OWNED" in query, "RECEIVED" in query) for query in asked] == [(True, False), (False, True)]
    assert loads.position["cursor"] == row["updated_timestamp"]


def test_every_table_is_declared_documented_and_read() -> None:
    page = (Path(__file__).parents[2] / "docs/imports.md").read_text("utf-8")
    assert sorted(TABLES) == sorted(AdTable)
    assert [name for name in TABLES if f"`{name}`" not in page] == []


@pytest.mark.skipif(not FACTS.exists(), reason="the vendor's facts are not beside the checkout")
def test_every_table_that_is_known_is_read_but_those_that_are_said_not_to_be() -> None:
    section = FACTS.read_text("utf-8").partition("\n## 10.")[2].partition("\n## 11.")[0]
    known = {line.split("|")[1].strip() for line in section.splitlines() if line.startswith("| ")} - {"table", "---"}
    assert {name.replace(" ", "_") for name in known} - set(TABLES) == {"report_{level}"}
    assert {table.removeprefix("report_").upper() for table in TABLES if table.startswith("report_")} == levels()


def levels() -> set[str]:
    """The levels of reports as the facts name them: some of them, "each also `_TARGETING`, and KEYWORD"."""
    [told] = [line for line in FACTS.read_text("utf-8").splitlines() if line.lstrip().startswith("Levels: ")]
    listed, _, others = told.partition("Levels: ")[2].partition(", each also `_TARGETING`, and ")
    plain = listed.split(", ")
    return {*plain, *(f"{level}_TARGETING" for level in plain), others.rstrip(".")}


def test_an_account_without_a_catalog_has_no_groups_of_products(loads: Loads) -> None:
    assert loads.run("catalogs_product_groups") == []


def test_feeds_come_without_their_credentials(loads: Loads) -> None:
    loads.put("catalogs_feeds", "5", name="f", updated_at="2026-03-14T15:16:34", credentials={"password": "hush"})

    [row] = loads.run("catalogs_feeds")
    assert "credentials" not in row


def test_metrics_of_days_that_may_still_change_are_read_again(loads: Loads) -> None:
    loads.campaign("626735000001", 1, "ARCHIVED")
    for day, spend in (("2026-06-25", 1), ("2026-08-20", 2), ("2026-09-20", 3)):
        loads.metrics("CAMPAIGN", "626735000001", day, spend)
    first = loads.run("campaign_analytics")
    loads.metrics("CAMPAIGN", "626735000001", "2026-09-20", 5)
    again = loads.run("campaign_analytics")

    assert [(row["DATE"], row["SPEND_IN_MICRO_DOLLAR"]) for row in first] == [
        ("2026-06-25", 1), ("2026-08-20", 2), ("2026-09-20", 3),
    ]  # fmt: skip
    assert [(row["DATE"], row["SPEND_IN_MICRO_DOLLAR"]) for row in again] == [("2026-09-20", 5)]
    assert loads.told is not None
    assert loads.told.key == ("CAMPAIGN_ID", "DATE")


def test_days_that_pinterest_forgot_while_nothing_ran_are_said_to_be_lost(loads: Loads) -> None:
    loads.run("ad_account_analytics")
    assert loads.told is not None
    assert loads.told.notices == ()
    loads.position = {**loads.position, "cursor": "2026-02-01"}  # today is 2026-09-21
    loads.run("ad_account_analytics")
    (notice,) = loads.told.notices
    assert "days from 2026-02-01 to 2026-06-23 are not told any more" in notice


def test_an_earlier_start_and_other_metrics_are_another_question_and_begin_anew(loads: Loads) -> None:
    for number, day in enumerate((0, 1, 2), start=1):
        loads.campaign(str(number), 1_780_012_800 + day * 86_400)  # 2026-05-29 and the days after
    assert ids(loads.run("campaigns", start_time="2026-05-30")) == ["2", "3"]
    assert ids(loads.run("campaigns")) == ["1", "2", "3"]
    assert loads.told is not None
    assert loads.told.notices == ("something else is asked for than by the last run: this one begins anew",)

    loads.position = {}
    loads.campaign("7", 1)
    loads.metrics("ADVERTISER", OWN, "2026-07-01", 5)
    asked: dict[str, Json] = {"attribution_days": 0}
    assert len(loads.run("ad_account_analytics", **asked)) == 1
    assert loads.run("ad_account_analytics", **asked) == []
    assert len(loads.run("ad_account_analytics", metrics=["SPEND_IN_MICRO_DOLLAR"], **asked)) == 1


def test_a_time_that_is_none_ends_the_run_and_not_the_program(loads: Loads) -> None:
    loads.put("catalogs", "5", name="c", updated_at="yesterday")
    with pytest.raises(Transient, match="a time of a change is none"):
        loads.run("catalogs")


def test_metrics_are_asked_for_250_objects_at_a_time(loads: Loads) -> None:
    for number in range(1, 252):
        loads.campaign(str(number), 1)
        loads.metrics("CAMPAIGN", str(number), "2026-09-20", 1)

    assert len(loads.run("campaign_analytics")) == 251


def test_reports_reach_back_two_years_in_windows(loads: Loads) -> None:
    for day in ("2024-03-25", "2025-07-01", "2026-09-21"):
        loads.metrics("AD_GROUP", "8", day, 4)

    rows = loads.run("report_ad_group")
    assert [(row["AD_GROUP_ID"], row["DATE"]) for row in rows] == [
        ("8", "2024-03-25"),
        ("8", "2025-07-01"),
        ("8", "2026-09-21"),
    ]


def windows(loads: Loads) -> list[tuple[str, str]]:
    """First and last days of the reports that were asked for."""
    bodies = [one["body"] for one in loads.sandbox.control.traffic() if one["body"]]
    return [(body["start_date"], body["end_date"]) for body in bodies if "level" in body]


@pytest.mark.parametrize(
    ("table", "column", "back"),
    [
        ("report_product_group", "PRODUCT_GROUP_ID", 913),
        ("report_keyword", "KEYWORD_ID", 913),
        ("report_product_item", "PRODUCT_ITEM_ID", 91),
        ("report_product_item_targeting", "PRODUCT_ITEM_ID", 91),
        ("report_advertiser_targeting", "AD_ACCOUNT_ID", 913),
        ("report_campaign_targeting", "CAMPAIGN_ID", 913),
        ("report_ad_group_targeting", "AD_GROUP_ID", 913),
        ("report_pin_promotion_targeting", "AD_ID", 913),
        ("report_product_group_targeting", "PRODUCT_GROUP_ID", 913),
    ],
)
def test_reports_of_each_level_reach_as_far_back_as_pinterest_tells(
    loads: Loads, table: str, column: str, back: int
) -> None:
    level = table.removeprefix("report_").upper()
    is_targeted = level.endswith("_TARGETING")
    days = [str(TODAY - timedelta(days=age)) for age in (0, 30, 31, 91, 92, 185, 186, 913, 914) if age <= back + 1]
    for day in days:
        by = {"TARGETING_TYPE": "LOCATION", "TARGETING_VALUE": 500} if is_targeted else {}
        loads.metrics(level, "8", day, 4, **by)
    asked: dict[str, Json] = {"targeting_types": ["LOCATION", "GENDER"]} if is_targeted else {}

    rows = loads.run(table, **asked)

    assert sorted((row[column], row["DATE"]) for row in rows) == sorted(("8", day) for day in days[:-1])
    assert loads.told is not None
    assert loads.told.key == (column, "DATE", *(("TARGETING_TYPE", "TARGETING_VALUE") if is_targeted else ()))
    assert not is_targeted or {(row["TARGETING_TYPE"], row["TARGETING_VALUE"]) for row in rows} == {("LOCATION", "500")}
    loads.metrics(level, "8", str(TODAY), 9, **by)
    again = loads.run(table, **asked)
    assert {row["DATE"]: row["SPEND_IN_MICRO_DOLLAR"] for row in again} == {str(TODAY): 9, days[1]: 4}


@pytest.mark.parametrize(("table", "wide"), [("report_keyword", 186), ("report_product_item", 31)])
def test_windows_touch_and_are_no_wider_than_pinterest_takes(loads: Loads, table: str, wide: int) -> None:
    loads.sandbox.control.knobs(journal_bodies=True, report_s=0)
    loads.run(table)

    asked = [tuple(map(date.fromisoformat, window)) for window in windows(loads)]
    assert asked[0][0] == TODAY - timedelta(days={"report_keyword": 913}.get(table, 91))
    assert asked[-1][1] == TODAY
    assert all((last - first).days < wide for first, last in asked)
    assert [first for first, _ in asked[1:]] == [last + timedelta(days=1) for _, last in asked[:-1]]


def test_more_targeting_types_than_one_report_takes_are_more_reports(loads: Loads) -> None:
    types = ["GENDER", "AGE_BUCKET", "COUNTRY", "REGION", "GEO", "APPTYPE", "PLACEMENT"]
    for name in [*types, "LOCATION"]:
        loads.metrics("CAMPAIGN_TARGETING", "8", "2026-09-20", 4, TARGETING_TYPE=name, TARGETING_VALUE="x")
    rows = loads.run("report_campaign_targeting", targeting_types=types, start_time="2026-09-01")
    assert sorted(row["TARGETING_TYPE"] for row in rows) == sorted(types)

    rows = loads.run("report_campaign_targeting", targeting_types=[*types, "LOCATION"], start_time="2026-08-01")
    assert len(rows) == 8
    assert loads.told is not None
    assert loads.told.notices == ("something else is asked for than by the last run: this one begins anew",)


def test_targeting_at_once_is_told_apart_by_type_and_value(loads: Loads) -> None:
    for day, kind, value in (
        ("2026-06-24", "GENDER", "female"),
        ("2026-06-23", "GENDER", "female"),  # 90 days ago: not asked for
        ("2026-09-20", "AUDIENCE_INCLUDE", 254261234567),
        ("2026-09-20", "AGE_BUCKET", "45-49"),
    ):
        loads.metrics("ADVERTISER_TARGETING", OWN, day, 4, TARGETING_TYPE=kind, TARGETING_VALUE=value)
    asked: dict[str, Json] = {"targeting_types": ["GENDER", "AUDIENCE_INCLUDE"]}
    rows = loads.run("targeting_analytics", **asked)
    key = ("AD_ACCOUNT_ID", "DATE", "TARGETING_TYPE", "TARGETING_VALUE")
    assert [tuple(row[name] for name in key) for row in rows] == [
        (OWN, "2026-06-24", "GENDER", "female"),
        (OWN, "2026-09-20", "AUDIENCE_INCLUDE", "254261234567"),
    ]
    assert loads.told is not None
    assert loads.told.key == key
    assert loads.position["cursor"] == str(TODAY)
    assert [row["DATE"] for row in loads.run("targeting_analytics", **asked)] == ["2026-09-20"]
    assert len(loads.run("targeting_analytics", targeting_types=["GENDER", "AUDIENCE_INCLUDE", "AGE_BUCKET"])) == 3

    loads.metrics(
        "ADVERTISER_TARGETING", OWN, "2026-09-20", 4, TARGETING_TYPE="GENDER", TARGETING_VALUE="male", AD_GROUP_ID=8
    )
    loads.metrics("ADVERTISER_TARGETING", OWN, "2026-09-20", 4, TARGETING_TYPE="GENDER", TARGETING_VALUE="male")
    with pytest.raises(Permanent, match="two rows of targeting_analytics have the same AD_ACCOUNT_ID, DATE, TARGETING"):
        loads.run("targeting_analytics", **asked)


def test_rows_that_the_key_does_not_tell_apart_are_not_lost(loads: Loads) -> None:
    for group in (5, 6):
        loads.metrics("KEYWORD", "8", "2026-09-20", 4, AD_GROUP_ID=group)
    with pytest.raises(Permanent, match="two rows of report_keyword have the same KEYWORD_ID, DATE") as refused:
        loads.run("report_keyword")
    assert "name in `key` all columns" in refused.value.hint
    assert len(loads.run("report_keyword", method="full-load")) == 2

    loads.position = {}
    columns = ["SPEND_IN_MICRO_DOLLAR", "AD_GROUP_ID"]
    rows = loads.run("report_keyword", metrics=columns, key=["KEYWORD_ID", "DATE", "AD_GROUP_ID"])
    assert [(row["KEYWORD_ID"], row["AD_GROUP_ID"]) for row in rows] == [("8", 5), ("8", 6)]
    assert loads.told is not None
    assert loads.told.key == ("KEYWORD_ID", "DATE", "AD_GROUP_ID")


def test_a_table_does_not_get_rows_by_two_keys(loads: Loads) -> None:
    loads.metrics("KEYWORD", "8", "2026-09-20", 4, AD_GROUP_ID=5)
    asked: dict[str, Json] = {"metrics": ["SPEND_IN_MICRO_DOLLAR", "AD_GROUP_ID"]}
    loads.run("report_keyword", **asked)
    loads.run("report_keyword", key=["KEYWORD_ID", "DATE"], **asked)  # as it is when left out, in whichever order
    with pytest.raises(Permanent, match="rows of report_keyword were known by DATE, KEYWORD_ID so far") as refused:
        loads.run("report_keyword", key=["KEYWORD_ID", "DATE", "AD_GROUP_ID"], **asked)
    assert "another Import" in refused.value.hint
    assert loads.run("report_ad_group", key=["AD_GROUP_ID", "DATE", "CAMPAIGN_ID"]) == []
    assert len(loads.run("report_keyword", method="full-load", key=["KEYWORD_ID", "DATE", "AD_GROUP_ID"])) == 1


@pytest.mark.parametrize("fate", ["FAILED", "CANCELLED"])
def test_a_report_that_always_comes_to_nothing_ends_the_run(loads: Loads, fate: str) -> None:
    loads.sandbox.control.knobs(report_fate=fate)

    with pytest.raises(Transient, match=f"came to nothing 5 times, at last with {fate}"):
        loads.run("report_campaign", start_time="2026-09-01")


@pytest.mark.parametrize("fault", [{"kind": "rate_limited", "reset_s": 3}, {"kind": "error", "status": 503}])
def test_a_run_that_is_disturbed_brings_the_same(loads: Loads, fault: dict[str, Any]) -> None:
    for number in range(1, 300):
        loads.campaign(str(number), number)
    whole = loads.run("campaigns", method="full-load")
    kind = fault.pop("kind")
    loads.sandbox.control.fault(kind, path="/ad_accounts/*/campaigns", nth=2, **fault)

    assert loads.run("campaigns", method="full-load") == whole
    assert len(whole) == 299


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"table": "campaign"}, "`table` is none that it knows"),
        ({"ad_account_id": "x"}, "`ad_account_id`: String should match pattern"),
        ({"start": "2026-01-01"}, "`start`: is no setting of it"),
        ({"method": "cdc-change-data"}, "`method`: Input should be"),
        ({"compare": True}, "`compare` is for `method: cdc-change-tables`"),
        ({"method": "cdc-change-tables", "compare": True, "end_time": "2026-02-01"}, "only a part of the rows would"),
        ({"start_time": "2026-02-01", "end_time": "2026-01-01"}, "`end_time` is before `start_time`"),
        ({"method": "reload-and-compare", "start_time": "2026-02-01"}, "only a part of them would be asked for"),
        ({"method": "reload-and-compare", "table": "ad_analytics"}, "only a part of them would be asked for"),
        ({"key": ["id"]}, "`key` is for tables of metrics"),
        ({"targeting_types": ["GENDER"]}, "`targeting_types` is for tables of targeting"),
        ({"table": "report_campaign_targeting"}, "needs `targeting_types`"),
        ({"table": "report_campaign_targeting", "targeting_types": ["SEX"]}, "`targeting_types.0`: Input should be"),
        ({"table": "report_campaign_targeting", "targeting_types": ["GEO", "GEO"]}, "names one of them twice"),
        (
            {"table": "report_ad_group_targeting", "targeting_types": ["AUDIENCE_MULTIPLIER"]},
            "is told in report_campaign_targeting only",
        ),
        ({"table": "targeting_analytics"}, "needs `targeting_types`"),
        (
            {"table": "targeting_analytics", "targeting_types": ["LOCAL_ADS_STORE_CODE"]},
            "is told in report_ad_group_targeting, report_advertiser_targeting, report_campaign_targeting",
        ),
    ],
)
def test_settings_that_cannot_work_are_refused(loads: Loads, settings: dict[str, Json], message: str) -> None:
    with pytest.raises(Permanent) as refused:
        loads.run(**{"table": "campaigns", **settings})  # type: ignore[arg-type]

    assert message in str(refused.value)
