"""Names that mean something in filters, paths and lines are names like others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from adobe_stage import ONE_OF_EACH, counted, kept, listing_project

DOCUMENTS = "manifests/lists.yaml"
NAMES = [
    'Lists of "EMEA"',
    'a" or name!="',
    "C:\\lists\\emea",
    "ends in \\",
    "Lists, EMEA",
    "100 % & more = + #1?",
    "größe 東京 🎈",
    "=={x}",
    "../flows",
]


@pytest.mark.parametrize("name", NAMES)
def test_whatever_it_is_called_there_is_one_of_each(tmp_path: Path, name: str) -> None:
    with listing_project(tmp_path / "lists") as (stage, adobe):
        written = json.dumps(name, ensure_ascii=False)
        stage.edit(DOCUMENTS, "name: List members", f"name: {written}")
        stage.edit(DOCUMENTS, "  auth: Basic", f"  name: {written}\n  auth: Basic")
        stage.edit(DOCUMENTS, "  schedule:", f"  name: {written}\n  schedule:")
        stage.tdr("apply", "--yes")
        stage.tdr("plan", "--detailed-exitcode")
        assert {one["name"] for kind in ("connectionSpecs", "connections", "flows") for one in kept(adobe, kind)} == {
            name
        }

        # Nothing is remembered, and no first look shows what is there: another look by the name has to find it.
        for address in ("dataflow/newsletter", "sourceaccount/lists-emea", "sourceregistration/lists"):
            stage.tdr("state", "rm", address)
        text = (stage.folder / DOCUMENTS).read_text(encoding="utf-8")
        stage.write(DOCUMENTS, text.replace("\nspec:", "\nlifecycle: {adopt: always}\nspec:"))
        for kind in ("connectionSpecs", "connections", "flows"):
            adobe.control.fault("page_dropped", method="GET", path=f"/{kind}")
        stage.tdr("apply", "--yes")

        assert counted(adobe) == ONE_OF_EACH
        stage.tdr("plan", "--detailed-exitcode")
