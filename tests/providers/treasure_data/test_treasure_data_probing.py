from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from embedded_world import KEY
from pydantic import ValidationError

from reconciler.apis.treasure_data_connect import connect
from reconciler.apis.treasure_data_endpoint import Endpoint
from reconciler.errors import Denied
from reconciler.http.in_process import InProcessTransport
from reconciler.model.environment import TreasureDataFacts
from reconciler.model.probe import AccountFacts, FactName, ProbeRecord, Told, merged, settled
from reconciler.ports.listing import Found
from reconciler.ports.probing import Answered
from reconciler.providers.treasure_data.probed_facts import FACTS
from reconciler.providers.treasure_data.probing import MOST_REQUESTS
from reconciler.providers.treasure_data.provider import TreasureDataProvider
from reconciler.service.app import create_app

if TYPE_CHECKING:
    from reconciler.service.service import Service

    from .conftest import Vendor
    from .embedded_world import World

GONE = httpx.Response(404, json={"error": "no such route"})
REFUSED = httpx.Response(403, json={"error": "no"})
YES, NO, UNKNOWN = Told.YES, Told.NO, Told.UNKNOWN
MASKED, CLEAR = {"password": "***"}, {"password": "SENTINEL-1"}
EMPTY: dict[str, object] = {
    "GET /v4/connections": [],
    "GET /v3/result/list": {"results": []},
    "GET /v3/schedule/list": {"schedules": []},
    "GET /v3/bulk_loads": [],
    "GET /v3/user/list": {"users": []},
    "GET /v3/account/show": {"account": {}},
    "GET /api/projects?count=100": {"projects": []},
    "GET /audiences": [],
    "GET /entities/parent_segments": {"data": []},
}
"""An account in which there is nothing to look at."""
PEOPLE: dict[str, object] = {
    "GET /audiences": [{"id": "7", "name": "SENTINEL-2"}],
    "GET /audiences/7/folders": [],
    "GET /audiences/7/segments": [],
    "GET /audiences/7/syndications": [],
}


def connections(*settings: object, looked_up: object = 1) -> dict[str, object]:
    listed = [{"id": 1, "name": "SENTINEL-3", "settings": one} for one in settings]
    return {"GET /v4/connections": listed, "GET /v3/connections/lookup?name=SENTINEL-3": {"id": looked_up}}


def results(*urls: str) -> dict[str, object]:
    return {"GET /v3/result/list": {"results": [{"name": "SENTINEL-3", "url": url} for url in urls]}}


def queries(*queries: Mapping[str, object]) -> dict[str, object]:
    return {"GET /v3/schedule/list": {"schedules": [{"name": "SENTINEL-4", **one} for one in queries]}}


def imports(*configs: object) -> dict[str, object]:
    return {"GET /v3/bulk_loads": [{"name": "SENTINEL-5", "config": one} for one in configs]}


def users(*users: Mapping[str, object]) -> dict[str, object]:
    return {"GET /v3/user/list": {"users": [{"id": 1, **one} for one in users]}}


def below(what: str, *raws: Mapping[str, object]) -> dict[str, object]:
    listed = [{"id": str(number), **raw} for number, raw in enumerate(raws, 1)]
    return {**PEOPLE, f"GET /audiences/7/{what}": listed}


def segments(*listed: object, alone: object = None) -> dict[str, object]:
    return below("segments", *({"rule": rule} for rule in listed)) | {
        "GET /audiences/7/segments/2": {"id": "2", "rule": alone}
    }


def activations(*raws: Mapping[str, object], alone: Mapping[str, object] | None = None) -> dict[str, object]:
    one = {"GET /audiences/7/segments/2/syndications/1": {"id": "1", **(alone or {})}}
    return one | below("syndications", *({"name": "SENTINEL-6", **raw} for raw in raws))


def projects(*raws: Mapping[str, object]) -> dict[str, object]:
    return {"GET /api/projects?count=100": {"projects": [{"id": "1", "name": "SENTINEL-7", **raw} for raw in raws]}}


def week(*days: object) -> dict[str, object]:
    return {"repeatUnit": "week", "repeatSubFrequency": list(days)}


