"""Variables, environment variables and everything else that has a dollar in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from manifest_texts import Load, Refusals, query

from reconciler.manifest.interpolation import Unresolved, Values, resolve
from reconciler.manifest.secrets import SecretNames
from reconciler.model.address import Address
from reconciler.model.kinds import QuerySpec

VALUES = Values({"x": "1", "dollar": "$5 \\g<1> ${var:x}", "empty": ""}, {"HOME": "/root", "NONE": ""}, SecretNames(()))


def outcome(text: str) -> tuple[object, list[tuple[str, str]]]:
    reports: list[Unresolved] = []
    return resolve(text, VALUES, reports.append), [(report.rule, report.message) for report in reports]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${var:x}", "1"),
        ("a ${var:x} b ${var:x}", "a 1 b 1"),
        ("${var:missing|default}", "default"),
        ("${var:missing|}", ""),
        ("${var:missing|a|b: c}", "a|b: c"),
        ("${var:x|default}", "1"),
        ("${var:empty|default}", ""),
        ("${env:HOME}", "/root"),
        ("${env:NONE|default}", ""),
        ("${env:MISSING|default}", "default"),
        ("${var:dollar}", "$5 \\g<1> ${var:x}"),
        ("$${var:x}", "${var:x}"),
        ("$${env:HOME} ${env:HOME}", "${env:HOME} /root"),
        ("$${secret:env:A}", "${secret:env:A}"),
        ("$$${var:x}", "$${var:x}"),
    ],
)
def test_our_forms_are_replaced_once(text: str, value: str) -> None:
    assert outcome(text) == (value, [])


@pytest.mark.parametrize(
    "text",
    [
        "${session_id}",
        "$${session_id}",
        "${td.database}",
        "${ var:x}",
        "${VAR:x}",
        "${}",
        "${",
        "$",
        "$5",
        "price || '$'",
        "^[A-Z]{2}$",
        "{{ x }}",
        "${moment().format('YYYY')}",
    ],
)
def test_every_other_dollar_stays_byte_for_byte(text: str) -> None:
    assert outcome(text) == (text, [])


@given(st.text(st.sampled_from("$x{}:|vare"), max_size=30).filter(lambda t: "${var:" not in t and "${env:" not in t))
def test_text_without_our_forms_is_never_changed(text: str) -> None:
    assert outcome(text) == (text, [])


@pytest.mark.parametrize(
    ("text", "rule", "message"),
    [
        ("${var:y}", "undefined-variable", "no variable `y` is defined"),
        ("${env:MISSING}", "undefined-environment-variable", "the environment variable `MISSING` is not set"),
        ("${var:x", "reference-form", "`${var:` is never closed"),
        ("${var:}", "reference-form", "'' cannot be a name in `${var:…}`"),
        ("${var: x}", "reference-form", "' x' cannot be a name in `${var:…}`"),
        ("${var:${var:x}}", "reference-form", "'${var:x' cannot be a name in `${var:…}`"),
        ("Bearer ${secret:env:A}", "secret-in-text", "a secret must be the whole value"),
        ("${secret:A}", "secret-form", "`${secret:A}` is no form of a secret reference"),
        ("${secret:env:}", "secret-form", "`${secret:env:}` is no form of a secret reference"),
        ("${secret:env:A B}", "secret-form", "'A B' cannot be the name of an environment variable"),
        ("${secret:FAKE-4419-pasted}", "secret-form", "`${secret:…}` is no form of a secret reference"),
        ("${secret:env:FAKE-4419-pasted}", "secret-form", "'…' cannot be the name of an environment variable"),
        ("${secret:vault:a/b}", "secret-form", "`${secret:vault:a/b}` is no form of a secret reference"),
    ],
)
def test_what_cannot_be_followed_is_said_and_left_as_it_is(text: str, rule: str, message: str) -> None:
    assert outcome(text) == (text, [(rule, message)])


def test_a_value_cannot_become_structure(loaded: Load) -> None:
    hostile = "select 1 --\n--priority: 2\n--name: y"
    text = query("sql: ${var:v}\nname: ${var:n}")
    found = loaded({"manifests/m.yaml": text}, variables={"v": hostile, "n": "plain"})
    spec = found.resources[Address("query", "q")].spec
    assert spec == QuerySpec(database="shop", sql=hostile, name="plain")


def test_a_variable_gives_a_number_its_value(loaded: Load) -> None:
    found = loaded({"manifests/m.yaml": query("sql: select 1\npriority: ${var:p}")}, variables={"p": "-2"})
    assert found.resources[Address("query", "q")].spec == QuerySpec(database="shop", sql="select 1", priority=-2)


def test_a_name_may_come_from_a_variable(loaded: Load) -> None:
    found = loaded({"manifests/m.yaml": query("sql: select 1", "'q-${var:team}'")}, variables={"team": "growth"})
    assert [str(address) for address in found.resources] == ["query/q-growth"]


def test_a_missing_variable_is_one_finding_with_its_place_and_the_nearest_name(refused: Refusals) -> None:
    text = query("sql: select 1\npriority: ${var:priorty}")
    (problem,) = refused({"manifests/m.yaml": text}, variables={"priority": "1"})
    assert (problem.rule, str(problem.position), problem.subject, problem.message, problem.hint, problem.frame) == (
        "undefined-variable",
        "manifests/m.yaml:7:13",
        "query/q",
        "`spec.priority`: no variable `priorty` is defined",
        "did you mean `priority`?",
        "  priority: ${var:priorty}\n            ^",
    )


def test_a_value_from_outside_is_not_repeated_in_a_message(refused: Refusals) -> None:
    text = query("sql: select 1\npriority: ${env:P}\nengine: ${env:E}\nretry_limit: '7x'")
    problems = refused({"manifests/m.yaml": text}, environ={"P": "FAKE-1", "E": "FAKE-2"})
    assert [problem.message for problem in problems] == [
        "`spec.priority` must be a whole number",
        "`spec.engine` must be one of trino, hive",
        "`spec.retry_limit` must be a whole number: '7x'",
    ]


def test_text_of_files_is_not_replaced_in(loaded: Load) -> None:
    files = {"manifests/m.yaml": query("file: a.sql"), "a.sql": "SELECT '${var:x}', '${env:HOME}', '$${var:x}'"}
    spec = loaded(files, variables={"x": "1"}).resources[Address("query", "q")].spec
    assert isinstance(spec, QuerySpec)
    assert spec.sql == "SELECT '${var:x}', '${env:HOME}', '$${var:x}'"
