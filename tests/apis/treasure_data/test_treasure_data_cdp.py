"""The client of parent segments: where it asks, how fast, and what it makes of refusals."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "http"))

from http_doubles import FakeClock, Script

from reconciler.apis.treasure_data_cdp import FOLDER, SEGMENT, CustomerData
from reconciler.apis.treasure_data_connect import CUSTOMER_DATA_DIALECT
from reconciler.apis.treasure_data_endpoint import endpoint
from reconciler.errors import Conflict, Denied, NotFound, OutcomeUnknown, Permanent
from reconciler.http.client import Client


def client(*answers: httpx.Response | Exception) -> tuple[CustomerData, Script]:
    script = Script(list(answers))
    http = Client("http://vendor.test", CUSTOMER_DATA_DIALECT, clock=FakeClock(), transport=script)
    return CustomerData(http), script


@pytest.mark.parametrize(
    ("place", "address"),
    [
        ("us01", "https://api-cdp.treasuredata.com"),
        ("jp01", "https://api-cdp.treasuredata.co.jp"),
        ("eu01", "https://api-cdp.eu01.treasuredata.com"),
        ("ap03", "https://api-cdp.ap03.treasuredata.com"),
        ("http://127.0.0.1:8899", "http://127.0.0.1:8899"),
    ],
)
def test_it_asks_the_host_beside_the_api(place: str, address: str) -> None:
    assert endpoint(place).customer_data_url == address


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (
            httpx.Response(
                400,
                json={"errors": [{"detail": "Name has already been taken", "meta": {"validationCode": "X"}}]},
            ),
            Conflict,
        ),
        (
            httpx.Response(
                400, json={"errors": [{"detail": "no", "meta": {"validationCode": "VIOLATES_UNIQUENESS_CONSTRAINT"}}]}
            ),
            Conflict,
        ),
        (httpx.Response(400, json={"errors": [{"detail": "Name can't be blank"}]}), Permanent),
        (httpx.Response(403, json={"code": "forbidden", "message": "no"}), Denied),
        (httpx.Response(404, json={"code": "record-not-found-error", "message": "no"}), NotFound),
        (httpx.Response(200, json={}), OutcomeUnknown),
        (httpx.Response(200, json={"data": {"type": SEGMENT}}), OutcomeUnknown),
        (httpx.ReadError("cut"), OutcomeUnknown),
    ],
)
def test_a_create_that_was_refused_or_lost_is_told_apart(answer: Any, error: type[Exception]) -> None:
    data, script = client(answer)

    with pytest.raises(error) as raised:
        data.create(SEGMENT, {"name": "vip"}, "31")

    assert type(raised.value) is error
    assert len(script.requests) == 1, "what makes something is never sent twice"


@pytest.mark.parametrize("answer", [{}, {"segments": []}, [{"name": "without an id"}], ["x"], "none"])
def test_a_list_that_is_none_is_no_empty_one(answer: object) -> None:
    data, _ = client(httpx.Response(200, json=answer))

    with pytest.raises(Permanent, match="answered without a list of objects"):
        data.segments("7")


def test_folders_and_segments_are_written_as_bare_resources() -> None:
    data, script = client(httpx.Response(200, json={"data": {"id": "5", "type": FOLDER}}))

    data.create(FOLDER, {"name": "EU"}, "31")
    data.update(SEGMENT, "5/..", {"name": "vip"}, "")
    data.delete(FOLDER, "5")

    assert [(one.method, one.url.raw_path.decode()) for one in script.requests] == [
        ("POST", "/entities/folders"),
        ("PATCH", "/entities/segments/5%2F.."),
        ("DELETE", "/entities/folders/5"),
    ]
    assert script.requests[0].headers["content-type"] == "application/vnd.treasuredata.v1+json"
    assert script.requests[0].content == (
        b'{"type":"folder-segment","attributes":{"name":"EU"},'
        b'"relationships":{"parentFolder":{"data":{"id":"31","type":"folder-segment"}}}}'
    )
    assert script.requests[1].content == (b'{"type":"segment-batch","attributes":{"name":"vip"},"relationships":{}}')
