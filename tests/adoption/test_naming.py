"""Names of documents: safe, the same every time, and never two alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adoption.naming import document_name, secret_name
from reconciler.model.address import NAME


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("VIP", "vip"),
        ("Spring buyers (JP)", "spring-buyers-jp"),
        ("a/b", "a-b"),
        ("Café société", "cafe-societe"),
        ("orders_2024.v2", "orders_2024.v2"),
        ("x" * 200, "x" * 100),
        ("日次集計", "query-440da5cd"),
        ("日次集計 v2", "query-440da5cd"),
        ("🎉", "query-440da5cd"),
        ("...", "query-440da5cd"),
    ],
)
def test_a_name_is_what_can_be_kept_of_the_label_or_else_of_the_id(label: str, expected: str) -> None:
    assert document_name("query", label, "id", lambda _: True) == expected


def test_a_name_that_is_taken_gets_a_number() -> None:
    taken = {"vip", "vip-2"}

    assert document_name("audience", "VIP", "1", lambda name: name not in taken) == "vip-3"


@given(st.lists(st.text(max_size=200), max_size=20))
def test_every_label_gets_a_name_of_its_own_that_is_one(labels: list[str]) -> None:
    names: set[str] = set()
    for number, label in enumerate(labels):
        names.add(document_name("query", label, str(number), lambda name: name not in names))

    assert len(names) == len(labels)
    assert all(NAME.fullmatch(name) for name in names)


@pytest.mark.parametrize(
    ("document", "expected"),
    [("pinterest-main", "PINTEREST_MAIN_REFRESH_TOKEN"), ("2nd.app", "_2ND_APP_REFRESH_TOKEN")],
)
def test_the_variable_of_a_secret_is_named_after_its_document_and_field(document: str, expected: str) -> None:
    assert secret_name(document, "refresh_token") == expected
