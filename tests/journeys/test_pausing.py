"""`enabled: false`: what runs by itself is paused and goes on again, here, at the vendor, and when somebody else does it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from segment_stage import ACTIVATION as OF_SEGMENT
from segment_stage import ADDRESS, FILE, LIST, activated, asked, built
from stage import Stage, environment

__all__ = ["activated", "built"]

SHOP = """\
apiVersion: tdr/v1
kind: Database
metadata: {name: shop}
spec: {}
---
apiVersion: tdr/v1
kind: Table
metadata: {name: people}
spec: {database: shop, columns: [{name: email, type: string}]}
---
apiVersion: tdr/v1
kind: Schedule
metadata: {name: nightly}
spec: {cron: "0 3 * * *", timezone: Asia/Tokyo}
"""
DOCUMENTS = {
    "import/people": """\
apiVersion: tdr/v1
kind: Import
metadata: {name: people}
spec:
  from: {type: files, paths: [people.csv]}
  to: {database: shop, table: people, mode: replace_on_new_data}
  schedule: nightly
""",
    "activation/people-out": """\
apiVersion: tdr/v1
kind: Activation
metadata: {name: people-out}
spec:
  from: {query: {database: shop, sql: SELECT email FROM people}}
  to: {path: people-out.csv}
  schedule: nightly
""",
    "query/people-counted": """\
apiVersion: tdr/v1
kind: Query
metadata: {name: people-counted}
spec:
  database: shop
  sql: SELECT count(email) AS people FROM people
  schedule: nightly
""",
}
each = pytest.mark.parametrize("address", DOCUMENTS)


@pytest.fixture
def shop(tmp_path: Path) -> Stage:
    stage = Stage(tmp_path, None, environment(tmp_path))
    stage.write("tdr.yaml", "apiVersion: tdr/v1\nproject: shop\n")
    stage.write("manifests/shop.yaml", SHOP)
    stage.write("people.csv", "email\njane@example.com\n")
    for address in DOCUMENTS:
        declare(stage, address)
    stage.tdr("apply", "--yes")
    return stage


def declare(stage: Stage, address: str, more: str = "") -> None:
    stage.write(f"manifests/{address.replace('/', '-')}.yaml", DOCUMENTS[address] + more)


def planned(stage: Stage) -> dict[str, tuple[list[str], list[str]]]:
    changes = stage.tdr("plan", "--format", "json", expect=None).document["changes"]
    return {
        one["address"]: (one["actions"], [field["path"] for field in one["fields"]])
        for one in changes
        if one["actions"] != ["noop"]
    }


def told(stage: Stage, address: str) -> dict[str, Any]:
    kind, _, name = address.partition("/")
    with stage.somebody() as client:
        listed = client.bulk_loads() if kind == "import" else client.saved_queries()
        (one,) = [raw for raw in listed if raw["name"] == name]
    return dict(one)


def unschedule(stage: Stage, address: str, cron: str = "") -> None:
    kind, _, name = address.partition("/")
    with stage.somebody() as client:
        if kind == "import":
            client.update_bulk_load(name, {"cron": cron})
        else:
            client.update_saved_query(name, {"cron": cron})


@each
def test_a_pause_takes_the_schedule_off_and_the_end_of_it_brings_it_back(shop: Stage, address: str) -> None:
    declare(shop, address, "  enabled: false\n")

    assert planned(shop) == {address: (["pause"], ["/cron"])}
    said = shop.tdr("plan").out
    shop.tdr("apply", "--yes")

    assert "1 to pause" in said
    assert "    was daily at 03:00 Asia/Tokyo" in said
    assert not told(shop, address)["cron"]
    assert planned(shop) == {}
    shop.tdr("run", "import/people")
    shop.tdr("run", address)  # by hand it still runs

    declare(shop, address)
    assert planned(shop)[address][0] == ["resume"]
    shop.tdr("apply", "--yes")
    assert (told(shop, address)["cron"], told(shop, address)["timezone"]) == ("0 3 * * *", "Asia/Tokyo")
    assert planned(shop) == {}


@each
def test_one_that_is_paused_from_the_start_has_never_a_schedule(shop: Stage, address: str) -> None:
    kind, _, name = address.partition("/")
    text = DOCUMENTS[address].replace(f"{{name: {name}}}", "{name: second}")
    shop.write("manifests/second.yaml", text + "  enabled: false\n")

    shop.tdr("apply", "--yes")

    assert not told(shop, f"{kind}/second")["cron"]
    assert planned(shop) == {}


@each
def test_a_pause_of_somebody_else_is_drift_and_can_be_accepted(shop: Stage, address: str) -> None:
    unschedule(shop, address)

    assert address in shop.tdr("drift", expect=2).out
    assert planned(shop) == {address: (["resume"], ["/cron"])}
    shop.tdr("drift", "--accept", f"{address}/cron")

    spec = yaml.safe_load((shop.folder / f"manifests/{address.replace('/', '-')}.yaml").read_text())["spec"]
    assert (spec["enabled"], spec["schedule"]) == (False, "nightly")
    assert planned(shop) == {}


@each
def test_a_schedule_that_somebody_gave_a_paused_one_is_drift_and_can_be_accepted(shop: Stage, address: str) -> None:
    declare(shop, address, "  enabled: false\n")
    shop.tdr("apply", "--yes")
    unschedule(shop, address, "0 3 * * *")

    assert planned(shop) == {address: (["pause"], ["/cron"])}
    shop.tdr("drift", "--accept", f"{address}/cron")

    spec = yaml.safe_load((shop.folder / f"manifests/{address.replace('/', '-')}.yaml").read_text())["spec"]
    assert "enabled" not in spec
    assert planned(shop) == {}


@each
def test_a_pause_without_a_schedule_to_come_back_to_is_refused(shop: Stage, address: str) -> None:
    text = DOCUMENTS[address].replace("  schedule: nightly\n", "  enabled: false\n")
    shop.write(f"manifests/{address.replace('/', '-')}.yaml", text)

    assert "write `schedule`" in shop.tdr("validate", expect=7).err


def test_an_activation_of_a_segment_is_paused_in_the_words_of_its_api(activated: Stage) -> None:
    activated.write(FILE, OF_SEGMENT + "  enabled: false\n")

    assert planned(activated) == {ADDRESS: (["pause"], ["/cron"])}
    activated.tdr("apply", "--yes")
    (one,) = asked(activated, "GET", LIST)
    assert one["repeatUnit"] == "none"
    assert planned(activated) == {}

    activated.write(FILE, OF_SEGMENT)
    activated.tdr("apply", "--yes")
    (one,) = asked(activated, "GET", LIST)
    assert (one["repeatUnit"], one["startAt"][11:], one["timezone"]) == ("day", "03:00:00", "Asia/Tokyo")
