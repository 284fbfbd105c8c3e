"""Tokens on disk: sealed, whole, and one writer at a time."""

from __future__ import annotations

import stat
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reconciler.errors import LockHeld, StateError
from reconciler.ports.tokens import Tokens
from reconciler.sealing import MasterKey, Sealer
from reconciler.stores.tokens import SealedTokenStore

SEALER = Sealer(MasterKey("a test", bytes(32)))
TOKENS = Tokens("FAKE-access", "FAKE-refresh", 1.5, 2.5)


@dataclass
class FakeClock:
    time: float = 0.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


@pytest.mark.parametrize("tokens", [TOKENS, Tokens("a", "b"), Tokens("", "", 0.0, None)])
def test_what_was_saved_is_loaded(tokens: Tokens, tmp_path: Path) -> None:
    SealedTokenStore(tmp_path, SEALER).save("k", tokens)

    assert SealedTokenStore(tmp_path, SEALER).load("k") == tokens


def test_keys_are_apart_and_lead_nowhere_else(tmp_path: Path) -> None:
    store = SealedTokenStore(tmp_path / "tokens", SEALER)
    keys = ["a", "A", "../a", "a/b", "", "é" * 300]
    for index, key in enumerate(keys):
        store.save(key, Tokens(str(index), "r"))

    assert [(store.load(key) or TOKENS).access_token for key in keys] == ["0", "1", "2", "3", "4", "5"]
    assert store.load("b") is None
    assert [path.name for path in tmp_path.iterdir()] == ["tokens"]


def test_only_the_owner_may_read(tmp_path: Path) -> None:
    folder = tmp_path / "tokens"
    store = SealedTokenStore(folder, SEALER)
    with store.exclusive("k"):
        store.save("k", TOKENS)

    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert all(b"FAKE" not in path.read_bytes() for path in folder.iterdir())


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 64, b"{}", SEALER.seal(b"[]"), SEALER.seal(b'{"a": 1}'), SEALER.seal(b"{")]
)
def test_damage_names_the_file_and_the_way_out(content: bytes, tmp_path: Path) -> None:
    store = SealedTokenStore(tmp_path, SEALER)
    store.save("k", TOKENS)
    (path,) = tmp_path.glob("*.token")
    path.write_bytes(content)

    with pytest.raises(StateError, match=path.name) as caught:
        store.load("k")

    assert "remove" in caught.value.hint
    assert path.read_bytes() == content


def test_tokens_sealed_with_another_key_are_told_apart(tmp_path: Path) -> None:
    SealedTokenStore(tmp_path, SEALER).save("k", TOKENS)

    with pytest.raises(StateError, match="sealed with the key"):
        SealedTokenStore(tmp_path, Sealer(MasterKey("TDR_KEY", bytes([1] * 32)))).load("k")


def test_threads_of_one_store_take_turns(tmp_path: Path) -> None:
    store = SealedTokenStore(tmp_path, SEALER)
    inside = []
    most = []

    def work() -> None:
        for _ in range(20):
            with store.exclusive("k"):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most == [1] * 80


_ADD = """
import sys
from dataclasses import replace
from pathlib import Path
from reconciler.ports.tokens import Tokens
from reconciler.sealing import MasterKey, Sealer
from reconciler.stores.tokens import SealedTokenStore

store = SealedTokenStore(Path(sys.argv[1]), Sealer(MasterKey("a test", bytes(32))))
for _ in range(25):
    with store.exclusive("k"):
        tokens = store.load("k") or Tokens("0", "r")
        store.save("k", replace(tokens, access_token=str(int(tokens.access_token) + 1)))
"""


def test_processes_take_turns_and_lose_nothing(tmp_path: Path) -> None:
    running = [subprocess.Popen([sys.executable, "-c", _ADD, str(tmp_path)]) for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]

    saved = SealedTokenStore(tmp_path, SEALER).load("k")
    assert saved is not None
    assert saved.access_token == "75"


def test_a_holder_that_hangs_is_told_of_and_one_that_dies_is_not_waited_for(tmp_path: Path) -> None:
    clock = FakeClock()
    holding, waiting = SealedTokenStore(tmp_path, SEALER), SealedTokenStore(tmp_path, SEALER, clock)
    with (
        holding.exclusive("k"),
        pytest.raises(LockHeld, match="another process has been refreshing these tokens for 120 s"),
        waiting.exclusive("k"),
    ):
        pass
    assert sum(clock.slept) == pytest.approx(120, abs=0.1)

    dying = "import os, sys; from pathlib import Path; from reconciler.sealing import *; from reconciler.stores.tokens import *\n"
    dying += "s = SealedTokenStore(Path(sys.argv[1]), Sealer(MasterKey('', bytes(32))))\n"
    dying += "with s.exclusive('k'): os._exit(9)\n"
    assert subprocess.run([sys.executable, "-c", dying, str(tmp_path)], check=False).returncode == 9
    with waiting.exclusive("k"):
        assert waiting.load("k") is None
