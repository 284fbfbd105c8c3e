"""What strict YAML makes of scalars, keys, aliases and documents."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from manifest_texts import brief

from reconciler.manifest.syntax import read_documents


def tree(text: str) -> object:
    parsed = read_documents(text, "m.yaml")
    assert parsed.problems == ()
    (document,) = parsed.documents
    return document.tree


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("1", "1"),
        ("1_000", "1_000"),
        ("012", "012"),
        ("0o14", "0o14"),
        ("0x1F", "0x1F"),
        ("1e3", "1e3"),
        (".inf", ".inf"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", "true"),
        ("2022-01-01", "2022-01-01"),
        ("12:30:45", "12:30:45"),
        ("=", "="),
        ("null", None),
        ("~", None),
        ("", None),
        ("'null'", "null"),
        ('""', ""),
        ("None", "None"),
        ("!!str 5", "5"),
        ("!!str", ""),
        ("! null", "null"),
        ("!!null x", None),
        ("<<", "<<"),
    ],
)
def test_a_scalar_is_the_text_that_stands_there_or_none(scalar: str, value: str | None) -> None:
    assert tree(f"a: {scalar}\n") == {"a": value}


# YAML lets only these characters stand as they are; all others are written as escapes.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def in_double_quotes(text: str) -> str:
    escaped = "".join(c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08X}" for c in text)
    return f'"{escaped}"'


@given(TEXTS)
def test_any_text_in_double_quotes_arrives_unchanged(text: str) -> None:
    (document,) = read_documents(f"a: {in_double_quotes(text)}\n", "m.yaml").documents
    assert document.tree == {"a": text}


@given(st.text(st.characters(categories=["L", "N", "P", "S"], exclude_characters="\ufeff")).filter(str.isprintable))
def test_printable_text_in_single_quotes_arrives_unchanged(text: str) -> None:
    (document,) = read_documents("a: '" + text.replace("'", "''") + "'\n", "m.yaml").documents
    assert document.tree == {"a": text}


JSON = st.recursive(
    st.none() | st.text(st.characters(codec="ascii", exclude_categories=["Cc"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), JSON, min_size=1))
def test_json_without_numbers_is_read_as_it_is(value: dict[str, object]) -> None:
    assert tree(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: &x {k: 1}\nb: {<<: *x, k: 2}\n", {"a": {"k": "1"}, "b": {"k": "2"}}),
        ("a: &x {k: 1}\nb: {k: 2, <<: *x}\n", {"a": {"k": "1"}, "b": {"k": "2"}}),
        (
            "a: &x {k: 1}\nb: &y {k: 2, l: 3}\nc: {<<: [*x, *y]}\n",
            {"a": {"k": "1"}, "b": {"k": "2", "l": "3"}, "c": {"k": "1", "l": "3"}},
        ),
        (
            "a: &x {k: 1}\nb: &y {<<: *x, l: 2}\nc: {<<: *y}\n",
            {"a": {"k": "1"}, "b": {"k": "1", "l": "2"}, "c": {"k": "1", "l": "2"}},
        ),
        ("a: {'<<': 1}\n", {"a": {"<<": "1"}}),
        ("&k a: 1\nb: *k\n", {"a": "1", "b": "a"}),
        ("a: &t text\nb: [*t, *t]\n", {"a": "text", "b": ["text", "text"]}),
    ],
)
def test_aliases_and_merge_keys_work_and_what_is_written_wins(text: str, value: object) -> None:
    assert tree(text) == value


def test_a_merge_does_not_change_what_is_merged() -> None:
    assert tree("a: &x {k: 1}\nb: {<<: *x, k: 2}\nc: *x\n") == {"a": {"k": "1"}, "b": {"k": "2"}, "c": {"k": "1"}}


def test_a_file_holds_several_documents_and_knows_where_they_begin() -> None:
    parsed = read_documents("# note\n---\n---\na: 1\n---\n# only a comment\n---\n\n- x\n...\n", "m.yaml")
    assert [(document.tree, document.line) for document in parsed.documents] == [({"a": "1"}, 4), (["x"], 9)]
    assert parsed.problems == ()


@pytest.mark.parametrize("data", [b"", b"\n", b"# only a comment\n", b"---\n", b"\xef\xbb\xbf"])
def test_a_file_without_content_holds_no_document(data: bytes) -> None:
    parsed = read_documents(data, "m.yaml")
    assert (parsed.documents, parsed.problems) == ((), ())


@pytest.mark.parametrize(
    "data", [b"\xef\xbb\xbfa: x\r\nb: |\r\n  1\r\n  2\r\n", b"a: x\nb: |\n  1\n  2\n", b"a: x\rb: |\r  1\r  2\r"]
)
def test_byte_order_mark_and_line_ends_do_not_matter(data: bytes) -> None:
    (document,) = read_documents(data, "m.yaml").documents
    assert document.tree == {"a": "x", "b": "1\n2\n"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", ["duplicate-key m.yaml:3:1 key `a` is written twice, in lines 1 and 3"]),
        (
            "a: 1\na: 2\na: 3\n",
            [
                "duplicate-key m.yaml:2:1 key `a` is written twice, in lines 1 and 2",
                "duplicate-key m.yaml:3:1 key `a` is written twice, in lines 1 and 3",
            ],
        ),
        ("{a: 1, 'a': 2}\n", ["duplicate-key m.yaml:1:8 key `a` is written twice, in lines 1 and 1"]),
        ("a: &x [*x]\n", ["alias-in-itself m.yaml:1:8 `*x` stands inside the block that it repeats"]),
        ("a: *x\n", ["undefined-alias m.yaml:1:4 `*x` repeats a block, and no block above is marked `&x`"]),
        (
            "a: &x 1\n---\nb: *x\n",
            ["undefined-alias m.yaml:3:4 `*x` repeats a block, and no block above is marked `&x`"],
        ),
        ("? [a]\n: 1\n", ["key-not-text m.yaml:1:3 a key is text, not a list or a mapping"]),
        ("? {a: b}\n: {c: d}\n", ["key-not-text m.yaml:1:3 a key is text, not a list or a mapping"]),
        ("a: &x 1\n*x : 2\n", ["key-not-text m.yaml:2:1 `*x` cannot be a key"]),
        ("'': 2\n", ["empty-key m.yaml:1:1 a key is empty"]),
        ("a: {<<: text}\n", ["merge-not-mapping m.yaml:1:9 `<<` merges mappings only"]),
        ("a: !secret x\n", ["unknown-tag m.yaml:1:4 tag `!secret` is not known here"]),
        ("a: !!binary aGk=\n", ["unknown-tag m.yaml:1:4 tag `!!binary` is not known here"]),
        ("a: !!set {x, y}\n", ["unknown-tag m.yaml:1:4 tag `!!set` is not known here"]),
        ("!!python/name:os.system : 1\n", ["unknown-tag m.yaml:1:1 tag `!!python/name:os.system` is not known here"]),
        ("a: !include x.yaml\n", ["include-not-supported m.yaml:1:4 include is not supported: `!include`"]),
        ("\u3000a: 1\n", ["odd-blank m.yaml:1:1 key 'a' contains U+3000 IDEOGRAPHIC SPACE, which is not a blank"]),
        (
            "a\u200b: 1\n",
            ["odd-blank m.yaml:1:1 key 'a\\u200b' contains U+200B ZERO WIDTH SPACE, which is not a blank"],
        ),
        ("a:\n  b:\u00a0x\n", ["odd-blank m.yaml:2:3 after `b:` stands U+00A0 NO-BREAK SPACE, not a blank"]),
        ('"a\\nb": 1\n', []),
        ("a: 'x\u00a0y'\n", []),
        ("a: \N{LEFT DOUBLE QUOTATION MARK}x\N{RIGHT DOUBLE QUOTATION MARK}\n", []),
    ],
)
def test_what_would_be_lost_or_misread_is_refused_by_name(text: str, expected: list[str]) -> None:
    assert brief(list(read_documents(text, "m.yaml").problems)) == expected


def test_the_rest_of_a_document_is_kept_beside_a_mistake() -> None:
    parsed = read_documents("a: 1\na: 2\n? [x]\n: y\n!include : f\nb: 3\n", "m.yaml")
    assert [p.rule for p in parsed.problems] == ["duplicate-key", "key-not-text", "include-not-supported"]
    assert parsed.documents[0].tree == {"a": "1", "b": "3"}


@pytest.mark.parametrize(
    ("text", "notice"),
    [
        ('a: {b: ["x\\0y"]}\n', ("/a/b/0", "`0` contains the control character U+0000")),
        ('a: "x\\ey"\n', ("/a", "`a` contains the control character U+001B")),
        (
            "sql: |\n  SELECT \N{LEFT SINGLE QUOTATION MARK}x\n",
            ("/sql", "`sql` contains typographic quotes: U+2018 LEFT SINGLE QUOTATION MARK"),
        ),
    ],
)
def test_what_is_likely_a_slip_is_told_and_kept(text: str, notice: tuple[str, str]) -> None:
    parsed = read_documents(text, "m.yaml")
    assert [(p.path, p.message, p.is_error) for p in parsed.problems] == [(*notice, False)]
    assert len(parsed.documents) == 1


def test_a_bomb_of_merges_is_refused_too() -> None:
    lines = ["a0: &a0 {x: [1, 2, 3, 4, 5, 6, 7, 8, 9]}"]
    lines += [f"a{n}: &a{n} {{{', '.join(f'k{m}: *a{n - 1}' for m in range(9))}}}" for n in range(1, 12)]
    (problem,) = read_documents("\n".join(lines), "m.yaml").problems
    assert problem.rule == "alias-bomb"


@pytest.mark.parametrize("text", ["[" * 70 + "]" * 70, "[" * 5000, "- " * 90 + "x", '{"a":' * 5000])
def test_deep_nesting_is_refused_and_not_a_crash(text: str) -> None:
    assert [p.rule for p in read_documents(text, "m.yaml").problems] == ["too-deep"]


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_at_all_make_the_reader_raise(data: bytes) -> None:
    parsed = read_documents(data, "m.yaml")
    assert all(problem.position is not None for problem in parsed.problems)


@given(st.text(st.sampled_from("ab:-[]{},*&!|>'\"#@`% \n\t?<~"), max_size=60))
def test_no_mixture_of_indicators_makes_the_reader_raise(text: str) -> None:
    parsed = read_documents(text, "m.yaml")
    assert all(problem.message for problem in parsed.problems)
