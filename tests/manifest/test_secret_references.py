"""Where secrets come from, what they look like when they arrive, and that no message shows them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from manifest_texts import CONNECTION, SECRETS, SETTINGS, Load, Refusals, brief, shown

from reconciler.errors import SecretError
from reconciler.manifest.secrets import SecretNames, SecretReference, SecretValues
from reconciler.model.address import Address
from reconciler.model.connections import PinterestConnection
from reconciler.model.secret import Secret

ODD = ["pa$50000\\g<1>$", "abc\nmode: replace", "FAKE: {x} # y", "${var:x}", " blank ", "秘密", "\ttab\n\n"]


@pytest.mark.parametrize("value", ODD)
def test_a_value_of_the_environment_arrives_unchanged(value: str, tmp_path: Path) -> None:
    assert SecretValues(tmp_path, (), {"NAME": value})("env:NAME").reveal() == value


@given(value=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_value_of_the_environment_arrives_unchanged(value: str) -> None:
    assert SecretValues(Path(), (), {"NAME": value})("env:NAME").reveal() == value


@pytest.mark.parametrize("value", ODD)
def test_a_file_loses_its_last_line_end_and_nothing_else(value: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes((value + "\n").encode())
    assert SecretValues(tmp_path, (), {})("file:token").reveal() == value
    assert SecretValues(tmp_path, (), {})(f"file:{tmp_path / 'token'}").reveal() == value


def test_a_program_supplies_a_secret_without_a_shell(tmp_path: Path) -> None:
    program = "import sys; print(sys.argv[1:], end='\\n\\n')"
    values = SecretValues(tmp_path, (sys.executable,), {})
    assert values(f"cmd:{sys.executable} -c \"{program}\" '$HOME; echo x' '*'").reveal() == "['$HOME; echo x', '*']\n"


def test_a_program_runs_once_for_one_reference(tmp_path: Path) -> None:
    program = "import pathlib; p = pathlib.Path('runs'); p.open('a').write('x'); print(p.read_text())"
    values = SecretValues(tmp_path, (sys.executable,), {})
    reference = f'cmd:{sys.executable} -c "{program}"'
    assert [values(reference).reveal(), values(reference).reveal()] == ["x", "x"]


def python(code: str) -> str:
    return f'cmd:{sys.executable} -c "{code}"'


def test_a_program_is_given_the_environment_but_no_key_of_tdr(tmp_path: Path) -> None:
    keys = {"TDR_KEY": "k", "TDR_STATE_KEY": "k", "TDR_SERVICE_KEY": "k"}
    others = {"VAULT_TOKEN": "t", "TDR_ENV": "prod", "MY_TDR_KEY": "t"}
    values = SecretValues(tmp_path, (sys.executable,), keys | others)
    given = values(python("import os; print(*sorted(os.environ))")).reveal().split()
    assert set(given).isdisjoint(keys)
    assert set(others) <= set(given)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("env:MISSING", "the environment variable `MISSING` is not set"),
        ("env:EMPTY", "the environment variable `EMPTY` is empty"),
        ("file:missing", "the secret file 'missing' cannot be read: No such file or directory"),
        ("file:empty", "the secret file 'empty' is empty"),
        ("file:binary", "the secret file 'binary' is not UTF-8"),
        ("file:../outside", "file '../outside' lies outside the project"),
        (python("raise SystemExit('FAKE')"), f"the program `{sys.executable}` failed with exit code 1"),
        (python("print('FAKE'); raise SystemExit(3)"), f"the program `{sys.executable}` failed with exit code 3"),
        (python("pass"), f"the program `{sys.executable}` printed nothing"),
        (python(r"import os; os.write(1, bytes([255]))"), f"the program `{sys.executable}` gave no UTF-8 text"),
        ("cmd:not-there x", "the program `not-there` cannot be run: No such file or directory"),
        ("cmd:rm -rf x", "the program `rm` is not allowed to supply secrets"),
        ("cmd:'open", "the command of a secret does not parse: No closing quotation"),
    ],
)
def test_what_is_missing_is_named_and_nothing_else_is_shown(reference: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"FAKE\xff")
    values = SecretValues(tmp_path, (sys.executable, "not-there"), {"EMPTY": ""})
    with pytest.raises(SecretError) as raised:
        values(reference)
    assert raised.value.message == message
    assert raised.value.hint
    assert "FAKE" not in f"{raised.value!r} {raised.value.hint} {raised.value.__cause__!r} {raised.value.__context__!r}"


def test_programs_that_are_not_allowed_are_refused_offline_too() -> None:
    with pytest.raises(SecretError, match="`vault` is not allowed to supply secrets"):
        SecretNames(("op",))("cmd:vault read x")


def test_a_reference_without_value_equals_only_its_like() -> None:
    reference = SecretReference.to("env:A")
    assert reference == SecretReference.to("env:A")
    assert reference != SecretReference.to("env:B")
    assert reference != Secret("env:A", "")
    assert Secret("env:A", "") != reference
    assert str(reference) == "(secret)"
    assert repr(reference) == "Secret('env:A')"


@pytest.mark.parametrize("ask", [lambda s: s.reveal(), lambda s: s.fingerprint(b"key", "/a")])
def test_a_reference_without_value_gives_nothing_that_looks_like_one(ask: object) -> None:
    with pytest.raises(SecretError, match="`env:A` was not resolved in this run"):
        ask(SecretReference.to("env:A"))  # type: ignore[operator] # one of the two above


def test_validation_needs_no_secrets(loaded: Load) -> None:
    found = loaded({"manifests/m.yaml": CONNECTION}, environ={}, resolve_secrets=False)
    spec = found.resources[Address("connection", "pinterest-main")].spec
    assert isinstance(spec, PinterestConnection)
    assert spec.client_secret == SecretReference.to("env:CLIENT_SECRET")


def test_all_missing_secrets_are_told_at_once(refused: Refusals) -> None:
    assert brief(refused({"manifests/m.yaml": CONNECTION}, environ={"CLIENT_SECRET": ""})) == [
        "unresolved-secret manifests/m.yaml:6:14 `spec.client_id`: the environment variable `CLIENT_ID` is not set",
        "unresolved-secret manifests/m.yaml:7:18 `spec.client_secret`: the environment variable `CLIENT_SECRET` is empty",
        "unresolved-secret manifests/m.yaml:8:18 `spec.refresh_token`: the environment variable `REFRESH_TOKEN` is not set",
    ]


@pytest.mark.parametrize(
    "spec",
    [
        "{type: pinterest, client_id: FAKE, client_secret: FAKE, refresh_token: FAKE}",
        "{type: pinterest, client_id: FAKE, client_secert: FAKE, refrsh: FAKE, xyz: FAKE}",
        "{type: pinterest, client_id: [FAKE], client_secret: {a: FAKE}, refresh_token: FAKE, base_url: [FAKE]}",
        "{type: pinterst, client_id: FAKE}",
        "{client_id: FAKE, xyz: FAKE}",
        "FAKE",
        "[FAKE]",
        "\n  type: pinterest\n  xyz: FAKE\n  client_id: |\n    FAKE\n    FAKE: FAKE\n  client_secret: >-\n    FAKE\n",
        "\n  type: pinterest\n  client_id: FAKE\n  name: FAKE${var:missing}FAKE\n",
        "\n  type: pinterest\n  client_id: ${secret:FAKE}FAKE\n",
    ],
)
def test_no_value_of_a_connection_is_shown_whatever_is_wrong(spec: str, refused: Refusals) -> None:
    text = f"apiVersion: tdr/v1\nkind: Connection\nmetadata: {{name: c}}\nspec: {spec}\n"
    problems = refused({"manifests/m.yaml": text})
    assert "FAKE" not in shown(problems)


def test_a_secret_in_a_field_that_is_none_is_refused(refused: Refusals) -> None:
    text = CONNECTION + "  name: ${secret:env:CLIENT_ID}\n"
    (problem,) = refused({"manifests/m.yaml": text})
    assert brief([problem]) == [
        (
            "secret-in-plain-field manifests/m.yaml:9:9 "
            "`spec.name` is not a secret field: its value would be stored and shown"
        )
    ]
    assert SECRETS["CLIENT_ID"] not in shown([problem])


def test_a_program_must_be_allowed_in_the_settings(loaded: Load, refused: Refusals) -> None:
    command = f"${{secret:cmd:{sys.executable} -c 'print(5)'}}"
    text = CONNECTION.replace("${secret:env:CLIENT_ID}", f'"{command}"')
    (problem,) = refused({"manifests/m.yaml": text})
    assert problem.hint == "add it to `secret_commands` in tdr.yaml; allowed now: none"
    settings = SETTINGS + f"secret_commands: ['{sys.executable}']\n"
    spec = (
        loaded({"manifests/m.yaml": text, "tdr.yaml": settings}).resources[Address("connection", "pinterest-main")].spec
    )
    assert isinstance(spec, PinterestConnection)
    assert spec.client_id.reveal() == "5"
