"""Imports from Intercom at Treasure Data itself and on the embedded service: what is said against them, and what is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import ValidationError

from reconciler.errors import Permanent
from reconciler.model.address import Address
from reconciler.model.resource import Resource
from reconciler.model.secret import Secret
from reconciler.model.unknown import Unknown
from reconciler.ports.provider import Context

if TYPE_CHECKING:
    from .conftest import Vendor

Declare = Callable[[Mapping[str, Mapping[str, object]]], dict[Address, Resource]]

TOKEN = Secret("env:INTERCOM_TOKEN", "FAKE-intercom-token")
KEY = Secret("env:INTERCOM_KEY", "FAKE-intercom-key")
IMPORT, MAIN = Address("import", "people"), Address("connection", "main")


def project(
    source: Mapping[str, Any], connection: Mapping[str, Any] | None = None, mode: str = "append"
) -> dict[str, Mapping[str, object]]:
    return {
        "connection/main": {"type": "intercom", **({"access_token": TOKEN} if connection is None else connection)},
        "connection/files": {"type": "files"},
        "import/people": {
            "from": {"type": "intercom", "connection": "main", "target": "users", **source},
            "to": {"database": "support", "table": "people", "mode": mode},
        },
    }


@pytest.mark.parametrize("here", [True, False], ids=["embedded", "Treasure Data"])
@pytest.mark.parametrize(
    ("of", "documents", "embedded", "theirs"),
    [
        ("import", project({}), [], []),
        ("import", project({"leads": True}), [], ["setting-not-known /spec/from/leads"]),
        ("import", project({"incremental": True, "overlap": "2h"}), [], ["setting-not-known /spec/from/overlap"]),
        ("import", project({"target": "companies"}), [], ["target-not-known /spec/from/target"]),
        (
            "import",
            project({"incremental": True}, mode="replace"),
            ["changes-only /spec/to/mode"],
            ["changes-only /spec/to/mode"],
        ),
        (
            "import",
            project({"connection": "files"}),
            ["not-intercom /spec/from/connection"],
            ["not-intercom /spec/from/connection"],
        ),
        ("import", project({}, {}), ["no-credentials /spec/from/connection"], []),
        ("connection", project({}, {}), ["no-credentials /spec"], []),
        ("connection", project({}, {"app_id": "a1", "api_key": KEY}), ["intercom-key-retired /spec/api_key"], []),
        ("connection", project({}, {"access_token": TOKEN, "app_id": "a1", "api_key": KEY}), [], []),
        (
            "connection",
            project({}, {"access_token": TOKEN, "base_url": "http://proxy.example.com"}),
            ["credentials-in-clear /spec/base_url"],
            ["address-not-settable /spec/base_url"],
        ),
        (
            "connection",
            project({}, {"access_token": TOKEN, "base_url": "http://127.0.0.1:1"}),
            [],
            ["address-not-settable /spec/base_url"],
        ),
    ],
    ids=lambda value: "",
)
def test_what_cannot_work_is_said_before_any_call(
    vendor: Vendor,
    declare: Declare,
    here: bool,  # noqa: FBT001 - a column of it
    of: str,
    documents: dict[str, Mapping[str, object]],
    embedded: list[str],
    theirs: list[str],
) -> None:
    resources = declare(documents)
    provider = vendor.provider(creates_connections=here)
    address = IMPORT if of == "import" else MAIN

    found = provider.check(resources[address], Context(resources))

    assert [f"{one.rule} {one.path}" for one in found] == (embedded if here else theirs)
    assert all(one.hint for one in found)
    assert vendor.asked == []


def wanted(vendor: Vendor, declare: Declare, source: Mapping[str, Any], **ids: str) -> Any:
    resources = declare(project(source))
    remote_ids = {Address("connection", name): remote_id for name, remote_id in ids.items()}
    return (
        vendor.provider(creates_connections=False)
        .desired(resources[IMPORT], Context(resources, remote_ids))
        .attributes["source"]
    )


def test_a_connection_is_named_by_its_id_as_soon_as_there_is_one(vendor: Vendor, declare: Declare) -> None:
    plain = {"type": "intercom", "target": "users", "incremental": False}
    assert wanted(vendor, declare, {}) == {**plain, "td_authentication_id": Unknown(MAIN)}
    assert wanted(vendor, declare, {}, main="77") == {**plain, "td_authentication_id": "77"}


def test_a_connection_that_nobody_declares_is_looked_up(vendor: Vendor, declare: Declare) -> None:
    vendor.says["GET /v3/connections/lookup?name=console"] = {"id": 5}
    assert wanted(vendor, declare, {"connection": "console"})["td_authentication_id"] == "5"
    vendor.says["GET /v3/connections/lookup?name=lost"] = httpx.Response(404, json={})
    with pytest.raises(Permanent, match="Treasure Data has no connection 'lost'"):
        wanted(vendor, declare, {"connection": "lost"})


def test_segments_and_tags_are_sent_without_a_flag_that_they_do_not_know(vendor: Vendor, declare: Declare) -> None:
    assert "incremental" not in wanted(vendor, declare, {"target": "tags"}, main="1")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"target": "tags", "incremental": True}, "target tags has no incremental mode"),
        ({"connection": None}, "needs a `connection`, or an `access_token` of its own"),
        ({"access_token": TOKEN}, "needs a `connection`, or an `access_token` of its own"),
        ({"connection": None, "app_id": "a1"}, "`app_id` and `api_key` go together"),
        ({"target": "tags", "leads": True}, "`leads` belongs to `target: users`"),
        ({"parts": True}, "`parts` belongs to `target: conversations`"),
        ({"overlap": "1h"}, "`overlap` belongs to `incremental: true`"),
    ],
    ids=lambda value: ", ".join(value) if isinstance(value, dict) else "",
)
def test_a_source_that_makes_no_sense_is_refused(declare: Declare, source: dict[str, Any], message: str) -> None:
    told = {name: value for name, value in project(source)["import/people"].items() if name != "from"}
    of = project(source)["import/people"]["from"]
    assert isinstance(of, dict)
    with pytest.raises(ValidationError, match=message):
        declare({"import/people": {**told, "from": {name: value for name, value in of.items() if value is not None}}})
