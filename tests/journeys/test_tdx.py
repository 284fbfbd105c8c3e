"""Segments from files of tdx to documents, to the vendor, and back into files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from stage import Stage, environment

from reconciler.manifest.core_schema import read

SHOP = """\
apiVersion: tdr/v1
kind: ParentSegment
metadata: {name: customers}
spec:
  name: Customer 360
  master: {database: shop, table: people}
  attributes:
    - {name: Country, column: country}
    - {name: LTV, column: ltv, type: number}
    - {name: Seen, column: seen, type: timestamp}
  behaviors:
    - name: orders
      from: {database: shop, table: orders, key: person, master_key: id}
      columns: [{name: SKU, column: sku}, {name: amount, column: amount, type: number}]
"""
JAPAN = """\
name: Norway & Japan
description: "Not: a number"
kind: batch
rule:
  type: And
  conditions:
    - type: Value
      attribute: country
      operator: {type: In, value: [NO, JP]}
    - type: Value
      attribute: ltv
      operator:
        type: Greater
        value: 1000
    - type: Value
      attribute: seen
      operator: {type: TimeWithinPast, value: 30, unit: day}
"""
BUYERS = """\
name: Buyers
kind: batch
rule:
  type: Or
  conditions:
    - type: include
      segment: Norway & Japan
    - type: exclude
      segment: Marketing/Lost
    - type: Value
      attribute: ""
      source: behavior_orders
      aggregation: {type: Sum, column: amount}
      operator: {type: GreaterEqual, not: false, value: 500}
      timeWindow: {duration: 90, unit: day}
      filter:
        type: And
        conditions:
          - type: Column
            column: sku
            operator: {type: StartWith, value: [x]}
"""
LOST = """\
name: Lost
kind: batch
rule:
  type: And
  conditions:
    - type: Value
      attribute: country
      operator: {type: Equal, not: true, value: US}
activations:
  - {name: Win back, connection: mail, columns: [email], schedule: {type: daily, timezone: UTC}}
