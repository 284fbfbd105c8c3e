"""Drift is told once, and what was found is written into the manifests without touching what else stands there."""

from __future__ import annotations

import fcntl
import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from stage import Stage, as_if_in, environment, killed_at

from reconciler.commands.accepting import Choice, accept
from reconciler.errors import TdrError
from reconciler.model.address import Address
from reconciler.wiring import Runtime, open_runtime

SHOP = """\
# The shop
apiVersion: tdr/v1
kind: Database
metadata: {name: shop}
spec: {}
---
apiVersion: tdr/v1
kind: Table
metadata: {name: customers}
spec:
  database: shop   # ours
  expire_days: 30
  columns:
    - {name: email, type: string}   # hashed later
    - {name: spring, type: string}
"""
QUERIES = """\
apiVersion: tdr/v1
kind: Query
metadata: {name: sizes}
spec:
  database: shop
  sql: |
    SELECT count(1)  -- all
    FROM customers
  # early
  schedule: {cron: "0 3 * * *", timezone: Asia/Tokyo}
---
apiVersion: tdr/v1
kind: Query
metadata: {name: spring}
spec:
  database: shop
  file: sql/spring.sql
  priority: ${var:priority|1}
  schedule: nightly
---
apiVersion: tdr/v1
kind: Schedule
metadata: {name: nightly}
spec:
  cron: 0 4 * * *
"""
SQL = "-- spring\r\nSELECT email\r\nFROM customers;\r\n"


@pytest.fixture
def shop(tmp_path: Path) -> Stage:
    folder = tmp_path / "project"
    folder.mkdir()
    stage = Stage(folder, None, environment(folder))
    stage.write("tdr.yaml", "apiVersion: tdr/v1\nproject: shop\nenvironments: {local: {}}\n")
    stage.write("manifests/shop.yaml", SHOP)
    stage.write("manifests/queries.yaml", QUERIES)
    (folder / "sql").mkdir()
    (folder / "sql" / "spring.sql").write_bytes(SQL.encode())
    stage.tdr("apply", "--yes")
    return stage


def runtime_in(stage: Stage) -> AbstractContextManager[Runtime]:
    return open_runtime(start=stage.folder, environment=None, variables={}, resolve_secrets=True)


def choice(text: str) -> Choice:
    kind, name, field = text.split("/")
    return Choice(Address(kind, name), f"/{field}")


def text_of(stage: Stage, path: str) -> str:
    return (stage.folder / path).read_bytes().decode()


def test_drift_that_is_known_is_no_news_until_something_else_moves(shop: Stage) -> None:
    with shop.somebody() as client:
        client.update_saved_query("sizes", {"cron": "0 5 * * *"})
    first = shop.tdr("drift", "--format", "json", expect=2).document
    again = shop.tdr("drift", "--format", "json", expect=2).document

    known = shop.tdr("drift", "--since-digest", first["digest"], "--format", "json").document
    quiet = shop.tdr("drift", "--since-digest", first["digest"]).out
    with shop.somebody() as client:
        client.update_saved_query("spring", {"priority": "2"})
    news = shop.tdr("drift", "--since-digest", first["digest"], "--format", "json", expect=2).document

    assert first["digest"] == again["digest"] == known["digest"] == known["since"]
    assert (known["clean"], known["changed"], news["changed"]) == (False, False, True)
    assert quiet == f"Environment local\nDrift: nothing new since {first['digest'][:15]}.\n"


@pytest.mark.parametrize(
    ("query", "fields", "choice", "file", "before", "after"),
    [
        (
            "sizes",
            {"cron": "30 5 * * *"},
            "query/sizes",
            "manifests/queries.yaml",
            '{cron: "0 3 * * *", timezone',
            '{cron: "30 5 * * *", timezone',
        ),
        (
            "sizes",
            {"query": "SELECT 1\nFROM customers"},
            "query/sizes/sql",
            "manifests/queries.yaml",
            "    SELECT count(1)  -- all\n    FROM customers\n",
            "    SELECT 1\n    FROM customers\n",
        ),
        (
            "spring",
            {"query": "SELECT email FROM customers\nWHERE spring = 'yes'"},
            "query/spring",
            "sql/spring.sql",
            "-- spring\r\nSELECT email\r\nFROM customers;",
            "SELECT email FROM customers\r\nWHERE spring = 'yes';",
        ),
        ("spring", {"cron": "0 6 * * *"}, "query/spring/cron", "manifests/queries.yaml", "0 4 * * *", "0 6 * * *"),
        (
            "sizes",
            {"cron": ""},
            "query/sizes/cron",
            "manifests/queries.yaml",
            "timezone: Asia/Tokyo}\n",
            "timezone: Asia/Tokyo}\n  enabled: false\n",
        ),
    ],
    ids=["a cron", "inline SQL", "SQL in a file", "a schedule of its own name", "a schedule taken off"],
)
def test_accepting_writes_the_value_and_nothing_else(
    shop: Stage, query: str, fields: dict[str, Any], choice: str, file: str, before: str, after: str
) -> None:
    with shop.somebody() as client:
        client.update_saved_query(query, fields)
    text = text_of(shop, file)

    said = shop.tdr("drift", "--accept", choice).out

    assert text.count(before) == 1
    assert text_of(shop, file) == text.replace(before, after)
    assert f" in {file}\n" in said
    shop.tdr("apply", "--yes")
    assert shop.tdr("drift", "--format", "json").document["clean"]
    with shop.somebody() as client:
        (now,) = [raw for raw in client.saved_queries() if raw["name"] == query]
    assert {name: now[name] or "" for name in fields} == fields


