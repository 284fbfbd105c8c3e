"""Imports by a source specification: what is said against them at Treasure Data itself and on the embedded service."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.model.address import Address
from reconciler.model.secret import Secret
from reconciler.ports.provider import Context

if TYPE_CHECKING:
    from conftest import Declare, Vendor

KEY = Secret("env:LISTS_KEY", "FAKE-lists-key")
DEFINITION: dict[str, Any] = {
    "attributes": {
        "urlParams": {"host": "https://api.example.com", "path": "/lists/${listId}", "method": "GET"},
        "contentPath": {"path": "$.members"},
        "paginationParams": {"type": "NONE"},
        "scheduleParams": {"scheduleStartParamName": "since", "scheduleEndParamName": "before"},
    },
    "spec": {"properties": {"listId": {"type": "string"}}},
}


def project(source: Mapping[str, Any], mode: str = "append") -> dict[str, Mapping[str, object]]:
    return {
        "connection/lists": {"type": "rest", "auth": "KeyBased", "secrets": {"authKey1": KEY}},
        "connection/files": {"type": "files"},
        "sourcespec/members": {"definition": json.dumps(DEFINITION), "key": ["members.id"]},
        "import/members": {
            "from": {
                "type": "rest",
                "spec": "members",
                "connection": "lists",
                "params": {"listId": "L1"},
                **source,
            },
            "to": {"database": "shop", "table": "members", "mode": mode},
        },
    }


@pytest.mark.parametrize("here", [True, False], ids=["embedded", "Treasure Data"])
@pytest.mark.parametrize(
    ("of", "source", "mode", "embedded", "theirs"),
    [
        ("import/members", {}, "append", [], ["runner /spec/from/type"]),
        (
            "import/members",
            {"params": {}},
            "append",
            ["source-spec /spec/from/params"],
            ["runner /spec/from/type", "source-spec /spec/from/params"],
        ),
        (
            "import/members",
            {"connection": "files"},
            "append",
            ["not-rest /spec/from/connection"],
            ["runner /spec/from/type", "not-rest /spec/from/connection"],
        ),
        (
            "import/members",
            {},
            "replace",
            ["changes-only /spec/to/mode"],
            ["runner /spec/from/type", "changes-only /spec/to/mode"],
        ),
        ("import/members", {"incremental": False}, "replace", [], ["runner /spec/from/type"]),
        ("connection/lists", {}, "append", [], ["rest-not-reachable /spec/type"]),
    ],
    ids=["as it should be", "no input", "other connection", "replacing", "whole", "connection"],
)
def test_what_cannot_work_is_said_before_any_call(
    vendor: Vendor,
    declare: Declare,
    here: bool,  # noqa: FBT001 - a column of it
    of: str,
    source: dict[str, Any],
    mode: str,
    embedded: list[str],
    theirs: list[str],
) -> None:
    resources = declare(project(source, mode))

    found = list(vendor.provider(creates_connections=here).check(resources[Address.parse(of)], Context(resources)))

    told = [f"{one.rule} {one.path}" for one in found if one.severity.name != "NOTICE"]
    assert told == (embedded if here else theirs)
    assert all("FAKE" not in one.message + one.hint for one in found)
    assert vendor.asked == []
