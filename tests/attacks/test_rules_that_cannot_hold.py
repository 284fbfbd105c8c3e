"""A rule of a project that no value could ever stand, or that nobody can compare with, is told where it is written."""

from __future__ import annotations

import json

import pytest
from stage import Stage

NUMBERS = ["lt", "le", "gt", "ge", "min_length", "max_length"]
NEEDS_NUMBER = "needs a number as `value`"
NEEDS_LIST = "needs a list as `value`"


def rule(operator: str, value: object) -> str:
    said = {"id": "mine", "path": "/spec/sql", "operator": operator, "value": value, "message": "m"}
    return f"apiVersion: tdr/v1\nproject: shop\npolicy:\n  rules:\n    - {json.dumps(said)}\n"


@pytest.mark.parametrize(
    ("operator", "value", "why"),
    [
        *(
            (operator, value, NEEDS_NUMBER)
            for operator in NUMBERS
            for value in ("abc", "nan", "inf", None, [1], {"a": 1})
        ),
        *((operator, value, NEEDS_LIST) for operator in ("in", "not_in") for value in ("x", None, {"a": 1})),
    ],
)
def test_what_cannot_be_compared_with_is_told_at_its_line(
    project: Stage, operator: str, value: object, why: str
) -> None:
    project.write("tdr.yaml", rule(operator, value))

    said = project.tdr("validate", expect=7)

    assert f"error[invalid-value]: `policy.rules.0` `{operator}` {why}" in said.out + said.err
    assert "--> tdr.yaml:5:7" in said.out + said.err


@pytest.mark.parametrize("operator", NUMBERS)
@pytest.mark.parametrize("value", ["1", 1, "2.5", "-1"])
def test_numbers_may_be_written_as_they_are(project: Stage, operator: str, value: object) -> None:
    project.write("tdr.yaml", rule(operator, value).replace("/spec/sql", "/spec/*/never"))

    assert project.tdr("validate", expect=None).err.find("needs a number") == -1
