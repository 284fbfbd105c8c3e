from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.apis.treasure_data_endpoint import Endpoint, account_id, endpoint, path
from reconciler.errors import UsageError
from reconciler.model.secret import Secret


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("us01", Endpoint("us01", "https://api.treasuredata.com")),
        ("US", Endpoint("us01", "https://api.treasuredata.com")),
        ("jp01", Endpoint("jp01", "https://api.treasuredata.co.jp")),
        ("tokyo", Endpoint("jp01", "https://api.treasuredata.co.jp")),
        ("eu01", Endpoint("eu01", "https://api.eu01.treasuredata.com")),
        ("ap02", Endpoint("ap02", "https://api.ap02.treasuredata.com")),
        ("ap03", Endpoint("ap03", "https://api.ap03.treasuredata.com")),
        ("https://api.treasuredata.co.jp/", Endpoint("jp01", "https://api.treasuredata.co.jp")),
        ("http://127.0.0.1:8080", Endpoint("127.0.0.1:8080", "http://127.0.0.1:8080")),
    ],
)
def test_an_endpoint_is_a_region_or_an_address(place: str, expected: Endpoint) -> None:
    assert endpoint(place) == expected


@pytest.mark.parametrize(
    "place", ["", "mars", "us-east-1", "ftp://api.treasuredata.com", "embedded", "api.treasuredata.com"]
)
def test_what_is_no_endpoint_is_refused(place: str) -> None:
    with pytest.raises(UsageError, match="no Treasure Data region or address"):
        endpoint(place)


def test_an_address_with_a_path_is_refused_with_the_right_one() -> None:
    with pytest.raises(UsageError) as caught:
        endpoint("https://api.treasuredata.com/v3")

    assert caught.value.hint == "write https://api.treasuredata.com"


def test_credentials_in_an_address_are_refused_and_not_shown() -> None:
    with pytest.raises(UsageError) as caught:
        endpoint("https://me:hunter22@api.treasuredata.com")

    assert "hunter22" not in caught.value.message + caught.value.hint


def test_the_account_stands_before_the_slash_of_the_key() -> None:
    assert account_id(Secret("env:TD_API_KEY", "1234/0123456789abcdef")) == "1234"


@pytest.mark.parametrize("key", ["", "0123456789abcdef", "/0123", "12 34/01", "TD1 1/2"])
def test_a_key_of_another_form_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(UsageError) as caught:
        account_id(Secret("env:TD_API_KEY", key))

    assert caught.value.message == "the Treasure Data key from env:TD_API_KEY is not of the form ACCOUNT/HEX"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("daily push", "/daily%20push"),
        ("a/b", "/a%2Fb"),
        ("50%+", "/50%25%2B"),
        ("v1.2", "/v1%2E2"),
        ("日次送信", "/%E6%97%A5%E6%AC%A1%E9%80%81%E4%BF%A1"),
        ("..", "/%2E%2E"),
    ],
)
def test_a_name_is_one_segment_whatever_it_contains(name: str, expected: str) -> None:
    assert path(name) == expected


@given(st.lists(st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cs"])), min_size=1, max_size=3))
def test_segments_can_be_read_back(names: list[str]) -> None:
    assert [unquote(segment) for segment in path(*names).split("/")[1:]] == names
