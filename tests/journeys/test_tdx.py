"""Segments from files of tdx to documents, to the vendor, and back into files."""

from __future__ import annotations

import json
import re
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
ADS = """\
apiVersion: tdr/v1
kind: Connection
metadata: {name: ads}
spec:
  type: pinterest
  name: Main ads
  client_id: ${secret:env:ADS}
  client_secret: ${secret:env:ADS}
  refresh_token: ${secret:env:ADS}
---
apiVersion: tdr/v1
kind: Audience
metadata: {name: winners}
spec: {connection: ads, ad_account_id: "549700000001", title: Winners, audience_id: "2542620900001"}
"""
ACTIVATIONS = """\
name: Sent
kind: batch
activations:
  - name: Winners every week
    connection: Main ads
    columns: [email]
    schedule:
      type: weekly
      timezone: Asia/Tokyo
      repeat_unit: week
      repeat_sub_frequency: [0, 3]
      start_at: "2026-03-01T09:30:00"
    connector_config:
      ad_account_id: "549700000001"
      audience_type: customer_list
      ignore_invalid_records: false
      action: ADD_PEOPLE_TO_CURRENT_AUDIENCE
      audience_id_add_people: "2542620900001"
      retry_count: 3
    notification:
      notify_on: [onSuccess, onFailure]
      email_recipients: [team@example.com]
"""
TIMES = """\
      repeat_unit: week
      repeat_sub_frequency: [0, 3]
      start_at: "2026-03-01T09:30:00"
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


def test_neither_way_needs_a_secret(shop: Stage) -> None:
    shop.write(
        "manifests/pins.yaml",
        """\
apiVersion: tdr/v1
kind: Connection
metadata: {name: pins}
spec:
  type: pinterest
  client_id: ${secret:env:NOBODY_SETS_THIS_ID}
  client_secret: ${secret:env:NOBODY_SETS_THIS_SECRET}
  refresh_token: ${secret:env:NOBODY_SETS_THIS_TOKEN}
