"""Segment rules as SQL of Trino over the tables of a parent segment. Pure.

Source: oas-cdp, the schemas of ``rule``; what they leave open is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from reconciler.service.cdp.operators import Column, Rule, RuleError, applied, complement, span_s, whole
from reconciler.service.columns import quoted

CUSTOMERS: Final = "customers"
_JOINERS: Final = {"And": " AND ", "Or": " OR "}
_AGGREGATES: Final = {"Sum": "SUM", "Min": "MIN", "Max": "MAX", "Average": "AVG"}
_DEEPEST: Final = 20


@dataclass(frozen=True, slots=True)
class BehaviorTable:
    """Rows beside the customers. *columns*: name -> Treasure Data type; *key* of it equals *customer_key* of theirs."""

    columns: Mapping[str, str]
    key: str
    customer_key: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """What a rule may speak of.

    columns: of the customers, name -> Treasure Data type.
    behaviors: by the name of their table.
    rule_of: the rule of another segment by its id, None when there is no such segment.
    timezone: of "today" and of times without a zone.
    """

    columns: Mapping[str, str]
    behaviors: Mapping[str, BehaviorTable] = field(default_factory=dict)
    rule_of: Callable[[str], Rule | None] = lambda _id: None
    timezone: str = "UTC"


def members(rule: Rule, matrix: Matrix, columns: str = "*") -> str:
    """The SELECT of *columns* of all customers that *rule* takes in.

    Raises:
        RuleError: it cannot be read, or names what is not there.
    """
    return f'SELECT {columns} FROM "{CUSTOMERS}" AS a WHERE {_Reader(matrix).rule(rule, "")}' + _limit(rule, matrix)


def references(rule: Rule) -> Iterator[str]:
    """Ids of the segments that *rule* names."""
    for entry in rule.get("conditions") or ():
        if isinstance(entry, Mapping):
            if entry.get("type") == "Reference":
                yield str(entry.get("id"))
            yield from references(entry)


class _Reader:
    """Reads one rule and the rules that it refers to."""

    def __init__(self, matrix: Matrix, within: tuple[str, ...] = ()) -> None:
        self._matrix = matrix
        self._within = within

    def rule(self, rule: Rule, pointer: str, depth: int = 0) -> str:
        """A rule, or one of its sets; an empty one takes in everyone."""
        if depth > _DEEPEST:
            raise RuleError(pointer, f"is nested more than {_DEEPEST} deep")
        if not rule or "conditions" not in rule:
            if rule and "type" in rule:
                raise RuleError(f"{pointer}/conditions", "is missing")
            return "TRUE"
        joiner = _JOINERS.get(str(rule.get("type")))
        if joiner is None:
            raise RuleError(f"{pointer}/type", f"{rule.get('type')!r} is not supported; use And or Or")
        conditions = rule["conditions"]
        if not isinstance(conditions, Sequence) or isinstance(conditions, str):
            raise RuleError(f"{pointer}/conditions", "is not an array")
        parts = [self._condition(one, f"{pointer}/conditions/{place}", depth) for place, one in enumerate(conditions)]
        return f"({joiner.join(parts)})" if parts else "TRUE"

    def _condition(self, one: object, pointer: str, depth: int) -> str:
        if not isinstance(one, Mapping):
            raise RuleError(pointer, "is not an object")
        match one.get("type"):
            case "And" | "Or":
                return self.rule(one, pointer, depth + 1)
            case "Value":
                inner = self._value(one, pointer)
            case "Reference":
                inner = self._reference(str(one.get("id")), pointer)
            case other:
                raise RuleError(f"{pointer}/type", f"{other!r} is not supported by the embedded service")
        return complement(inner) if one.get("exclude") else inner

    def _reference(self, segment_id: str, pointer: str) -> str:
        if segment_id in self._within:
            raise RuleError(f"{pointer}/id", f"segments refer to each other: {', '.join([*self._within, segment_id])}")
        rule = self._matrix.rule_of(segment_id)
        if rule is None:
            raise RuleError(f"{pointer}/id", f"there is no segment {segment_id}")
        if rule.get("limit"):
            raise RuleError(f"{pointer}/id", f"segment {segment_id} has a limit, so that it cannot be part of another")
        return _Reader(self._matrix, (*self._within, segment_id)).rule(rule, pointer)

    def _value(self, leaf: Rule, pointer: str) -> str:
        left, operator = leaf.get("leftValue"), leaf.get("operator")
        if not isinstance(left, Mapping) or not isinstance(operator, Mapping):
            raise RuleError(pointer, "needs leftValue and operator")
        if "aggregation" in left or "source" in left:
            return self._behavior(left, operator, pointer)
        name = str(left.get("name", ""))
        column = Column.of(name, self._matrix.columns, "a", f"{pointer}/leftValue/name")
        return applied(column, operator, leaf.get("arrayMatching"), self._matrix.timezone, f"{pointer}/operator")

    def _behavior(self, left: Rule, operator: Rule, pointer: str) -> str:
        source = left.get("source")
        name = str(source.get("name")) if isinstance(source, Mapping) else ""
        table = self._matrix.behaviors.get(name)
        if table is None:
            raise RuleError(f"{pointer}/leftValue/source/name", f"there is no behavior {name!r}")
        wheres = [f"b.{quoted(table.key)} = a.{quoted(table.customer_key)}"]
        wheres += self._filters(left.get("filter"), table, f"{pointer}/leftValue/filter")
        wheres += _window(left.get("window"), table, f"{pointer}/leftValue/window")
        expression, kind = _aggregate(left.get("aggregation"), table, f"{pointer}/leftValue/aggregation")
        found = f"(SELECT {expression} FROM {quoted(name)} AS b WHERE {' AND '.join(wheres)})"
        return applied(Column(found, kind), operator, None, self._matrix.timezone, f"{pointer}/operator")

    def _filters(self, told: object, table: BehaviorTable, pointer: str) -> list[str]:
        if not told:
            return []
        if not isinstance(told, Mapping) or told.get("type") not in _JOINERS:
            raise RuleError(pointer, "needs the type And or Or")
        parts = []
        for place, one in enumerate(told.get("conditions") or ()):
            at = f"{pointer}/conditions/{place}"
            if (
                not isinstance(one, Mapping)
                or one.get("type") != "Column"
                or not isinstance(one.get("operator"), Mapping)
            ):
                raise RuleError(at, "is no condition on a column")
            column = Column.of(str(one.get("column", "")), table.columns, "b", f"{at}/column")
            parts.append(
                applied(column, one["operator"], one.get("arrayMatching"), self._matrix.timezone, f"{at}/operator")
            )
        return [f"({_JOINERS[told['type']].join(parts)})"] if parts else []


def _window(told: object, table: BehaviorTable, pointer: str) -> list[str]:
    if not told:
        return []
    match told:
        case {"type": "TimeSliding", "duration": Mapping() as duration}:
            if "time" not in table.columns:
                raise RuleError(pointer, "the behavior has no column 'time'")
            return [f'b."time" BETWEEN TD_SCHEDULED_TIME() - {span_s(duration, pointer)} AND TD_SCHEDULED_TIME()']
        case _:
            raise RuleError(pointer, "only TimeSliding with a duration is supported by the embedded service")


def _aggregate(told: object, table: BehaviorTable, pointer: str) -> tuple[str, str]:
    """The SQL of an aggregation and the type of what it gives."""
    if not isinstance(told, Mapping):
        raise RuleError(pointer, "is missing")
    kind, name = told.get("type"), told.get("column")
    if kind == "Count" and not name:
        return "COUNT(*)", "long"
    column = Column.of(str(name or ""), table.columns, "b", f"{pointer}/column")
    if kind in {"Count", "CountDistinct"}:
        return f"COUNT({'DISTINCT ' if kind == 'CountDistinct' else ''}{column.sql})", "long"
    if kind in {"First", "Last"}:
        return f'{"MIN_BY" if kind == "First" else "MAX_BY"}({column.sql}, b."time")', column.type
    if kind in _AGGREGATES:
        return f"{_AGGREGATES[kind]}({column.sql})", "double" if kind == "Average" else column.type
    raise RuleError(f"{pointer}/type", f"{kind!r} is not an aggregation")


def _limit(rule: Rule, matrix: Matrix) -> str:
    limit = rule.get("limit")
    if not limit:
        return ""
    order = []
    for place, one in enumerate(limit.get("orderColumns") or ()):
        column = Column.of(str(one.get("column", "")), matrix.columns, "a", f"/limit/orderColumns/{place}/column")
        order.append(f"{column.sql} {'DESC' if one.get('order') == 'descending' else 'ASC'}")
    by = f" ORDER BY {', '.join(order)}" if order else ""
    if limit.get("type") != "Count":
        raise RuleError("/limit/type", f"{limit.get('type')!r} is not supported by the embedded service; use Count")
    return f"{by} LIMIT {whole(limit.get('number'), '/limit/number')}"
