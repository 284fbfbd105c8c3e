"""Parent segments, folders and segments: declared, counted, changed outside, taken over and taken away."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from stage import Stage, environment

PEOPLE = """\
id,country,age,city
1,JP,30,Tokyo
2,US,41,Boston
3,JP,19,Osaka
4,DE,65,Berlin
"""
ORDERS = """\
person,sku,amount
1,x,5
1,y,7
3,x,1
"""
SHOP = """\
apiVersion: tdr/v1
kind: Database
metadata: {name: shop}
spec: {}
---
apiVersion: tdr/v1
kind: Table
metadata: {name: people}
spec:
  database: shop
  columns:
    - {name: id, type: long}
    - {name: country, type: string}
    - {name: age, type: long}
    - {name: city, type: string}
---
apiVersion: tdr/v1
kind: Table
metadata: {name: orders}
spec:
  database: shop
  columns: [{name: person, type: long}, {name: sku, type: string}, {name: amount, type: long}]
---
apiVersion: tdr/v1
kind: Import
metadata: {name: people}
spec: {from: {type: files, paths: [data/people.csv]}, to: {database: shop, table: people, mode: replace_on_new_data}}
---
apiVersion: tdr/v1
kind: Import
metadata: {name: orders}
spec: {from: {type: files, paths: [data/orders.csv]}, to: {database: shop, table: orders, mode: replace_on_new_data}}
"""
PARENT = """\
apiVersion: tdr/v1
kind: ParentSegment
metadata: {name: customers}
spec:
  name: All customers
  master: {database: shop, table: people}
  attributes:
    - {name: Country, column: country}
    - {name: Age, column: age, type: number}
  behaviors:
    - name: orders
      from: {database: shop, table: orders, key: person, master_key: id}
      columns: [{name: SKU, column: sku}, {name: amount, column: amount, type: number}]
"""
SEGMENTS = """\
apiVersion: tdr/v1
kind: SegmentFolder
metadata: {name: asia}
spec: {parent_segment: customers}
---
apiVersion: tdr/v1
kind: Segment
metadata: {name: japan}
spec:
  parent_segment: customers
  folder: asia
  where: {all: [{attribute: country, equals: JP}]}
---
apiVersion: tdr/v1
kind: Segment
metadata: {name: buyers}
spec:
  parent_segment: customers
  description: Japanese who bought twice
  where:
    all:
      - {segment: japan}
      - {behavior: orders, at_least: 2}
      - any: [{attribute: age, less: 20}, {attribute: age, between: [30, 40]}]
"""


@pytest.fixture(scope="module")
def shop_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of the shop with its rows."""
    stage = opened(tmp_path_factory.mktemp("shops"))
    stage.tdr("apply", "--yes")
    stage.tdr("run", "import/people")
    stage.tdr("run", "import/orders")
    return stage.folder / "state"


@pytest.fixture
def shop(tmp_path: Path, shop_state: Path) -> Stage:
    """Tables with people and orders; no segment yet."""
    stage = opened(tmp_path)
    shutil.copytree(shop_state, stage.folder / "state")
    return stage


def opened(place: Path) -> Stage:
    """A shop with its manifests and data; nothing of it is applied."""
    folder = place / "shop"
    folder.mkdir()
    stage = Stage(folder, None, environment(folder))
    stage.write("tdr.yaml", "apiVersion: tdr/v1\nproject: shop\n")
    stage.write("manifests/environments/local.yaml", "{}\n")
    stage.write("manifests/shop.yaml", SHOP)
    stage.write("data/people.csv", PEOPLE)
    stage.write("data/orders.csv", ORDERS)
    return stage


@pytest.fixture
def segmented(shop: Stage) -> Stage:
    """The same with segments."""
    shop.write("manifests/parent.yaml", PARENT)
    shop.write("manifests/segments.yaml", SEGMENTS)
    shop.tdr("apply", "--yes")
    return shop


def asked(stage: Stage, method: str, path: str, body: object = None) -> Any:
    """What somebody else's client of the service is answered."""
    with stage.somebody() as td:
        from reconciler.http.request import Request, Safety  # noqa: PLC0415 - for this alone

        content = None if body is None else json.dumps(body).encode()
        request = Request(method, path, body=content, content_type="application/json", safety=Safety.ONCE)
        return td._http.json(request)


def built(stage: Stage) -> None:
    """Let the vendor build the parent segment anew."""
    asked(stage, "POST", "/audiences/1/run")


def populations(stage: Stage) -> dict[str, int]:
    return {one["name"]: one["population"] for one in asked(stage, "GET", "/audiences/1/segments")}


def planned(stage: Stage) -> dict[str, list[str]]:
    changes = stage.tdr("plan", "--format", "json").document["changes"]
    return {one["address"]: [field["path"] for field in one["fields"]] for one in changes if one["actions"] != ["noop"]}


