"""Tokens in a keyring: what the file store promises, kept by whatever keyring the machine has."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringLocked

from reconciler.errors import StateError, UsageError
from reconciler.ports.clock import SystemClock
from reconciler.ports.tokens import Tokens
from reconciler.stores.token_keyring import KeyringTokenStore
from reconciler.wiring.keys import LazyKey
from reconciler.wiring.tokens import TokensOnNeed

sys.path.insert(0, str(Path(__file__).parents[1] / "journeys"))

from stage import PLANTED, Stage, stage_in

from reconciler.emulators.pinterest.knobs import Knobs
from reconciler.emulators.sandbox import Sandbox

TOKENS = Tokens("FAKE-access", "FAKE-refresh", 1.5, 2.5)


class InMemory(KeyringBackend):
    """A keyring that lasts as long as it does. *locked* refuses everything, as one does before its owner logs in."""

    priority = 1  # type: ignore[assignment]  # a class property in the library

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked(f"locked with {TOKENS.refresh_token}")
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.locked:
            raise KeyringLocked(f"locked with {password}")
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.entries[service, username]


@pytest.fixture
def memory() -> Iterator[InMemory]:
    before = keyring.get_keyring()
    memory = InMemory()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)


def opened(folder: Path, service: str = "tdr:shop/local") -> KeyringTokenStore:
    return KeyringTokenStore(folder, service, SystemClock())


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("tokens", [TOKENS, Tokens("a", "b"), Tokens("", "", 0.0, None)])
def test_what_was_saved_is_loaded(tokens: Tokens, tmp_path: Path) -> None:
    opened(tmp_path).save("k", tokens)

    assert opened(tmp_path).load("k") == tokens
    assert opened(tmp_path).load("other") is None
    assert opened(tmp_path, "tdr:shop/prod").load("k") is None


def test_no_token_is_in_a_file_or_a_name(memory: InMemory, tmp_path: Path) -> None:
    store = opened(tmp_path / "tokens")
    with store.exclusive("pinterest/k"):
        store.save("pinterest/k", TOKENS)

    assert [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()] == [b""]
    assert [service for service, _ in memory.entries] == ["tdr:shop/local"]
    assert "FAKE" not in str(list(memory.entries))


def test_a_locked_keyring_says_what_now_and_not_what_the_library_said(memory: InMemory, tmp_path: Path) -> None:
    store = opened(tmp_path)
    memory.locked = True

    for use in (lambda: store.load("k"), lambda: store.save("k", TOKENS)):
        with pytest.raises(StateError) as caught:
            use()
        assert caught.value.message.endswith("cannot be used: KeyringLocked")
        assert caught.value.hint == "unlock it and run again; or set TDR_TOKENS=file to keep tokens in sealed files"


def test_an_entry_of_somebody_else_is_named(memory: InMemory, tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.save("k", TOKENS)
    (entry,) = memory.entries
    memory.entries[entry] = "[1]"

    with pytest.raises(StateError, match=f"the entry {entry[1]} of 'tdr:shop/local' in the keyring was not written"):
        store.load("k")


def test_a_machine_without_a_keyring_is_told(tmp_path: Path) -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(NoKeyring())
    try:
        with pytest.raises(UsageError) as caught:
            opened(tmp_path)
    finally:
        keyring.set_keyring(before)

    assert caught.value.message == "tokens are to be kept in the keyring, but this machine has none"
    assert caught.value.hint == "set TDR_TOKENS=file to keep tokens in sealed files"


@pytest.mark.parametrize(
    ("declared", "variable", "kept_in"),
    [("file", "", "file"), ("keyring", "", "keyring"), ("file", "keyring", "keyring"), ("keyring", "file", "file")],
)
def test_the_variable_goes_before_the_project(
    declared: str, variable: str, kept_in: str, memory: InMemory, tmp_path: Path
) -> None:
    environ = {"HOME": str(tmp_path), "TDR_TOKENS": variable}
    place = TokensOnNeed(tmp_path / "tokens", "shop/local", declared, LazyKey(environ), SystemClock(), environ)

    place().save("k", TOKENS)

    assert ("keyring" if memory.entries else "file") == kept_in
    assert len(list(tmp_path.glob("tokens/*.token"))) == (kept_in == "file")


def test_a_place_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    environ = {"TDR_TOKENS": "vault"}

    with pytest.raises(UsageError) as caught:
        TokensOnNeed(tmp_path, "shop/local", "file", LazyKey(environ), SystemClock(), environ)()

    assert (caught.value.message, caught.value.hint) == (
        "TDR_TOKENS='vault' is no place for tokens",
        "write file or keyring",
    )


@pytest.fixture
def keyed(tmp_path: Path, memory: InMemory) -> Iterator[Stage]:
    """A project that keeps tokens in the keyring, at a vendor whose refresh tokens die when they are used."""
    del memory
    with Sandbox(PLANTED, knobs=Knobs(rate_tier="off", refresh="old_dies")) as sandbox:
        stage = stage_in(tmp_path / "shop", sandbox)
        stage.edit("tdr.yaml", "project: shop", "project: shop\ntokens: keyring")
        yield stage


def test_a_project_goes_on_from_the_tokens_in_the_keyring(keyed: Stage, memory: InMemory) -> None:
    keyed.tdr("apply", "--yes", "--target", "audience/spring-buyers", expect=None)
    first = dict(memory.entries)
    keyed.control.end_tokens("access")
    keyed.tdr("plan")

    assert len(memory.entries) == 1
    assert memory.entries != first
    assert list(keyed.state.glob("tokens/*.token")) == []
