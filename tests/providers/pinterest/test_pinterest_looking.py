"""What the provider sees, and that it never takes silence for absence."""

from __future__ import annotations

from pathlib import Path

import pytest
from pinterest_scene import ACCOUNT, PARTNER, VIP, Scene, audience, connection, remembered

from reconciler.errors import Denied, NotFound, Permanent, ProviderError, Transient
from reconciler.model.address import Address
from reconciler.model.kinds import Identifier
from reconciler.model.observation import Finding, Observation, Unreadable
from reconciler.ports.provider import Wanted


def test_an_audience_is_seen_as_it_would_be_declared(scene: Scene) -> None:
    audience_id = scene.there()
    (listed,) = scene.control.audiences()

    found = scene.found(audience(), remembered(audience_id))

    desired = scene.provider.desired(audience(), scene.context)
    assert desired.natural_key == f"pinterest:{ACCOUNT}/customer_list/VIP"
    assert found.by_id is not None
    assert (
        found.by_id.attributes
        == desired.attributes
        == {
            "title": "VIP",
            "description": "Best buyers",
            "ad_account_id": ACCOUNT,
            "identifier": "email",
        }
    )
    assert found.by_key == (found.by_id,)
    assert found.by_id.note == "filling; Pinterest takes up to 48 hours"
    assert found.by_id.created_at == listed["created_timestamp"]
    assert sorted(found.by_id.computed) == ["created", "customer_list_id", "size", "status", "updated_at"]
    assert found.by_id.computed["status"] == "INITIALIZING"
    assert found.by_id.computed["customer_list_id"] == listed["rule"]["customer_list_id"]


def test_one_that_is_too_small_says_from_when_on_it_is_used(scene: Scene) -> None:
    audience_id = scene.there()
    scene.control.advance(200_000)

    found = scene.found(audience(), remembered(audience_id))

    assert found.by_id is not None
    assert (found.by_id.computed["status"], found.by_id.computed["size"]) == ("TOO_SMALL", 0)
    assert found.by_id.note == "too small: ads use it from 100 matched people on"


@pytest.mark.parametrize(
    ("there", "is_match"),
    [("VIP", True), (" VIP ", True), ("vip", False), ("VIP 2", False), ("VI", False), ("\uff36IP", False)],
)
def test_a_title_is_the_same_exactly_or_not_at_all(there: str, is_match: bool, scene: Scene) -> None:  # noqa: FBT001
    audience_id = scene.there(there)

    assert scene.ids(scene.found(audience()).by_key) == ([audience_id] if is_match else [])


def test_all_of_one_title_are_told_oldest_first(scene: Scene) -> None:
    ids = [scene.there() for _ in range(3)]

    found = scene.found(audience())

    assert found.by_id is None
    assert scene.ids(found.by_key) == ids
    assert [one.attributes["identifier"] for one in found.by_key] == ["email"] * 3


def test_audiences_of_other_kinds_and_accounts_are_none_of_ours(scene: Scene) -> None:
    scene.there(account=PARTNER)
    client = scene.provider._client(Address("connection", "main"))
    made = scene.there("seed")
    body = {"name": "VIP", "audience_type": "ACTALIKE", "rule": {"seed_id": [made], "country": "US", "percentage": 1}}
    from reconciler.http.request import send_json  # noqa: PLC0415 - this test's own way in

    client._client.json(send_json("POST", f"/ad_accounts/{ACCOUNT}/audiences", body))

    assert scene.found(audience()) == Finding()


def test_nothing_there_is_absent(scene: Scene) -> None:
    assert scene.found(audience(), remembered("2542620905473")) == Finding()
    assert scene.calls() == ["GET /ad_accounts/N/audiences", "GET /ad_accounts/N/audiences/2542620905473"]


