"""YAML of other tools means what YAML 1.2 says, and what is written means the same to every reader."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest.core_schema import Unreadable, read, written
from reconciler.model.json import Json


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("-7", -7),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2024-01-01", "2024-01-01"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("'1'", "1"),
        ('"true"', "true"),
        ("{<<: {a: 1}}", {"<<": {"a": 1}}),
        ("[1, a]", [1, "a"]),
    ],
)
def test_a_scalar_is_what_the_core_schema_says(text: str, value: Json) -> None:
    assert read(text) == value
    assert type(read(text)) is type(value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\na: 2\n", "line 2: a key is there twice"),
        ("1: a\n", "line 1: a key is no text"),
        ("a: !!python/object:os.system x\n", "line 1: the tag"),
        ("a: &a [*a]\n", "line 1: found unconstructable recursive node"),
        ("--- 1\n--- 2\n", "line 2"),
        ("a: [\n", "line 2"),
        ("a: \x07\n", "it is no YAML"),
        ("[" * 5000, "it is no YAML"),
    ],
)
def test_what_is_no_plain_document_is_refused_by_its_line(text: str, words: str) -> None:
    with pytest.raises(Unreadable, match=words.replace("(", r"\(")):
        read(text)


def test_a_message_shows_nothing_of_the_text() -> None:
    with pytest.raises(Unreadable) as refused:
        read("a: anna@example.com\nanna@example.com\nb: [\n")

    assert "anna" not in str(refused.value)


SCALAR = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"])),
    st.sampled_from(["NO", "012", "0o17", "1e3", "null", "~", "", "a: b", "- x", "#", "\n", "1_0", "12:30:45"]),
)
VALUE = st.recursive(
    SCALAR,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text("abc", min_size=1), inner, max_size=3)
    ),
)


@given(VALUE)
def test_what_is_written_is_read_as_it_was(value: Json) -> None:
    text = written(value)

    assert json.dumps(read(text)) == json.dumps(value)
    assert json.dumps(yaml.safe_load(text)) == json.dumps(value)
