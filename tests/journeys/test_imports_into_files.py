"""Imports into Parquet files, as a user has them: from the manifest to the file, on disk and in a bucket, and taken over again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import obstore
import pytest
import yaml
from bucket_lake import BUCKET, ENVIRON, KEY
from obstore.store import S3Store
from stage import Stage, environment, leaks

FILE = "lake/contacts.parquet"
IMPORT = """\
apiVersion: tdr/v1
kind: Import
metadata: {name: contacts}
spec:
  from: {type: files, paths: [data/contacts.csv]}
  to: TO
"""
HERE = """\
apiVersion: tdr/v1
kind: Connection
metadata: {name: lake}
spec: {type: files, root: elsewhere}
"""
FIRST = "id,name\n1,Jane\n2,Bo\n"
SECOND = "id,name,city\n2,Bob,Oslo\n3,Al,Rome\n"
UPSERT = "{file: lake/contacts.parquet, mode: upsert, key: [id]}"
BY_KEY = [("1", "Jane", None), ("2", "Bob", "Oslo"), ("3", "Al", "Rome")]


@pytest.fixture
def shop(tmp_path: Path) -> Stage:
    stage = Stage(tmp_path, None, environment(tmp_path) | ENVIRON)
    stage.write("tdr.yaml", "apiVersion: tdr/v1\nproject: shop\n")
    stage.write("data/contacts.csv", FIRST)
    return stage


def declare(stage: Stage, to: str, more: str = "") -> None:
    stage.write("manifests/contacts.yaml", IMPORT.replace("TO", to) + (f"---\n{more}" if more else ""))


def rows(path: Path) -> list[Any]:
    with duckdb.connect() as connection:
        return connection.execute("SELECT * EXCLUDE (time) FROM read_parquet(?) ORDER BY 1, 2", [str(path)]).fetchall()


def load_twice(stage: Stage) -> None:
    stage.tdr("apply", "--yes")
    stage.tdr("plan", "--detailed-exitcode")
    stage.tdr("run", "import/contacts")
    stage.write("data/contacts.csv", SECOND)
    stage.tdr("run", "import/contacts")
    stage.tdr("plan", "--detailed-exitcode")


MODES = {
    "append": [("1", "Jane", None), ("2", "Bo", None), ("2", "Bob", "Oslo"), ("3", "Al", "Rome")],
    "replace": [("2", "Bob", "Oslo"), ("3", "Al", "Rome")],
    "replace_on_new_data": [("2", "Bob", "Oslo"), ("3", "Al", "Rome")],
    "upsert, key: [id]": BY_KEY,
}


@pytest.mark.parametrize("mode", MODES)
def test_a_file_is_filled_as_its_mode_says_and_no_plan_finds_anything_else(shop: Stage, mode: str) -> None:
    declare(shop, f"{{file: {FILE}, mode: {mode}}}")

    load_twice(shop)

    assert rows(shop.folder / FILE) == MODES[mode]
    assert f"loaded 2 rows into `{FILE}`" in shop.tdr("logs", "import/contacts").out
    assert shop.tdr("status").out


def test_a_preview_shows_what_would_come_and_makes_nothing(shop: Stage) -> None:
    declare(shop, UPSERT)

    assert "import/contacts: 2 columns" in shop.tdr("preview", "import/contacts").out
    assert not (shop.folder / "lake").exists()


def test_a_file_below_a_connection_moves_with_its_root(shop: Stage) -> None:
    declare(shop, "{file: contacts.parquet, connection: lake, mode: upsert, key: [id]}", HERE)
    load_twice(shop)
    assert rows(shop.folder / "elsewhere/contacts.parquet") == BY_KEY

    shop.edit("manifests/contacts.yaml", "root: elsewhere", "root: there")
    shop.tdr("apply", "--yes")
    shop.tdr("run", "import/contacts")

    assert rows(shop.folder / "there/contacts.parquet") == [("2", "Bob", "Oslo"), ("3", "Al", "Rome")]


def changed(stage: Stage) -> dict[str, Any]:
    changes = stage.tdr("plan", "--format", "json").document["changes"]
    return {one["address"]: one["actions"] for one in changes if one["actions"] != ["noop"]}


def test_a_table_becomes_a_file_and_a_file_a_table(shop: Stage) -> None:
    database = "apiVersion: tdr/v1\nkind: Database\nmetadata: {name: shop}\nspec: {}\n"
    table = "{database: shop, table: contacts, time_column: id}"
    for to in (table, UPSERT, table, f"{{file: {FILE}}}"):
        declare(shop, to, database)
        assert changed(shop)["import/contacts"] in (["create"], ["update"])
        shop.tdr("apply", "--yes")
        assert changed(shop) == {}
    shop.tdr("run", "import/contacts")
    assert rows(shop.folder / FILE) == [("1", "Jane"), ("2", "Bo")]


def test_what_others_change_is_drift_and_is_put_right(shop: Stage) -> None:
    database = "apiVersion: tdr/v1\nkind: Database\nmetadata: {name: shop}\nspec: {}\n"
    other = {"type": "files", "path": "lake/other.parquet", "mode": "append"}
    for to in (UPSERT, "{database: shop, table: contacts}"):
        declare(shop, to, database)
        shop.tdr("apply", "--yes")
        with shop.somebody() as td:
            config = {"in": {"type": "files", "paths": ["data/contacts.csv"], "root": "."}, "out": other}
            td.update_bulk_load("contacts", {"config": config, "database": "", "table": ""})

        assert "import/contacts" in shop.tdr("drift", expect=2).out
        shop.tdr("apply", "--yes")
        assert changed(shop) == {}
        shop.tdr("run", "import/contacts")
    assert rows(shop.folder / FILE) == [("1", "Jane"), ("2", "Bo")]
    assert not (shop.folder / "lake/other.parquet").exists()


def test_a_connection_that_others_put_in_is_drift_that_can_be_accepted(shop: Stage) -> None:
    declare(shop, "{file: lake/a.parquet}", HERE)
    shop.tdr("apply", "--yes")
    with shop.somebody() as td:
        (connection,) = td.connections()
        out = {"type": "files", "path": "lake/b.parquet", "td_authentication_id": int(str(connection["id"]))}
        source = {"type": "files", "paths": ["data/contacts.csv"], "root": "."}
        td.update_bulk_load("contacts", {"config": {"in": source, "out": out}})

    shop.tdr("drift", "--accept", "import/contacts")

    documents = list(yaml.safe_load_all((shop.folder / "manifests/contacts.yaml").read_text(encoding="utf-8")))
    assert documents[0]["spec"]["to"] == {"file": "lake/b.parquet", "connection": "lake"}
    shop.tdr("plan", "--detailed-exitcode")


@pytest.mark.parametrize("connection", [True, False], ids=["below-a-connection", "below-the-project"])
def test_others_may_take_it_over(shop: Stage, *, connection: bool) -> None:
    to = "{file: a/contacts.parquet, connection: lake, mode: upsert, key: [id]}" if connection else UPSERT
    declare(shop, to, HERE if connection else "")
    shop.tdr("apply", "--yes")
    for record in ("import/contacts", *(["connection/lake"] if connection else [])):
        shop.tdr("state", "rm", record)
    (shop.folder / "manifests/contacts.yaml").unlink()

    shop.tdr("import", "--all", "--yes")
    shop.tdr("plan", "--detailed-exitcode")

    taken = yaml.safe_load((shop.folder / "manifests/imports/contacts.yaml").read_text(encoding="utf-8"))["spec"]
    assert taken["to"] == yaml.safe_load(to)


WRONG = {
    "{file: ../a.parquet}": "leaves the folder it is below",
    "{file: /tmp/a.parquet}": "leaves the folder it is below",
    "{file: lake/a.csv}": "is not that of a Parquet file",
    "{file: 'lake/{date}.parquet'}": "words in braces",
    "{file: lake/a.parquet, database: shop}": "names a table and a file: keep `database` and `table`, or `file`",
    "{file: lake/a.parquet, mode: upsert}": "`mode: upsert` needs a `key`",
    "{file: lake/a.parquet, key: [id]}": "`key` belongs to `mode: upsert`",
    "{file: lake/a.parquet, connection: nobody}": "nobody",
    "{connection: lake}": "`spec.to.file` is missing",
    "{}": "`spec.to.database` is missing",
}


@pytest.mark.parametrize("to", WRONG)
def test_a_target_that_cannot_be_is_told_with_its_place(shop: Stage, to: str) -> None:
    declare(shop, to)

    said = shop.tdr("validate", expect=7).err

    assert WRONG[to] in said
    assert "manifests/contacts.yaml:6" in said


def test_treasure_data_itself_fills_tables_only(shop: Stage) -> None:
    declare(shop, UPSERT)
    shop.write(
        "manifests/environments/prod.yaml",
        'treasure_data: {endpoint: us01, api_key: "${secret:env:TD_API_KEY}"}\naccounts: {treasure_data: us01/1}\n',
    )
    shop.write("manifests/environments/local.yaml", "{}\n")

    said = shop.tdr("validate", "--env", "prod", expect=7, TD_API_KEY="1/FAKE").err

    assert "files-not-reachable" in said
    assert "manifests/contacts.yaml:6" in said
    shop.tdr("validate", "--env", "local")


# -- in a bucket ----------------------------------------------------------------------------------------------------------

IN_BUCKET = "{file: a/contacts.parquet, connection: lake, mode: upsert, key: [id]}"


def kept(lake: S3Store, folder: Path) -> Path:
    path = folder / "fetched.parquet"
    path.write_bytes(bytes(obstore.get(lake, "a/contacts.parquet").bytes()))
    return path


def test_a_file_in_a_bucket_is_filled_like_any(shop: Stage, lake: S3Store, lake_connection: str) -> None:
    declare(shop, IN_BUCKET, lake_connection)

    load_twice(shop)

    assert rows(kept(lake, shop.folder)) == BY_KEY
    assert [meta["path"] for chunk in obstore.list(lake) for meta in chunk] == ["a/contacts.parquet"]
    heard = {str(number): text.encode() for number, text in enumerate(shop.heard)}
    heard |= {str(path): path.read_bytes() for path in shop.state.rglob("*") if path.is_file()}
    assert leaks(heard, [KEY]) == []


def test_another_project_goes_on_with_the_file_in_the_bucket(
    shop: Stage,
    lake: S3Store,
    lake_connection: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    declare(shop, IN_BUCKET, lake_connection)
    shop.tdr("apply", "--yes")
    shop.tdr("run", "import/contacts")
    folder = tmp_path_factory.mktemp("other")
    other = Stage(folder, None, environment(folder) | ENVIRON)
    other.write("tdr.yaml", "apiVersion: tdr/v1\nproject: other\n")
    other.write("data/contacts.csv", SECOND)
    declare(other, IN_BUCKET, lake_connection)
    other.tdr("apply", "--yes")
    other.tdr("run", "import/contacts")

    path = kept(lake, shop.folder)
    assert rows(path) == BY_KEY
    with duckdb.connect() as connection:
        [(note,)] = connection.execute(
            "SELECT decode(value) FROM parquet_kv_metadata(?) WHERE decode(key) = 'tdr.imports'", [str(path)]
        ).fetchall()
    assert [one["load"] for one in json.loads(note).values()] == ["contacts"]


def test_a_bucket_that_is_not_there_is_told_without_what_it_was_sent(
    shop: Stage,
    lake_connection: str,
) -> None:
    declare(shop, IN_BUCKET, lake_connection.replace(f"bucket: {BUCKET}", "bucket: tdr-nowhere"))
    shop.tdr("apply", "--yes")

    said = shop.tdr("run", "import/contacts", expect=None)

    assert said.code == 1
    assert "s3://tdr-nowhere/" in said.out + said.err
    assert leaks({"said": (said.out + said.err).encode()}, [KEY]) == []