def test_columns_and_expiry_of_a_table_are_accepted(shop: Stage) -> None:
    with shop.somebody() as client:
        client.update_schema("shop", "customers", '[["email","string"],["age","int"],["spring","string"]]')
        client.update_table("shop", "customers", {"expire_days": 60})

    shop.tdr("drift", "--accept", "table/customers")

    assert text_of(shop, "manifests/shop.yaml") == SHOP.replace("30", "60").replace(
        "later\n", "later\n    - {name: age, type: int}\n"
    )
    shop.tdr("plan", "--detailed-exitcode")


@pytest.mark.parametrize(
    ("fields", "choice", "said"),
    [
        (
            {"priority": "2"},
            "query/spring",
            "manifests/queries.yaml:18:13: /spec/priority is written as ${var:priority|1}",
        ),
        ({"cron": "0 5 * * *"}, "query/spring/sql", "query/spring/sql did not move"),
        ({"cron": "0 5 * * *"}, "query/nobody", "query/nobody is not in the state"),
        ({"cron": "0 5 * * *"}, "nobody", "'nobody' is not an address"),
        ({"result": "td://@/shop/copy"}, "query/spring", "query/spring: no field of a manifest says what /result is"),
    ],
)
def test_what_cannot_be_accepted_is_refused_and_nothing_is_written(
    shop: Stage, fields: dict[str, Any], choice: str, said: str
) -> None:
    with shop.somebody() as client:
        client.update_saved_query("spring", fields)

    refused = shop.tdr("drift", "--accept", "query/spring/cron", "--accept", choice, expect=None)

    assert refused.code in (1, 64)
    assert f"error: {said}" in refused.err or "query/spring/cron did not move" in refused.err
    assert text_of(shop, "manifests/queries.yaml") == QUERIES
    assert text_of(shop, "sql/spring.sql") == SQL
    alone = shop.tdr("drift", "--accept", choice, expect=None)
    assert f"error: {said}" in alone.err
    assert text_of(shop, "manifests/queries.yaml") == QUERIES


@pytest.fixture
def twice(shop: Stage) -> Stage:
    """Drift whose acceptance writes two files."""
    with shop.somebody() as client:
        client.update_saved_query("sizes", {"cron": "0 5 * * *"})
        client.update_saved_query("spring", {"query": "SELECT 1"})
    return shop


BOTH = ("query/sizes/cron", "query/spring/sql")
WRITTEN = {
    "manifests/queries.yaml": QUERIES.replace('"0 3 * * *"', '"0 5 * * *"'),
    "sql/spring.sql": "SELECT 1;\r\n",
}


@pytest.mark.parametrize("file", WRITTEN)
def test_what_somebody_saves_meanwhile_is_theirs(twice: Stage, file: str) -> None:
    before = {name: text_of(twice, name) for name in WRITTEN}
    theirs = "# theirs\n" + before[file]
    with as_if_in(twice.folder, twice.environ), runtime_in(twice) as runtime:
        (twice.folder / file).write_bytes(theirs.encode())

        with pytest.raises(TdrError, match=f"{file} was changed while tdr looked at the vendors"):
            accept(runtime, [choice(one) for one in BOTH])

    assert {name: text_of(twice, name) for name in WRITTEN} == before | {file: theirs}


