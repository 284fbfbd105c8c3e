"""Every secret that this process was handed is known to whoever cleans text, from the moment it is made."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reconciler import known_secrets
from reconciler.model.secret import Secret
from reconciler.ports.tokens import Tokens
from reconciler.scrubbing import Scrubber, everything


def a_secret(value: str) -> None:
    Secret("env:S", value)


def a_token(value: str) -> None:
    Tokens(access_token=value, refresh_token=f"{value}-refresh")


def something_to_scrub(value: str) -> None:
    Scrubber([value])


@pytest.mark.parametrize("make", [a_secret, a_token, something_to_scrub])
def test_whoever_makes_a_secret_tells_it(make: Callable[[str], None]) -> None:
    value = f"FAKE-{make.__name__}-7f3a"

    assert value not in known_secrets.remembered()
    make(value)

    assert value in known_secrets.remembered()
    assert everything().clean(f"sent {value}.") == "sent ***."


def test_they_are_told_once_and_in_the_order_in_which_they_came() -> None:
    before = known_secrets.remembered()

    for value in ("FAKE-one-81c2", "FAKE-two-81c2", "FAKE-one-81c2"):
        known_secrets.remember(value)

    assert known_secrets.remembered() == (*before, "FAKE-one-81c2", "FAKE-two-81c2")


def test_a_token_that_was_replaced_is_not_shown_either() -> None:
    for value in ("FAKE-first-token-55e1", "FAKE-second-token-55e1"):
        a_token(value)

    assert everything().clean("FAKE-first-token-55e1, then FAKE-second-token-55e1") == "***, then ***"