@pytest.mark.parametrize("removed_audiences", ["hidden", "archived"])
def test_a_removed_audience_is_absent_however_it_is_shown(removed_audiences: str, scene: Scene) -> None:
    scene.control.knobs(removed_audiences=removed_audiences)
    audience_id = scene.there()
    scene.provider.delete(VIP, audience_id, remembered(audience_id))

    assert scene.found(audience(), remembered(audience_id)) == Finding()


def test_one_that_is_listed_late_is_found_by_its_id(scene: Scene) -> None:
    made = scene.control.call("POST", "/lists", {"ad_account_id": ACCOUNT, "name": "VIP"})
    scene.control.fault("listed_late", method="POST", path="/ad_accounts/*/audiences", list_s=60)
    client = scene.provider._client(Address("connection", "main"))
    audience_id = client.create_audience(ACCOUNT, "VIP", made["id"]).id

    found = scene.found(audience(), remembered(audience_id))

    assert found.by_id is not None
    assert (found.by_id.remote_id, found.by_key) == (audience_id, ())


def test_one_renamed_in_the_console_is_known_by_its_id(scene: Scene) -> None:
    audience_id = scene.there("Renamed")

    found = scene.found(audience(), remembered(audience_id))

    assert found.by_id is not None
    assert (found.by_id.attributes["title"], found.by_key) == ("Renamed", ())


def test_the_identifier_comes_from_memory_and_else_from_the_document(scene: Scene) -> None:
    ours, other = scene.there(), scene.there()

    found = scene.found(audience(identifier=Identifier.MAID), remembered(ours))

    assert found.by_id is not None
    assert found.by_id.attributes["identifier"] == "email"
    assert [(one.remote_id, one.attributes["identifier"]) for one in found.by_key] == [(ours, "email"), (other, "maid")]


def test_one_whose_document_moved_to_another_account_is_looked_for_in_both(scene: Scene) -> None:
    ours, there = scene.there(), scene.there(account=PARTNER)

    found = scene.found(audience(account=PARTNER), remembered(ours))

    assert found.by_id is not None
    assert (found.by_id.remote_id, found.by_id.attributes["ad_account_id"]) == (ours, ACCOUNT)
    assert [(one.remote_id, one.attributes["ad_account_id"]) for one in found.by_key] == [(there, PARTNER)]


def test_one_without_a_document_is_looked_at_through_the_connection_it_was_made_with(scene: Scene) -> None:
    audience_id = scene.there()

    found = scene.found(None, remembered(audience_id))

    assert found.by_id is not None
    assert (found.by_id.remote_id, found.by_id.attributes["identifier"], found.by_key) == (audience_id, "email", ())


def test_one_whose_connection_is_gone_is_unreadable(scene: Scene) -> None:
    seen = scene.look(None, remembered("1", through="gone"))

    assert isinstance(seen, Unreadable)
    assert seen.error.message == "audience/vip: the connection it was made through is not declared any more"
    assert scene.calls() == []


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"kind": "error", "status": 403, "code": 29, "message": "You are not permitted"}, Denied),
        ({"kind": "error", "status": 401, "code": 3, "message": "scopes"}, Denied),
        ({"kind": "error", "status": 400, "code": 1, "message": "Invalid request"}, Permanent),
        ({"kind": "error", "status": 500}, Transient),
        ({"kind": "error", "status": 502}, Transient),
        ({"kind": "error", "status": 503, "retry_after_s": 600}, Transient),
        ({"kind": "rate_limited", "reset_s": 67150, "envoy_header": True}, Transient),
        ({"kind": "html", "status": 200}, Transient),
        ({"kind": "html", "status": 404}, Transient),
        ({"kind": "html", "status": 502}, Transient),
        ({"kind": "cut"}, Transient),
        ({"kind": "cut_midway"}, Transient),
        ({"kind": "truncated"}, Transient),
        ({"kind": "malformed"}, Transient),
    ],
    ids=lambda value: "-".join(str(part) for part in list(value.values())[:2]) if isinstance(value, dict) else "",
)
@pytest.mark.parametrize("path", ["/ad_accounts/*/audiences", "/ad_accounts/*/audiences/*"], ids=["list", "get"])
def test_what_could_not_be_read_is_never_absent(
    path: str, fault: dict[str, object], kind: type[ProviderError], scene: Scene
) -> None:
    values = {key: value for key, value in fault.items() if key != "kind"}
    scene.control.fault(str(fault["kind"]), path=path, count=None, **values)

    seen = scene.look(audience(), remembered("2542620905473"))

    assert isinstance(seen, Unreadable)
    assert isinstance(seen.error, kind)


