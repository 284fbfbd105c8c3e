"""Rules, levels and waivers."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError
from scene import activation, audience, query, resource, secret

from reconciler.diagnostics import Severity
from reconciler.model.patterns import PatternRefused, pattern
from reconciler.model.policy import Level, Operator, PolicySpec, RuleSet, UserRule
from reconciler.model.resource import Resource
from reconciler.policy.book import SETS, Book, book_of
from reconciler.policy.judging import breaches, told, waivers_ending
from reconciler.policy.user_rules import document, holds, values_at

TODAY = date(2026, 3, 1)
EVERY = tuple(Level)


def book(environment: dict[str, Any] | None = None, **project: Any) -> Book:
    return book_of(PolicySpec.model_validate(project), PolicySpec.model_validate(environment or {}))


def broken(rules: Book, *resources: Resource) -> list[tuple[str, str, str]]:
    declared = {one.address: one for one in resources}
    return [(one.rule.id, str(one.address), one.path) for one in breaches(rules, declared, TODAY, levels=EVERY)]


def connection(name: str = "pin") -> Resource:
    return resource(
        "Connection",
        name,
        {"type": "pinterest", "client_id": secret("a"), "client_secret": secret("b"), "refresh_token": secret("c")},
    )


TABLE = resource(
    "Table",
    "people_table",
    {"database": "shop", "columns": [{"name": "email", "type": "string"}, {"name": "n", "type": "int"}]},
)


@pytest.mark.parametrize(
    ("rule_set", "resources", "expected"),
    [
        ("safety", (audience(), activation()), []),
        (
            "safety",
            (audience(), activation(), activation("adds", "add")),
            [("audience-fed-twice", "activation/vip-daily", "/spec/membership")],
        ),
        ("safety", (audience(), activation(), activation("takes", "remove")), []),
        (
            "safety",
            (audience(), activation(membership="clear")),
            [("clear-on-schedule", "activation/vip-daily", "/spec/schedule")],
        ),
        ("safety", (connection(),), [("unused-connection", "connection/pin", "")]),
        (
            "safety",
            (
                resource(
                    "Import",
                    "rows",
                    {
                        "from": {"type": "files", "paths": ["a.csv"]},
                        "to": {"database": "shop", "table": "t", "mode": "replace"},
                        "schedule": {"cron": "@daily"},
                    },
                ),
            ),
            [("import-replaces-always", "import/rows", "/spec/to/mode")],
        ),
        (
            "privacy",
            (activation(sql="SELECT * FROM buyers"),),
            [
                ("columns-not-named", "activation/vip-daily", "/spec/from/query/sql"),
                ("activation-has-owner", "activation/vip-daily", "/metadata/labels"),
            ],
        ),
        (
            "privacy",
            (replace(activation(sql="SELECT email, phone FROM buyers"), labels={"owner": "crm"}),),
            [("more-than-one-identifier", "activation/vip-daily", "/spec/from/query/sql")],
        ),
        ("privacy", (TABLE,), [("personal-data-expires", "table/people_table", "/spec/expire_days")]),
        ("naming", (TABLE,), [("name-without-kind", "table/people_table", "/metadata/name")]),
        ("naming", (query("a.b"),), [("names-in-kebab-case", "query/a.b", "/metadata/name")]),
        ("naming", (audience(),), [("audience-described", "audience/vip", "/spec/description")]),
        ("naming", (audience(description="Best"),), []),
    ],
)
def test_the_sets_of_tdr_find_what_they_say(
    rule_set: str, resources: tuple[Resource, ...], expected: list[tuple[str, str, str]]
) -> None:
    assert broken(book(sets=[rule_set]), *resources) == expected


def test_every_rule_says_what_it_asks_for_and_what_to_do() -> None:
    rules = [rule for name in RuleSet for rule in SETS[name]]

    assert len({rule.id for rule in rules}) == len(rules)
    assert all(rule.summary.endswith(".") and rule.hint and rule.level is not Level.OFF for rule in rules)


def test_the_set_safety_holds_when_nothing_is_said_and_none_when_none_is_wanted() -> None:
    assert broken(book(), connection()) == [("unused-connection", "connection/pin", "")]
    assert broken(book(sets=[]), connection()) == []


def test_an_environment_says_otherwise_than_the_project() -> None:
    assert broken(book({"sets": ["naming"]}, sets=["safety"]), connection()) == []
    stricter = book({"severities": {"unused-connection": "error"}}, severities={"unused-connection": "off"})
    assert [level for rule, level in stricter.rules if rule.id == "unused-connection"] == [Level.ERROR]


def test_a_rule_that_is_off_is_not_looked_at() -> None:
    assert broken(book(severities={"unused-connection": "off"}), connection()) == []


def rule(**more: Any) -> dict[str, Any]:
    return {"id": "mine", "path": "/spec/title", "operator": "exists", "message": "is against our rules", **more}


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        ({}, ["audience/vip", "query/q"]),
        ({"kinds": ["Audience"]}, ["audience/vip"]),
        ({"names": ["v*", "w*"]}, ["audience/vip"]),
        ({"labels": {"team": "c*"}}, ["query/q"]),
        ({"labels": {"team": "x"}}, []),
        ({"kinds": ["query"], "names": ["v*"]}, []),
    ],
)
def test_a_rule_is_about_what_it_selects(select: dict[str, Any], expected: list[str]) -> None:
    mine = book(sets=[], rules=[rule(select=select, path="/spec/nothing")])

    found = broken(mine, audience(), replace(query("q"), labels={"team": "crm"}))

    assert [address for _, address, _ in found] == expected


@pytest.mark.parametrize(
    ("operator", "value", "said", "expected"),
    [
        ("eq", 3, "3", True),
        ("eq", True, "true", True),
        ("eq", "3", "3", True),
        ("eq", "a", "b", False),
        ("ne", 3, "4", True),
        ("in", "add", ["add", "remove"], True),
        ("in", 5, ["4", "5"], True),
        ("not_in", "clear", ["clear"], False),
        ("lt", 29, "30", True),
        ("le", 30, "30", True),
        ("gt", 30, "30", False),
        ("ge", 30, "30", True),
        ("gt", "many", "30", False),
        ("matches", "prod-vip", "^prod-", True),
        ("matches", 42, "^4", True),
        ("not_matches", "test-vip", "^prod-", True),
        ("min_length", "abc", "4", False),
        ("max_length", [1, 2], "2", True),
        ("exists", "x", "true", True),
        ("exists", "x", "false", False),
    ],
)
def test_values_are_compared_as_what_they_are(operator: str, value: Any, said: Any, *, expected: bool) -> None:
    assert holds(Operator(operator), value, said) is expected


def test_a_path_reaches_into_lists_and_says_where() -> None:
    tree = document(TABLE)

    assert list(values_at(tree, "/spec/columns/*/type")) == [
        ("/spec/columns/0/type", "string"),
        ("/spec/columns/1/type", "int"),
    ]
    assert list(values_at(tree, "/spec/columns/1/name")) == [("/spec/columns/1/name", "n")]
    assert [path for path, _ in values_at(tree, "/spec/columns/7/name")] == ["/spec/columns/7/name"]


def test_what_is_not_there_breaks_only_rules_that_ask_for_it() -> None:
    found = {
        operator: bool(
            broken(book(sets=[], rules=[rule(path="/spec/none", operator=operator, value=value)]), audience())
        )
        for operator, value in {"exists": "true", "eq": "1", "in": ["1"], "matches": "1", "ne": "1", "lt": "1"}.items()
    }

    assert found == {"exists": True, "eq": True, "in": True, "matches": True, "ne": False, "lt": False}


def test_a_rule_sees_no_secret() -> None:
    assert "FAKE" not in repr(document(connection()))
    assert document(connection())["spec"]["client_id"] == "(secret)"


@pytest.mark.parametrize("text", ["(?=a)b", r"(a)\1", "(", "a{100000}{100000}", "", "x" * 501])
def test_patterns_that_cannot_be_matched_in_linear_time_are_refused(text: str) -> None:
    with pytest.raises(PatternRefused):
        pattern(text)
    with pytest.raises(ValidationError, match="pattern"):
        UserRule.model_validate(rule(operator="matches", value=text))


def test_a_pattern_that_would_go_back_for_ever_elsewhere_answers() -> None:
    assert not pattern("^(a+)+$").isinstance_python("a" * 50_000 + "!")


WAIVER = {
    "rule": "unused-connection",
    "addresses": ["connection/p*"],
    "owner": "ann",
    "reason": "new",
    "until": "2026-03-01",
}


@pytest.mark.parametrize(
    ("change", "is_broken"),
    [
        ({}, False),
        ({"until": "2026-02-28"}, True),
        ({"rule": "audience-fed-twice"}, True),
        ({"addresses": ["connection/q*"]}, True),
    ],
)
def test_a_waiver_holds_for_its_rule_its_documents_and_its_time(change: dict[str, Any], *, is_broken: bool) -> None:
    assert bool(broken(book(waivers=[WAIVER | change]), connection())) is is_broken


@pytest.mark.parametrize(
    ("until", "expected"),
    [("2026-02-28", "has ended on 2026-02-28"), ("2026-03-15", "ends on 2026-03-15"), ("2026-03-16", None)],
)
def test_the_end_of_a_waiver_is_told_two_weeks_before(until: str, expected: str | None) -> None:
    found = list(waivers_ending(book(waivers=[WAIVER | {"until": until}]), TODAY))

    assert [one.message.rpartition("connection/p* ")[2] for one in found] == ([expected] if expected else [])


def test_a_waiver_names_who_answers_for_it_and_until_when() -> None:
    for missing in ("owner", "reason", "until"):
        with pytest.raises(ValidationError, match=missing):
            book(waivers=[{key: value for key, value in WAIVER.items() if key != missing}])


def test_mistakes_in_what_was_said_are_told() -> None:
    wrong = book(
        rules=[rule(), rule(), rule(id="unused-connection")],
        waivers=[WAIVER | {"rule": "unused-conection"}],
        severities={"nothing-like-it": "off"},
    )

    assert [one.message for one in wrong.problems] == [
        "policy: there are two rules `mine`",
        "policy: there are two rules `unused-connection`",
        "policy: there is no rule `nothing-like-it`",
        "policy: there is no rule `unused-conection`",
    ]
    assert wrong.problems[3].hint == "did you mean `unused-connection`?"


def test_a_breach_is_an_error_only_at_that_level() -> None:
    declared = {connection().address: connection()}
    severities = {
        level: [
            told(one).severity
            for one in breaches(book(severities={"unused-connection": level}), declared, TODAY, levels=EVERY)
        ]
        for level in ("error", "gate", "warn")
    }

    assert severities == {"error": [Severity.ERROR], "gate": [Severity.WARNING], "warn": [Severity.WARNING]}


def test_the_digest_moves_with_the_rules_and_with_nothing_else() -> None:
    assert book().digest == book().digest
    assert len({book().digest, book(sets=["naming"]).digest, book({"waivers": [WAIVER]}).digest}) == 3
