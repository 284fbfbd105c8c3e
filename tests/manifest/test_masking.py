"""What is shown of a manifest whole shows no secret that somebody wrote into it, and all else as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest.masking import masked_lines


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("  client_secret: hunter2", "  client_secret: …"),
        ("  client_secret: 'a, b} #c'", "  client_secret: …"),
        ('- password: "x"', "- password: …"),
        ('  client_secret: "${secret:env:A}"', None),
        ("  client_secret: ${secret:file:/run/x} # from the vault", None),
        ("  password: {secret: ${secret:env:A}, version: 2}", None),
        ("  password: {secret: hunter2, version: 2}", "  password: {secret: …, version: 2}"),
        ("spec: {type: pinterest, client_secret: hunter2, n: 1}", "spec: {type: pinterest, client_secret: …, n: 1}"),
        (
            'spec: {client_id: "a}b", refresh_token: ${secret:env:T}}',
            "spec: {client_id: …, refresh_token: ${secret:env:T}}",
        ),
        ("tokens: [one, two]", "tokens: …"),
        ("  sql: SELECT token FROM t", None),
        ("  name: buyers", None),
        ("", None),
    ],
)
def test_a_line(line: str, shown: str | None) -> None:
    assert masked_lines(line) == [line if shown is None else shown]


def test_lines_below_the_key_of_a_secret() -> None:
    text = "spec:\n  private_key: |\n    -----BEGIN\n    hunter2\n  api_key:\n    secret: hunter3\n    version: 2\n  name: x\n"

    assert masked_lines(text) == [
        "spec:",
        "  private_key: |",
        "    …",
        "    …",
        "  api_key:",
        "    secret: …",
        "    version: 2",
        "  name: x",
        "",
    ]


def test_items_may_stand_as_far_left_as_the_key_of_the_secrets() -> None:
    text = "tokens:\n- hunter2\n- ${secret:env:A}\nnames:\n- buyers\n"

    assert masked_lines(text) == ["tokens:", "- …", "- ${secret:env:A}", "names:", "- buyers", ""]


def test_a_key_in_several_lines_shows_none_of_them() -> None:
    text = "a:\n  private_key: |\n    -----BEGIN PRIVATE KEY-----\n    token: hunter2\n    MIIE\n    # MIIE\n  b: c\n"

    assert not [line for line in masked_lines(text) if "hunter2" in line or "MIIE" in line]
    assert masked_lines(text)[-2:] == ["  b: c", ""]


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"])))
def test_there_are_as_many_lines_as_line_feeds_end(text: str) -> None:
    assert len(masked_lines(text)) == text.count("\n") + 1


@given(
    st.sampled_from(["password", "client_secret", "api_key", "Refresh_Token"]),
    st.from_regex(r"[a-z0-9]{8,20}", fullmatch=True),
)
def test_no_value_of_such_a_key_is_shown(key: str, value: str) -> None:
    for line in (
        f"{key}: {value}",
        f"- {key}: '{value}'",
        f"spec: {{a: b, {key}: {value}}}",
        f'{key}: "{value}" # {value}x',
    ):
        assert value not in "".join(masked_lines(line)).replace(key, "")
