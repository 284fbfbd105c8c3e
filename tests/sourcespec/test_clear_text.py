"""Secrets that somebody wrote into a specification are told, and never shown."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.sourcespec.checking import check

PARTS: dict[str, Any] = {
    "urlParams": {"host": "https://api.example.com", "path": "/items", "method": "GET"},
    "contentPath": {"path": "$.items"},
    "paginationParams": {"type": "NONE"},
}


@pytest.mark.parametrize("name", ["Authorization", "x-api-key", "X-Auth-Token", "client_secret", "password"])
@pytest.mark.parametrize("place", ["headerParams", "urlParams.queryParams"])
def test_a_secret_in_clear_text_is_told_by_its_place(name: str, place: str) -> None:
    told = {name: "FAKE-in-clear"}
    parts = (
        {**PARTS, "headerParams": told}
        if place == "headerParams"
        else PARTS | {"urlParams": {**PARTS["urlParams"], "queryParams": told}}
    )

    found = check({"attributes": parts}).findings

    assert [(one.severity, one.at) for one in found] == [("warning", f"attributes.{place}.{name}")]
    assert "FAKE-in-clear" not in str(found)


@pytest.mark.parametrize("headers", [{"x-api-key": "${apiKey}"}, {"Accept": "application/json"}, {"x-api-key": ""}])
def test_references_and_everything_else_are_left_in_peace(headers: dict[str, str]) -> None:
    spec = {"properties": {"apiKey": {"type": "string"}}} if "${apiKey}" in headers.values() else {}

    assert check({"attributes": {**PARTS, "headerParams": headers}, "spec": spec}).findings == ()
