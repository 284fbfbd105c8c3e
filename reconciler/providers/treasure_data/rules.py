"""Rules of segments: from the conditions of a manifest to the vendor's JSON, and to one form for each meaning. Pure.

The vendor has rules of exactly two levels: sets of conditions. Here the form that is compared has as few levels as its
meaning needs, conditions before groups; `sent` brings it back to two.

Source: oas-cdp, the schemas of ``rule``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from reconciler.model.json import Json
from reconciler.model.segments import Aggregate, AttributeType, Comparison, Condition, ParentSegmentSpec, Where

Rule: TypeAlias = "dict[str, Any]"

_JOINED: Final = frozenset({"And", "Or"})
# Names of comparisons in manifests, and what they are called at the vendor.
COMPARED: Final = {
    "equals": "Equal",
    "greater": "Greater",
    "at_least": "GreaterEqual",
    "less": "Less",
    "at_most": "LessEqual",
    "matches": "Regexp",
}
LISTED: Final = {"in_": "In", "contains": "Contain", "starts_with": "StartWith", "ends_with": "EndWith"}
SPANS: Final = {"within_past": "TimeWithinPast", "within_next": "TimeWithinNext"}
_TEXTUAL: Final = frozenset({"matches", "contains", "starts_with", "ends_with"})
AGGREGATES: Final = {
    Aggregate.COUNT: "Count",
    Aggregate.DISTINCT: "CountDistinct",
    Aggregate.SUM: "Sum",
    Aggregate.MIN: "Min",
    Aggregate.MAX: "Max",
    Aggregate.AVERAGE: "Average",
    Aggregate.FIRST: "First",
    Aggregate.LAST: "Last",
}
_NEVER: Final = object()
_SILENT: Final[Mapping[str, object]] = {"exclude": False, "not": False, "description": "", "expr": ""}
"""Key -> the value that says as much as leaving it out."""
_NUMBERS: Final = frozenset({AttributeType.NUMBER, AttributeType.NUMBER_ARRAY})
_SPAN: Final = re.compile(r"(?P<count>[1-9][0-9]{0,5}) ?(?P<unit>minute|hour|day|week|month|year)s?")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")


class NoRule(ValueError):
    """A condition that cannot be meant. *path* is its place below ``/spec``."""

    def __init__(self, path: str, message: str) -> None:
        """Hold the place and the sentence."""
        super().__init__(message)
        self.path = path
        self.message = message


@dataclass(frozen=True, slots=True)
class Known:
    """What a rule may refer to.

    type_of: what an attribute ("", column) or a behaviour's column (behaviour, column) holds; None where nobody knows.
    segment_id: the vendor's id of the segment that a document declares.
    """

    type_of: Callable[[str, str], AttributeType | None]
    segment_id: Callable[[str], str]


def rule_of(where: Where, known: Known) -> Rule:
    """The vendor's rule for *where*, in the form that is compared.

    Raises:
        NoRule: a condition cannot be meant.
    """
    joined, groups = ("And", where.all) if where.all is not None else ("Or", where.any or ())
    key = "all" if joined == "And" else "any"
    conditions = []
    for place, group in enumerate(groups):
        path = f"/where/{key}/{place}"
        if group.all is None and group.any is None:
            conditions.append(_leaf(group, known, path))
            continue
        inner, leaves, below = ("And", group.all, "all") if group.all is not None else ("Or", group.any or (), "any")
        told = [_leaf(leaf, known, f"{path}/{below}/{number}") for number, leaf in enumerate(leaves)]
        conditions.append({"type": inner, "conditions": told})
    return canonical({"type": joined, "conditions": conditions})


def canonical(rule: Mapping[str, Any] | None) -> Rule:
    """*rule* in the form that is compared: equal for rules that say the same in other brackets. ``{}`` is everybody."""
    if not rule or not rule.get("conditions"):
        return {}
    told = _simplified(dict(rule))
    if told.get("type") not in _JOINED:
        told = {"type": "And", "conditions": [told]}
    return told | ({"limit": _plain(rule["limit"])} if rule.get("limit") else {})


def sent(rule: Mapping[str, Any]) -> Rule:
    """A rule in the form that is compared, as the vendor takes it: with exactly two levels."""
    if not rule or rule.get("type") not in _JOINED:
        return dict(rule)
    leaves = [one for one in rule["conditions"] if one.get("type") not in _JOINED]
    sets = [one for one in rule["conditions"] if one.get("type") in _JOINED]
    direct = [{"type": rule["type"], "conditions": leaves}] if leaves else []
    return {**rule, "conditions": [*direct, *sets]}


def references(rule: Mapping[str, Any]) -> Iterator[str]:
    """Ids of the segments that *rule* names."""
    for one in rule.get("conditions") or ():
        if one.get("type") == "Reference":
            yield str(one.get("id"))
        yield from references(one)


def _simplified(rule: Rule) -> Rule:
    if rule.get("type") not in _JOINED:
        return dict(_plain(rule))
    flat: list[Rule] = []
    for one in rule.get("conditions") or ():
        inner = _simplified(one)
        # A set of the same kind, or of one condition, needs no brackets.
        flat += inner["conditions"] if inner.get("type") == rule["type"] else [inner]
    if len(flat) == 1:
        return flat[0]
    leaves = [one for one in flat if one.get("type") not in _JOINED]
    return {"type": rule["type"], "conditions": [*leaves, *(one for one in flat if one.get("type") in _JOINED)]}


def _plain(value: Any) -> Any:
    """Without what says nothing: null, an empty description, what is not negated; whole numbers without a point."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items() if one is not None and _SILENT.get(key, _NEVER) != one}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _leaf(condition: Condition, known: Known, path: str) -> Rule:
    exclude = {"exclude": True} if condition.exclude else {}
    if condition.segment is not None:
        return {"type": "Reference", "id": known.segment_id(condition.segment), **exclude}
    if condition.behavior is not None:
        left = _behavior(condition, known, path)
        # How often is a number, and so is all that is reckoned; the first and last are what the column holds.
        is_plain = condition.aggregate in {Aggregate.MIN, Aggregate.MAX, Aggregate.FIRST, Aggregate.LAST}
        kind = known.type_of(condition.behavior, condition.column or "") if is_plain else AttributeType.NUMBER
    else:
        left, kind = {"name": condition.attribute}, known.type_of("", condition.attribute or "")
    array = {"arrayMatching": condition.array} if condition.array else {}
    return {"type": "Value", "leftValue": left, "operator": _operator(condition, kind, path), **array, **exclude}


