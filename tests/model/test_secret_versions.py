"""Whether a secret is another one, by its fingerprints."""

from __future__ import annotations

import pytest

from reconciler.model.secret import Secret, is_another


@pytest.mark.parametrize(
    ("known", "now", "expected"),
    [
        ("k1:aa", "k1:aa", False),
        ("k1:aa", "k1:bb", True),
        ("k1:aa", "k2:bb", None),
        ("k1:aa", "k1:aa#1", False),
        ("k1:aa#1", "k1:aa", False),
        ("k1:aa#1", "k1:aa#2", True),
        ("k1:aa#1", "k1:bb#1", True),
        ("k1:aa#1", "k2:bb#1", False),
        ("k1:aa#1", "k2:bb#2", True),
        ("k1:aa", "k2:bb#1", None),
        ("k1:aa#1", "k2:bb", None),
    ],
)
def test_values_decide_under_one_key_and_versions_under_two(known: str, now: str, *, expected: bool | None) -> None:
    assert is_another(known, now) is expected


def test_a_counted_secret_is_the_same_secret() -> None:
    counted = Secret("env:A", "FAKE-value").at("2")
    assert (counted.reference, counted.version, counted.reveal()) == ("env:A", "2", "FAKE-value")
    assert counted == Secret("env:A", "FAKE-value")
    assert "FAKE" not in f"{counted} {counted!r}"
