"""Activations whose target is a file: from the manifest to what is written, and what is said when it cannot be."""

from __future__ import annotations

import gzip
import json
import os
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from stage import Stage, environment

SHOP = """\
apiVersion: tdr/v1
kind: Database
metadata: {name: shop}
spec: {}
---
apiVersion: tdr/v1
kind: Connection
metadata: {name: here}
spec: {type: files, root: elsewhere}
"""
ACTIVATION = """\
apiVersion: tdr/v1
kind: Activation
metadata: {name: buyers}
spec:
  from: {query: {database: shop, sql: "SELECT * FROM (VALUES (1, 'Jane, \\"J\\"'), (2, NULL)) AS t (id, name)"}}
  to: TO
"""


@pytest.fixture
def shop(tmp_path: Path) -> Stage:
    stage = Stage(tmp_path, None, environment(tmp_path))
    stage.write("tdr.yaml", "apiVersion: tdr/v1\nproject: shop\n")
    stage.write("manifests/shop.yaml", SHOP)
    return stage


def declare(stage: Stage, to: str, more: str = "") -> None:
    stage.write("manifests/buyers.yaml", ACTIVATION.replace("TO", to) + more)


def actions(stage: Stage) -> list[str]:
    changes = stage.tdr("plan", "--format", "json").document["changes"]
    return [one["address"] for one in changes if one["actions"] != ["noop"]]


TEXTS = {
    "out/buyers.csv": '"id","name"\n1,"Jane, ""J"""\n2,\n',
    "out/buyers.jsonl": '{"id":1,"name":"Jane, \\"J\\""}\n{"id":2,"name":null}\n',
}


@pytest.mark.parametrize("packed", ["", ".gz"])
@pytest.mark.parametrize("path", TEXTS)
def test_rows_are_written_as_the_path_says_and_a_second_plan_is_empty(shop: Stage, path: str, packed: str) -> None:
    declare(shop, f"{{path: {path}{packed}}}")

    said = shop.tdr("plan").out
    shop.tdr("apply", "--yes")
    ran = shop.tdr("run", "activation/buyers").out

    raw = (shop.folder / f"{path}{packed}").read_bytes()
    assert (gzip.decompress(raw) if packed else raw).decode() == TEXTS[path]
    assert f"files:{path}{packed}" in said
    assert "rows" in ran
    assert actions(shop) == []


def test_parquet_goes_below_the_folder_of_a_connection_that_may_change(shop: Stage) -> None:
    declare(shop, '{path: "{date}.parquet", connection: here}')
    shop.tdr("apply", "--yes")
    shop.tdr("run", "activation/buyers")

    (file,) = (shop.folder / "elsewhere").iterdir()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d\.parquet", file.name)
    assert pq.read_table(file).to_pydict() == {"id": [1, 2], "name": ['Jane, "J"', None]}
    assert actions(shop) == []

    declare(shop, "{path: buyers.csv}")
    assert actions(shop) == ["activation/buyers"]
    shop.tdr("apply", "--yes")
    shop.tdr("run", "activation/buyers")
    assert (shop.folder / "buyers.csv").exists()
    assert actions(shop) == []


def test_replace_keeps_one_file_and_append_adds_one_a_run(shop: Stage) -> None:
    declare(shop, "{path: out/one.csv}")
    shop.write(
        "manifests/added.yaml", ACTIVATION.replace("TO", '{path: "more/{job_id}.csv"}').replace("buyers", "added")
    )
    said = shop.tdr("validate", expect=7).err
    assert "write `write: append` when that is meant" in said
    shop.write(
        "manifests/added.yaml",
        ACTIVATION.replace("TO", '{path: "more/{job_id}.csv"}').replace("buyers", "added") + "  write: append\n",
    )
    shop.tdr("apply", "--yes")

    for address in ("buyers", "buyers", "added", "added"):
        shop.tdr("run", f"activation/{address}")

    counts = [len(list((shop.folder / folder).iterdir())) for folder in ("out", "more")]
    assert counts == [1, 2]