def _behavior(condition: Condition, known: Known, path: str) -> Rule:
    aggregate = condition.aggregate or Aggregate.COUNT
    filters = [
        {
            "type": "Column",
            "column": one.column,
            "operator": _operator(one, known.type_of(condition.behavior or "", one.column), f"{path}/where/{place}"),
        }
        for place, one in enumerate(condition.where)
    ]
    window: Rule = {}
    if condition.during is not None:
        count, unit = _span(condition.during, f"{path}/during")
        window = {"window": {"type": "TimeSliding", "duration": {unit: count}}}
    column = {"column": condition.column} if condition.column else {}
    return {
        "aggregation": {"type": AGGREGATES[aggregate], **column},
        "source": {"name": behavior_table(condition.behavior or "")},
        **({"filter": {"type": "And", "conditions": filters}} if filters else {}),
        **window,
    }


def behavior_table(name: str) -> str:
    """The table of a behaviour called *name*, by which rules know it."""
    return f"behavior_{column_of(name)}"


def column_of(name: str) -> str:
    """*name* as the vendor makes a column of it: lower-case letters, digits and ``_``."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def types_of(parent: ParentSegmentSpec | None) -> Callable[[str, str], AttributeType | None]:
    """What an attribute, or a behaviour's column, holds, as far as the document of the parent segment says; None
    knows nothing.
    """
    if parent is None:
        return lambda *_: None
    known = {("", column_of(one.column)): one.type for one in parent.attributes or ()}
    known |= {
        (behavior.name, column_of(one.column)): one.type
        for behavior in parent.behaviors or ()
        for one in behavior.columns
    }
    return lambda behavior, column: known.get((behavior, column))


def _operator(comparison: Comparison, kind: AttributeType | None, path: str) -> Rule:
    name = comparison.operator
    path = f"{path}/{name.rstrip('_')}"
    operand: Any = comparison.operand
    if name == "exists":
        return {"type": "IsNull", "not": operand is True}
    if name in SPANS:
        count, unit = _span(operand, path)
        return {"type": SPANS[name], "value": str(count), "unit": unit}
    typed = _number(path) if kind in _NUMBERS and name not in _TEXTUAL else str
    if name in LISTED:
        return {"type": LISTED[name], "rightValues": [typed(one) for one in operand]}
    if name == "between":
        return {"type": "Between", "minValue": typed(operand[0]), "maxValue": typed(operand[1])}
    return {"type": COMPARED[name], "rightValue": typed(operand)}


def _number(path: str) -> Callable[[str], Json]:
    """What makes a number of a manifest's text, as it is sent where numbers are compared."""

    def typed(text: str) -> Json:
        if not _NUMBER.fullmatch(text):
            raise NoRule(path, f"{text!r} is not a number, and numbers are compared here")
        return float(text) if "." in text else int(text)

    return typed


def _span(text: str, path: str) -> tuple[int, str]:
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        raise NoRule(path, f"{text!r} is not a span of time; write 7 days, 1 month or 12 hours")
    return int(match["count"]), match["unit"]
