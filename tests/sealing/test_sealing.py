"""Keys: where they are found, what comes of them, and what happens with the wrong one."""

from __future__ import annotations

import base64
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import SecretError, StateError
from reconciler.sealing import MasterKey, Sealer, find_key, new_key

KEY = MasterKey("a test", bytes(range(32)))
OTHER = MasterKey("a test", bytes(32))


@given(st.binary(max_size=2000))
def test_what_was_sealed_opens(content: bytes) -> None:
    sealed = Sealer(KEY).seal(content)

    assert Sealer(KEY).open(sealed) == content
    assert len(content) < 8 or content not in sealed


def test_sealing_twice_does_not_show_that_it_is_the_same() -> None:
    assert Sealer(KEY).seal(b"x") != Sealer(KEY).seal(b"x")


@given(st.text(max_size=50), st.binary(min_size=32, max_size=32))
def test_derived_keys_are_those_of_hkdf(purpose: str, master: bytes) -> None:
    expected = HKDF(hashes.SHA256(), 32, b"tdr", purpose.encode()).derive(master)

    assert MasterKey("", master).derive(purpose) == expected


def test_another_key_is_told_from_damage() -> None:
    sealed = Sealer(OTHER).seal(b"x")

    with pytest.raises(StateError) as caught:
        Sealer(KEY).open(sealed)

    assert caught.value.message == (f"sealed with the key {OTHER.key_id!r}, but the key from a test is {KEY.key_id!r}")
    assert caught.value.hint == "set TDR_KEY to the key it was sealed with"


@pytest.mark.parametrize(
    "damage",
    [
        lambda _sealed: b"",
        lambda sealed: sealed[:30],
        lambda sealed: sealed[:-1],
        lambda sealed: sealed[:-5] + b"AAAA=",
        lambda sealed: b"\0" * len(sealed),
        lambda sealed: sealed.partition(b":")[2],
    ],
    ids=["empty", "torn", "short", "changed", "zeros", "headless"],
)
def test_damage_is_told(damage: object) -> None:
    assert callable(damage)
    with pytest.raises(StateError, match="damaged"):
        Sealer(KEY).open(damage(Sealer(KEY).seal(b"content")))


def test_a_key_shows_nowhere() -> None:
    assert repr(KEY) == "MasterKey(source='a test')"
    assert KEY._value.hex() not in f"{KEY} {Sealer(KEY)} {KEY.key_id}"


def test_the_variable_comes_first(tmp_path: Path) -> None:
    text = base64.urlsafe_b64encode(bytes(range(32))).decode()

    found = find_key({"TDR_KEY": f" {text}\n"}, tmp_path)

    assert (found.source, found._value) == ("TDR_KEY", bytes(range(32)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", " ", "secret", "A" * 44, "QUJD" * 10, "*" * 44, "é" * 44])
def test_a_malformed_variable_is_refused_and_not_shown(text: str, tmp_path: Path) -> None:
    with pytest.raises(SecretError) as caught:
        find_key({"TDR_KEY": text}, tmp_path)

    assert caught.value.message == (
        "the environment variable TDR_KEY does not hold a key: 32 bytes in URL-safe base64 (44 characters)"
    )
    assert caught.value.hint.startswith("make one with: python3 -c")


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"XDG_CONFIG_HOME": "{}/xdg"}, "xdg"),
        ({"HOME": "{}"}, ".config"),
        ({"XDG_CONFIG_HOME": "relative", "HOME": "{}"}, ".config"),
    ],
)
def test_without_the_variable_a_key_file_is_made_once(environ: dict[str, str], folder: str, tmp_path: Path) -> None:
    environ = {name: value.format(tmp_path) for name, value in environ.items()}

    first, second = find_key(environ), find_key(environ)

    path = tmp_path / folder / "tdr" / "key"
    assert first == second
    assert first.source == str(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        ({"HOME": ""}, "HOME is empty"),
        ({"HOME": "", "XDG_CONFIG_HOME": ""}, "HOME is empty"),
        ({"HOME": "", "XDG_CONFIG_HOME": "relative"}, "HOME is empty"),
        ({"HOME": "relative"}, "HOME is 'relative', which is no absolute path"),
        ({"HOME": "."}, "HOME is '.', which is no absolute path"),
    ],
)
def test_without_a_home_there_is_no_place_for_a_key(environ: dict[str, str], why: str) -> None:
    with pytest.raises(SecretError) as caught:
        find_key(environ)

    assert caught.value.message == f"there is no place for the key file: {why}"
    assert caught.value.hint.startswith("set TDR_KEY, or HOME; make one with: python3 -c")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_key_file_that_others_may_read_is_refused(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "tdr" / "key"
    find_key({}, tmp_path)
    path.chmod(mode)

    with pytest.raises(SecretError) as caught:
        find_key({}, tmp_path)

    assert caught.value.message == f"the key file {path} may be read by others (mode {mode:o})"
    assert caught.value.hint == f"run: chmod 600 {path}"


@pytest.mark.parametrize("content", [b"", b"\0" * 45, b"abc", b"\xff" * 44])
def test_a_damaged_key_file_is_kept_and_told(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "tdr" / "key"
    path.parent.mkdir()
    path.write_bytes(content)
    path.chmod(0o600)

    with pytest.raises(SecretError, match="does not hold a key"):
        find_key({}, tmp_path)

    assert path.read_bytes() == content


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "tdr").write_text("not a folder")

    with pytest.raises(SecretError, match="cannot be made"):
        find_key({}, tmp_path)


def test_a_new_key_is_one_that_the_variable_takes(tmp_path: Path) -> None:
    assert find_key({"TDR_KEY": new_key()}, tmp_path).key_id != find_key({"TDR_KEY": new_key()}, tmp_path).key_id


def test_processes_that_start_together_use_one_key(tmp_path: Path) -> None:
    code = "import sys, pathlib; from reconciler.sealing import find_key; print(find_key({}, pathlib.Path(sys.argv[1])).key_id)"
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    ids = {process.communicate()[0] for process in running}

    assert ids == {find_key({}, tmp_path).key_id + "\n"}


def test_a_plan_does_not_load_the_cipher() -> None:
    code = "import sys, reconciler.sealing as s; s.MasterKey('', bytes(32)).derive('x'); print('cryptography' in sys.modules)"
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout

    assert output == "False\n"
