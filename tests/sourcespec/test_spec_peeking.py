"""What is told of the next page before the answer is read is what reading it tells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from player import StandingClock, playing, read, source

from reconciler.errors import Permanent
from reconciler.ports.loads import LoadRequest
from reconciler.sourcespec.checking import check
from reconciler.sourcespec.paging import Ask, Follow, Page, Walk
from reconciler.sourcespec.peeking import Peek
from reconciler.sourcespec.specification import Specification

NAMES = st.sampled_from(["meta", "next", "members", "a b", "é"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


def specification(path: str, **paging: Any) -> Specification:
    kind = {
        "type": "CONTINUATION_TOKEN",
        "continuationTokenPath": path,
        "parameterType": "QUERYPARAM",
        "parameterName": "after",
    }
    found = check(
        {
            "attributes": {
                "urlParams": {"host": "https://api.example.com", "path": "/members", "method": "GET"},
                "contentPath": {"path": "$.members"},
                "paginationParams": {**kind, **paging},
            }
        },
        {},
    )
    assert found.specification is not None, found.findings
    return found.specification


def pointed(path: str) -> Specification:
    return specification(path, type="POINTER", limitName="limit", limitValue="10", pointerPath=path)


PATHS: dict[str, Any] = {
    "header": {"continuationTokenPath": "headers.x-next"},
    "body": {"continuationTokenPath": "$.next"},
    "link": {"type": "POINTER", "limitName": "limit", "limitValue": "10", "pointerPath": "$.next"},
}
LASTS: dict[str, dict[str, Any]] = {
    "no content": {"status": 204},
    "no more": {"status": 200, "json": {"members": [{"id": 2}]}},
    "not there": {"status": 404, "json": {"next": "b"}},
    "no json": {"status": 200, "text": "<html>"},
    "cut": {"status": 200, "text": '{"next": "b", "members": ['},
    "no rows there": {"status": 200, "json": {"members": 3}},
}


def page(document: Any, elements: int) -> Page:
    return Page(elements, document, {}, b"")


@given(DOCUMENTS, st.sampled_from(["$.next", "$.meta.next", "$.meta['a b'].next"]), st.integers(0, 2), st.booleans())
def test_what_is_sure_is_what_reading_all_of_it_tells(document: Any, path: str, elements: int, is_link: bool) -> None:  # noqa: FBT001
    body = json.dumps(document).encode()
    one = pointed(path) if is_link else specification(path)
    walk = Walk(one)
    walk.first()
    told = Peek(one).told({}, body)
    sure = None if told is None else walk.sure(told)
    if sure is not None:
        assert walk.after(page(json.loads(body), elements)) == sure


@pytest.mark.parametrize("token", ["t1", "é", 7, 2**70])
def test_a_token_is_found_among_other_things(token: str | int) -> None:
    one = specification("$.meta.next")
    body = json.dumps({"members": [{"meta": 1}], "meta": {"count": 3, "next": token}, "more": None}).encode()
    told = Peek(one).told({}, body)
    assert told == str(token)
    walk = Walk(one)
    walk.first()
    assert walk.sure(told) == Ask((("after", told),))


def test_a_link_and_a_header_are_found() -> None:
    assert Peek(pointed("$.links.next")).told({}, b'{"links": {"next": "/b"}}') == "/b"
    by_header = specification("", continuationTokenPath="headers.x-next")
    assert Peek(by_header).told({"x-next": "h1"}, b"not read") == "h1"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"not json", b'{"next": {}}', b'{"next": true}', b'{"next": ""}', b'{"next"']
)
def test_what_tells_nothing_is_left_to_be_read(body: bytes) -> None:
    assert Peek(specification("$.next")).told({}, body) is None


def test_nothing_is_sure_that_rows_or_limits_decide() -> None:
    seen = Walk(specification("$.next"))
    seen.first()
    seen.after(page({"next": "t1"}, 1))
    assert seen.sure("t1") is None
    assert seen.sure("t2") == Ask((("after", "t2"),))

    empty = Walk(specification("$.next"))
    empty.first()
    empty.after(page({"next": "t1"}, 0))
    empty.after(page({"next": "t2"}, 0))
    assert empty.sure("t3") is None, "a third page without rows is the end"

    link = Walk(pointed("$.next"))
    link.first()
    assert link.sure("/b") == Follow("/b")


@pytest.mark.parametrize("last", LASTS)
@pytest.mark.parametrize("place", PATHS)
def test_nobody_is_asked_for_a_page_more_than_there_is(tmp_path: Path, place: str, last: str) -> None:
    told = {"x-next": "a"} if place == "header" else {}
    first = {"status": 200, "json": {"members": [{"id": 1}], "next": "/a"}, "headers": told}
    # A header of the last answer names one more page, which does not count where the answer says that it is the last.
    end = LASTS[last] | ({"headers": {"x-next": "b"}} if last == "no content" else {})
    attributes = {
        "urlParams": {"host": "https://api.example.test", "path": "/members", "method": "GET"},
        "contentPath": {"path": "$.members"},
        "paginationParams": {
            "type": "CONTINUATION_TOKEN",
            "parameterType": "QUERYPARAM",
            "parameterName": "after",
            **PATHS[place],
        },
    }
    request = LoadRequest({"type": "rest", "spec": {"attributes": attributes}, "auth": {}, "params": {}}, "1")
    with playing([first, end]) as player:
        try:
            read(source(tmp_path, StandingClock(), player), request)
            failed = False
        except Permanent:
            failed = True
    assert len(player.heard) == 2
    assert failed == (last not in {"no content", "no more"})
