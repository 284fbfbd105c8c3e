"""Answers that are cut, and pages that lie, at every route that a load of advertising takes: the run fails, the table stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from advertising_world import CREDENTIALS, OWN, load, run
from memory_tokens import MemoryTokens
from service_world import NOW, FakeClock, OpenWorld, World

from reconciler.connectors.sources.pinterest_marketing import PinterestMarketingSource, connector
from reconciler.emulators.pinterest.knobs import Knobs
from reconciler.emulators.remote_control import RemoteControl
from reconciler.emulators.sandbox import Sandbox
from reconciler.emulators.timeline import Timeline
from reconciler.model.advertising import AdTable

TODAY = str(datetime.fromtimestamp(NOW, UTC).date())
HALF = "malformed or truncated JSON"
CUT: dict[str, tuple[dict[str, Any], str]] = {
    "200 with HTML": ({"kind": "html", "status": 200}, "an HTML page"),
    "half the JSON": ({"kind": "truncated"}, HALF),
    "no JSON": ({"kind": "malformed"}, HALF),
    "cut within the body": ({"kind": "cut_midway"}, "got no answer"),
}
"""What is done to every answer of a route -> what the error says."""
BARE = {"kind": "bare"}
LYING: dict[str, tuple[dict[str, Any], str]] = {
    "page without items": (BARE, "a page without items"),
    "pages from the beginning again": ({"kind": "page_endless", "goes_on": "again"}, "the same page twice"),
    "empty pages without end": ({"kind": "page_endless", "goes_on": "empty"}, "200 empty pages"),
    "a bookmark without end": ({"kind": "page_endless", "goes_on": "in_place"}, "a bookmark that leads in a circle"),
}


@dataclass(frozen=True)
class Route:
    """A route and a table that is read by it.

    collection: where its objects are put; level: of its metrics. bare: what is said of an answer with nothing in it.
    """

    table: str
    path: str
    collection: str = ""
    level: str = ""
    bare: str = ""
    method: str = "GET"
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def lies(self) -> dict[str, tuple[dict[str, Any], str]]:
        """What can go wrong at it."""
        return CUT | ({"nothing in it": (BARE, self.bare)} if self.bare else LYING)


AT = "/ad_accounts/*"
SOME_ROWS = "answered with something else than rows"
ROUTES = {
    "accounts": Route("ad_accounts", "/ad_accounts", "accounts"),
    "user": Route("user_account", "/user_account", "user", bare="a row of user_account has no id"),
    "audiences": Route("audiences", f"{AT}/audiences", "audiences"),
    "lists": Route("customer_lists", f"{AT}/customer_lists", "lists"),
    **{
        name: Route(name, f"{AT}/{name}", name) for name in ("campaigns", "ad_groups", "ads", "keywords")
    },
    "tags": Route("conversion_tags", f"{AT}/conversion_tags", "conversion_tags", bare="a page without items"),
    "tag events": Route("conversion_tag_events", f"{AT}/conversion_tags/page_visit", "conversion_tag_events"),
    "catalogs": Route("catalogs", "/catalogs", "catalogs"),
    "feeds": Route("catalogs_feeds", "/catalogs/feeds", "catalogs_feeds"),
    "groups of products": Route("catalogs_product_groups", "/catalogs/product_groups", "catalogs_product_groups"),
    "groups of keywords": Route("keywords", f"{AT}/ad_groups", "keywords"),
    "campaigns of metrics": Route("campaign_analytics", f"{AT}/campaigns", level="CAMPAIGN"),
    "of the account": Route("ad_account_analytics", f"{AT}/analytics", level="ADVERTISER", bare=SOME_ROWS),
    "of campaigns": Route("campaign_analytics", f"{AT}/campaigns/analytics", level="CAMPAIGN", bare=SOME_ROWS),
    "of ad groups": Route("ad_group_analytics", f"{AT}/ad_groups/analytics", level="AD_GROUP", bare=SOME_ROWS),
    "of ads": Route("ad_analytics", f"{AT}/ads/analytics", level="PIN_PROMOTION", bare=SOME_ROWS),
    "targeting": Route(
        "targeting_analytics",
        f"{AT}/targeting_analytics",
        level="ADVERTISER_TARGETING",
        bare=SOME_ROWS,
        settings={"targeting_types": ["GENDER"]},
    ),
    "report asked for": Route(
        "report_campaign", f"{AT}/reports", level="CAMPAIGN", bare="no token came", method="POST"
    ),
    "report awaited": Route(
        "report_campaign", f"{AT}/reports", level="CAMPAIGN", bare="something else than a status"
    ),
    "report fetched": Route(
        "report_campaign", "/downloads/*", level="CAMPAIGN", bare="an empty answer is more often a fault than a truth"
    ),
}  # fmt: skip


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    knobs = Knobs(rate_tier="off", report_s=0, journal_bodies=True)
    with Sandbox(CREDENTIALS, knobs=knobs, timeline=Timeline(lambda: NOW)) as sandbox:
        for collection, key in (("campaigns", "10"), ("ad_groups", "20"), ("ads", "30"), ("catalogs", "40")):
            put(sandbox.control, collection, key)
        yield sandbox


@pytest.fixture
def world(open_world: OpenWorld, sandbox: Sandbox, tmp_path: Path) -> World:
    clock = FakeClock()
    connect = connector(MemoryTokens(), base_url=sandbox.base_url, clock=clock)
    world = open_world(importer=PinterestMarketingSource(connect, clock), root=tmp_path / "service")
    world.post("/v3/database/create/ads")
    return world


def put(control: RemoteControl, collection: str, key: str) -> None:
    """One object more; whose the credentials are is always one."""
    match collection:
        case "user":
            pass
        case "accounts":
            control.call("PUT", f"/accounts/5497{key}", {"name": "another"})
        case "lists":
            control.call("POST", "/lists", {"ad_account_id": OWN, "name": key})
        case "audiences":
            made = control.call("POST", "/lists", {"ad_account_id": OWN, "name": key})
            told = {"ad_account_id": OWN, "name": key, "customer_list_id": made["id"]}
            control.call("POST", "/audiences", told)
        case _:
            fields = {"status": "ACTIVE", "name": key, "parent_id": OWN, "conversion_tag_id": key}
            more = {"conversion_event": "PAGE_VISIT"} if collection == "conversion_tag_events" else {}
            control.call("PUT", f"/objects/{collection}/{key}", {"ad_account_id": OWN, **fields, **more})


def measure(control: RemoteControl, level: str, spend: int) -> None:
    """Metrics of today of what is there."""
    key = {"CAMPAIGN": "10", "AD_GROUP": "20", "PIN_PROMOTION": "30"}.get(level, OWN)
    by = {"TARGETING_TYPE": "GENDER", "TARGETING_VALUE": "female"} if level.endswith("_TARGETING") else {}
    told = {"ad_account_id": OWN, "level": level, "id": key, "date": TODAY, "by": by}
    control.call("POST", "/metrics", {**told, "values": {"SPEND_IN_MICRO_DOLLAR": spend}})


def there(world: World) -> list[list[str]]:
    return sorted(world.rows("SELECT * EXCLUDE (time) FROM things", database="ads"), key=str)


def asked(control: RemoteControl) -> set[tuple[str, str]]:
    return {(one["method"], one["path"]) for one in control.traffic() if one["path"] != "/oauth/token"}


@pytest.mark.parametrize("name", ROUTES)
def test_a_run_that_is_lied_to_fails_and_the_table_stays(world: World, sandbox: Sandbox, name: str) -> None:
    route, control = ROUTES[name], sandbox.control

    def change(number: int) -> None:
        if route.level:
            measure(control, route.level, number)
        else:
            put(control, route.collection, str(100 + number))

    change(1)
    load(world, "reload", route.table, "things", **route.settings)
    assert run(world)["status"] == "success"
    old = there(world)
    assert old
    change(2)
    for what, (fault, told) in route.lies.items():
        control.call("DELETE", "/traffic")
        control.fault(**fault, method=route.method, path=route.path, count=None)
        job = run(world)
        control.clear_faults()

        assert job["status"] == "error", what
        assert told in str(job), what
        assert "Traceback" not in str(job), what
        assert "secret-of-the-app" not in str(job)
        assert there(world) == old, what
        assert any(one["faults"] for one in control.traffic()), "nothing was struck"
    control.advance(3_600)  # so long a report is told as it was
    assert run(world)["status"] == "success"
    assert (there(world) == old) is (route.collection == "user")


@pytest.mark.parametrize("table", ["campaigns", "ad_groups", "ads", "keywords", "catalogs", "customer_lists"])
def test_a_page_that_is_told_twice_among_others_fails_the_run(world: World, sandbox: Sandbox, table: str) -> None:
    collection = {"customer_lists": "lists"}.get(table, table)
    load(world, "reload", table, "things")
    for number in range(100, 360):
        put(sandbox.control, collection, str(number))
    assert run(world)["status"] == "success"
    old = there(world)
    sandbox.control.fault("page_repeated", path=ROUTES[{"customer_lists": "lists"}.get(table, table)].path, count=None)

    job = run(world)

    assert job["status"] == "error"
    assert "the same page twice" in str(job)
    assert there(world) == old


@pytest.mark.parametrize(
    "method",
    [
        "cdc",
        *(
            pytest.param(method, marks=pytest.mark.slow)
            for method in ("cdc-change-tables", "reload-and-compare", "full-load")
        ),
    ],
)
@pytest.mark.parametrize("lie", [*CUT, *LYING])
def test_a_lie_in_the_middle_leaves_what_was_there_with_every_method(
    world: World, sandbox: Sandbox, method: str, lie: str
) -> None:
    for number in range(100, 400):
        put(sandbox.control, "campaigns", str(number))
    load(world, method, "campaigns", "things")
    assert run(world)["status"] == "success"
    old, position = there(world), world.get("/v3/bulk_loads/ads")["config_diff"]
    put(sandbox.control, "campaigns", "400")
    fault, told = (CUT | LYING)[lie]
    sandbox.control.fault(**fault, path=ROUTES["campaigns"].path, nth=2, count=None)

    job = run(world)

    assert job["status"] == "error"
    assert told in str(job)
    assert there(world) == old
    assert world.get("/v3/bulk_loads/ads")["config_diff"] == position
    sandbox.control.clear_faults()
    assert run(world)["status"] == "success"
    assert len(there(world)) == len(old) + (method != "cdc-change-tables")


def test_every_table_is_read_by_a_route_that_lies(sandbox: Sandbox, world: World) -> None:
    """A new route is found missing here: what all tables ask for is what the routes above name."""
    for table in AdTable:
        more: dict[str, Any] = {"targeting_types": ["GENDER"]} if "targeting" in table else {}
        load(world, "reload", table, "things", **more)
        run(world)
        world.service.loads.delete("ads")
    named = {(route.method, route.path.replace("*", OWN)) for route in ROUTES.values()}
    paths = {(method, path) for method, path in asked(sandbox.control) if not path.startswith("/downloads/")}
    assert paths <= named
    assert named - paths == {("GET", f"/downloads/{OWN}")}