def test_what_is_declared_is_made_in_order_counts_real_people_and_is_there_then(segmented: Stage) -> None:
    run = segmented.tdr("run", "parentsegment/customers", "--format", "json").document

    assert (run["status"], run["rows"]) == ("success", 4)
    assert populations(segmented) == {"japan": 2, "buyers": 1}
    segmented.tdr("plan", "--detailed-exitcode")
    again = segmented.tdr("apply", "--yes", "--format", "json").document
    assert again["results"] == []


def test_a_build_that_fails_is_told_with_its_run_and_seen_by_status(segmented: Stage) -> None:
    asked(segmented, "POST", "/v3/table/delete/shop/people")
    segmented.tdr("run", "parentsegment/customers", expect=1)

    shown = segmented.tdr("status", "parentsegment/customers", "--format", "json", expect=None).document
    (run,) = shown["resources"][0]["runs"]
    assert run["status"] == "error"
    assert segmented.tdr("logs", "parentsegment/customers", "--format", "json").document["job_id"] == run["job_id"]


def test_only_what_changed_is_planned(segmented: Stage) -> None:
    segmented.edit("manifests/segments.yaml", "equals: JP", "in: [JP, DE]")
    segmented.edit("manifests/parent.yaml", "name: All customers\n", "name: All customers\n  timezone: Asia/Tokyo\n")

    assert planned(segmented) == {
        "parentsegment/customers": ["/timezone"],
        "segment/japan": ["/rule/conditions"],
    }
    segmented.tdr("apply", "--yes")
    built(segmented)
    assert populations(segmented)["japan"] == 3
    segmented.tdr("plan", "--detailed-exitcode")


def test_what_others_added_to_a_parent_segment_is_kept_unless_a_document_speaks_of_it(segmented: Stage) -> None:
    told = asked(segmented, "GET", "/audiences/1")
    extra = {**told["attributes"][0], "id": None, "name": "City", "parentColumn": "city", "matrixColumnName": "city"}
    asked(segmented, "PUT", "/audiences/1", {**told, "llmEnabled": True, "attributes": [*told["attributes"], extra]})
    segmented.edit("manifests/parent.yaml", "name: All customers\n", "name: All customers\n  description: Us\n")

    assert planned(segmented).keys() == {"parentsegment/customers"}
    segmented.tdr("apply", "--yes")

    after = asked(segmented, "GET", "/audiences/1")
    assert (after["llmEnabled"], after["description"]) == (True, "Us")
    assert [one["name"] for one in after["attributes"]] == ["Age", "Country"]
    assert {one["name"]: one["id"] for one in after["attributes"]} == {
        one["name"]: one["id"] for one in told["attributes"]
    }


def test_a_rule_that_somebody_changed_is_drift_and_is_put_back(segmented: Stage) -> None:
    one = next(one for one in asked(segmented, "GET", "/audiences/1/segments") if one["name"] == "japan")
    asked(segmented, "PUT", f"/audiences/1/segments/{one['id']}", {"rule": {}})

    assert segmented.tdr("drift", expect=2).out.count("segment/japan") == 1
    segmented.tdr("apply", "--yes")

    assert asked(segmented, "GET", f"/audiences/1/segments/{one['id']}")["rule"] == one["rule"]


def test_the_same_rule_in_other_brackets_is_no_difference(segmented: Stage) -> None:
    one = next(one for one in asked(segmented, "GET", "/audiences/1/segments") if one["name"] == "japan")
    leaf = one["rule"]["conditions"][0]["conditions"][0]
    nested = {
        "type": "Or",
        "conditions": [{"type": "And", "description": "", "conditions": [{**leaf, "exclude": False}]}],
    }
    asked(segmented, "PUT", f"/audiences/1/segments/{one['id']}", {"rule": nested})

    assert planned(segmented) == {}


def test_a_segment_moves_to_another_folder_and_a_folder_is_renamed(segmented: Stage) -> None:
    segmented.edit(
        "manifests/segments.yaml", "metadata: {name: asia}\nspec: {", "metadata: {name: asia}\nspec: {name: Far East, "
    )
    segmented.edit("manifests/segments.yaml", "  description: Japanese", "  folder: asia\n  description: Japanese")

    assert planned(segmented) == {"segment/buyers": ["/folder"], "segmentfolder/asia": ["/name"]}
    segmented.tdr("apply", "--yes")

    folders = {one["id"]: one["name"] for one in asked(segmented, "GET", "/audiences/1/folders")}
    places = {folders[one["segmentFolderId"]] for one in asked(segmented, "GET", "/audiences/1/segments")}
    assert places == {"Far East"}
    segmented.tdr("plan", "--detailed-exitcode")


