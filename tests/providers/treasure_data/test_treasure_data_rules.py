"""Conditions become the vendor's rules, and rules that mean the same have one form."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reconciler.model.segments import AttributeType, Where
from reconciler.providers.treasure_data.rules import Known, NoRule, canonical, references, rule_of, sent

KNOWN = Known(
    type_of=lambda behavior, column: {
        ("", "age"): AttributeType.NUMBER,
        ("orders", "amount"): AttributeType.NUMBER,
        ("", "country"): AttributeType.STRING,
    }.get((behavior, column)),
    segment_id={"japan": "55"}.__getitem__,
)


def compiled(**where: Any) -> dict[str, Any]:
    return rule_of(Where.model_validate(where), KNOWN)


def leaf(name: str, operator: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "Value", "leftValue": {"name": name}, "operator": operator, **more}


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ({"attribute": "country", "equals": "JP"}, leaf("country", {"type": "Equal", "rightValue": "JP"})),
        ({"attribute": "country", "equals": "07"}, leaf("country", {"type": "Equal", "rightValue": "07"})),
        ({"attribute": "age", "equals": "30"}, leaf("age", {"type": "Equal", "rightValue": 30})),
        ({"attribute": "age", "less": "0.5"}, leaf("age", {"type": "Less", "rightValue": 0.5})),
        ({"attribute": "age", "in": ["1", "2"]}, leaf("age", {"type": "In", "rightValues": [1, 2]})),
        (
            {"attribute": "age", "between": ["20", "30"]},
            leaf("age", {"type": "Between", "minValue": 20, "maxValue": 30}),
        ),
        ({"attribute": "unknown", "at_least": "3"}, leaf("unknown", {"type": "GreaterEqual", "rightValue": "3"})),
        ({"attribute": "age", "matches": "^3"}, leaf("age", {"type": "Regexp", "rightValue": "^3"})),
        (
            {"attribute": "mail", "ends_with": [".jp"], "exclude": True},
            leaf("mail", {"type": "EndWith", "rightValues": [".jp"]}, exclude=True),
        ),
        ({"attribute": "age", "exists": True}, leaf("age", {"type": "IsNull", "not": True})),
        ({"attribute": "age", "exists": False}, leaf("age", {"type": "IsNull"})),
        (
            {"attribute": "tags", "equals": "a", "array": "all"},
            leaf("tags", {"type": "Equal", "rightValue": "a"}, arrayMatching="all"),
        ),
        (
            {"attribute": "seen", "within_past": "7 days"},
            leaf("seen", {"type": "TimeWithinPast", "value": "7", "unit": "day"}),
        ),
        ({"segment": "japan"}, {"type": "Reference", "id": "55"}),
        ({"segment": "japan", "exclude": True}, {"type": "Reference", "id": "55", "exclude": True}),
        (
            {
                "behavior": "orders",
                "at_least": "3",
                "during": "30 days",
                "where": [{"column": "sku", "starts_with": ["x"]}, {"column": "amount", "greater": "2"}],
            },
            {
                "type": "Value",
                "leftValue": {
                    "aggregation": {"type": "Count"},
                    "source": {"name": "behavior_orders"},
                    "filter": {
                        "type": "And",
                        "conditions": [
                            {
                                "type": "Column",
                                "column": "sku",
                                "operator": {"type": "StartWith", "rightValues": ["x"]},
                            },
                            {"type": "Column", "column": "amount", "operator": {"type": "Greater", "rightValue": 2}},
                        ],
                    },
                    "window": {"type": "TimeSliding", "duration": {"day": 30}},
                },
                "operator": {"type": "GreaterEqual", "rightValue": 3},
            },
        ),
        (
            {"behavior": "orders", "aggregate": "last", "column": "sku", "equals": "7"},
            {
                "type": "Value",
                "leftValue": {"aggregation": {"type": "Last", "column": "sku"}, "source": {"name": "behavior_orders"}},
                "operator": {"type": "Equal", "rightValue": "7"},
            },
        ),
    ],
)
def test_a_condition_is_one_of_the_vendors(condition: dict[str, Any], told: dict[str, Any]) -> None:
    assert compiled(all=[condition]) == {"type": "And", "conditions": [told]}


def test_groups_are_sets() -> None:
    japan, young, old = (
        {"attribute": "country", "equals": "JP"},
        {"attribute": "age", "less": "20"},
        {"attribute": "age", "greater": "60"},
    )

    rule = compiled(all=[{"any": [young, old]}, japan])

    first, second = rule["conditions"]
    assert (rule["type"], first["type"], second["type"]) == ("And", "Value", "Or")
    assert sent(rule)["conditions"] == [{"type": "And", "conditions": [first]}, second]
    assert canonical(sent(rule)) == rule


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ({}, "needs either `all` or `any`"),
        ({"all": [{"attribute": "a"}]}, "needs exactly one comparison"),
        ({"all": [{"attribute": "a", "equals": "1", "less": "2"}]}, "needs exactly one comparison"),
        ({"all": [{"equals": "1"}]}, "needs exactly one of `attribute`, `behavior` and `segment`"),
        ({"all": [{"attribute": "a", "segment": "b"}]}, "needs exactly one of"),
        ({"all": [{"segment": "b", "equals": "1"}]}, "takes no comparison beside `segment`"),
        ({"all": [{"attribute": "a", "equals": "1", "during": "7 days"}]}, "`during` belongs to a behavior"),
        ({"all": [{"behavior": "a", "equals": "1", "array": "any"}]}, "`array` belongs to an attribute"),
        ({"all": [{"behavior": "a", "equals": "1", "aggregate": "sum"}]}, "`aggregate: sum` needs a `column`"),
        ({"all": [{"any": [{"segment": "a"}], "attribute": "b"}]}, "takes nothing beside `all` or `any`"),
        ({"all": [{"behavior": "a", "equals": "1", "where": [{"column": "b"}]}]}, "needs exactly one comparison"),
    ],
)
def test_what_cannot_be_meant_is_refused(where: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Where.model_validate(where)


@pytest.mark.parametrize(
    ("condition", "path", "words"),
    [
        ({"attribute": "age", "equals": "many"}, "/where/any/0/equals", "'many' is not a number"),
        ({"attribute": "age", "in": ["1", "01"]}, "/where/any/0/in", "'01' is not a number"),
        ({"attribute": "seen", "within_past": "soon"}, "/where/any/0/within_past", "is not a span of time"),
        ({"behavior": "orders", "equals": "1", "during": "0 days"}, "/where/any/0/during", "is not a span of time"),
    ],
)
def test_what_only_the_parent_segment_tells_is_refused_with_its_place(
    condition: dict[str, Any], path: str, words: str
) -> None:
    with pytest.raises(NoRule, match=words) as refused:
        compiled(any=[condition])

    assert refused.value.path == path


LEAF = st.sampled_from([leaf(name, {"type": "Equal", "rightValue": value}) for name in "ab" for value in (1, "x")])
SET = st.builds(
    lambda kind, leaves: {"type": kind, "conditions": leaves},
    st.sampled_from(["And", "Or"]),
    st.lists(LEAF, min_size=1, max_size=3),
)
RULE = st.builds(
    lambda kind, sets: {"type": kind, "conditions": sets},
    st.sampled_from(["And", "Or"]),
    st.lists(SET, min_size=1, max_size=3),
)


def fits(rule: dict[str, Any], person: dict[str, object]) -> bool:
    """What *rule* means, said once more in Python."""
    match rule.get("type"):
        case "And":
            return all(fits(one, person) for one in rule["conditions"])
        case "Or":
            return any(fits(one, person) for one in rule["conditions"])
        case _:
            return person.get(rule["leftValue"]["name"]) == rule["operator"]["rightValue"]


@given(RULE)
def test_one_form_means_the_same_and_is_reached_at_once(rule: dict[str, Any]) -> None:
    form = canonical(rule)

    people = [{"a": a, "b": b} for a in (1, "x", 2) for b in (1, "x", 2)]
    assert [fits(form, person) for person in people] == [fits(rule, person) for person in people]
    assert canonical(form) == form
    assert canonical(sent(form)) == form
    assert all(one["type"] in {"And", "Or"} for one in sent(form)["conditions"])


@pytest.mark.parametrize("empty", [None, {}, {"type": "And", "conditions": []}])
def test_no_condition_is_everybody(empty: dict[str, Any] | None) -> None:
    assert canonical(empty) == {}
    assert sent(canonical(empty)) == {}


def test_what_a_server_adds_that_says_nothing_makes_no_difference() -> None:
    ours = canonical({"type": "And", "conditions": [leaf("a", {"type": "Equal", "rightValue": 1})]})
    theirs = leaf("a", {"type": "Equal", "not": False, "rightValue": 1.0}, exclude=False, arrayMatching=None)

    told = {"type": "And", "conditions": [{"type": "And", "description": "", "conditions": [theirs]}], "limit": None}

    assert canonical(told) == ours


def test_a_limit_is_part_of_the_meaning() -> None:
    rule = {"type": "And", "conditions": [leaf("a", {"type": "IsNull"})], "limit": {"type": "Count", "number": 5}}

    assert canonical(rule) != canonical({**rule, "limit": None})
    assert canonical(sent(canonical(rule))) == canonical(rule)


def test_segments_that_a_rule_names_are_found_at_any_depth() -> None:
    rule = compiled(any=[{"segment": "japan"}, {"all": [{"segment": "japan"}, {"attribute": "a", "exists": True}]}])

    assert list(references(rule)) == ["55", "55"]