@pytest.mark.parametrize("file", WRITTEN)
def test_a_file_that_nobody_may_write_to_is_left_alone_and_so_are_all_others(twice: Stage, file: str) -> None:
    before = {name: text_of(twice, name) for name in WRITTEN}
    (twice.folder / file).chmod(0o444)

    said = twice.tdr("drift", "--accept", BOTH[0], "--accept", BOTH[1], expect=1)

    assert said.err.startswith(f"error: {file} is read-only\n")
    assert {name: text_of(twice, name) for name in WRITTEN} == before


def test_only_one_accepts_at_a_time(twice: Stage) -> None:
    descriptor = os.open(twice.folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    said = twice.tdr("drift", "--accept", BOTH[0], expect=5)
    waited_s = -twice.clock.now()
    assert twice.tdr("drift", "--accept", BOTH[0], "--lock-timeout", "2m", expect=5).err == said.err
    waited_s += twice.clock.now()
    os.close(descriptor)

    assert waited_s >= 120
    assert "--lock-timeout goes with --accept only" in twice.tdr("drift", "--lock-timeout", "2m", expect=64).err
    assert said.err.startswith("error: another `tdr import`, `tdr drift --accept` or `tdr fmt` is writing ")
    assert text_of(twice, "manifests/queries.yaml") == QUERIES
    twice.tdr("drift", "--accept", BOTH[0])
    assert text_of(twice, "manifests/queries.yaml") == WRITTEN["manifests/queries.yaml"]


def test_permissions_and_links_stay(twice: Stage) -> None:
    real = twice.folder / "queries"
    (twice.folder / "manifests/queries.yaml").rename(real)
    (twice.folder / "manifests/queries.yaml").symlink_to("../queries")
    real.chmod(0o646)

    twice.tdr("drift", "--accept", BOTH[0])

    assert (twice.folder / "manifests/queries.yaml").readlink() == Path("../queries")
    assert (real.read_text(), real.stat().st_mode & 0o777) == (WRITTEN["manifests/queries.yaml"], 0o646)


@pytest.mark.slow
def test_killed_at_any_write_each_file_is_as_it_was_or_as_it_was_to_be(twice: Stage) -> None:
    before = {name: text_of(twice, name) for name in WRITTEN}
    for number in range(1, 100):
        for name, text in before.items():
            (twice.folder / name).write_bytes(text.encode())
        code = killed_at(twice, number, "manifests", "sql", "--", "drift", "--accept", BOTH[0], "--accept", BOTH[1])

        for name, text in WRITTEN.items():
            assert text_of(twice, name) in (before[name], text), number
            assert (twice.folder / name).stat().st_mode & 0o777 == 0o644, number
        twice.tdr("drift", "--accept", BOTH[0], "--accept", BOTH[1])
        assert {name: text_of(twice, name) for name in WRITTEN} == WRITTEN, number
        if code == 0:
            break
    assert number > 6


def test_what_was_deleted_has_nothing_to_write_down(shop: Stage) -> None:
    with shop.somebody() as client:
        client.delete_saved_query("sizes")

    refused = shop.tdr("drift", "--accept", "query/sizes", expect=1)

    assert "error: query/sizes was deleted outside; there is nothing to write down" in refused.err


def test_what_nothing_manages_is_listed_with_the_share_that_is(shop: Stage) -> None:
    with shop.somebody() as client:
        client.create_saved_query("theirs", {"type": "trino", "database": "shop", "query": "SELECT 1"})

    document = shop.tdr("drift", "--unmanaged", "--format", "json").document
    text = shop.tdr("drift", "--unmanaged").out

    assert document["unmanaged"] == [{"kind": "query", "id": "theirs", "name": "theirs"}]
    assert {share["kind"]: (share["managed"], share["total"]) for share in document["coverage"]} == {
        "database": (1, 1),
        "query": (2, 3),
        "table": (1, 1),
    }
    assert "+ query theirs  unmanaged\n" in text
    assert "  query: 2 of 3 managed\n" in text


def test_a_field_that_no_table_names_is_written_where_the_provider_declares_it(shop: Stage) -> None:
    text = "apiVersion: tdr/v1\nkind: Connection\nmetadata: {name: drop}\nspec: {type: files, root: incoming}  # in\n"
    shop.write("manifests/drop.yaml", text)
    shop.tdr("apply", "--yes")
    with shop.somebody() as client:
        (raw,) = [one for one in client.connections() if one["name"] == "drop"]
        body = {"name": "drop", "type": raw["type"], "settings": {**raw["settings"], "root": "arrived"}}
        client.update_connection(str(raw["id"]), body)

    shop.tdr("drift", "--accept", "connection/drop/settings/root")

    assert text_of(shop, "manifests/drop.yaml") == text.replace("incoming", "arrived")
    shop.tdr("plan", "--detailed-exitcode")