RULE = {"type": "And", "conditions": []}
CASES: list[tuple[FactName, Told, dict[str, object]]] = [
    (FactName.CONNECTIONS_LISTED, YES, {}),
    (FactName.CONNECTIONS_LISTED, NO, {"GET /v4/connections": GONE}),
    (FactName.CONNECTIONS_LISTED, UNKNOWN, {"GET /v4/connections": REFUSED}),
    (FactName.CONNECTIONS_LISTED, UNKNOWN, {"GET /v4/connections": {"surprise": 1}}),
    (FactName.CONNECTION_IDS_AGREE, YES, connections({}, looked_up="1")),
    (FactName.CONNECTION_IDS_AGREE, NO, connections({}, looked_up=2)),
    (FactName.CONNECTION_IDS_AGREE, UNKNOWN, {}),
    (FactName.CONNECTION_SECRETS_MASKED, YES, connections(MASKED, {"deep": [MASKED]}, {"port": "5"})),
    (FactName.CONNECTION_SECRETS_MASKED, NO, connections(MASKED, {"deep": [CLEAR]})),
    (FactName.CONNECTION_SECRETS_MASKED, UNKNOWN, connections({"password": ""}, {"port": "5"})),
    (FactName.RESULTS_HOLD_CONNECTIONS, YES, connections({}) | results("mysql://etl@db.example.com/shop")),
    (FactName.RESULTS_HOLD_CONNECTIONS, NO, connections({})),
    (FactName.RESULTS_HOLD_CONNECTIONS, YES, {"GET /v4/connections": GONE, **results("")}),
    (FactName.RESULTS_HOLD_CONNECTIONS, UNKNOWN, {"GET /v4/connections": GONE, **results("mysql://db/shop")}),
    (FactName.QUERY_IDS_LISTED, YES, queries({"id": 7})),
    (FactName.QUERY_IDS_LISTED, NO, queries({"id": 7}, {})),
    (FactName.QUERY_IDS_LISTED, UNKNOWN, {}),
    (FactName.TRINO_KEPT, YES, queries({"type": "presto"}, {"type": "trino"})),
    (FactName.TRINO_KEPT, UNKNOWN, queries({"type": "presto"})),
    (FactName.PRESETS_KEPT, YES, queries({"cron": None}, {"cron": "@daily"})),
    (FactName.PRESETS_KEPT, UNKNOWN, queries({"cron": "0 0 * * *"})),
    (FactName.ENGINE_VERSIONS_TOLD, YES, queries({"engine_version": "stable"})),
    (FactName.ENGINE_VERSIONS_TOLD, UNKNOWN, queries({})),
    (FactName.PRIORITIES_IN_RANGE, YES, queries({"priority": -2}, {"priority": 2})),
    (FactName.PRIORITIES_IN_RANGE, NO, queries({"priority": 0}, {"priority": 3})),
    (FactName.QUERY_PAIRS_TAKEN, YES, queries({"result_connection_id": "4"})),
    (FactName.QUERY_PAIRS_TAKEN, UNKNOWN, queries({"result_connection_id": None, "result": "SENTINEL-8"})),
    (FactName.QUERY_SECRETS_MASKED, YES, queries({"result": "mysql://etl:***@db.example.com/shop"})),
    (FactName.QUERY_SECRETS_MASKED, YES, queries({"result": '{"type":"sfdc","password":"***"}'})),
    (FactName.QUERY_SECRETS_MASKED, NO, queries({"result": "mysql://etl:SENTINEL/9@db.example.com/shop"})),
    (FactName.QUERY_SECRETS_MASKED, NO, queries({"result_connection_settings": '{"api_key":"SENTINEL-9"}'})),
    (FactName.QUERY_SECRETS_MASKED, NO, queries({"result_connection_settings": CLEAR})),
    (FactName.QUERY_SECRETS_MASKED, NO, queries({"result": "td://1/SENTINEL-9@/shop/copies"})),
    (FactName.QUERY_SECRETS_MASKED, YES, queries({"result": "td://***@/shop/copies"})),
    (FactName.QUERY_SECRETS_MASKED, UNKNOWN, queries({"result": "td://@/shop/copies"})),
    (FactName.QUERY_SECRETS_MASKED, UNKNOWN, queries({"result": "mysql://db.example.com/shop"}, {"result": "{"})),
    (FactName.IMPORT_MODES_TOLD, YES, imports({"out": {"mode": "replace"}}, {"out": {}})),
    (FactName.IMPORT_MODES_TOLD, NO, imports({"out": {"type": "td_internal"}}, None)),
    (FactName.IMPORT_MODES_TOLD, UNKNOWN, imports({"in": {"type": "files"}}, None)),
    (FactName.IMPORT_MODES_TOLD, UNKNOWN, {}),
    (FactName.IMPORT_SECRETS_MASKED, YES, imports({"in": MASKED})),
    (FactName.IMPORT_SECRETS_MASKED, NO, imports({"in": MASKED, "filters": [CLEAR]})),
    (FactName.USERS_LISTED, YES, users({"email": "SENTINEL-10@example.com"})),
    (FactName.USERS_LISTED, NO, users({"name": "SENTINEL-10"})),
    (FactName.USERS_LISTED, NO, {"GET /v3/user/list": GONE}),
    (FactName.USERS_LISTED, UNKNOWN, {"GET /v3/user/list": REFUSED}),
    (FactName.KEY_TELLS_ACCOUNT, YES, {"GET /v3/account/show": {"account": {"id": 1}}}),
    (FactName.KEY_TELLS_ACCOUNT, NO, {"GET /v3/account/show": {"account": {"id": "77"}}}),
    (FactName.KEY_TELLS_ACCOUNT, UNKNOWN, {}),
    (FactName.CUSTOMER_DATA_ANSWERS, YES, {}),
    (FactName.CUSTOMER_DATA_ANSWERS, NO, {"GET /audiences": GONE}),
    (FactName.CUSTOMER_DATA_ANSWERS, UNKNOWN, {"GET /audiences": REFUSED}),
    (FactName.ENTITIES_ANSWER, YES, {"GET /entities/parent_segments": []}),
    (FactName.ENTITIES_ANSWER, NO, {"GET /entities/parent_segments": GONE}),
    (FactName.FOLDER_PARENTS_TOLD, YES, below("folders", {"parentFolderId": None}, {"parentFolderId": "1"})),
    (FactName.FOLDER_PARENTS_TOLD, NO, below("folders", {}, {})),
    (FactName.FOLDER_PARENTS_TOLD, UNKNOWN, {"GET /audiences": GONE}),
    (FactName.SEGMENT_RULES_LISTED, YES, segments(RULE, RULE)),
    (FactName.SEGMENT_RULES_LISTED, YES, segments(RULE, {}, alone={})),
    (FactName.SEGMENT_RULES_LISTED, NO, segments(RULE, {}, alone=RULE)),
    (FactName.SEGMENT_RULES_LISTED, UNKNOWN, segments()),
    (FactName.ACTIVATION_DETAILS_LISTED, YES, activations({"connectorConfig": {"a": "b"}, "allColumns": True})),
    (FactName.ACTIVATION_DETAILS_LISTED, NO, activations({"connectorConfig": {"a": "b"}})),
    (FactName.ACTIVATION_SECRETS_MASKED, YES, activations({"connectorConfig": MASKED})),
    (FactName.ACTIVATION_SECRETS_MASKED, NO, activations({"connectorConfig": CLEAR})),
    (FactName.ACTIVATION_SECRETS_MASKED, YES, activations({"segmentId": "2"}, alone={"connectorConfig": MASKED})),
    (FactName.REPEAT_UNITS_TOLD, YES, activations({"segmentId": "2"}, alone={"repeatUnit": "day"})),
    (FactName.REPEAT_UNITS_TOLD, UNKNOWN, activations({"segmentId": "2"})),
    (FactName.REPEAT_UNITS_TOLD, YES, activations({"repeatUnit": "none"}, {"scheduleType": "daily"})),
    (FactName.REPEAT_UNITS_TOLD, NO, activations({"scheduleType": "daily"})),
    (FactName.SUNDAY_IS_SEVEN, YES, activations(week(1, 7), week(2))),
    (FactName.SUNDAY_IS_SEVEN, NO, activations(week("0"))),
    (FactName.SUNDAY_IS_SEVEN, UNKNOWN, activations(week(1), week(0), week(7))),
    (FactName.SUNDAY_IS_SEVEN, UNKNOWN, activations({"repeatUnit": "day", "repeatSubFrequency": [0]})),
    (FactName.WORKFLOWS_ANSWER, YES, {}),
    (FactName.WORKFLOWS_ANSWER, NO, {"GET /api/projects?count=100": GONE}),
    (FactName.ARCHIVE_SUMS_TOLD, YES, projects({"archiveMd5": "SENTINEL-11"})),
    (FactName.ARCHIVE_SUMS_TOLD, NO, projects({})),
]


