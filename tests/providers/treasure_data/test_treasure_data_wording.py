"""Rules of the vendor become conditions again, or stay what they are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.segments import ParentSegmentSpec, Where
from reconciler.providers.treasure_data.references import CannotSay
from reconciler.providers.treasure_data.rules import Known, canonical, rule_of, types_of
from reconciler.providers.treasure_data.wording import where_of

PARENT = ParentSegmentSpec.model_validate(
    {
        "master": {"database": "shop", "table": "people"},
        "attributes": [
            {"name": "Country", "column": "country"},
            {"name": "Age", "column": "age", "type": "number"},
            {"name": "Tags", "column": "tags", "type": "string_array"},
        ],
        "behaviors": [
            {
                "name": "Web orders",
                "from": {"database": "shop", "table": "orders", "key": "person", "master_key": "id"},
                "columns": [{"name": "SKU", "column": "sku"}, {"name": "Amount", "column": "amount", "type": "number"}],
            }
        ],
    }
)
NAMES = {"55": "japan", "56": "buyers"}
KNOWN = Known(type_of=types_of(PARENT), segment_id={name: one for one, name in NAMES.items()}.__getitem__)


def worded(rule: dict[str, Any]) -> dict[str, Any]:
    return where_of(canonical(rule), PARENT, NAMES.get)


def texts(value: Any) -> Any:
    """Scalars as the loader hands them over."""
    if isinstance(value, dict):
        return {key: texts(one) for key, one in value.items()}
    if isinstance(value, list):
        return [texts(one) for one in value]
    return value if isinstance(value, bool) else str(value)


NUMBER = st.one_of(st.integers(-999, 999).map(str), st.sampled_from(["0.5", "12.25"]))
WORD = st.text("aB0 'é-", min_size=1, max_size=5)
SPAN = st.builds(
    lambda count, unit: f"{count} {unit}", st.integers(1, 99), st.sampled_from(["minutes", "hour", "days", "years"])
)


def comparison(value: st.SearchStrategy[str], *, textual: bool = True) -> st.SearchStrategy[dict[str, Any]]:
    values = st.lists(value, min_size=1, max_size=3)
    alike = [
        *(
            value.map(lambda one, name=name: {name: one})
            for name in ("equals", "greater", "at_least", "less", "at_most")
        ),
        values.map(lambda several: {"in": several}),
        st.tuples(value, value).map(lambda both: {"between": list(both)}),
        st.booleans().map(lambda there: {"exists": there}),
    ]
    texts_only = [
        WORD.map(lambda one: {"matches": one}),
        *(
            st.lists(WORD, min_size=1, max_size=2).map(lambda several, name=name: {name: several})
            for name in ("contains", "starts_with", "ends_with")
        ),
        SPAN.map(lambda span: {"within_past": span}),
        SPAN.map(lambda span: {"within_next": span}),
    ]
    return st.one_of(*alike, *(texts_only if textual else []))


EXCLUDE = st.sampled_from([{}, {"exclude": True}])
ATTRIBUTE = st.one_of(
    st.builds(lambda told, out: {"attribute": "country", **told, **out}, comparison(WORD), EXCLUDE),
    st.builds(lambda told, out: {"attribute": "age", **told, **out}, comparison(NUMBER), EXCLUDE),
    st.builds(
        lambda told, array: {"attribute": "tags", **told, "array": array},
        comparison(WORD),
        st.sampled_from(["any", "all"]),
    ),
    st.builds(lambda told: {"attribute": "unknown", **told}, comparison(WORD)),
)
ROWS = st.fixed_dictionaries(
    {},
    optional={
        "during": SPAN,
        "where": st.lists(
            st.one_of(
                comparison(WORD).map(lambda told: {"column": "sku", **told}),
                comparison(NUMBER).map(lambda told: {"column": "amount", **told}),
            ),
            min_size=1,
            max_size=2,
        ),
    },
)
BEHAVIOR = st.one_of(
    st.builds(lambda told, rows: {"behavior": "Web orders", **told, **rows}, comparison(NUMBER, textual=False), ROWS),
    st.builds(
        lambda told, rows, made: {"behavior": "Web orders", "aggregate": made, "column": "amount", **told, **rows},
        *(comparison(NUMBER, textual=False), ROWS, st.sampled_from(["sum", "min", "max", "average", "distinct"])),
    ),
    st.builds(
        lambda told, made: {"behavior": "Web orders", "aggregate": made, "column": "sku", **told},
        *(comparison(WORD), st.sampled_from(["first", "last", "min"])),
    ),
)
SEGMENT = st.builds(lambda name, out: {"segment": name, **out}, st.sampled_from(["japan", "buyers"]), EXCLUDE)
CONDITION = st.one_of(ATTRIBUTE, BEHAVIOR, SEGMENT)
JOINED = st.sampled_from(["all", "any"])
GROUP = st.builds(lambda joined, inner: {joined: inner}, JOINED, st.lists(CONDITION, min_size=1, max_size=3))
WHERE = st.builds(
    lambda joined, inner: {joined: inner}, JOINED, st.lists(st.one_of(CONDITION, GROUP), min_size=1, max_size=4)
)


@given(WHERE)
def test_whatever_conditions_said_is_said_in_conditions_again(where: dict[str, Any]) -> None:
    rule = rule_of(Where.model_validate(where), KNOWN)

    again = where_of(rule, PARENT, NAMES.get)

    assert rule_of(Where.model_validate(texts(again)), KNOWN) == rule


def test_words_are_what_a_person_would_have_written() -> None:
    rule = rule_of(
        Where.model_validate(
            {
                "all": [
                    {"attribute": "age", "between": ["20", "30"]},
                    {"segment": "japan", "exclude": True},
                    {"behavior": "Web orders", "at_least": "2", "during": "1 month"},
                    {"any": [{"attribute": "country", "in": ["JP", "DE"]}, {"attribute": "country", "exists": False}]},
                ]
            }
        ),
        KNOWN,
    )

    assert worded(rule) == {
        "all": [
            {"attribute": "age", "between": [20, 30]},
            {"segment": "japan", "exclude": True},
            {"behavior": "Web orders", "at_least": 2, "during": "1 month"},
            {"any": [{"attribute": "country", "in": ["JP", "DE"]}, {"attribute": "country", "exists": False}]},
        ]
    }


def value(name: str, operator: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "And", "conditions": [{"type": "Value", "leftValue": {"name": name}, "operator": operator, **more}]}


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(value("country", {"type": "NotEqual", "rightValue": "JP"}), id="a comparison without a word"),
        pytest.param(value("country", {"type": "Equal", "not": True, "rightValue": "JP"}), id="a negated comparison"),
        pytest.param(value("age", {"type": "Equal", "rightValue": "30"}), id="a number written as text"),
        pytest.param(value("country", {"type": "Equal", "rightValue": 30}), id="text written as a number"),
        pytest.param(value("country", {"type": "Equal", "rightValue": True}), id="a truth"),
        pytest.param(value("country", {"type": "Equal", "rightValue": None}), id="nothing to compare with"),
        pytest.param(value("age", {"type": "Between", "minValue": 3}), id="half a range"),
        pytest.param(value("age", {"type": "Greater", "rightValue": 1e-30}), id="a number beyond words"),
        pytest.param(
            value("tags", {"type": "Equal", "rightValue": "x"}, arrayMatching={"atLeast": 2}), id="some of a list"
        ),
        pytest.param(value("country", {"type": "TimeToday"}), id="an operator of its own kind"),
        pytest.param(value("country", {"type": "Equal", "rightValue": "JP"}, note="x"), id="a key nobody knows"),
        pytest.param({**value("age", {"type": "IsNull"}), "limit": {"type": "Count", "number": 5}}, id="a limit"),
        pytest.param({"type": "And", "conditions": [{"type": "Reference", "id": "99"}]}, id="an unknown segment"),
        pytest.param({"type": "And", "conditions": [{"type": "Prediction", "id": "1"}]}, id="a kind of its own"),
        pytest.param({}, id="everybody"),
        pytest.param(
            {
                "type": "And",
                "conditions": [
                    {
                        "type": "Value",
                        "leftValue": {"source": {"name": "behavior_calls"}, "aggregation": {"type": "Count"}},
                        "operator": {"type": "Equal", "rightValue": 1},
                    }
                ],
            },
            id="an unknown behaviour",
        ),
    ],
)
def test_what_has_no_words_is_refused_and_not_guessed(rule: dict[str, Any]) -> None:
    with pytest.raises(CannotSay):
        worded(rule)
