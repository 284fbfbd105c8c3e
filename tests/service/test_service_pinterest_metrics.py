"""How advertising went, from reports of a Pinterest on this machine into tables of the service."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from advertising_world import CREDENTIALS, OWN, died, load, run
from memory_tokens import MemoryTokens
from service_world import NOW, FakeClock, OpenWorld, World

from reconciler.connectors.sources.pinterest_marketing import PinterestMarketingSource, connector
from reconciler.emulators.pinterest.knobs import Knobs
from reconciler.emulators.sandbox import Sandbox
from reconciler.emulators.timeline import Timeline
from reconciler.model.json import Json

TODAY = datetime.fromtimestamp(NOW, UTC).date()
TABLES: dict[str, tuple[str, dict[str, Json]]] = {
    "report_keyword": ("KEYWORD_ID", {}),
    "report_product_group": ("PRODUCT_GROUP_ID", {}),
    "report_product_item": ("PRODUCT_ITEM_ID", {}),
    "report_campaign_targeting": ("CAMPAIGN_ID", {"targeting_types": ["GENDER", "LOCATION"]}),
    "targeting_analytics": ("AD_ACCOUNT_ID", {"targeting_types": ["GENDER", "LOCATION"]}),
}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    knobs = Knobs(rate_tier="off", report_s=0)
    with Sandbox(CREDENTIALS, knobs=knobs, timeline=Timeline(lambda: NOW)) as sandbox:
        yield sandbox


def put(sandbox: Sandbox, table: str, key: str, age: int, spend: int) -> None:
    """Metrics of the day *age* days ago."""
    of_account = table == "targeting_analytics"
    level = "ADVERTISER_TARGETING" if of_account else table.removeprefix("report_").upper()
    told = {
        "ad_account_id": OWN,
        "level": level,
        "id": OWN if of_account else key,
        "date": str(TODAY - timedelta(days=age)),
        "values": {"SPEND_IN_MICRO_DOLLAR": spend},
    }
    apart = (
        {"TARGETING_TYPE": "GENDER", "TARGETING_VALUE": f"{key} of them"},
        {"TARGETING_TYPE": "LOCATION", "TARGETING_VALUE": int(key)},
    )
    for by in apart if level.endswith("_TARGETING") else ({},):
        sandbox.control.call("POST", "/metrics", {**told, "by": by})


def opened(open_world: OpenWorld, sandbox: Sandbox, folder: Path) -> World:
    clock = FakeClock()
    source = PinterestMarketingSource(connector(MemoryTokens(), base_url=sandbox.base_url, clock=clock), clock)
    return open_world(importer=source, root=folder)


def there(world: World, table: str, name: str = "metrics") -> list[list[str]]:
    """Id, day, what it is told apart by, and what was spent."""
    apart = "targeting_type || targeting_value" if "targeting" in table else "''"
    query = f"SELECT {TABLES[table][0].lower()}, date, {apart}, spend_in_micro_dollar FROM {name} ORDER BY 1, 2, 3"
    return world.rows(query, database="ads")


@pytest.mark.parametrize("table", TABLES)
def test_days_that_changed_take_the_place_of_what_was_told_of_them(
    open_world: OpenWorld, sandbox: Sandbox, tmp_path: Path, table: str
) -> None:
    world = opened(open_world, sandbox, tmp_path / "service")
    world.post("/v3/database/create/ads")
    for age in (60, 20, 1):
        put(sandbox, table, "7", age, age)
    load(world, "cdc", table, "metrics", **TABLES[table][1])
    assert run(world)["status"] == "success"
    first = there(world, table)
    kinds = 2 if "targeting" in table else 1
    assert [row[3] for row in first] == [age for age in (60, 20, 1) for _ in range(kinds)]

    for age, spend in ((60, 99), (20, 21), (0, 5)):  # what is older than 30 days is not read again
        put(sandbox, table, "7", age, spend)
    put(sandbox, table, "8", 1, 3)
    assert run(world)["status"] == "success"
    assert sorted(row[3] for row in there(world, table)) == sorted((60, 21, 1, 5, 3) * kinds)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, "two rows of report_keyword have the same KEYWORD_ID, DATE"),
        ({"key": ["KEYWORD_ID", "DATE", "TARGETING"]}, "rows are known by `TARGETING`, and these have no such column"),
        ({"key": ["KEYWORD_ID", "DATE", "PIN_ID"], "metrics": ["ECTR", "PIN_ID"]}, "has no value for `PIN_ID`"),
    ],
)
def test_rows_that_would_be_lost_fail_the_run_and_the_table_stays(
    open_world: OpenWorld, sandbox: Sandbox, tmp_path: Path, more: dict[str, Json], told: str
) -> None:
    world = opened(open_world, sandbox, tmp_path / "service")
    world.post("/v3/database/create/ads")
    put(sandbox, "report_keyword", "7", 2, 4)
    load(world, "cdc", "report_keyword", "metrics")
    assert run(world)["status"] == "success"
    day = {"ad_account_id": OWN, "level": "KEYWORD", "id": "7", "date": str(TODAY)}
    for pin in ({}, {"PIN_ID": "7"}, {"PIN_ID": "8"}):
        sandbox.control.call("POST", "/metrics", {**day, "values": {"SPEND_IN_MICRO_DOLLAR": 1}, "by": pin})
    if more:
        world.service.loads.delete("ads")
        load(world, "cdc", "report_keyword", "metrics", **more)

    job = run(world)

    assert job["status"] == "error"
    assert told in str(job)
    assert [row[3] for row in there(world, "report_keyword")] == [4]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "method"),
    [
        ("report_keyword", "cdc"),
        ("report_product_item", "cdc"),
        ("report_campaign_targeting", "cdc"),
        ("report_campaign_targeting", "cdc-change-tables"),
        ("report_product_group", "full-load"),
        ("targeting_analytics", "cdc"),
        ("targeting_analytics", "cdc-change-tables"),
    ],
)
def test_a_process_that_dies_leaves_what_an_undisturbed_run_leaves(
    open_world: OpenWorld, sandbox: Sandbox, tmp_path: Path, table: str, method: str
) -> None:
    def told(world: World) -> list[list[str]]:
        changes = "SELECT header__change_oper, date, spend_in_micro_dollar FROM metrics__ct ORDER BY header__change_seq"
        return there(world, table) + (world.rows(changes, database="ads") if method == "cdc-change-tables" else [])

    for age in range(80):
        put(sandbox, table, "7", age, 100 + age)
    before = tmp_path / "before"
    world = opened(open_world, sandbox, before)
    world.post("/v3/database/create/ads")
    more = {"apply": True} if method == "cdc-change-tables" else {}
    load(world, method, table, "metrics", **TABLES[table][1], **more)
    assert run(world)["status"] == "success"
    old = told(world)
    world.service.close()
    sandbox.control.advance(3_600)  # so long Pinterest keeps a report, and tells the same one to whoever asks the same
    for age in range(5):
        put(sandbox, table, "7", age, 200 + age)
        put(sandbox, table, "8", age, 300 + age)

    undisturbed = tmp_path / "undisturbed"
    shutil.copytree(before, undisturbed)
    questions = int(died(undisturbed, sandbox.base_url, 1_000_000).stdout)
    world = opened(open_world, sandbox, undisturbed)
    expected = told(world)
    world.service.close()
    assert len(expected) > len(old)
    assert questions >= 15

    for last in sorted({*range(1, questions, max(1, questions // 4)), questions - 2, questions}):
        folder = tmp_path / f"killed-{last}"
        shutil.copytree(before, folder)
        assert died(folder, sandbox.base_url, last).returncode < 0
        world = opened(open_world, sandbox, folder)
        assert told(world) in (old, expected), "all or nothing"
        assert run(world)["status"] == "success"
        assert told(world) == expected
        world.service.close()
        shutil.rmtree(folder)