WRONG = {
    "{path: ../buyers.csv}": "leaves the folder it is below",
    "{path: /tmp/buyers.csv}": "leaves the folder it is below",
    "{path: manifests/shop.yaml}": "does not say how its rows are written",
    "{path: 'out/{day}.csv'}": "`{day}` in `path` stands for nothing",
    "{path: out/buyers.parquet.gz}": "Parquet is compressed by itself",
    "{path: buyers.csv, connection: nobody}": "nobody",
}


@pytest.mark.parametrize("to", WRONG)
def test_a_bad_path_is_refused_before_anything_is_made(shop: Stage, to: str) -> None:
    declare(shop, to)

    said = shop.tdr("validate", expect=7).err

    assert WRONG[to] in said
    assert "manifests/buyers.yaml:6" in said


def test_append_without_a_name_for_each_run_is_refused(shop: Stage) -> None:
    declare(shop, '{path: "{date}.csv"}', "  write: append\n")

    assert "needs `{job_id}` in it" in shop.tdr("validate", expect=7).err


def test_a_connection_that_holds_no_files_is_refused(shop: Stage) -> None:
    shop.write(
        "manifests/crm.yaml",
        "apiVersion: tdr/v1\nkind: Connection\nmetadata: {name: crm}\nspec: {type: other, connector: sfdc_v2}\n",
    )
    declare(shop, "{path: buyers.csv, connection: crm}")

    assert "connection/crm holds no files" in shop.tdr("validate", expect=7).err


def test_treasure_data_itself_reaches_no_files(shop: Stage) -> None:
    declare(shop, "{path: buyers.csv}")
    shop.write(
        "manifests/environments/prod.yaml", "treasure_data: {endpoint: us01, api_key: '${secret:env:TD_API_KEY}'}\n"
    )

    said = shop.tdr("validate", "--env", "prod", expect=7, TD_API_KEY="1/FAKE-key-of-nobody").err

    assert "Treasure Data cannot write files of this project" in said


def test_a_file_where_a_folder_should_be_stops_the_run_and_says_what_now(shop: Stage) -> None:
    shop.write("out", "theirs")
    declare(shop, "{path: out/buyers.csv}")
    shop.tdr("apply", "--yes")

    said = shop.tdr("run", "activation/buyers", expect=None)

    assert said.code
    assert "file `out/buyers.csv` cannot be written" in said.out + said.err
    assert "choose another path" in said.out + said.err
    assert (shop.folder / "out").read_text() == "theirs"


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes where nobody may")
def test_a_folder_that_may_not_be_written_keeps_its_file(shop: Stage) -> None:
    declare(shop, "{path: out/buyers.csv}")
    shop.write("out/buyers.csv", "before")
    shop.tdr("apply", "--yes")
    (shop.folder / "out").chmod(0o500)
    try:
        said = shop.tdr("run", "activation/buyers", expect=None)
    finally:
        (shop.folder / "out").chmod(0o700)

    assert "let this user write to the folder 'out'" in said.out + said.err
    assert (shop.folder / "out/buyers.csv").read_text() == "before"


def test_another_path_that_somebody_wrote_is_seen_and_can_be_accepted(shop: Stage) -> None:
    declare(shop, "{path: out/buyers.csv}")
    shop.tdr("apply", "--yes")
    with shop.somebody() as client:
        client.update_saved_query("buyers", {"result": json.dumps({"type": "files", "path": "kept/buyers.jsonl"})})

    assert "kept/buyers.jsonl" in shop.tdr("drift", expect=2).out
    shop.tdr("drift", "--accept", "activation/buyers/export/path")

    spec = yaml.safe_load((shop.folder / "manifests/buyers.yaml").read_text())["spec"]
    assert spec["to"] == {"path": "kept/buyers.jsonl"}
    assert actions(shop) == []


def test_one_that_is_there_is_taken_over_under_its_document(shop: Stage) -> None:
    declare(shop, '{path: "kept/{job_id}.csv", connection: here}', "  write: append\n")
    shop.tdr("apply", "--yes")
    shop.tdr("state", "rm", "activation/buyers")

    shop.tdr("import", "activation/buyers", "buyers")

    assert actions(shop) == []
