"""Advertising from a Pinterest on this machine into tables of the service, as each method has it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from advertising_world import CREDENTIALS, OWN, died, load, run
from memory_tokens import MemoryTokens
from service_world import OpenWorld, World

from reconciler.connectors.sources.pinterest_marketing import PinterestMarketingSource, connector
from reconciler.emulators.pinterest.knobs import Knobs
from reconciler.emulators.sandbox import Sandbox
from reconciler.emulators.timeline import Timeline
from reconciler.ports.clock import SystemClock


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    timeline = Timeline(lambda: 1_790_000_000.0)
    with Sandbox(CREDENTIALS, knobs=Knobs(rate_tier="off"), timeline=timeline) as sandbox:
        yield sandbox


@pytest.fixture
def world(open_world: OpenWorld, sandbox: Sandbox) -> World:
    connect = connector(MemoryTokens(), base_url=sandbox.base_url)
    world = open_world(importer=PinterestMarketingSource(connect, SystemClock()))
    world.post("/v3/database/create/ads")
    return world


def put(sandbox: Sandbox, key: str, name: str, updated: int) -> None:
    fields = {"ad_account_id": OWN, "name": name, "status": "ARCHIVED", "updated_time": updated, "start_time": None}
    sandbox.control.call("PUT", f"/objects/campaigns/{key}", fields)


@pytest.mark.parametrize(
    ("method", "rows"),
    [
        ("cdc", [["1", "a"], ["2", "B"], ["3", "c"]]),
        ("reload-and-compare", [["2", "B"], ["3", "c"]]),
        ("full-load", [["2", "B"], ["3", "c"]]),
        ("reload", [["2", "B"], ["3", "c"]]),
    ],
)
def test_what_becomes_of_rows_that_are_there(
    world: World, sandbox: Sandbox, method: str, rows: list[list[str]]
) -> None:
    put(sandbox, "1", "a", 1_780_000_001)
    put(sandbox, "2", "b", 1_780_000_002)
    load(world, method)
    assert run(world)["status"] == "success"
    sandbox.control.call("DELETE", "/objects/campaigns/1")
    put(sandbox, "2", "B", 1_780_000_003)
    put(sandbox, "3", "c", 1_780_000_004)

    assert run(world)["status"] == "success"
    assert world.rows("SELECT id, name FROM campaigns ORDER BY id", database="ads") == rows


@pytest.mark.parametrize("method", ["cdc", "reload-and-compare", "full-load"])
def test_a_run_that_fails_leaves_the_table_and_the_next_one_makes_up_for_it(
    world: World, sandbox: Sandbox, method: str
) -> None:
    for number in range(1, 300):
        put(sandbox, str(number), "a", 1_780_000_000 + number)
    load(world, method)
    sandbox.control.fault("error", status=403, code=29, message="no", path="/ad_accounts/*/campaigns", nth=2)
    failed = run(world)

    assert failed["status"] == "error"
    assert "secret-of-the-app" not in str(failed)
    assert run(world)["status"] == "success"
    assert world.rows("SELECT count(*), count(DISTINCT id) FROM campaigns", database="ads") == [[299, 299]]


CHANGES = (
    "SELECT header__change_oper, header__operation, id, name, header__timestamp FROM campaigns__ct"
    " ORDER BY header__change_seq"
)


@pytest.mark.parametrize("apply", [False, True])
def test_changes_are_told_beside_the_table_once_each(world: World, sandbox: Sandbox, *, apply: bool) -> None:
    put(sandbox, "1", "a", 1_780_000_001)
    put(sandbox, "2", "b", 1_780_000_002)
    load(world, "cdc-change-tables", apply=apply)
    assert run(world)["status"] == "success"
    assert world.rows("SELECT count(*) FROM campaigns__ct", database="ads") == [[0]]
    loaded = world.rows("SELECT id, name FROM campaigns ORDER BY id", database="ads")
    assert loaded == [["1", "a"], ["2", "b"]]

    sandbox.control.call("DELETE", "/objects/campaigns/1")
    put(sandbox, "3", "c", 1_780_000_004)
    put(sandbox, "2", "B", 1_780_000_003)
    changes = [
        ["U", "UPDATE", "2", "B", "2026-05-28 20:26:43"],
        ["I", "INSERT", "3", "c", "2026-05-28 20:26:44"],
    ]
    for _ in range(2):  # what comes again as it was changes nothing
        assert run(world)["status"] == "success"
        assert world.rows(CHANGES, database="ads") == changes
    there = world.rows("SELECT id, name FROM campaigns ORDER BY id", database="ads")
    assert there == ([["1", "a"], ["2", "B"], ["3", "c"]] if apply else loaded)

    put(sandbox, "3", "C", 1_780_000_005)
    assert run(world)["status"] == "success"
    assert world.rows(CHANGES, database="ads") == [*changes, ["U", "UPDATE", "3", "C", "2026-05-28 20:26:45"]]
    numbers = [str(row[0]) for row in world.rows("SELECT header__change_seq FROM campaigns__ct", database="ads")]
    assert [len(number) for number in numbers] == [35, 35, 35]
    assert [int(number[16:]) for number in sorted(numbers)] == [1, 2, 3]


def test_a_run_to_which_nothing_is_told_changes_nothing(world: World, sandbox: Sandbox) -> None:
    put(sandbox, "1", "a", 1_780_000_001)
    load(world, "cdc-change-tables")
    run(world)
    sandbox.control.call("DELETE", "/objects/campaigns/1")
    assert run(world)["status"] == "success"
    assert world.rows("SELECT id FROM campaigns", database="ads") == [["1"]]
    assert world.rows("SELECT count(*) FROM campaigns__ct", database="ads") == [[0]]


@pytest.mark.parametrize("compare", [False, True])
def test_changes_of_rows_that_tell_no_time_are_of_the_run(world: World, sandbox: Sandbox, *, compare: bool) -> None:
    def put_timeless(key: str, name: str) -> None:
        sandbox.control.call(
            "PUT", f"/objects/campaigns/{key}", {"ad_account_id": OWN, "name": name, "status": "ACTIVE"}
        )

    for key in ("1", "2"):
        put_timeless(key, "a")
    load(world, "cdc-change-tables", compare=compare)
    assert run(world)["status"] == "success"
    put_timeless("2", "b")
    sandbox.control.call("DELETE", "/objects/campaigns/1")
    put_timeless("3", "c")

    assert run(world)["status"] == "success"
    told = world.rows("SELECT header__change_oper, id, header__timestamp FROM campaigns__ct", database="ads")
    now = "2025-03-01 09:00:00"
    gone = [["D", "1", now]] if compare else []
    assert sorted(told) == sorted([["U", "2", now], ["I", "3", now], *gone])


def test_masks_tell_which_columns_changed(world: World, sandbox: Sandbox) -> None:
    put(sandbox, "1", "a", 1_780_000_001)
    load(world, "cdc-change-tables")
    run(world)
    put(sandbox, "1", "b", 1_780_000_002)
    run(world)
    [[mask]] = world.rows("SELECT header__change_mask FROM campaigns__ct", database="ads")
    columns = [name for name, *_ in json.loads(world.get("/v3/table/show/ads/campaigns__ct")["schema"])]
    own = [name for name in columns if not name.startswith("header__")]
    bits = int.from_bytes(bytes.fromhex(str(mask)), "little")
    assert {name for place, name in enumerate(own) if bits >> place & 1} == {"name", "updated_time"}


def test_rows_that_are_gone_are_told_where_everything_is_compared(world: World, sandbox: Sandbox) -> None:
    for key in ("1", "2"):
        put(sandbox, key, "a", 1_780_000_001)
    load(world, "cdc-change-tables", compare=True)
    run(world)
    sandbox.control.call("DELETE", "/objects/campaigns/1")
    for _ in range(2):
        assert run(world)["status"] == "success"
        changes = world.rows("SELECT header__change_oper, id, name FROM campaigns__ct", database="ads")
        assert changes == [["D", "1", "a"]]
    put(sandbox, "1", "a", 1_780_000_001)
    run(world)
    kinds = "SELECT header__change_oper FROM campaigns__ct ORDER BY header__change_seq"
    assert world.rows(kinds, database="ads") == [["D"], ["I"]]
    assert world.rows("SELECT id FROM campaigns ORDER BY id", database="ads") == [["1"], ["2"]]

    for key in ("1", "2"):
        sandbox.control.call("DELETE", f"/objects/campaigns/{key}")
    job = run(world)
    assert job["status"] == "error"
    assert "an empty answer is more often a fault than a truth" in str(job)
    assert world.rows(kinds, database="ads") == [["D"], ["I"]]


def test_a_table_that_is_no_table_of_changes_is_left_alone(world: World, sandbox: Sandbox) -> None:
    world.post("/v3/table/create/ads/mine/log")
    world.post("/v3/table/update-schema/ads/mine", {"schema": '[["a", "string"]]'})
    put(sandbox, "1", "a", 1_780_000_001)
    load(world, "cdc-change-tables", change_table="mine")
    job = run(world)
    assert job["status"] == "error"
    assert "ads.mine is no table of changes" in str(job)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["cdc", "cdc-change-tables", "reload-and-compare", "full-load", "reload"])
def test_a_process_that_dies_at_any_moment_leaves_what_an_undisturbed_run_leaves(
    open_world: OpenWorld, sandbox: Sandbox, tmp_path: Path, method: str
) -> None:
    def opened(folder: Path) -> World:
        source = PinterestMarketingSource(connector(MemoryTokens(), base_url=sandbox.base_url), SystemClock())
        return open_world(importer=source, root=folder)

    def there(world: World) -> list[list[str]]:
        rows = world.rows("SELECT id, name FROM campaigns ORDER BY id", database="ads")
        told = "SELECT id, name, header__change_oper FROM campaigns__ct ORDER BY header__change_seq"
        return rows + (world.rows(told, database="ads") if method == "cdc-change-tables" else [])

    for number in range(100, 400):
        put(sandbox, str(number), "a", 1_780_000_000 + number)
    before = tmp_path / "before"
    world = opened(before)
    world.post("/v3/database/create/ads")
    load(world, method, **({"apply": True} if method == "cdc-change-tables" else {}))
    assert run(world)["status"] == "success"
    old = there(world)
    world.service.close()
    for number in range(390, 410):
        put(sandbox, str(number), "b", 1_780_001_000 + number)
    sandbox.control.call("DELETE", "/objects/campaigns/100")

    undisturbed = tmp_path / "undisturbed"
    shutil.copytree(before, undisturbed)
    asked = died(undisturbed, sandbox.base_url, 1_000_000)
    questions = int(asked.stdout)
    world = opened(undisturbed)
    expected = there(world)
    world.service.close()
    assert len(expected) == {"cdc": 310, "cdc-change-tables": 310 + 20}.get(method, 309)
    assert questions >= 20

    # The others take the same way; changes are written at the end, so more is tried there.
    points = {"cdc": 18, "reload-and-compare": 18, "cdc-change-tables": 3}.get(method, 6)
    ending = range(questions - 4, questions) if method == "cdc-change-tables" else ()
    for last in sorted({*range(1, questions + 1, max(1, questions // points)), *ending, questions}):
        folder = tmp_path / f"killed-{last}"
        shutil.copytree(before, folder)
        assert died(folder, sandbox.base_url, last).returncode < 0
        world = opened(folder)
        assert there(world) in (old, expected), "all or nothing"
        assert run(world)["status"] == "success"
        assert there(world) == expected
        world.service.close()
        shutil.rmtree(folder)
