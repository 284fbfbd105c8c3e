"""The client against the emulator: what it sends, what it makes of answers and of their absence."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx
import pytest
from pinterest_doubles import ACCOUNT, DESCRIPTION, DescribedWire, FakeClock, connected

from reconciler.apis.pinterest import PAGE_SIZE, Pace, PinterestClient
from reconciler.apis.pinterest_connect import api_address
from reconciler.apis.pinterest_values import AdAccount, ListType, MemberChange, UserAccount
from reconciler.emulators.sandbox import Sandbox
from reconciler.errors import Denied, NotFound, OutcomeUnknown, Permanent, Transient
from reconciler.scrubbing import Scrubber

BEARER = {"Authorization": "Bearer x"}
A, B, C = (f"{digit}" * 64 for digit in "abc")


def records(*digests: str) -> bytes:
    return ",".join(digests).encode()


def make_audiences(sandbox: Sandbox, number: int) -> None:
    """Audiences n0, n1, … that were there before us."""
    made = sandbox.control.call("POST", "/lists", {"ad_account_id": ACCOUNT, "name": "others"})
    for index in range(number):
        audience = {"ad_account_id": ACCOUNT, "name": f"n{index}", "customer_list_id": made["id"]}
        sandbox.control.call("POST", "/audiences", audience)


def test_a_list_takes_and_gives_up_members(client: PinterestClient, sandbox: Sandbox) -> None:
    made = client.create_customer_list(ACCOUNT, "vip", ListType.EMAIL, records(A, B))
    client.change_members(ACCOUNT, made.id, MemberChange.ADD, records(C))
    client.change_members(ACCOUNT, made.id, MemberChange.REMOVE, records(A))

    now = client.customer_list(ACCOUNT, made.id)
    assert (now.name, now.batches, now.uploaded, now.removed) == ("vip", 3, 3, 1)
    assert sandbox.control.members(made.id) == [B, C]


def test_an_audience_is_made_changed_and_removed(client: PinterestClient) -> None:
    made = client.create_customer_list(ACCOUNT, "vip", ListType.EMAIL, records(A))
    audience = client.create_audience(ACCOUNT, "VIP", made.id, "Best")
    assert (audience.name, audience.description, audience.customer_list_id) == ("VIP", "Best", made.id)

    changed = client.update_audience(ACCOUNT, audience.id, {"description": ""})
    assert (changed.name, changed.description) == ("VIP", "")
    assert list(client.audiences(ACCOUNT)) == [changed]

    client.remove_audience(ACCOUNT, audience.id)
    assert list(client.audiences(ACCOUNT)) == []
    with pytest.raises(NotFound):
        client.audience(ACCOUNT, audience.id)


def test_accounts_come_with_the_roles_held_in_them(client: PinterestClient) -> None:
    own, partner = client.ad_accounts()

    assert own == AdAccount(ACCOUNT, "Sandbox shop", "USD", ("OWNER",))
    assert partner.permissions == ("ANALYST",)
    assert client.user_account() == UserAccount("549755885175", "sandbox")


@pytest.mark.skipif(not DESCRIPTION.exists(), reason="the vendor's OpenAPI description is not part of the repository")
def test_every_request_is_as_the_vendor_describes_it(sandbox: Sandbox, tmp_path: Path) -> None:
    wire = DescribedWire()
    with connected(sandbox, tmp_path, wire=wire) as client:
        client.user_account()
        client.ad_accounts()
        client.ad_account(ACCOUNT)
        made = client.create_customer_list(ACCOUNT, 'a "b" \\ ü', ListType.MAID, records(A, B))
        client.change_members(ACCOUNT, made.id, MemberChange.ADD, records(C))
        client.change_members(ACCOUNT, made.id, MemberChange.REMOVE, records(C) + b",")
        client.customer_list(ACCOUNT, made.id)
        audience = client.create_audience(ACCOUNT, "a", made.id, "b")
        client.create_audience(ACCOUNT, "a", made.id)
        client.audience(ACCOUNT, audience.id)
        client.update_audience(ACCOUNT, audience.id, {"name": "c", "description": ""})
        client.remove_audience(ACCOUNT, audience.id)
        assert [found.name for found in client.audiences(ACCOUNT)] == ["a"]
        assert [found.name for found in client.customer_lists(ACCOUNT)] == ['a "b" \\ ü']

    operations = {" ".join((line.split("?")[0]).split()).replace(ACCOUNT, "N") for line in wire.sent}
    assert {one.replace(made.id, "L").replace(audience.id, "A") for one in operations} == {
        "POST /v5/oauth/token",
        "GET /v5/user_account",
        "GET /v5/ad_accounts",
        "GET /v5/ad_accounts/N",
        "GET /v5/ad_accounts/N/customer_lists",
        "POST /v5/ad_accounts/N/customer_lists",
        "GET /v5/ad_accounts/N/customer_lists/L",
        "PATCH /v5/ad_accounts/N/customer_lists/L",
        "GET /v5/ad_accounts/N/audiences",
        "POST /v5/ad_accounts/N/audiences",
        "GET /v5/ad_accounts/N/audiences/A",
        "PATCH /v5/ad_accounts/N/audiences/A",
    }


@pytest.mark.skipif(not DESCRIPTION.exists(), reason="the vendor's OpenAPI description is not part of the repository")
@pytest.mark.parametrize(
    "request_",
    [
        httpx.Request(
            "PATCH", f"http://h/v5/ad_accounts/{ACCOUNT}/customer_lists/1", json={"records": [A]}, headers=BEARER
        ),
        httpx.Request("GET", f"http://h/v5/ad_accounts/{ACCOUNT}/audiences?order=DOWN", headers=BEARER),
        httpx.Request("GET", f"http://h/v5/ad_accounts/{ACCOUNT}/nowhere", headers=BEARER),
    ],
    ids=["body", "parameter", "path"],
)
def test_the_description_does_refuse(request_: httpx.Request) -> None:
    from openapi_core.exceptions import OpenAPIError  # noqa: PLC0415 - slow to load

    with pytest.raises(OpenAPIError):
        DescribedWire().handle_request(request_)


@pytest.mark.parametrize("number", [0, 1, int(PAGE_SIZE), int(PAGE_SIZE) + 1, 2 * int(PAGE_SIZE)])
@pytest.mark.parametrize("trailing", [False, True])
def test_all_pages_are_read(number: int, trailing: bool, client: PinterestClient, sandbox: Sandbox) -> None:  # noqa: FBT001
    sandbox.control.knobs(trailing_bookmark=trailing, rate_tier="off")
    make_audiences(sandbox, number)

    assert [found.name for found in client.audiences(ACCOUNT)] == [f"n{index}" for index in range(number)]


def test_a_page_that_comes_twice_ends_the_listing(client: PinterestClient, sandbox: Sandbox) -> None:
    sandbox.control.knobs(rate_tier="off")
    make_audiences(sandbox, int(PAGE_SIZE) + 1)
    sandbox.control.fault("page_repeated", path="/ad_accounts/*/audiences", count=None)

    with pytest.raises(Transient, match="answered 200 with the same page twice"):
        list(client.audiences(ACCOUNT))


@pytest.mark.parametrize("kind", ["answer_lost", "cut_midway", "truncated", "malformed"])
def test_a_create_whose_answer_is_lost_is_not_repeated(kind: str, client: PinterestClient, sandbox: Sandbox) -> None:
    sandbox.control.fault(kind, method="POST", path="/ad_accounts/*/customer_lists")

    with pytest.raises(OutcomeUnknown):
        client.create_customer_list(ACCOUNT, "vip", ListType.EMAIL, records(A))

    assert [made.name for made in client.customer_lists(ACCOUNT)] == ["vip"]


@pytest.mark.parametrize("kind", ["cut", "answer_lost", "cut_midway", "truncated", "malformed", "html"])
def test_a_batch_is_sent_again_because_a_list_is_a_set(kind: str, client: PinterestClient, sandbox: Sandbox) -> None:
    made = client.create_customer_list(ACCOUNT, "vip", ListType.EMAIL, records(A))
    sandbox.control.fault(kind, method="PATCH")

    client.change_members(ACCOUNT, made.id, MemberChange.ADD, records(B))

    assert sandbox.control.members(made.id) == [A, B]


def test_the_named_window_is_waited_for(client: PinterestClient, sandbox: Sandbox, clock: FakeClock) -> None:
    client.ad_account(ACCOUNT)
    sandbox.control.fault("rate_limited", reset_s=7)

    client.ad_account(ACCOUNT)

    assert len(clock.slept) == 1
    assert 7 <= clock.slept[0] <= 7.7


@pytest.mark.parametrize("values", [{"reset_s": 67150}, {"reset_s": 1, "retry_after_s": 86400}])
def test_a_daily_quota_is_told_and_not_slept_through(
    values: dict[str, object], client: PinterestClient, sandbox: Sandbox, clock: FakeClock
) -> None:
    client.ad_account(ACCOUNT)
    sandbox.control.fault("rate_limited", envoy_header=True, **values)

    with pytest.raises(Transient) as caught:
        client.ad_account(ACCOUNT)

    assert caught.value.retry_after_s in {67150, 86400}
    assert clock.slept == []


@pytest.mark.parametrize(
    ("scopes", "message"),
    [(("ads:read",), "sufficient permissions"), (("user_accounts:read",), "sufficient permissions")],
)
def test_a_missing_scope_is_told_with_the_remedy(scopes: tuple[str, ...], message: str, sandbox: Sandbox) -> None:
    from reconciler.apis.pinterest_dialect import PINTEREST  # noqa: PLC0415 - this test's own way in
    from reconciler.http.client import Client  # noqa: PLC0415 - this test's own way in
    from reconciler.http.credentials import FixedKey  # noqa: PLC0415 - this test's own way in
    from reconciler.model.secret import Secret  # noqa: PLC0415 - this test's own way in

    token = sandbox.control.access_token(*scopes)
    http = Client(sandbox.base_url, PINTEREST, credentials=FixedKey(Secret("test", token)))
    with PinterestClient(http, FakeClock(), pace=None) as client, pytest.raises(Denied, match=message) as caught:
        client.create_customer_list(ACCOUNT, "vip", ListType.EMAIL, records(A))

    assert caught.value.hint == "authorise the app again with the scopes ads:read and ads:write"
    assert http.calls == 1


def test_a_missing_role_is_told_with_the_remedy(client: PinterestClient) -> None:
    with pytest.raises(Denied, match=r"answered 40[13]: You are not permitted") as caught:
        client.create_customer_list("549700000002", "vip", ListType.EMAIL, records(A))

    assert caught.value.hint == "ask for the role Admin or Audience manager on the ad account"
    assert caught.value.request_id.isdigit()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "there are no records to send"),
        (b'a","x":"', "records hold characters that no digest has"),
        (b"a\\b", "records hold characters that no digest has"),
        (b"a\nb", "records hold characters that no digest has"),
        ("ü".encode(), "records hold characters that no digest has"),
    ],
)
def test_records_that_would_break_out_of_the_body_are_refused(
    content: bytes, message: str, client: PinterestClient
) -> None:
    with pytest.raises(Permanent, match=message):
        client.change_members(ACCOUNT, "1", MemberChange.ADD, content)
    assert client.calls == 0


def test_a_problem_with_a_batch_is_an_error_without_its_members(client: PinterestClient, sandbox: Sandbox) -> None:
    sandbox.control.knobs(invalid_records="exceptions")
    made = client.create_customer_list(ACCOUNT, "vip", ListType.EMAIL, records(A))

    with pytest.raises(Permanent) as caught:
        client.change_members(ACCOUNT, made.id, MemberChange.ADD, b"nonsense")

    assert caught.value.message == (
        f'Pinterest: list {made.id} reports a problem with its members: {{"code":1,"message":"1 records are invalid."}}'
    )


def test_a_batch_too_large_is_told_apart(client: PinterestClient, sandbox: Sandbox) -> None:
    made = client.create_customer_list(ACCOUNT, "vip", ListType.EMAIL, records(A))
    sandbox.control.knobs(body_limit_bytes=100)

    with pytest.raises(Permanent) as caught:
        client.change_members(ACCOUNT, made.id, MemberChange.ADD, records(B, C))

    assert caught.value.status == 413


def test_a_list_has_one_writer_at_a_time(sandbox: Sandbox, tmp_path: Path) -> None:
    class Watching(httpx.BaseTransport):
        def __init__(self) -> None:
            self.network = httpx.HTTPTransport()
            self.writing = 0
            self.most = 0
            self.lock = threading.Lock()

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            is_write = request.method == "PATCH"
            with self.lock:
                self.writing += is_write
                self.most = max(self.most, self.writing)
            try:
                return self.network.handle_request(request)
            finally:
                with self.lock:
                    self.writing -= is_write

        def close(self) -> None:
            self.network.close()

    wire = Watching()
    with connected(sandbox, tmp_path, wire=wire) as client:
        made = client.create_customer_list(ACCOUNT, "vip", ListType.EMAIL, records(A))
        threads = [
            threading.Thread(target=client.change_members, args=(ACCOUNT, made.id, MemberChange.ADD, records(B)))
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert client.customer_list(ACCOUNT, made.id).batches == 7
    assert wire.most == 1


def test_writes_keep_the_pace(sandbox: Sandbox, tmp_path: Path, clock: FakeClock) -> None:
    with connected(sandbox, tmp_path, clock=clock, pace=Pace(reads_per_s=10, writes_per_s=2, burst=2)) as client:
        for name in "abcd":
            client.create_customer_list(ACCOUNT, name, ListType.EMAIL, records(A))

    assert clock.slept == [0.5, 0.5]


def test_answers_show_neither_tokens_nor_members(sandbox: Sandbox, tmp_path: Path) -> None:
    scrubber = Scrubber()
    with connected(sandbox, tmp_path, scrubber=scrubber) as client:
        headers = client._client._current_credentials()
        token = headers["Authorization"].removeprefix("Bearer ")
        sandbox.control.fault(
            "error", status=400, code=1, message=f"bad {token} FAKE-app-secret jane.doe@example.com {A} in {B},{C}"
        )
        with pytest.raises(Permanent) as caught:
            client.ad_account(ACCOUNT)

    assert caught.value.message == (
        f"Pinterest: GET /ad_accounts/{ACCOUNT} answered 400: bad *** *** *** *** in ***,***"
    )


@pytest.mark.parametrize(
    ("given", "address"),
    [
        (None, "https://api.pinterest.com/v5"),
        ("https://api.pinterest.com/", "https://api.pinterest.com/v5"),
        ("http://127.0.0.1:1/v5", "http://127.0.0.1:1/v5"),
        ("http://127.0.0.1:1/pinterest/v5/", "http://127.0.0.1:1/pinterest/v5"),
    ],
)
def test_the_version_may_be_left_out_of_the_address(given: str | None, address: str) -> None:
    assert api_address(given) == address
