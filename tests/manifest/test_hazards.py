"""Texts that do not parse, and what their author is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from manifest_texts import shown

from reconciler.manifest.hazards import quote
from reconciler.manifest.syntax import read_documents


@pytest.mark.parametrize(
    ("text", "rule", "place", "message", "hint"),
    [
        (
            "spec: {client_id: ${secret:env:X}, b: 1}",
            "needs-quotes",
            "1:19",
            "the value of `client_id` must be quoted because between brackets `{` begins a mapping",
            'write client_id: "${secret:env:X}"',
        ),
        (
            "- {name: q-${var:x}, b: ${var:y}}",
            "needs-quotes",
            "1:10",
            "the value of `name` must be quoted because between brackets `{` begins a mapping",
            'write name: "q-${var:x}"',
        ),
        (
            "a: [${var:x}, b]",
            "needs-quotes",
            "1:5",
            "the text must be quoted because between brackets `{` begins a mapping",
            'write "${var:x}"',
        ),
        (
            "cron: @daily",
            "needs-quotes",
            "1:7",
            "the value of `cron` must be quoted because it starts with `@`",
            'write cron: "@daily"',
        ),
        (
            "cron: */5 * * * * # often",
            "needs-quotes",
            "1:7",
            "the value of `cron` must be quoted because it starts with `*`",
            'write cron: "*/5 * * * *"',
        ),
        ("a: %d", "needs-quotes", "1:4", "the value of `a` must be quoted because it starts with `%`", 'write a: "%d"'),
        (
            "a: 'it's'",
            "needs-quotes",
            "1:4",
            "the value of `a` must be quoted because of the quotes in it",
            'write a: "it\'s"',
        ),
        (
            'a: "b" c',
            "needs-quotes",
            "1:4",
            "the value of `a` must be quoted because of the quotes in it",
            "write a: '\"b\" c'",
        ),
        (
            "a: b: c",
            "needs-quotes",
            "1:4",
            "the value of `a` must be quoted because it contains `: `",
            'write a: "b: c"',
        ),
        ("- @x", "needs-quotes", "1:3", "the text must be quoted because it starts with `@`", 'write "@x"'),
        (
            "a: {b: c, d: @e}",
            "needs-quotes",
            "1:14",
            "the value of `d` must be quoted because it starts with `@`",
            'write d: "@e"',
        ),
        ("a: [b, @c]", "needs-quotes", "1:8", "the text must be quoted because it starts with `@`", 'write "@c"'),
        (
            "- a: {x} y",
            "needs-quotes",
            "1:6",
            "the value of `a` must be quoted because it starts with `{`",
            'write a: "{x} y"',
        ),
        (
            'a: "b\nc: d\n',
            "open-quote",
            "1:4",
            "the quote opened at line 1 column 4 is never closed",
            "close it where the text ends",
        ),
        (
            "a: [b, c\nd: e\n",
            "open-bracket",
            "1:4",
            "`[` opened at line 1 column 4 needs `,` or `]` before line 2",
            "close it with `]`",
        ),
        (
            'a: "\\d"',
            "unknown-escape",
            "1:5",
            "in double quotes a backslash begins an escape, and this one is not known",
            "write the text in single quotes, or the backslash twice",
        ),
        (
            "a: x\x07",
            "control-character",
            "1:5",
            "contains the control character U+0007",
            'delete it, or write it as an escape in double quotes, such as "\\x01"',
        ),
        ("a:\n\tb: 1", "tab-indentation", "2:1", "a tab at line 2 column 1 is used as indentation", "use blanks"),
        (
            "a:\n  \tb: 1\n  c: 2",
            "tab-indentation",
            "2:3",
            "a tab at line 2 column 3 is used as indentation",
            "use blanks",
        ),
        (
            "a: b\n  c: d",
            "wrong-indentation",
            "2:3",
            "line 2 is indented by 2 blanks, which fits no block around it",
            "indent it by 0, as the lines that it belongs with",
        ),
        (
            "a:\n  - x\n - y",
            "wrong-indentation",
            "3:2",
            "line 3 is indented by 1 blank, which fits no block around it",
            "indent it by 2 or 4, as the lines that it belongs with",
        ),
        (
            "a: 1\nb\nc: 2",
            "no-colon",
            "2:1",
            "line 2 has no colon with a blank behind its key",
            "write KEY: VALUE",
        ),
    ],
)
def test_a_mistake_is_explained_with_the_corrected_line(
    text: str, rule: str, place: str, message: str, hint: str
) -> None:
    (problem,) = read_documents(text, "m.yaml").problems
    assert (problem.rule, str(problem.position), problem.message, problem.hint) == (
        rule,
        f"m.yaml:{place}",
        message,
        hint,
    )


def test_reading_goes_on_at_the_next_document() -> None:
    parsed = read_documents("a: @x\nb: 1\n---\nc: 1\n---\nd: *\n---\ne: 1\n", "m.yaml")
    assert [str(problem.position) for problem in parsed.problems] == ["m.yaml:1:4", "m.yaml:6:4"]
    assert [(document.tree, document.line) for document in parsed.documents] == [({"c": "1"}, 4), ({"e": "1"}, 8)]


def test_the_line_and_a_caret_are_shown() -> None:
    (problem,) = read_documents("x: 1\nタイトル: @daily\n", "m.yaml").problems
    assert problem.frame == "タイトル: @daily\n          ^"


@pytest.mark.parametrize(
    "line", ["  FAKE-lost-its-key", "  - FAKE-lost-its-key", "  FAKE-lost:its-key", "    FAKE-lost-its-key"]
)
@pytest.mark.parametrize(
    "text", ["spec:\n  client_secret: ${{secret:env:S}}\n{}\n", "spec:\n{}\n  token: ${{secret:env:T}}\n"]
)
def test_a_line_without_a_key_beside_secrets_is_not_shown(text: str, line: str) -> None:
    problems = read_documents(text.format(line), "m.yaml").problems

    assert "FAKE" not in "".join(f"{problem.message}{problem.hint}{problem.frame}" for problem in problems)


def test_a_line_without_a_key_elsewhere_is_shown() -> None:
    (problem,) = read_documents("spec:\n  title: x\n  name vip\n  a: b\nother:\n  token: t\n", "m.yaml").problems

    assert problem.frame == "  name vip\n  ^"


@pytest.mark.parametrize(
    "text",
    [
        "client_secret: @FAKE",
        "spec: {refresh_token: @FAKE}",
        "spec: {a: 1, api_key: FAKE: x}",
        "password:\n  value: @FAKE",
        "token: |\n  FAKE\n bad FAKE: x",
        'access_token: "FAKE\nb: c',
        "secret: [FAKE, @FAKE]",
        "private_key: 'FA'KE'",
    ],
)
def test_the_value_of_a_secret_is_not_shown_when_the_text_does_not_parse(text: str) -> None:
    problems = list(read_documents(text, "m.yaml").problems)
    assert problems
    assert "FAKE" not in shown(problems)
    assert "FA'KE" not in shown(problems)


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"], codec="ascii"), min_size=1))
def test_quoting_keeps_the_text(value: str) -> None:
    bare = value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value
    (document,) = read_documents(f"a: {quote(value)}\n", "m.yaml").documents
    assert document.tree == {"a": bare}
