"""The vendor's rules in the words of a manifest: the inverse of `rules.rule_of`, for all that it can say. Pure.

Nothing is guessed: conditions count only if they become the very rule again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from reconciler.model.segments import ParentSegmentSpec, Where
from reconciler.providers.treasure_data import rules
from reconciler.providers.treasure_data.references import CannotSay, Tree
from reconciler.providers.treasure_data.rules import Known, NoRule

_JOINED: Final = {"And": "all", "Or": "any"}
_COMPARED: Final = {vendors: ours for ours, vendors in rules.COMPARED.items()}
_LISTED: Final = {vendors: ours.rstrip("_") for ours, vendors in rules.LISTED.items()}
_SPANS: Final = {vendors: ours for ours, vendors in rules.SPANS.items()}
_AGGREGATES: Final = {vendors: ours.value for ours, vendors in rules.AGGREGATES.items()}


def where_of(rule: Mapping[str, Any], parent: ParentSegmentSpec | None, name_of: Callable[[str], str | None]) -> Tree:
    """`where` for *rule* in the form that is compared.

    parent: the document of its parent segment, which tells behaviours and what is a number; None where there is none.
    name_of: the document of a segment, by the vendor's id; None where there is none.

    Raises:
        CannotSay: there are no words for it; the vendor's JSON then says it.
    """
    if rule.keys() != {"type", "conditions"} or rule["type"] not in _JOINED:
        raise CannotSay("the rule is more than conditions")
    try:
        where = _joined(rule, _Reader(parent, name_of))
        again = rules.rule_of(Where.model_validate(_texts(where)), _known(parent, name_of, rule))
    except (AttributeError, KeyError, TypeError, ValidationError, NoRule) as error:
        raise CannotSay("the rule has parts that conditions do not have") from error
    if again != rules.canonical(rule):
        raise CannotSay("the rule is not what its conditions would become")
    return where


class _Reader:
    """Reads conditions of one parent segment. What it does not expect raises KeyError."""

    def __init__(self, parent: ParentSegmentSpec | None, name_of: Callable[[str], str | None]) -> None:
        self._behaviors = {
            rules.behavior_table(one.name): one.name for one in (parent.behaviors if parent else None) or ()
        }
        self._name_of = name_of

    def condition(self, rule: Mapping[str, Any]) -> Tree:
        if rule["type"] in _JOINED:
            return _joined(rule, self)
        exclude = {"exclude": True} if rule.get("exclude") else {}
        if rule["type"] == "Reference":
            name = self._name_of(str(rule["id"]))
            if name is None:
                raise CannotSay("the rule names a segment that no document declares")
            return {"segment": name, **exclude}
        left = rule["leftValue"]
        about = self._behavior(left) if "source" in left else {"attribute": left["name"]}
        array = {"array": rule["arrayMatching"]} if "arrayMatching" in rule else {}
        return {**about, **_comparison(rule["operator"]), **array, **exclude}

    def _behavior(self, left: Mapping[str, Any]) -> Tree:
        told: Tree = {"behavior": self._behaviors[left["source"]["name"]]}
        aggregate = _AGGREGATES[left["aggregation"]["type"]]
        if aggregate != "count":
            told["aggregate"] = aggregate
        if "column" in left["aggregation"]:
            told["column"] = left["aggregation"]["column"]
        if "window" in left:
            ((unit, count),) = left["window"]["duration"].items()
            told["during"] = _span(count, unit)
        if "filter" in left:
            told["where"] = [
                {"column": one["column"], **_comparison(one["operator"])} for one in left["filter"]["conditions"]
            ]
        return told


def _joined(rule: Mapping[str, Any], reader: _Reader) -> Tree:
    return {_JOINED[rule["type"]]: [reader.condition(one) for one in rule["conditions"]]}


def _comparison(operator: Mapping[str, Any]) -> Tree:
    match operator["type"]:
        case "IsNull":
            return {"exists": bool(operator.get("not"))}
        case "Between":
            return {"between": [_scalar(operator["minValue"]), _scalar(operator["maxValue"])]}
        case name if name in _SPANS:
            return {_SPANS[name]: _span(operator["value"], operator["unit"])}
        case name if name in _LISTED:
            return {_LISTED[name]: [_scalar(one) for one in operator["rightValues"]]}
        case name:
            return {_COMPARED[name]: _scalar(operator["rightValue"])}


def _span(count: object, unit: str) -> str:
    return f"{count} {unit}" if str(count) == "1" else f"{count} {unit}s"


def _scalar(value: object) -> str | int:
    """A number or text as a document has it."""
    if isinstance(value, str) or type(value) is int:
        return value
    if isinstance(value, float):
        return str(value)
    raise KeyError(value)


def _texts(value: Any) -> Any:
    """Scalars as the loader hands them over."""
    match value:
        case Mapping():
            return {key: _texts(one) for key, one in value.items()}
        case str() | bool():
            return value
        case Sequence():
            return [_texts(one) for one in value]
        case _:
            return str(value)


def _known(parent: ParentSegmentSpec | None, name_of: Callable[[str], str | None], rule: Mapping[str, Any]) -> Known:
    ids = {name_of(one): one for one in rules.references(rule)}
    return Known(type_of=rules.types_of(parent), segment_id=lambda name: ids[name])