def asked(vendor: Vendor) -> list[Answered]:
    return list(vendor.provider(creates_connections=False, whole=True).probe())


@pytest.mark.parametrize(
    ("fact", "expected", "says"), CASES, ids=[f"{number}-{fact}-{told}" for number, (fact, told, _) in enumerate(CASES)]
)
def test_each_fact_is_recognised_by_reading_and_nothing_of_the_account_is_kept(
    vendor: Vendor, fact: FactName, expected: Told, says: dict[str, object]
) -> None:
    vendor.says = EMPTY | says

    answers = {one.fact: one for one in asked(vendor)}

    assert list(answers) == list(FactName)
    assert (answers[fact].told, answers[fact].seen) == (expected, answers[fact].seen)
    assert all(call.startswith("GET ") for call, _ in vendor.asked)
    assert "SENTINEL" not in repr(answers)
    assert all(one.question and one.asked.startswith("GET /") and one.seen and one.effect for one in answers.values())


def test_every_fact_is_met_with_each_answer_that_reading_can_give() -> None:
    met = {fact: {told for one, told, _ in CASES if one is fact} for fact in FactName}

    assert all(YES in met[fact] for fact in FactName)
    # Of these a no would prove nothing, and nothing depends on it or a person must write it.
    assert {fact for fact in FactName if NO not in met[fact]} == {
        FactName.TRINO_KEPT,
        FactName.PRESETS_KEPT,
        FactName.ENGINE_VERSIONS_TOLD,
        FactName.QUERY_PAIRS_TAKEN,
    }