def test_an_account_that_is_not_found_is_no_absent_audience(scene: Scene) -> None:
    audience_id = scene.there()
    scene.control.call("DELETE", f"/accounts/{ACCOUNT}")

    seen = scene.look(audience(), remembered(audience_id))

    assert isinstance(seen, Unreadable)
    assert isinstance(seen.error, NotFound)


@pytest.mark.parametrize("kind", ["cut", "truncated", "malformed", "token_expired", "rate_limited"])
def test_a_fault_that_passes_is_not_noticed(kind: str, scene: Scene) -> None:
    audience_id = scene.there()
    scene.control.fault(kind, path="/ad_accounts/**")

    found = scene.found(audience(), remembered(audience_id))

    assert scene.ids(found.by_key) == [audience_id]


def test_many_audiences_take_one_listing_for_each_account(scene: Scene) -> None:
    ids = [scene.there(f"t{index}") for index in range(20)]
    wanted = [
        Wanted(Address("audience", f"a{index}"), audience(f"a{index}", title=f"t{index}"), remembered(audience_id))
        for index, audience_id in enumerate(ids)
    ]
    wanted.append(Wanted(Address("audience", "other"), audience("other", account=PARTNER), None))

    seen = scene.provider.observe(wanted, scene.context)

    assert [seen[question.address].by_id.remote_id for question in wanted[:20]] == ids  # type: ignore[union-attr]
    assert seen[wanted[20].address] == Finding()
    assert sorted(scene.calls()) == ["GET /ad_accounts/549700000002/audiences", "GET /ad_accounts/N/audiences"]


def test_one_account_that_cannot_be_read_leaves_the_others_readable(scene: Scene) -> None:
    audience_id = scene.there()
    scene.control.fault("error", status=403, path=f"/ad_accounts/{PARTNER}/**", count=None)
    wanted = [
        Wanted(VIP, audience(), None),
        Wanted(Address("audience", "other"), audience("other", account=PARTNER), None),
    ]

    seen = scene.provider.observe(wanted, scene.context)

    first, second = seen[VIP], seen[Address("audience", "other")]
    assert isinstance(first, Finding)
    assert scene.ids(first.by_key) == [audience_id]
    assert isinstance(second, Unreadable)


def test_nothing_asked_is_nothing_called(scene: Scene) -> None:
    assert scene.provider.observe([], scene.context) == {}
    assert scene.provider.api_calls == 0


def test_the_account_is_the_user_behind_the_connections(scene: Scene, tmp_path: Path) -> None:
    assert scene.provider.account() == "549755885175"
    with Scene(scene.sandbox, tmp_path, (connection("a"), connection("b"))) as two:
        assert two.provider.account() == "549755885175"


def test_an_app_without_that_scope_stands_for_itself(scene: Scene) -> None:
    scene.control.fault("error", status=403, code=403, path="/user_account", count=None)

    account = scene.provider.account()

    assert account == scene.provider.account()
    assert account.startswith("app-")
    assert "1234567" not in account


@pytest.mark.parametrize("status", [401, 500])
def test_an_account_that_cannot_be_asked_is_an_error(status: int, scene: Scene) -> None:
    scene.control.fault("error", status=status, code=2, count=None)

    with pytest.raises(ProviderError):
        scene.provider.account()


def test_an_observation_never_names_members_or_secrets(scene: Scene) -> None:
    scene.there()
    (seen,) = scene.found(audience()).by_key

    assert isinstance(seen, Observation)
    assert "FAKE" not in repr(seen)