def test_what_has_no_document_any_more_goes_in_the_order_it_can(segmented: Stage) -> None:
    (segmented.folder / "manifests/segments.yaml").unlink()
    (segmented.folder / "manifests/parent.yaml").unlink()

    segmented.tdr("apply", "--yes", *segmented.approvals())

    assert asked(segmented, "GET", "/audiences") == []


def test_an_account_that_others_filled_is_taken_over_and_the_next_plan_is_empty(
    segmented: Stage, tmp_path: Path
) -> None:
    for name in ("parent.yaml", "segments.yaml"):
        (segmented.folder / "manifests" / name).unlink()
    for name in ("state.json", "journal.jsonl"):
        (segmented.state / name).unlink(missing_ok=True)
    shutil.rmtree(segmented.state / "history")

    segmented.tdr("import", "--all", "--yes")

    assert planned(segmented) == {}
    written = (segmented.folder / "manifests/segments").glob("*.yaml")
    texts = {path.stem: path.read_text(encoding="utf-8") for path in written}
    assert texts.keys() == {"buyers", "japan"}
    assert "attribute: country" in texts["japan"]
    assert "segment: japan" in texts["buyers"]
    assert not any("rule:" in text for text in texts.values())
    coverage = segmented.tdr("drift", "--unmanaged", "--format", "json").document
    assert coverage["summary"].get("unmanaged", 0) == 0


@pytest.mark.parametrize(
    ("address", "remote_id"),
    [("segment/japan", "1/1"), ("segmentfolder/asia", "1/2"), ("parentsegment/customers", "1")],
)
def test_one_of_them_is_taken_over_by_its_id(segmented: Stage, address: str, remote_id: str) -> None:
    segmented.tdr("state", "rm", address)

    segmented.tdr("import", address, remote_id)

    assert segmented.records()[address]["id"] == remote_id
    segmented.tdr("plan", "--detailed-exitcode")


def test_a_segment_without_a_document_gets_one_under_the_name_that_is_asked_for(segmented: Stage) -> None:
    segmented.tdr("state", "rm", "segment/buyers")
    text = (segmented.folder / "manifests/segments.yaml").read_text(encoding="utf-8")
    segmented.write(
        "manifests/segments.yaml", text.partition("---\napiVersion: tdr/v1\nkind: Segment\nmetadata: {name: buyers}")[0]
    )

    segmented.tdr("import", "segment/loyal", "1/2")

    assert (segmented.folder / "manifests/segments/loyal.yaml").exists()
    segmented.tdr("plan", "--detailed-exitcode")


def test_existing_objects_are_taken_over_by_their_names(segmented: Stage) -> None:
    segmented.tdr("state", "rm", "segment/japan")
    segmented.edit(
        "manifests/segments.yaml", "metadata: {name: japan}\n", "metadata: {name: japan}\nlifecycle: {adopt: always}\n"
    )

    segmented.tdr("apply", "--yes")

    assert len(asked(segmented, "GET", "/audiences/1/segments")) == 2
    segmented.tdr("plan", "--detailed-exitcode")


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("equals: JP", "equals: JP, less: X", "needs exactly one comparison"),
        ("attribute: age, less: 20", "attribute: age, less: young", "'young' is not a number"),
        ("{segment: japan}", "{segment: nippon}", "nippon"),
        ("folder: asia\n  where", "folder: africa\n  where", "africa"),
        ("{attribute: country, equals: JP}", "{segment: buyers}", "segment/buyers -> segment/japan -> segment/buyers"),
    ],
)
def test_a_mistake_is_told_at_its_place_before_anything_is_asked(
    shop: Stage, before: str, after: str, words: str
) -> None:
    shop.write("manifests/parent.yaml", PARENT)
    shop.write("manifests/segments.yaml", SEGMENTS)
    shop.edit("manifests/segments.yaml", before, after)

    said = shop.tdr("validate", expect=7)

    assert words in said.out + said.err
    assert "manifests/segments.yaml:" in said.out + said.err


def test_a_rule_of_the_vendor_is_taken_as_it_is(segmented: Stage) -> None:
    rule = {
        "type": "And",
        "conditions": [
            {
                "type": "And",
                "conditions": [
                    {"type": "Value", "leftValue": {"name": "age"}, "operator": {"type": "Greater", "rightValue": 40}}
                ],
            }
        ],
    }
    segmented.write("rules/old.json", json.dumps(rule))
    document = (
        "---\napiVersion: tdr/v1\nkind: Segment\nmetadata: {name: old}\n"
        "spec: {parent_segment: customers, file: rules/old.json}\n"
    )
    path = segmented.folder / "manifests/segments.yaml"
    path.write_text(path.read_text() + document)

    segmented.tdr("apply", "--yes")
    built(segmented)

    assert populations(segmented)["old"] == 2
    segmented.tdr("plan", "--detailed-exitcode")