""",
    )
    assert "NOBODY_SETS_THIS_ID" in shop.tdr("plan", expect=1).err

    said = reading(shop)
    assert said["files"]
    shop.tdr("tdx", "write", "again", expect=None)
    assert list((shop.folder / "again").rglob("*.yml"))


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

    again = reading(shop)

    assert again["files"] == []
    assert [one["where"] for one in again["left_out"]] == ["Marketing/lost.yaml"], "an activation has no document yet"
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


@pytest.fixture
def sending(shop: Stage) -> Stage:
    """The shop, with an audience, whose folder has one segment with an activation."""
    shutil.rmtree(pulled(shop))
    shop.write("segments/customer-360/tdx.json", '{"parent_segment": "Customer 360"}')
    shop.write("manifests/ads.yaml", ADS)
    shop.edit("manifests/parent.yaml", "  attributes:\n", "  attributes:\n    - {name: E-mail, column: email}\n")
    shop.write("segments/customer-360/sent.yml", ACTIVATIONS)
    shop.environ["ADS"] = "FAKE-ads"
    return shop


def test_an_activation_becomes_a_document_and_is_written_for_tdx_again(sending: Stage) -> None:
    told = reading(sending, expect=0)

    written = {one["path"]: read(one["text"]) for one in told["files"]}
    assert sorted(written) == [
        "manifests/activations/winners-every-week.yaml",
        "manifests/segments/sent.yaml",
    ]
    document = written["manifests/activations/winners-every-week.yaml"]
    assert isinstance(document, dict)
    assert document["spec"] == {
        "name": "Winners every week",
        "from": {"segment": "sent"},
        "to": {"audience": "winners"},
        "membership": "add",
        "on_invalid": "fail",
        "columns": [{"column": "email"}],
        "schedule": {"cron": "30 9 * * 0,3", "timezone": "Asia/Tokyo"},
        "delivery": {"retry_count": 3},
        "notify": {"when": ["success", "failure"], "emails": ["team@example.com"]},
    }
    sending.tdr("validate")

    sending.tdr("tdx", "write", str(sending.folder / "again"))
    again, before = (
        read((sending.folder / path).read_text(encoding="utf-8"))
        for path in ("again/customer-360/sent.yml", "segments/customer-360/sent.yml")
    )
    assert isinstance(again, dict)
    assert isinstance(before, dict)
    (one,), (other,) = again["activations"], before["activations"]
    # A schedule begins with its next run, not with its first.
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT09:30:00", one["schedule"].pop("start_at"))
    other["schedule"].pop("start_at")
    assert again == before
    assert "declares the activation 'Winners every week' already" in " ".join(reading(sending, expect=0)["notes"])


@pytest.mark.parametrize(
    ("before", "after", "why", "documents"),
    [
        ("start_at:", "end_on: 2026-12-31\n      start_at:", "its `schedule` ends on a day", 0),
        ('"2026-03-01T09:30:00"', '"2026-03-01T09:30:00Z"', "is a time of Asia/Tokyo is not documented", 0),
        ("start_at:", "starts_at:", "its `schedule` has keys that are not known: starts_at", 0),
        (TIMES, "", "its schedule 'weekly' says no time; it stays as it is", 1),
        ("columns: [email]", "columns: [{name: email, visibility: masked}]", "how the column 'email' goes out", 0),
        ("columns: [email]", "columns: [email, country]", "audience/winners takes one column, called 'email'", 0),
        ("columns: [email]", "columns: email", "its `columns` is no list", 0),
        ("connection: Main ads", "connection: Other", "through the connection 'Other', and audience/winners", 0),
        ('people: "2542620900001"', 'people: "1"', "its audience 1 is declared by no document", 0),
        ("action: ADD_PEOPLE_TO_CURRENT_AUDIENCE", "action: CREATE_NEW_AUDIENCE", "is in create mode", 0),
        ("retry_count: 3", "batch: 3", "its export has settings for which manifests have no words: batch", 0),
        ("columns: [email]", "columns: [email]\n    color: red", "keys that are not known: color", 0),
        ("columns: [email]", "columns: [email]\n    behaviors: [{behavior_table: x}]", "columns of behaviors", 0),
        ("[onSuccess, onFailure]", "[onStart]", "for onStart, which is not known", 0),
        ("- name: Winners every week\n   ", "-", "the activation 0: it has no name", 0),
        ("activations:\n  - name", "activations:\n  key:\n    name", "those of journeys are not the segment's", 0),
    ],
)
def test_what_cannot_be_said_of_an_activation_is_told_and_its_segment_is_taken(
    sending: Stage, before: str, after: str, why: str, documents: int
) -> None:
    sending.edit("segments/customer-360/sent.yml", before, after)

    told = reading(sending)

    (left,) = told["left_out"]
    assert why in left["why"]
    assert ["activations" in one["path"] for one in told["files"]].count(True) == documents
    sending.tdr("validate")


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("- {column: email}", "- {column: country, as: email}", "the column 'email', which is renamed or made"),
        ('"30 9 * * 0,3"', '"30 9 1,15 * *"', "tdx has no words for when it runs, '30 9 1,15 * *'"),
        ("  membership: add", "  membership: add\n  description: For all", "no words for its `description`"),
        (', audience_id: "2542620900001"', "", "audience/winners has no id yet: apply it first"),
    ],
)
def test_an_activation_that_tdx_has_no_words_for_is_told_and_its_segment_is_written(
    sending: Stage, before: str, after: str, why: str
) -> None:
    reading(sending, expect=0)
    for path in ("manifests/activations/winners-every-week.yaml", "manifests/ads.yaml"):
        text = (sending.folder / path).read_text(encoding="utf-8")
        sending.write(path, text.replace(before, after))

    told = sending.tdr("tdx", "write", str(sending.folder / "again"), "--format", "json", expect=1).document

    assert [(one["where"], why in one["why"]) for one in told["left_out"]] == [("activation/winners-every-week", True)]
    assert "customer-360/sent.yml" in [one["path"] for one in told["files"]]
    assert "activations" not in told["files"][0]["text"]
