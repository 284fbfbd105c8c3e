"""What `TDR_STATE_KEY` may hold."""

from __future__ import annotations

import pytest

from reconciler.errors import SecretError, StateError
from reconciler.sealing import new_key
from reconciler.stores.cipher import PLAIN, cipher_of


def test_without_the_variable_nothing_is_sealed() -> None:
    assert cipher_of({}).seal(b"state") == b"state"
    assert cipher_of({"TDR_STATE_KEY": ""}).key_id == ""


def test_the_first_key_seals_and_all_of_them_open() -> None:
    old, new = new_key(), new_key()
    sealed = cipher_of({"TDR_STATE_KEY": old}).seal(b"state")
    both = cipher_of({"TDR_STATE_KEY": f" {new} , {old} "})

    assert both.open(sealed) == b"state"
    assert both.key_id == cipher_of({"TDR_STATE_KEY": new}).key_id
    assert b"\n" not in sealed


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{'a' * 44},,", "TDR_STATE_KEY has an empty place among its keys"),
        (
            "hunter2",
            "the environment variable TDR_STATE_KEY does not hold a key: 32 bytes in URL-safe base64 (44 characters)",
        ),
    ],
)
def test_what_is_no_key_is_told_without_it(text: str, words: str) -> None:
    with pytest.raises(SecretError) as refused:
        cipher_of({"TDR_STATE_KEY": text})

    assert refused.value.message == words


def test_what_was_changed_after_sealing_does_not_open() -> None:
    cipher = cipher_of({"TDR_STATE_KEY": new_key()})
    sealed = cipher.seal(b"state")

    with pytest.raises(StateError, match="it was changed after sealing"):
        cipher.open(sealed[:-2] + b"xx")
    with pytest.raises(StateError, match="TDR_STATE_KEY holds none"):
        PLAIN.open(sealed)
