from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import pytest
from embedded_world import KEY

from reconciler.apis.treasure_data_connect import connect
from reconciler.apis.treasure_data_endpoint import Endpoint
from reconciler.errors import Denied
from reconciler.http.in_process import InProcessTransport
from reconciler.model.probe import FactName, ProbeRecord, Told, settled
from reconciler.ports.listing import Found
from reconciler.providers.treasure_data.provider import TreasureDataProvider
from reconciler.service.app import create_app

if TYPE_CHECKING:
    from reconciler.service.service import Service

    from .conftest import Vendor
    from .embedded_world import World

QUERY = {"name": "q", "type": "presto", "cron": "0 0 * * *"}
GONE = httpx.Response(404, json={"error": "no such route"})
YES, NO, UNKNOWN = Told.YES, Told.NO, Told.UNKNOWN


@pytest.mark.parametrize(
    ("connections", "queries", "expected"),
    [
        ([], [QUERY | {"id": 7, "type": "trino", "cron": "@daily"}], (YES, YES, YES, YES)),
        ([], httpx.Response(403, json={"error": "no"}), (YES, UNKNOWN, UNKNOWN, UNKNOWN)),
        (GONE, [QUERY], (NO, NO, UNKNOWN, UNKNOWN)),
        (httpx.Response(403, json={"error": "no"}), [], (UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN)),
        ({"surprise": 1}, [], (UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN)),
    ],
    ids=["all-yes", "queries-forbidden", "no-where-it-can-be-told", "empty-and-forbidden", "unexpected"],
)
def test_each_fact_is_recognised_and_asked_by_reading_only(
    vendor: Vendor, connections: object, queries: object, expected: tuple[Told, ...]
) -> None:
    shown = queries if isinstance(queries, httpx.Response) else {"schedules": queries}
    vendor.says = {"GET /v4/connections": connections, "GET /v3/schedule/list": shown}

    answers = vendor.provider(creates_connections=False).probe()

    assert {one.fact: one.told for one in answers} == dict(zip(FactName, expected, strict=True))
    assert [call for call, _ in vendor.asked] == ["GET /v4/connections", "GET /v3/schedule/list"]


def test_an_account_that_refuses_everything_teaches_nothing(vendor: Vendor) -> None:
    refused = httpx.Response(401, json={"error": "no"})
    vendor.says = {"GET /v4/connections": refused, "GET /v3/schedule/list": refused}

    with pytest.raises(Denied):
        vendor.provider(creates_connections=False).probe()


class Heard(httpx.BaseTransport):
    """What passes requests on to the embedded service and keeps their verbs."""

    def __init__(self, service: Service) -> None:
        self._inner = InProcessTransport(create_app(service))
        self.verbs: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.verbs.append(request.method)
        return self._inner.handle_request(request)


def test_a_real_service_hears_nothing_but_reading(world: World) -> None:
    heard = Heard(world.service)
    api = connect(Endpoint("embedded", "http://embedded"), KEY, transport=heard)

    answers = TreasureDataProvider(api, "embedded/1", creates_connections=True).probe()

    api.close()
    assert {one.fact: one.told for one in answers}[FactName.CONNECTIONS_LISTED] is YES
    assert heard.verbs
    assert set(heard.verbs) <= {"GET", "HEAD"}


def test_connections_are_listed_where_the_account_was_found_to(world: World) -> None:
    body = {"name": "listed_or_not", "type": "files", "settings": {"root": "data"}}
    made = world.api.create_connection(body)

    def listed(*, answer: bool | None) -> bool:
        provider = TreasureDataProvider(world.api, "us01/1", creates_connections=False, lists_connections=answer)
        return any(isinstance(one, Found) and one.label == "listed_or_not" for one in provider.listing())

    assert [listed(answer=answer) for answer in (True, False, None)] == [True, False, False]
    world.api.delete_connection(str(made["id"]))


def record(account: str, answers: Mapping[FactName, Told]) -> ProbeRecord:
    return ProbeRecord(
        tdr_version="0", asked_at=datetime(2026, 1, 1, tzinfo=UTC), account=account, host="h", answers=dict(answers)
    )


@pytest.mark.parametrize(
    ("written", "kept", "expected"),
    [
        (None, None, None),
        (None, record("us01/1", {FactName.CONNECTIONS_LISTED: YES}), True),
        (None, record("us01/1", {FactName.CONNECTIONS_LISTED: NO}), False),
        (None, record("us01/1", {FactName.CONNECTIONS_LISTED: UNKNOWN}), None),
        (None, record("us01/2", {FactName.CONNECTIONS_LISTED: YES}), None),
        (False, record("us01/1", {FactName.CONNECTIONS_LISTED: YES}), False),
    ],
    ids=["nobody-asked", "yes", "no", "cannot-tell", "another-account", "written-wins"],
)
def test_what_is_written_wins_and_another_accounts_answers_are_not_heeded(
    written: bool | None,  # noqa: FBT001 - a parameter of the table
    kept: ProbeRecord | None,
    expected: bool | None,  # noqa: FBT001 - as above
) -> None:
    assert settled(kept, "us01/1", FactName.CONNECTIONS_LISTED, explicit=written) is expected
