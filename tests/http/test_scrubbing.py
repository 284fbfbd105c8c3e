"""What must not be shown is not, in whatever form it stands."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.secret import Secret
from reconciler.scrubbing import EXCERPT_CHARACTERS, Scrubber

FORMS: dict[str, Callable[[str], str]] = {
    "plain": lambda secret: secret,
    "url": lambda secret: quote(secret, safe=""),
    "url path": quote,
    "form": quote_plus,
    "url, lower case": lambda secret: re.sub("%..", lambda digits: digits[0].lower(), quote(secret, safe="")),
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64, url": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
    "json": lambda secret: json.dumps(secret)[1:-1],
    "json, unicode": lambda secret: json.dumps(secret, ensure_ascii=False)[1:-1],
    "json, slashes": lambda secret: json.dumps(secret)[1:-1].replace("/", "\\/"),
    "literal": lambda secret: repr(secret)[1:-1],
    "html": html.escape,
    "hex": lambda secret: secret.encode().hex(),
}
SECRETS = st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="*"), min_size=4, max_size=40
).filter(lambda text: len(text.strip()) >= 4)


@pytest.mark.parametrize("form", FORMS)
@given(secret=SECRETS, before=st.text(max_size=20), after=st.text(max_size=20))
def test_a_planted_secret_never_survives(form: str, secret: str, before: str, after: str) -> None:
    planted = FORMS[form](secret)

    cleaned = Scrubber([Secret("env:S", secret)]).clean(before + planted + after)

    assert planted not in cleaned


@given(secret=st.binary(min_size=12, max_size=40).map(bytes.hex), user=st.text("abcdefgh", max_size=8))
def test_a_secret_in_the_middle_of_base64_does_not_survive(secret: str, user: str) -> None:
    encoded = base64.b64encode(f"{user}:{secret}:end".encode()).decode()

    cleaned = Scrubber([secret]).clean(f"auth={encoded}!")

    shown = cleaned.removeprefix("auth=").removesuffix("!")
    head, _, tail = shown.partition("***")
    assert secret[2:-2] not in base64.b64decode(head + "=" * (-len(head) % 4)).decode("utf-8", "replace")
    assert len(tail) <= 4 + len(base64.b64encode(b":end"))


def test_the_secrets_of_the_case_do_not_survive() -> None:
    """Source of the values: a single-line secret with URL characters, and one of two lines."""
    scrubber = Scrubber()
    scrubber.add("FAKE-s3cret/+=")
    scrubber.add("FAKE-multi\nline")
    text = "\n".join(form(secret) for form in FORMS.values() for secret in ("FAKE-s3cret/+=", "FAKE-multi\nline"))

    cleaned = scrubber.clean(f"{text} FAKE-multi alone")

    for piece in ("FAKE", "s3cret", "multi", "line", "RkFLR", "46414b45"):
        assert piece not in cleaned


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("tableau://user:FAKE-pw@host.example.com/datasource", "tableau://user:***@host.example.com/datasource"),
        ("mysql://user:p@ss/w@host:3306/db", "mysql://user:***@host:3306/db"),
        ("https://FAKEtoken@host/x", "https://***@host/x"),
        ("https://host:8080/path", "https://host:8080/path"),
        ("jane.doe@example.com,hanako@example.com", "***,***"),
        ("mail=jane%40example.com&x=1", "mail=***&x=1"),
        ('{"mail":"jane\\u0040example.com"}', '{"mail":"***"}'),
        ("Jane <jane+x@example.co.jp>", "Jane <***>"),
        ("ユーザ@例え.jp です", "*** です"),
        (f"{'a1' * 16},{'B2' * 20},{'c3' * 32}", "***,***,***"),
        ("request 0123456789abcdef", "request 0123456789abcdef"),
        ("Authorization: Bearer pina_ABCDEF0123", "Authorization: Bearer ***"),
        ("authorization: basic dXNlcjpwYXNz", "authorization: basic ***"),
        ('{"access_token": "abc.def", "scope": "x"}', '{"access_token": "***", "scope": "x"}'),
        ("refresh_token=abc&client_secret=def&a=1", "refresh_token=***&client_secret=***&a=1"),
        ("the bearer of this", "the bearer of this"),
        ("Authorization: Token abc123def456", "Authorization: Token ***"),
        ("Authorization: TD1 12/abcdef", "Authorization: TD1 ***"),
        ('{"Authorization": "Custom abc.def"}', '{"Authorization": "Custom ***"}'),
        ("authorization=abcdef&a=1", "authorization=***&a=1"),
        ("the token authorization failed", "the token authorization failed"),
        ("campaign 2542620905475 of 549755885175", "campaign 2542620905475 of 549755885175"),
        ("column @vip is not known", "column @vip is not known"),
    ],
)
def test_what_looks_secret_or_personal_is_masked(text: str, shown: str) -> None:
    assert Scrubber().clean(text) == shown


def test_a_secret_of_stars_ends() -> None:
    assert "****" not in Scrubber(["****"]).clean("*" * 101)


def test_a_cut_comes_after_the_scrubbing() -> None:
    secret = "FAKE-" + "x" * 60
    text = "q" * (EXCERPT_CHARACTERS - 20) + secret + "z" * 100

    excerpt = Scrubber([secret]).excerpt(text)

    assert excerpt == "q" * (EXCERPT_CHARACTERS - 20) + "***" + "z" * 16 + "…"
    assert len(excerpt) == EXCERPT_CHARACTERS


@given(st.text(max_size=300))
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    scrubber = Scrubber(["FAKE-secret"])

    assert scrubber.clean(scrubber.clean(text)) == scrubber.clean(text)


@pytest.mark.parametrize("text", ["a" * 200_000, "a@" * 50_000, "://" * 50_000, "x=" * 50_000, "access_token" * 10_000])
def test_long_senseless_text_is_cleaned_too(text: str) -> None:
    assert Scrubber(["FAKE-secret"]).clean(text + " FAKE-secret").endswith("***")


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://etl:FAKE%2Fpw-91@db.test:5432/state",
        "http://etl:FAKE/pw-91@proxy.test:3128",
        "host=db.test password=FAKE/pw-91 user=etl",
        "host=db.test password = 'FAKE/pw-91'",
    ],
)
def test_the_password_in_a_secret_address_is_as_secret_by_itself(text: str) -> None:
    scrubber = Scrubber([Secret("env:S", text)])

    assert scrubber.clean("refused: FAKE/pw-91 of etl") == "refused: *** of etl"
    assert scrubber.without_known(base64.b64encode(b"etl:FAKE/pw-91").decode()) == "ZXRsOk***E="
