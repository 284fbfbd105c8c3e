"""Every secret that this process was handed is known to whoever cleans text, from the moment it is made."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler import known_secrets
from reconciler.known_secrets import MOST_TOKENS, Known
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
    known = Known()

    for value in ("one", "two", "one"):
        known.remember(value)

    assert known.values() == ("one", "two")


def test_a_token_that_was_replaced_is_not_shown_either() -> None:
    for value in ("FAKE-first-token-55e1", "FAKE-second-token-55e1"):
        a_token(value)

    assert everything().clean("FAKE-first-token-55e1, then FAKE-second-token-55e1") == "***, then ***"


def test_a_secret_that_was_configured_is_never_forgotten() -> None:
    known = Known()
    known.remember("configured")
    for number in range(3 * MOST_TOKENS):
        known.remember_token(f"token-{number}")

    assert known.values()[0] == "configured"
    assert known.values()[1:] == tuple(f"token-{number}" for number in range(2 * MOST_TOKENS, 3 * MOST_TOKENS))


def test_a_token_in_use_is_known_however_many_come_after_it() -> None:
    known = Known()
    for number in range(3 * MOST_TOKENS):
        known.remember_token(f"token-{number}")
        known.remember_token("in use")

    assert "in use" in known.values()
    assert len(known.values()) == MOST_TOKENS


def test_a_token_that_is_configured_too_is_kept_as_what_is_configured() -> None:
    known = Known()
    known.remember_token("granted")
    known.remember("granted")
    known.remember_token("granted")
    for number in range(MOST_TOKENS):
        known.remember_token(f"token-{number}")

    assert known.values()[0] == "granted"
    assert len(known.values()) == MOST_TOKENS + 1


TELLINGS = st.lists(st.tuples(st.booleans(), st.sampled_from([f"FAKE-value-{number}" for number in range(6)])))


@given(before=TELLINGS, after=TELLINGS)
def test_another_version_is_another_set_of_values_and_what_was_told_in_a_scope_ends_with_it(
    before: list[tuple[bool, str]], after: list[tuple[bool, str]]
) -> None:
    known = Known()
    scrubber = Scrubber(known=known)

    def tell(told: list[tuple[bool, str]]) -> None:
        for lasts, value in told:
            version, values = known.version, set(known.values())
            (known.remember if lasts else known.remember_token)(value)
            assert set(known.values()) == values | {value}
            assert known.version != version or value in values
            assert scrubber.clean(f"<{value}>") == "<***>"

    tell(before)
    at_first = known.values()
    with known.scope():
        tell(after)

    assert known.values() == at_first
    for _, value in after:
        assert (scrubber.clean(f"<{value}>") == "<***>") == (value in at_first)


@pytest.mark.parametrize("turn", [1, 2])
def test_a_test_begins_without_the_secrets_of_another(turn: int) -> None:
    assert "FAKE-made-in-a-test" not in known_secrets.remembered(), turn

    known_secrets.remember("FAKE-made-in-a-test")

    assert "FAKE-made-in-a-test" in known_secrets.remembered()
