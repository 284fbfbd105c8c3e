"""Intercom's own Python client against the emulator; what it sends and hears is held against the description as well."""

from __future__ import annotations

import httpx
import pytest
from intercom import Intercom, MultipleFilterSearchRequest, SingleFilterSearchRequest, StartingAfterPaging
from intercom.core.api_error import ApiError
from intercom.errors import NotFoundError, UnauthorizedError
from openapi_contract import CheckedTransport

from reconciler.emulators.intercom.sandbox import IntercomSandbox
from reconciler.emulators.intercom.world import World

TOKEN = "dG9rOmZha2VfdG9rZW5fb2ZfdGVzdHM="


def opened(sandbox: IntercomSandbox, transport: CheckedTransport, token: str = TOKEN) -> Intercom:
    client = httpx.Client(transport=transport)
    return Intercom(token=token, base_url=sandbox.base_url, httpx_client=client, headers={"Intercom-Version": "2.16"})


@pytest.fixture
def official(sandbox: IntercomSandbox, checked: CheckedTransport) -> Intercom:
    return opened(sandbox, checked)


def test_it_lists_all_contacts_over_pages(official: Intercom, world: World) -> None:
    for number in range(5):
        world.put_contact(f"c{number}", {"updated_at": 100 + number})
    assert [one.id for one in official.contacts.list(per_page=2)] == ["c4", "c3", "c2", "c1", "c0"]


def test_it_searches_page_by_page(official: Intercom, world: World) -> None:
    for number in range(3):
        world.put_contact(f"c{number}", {"updated_at": 100 + number, "role": "lead" if number == 1 else "user"})
    query = MultipleFilterSearchRequest(
        operator="AND", value=[SingleFilterSearchRequest(field="role", operator="=", value="user")]
    )
    first = official.contacts.search(query=query, pagination=StartingAfterPaging(per_page=1))
    assert first.response is not None
    following = first.response.pages.next.starting_after if first.response.pages and first.response.pages.next else None
    second = official.contacts.search(query=query, pagination=StartingAfterPaging(per_page=1, starting_after=following))
    assert [[one.id for one in page.items or []] for page in (first, second)] == [["c2"], ["c0"]]


def test_it_reads_one_conversation_with_its_parts(official: Intercom, world: World) -> None:
    world.put_conversation("7", {"title": "Order", "parts": [{"body": "<p>Hello</p>"}]})
    assert [one.id for one in official.conversations.list()] == ["7"]
    found = official.conversations.find("7", display_as="plaintext")
    assert found.conversation_parts is not None
    assert [one.body for one in found.conversation_parts.conversation_parts] == ["Hello"]


def test_it_reads_what_is_told_whole(official: Intercom, world: World) -> None:
    world.put_tag("t1", {"name": "vip"})
    world.put_segment("s1", {"name": "Active", "count": 3})
    assert [one.name for one in official.tags.list().data or []] == ["vip"]
    assert [one.count for one in official.segments.list(include_count=True).segments or []] == [3]
    me = official.admins.identify()
    assert me is not None
    assert me.app is not None
    assert me.app.timezone == "America/Los_Angeles"


def test_it_scrolls_companies(official: Intercom, world: World) -> None:
    for number in range(3):
        world.put_company(f"k{number}", {})
    assert [one.id for one in official.companies.scroll().items or []] == ["k0", "k1", "k2"]


def test_it_is_refused_in_words_that_it_knows(
    official: Intercom, sandbox: IntercomSandbox, world: World, checked: CheckedTransport
) -> None:
    world.put_contact("c1", {})
    world.put_contact("c2", {})
    world.merge_contact("c1", into="c2")
    with pytest.raises(NotFoundError):
        official.conversations.find("404")
    with pytest.raises(ApiError) as gone:
        official.contacts.find("c1")
    assert gone.value.status_code == 410
    with pytest.raises(UnauthorizedError):
        opened(sandbox, checked, "another").tags.list()


def test_it_understands_when_the_next_window_begins(checked: CheckedTransport) -> None:
    with IntercomSandbox(TOKEN) as sandbox:  # of the machine's time, which this client looks at
        sandbox.control.fault("rate_limited", reset_s=0, path="/tags")
        # It counts from two, so that three retries are one.
        assert opened(sandbox, checked).tags.list(request_options={"max_retries": 3}).data == []
        assert [one["status"] for one in sandbox.control.traffic()] == [429, 200]