def test_what_an_environment_may_say_is_what_the_provider_heeds() -> None:
    heeded = {fact.name for fact in FACTS if fact.effects}

    assert {FactName(name) for name in TreasureDataFacts.model_fields} == heeded
    assert [fact.name for fact in FACTS] == list(FactName)


def test_the_page_lists_every_fact_with_those_that_something_depends_on_first() -> None:
    text = (Path(__file__).parents[3] / "docs/probe.md").read_text("utf-8")
    sections = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    told = {title: re.findall(r"^\| `(\w+)` \|", body, re.MULTILINE) for title, body in sections.items()}

    assert told["Facts on which something depends"] == [fact.name for fact in FACTS if fact.effects]
    assert told["Facts on which nothing depends"] == [fact.name for fact in FACTS if not fact.effects]
    assert f"at most {MOST_REQUESTS} requests" in text
    assert sections["What is not asked, and why"].count("\n| ") > 8


def test_the_probe_keeps_to_its_budget_and_says_what_it_did_not_ask(vendor: Vendor) -> None:
    parents = [{"id": str(number), "name": "p"} for number in range(40)]
    vendor.says = EMPTY | {"GET /audiences": parents}
    for number in range(40):
        vendor.says |= {f"GET /audiences/{number}/{what}": [] for what in ("folders", "syndications")}
        vendor.says[f"GET /audiences/{number}/segments"] = [{"id": "9", "rule": {}}]
        vendor.says[f"GET /audiences/{number}/segments/9"] = {"id": "9", "rule": {}}

    asked(vendor)
    assert len(vendor.asked) == MOST_REQUESTS - 2  # there is no connection to be looked up, and no activation
    assert {call.split("/")[2] for call, _ in vendor.asked if "/audiences/" in call} == {"0", "1", "2"}

    # One that is told to come back later at every call has used the budget up before the end.
    vendor.asked.clear()
    vendor.impatient = dict.fromkeys(vendor.says, 2)
    answers = {one.fact: one for one in asked(vendor)}
    assert len(vendor.asked) <= MOST_REQUESTS + 1
    left_out = answers[FactName.REPEAT_UNITS_TOLD]
    assert (left_out.told, left_out.seen, left_out.effect) == (
        UNKNOWN,
        f"not asked: {MOST_REQUESTS} requests were used up",
        "the default stays",
    )


def test_an_account_that_refuses_everything_teaches_nothing(vendor: Vendor) -> None:
    vendor.says = dict.fromkeys(EMPTY, httpx.Response(401, json={"error": "no"}))

    with pytest.raises(Denied):
        asked(vendor)


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
        provider = TreasureDataProvider(
            world.api,
            "us01/1",
            creates_connections=False,
            facts=AccountFacts({} if answer is None else {FactName.CONNECTIONS_LISTED: answer}),
        )
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
    spoken = {} if written is None else {FactName.CONNECTIONS_LISTED: written}

    assert settled(kept, "us01/1", spoken).known.get(FactName.CONNECTIONS_LISTED) is expected


def test_what_cannot_be_told_now_leaves_what_was_told_before() -> None:
    before = {FactName.TRINO_KEPT: YES, FactName.SUNDAY_IS_SEVEN: NO, FactName.USERS_LISTED: YES}
    now = {FactName.TRINO_KEPT: UNKNOWN, FactName.SUNDAY_IS_SEVEN: YES, FactName.PRESETS_KEPT: UNKNOWN}

    assert merged(now, before) == {
        FactName.TRINO_KEPT: YES,
        FactName.SUNDAY_IS_SEVEN: YES,
        FactName.USERS_LISTED: YES,
        FactName.PRESETS_KEPT: UNKNOWN,
    }


def test_a_record_of_a_later_version_is_read_as_far_as_it_is_known() -> None:
    later = record("us01/1", {FactName.TRINO_KEPT: YES}).model_dump(mode="json")
    later |= {"format_version": "1.9", "mood": "good", "answers": {**later["answers"], "moon_listed": "full"}}

    read = ProbeRecord.model_validate_json(json.dumps(later))

    assert read.answers == {FactName.TRINO_KEPT: YES}
    with pytest.raises(ValidationError):
        ProbeRecord.model_validate_json(json.dumps(later | {"format_version": "2.0"}))
