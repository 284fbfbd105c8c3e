"""Rules as `tdx`, the vendor's command line, writes them into YAML, and the vendor's own. Pure, in both directions.

Source: the pages of tdx on segments. What they do not speak of is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from reconciler.providers.treasure_data.references import CannotSay
from reconciler.providers.treasure_data.rules import Rule, behavior_table

_JOINED: Final = frozenset({"And", "Or"})
_ONE: Final = frozenset({"Equal", "NotEqual", "Greater", "GreaterEqual", "Less", "LessEqual", "Regexp"})
_SEVERAL: Final = frozenset({"In", "NotIn", "Contain", "StartWith", "EndWith"})
_SPANS: Final = frozenset({"TimeWithinPast", "TimeWithinNext"})
_BARE: Final = frozenset({"IsNull", "TimeToday"})
_BOUNDS: Final = {"min": "minValue", "max": "maxValue"}
_UNITS: Final = frozenset({"year", "quarter", "month", "week", "day", "hour", "minute", "second"})


def vendors(rule: object, behaviors: Iterable[str], id_of: Callable[[str], str | None]) -> Rule:
    """The vendor's rule for a ``rule:`` of tdx; without one it is everybody.

    behaviors: names of the parent segment's behaviours, for files that name a behaviour and not its table.
    id_of: the vendor's id of a segment, by the name that tdx writes; None where there is none.

    Raises:
        CannotSay: something in it is not known here.
    """
    if rule is None:
        return {}
    tables = {name: behavior_table(name) for name in behaviors}
    return _joined(_mapping(rule, "the rule"), tables, id_of)


def _joined(rule: Rule, tables: Mapping[str, str], id_of: Callable[[str], str | None]) -> Rule:
    if rule.get("type") not in _JOINED:
        raise CannotSay(f"a rule of type {rule.get('type')!r} is not known")
    _only(rule, {"type", "conditions", "description"}, "a rule")
    conditions = _list(rule.get("conditions"), "conditions")
    return {"type": rule["type"], "conditions": [_condition(one, tables, id_of) for one in conditions]}


def _condition(told: object, tables: Mapping[str, str], id_of: Callable[[str], str | None]) -> Rule:
    condition = _mapping(told, "a condition")
    match condition.get("type"):
        case "And" | "Or":
            return _joined(condition, tables, id_of)
        case "include" | "exclude" as kind:
            _only(condition, {"type", "segment"}, "a reference")
            name = str(condition.get("segment", ""))
            segment_id = id_of(name)
            if segment_id is None:
                raise CannotSay(f"no document declares the segment {name!r} that it refers to")
            return {"type": "Reference", "id": segment_id, **({"exclude": True} if kind == "exclude" else {})}
        case "Value":
            return _value(condition, tables)
        case other:
            raise CannotSay(f"a condition of type {other!r} is not known")


def _value(condition: Rule, tables: Mapping[str, str]) -> Rule:
    array = {"arrayMatching": condition["arrayMatching"]} if condition.get("arrayMatching") else {}
    operator = _operator(_mapping(condition.get("operator"), "an operator"))
    if condition.get("source") is None:
        _only(condition, {"type", "attribute", "operator", "arrayMatching"}, "a condition")
        left: Rule = {"name": str(condition.get("attribute") or "")}
        if not left["name"]:
            raise CannotSay("a condition names no attribute")
    else:
        left = _behavior(condition, tables)
    return {"type": "Value", "leftValue": left, "operator": operator, **array}


def _behavior(condition: Rule, tables: Mapping[str, str]) -> Rule:
    known = {"type", "attribute", "operator", "arrayMatching", "source", "aggregation", "filter", "timeWindow"}
    _only(condition, known, "a condition on a behavior")
    source = str(condition["source"])
    table = tables.get(source) or (source if source.startswith("behavior_") else behavior_table(source))
    aggregation = _mapping(condition.get("aggregation") or {"type": "Count"}, "an aggregation")
    _only(aggregation, {"type", "column"}, "an aggregation")
    left: Rule = {"aggregation": dict(aggregation), "source": {"name": table}}
    rows = _mapping(condition.get("filter") or {"type": "And", "conditions": []}, "a filter")
    if columns := _list(rows.get("conditions"), "conditions of a filter"):
        if rows.get("type") != "And":
            raise CannotSay(f"a filter of type {rows.get('type')!r} is not known")
        left["filter"] = {"type": "And", "conditions": [_column(one) for one in columns]}
    if condition.get("timeWindow") is not None:
        window = _mapping(condition["timeWindow"], "a time window")
        _only(window, {"duration", "unit"}, "a time window")
        left["window"] = {"type": "TimeSliding", "duration": {_unit(window.get("unit")): window.get("duration")}}
    return left


def _column(told: object) -> Rule:
    condition = _mapping(told, "a condition of a filter")
    _only(condition, {"type", "column", "operator", "arrayMatching"}, "a condition of a filter")
    if condition.get("type") != "Column" or not condition.get("column"):
        raise CannotSay("a condition of a filter names no column")
    array = {"arrayMatching": condition["arrayMatching"]} if condition.get("arrayMatching") else {}
    operator = _operator(_mapping(condition.get("operator"), "an operator"))
    return {"type": "Column", "column": str(condition["column"]), "operator": operator, **array}


def _operator(told: Rule) -> Rule:
    name = told.get("type")
    negated = {"not": True} if told.get("not") else {}
    if name in _ONE:
        _only(told, {"type", "not", "value"}, f"the operator {name}")
        return {"type": name, **negated, "rightValue": _scalar(told.get("value"), name)}
    if name in _SEVERAL:
        _only(told, {"type", "not", "value", "values"}, f"the operator {name}")
        values = told["values"] if "values" in told else told.get("value")
        several = values if isinstance(values, list) else [values]
        return {"type": name, **negated, "rightValues": [_scalar(one, name) for one in several]}
    if name == "Between":
        _only(told, {"type", "not", *_BOUNDS}, "the operator Between")
        bounds = {vendor: _scalar(told[ours], name) for ours, vendor in _BOUNDS.items() if ours in told}
        if not bounds:
            raise CannotSay("the operator Between has neither `min` nor `max`")
        return {"type": name, **negated, **bounds}
    if name in _SPANS:
        _only(told, {"type", "not", "value", "unit"}, f"the operator {name}")
        return {
            "type": name,
            **negated,
            "value": str(_scalar(told.get("value"), name)),
            "unit": _unit(told.get("unit")),
        }
    if name == "TimeRange":
        _only(told, {"type", "not", "duration", "from"}, "the operator TimeRange")
        return {"type": name, **negated, "duration": told.get("duration"), "from": told.get("from")}
    if name in _BARE:
        _only(told, {"type", "not"}, f"the operator {name}")
        return {"type": name, **negated}
    raise CannotSay(f"the operator {name!r} is not known")


def of_vendor(rule: Mapping[str, Any], name_of: Callable[[str], str | None]) -> Rule | None:
    """What tdx writes for the vendor's *rule* in the form that is compared; None for everybody.

    name_of: the name that tdx writes for a segment, by the vendor's id.

    Raises:
        CannotSay: tdx has no words for it, such as for conditions in groups.
    """
    if not rule:
        return None
    if rule.keys() != {"type", "conditions"}:
        raise CannotSay("tdx has no words for a limit")
    return {"type": rule["type"], "conditions": [_leaf(one, name_of) for one in rule["conditions"]]}


def _leaf(rule: Rule, name_of: Callable[[str], str | None]) -> Rule:
    match rule["type"]:
        case "And" | "Or":
            raise CannotSay("tdx refuses conditions in groups")
        case "Reference":
            name = name_of(str(rule["id"]))
            if name is None:
                raise CannotSay("its rule refers to a segment that no document declares")
            return {"type": "exclude" if rule.get("exclude") else "include", "segment": name}
        case "Value" if not rule.get("exclude"):
            array = {"arrayMatching": rule["arrayMatching"]} if rule.get("arrayMatching") else {}
            return {"type": "Value", **_left(rule["leftValue"]), "operator": _told(rule["operator"]), **array}
        case "Value":
            raise CannotSay("tdx has no words for an excluded condition")
        case other:
            raise CannotSay(f"tdx has no words for a condition of type {other!r}")


def _left(left: Rule) -> Rule:
    if "source" not in left:
        _only(left, {"name"}, "an attribute")
        return {"attribute": left["name"]}
    rows = left.get("filter") or {"type": "And", "conditions": []}
    told: Rule = {"attribute": "", "source": left["source"]["name"], "aggregation": dict(left["aggregation"])}
    if "window" in left:
        ((unit, count),) = left["window"]["duration"].items()
        told["timeWindow"] = {"duration": count, "unit": unit}
    conditions = [
        {"type": "Column", "column": one["column"], "operator": _told(one["operator"])} for one in rows["conditions"]
    ]
    return {**told, "filter": {"type": "And", "conditions": conditions}}


def _told(operator: Rule) -> Rule:
    name = operator["type"]
    negated = {"not": True} if operator.get("not") else {}
    if name in _ONE:
        return {"type": name, **negated, "value": _scalar(operator["rightValue"], name)}
    if name in _SEVERAL:
        return {"type": name, **negated, "value": [_scalar(one, name) for one in operator["rightValues"]]}
    if name == "Between":
        return {
            "type": name,
            **negated,
            **{ours: operator[vendor] for ours, vendor in _BOUNDS.items() if vendor in operator},
        }
    if name in _SPANS:
        return {"type": name, **negated, "value": int(operator["value"]), "unit": operator["unit"]}
    if name == "TimeRange":
        return {"type": name, **negated, "duration": operator["duration"], "from": operator["from"]}
    if name in _BARE:
        return {"type": name, **negated}
    raise CannotSay(f"tdx has no words for the operator {name!r}")


def _scalar(value: object, operator: object) -> object:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return value
    raise CannotSay(f"the operator {operator} has a value that is neither text nor a number")


def _unit(unit: object) -> str:
    if unit not in _UNITS:
        raise CannotSay(f"the unit {unit!r} is not known")
    return str(unit)


def _mapping(value: object, what: str) -> Rule:
    if not isinstance(value, dict):
        raise CannotSay(f"{what} is no mapping")
    return value


def _list(value: object, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise CannotSay(f"{what} are no list")
    return value


def _only(told: Mapping[str, Any], known: Iterable[str], what: str) -> None:
    others = sorted(set(map(str, told)) - set(known))
    if others:
        raise CannotSay(f"{what} has keys that are not known: {', '.join(others)}")
