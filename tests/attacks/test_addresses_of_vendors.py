"""Addresses that no request can be sent to are found before anything is sent."""

from __future__ import annotations

import pytest
from stage import Stage

ENVIRONMENT = "manifests/environments/local.yaml"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "pinterest",
        "127.0.0.1:8642",
        "file:///etc/passwd",
        "http://[::1",
        "http://127.0.0.1:port/v5",
        "http://127.0.0.1:99999/v5",
        "https://",
        "https://somebody:pass@example.com/v5",
    ],
)
def test_an_address_of_pinterest_that_is_none_is_refused_offline(project: Stage, address: str) -> None:
    project.write(ENVIRONMENT, f'endpoints: {{pinterest: "{address}"}}\n')

    said = project.tdr("validate", expect=7)

    assert said.err.startswith(
        "error[invalid-value]: `endpoints.pinterest` must be an address such as https://api.pinterest.com/v5\n"
        f"  --> {ENVIRONMENT}:1:24\n"
    )
    assert "somebody" not in said.err


@pytest.mark.parametrize("address", ["http://[::1", "http://127.0.0.1:port", "http://127.0.0.1:99999"])
def test_an_address_of_treasure_data_that_is_none_is_refused(project: Stage, address: str) -> None:
    project.write(ENVIRONMENT, f'treasure_data: {{endpoint: "{address}", api_key: "${{secret:env:KEY}}"}}\n')

    said = project.tdr("plan", expect=64, KEY="1/0123abcd")

    assert said.err.startswith(f"error: {address!r} is no Treasure Data region or address\nhint: ")
