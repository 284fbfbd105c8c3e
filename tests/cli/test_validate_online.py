"""`tdr validate --online` asks the vendors too: what is wrong there has a place here, and what cannot be read is never valid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from stage import MANIFESTS, Said, Stage, environment

from reconciler.manifest.sql_parsing import tables_needed
from reconciler.model.queries import Engine

QUERY = """\
apiVersion: tdr/v1
kind: Query
metadata: {name: sizes}
spec:
  database: shop
  sql: SQL
"""
FILE = "manifests/sizes.yaml"


def online(stage: Stage, expect: int) -> dict[str, Any]:
    return stage.tdr("validate", "--online", "--format", "json", expect=expect).document


def told(document: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    return [
        (one["rule"], one["severity"], one["subject"], f"{one['file']}:{one['line']}")
        for one in document["diagnostics"]
        if one["severity"] == "error"
    ]


def tree(folder: Path) -> dict[str, bytes]:
    """What is remembered and declared."""
    kept = ("state.json", "journal.jsonl", ".yaml", ".sql")
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name.endswith(kept)
    }


def test_a_project_that_nothing_speaks_against_is_valid_before_and_after_an_apply(project: Stage) -> None:
    document = online(project, 0)
    assert (document["valid"], document["online"], told(document)) == (True, True, [])
    project.tdr("apply", "--yes")
    before = tree(project.folder)
    assert "The manifests are valid, as far as the vendors can tell." in project.tdr("validate", "--online").out
    assert tree(project.folder) == before


def test_offline_is_the_default_and_needs_no_secret(tmp_path: Path) -> None:
    stage = shop(tmp_path)
    without = {name: "" for name in stage.environ if name.startswith("PINTEREST")}
    stage.environ = {name: value for name, value in stage.environ.items() if name not in without}
    assert "online" not in stage.tdr("validate", "--format", "json").document
    assert "unresolved-secret" in stage.tdr("validate", "--online", expect=1).err


def test_a_table_that_no_one_has_is_an_error_with_its_place(project: Stage) -> None:
    project.write(FILE, QUERY.replace("SQL", "SELECT 1 AS n FROM custommers"))
    project.tdr("validate")

    said = project.tdr("validate", "--online", expect=7)

    assert "error[unknown-table]: the SQL needs shop.custommers, and there is no such table" in said.out
    assert f"{FILE}:6:8" in said.out
    assert "did you mean `customers`?" in said.out
    assert "1 error." in said.out


def test_a_table_that_somebody_made_is_as_good_as_a_declared_one(project: Stage) -> None:
    project.write(FILE, QUERY.replace("SQL", "SELECT 1 AS n FROM others"))
    project.tdr("apply", "--yes")
    with project.somebody() as client:
        client.create_table("shop", "others", {})
    assert told(online(project, 0)) == []


def test_a_database_that_no_one_has_is_an_error_with_its_place(project: Stage) -> None:
    project.write(FILE, QUERY.replace("SQL", "SELECT 1 AS n").replace("database: shop", "database: shopp"))
    assert told(online(project, 7)) == [("unknown-database", "error", "query/sizes", f"{FILE}:5")]


def test_a_name_that_is_taken_waits_for_a_person(project: Stage) -> None:
    project.tdr("apply", "--yes")
    with project.somebody() as client:
        client.create_saved_query("sizes", {"database": "shop", "type": "trino", "query": "SELECT 9"})
    project.write(FILE, QUERY.replace("SQL", "SELECT 1 AS n"))
    assert told(online(project, 3)) == [("adoption-required", "error", "query/sizes", f"{FILE}:1")]


def shop(folder: Path) -> Stage:
    """A project whose one vendor besides Treasure Data does not answer."""
    place = folder / "shop"
    place.mkdir()
    stage = Stage(place, None, environment(place) | {"TDR_VAR_pinterest": "http://127.0.0.1:9/v5"})
    for path, text in MANIFESTS.items():
        stage.write(path, text)
    stage.shop_of(range(3))
    return stage


def test_what_cannot_be_read_is_not_valid(tmp_path: Path) -> None:
    document = online(shop(tmp_path), 1)
    assert not document["valid"]
    assert told(document) == [("unreadable", "error", "audience/spring-buyers", "manifests/pinterest.yaml:15")]


def test_another_account_stops_it_before_anything_is_read(project: Stage) -> None:
    kept = (project.folder / "manifests/environments/local.yaml").read_text(encoding="utf-8")
    project.write("manifests/environments/local.yaml", f"{kept}accounts: {{treasure_data: us01/1}}\n")
    said: Said = project.tdr("validate", "--online", expect=3)
    assert "the environment belongs to 'us01/1'" in said.err


@pytest.mark.parametrize(
    ("sql", "engine", "expected"),
    [
        ("SELECT 1", Engine.TRINO, ()),
        ("SELECT * FROM A JOIN shop.b ON a.x = b.x", Engine.TRINO, (("", "a"), ("shop", "b"))),
        ("WITH c AS (SELECT 1 FROM d) SELECT * FROM c", Engine.TRINO, (("", "d"),)),
        ("SELECT * FROM (SELECT x FROM e) t CROSS JOIN UNNEST(t.x) AS u (y)", Engine.TRINO, (("", "e"),)),
        ("SELECT * FROM information_schema.tables", Engine.TRINO, ()),
        ("SELECT * FROM td.shop.f", Engine.TRINO, ()),
        ("SELECT k FROM g LATERAL VIEW explode(v) x AS k", Engine.HIVE, (("", "g"),)),
        ("INSERT INTO h SELECT * FROM i", Engine.TRINO, (("", "h"), ("", "i"))),
        ("CREATE TABLE h AS SELECT * FROM i", Engine.TRINO, (("", "i"),)),
        ("DROP TABLE IF EXISTS h", Engine.TRINO, ()),
        ("SELECT (", Engine.TRINO, ()),
    ],
)
def test_the_tables_that_a_query_reads(sql: str, engine: Engine, expected: tuple[tuple[str, str], ...]) -> None:
    assert tables_needed(sql, engine) == expected
