"""Accounts of Treasure Data are the same account however their region is called."""

from __future__ import annotations

import pytest

from reconciler.apis.treasure_data_endpoint import endpoint
from reconciler.model.environment import EnvironmentSpec
from reconciler.model.regions import HOSTS, OTHER_NAMES


@pytest.mark.parametrize(
    "alias", [*OTHER_NAMES, *HOSTS, *HOSTS.values(), "US", " Tokyo ", "https://api.treasuredata.com"]
)
def test_an_account_is_taken_by_every_name_that_an_endpoint_has(alias: str) -> None:
    spec = EnvironmentSpec.model_validate({"accounts": {"treasure_data": f"{alias}/1234"}})

    place = alias if "." not in alias or "://" in alias else f"https://{alias}"
    assert spec.accounts == {"treasure_data": f"{endpoint(place).name}/1234"}


@pytest.mark.parametrize("account", ["embedded/1", "td.example.com:8080/1234", "1234", "mars/1234"])
def test_what_is_no_alias_stays_as_it_is_written(account: str) -> None:
    spec = EnvironmentSpec.model_validate({"accounts": {"treasure_data": account}})

    assert spec.accounts == {"treasure_data": account}


def test_accounts_of_other_vendors_have_no_regions() -> None:
    spec = EnvironmentSpec.model_validate({"accounts": {"pinterest": "us/1234"}})

    assert spec.accounts == {"pinterest": "us/1234"}
