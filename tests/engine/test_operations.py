"""Plans are the same when they would do the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.engine.operations import Difference, differences, differences_in_the_end, every_operation, operations


def change(action: str = "update", **more: Any) -> dict[str, Any]:
    fields = [] if action == "noop" else [{"path": "/cron", "before": "a", "after": "b"}]
    return {"address": "query/q", "actions": [action], "id": "q", "fields": fields, **more}


def of(*changes: dict[str, Any]) -> dict[str, Any]:
    return {"changes": list(changes)}


SECRET = {"path": "/token", "reference": "env:TOKEN", "fingerprint": "k1:aaaaaaaaaaaaaaaaaaaa"}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (change(), change(), None),
        (change(source="a.yaml:1"), change(source="b.yaml:9", note="filling"), None),
        (change(), change("noop"), ("", "update of /cron", "nothing")),
        (change("noop"), None, None),
        (change(), None, ("", "update of /cron", "nothing")),
        (change("noop"), change("noop", id="r"), ("/id", "q", "r")),
        (
            change(),
            change(fields=[{"path": "/cron", "before": "a", "after": "c"}]),
            ("/cron", '"a" → "b"', '"a" → "c"'),
        ),
        (change(), change(fields=[]), ("/cron", '"a" → "b"', "no change")),
        (
            change(resolved={"mode": "ADD"}),
            change(resolved={"mode": "REPLACE"}),
            ("", "resolved to ADD", "resolved to REPLACE"),
        ),
        (
            change("move", moved_to="query/r"),
            change("move", moved_to="query/s"),
            ("", "moved to query/r", "moved to query/s"),
        ),
        (
            change(secrets=[SECRET]),
            change(secrets=[SECRET | {"fingerprint": "k1:bbbbbbbbbbbbbbbbbbbb"}]),
            (
                "/token",
                "secret env:TOKEN of fingerprint k1:aaaaaaaaaaaa",
                "secret env:TOKEN of fingerprint k1:bbbbbbbbbbbb",
            ),
        ),
    ],
)
def test_what_counts_is_what_would_be_done(
    one: dict[str, Any], other: dict[str, Any] | None, expected: tuple[str, str, str] | None
) -> None:
    others = {} if other is None else every_operation(of(other))

    found = list(differences(every_operation(of(one)), others))

    assert found == ([] if expected is None else [Difference("query/q", *expected)])


def test_where_a_field_starts_from_counts_only_when_asked() -> None:
    moved = change(fields=[{"path": "/cron", "before": "x", "after": "b"}])
    one, other = operations(of(change())), operations(of(moved))

    assert [found.path for found in differences(one, other)] == ["/cron"]
    assert list(differences_in_the_end(one, other)) == []


CHANGES = st.builds(
    change,
    st.sampled_from(["create", "update", "delete", "noop"]),
    address=st.sampled_from(["query/a", "query/b", "query/c"]),
    id=st.sampled_from([None, "1", "2"]),
)


@given(st.lists(CHANGES, unique_by=lambda one: one["address"]), st.randoms())
def test_order_does_not_count(changes: list[dict[str, Any]], random: Any) -> None:
    shuffled = random.sample(changes, len(changes))

    assert list(differences(operations(of(*changes)), operations(of(*shuffled)))) == []


@given(st.lists(CHANGES, unique_by=lambda one: one["address"]), st.lists(CHANGES, unique_by=lambda one: one["address"]))
def test_differing_goes_both_ways(ones: list[dict[str, Any]], others: list[dict[str, Any]]) -> None:
    one, other = operations(of(*ones)), operations(of(*others))

    there = [(found.address, found.path, found.one, found.other) for found in differences(one, other)]
    back = [(found.address, found.path, found.other, found.one) for found in differences(other, one)]

    assert there == back
