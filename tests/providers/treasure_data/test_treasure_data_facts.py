"""What the provider does under each answer to what the vendor leaves open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.errors import Permanent
from reconciler.model.address import Address
from reconciler.model.observation import Finding, Unreadable
from reconciler.model.probe import AccountFacts, FactName
from reconciler.model.record import Record
from reconciler.ports.listing import Declaration, Directory, Found, Undeclarable, Unlisted
from reconciler.ports.provider import Context, Wanted
from reconciler.providers.treasure_data import repeats
from reconciler.schedule import Dialect

if TYPE_CHECKING:
    from reconciler.diagnostics import Diagnostic

    from .conftest import Declare, Vendor

GONE = httpx.Response(404, json={"error": "no such route"})
CRM = {"connection": "crm", "settings": {"object": "Lead"}}
QUERY = {"database": "shop", "sql": "SELECT 1"}
IMPORT = {"from": {"type": "files", "paths": ["*.csv"]}, "to": {"database": "shop", "table": "orders"}}


def facts(**known: bool) -> AccountFacts:
    return AccountFacts({FactName(name): told for name, told in known.items()})


def problems(vendor: Vendor, known: AccountFacts, context: Context, address: str) -> list[Diagnostic]:
    provider = vendor.provider(creates_connections=False, whole=True, facts=known)
    return list(provider.check(context.resources[Address.parse(address)], context))


def listed(vendor: Vendor, known: AccountFacts) -> list[Found | Unlisted]:
    return list(vendor.provider(creates_connections=False, whole=True, facts=known).listing())


NOTHING: dict[str, object] = {
    "GET /v3/database/list": {"databases": []},
    "GET /v3/schedule/list": {"schedules": []},
    "GET /v3/bulk_loads": [],
    "GET /audiences": [],
    "GET /api/projects?count=100": {"projects": []},
}


# -- connections -------------------------------------------------------------------------------------------------------


def test_one_list_serves_for_all_connections_where_there_is_one(vendor: Vendor, declare: Declare) -> None:
    rows = [{"id": 7, "name": "pin", "type": "pinterest"}, {"id": 8, "name": "dwh"}, {"id": 9, "name": "dwh"}]
    vendor.says = {"GET /v4/connections": rows}
    resources = declare({f"connection/{name}": {"type": "files"} for name in ("pin", "dwh", "crm")})
    records = {Address("connection", "pin"): Record("7", {}), Address("connection", "crm"): Record("7", {})}
    wanted = [Wanted(at, one, records.get(at)) for at, one in sorted(resources.items())]

    provider = vendor.provider(creates_connections=False, facts=facts(connections_listed=True))
    seen = provider.observe(wanted, Context(resources))

    ids = {
        at.name: (found.by_id and found.by_id.remote_id, [one.remote_id for one in found.by_key])
        for at, found in seen.items()
        if isinstance(found, Finding)
    }
    assert ids == {"pin": ("7", ["7"]), "dwh": (None, ["8", "9"]), "crm": (None, [])}
    assert [call for call, _ in vendor.asked] == ["GET /v4/connections"]


@pytest.mark.parametrize(("status", "is_found"), [(404, True), (403, True), (422, False)])
def test_a_list_that_is_gone_or_not_for_everybody_is_no_absence(
    vendor: Vendor,
    declare: Declare,
    status: int,
    is_found: bool,  # noqa: FBT001 - a parameter of the table
) -> None:
    refused = httpx.Response(status, json={"error": "no"})
    vendor.says = {"GET /v4/connections": refused, "GET /v3/connections/lookup?name=pin": {"id": 7}}
    resources = declare({"connection/pin": {"type": "files"}})
    (address,) = resources
    provider = vendor.provider(creates_connections=False, facts=facts(connections_listed=True))

    (found,) = provider.observe([Wanted(address, resources[address], None)], Context(resources)).values()

    if is_found:
        assert isinstance(found, Finding)
        assert [one.remote_id for one in found.by_key] == ["7"]
    else:
        assert isinstance(found, Unreadable)


def test_ids_of_a_list_that_are_others_than_those_looked_up_are_not_used(vendor: Vendor, declare: Declare) -> None:
    known = facts(connections_listed=True, connection_ids_agree=False)
    rows = [{"id": 70, "name": "pin", "type": "sfdc_v2"}]
    vendor.says = NOTHING | {"GET /v4/connections": rows, "GET /v3/connections/lookup?name=pin": {"id": 7}}
    resources = declare({"connection/pin": {"type": "files"}})
    (address,) = resources
    provider = vendor.provider(creates_connections=False, facts=known)

    (found,) = provider.observe([Wanted(address, resources[address], None)], Context(resources)).values()
    (told,) = [one for one in listed(vendor, known) if isinstance(one, Found)]

    assert isinstance(found, Finding)
    assert [one.remote_id for one in found.by_key] == [told.remote_id] == ["7"]
    assert told.observation.attributes["type"] == "sfdc_v2"


@pytest.mark.parametrize("is_listed", [True, False], ids=["listed", "looked-up"])
def test_an_export_finds_its_connection_either_way(vendor: Vendor, declare: Declare, is_listed: bool) -> None:  # noqa: FBT001
    call = "GET /v4/connections" if is_listed else "GET /v3/connections/lookup?name=crm"
    rows = [{"id": 4, "name": "crm", "type": "sfdc_v2"}, {"id": 5, "name": "dwh", "type": "mysql"}]
    vendor.says = {
        call: rows if is_listed else {"id": 4},
        call.replace("=crm", "=dwh"): rows if is_listed else {"id": 5},
    }
    other = {**CRM, "connection": "dwh"}
    resources = declare({"query/with": {**QUERY, "export": CRM}, "query/other": {**QUERY, "export": other}})
    provider = vendor.provider(creates_connections=False, facts=facts(connections_listed=is_listed))
    one = resources[Address("query", "with")]

    wanted = [provider.desired(one, Context(resources)).attributes["export"] for _ in range(2)]

    assert wanted == [{"connection_id": "4", "object": "Lead"}] * 2
    assert [asked for asked, _ in vendor.asked] == [call]
    told = provider.desired(resources[Address("query", "other")], Context(resources)).attributes["export"]
    assert told == {"connection_id": "5", "object": "Lead"}
    assert len(vendor.asked) == (1 if is_listed else 2)


def test_two_connections_of_one_name_are_no_target(vendor: Vendor, declare: Declare) -> None:
    vendor.says = {"GET /v4/connections": [{"id": number, "name": "crm"} for number in (4, 5)]}
    resources = declare({"query/with": {**QUERY, "export": CRM}})
    provider = vendor.provider(creates_connections=False, facts=facts(connections_listed=True))

    with pytest.raises(Permanent, match="has 2 connections 'crm'"):
        provider.desired(resources[Address("query", "with")], Context(resources))


def test_connections_among_the_results_are_declared_as_far_as_they_are_told(vendor: Vendor) -> None:
    told = [{"name": "crm", "url": "sfdc_v2://"}, {"name": "oauth", "url": ""}, {"name": "gone", "url": ""}]
    vendor.says = NOTHING | {
        "GET /v3/result/list": {"results": told},
        "GET /v3/connections/lookup?name=crm": {"id": 4},
        "GET /v3/connections/lookup?name=oauth": {"id": 5},
        "GET /v3/connections/lookup?name=gone": GONE,
    }

    found = [one for one in listed(vendor, facts(results_hold_connections=True)) if isinstance(one, Found)]

    assert [(one.label, one.remote_id) for one in found] == [("crm", "4"), ("oauth", "5")]
    provider, directory = vendor.provider(creates_connections=False), Directory({}, {})
    crm, oauth = (provider.declare(one, one.label, directory) for one in found)
    assert isinstance(crm, Declaration)
    assert crm.spec == {"type": "other", "connector": "sfdc_v2"}
    assert oauth == Undeclarable("the type of the connection is not told")
    assert listed(vendor, facts()) == []


# -- queries and imports -----------------------------------------------------------------------------------------------


def test_settings_beside_a_connection_are_refused_where_no_saved_query_takes_them(
    vendor: Vendor, declare: Declare
) -> None:
    context = Context(
        declare({"query/with": {**QUERY, "export": CRM}, "query/bare": {**QUERY, "export": {"connection": "c"}}})
    )

    refused = {
        (told, query): [one.rule for one in problems(vendor, facts(query_pairs_taken=told), context, query)]
        for told in (True, False)
        for query in ("query/with", "query/bare")
    }

    assert refused == {
        (True, "query/with"): [],
        (True, "query/bare"): [],
        (False, "query/with"): ["export-settings"],
        (False, "query/bare"): [],
    }


@pytest.mark.parametrize(
    ("told", "record", "mode"),
    [
        (True, None, "append"),
        (False, None, "replace"),
        (False, Record("orders", {"mode": "append"}), "append"),
    ],
    ids=["told-elsewhere", "as-declared", "as-applied"],
)
def test_a_mode_that_is_not_told_is_what_was_last_applied(
    vendor: Vendor,
    declare: Declare,
    told: bool,  # noqa: FBT001 - a parameter of the table
    record: Record | None,
    mode: str,
) -> None:
    vendor.says = {"GET /v3/bulk_loads": [{"name": "orders", "config": {"out": {}}}]}
    resources = declare({"import/orders": {**IMPORT, "to": {**IMPORT["to"], "mode": "replace"}}})
    (address,) = resources
    provider = vendor.provider(facts=facts(import_modes_told=told))

    (found,) = provider.observe([Wanted(address, resources[address], record)], Context(resources)).values()

    assert isinstance(found, Finding)
    assert found.by_key[0].attributes["mode"] == mode


@pytest.mark.parametrize(
    ("known", "is_sent"), [(True, True), (False, False), (None, False)], ids=["yes", "no", "unknown"]
)
def test_filters_with_a_secret_name_are_sent_back_only_where_masks_are_known(
    vendor: Vendor,
    declare: Declare,
    known: bool | None,  # noqa: FBT001 - a parameter of the table
    is_sent: bool,  # noqa: FBT001 - as above
) -> None:
    config = {"in": {"type": "files"}, "out": {"mode": "append"}, "filters": [{"type": "x", "token_column": "t"}]}
    session = {"name": "orders", "config": config}
    vendor.says = {"GET /v3/bulk_loads/orders": session, "PUT /v3/bulk_loads/orders": session}
    context = Context(declare({"import/orders": IMPORT}))
    one = context.resources[Address("import", "orders")]
    provider = vendor.provider(facts=facts(**({} if known is None else {"import_secrets_masked": known})))
    desired = provider.desired(one, context)

    if is_sent:
        provider.update(one, "orders", desired, ["/mode"])
    else:
        with pytest.raises(Permanent, match="its filters at Treasure Data hold secrets"):
            provider.update(one, "orders", desired, ["/mode"])

    assert any(call.startswith("PUT") for call, _ in vendor.asked) == is_sent


# -- people ------------------------------------------------------------------------------------------------------------

PEOPLE = {
    "parentsegment/people": {"master": {"database": "shop", "table": "customers"}},
    "segment/vip": {"parent_segment": "people", "where": {"all": [{"attribute": "email", "equals": "x"}]}},
    "audience/buyers": {"connection": "main", "ad_account_id": "549760", "title": "Buyers"},
}
ACTIVATION: dict[str, Any] = {
    "from": {"segment": "vip"},
    "to": {"audience": "buyers"},
    "membership": "replace",
    "columns": [{"column": "email"}],
    "notify": {"when": ["failure"], "emails": ["a@example.com"]},
}


@pytest.mark.parametrize(
    ("fact", "address", "rule"),
    [
        ("customer_data_answers", "parentsegment/people", "account-without"),
        ("customer_data_answers", "activation/vip", "account-without"),
        ("users_listed", "activation/vip", "activation-notify"),
        ("workflows_answer", "workflow/flows", "account-without"),
    ],
)
def test_what_an_account_has_not_is_refused_before_anything_is_sent(
    vendor: Vendor, declare: Declare, fact: str, address: str, rule: str
) -> None:
    workflow = {"workflow/flows": {"directory": "flows"}}
    context = Context(declare({**PEOPLE, **workflow, "activation/vip": ACTIVATION}))

    rules = {
        told: {one.rule for one in problems(vendor, facts(**{fact: told}), context, address)} for told in (True, False)
    }

    assert (rule in rules[True], rule in rules[False]) == (False, True)
    assert vendor.asked == []


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({}, []),
        ({"customer_data_answers": False, "workflows_answer": False}, []),
        (
            {"customer_data_answers": True, "workflows_answer": True},
            ["treasure_data: parent segments", "treasure_data: workflows"],
        ),
    ],
    ids=["unknown", "no", "yes"],
)
def test_an_address_that_is_gone_is_a_failure_only_where_it_was_there(
    vendor: Vendor, known: dict[str, bool], expected: list[str]
) -> None:
    vendor.says = NOTHING | {"GET /audiences": GONE, "GET /api/projects?count=100": GONE}

    assert [one.where for one in listed(vendor, facts(**known)) if isinstance(one, Unlisted)] == expected

    calls = {call for call, _ in vendor.asked}
    assert ("GET /audiences" in calls) == (known.get("customer_data_answers") is not False)


TREE = {
    "GET /entities/parent_segments/7": {
        "data": {
            "id": "7",
            "relationships": {"parentSegmentFolder": {"data": {"id": "1", "type": "folder-segment"}}},
        }
    },
    "GET /entities/by-folder/1?depth=32&with_rule=false": {
        "data": [
            {"id": "1", "type": "folder-segment", "relationships": {"parentFolder": {"data": None}}},
            {"id": "2", "type": "folder-segment", "relationships": {"parentFolder": {"data": {"id": "1"}}}},
            {"id": "9", "type": "segment-batch"},
        ]
    },
}


@pytest.mark.parametrize(
    ("known", "folders", "reads_tree"),
    [
        ({}, [{"id": "1", "name": "root"}], False),
        ({}, [{"id": "2", "name": "eu"}, {"id": "1", "name": "root"}], True),
        ({}, [{"id": "2", "name": "eu", "parentFolderId": "1"}, {"id": "1", "name": "root"}], False),
        ({"folder_parents_told": False}, [{"id": "1", "name": "root"}], True),
        ({"folder_parents_told": True}, [{"id": "2", "name": "eu"}, {"id": "1", "name": "root"}], True),
    ],
    ids=["only-a-root", "nobody-says", "told", "never-told", "told-elsewhere"],
)
def test_the_tree_of_folders_is_read_where_a_list_does_not_tell_it(
    vendor: Vendor,
    known: dict[str, bool],
    folders: list[dict[str, str]],
    reads_tree: bool,  # noqa: FBT001
) -> None:
    vendor.says = (
        NOTHING
        | TREE
        | {
            "GET /audiences": [{"id": "7", "name": "people"}],
            "GET /audiences/7/folders": folders,
            "GET /audiences/7/segments": [],
            "GET /audiences/7/syndications": [],
        }
    )
    for number in range(3):
        vendor.says[f"GET /entities/journeys?folder_id={number}"] = {"data": []}

    found = [one for one in listed(vendor, facts(**known)) if isinstance(one, Found)]

    assert [one.label for one in found if one.kind == "segmentfolder"] == ["eu"] * (len(folders) > 1)
    assert any("by-folder" in call for call, _ in vendor.asked) == reads_tree


SUNDAYS = repeats.Ways(sunday=0)
OLDER = repeats.Ways(in_units=False)


@pytest.mark.parametrize(
    ("cron", "ways", "expected"),
    [
        ("0 3 * * 0,3", None, {"repeatUnit": "week", "repeatSubFrequency": [3, 7]}),
        ("0 3 * * 0,3", SUNDAYS, {"repeatUnit": "week", "repeatSubFrequency": [0, 3]}),
        ("0 3 * * 0,3", OLDER, {"scheduleType": "cron", "scheduleOption": "0 3 * * 0,3"}),
        ("0 3 * * *", OLDER, {"scheduleType": "cron", "scheduleOption": "0 3 * * *"}),
        ("", OLDER, {"scheduleType": "none", "scheduleOption": None}),
    ],
)
def test_a_schedule_is_sent_as_the_account_has_it_and_read_back_the_same(
    cron: str, ways: repeats.Ways | None, expected: dict[str, object]
) -> None:
    sent = repeats.sent(cron, "Asia/Tokyo", Dialect.DOCUMENTED, 1_700_000_000.0, ways)

    assert {name: sent[name] for name in expected} == expected
    assert not (ways == OLDER and sent.keys() & {"repeatUnit", "startAt"})
    assert repeats.told(sent) == cron


@pytest.mark.parametrize(
    ("known", "is_sent"), [(True, True), (False, False), (None, False)], ids=["yes", "no", "unknown"]
)
def test_settings_of_an_activation_with_a_secret_name_go_back_only_where_masks_are_known(
    vendor: Vendor,
    declare: Declare,
    known: bool | None,  # noqa: FBT001 - a parameter of the table
    is_sent: bool,  # noqa: FBT001 - as above
) -> None:
    raw = {"id": "3", "segmentId": "2", "name": "vip", "allColumns": True, "repeatUnit": "none"}
    raw |= {"connectorConfig": {"object": "Lead", "token_field": "t"}, "connectionId": "1"}
    at = "/audiences/7/segments/2/syndications/3"
    vendor.says = {f"GET {at}": raw, f"PUT {at}": raw}
    one = {name: value for name, value in ACTIVATION.items() if name != "notify"}
    resources = declare({**PEOPLE, "activation/vip": {**one, "name": "new"}})
    remote_ids = {Address("segment", "vip"): "7/2", Address("connection", "main"): "1"}
    context = Context(resources, remote_ids=remote_ids)
    told = facts(**({} if known is None else {"activation_secrets_masked": known}))
    provider = vendor.provider(creates_connections=False, whole=True, facts=told)
    resource = resources[Address("activation", "vip")]

    provider.update(resource, "7/2/3", provider.desired(resource, context), ["/name"])

    (sent,) = [fields for call, fields in vendor.asked if call.startswith("PUT")]
    assert sent["name"] == "new"
    assert ("connectorConfig" in sent) == is_sent
