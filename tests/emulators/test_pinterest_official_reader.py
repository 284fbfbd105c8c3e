"""Pinterest's own Python client, in an environment of its own, reads from the emulator what is advertised."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pinterest_advertising import AD, AD_GROUP, CAMPAIGN, OBJECTS, OWN, TAG, TODAY, put_everything

from reconciler.emulators.sandbox import Sandbox

CHECKOUT = Path(__file__).resolve().parents[2]
PYTHON = CHECKOUT / ".venv-vendor-clients" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
READER = Path(__file__).with_name("pinterest_official_reader.py")

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="no `.venv-vendor-clients`: `make test` creates it")


@pytest.fixture
def told(sandbox: Sandbox, tmp_path: Path) -> dict[str, Any]:
    """What the client made of it all. It reads `.env` and `config.json` of its folder, so that is an empty one."""
    put_everything(sandbox.control)
    sandbox.control.knobs(report_s=0)
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "PINTEREST_API_URI": sandbox.base_url,
        "PINTEREST_ACCESS_TOKEN": sandbox.control.access_token("ads:read", "catalogs:read"),
        "TDR_IDS": json.dumps({"campaign": CAMPAIGN, "ad_group": AD_GROUP, "ad": AD, "tag": TAG, "day": TODAY}),
    }
    finished = subprocess.run(
        [PYTHON, READER], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert finished.returncode == 0, finished.stderr
    result: dict[str, Any] = json.loads(finished.stdout)
    return result


def test_the_official_client_reads_what_was_put(told: dict[str, Any]) -> None:
    ones = {"campaigns": "one campaign", "ad_groups": "one ad group", "ads": "one ad", "conversion_tags": "one tag"}
    for collection, one in ones.items():
        [(key, fields)] = OBJECTS[collection].items()
        [item] = told[collection]
        assert item == told[one]
        assert item["id"] == key
        assert {**fields, "id": key, "type": item.get("type")}.items() >= item.items()
        assert len(item) >= 5
    assert [item["type"] for name in ("campaigns", "ad_groups", "ads") for item in told[name]] == [
        "campaign",
        "adgroup",
        "pinpromotion",
    ]
    [event] = told["events"]
    assert OBJECTS["conversion_tag_events"]["1"] == event
    [word] = told["keywords"]
    assert {"id": word["id"], **OBJECTS["keywords"][word["id"]]}.items() >= word.items()
    assert word["parent_id"] == AD_GROUP
    assert told["audiences"] == ["vip"]
    [(key, catalog)] = OBJECTS["catalogs"].items()
    updated = catalog["updated_at"].replace("T", " ")
    assert told["catalogs"] == [{"id": key, "name": None, "catalog_type": "RETAIL", "updated_at": updated}]


def test_the_official_client_reads_how_it_went(told: dict[str, Any]) -> None:
    metrics = {"DATE": TODAY, "SPEND_IN_MICRO_DOLLAR": 4, "ECTR": 0.5}
    assert told["analytics"] == {
        "account": [{"AD_ACCOUNT_ID": OWN, **metrics}],
        "campaigns": [{"CAMPAIGN_ID": CAMPAIGN, **metrics}],
        "ad_groups": [{"AD_GROUP_ID": AD_GROUP, **metrics}],
        "ads": [{"AD_ID": AD, **metrics}],
    }
    of_account = {"AD_ACCOUNT_ID": OWN, **metrics}
    assert sorted((row["targeting_type"], row["targeting_value"]) for row in told["targeting"]) == [
        ("GENDER", "female"),
        ("LOCATION", 500),
    ]
    assert all(row["metrics"] == of_account for row in told["targeting"])
    assert told["report"] == ["IN_PROGRESS", "FINISHED", True, True]
