"""Texts of a fixed form: no reader is shown a pattern, and what to write instead is a text that fits."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from manifest_texts import Refusals

from reconciler.manifest.documents import is_secretive
from reconciler.manifest.forms import correction, form_of
from reconciler.manifest.json_schema import REFERENCE_PATTERN, SCHEMAS, SECRET_PATTERN, json_schema
from reconciler.model.kinds import KINDS

NAME = r"^[a-z0-9]([a-z0-9._-]{0,118}[a-z0-9])?$"


def patterns(schema: Any) -> set[str]:
    if isinstance(schema, dict):
        own = {schema["pattern"]} if isinstance(schema.get("pattern"), str) else set()
        return own.union(*(patterns(inner) for inner in schema.values()))
    return set[str]().union(*(patterns(inner) for inner in schema)) if isinstance(schema, list) else set()


def written_by_models() -> set[str]:
    """All patterns of the schemas but those that only say how YAML may spell a number, a truth value or a reference."""
    spelled = {REFERENCE_PATTERN, SECRET_PATTERN}
    found = set[str]().union(*(patterns(json_schema(kind)) for kind in SCHEMAS))
    return {one for one in found - spelled if not one.startswith((r"^\s*[+-]?", "^(true|"))}


def test_every_pattern_of_the_models_has_words() -> None:
    found = written_by_models()
    assert NAME in found
    assert [one for one in sorted(found) if form_of(one) is None] == []


@pytest.mark.parametrize(
    ("pattern", "value", "hint"),
    [
        (NAME, "Spring Buyers", "write spring-buyers"),
        (NAME, "Käufer/2026", "write kaufer-2026"),
        (NAME, "-vip_", "write vip"),
        (NAME, "v1.2_x", "write v1.2_x"),
        (NAME, "春", ""),
        (NAME, "x" * 300, ""),
        (r"^[a-z0-9][a-z0-9-]{0,62}$", "My_Shop", "write my-shop"),
        (r"^[a-z0-9_]{3,255}$", "Web-Logs", "write web_logs"),
        (r"^[a-z0-9_]{3,255}$", "A", ""),
        (r"^FREQ=[A-Z]+(;[A-Z]+=[A-Z0-9,+-]+)*$", "rrule:freq=daily; interval=1", "write FREQ=DAILY;INTERVAL=1"),
        (r"^[A-Za-z][A-Za-z0-9]*(\.[A-Za-z][A-Za-z0-9]*)*$", "settings.taskRuntime/x", "write taskRuntime.x"),
        (r"^[a-z_][a-z0-9_]*$", "1st Name", "write _1st_name"),
        (r"^[0-9]{1,18}$", "549-755 885", "write 549755885"),
        (r"^[0-9]{1,18}$", "act_1", ""),
        (r"^/", "spec.title", "write /spec/title"),
        (r"^[a-z][a-z0-9_]{0,63}$", "SFDC-v2", "write sfdc_v2"),
        (r"^[1-9][0-9]{0,8}$", "v2", "write 2"),
        (r"^[1-9][0-9]{0,8}$", "0", ""),
        (r"^[A-Za-z0-9_][A-Za-z0-9_-]{0,99}$", "send it.", "write send_it"),
        (r"^(string|int|long|float|double|array<.+>|map<.+>)$", "VARCHAR", "write string"),
        (r"^(string|int|long|float|double|array<.+>|map<.+>)$", "bigint", "write long"),
        (r"^(string|int|long|float|double|array<.+>|map<.+>)$", "strin", "did you mean `string`?"),
        (r"^(string|int|long|float|double|array<.+>|map<.+>)$", "blob", ""),
    ],
)
def test_a_correction_is_shown_where_one_is_near(pattern: str, value: str, hint: str) -> None:
    assert correction(pattern, value) == hint


@given(st.sampled_from(sorted(written_by_models())), st.text())
def test_a_correction_always_fits_the_pattern(pattern: str, value: str) -> None:
    hint = correction(pattern, value)
    if hint.startswith("write "):
        assert re.search(pattern, hint.removeprefix("write "))


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_that_is_none_is_told_in_words_with_one_that_is(kind: str, refused: Refusals) -> None:
    text = f"apiVersion: tdr/v1\nkind: {kind}\nmetadata: {{name: Spring Buyers}}\nspec: {{}}\n"
    (found,) = [one for one in refused({"manifests/m.yaml": text}) if one.path == "/metadata/name"]
    is_shown = not is_secretive(kind)
    shown = ": 'Spring Buyers'" if is_shown else ""
    assert found.message == (
        "`metadata.name` must be lower-case letters, digits, `-`, `_` and `.`, with a letter or digit first and last, "
        f"120 characters at most{shown}"
    )
    assert found.hint == ("write spring-buyers" if is_shown else "")
