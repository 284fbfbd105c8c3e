"""Files in an object store: rows go there and come back, by a connection that has the credentials, at a real S3 server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import obstore
import pytest
import yaml
from bucket_lake import BUCKET, ENVIRON, KEY, KEY_ID
from obstore.store import S3Store
from stage import Stage, environment, files_below, leaks

MANIFESTS = """\
apiVersion: tdr/v1
kind: Database
metadata: {{name: shop}}
spec: {{}}
---
{connection}---
apiVersion: tdr/v1
kind: Import
metadata: {{name: people}}
spec:
  from: {{type: files, connection: lake, paths: ["in/**/*.csv", "late/one.csv"]}}
  to: {{database: shop, table: people, mode: upsert, key: [id]}}
---
apiVersion: tdr/v1
kind: Query
metadata: {{name: out}}
spec:
  database: shop
  sql: SELECT id, name FROM people ORDER BY id
  export:
    connection: lake
    settings: {{path: "out/people.csv.gz"}}
---
apiVersion: tdr/v1
kind: Import
metadata: {{name: back}}
spec:
  from: {{type: files, connection: lake, paths: ["out/*"]}}
  to: {{database: shop, table: back}}
"""


@pytest.fixture
def shop(tmp_path: Path, lake_connection: str) -> Stage:
    stage = Stage(tmp_path, None, environment(tmp_path) | ENVIRON)
    stage.write("tdr.yaml", "apiVersion: tdr/v1\nproject: shop\n")
    stage.write("manifests/shop.yaml", MANIFESTS.format(connection=lake_connection))
    return stage


def rows(stage: Stage, table: str) -> list[Any]:
    with stage.somebody() as td:
        job = td.issue_job("presto", "shop", {"query": f"SELECT id, name FROM {table} ORDER BY 1"}, "")
        while td.job(job)["status"] not in {"success", "error"}:
            stage.clock.sleep(0.05)
        return td.job_rows(job)


def everywhere(stage: Stage) -> dict[str, bytes]:
    """All that was printed and all that was kept."""
    return files_below(stage.state) | {str(number): text.encode() for number, text in enumerate(stage.heard)}


def test_an_activation_writes_into_a_bucket_whole_files_that_replace_or_add(shop: Stage, lake: S3Store) -> None:
    shop.write(
        "manifests/activations.yaml",
        "".join(
            "---\napiVersion: tdr/v1\nkind: Activation\n"
            f"metadata: {{name: {name}}}\n"
            'spec:\n  from: {query: {database: shop, sql: "SELECT 1 AS id"}}\n'
            f'  to: {{connection: lake, path: "{path}"}}\n  write: {write}\n'
            for name, path, write in (
                ("newest", "sent/newest.jsonl", "replace"),
                ("each", "kept/{date}-{job_id}.parquet", "append"),
            )
        ),
    )
    obstore.put(lake, "in/a.csv", b"id,name\n1,Jane\n")
    obstore.put(lake, "late/one.csv", b"id,name\n4,Ola\n")
    shop.tdr("apply", "--yes")

    for one in ("newest", "newest", "each", "each"):
        shop.tdr("run", f"activation/{one}")

    assert bytes(obstore.get(lake, "sent/newest.jsonl").bytes()) == b'{"id":1}\n'
    assert [len(chunk) for chunk in obstore.list(lake, "kept")] == [2]
    shop.tdr("plan", "--detailed-exitcode")
    assert leaks(everywhere(shop), [KEY_ID, KEY]) == []


def test_rows_come_from_a_bucket_and_go_to_one(shop: Stage, lake: S3Store) -> None:
    obstore.put(lake, "in/a.csv", b"id,name\n1,Jane\n2,Hanako\n")
    obstore.put(lake, "in/2026/02/b.csv", b"id,name\n2,Hana\n3,Ravi\n")
    obstore.put(lake, "late/one.csv", b"id,name\n4,Ola\n")
    obstore.put(lake, "in/one.csv.old", b"not,meant\n")
    obstore.put(lake, "in/.one.csv", b"not,meant\n")
    shop.tdr("apply", "--yes")
    shop.tdr("plan", "--detailed-exitcode")

    for one in ("import/people", "query/out", "import/back", "query/out"):
        shop.tdr("run", one)

    assert [meta["path"] for chunk in obstore.list(lake, "out") for meta in chunk] == ["out/people.csv.gz"]
    assert rows(shop, "back") == [["1", "Jane"], ["2", "Hanako"], ["3", "Ravi"], ["4", "Ola"]]
    assert leaks(everywhere(shop), [KEY]) == []


def test_what_the_store_refuses_is_said_without_what_it_was_sent(shop: Stage, lake: S3Store) -> None:
    shop.tdr("apply", "--yes")
    missing = shop.tdr("run", "import/people", expect=None)
    assert missing.code != 0
    assert "matches 'in/**/*.csv'" in missing.out + missing.err

    shop.edit("manifests/shop.yaml", f"bucket: {BUCKET}", "bucket: tdr-nowhere")
    shop.tdr("apply", "--yes")
    nowhere = shop.tdr("run", "import/people", expect=None)
    assert nowhere.code != 0
    assert "s3://tdr-nowhere" in nowhere.out + nowhere.err
    assert "cannot be listed" in nowhere.out + nowhere.err
    assert leaks(everywhere(shop), [KEY]) == []


def test_others_may_take_it_over(shop: Stage) -> None:
    shop.tdr("apply", "--yes")
    for record in ("connection/lake", "import/people", "import/back", "query/out", "database/shop"):
        shop.tdr("state", "rm", record)
    (shop.folder / "manifests/shop.yaml").unlink()
    secrets = {"LAKE_ACCESS_KEY_ID": KEY_ID, "LAKE_SECRET_ACCESS_KEY": KEY}

    shop.tdr("import", "--all", "--yes", **secrets)
    shop.tdr("plan", "--detailed-exitcode", **secrets)

    spec = yaml.safe_load((shop.folder / "manifests/connections/lake.yaml").read_text(encoding="utf-8"))["spec"]
    assert {name: spec[name] for name in ("type", "bucket", "region")} == {
        "type": "files",
        "bucket": BUCKET,
        "region": "us-east-1",
    }
    assert spec["secret_access_key"].startswith("${secret:env:")
    taken = yaml.safe_load((shop.folder / "manifests/imports/people.yaml").read_text(encoding="utf-8"))["spec"]
    assert taken["from"] == {"type": "files", "paths": ["in/**/*.csv", "late/one.csv"], "connection": "lake"}
    assert taken["to"]["key"] == ["id"]
