"""Whatever stands in a text, reading it ends with a value or with a place where it is wrong; and both forms say the same."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as some

from reconciler.model.sourcespecs import SourceDefinition
from reconciler.sourcespec import documents
from reconciler.sourcespec.checking import check
from reconciler.sourcespec.findings import Finding, Refused
from reconciler.sourcespec.reading import read_json
from reconciler.sourcespec.yaml_reading import positions, read_yaml

# A number with an exponent is one in JSON and in YAML 1.2; PyYAML writes YAML 1.1, in which `0E0` is a text without quotes.
NUMBER = re.compile(r"-?\d+(\.\d+)?[eE][+-]?\d+")
WORDS = some.text(some.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12).filter(
    lambda text: NUMBER.fullmatch(text) is None
)
SCALARS = some.none() | some.booleans() | some.integers(-(2**53), 2**53) | WORDS
VALUES = some.recursive(
    SCALARS, lambda inner: some.lists(inner, max_size=4) | some.dictionaries(WORDS, inner, max_size=4)
)
NAMES = some.sampled_from(
    [
        "urlParams", "host", "path", "method", "queryParams", "headerParams", "bodyParams", "contentPath", "skipAttributes",
        "keepAttributes", "overrideWrapperAttribute", "explodeEntityPath", "paginationParams", "type", "limitName", "limitValue",
        "offSetName", "offsetName", "pointerPath", "continuationTokenPath", "parameterType", "parameterName", "pageParamName",
        "endPageIndex", "endConditionName", "endConditionValue", "scheduleParams", "scheduleStartParamName", "paramFormat",
        "incremental", "backfill", "spec", "properties", "schema",
    ]
)  # fmt: skip
TEXTS = some.sampled_from(
    [
        "GET", "POST", "OFFSET", "PAGE", "POINTER", "NONE", "CONTINUATION_TOKEN", "ADVANCE", "$.a", "$.a[-1:]", "$..a", "100",
        "${x}", "{x}", "@{x}", "{SCHEDULE_QUERY}", "> {START_TIME} < {END_TIME}", "yyyy-MM-dd", "y", "Const:false", "headers.x",
        "https://api.example.com", "",
    ]
)  # fmt: skip
SPECS = some.recursive(
    TEXTS | SCALARS,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(NAMES, inner, max_size=8),
    max_leaves=40,
)


def refusal(read: Callable[[str], Any], text: str) -> Finding | None:
    try:
        read(text)
    except Refused as refused:
        return refused.finding
    return None


@pytest.mark.parametrize("read", [read_json, read_yaml], ids=["json", "yaml"])
@pytest.mark.parametrize("deep", ["[", '{"a":'], ids=["lists", "objects"])
def test_what_is_nested_without_end_is_refused(read: Callable[[str], Any], deep: str) -> None:
    found = refusal(read, deep * 20_000)
    assert found is not None
    assert "nested too deep" in found.message


@given(some.text() | some.text(some.sampled_from('{}[]":, \\n\\t-&*!ab01.'), max_size=60))
@settings(deadline=None, max_examples=300)
def test_a_text_is_read_or_refused_with_a_place(text: str) -> None:
    breaks = sum(map(text.count, ("\n", "\r", "\x85", "\u2028", "\u2029")))
    for read in (read_json, read_yaml):
        found = refusal(read, text)
        assert found is None or (found.message and 0 <= found.line <= breaks + 2)
    positions(text)


@given(VALUES)
@settings(deadline=None, max_examples=200)
def test_what_is_written_is_what_is_read(value: Any) -> None:
    assert read_json(json.dumps(value)) == value
    assert read_yaml(yaml.safe_dump(value, allow_unicode=True)) == value
    assert read_yaml(json.dumps(value, ensure_ascii=False)) == value, "JSON is YAML"


@pytest.mark.parametrize("number", ["0E0", "1e5", "-1e3", "1e+20", "1.5e3", "1.5E-3"])
def test_a_number_of_json_is_one_in_both_forms(number: str) -> None:
    assert read_json(f'{{"limit": {number}}}') == read_yaml(f"limit: {number}") == {"limit": float(number)}
    assert read_yaml(f"limit: '{number}'") == {"limit": number}


@given(some.dictionaries(some.sampled_from(["attributes", "spec", "x-tdr", "schema"]), SPECS, max_size=4), SPECS)
@settings(deadline=None, max_examples=300)
def test_a_specification_is_checked_whatever_it_says(source: dict[str, Any], params: Any) -> None:
    checked = check(source, params if isinstance(params, dict) else {}, declared=("x",))
    has_errors = any(finding.severity == "error" for finding in checked.findings)
    assert (checked.specification is None) == has_errors
    try:
        declared = documents.declared(SourceDefinition(definition=json.dumps(source)))
    except Refused:
        return
    assert declared.source == source
