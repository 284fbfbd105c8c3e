"""Files given to `show` and `apply` that look like documents of tdr, and are not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from stage import Stage

from reconciler.model.json import digest


@pytest.mark.parametrize(
    "document",
    [
        {"format": "tdr.plan"},
        {"format": "tdr.plan", "changes": 3, "summary": []},
        {"format": "tdr.run"},
        {"format": "tdr.drift"},
        {"format": "tdr.validation", "diagnostics": [1]},
    ],
)
def test_a_part_of_a_document_is_not_shown(project: Stage, document: dict[str, Any]) -> None:
    project.write("part.json", json.dumps(document))

    said = project.tdr("show", "part.json", expect=1)

    assert said.err == (
        "error: 'part.json' is no whole document of tdr\nhint: name a file that `tdr plan --out FILE` wrote\n"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"expires_at": "soon"},
        {"expires_at": "2099-01-01T00:00:00"},
        {"expires_at": 5},
        {"base": None},
        {"base": []},
        {"changes": None},
        {"complete": None},
        {"environment": None},
        {"plan_digest": None},
    ],
)
def test_a_plan_that_somebody_wrote_is_not_applied(project: Stage, change: dict[str, Any]) -> None:
    project.tdr("plan", "--out", "plan.json")
    saved = json.loads((project.folder / "plan.json").read_text())
    body = {key: value for key, value in (saved | change).items() if key != "plan_id"}
    project.write("plan.json", json.dumps(body | {"plan_id": digest(body)}))

    said = project.tdr("apply", "plan.json", expect=1)

    assert said.err == "error: 'plan.json' is no whole plan\nhint: make one with `tdr plan --out FILE`\n"
    assert project.records() == {}