"""
EVERYBODY = "name: Everybody\nkind: batch\n"


@pytest.fixture
def shop(tmp_path: Path) -> Stage:
    """A project with a parent segment, and a folder that tdx pulled."""
    folder = tmp_path / "shop"
    folder.mkdir()
    stage = Stage(folder, None, environment(folder))
    stage.write("tdr.yaml", "apiVersion: tdr/v1\nproject: shop\n")
    stage.write("manifests/environments/local.yaml", "{}\n")
    stage.write("manifests/parent.yaml", SHOP)
    pulled = "segments/customer-360"
    stage.write(f"{pulled}/tdx.json", '{"parent_segment": "Customer 360"}')
    stage.write(f"{pulled}/norway-japan.yml", JAPAN)
    stage.write(f"{pulled}/everybody.yml", EVERYBODY)
    stage.write(f"{pulled}/Marketing/buyers.yml", BUYERS)
    stage.write(f"{pulled}/Marketing/lost.yaml", LOST)
    return stage


def pulled(stage: Stage) -> Path:
    return stage.folder / "segments/customer-360"


def reading(stage: Stage, *arguments: str, expect: int = 1) -> dict[str, Any]:
    said = stage.tdr("tdx", "read", str(pulled(stage)), "--format", "json", *arguments, expect=expect)
    return dict(said.document)


def test_what_tdx_pulled_becomes_documents_that_say_the_same(shop: Stage) -> None:
    told = reading(shop)

    written = {one["path"]: one["text"] for one in told["files"]}
    assert sorted(written) == [
        "manifests/segmentfolders/marketing.yaml",
        "manifests/segments/buyers.yaml",
        "manifests/segments/everybody.yaml",
        "manifests/segments/lost.yaml",
        "manifests/segments/norway-japan.yaml",
    ]
    (left,) = told["left_out"]
    assert left["where"] == "Marketing/lost.yaml"
    assert "Win back" in left["why"]
    norway = written["manifests/segments/norway-japan.yaml"]
    assert 'in: ["NO", JP]' in norway
    assert "greater: 1000" in norway
    assert 'within_past: "30 days"' in norway
    assert "where" not in written["manifests/segments/everybody.yaml"]
    buyers = written["manifests/segments/buyers.yaml"]
    assert "{segment: norway-japan}" in buyers
    assert "{segment: lost, exclude: true}" in buyers
    assert 'during: "90 days"' in buyers
    # What has no word in a document is the vendor's own rule.
    assert "rule:" in written["manifests/segments/lost.yaml"]


def test_they_are_made_at_the_vendor_and_written_for_tdx_again(shop: Stage) -> None:
    reading(shop)
    shop.tdr("validate")
    shop.tdr("apply", "--yes")
    shop.tdr("plan", "--detailed-exitcode")

    told = shop.tdr("tdx", "write", str(shop.folder / "again"), "--format", "json").document

    assert [one["path"] for one in told["files"]] == [
        "customer-360/everybody.yml",
        "customer-360/marketing/buyers.yml",
        "customer-360/marketing/lost.yml",
        "customer-360/norway-japan.yml",
        "customer-360/tdx.json",
    ]
    context = json.loads((shop.folder / "again/customer-360/tdx.json").read_text(encoding="utf-8"))
    assert context == {"parent_segment": "Customer 360"}
    for path, text in (("norway-japan", JAPAN), ("marketing/lost", LOST), ("everybody", EVERYBODY)):
        again = read((shop.folder / f"again/customer-360/{path}.yml").read_text(encoding="utf-8"))
        before = read(text)
        assert isinstance(before, dict)
        assert again == {key: value for key, value in before.items() if key != "activations"}


def test_reading_what_was_written_gives_the_same_documents(shop: Stage) -> None:
    first = {one["path"]: one["text"] for one in reading(shop)["files"]}
    shop.tdr("tdx", "write", str(shop.folder / "again"))
    for folder in ("segments", "segmentfolders"):
        shutil.rmtree(shop.folder / "manifests" / folder)
    shutil.rmtree(pulled(shop))
    shutil.copytree(shop.folder / "again/customer-360", pulled(shop))

    again = {one["path"]: one["text"] for one in reading(shop, expect=0)["files"]}

    assert again.keys() == first.keys()
    assert {path: text for path, text in again.items() if "folder" not in path} == {
        path: text for path, text in first.items() if "folder" not in path
    }


def test_a_second_reading_writes_nothing_and_says_what_is_declared(shop: Stage) -> None:
    reading(shop)

    again = reading(shop, expect=0)

    assert again["files"] == []
    assert "Marketing/buyers.yml: segment/buyers declares it already" in again["notes"]


def test_nothing_is_written_when_it_is_only_to_be_shown(shop: Stage) -> None:
    said = shop.tdr("tdx", "read", str(pulled(shop)), "--dry-run")

    assert "would be written" in said.out
    assert not (shop.folder / "manifests/segments").exists()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("name: X\nkind: realtime\n", "segments of kind 'realtime' cannot be declared"),
        ("kind: batch\n", "it is no segment: it has no name"),
        ("- a\n", "it is no segment: it has no name"),
        ("name: X\nname: Y\n", "line 2: a key is there twice"),
        ("name: [\n", "line 2: "),
        ("name: X\nrule: {type: Xor, conditions: []}\n", "a rule of type 'Xor' is not known"),
        ("name: X\nrule: {type: And, conditions: [{type: include, segment: Nobody}]}\n", "no document declares"),
        ("name: X\nrule: {type: And, conditions: [{type: Value, operator: {type: IsNull}}]}\n", "names no attribute"),
        (
            "name: X\nrule: {type: And, conditions: [{type: Value, attribute: a, operator: {type: Like, value: b}}]}\n",
            "the operator 'Like' is not known",
        ),
        (
            "name: X\nrule: {type: And, conditions: [{type: Value, attribute: a, operator: {type: Equal}}]}\n",
            "neither text nor a number",
        ),
        (
            (
                "name: X\nrule: {type: And, conditions:"
                " [{type: Value, attribute: a, operator: {type: TimeWithinPast, value: 1, unit: days}}]}\n"
            ),
            "the unit 'days' is not known",
        ),
        ("name: X\nrule: {type: And, conditions: [], limit: 3}\n", "keys that are not known: limit"),
    ],
)
def test_what_cannot_be_taken_over_is_told_and_the_others_are(shop: Stage, text: str, why: str) -> None:
    shop.write("segments/customer-360/odd.yml", text)

    told = reading(shop)

    assert why in next(one["why"] for one in told["left_out"] if one["where"] == "odd.yml")
    assert "manifests/segments/everybody.yaml" in [one["path"] for one in told["files"]]
    shop.tdr("validate")


def test_bytes_that_are_no_text_and_files_that_are_none_are_told(shop: Stage) -> None:
    (pulled(shop) / "bytes.yml").write_bytes(b"name: \xff\n")
    (pulled(shop) / "gone.yml").symlink_to(pulled(shop) / "nowhere")

    where = [one["where"] for one in reading(shop)["left_out"]]

    assert {"bytes.yml", "gone.yml"} <= set(where)


def test_without_a_document_of_the_parent_segment_rules_are_the_vendors(shop: Stage) -> None:
    (shop.folder / "manifests/parent.yaml").unlink()
    shutil.rmtree(pulled(shop) / "Marketing")

    told = reading(shop, expect=0)

    norway = next(one["text"] for one in told["files"] if "norway" in one["path"])
    assert "parent_segment: Customer 360" in norway
    assert '"rightValue":1000' in norway.replace("\\", "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("tdx", "read", "nowhere"), "is no folder"),
        (("tdx", "read", "manifests"), "nothing names the parent segment"),
    ],
)
def test_a_wrong_command_line_says_what_to_do(
    shop: Stage, arguments: tuple[str, ...], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop.folder)

    assert words in shop.tdr(*arguments, expect=64).err


def test_files_that_are_there_are_not_written_over(shop: Stage) -> None:
    reading(shop)
    again = shop.folder / "again"
    shop.tdr("tdx", "write", str(again))
    (again / "customer-360/norway-japan.yml").write_text("mine", encoding="utf-8")

    shop.tdr("tdx", "write", str(again), expect=1)

    assert (again / "customer-360/norway-japan.yml").read_text(encoding="utf-8") == "mine"


def test_what_tdx_has_no_words_for_is_told_by_its_address(shop: Stage) -> None:
    shop.write(
        "manifests/grouped.yaml",
        "apiVersion: tdr/v1\nkind: Segment\nmetadata: {name: grouped}\nspec:\n  parent_segment: customers\n"
        "  where:\n    all:\n      - {attribute: country, equals: JP}\n"
        "      - any: [{attribute: ltv, less: 1}, {attribute: ltv, greater: 9}]\n",
    )

    told = shop.tdr("tdx", "write", str(shop.folder / "again"), "--format", "json", expect=1).document

    assert told["left_out"] == [{"where": "segment/grouped", "why": "tdx refuses conditions in groups"}]
