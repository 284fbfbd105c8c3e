"""Rules of a project: data, compiled into comparisons. Nothing that a rule says is run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, Final

from pydantic import BaseModel

from reconciler.model.patterns import pattern
from reconciler.model.policy import Operator, Selector, UserRule
from reconciler.model.resource import Resource
from reconciler.model.secret import MASK, Secret
from reconciler.policy.rules import Declared, Found, Rule

_ABSENT: Final = object()


def compiled(rule: UserRule) -> Rule:
    """*rule* as a rule like those that tdr brings."""
    return Rule(
        id=rule.id,
        level=rule.severity,
        kinds=frozenset(rule.select.kinds),
        summary=rule.message,
        hint=rule.hint,
        check=partial(_check, rule),
    )


def _check(rule: UserRule, resource: Resource, declared: Declared) -> Iterator[Found]:
    del declared
    if not _is_selected(rule.select, resource):
        return
    for path, value in values_at(document(resource), rule.path):
        if not holds(rule.operator, value, rule.value):
            yield Found(path, rule.message)


def _is_selected(select: Selector, resource: Resource) -> bool:
    if select.names and not any(fnmatchcase(resource.address.name, glob) for glob in select.names):
        return False
    return all(fnmatchcase(resource.labels.get(label, ""), glob) for label, glob in select.labels.items())


def document(resource: Resource) -> dict[str, Any]:
    """A resource as plain values under the keys of its document, every secret hidden."""
    return {
        "kind": resource.address.kind,
        "metadata": {"name": resource.address.name, "labels": dict(resource.labels)},
        "spec": _plain(resource.spec),
        "lifecycle": _plain(resource.lifecycle),
    }


def _plain(value: Any) -> Any:
    match value:
        case Secret():
            return MASK
        case BaseModel():
            return {
                field.alias or name: _plain(below)
                for name, field in type(value).model_fields.items()
                if (below := getattr(value, name)) is not None
            }
        case Mapping():
            return {str(key): _plain(below) for key, below in value.items()}
        case list() | tuple():
            return [_plain(below) for below in value]
        case _:
            return value


def values_at(tree: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Each value at *path* with its own pointer; ``*`` stands for every entry. One that is not there is told once."""
    reached = [("", tree)]
    for part in path.split("/")[1:]:
        reached = [step for at, value in reached for step in _below(at, value, part)]
    yield from reached


def _below(at: str, value: Any, part: str) -> Iterator[tuple[str, Any]]:
    if part == "*":
        entries = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
        yield from ((f"{at}/{_escaped(str(key))}", below) for key, below in entries)
        return
    name = part.replace("~1", "/").replace("~0", "~")
    if isinstance(value, list):
        has = name.isdecimal() and int(name) < len(value)
        yield f"{at}/{part}", value[int(name)] if has else _ABSENT
    else:
        yield f"{at}/{part}", value.get(name, _ABSENT) if isinstance(value, Mapping) else _ABSENT


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def holds(operator: Operator, value: Any, said: Any) -> bool:
    """Whether *value* stands the comparison with what the rule says, which is text where a document has a number or a flag.

    What is not there stands every comparison but `exists`, `eq`, `in` and `matches`, which ask for it.
    """
    if operator is Operator.EXISTS:
        return (value is not _ABSENT) is (str(said).lower() != "false")
    if value is _ABSENT:
        return operator not in (Operator.EQ, Operator.IN, Operator.MATCHES)
    return _COMPARISONS[operator](value, said)


def _alike(value: Any, said: Any) -> bool:
    if isinstance(value, bool):
        return str(said).lower() == str(value).lower()
    if isinstance(value, int | float):
        number = _number(said)
        return number is not None and float(value) == number
    return bool(value == said)


def _number(said: Any) -> float | None:
    try:
        return float(said)
    except (TypeError, ValueError):
        return None


def _ordered(compare: Callable[[float, float], bool]) -> Callable[[Any, Any], bool]:
    """A comparison of numbers; what is no number does not stand it."""

    def compared(value: Any, said: Any) -> bool:
        one, other = _number(value), _number(said)
        return one is not None and other is not None and compare(one, other)

    return compared


def _sized(compare: Callable[[float, float], bool]) -> Callable[[Any, Any], bool]:
    def compared(value: Any, said: Any) -> bool:
        most = _number(said)
        return isinstance(value, str | Sequence | Mapping) and most is not None and compare(len(value), most)

    return compared


def _matches(value: Any, said: Any) -> bool:
    return pattern(str(said)).isinstance_python(value if isinstance(value, str) else str(value))


_COMPARISONS: Final[Mapping[Operator, Callable[[Any, Any], bool]]] = {
    Operator.EQ: _alike,
    Operator.NE: lambda value, said: not _alike(value, said),
    Operator.IN: lambda value, said: any(_alike(value, one) for one in said),
    Operator.NOT_IN: lambda value, said: not any(_alike(value, one) for one in said),
    Operator.MATCHES: _matches,
    Operator.NOT_MATCHES: lambda value, said: not _matches(value, said),
    Operator.LT: _ordered(lambda one, other: one < other),
    Operator.LE: _ordered(lambda one, other: one <= other),
    Operator.GT: _ordered(lambda one, other: one > other),
    Operator.GE: _ordered(lambda one, other: one >= other),
    Operator.MIN_LENGTH: _sized(lambda one, other: one >= other),
    Operator.MAX_LENGTH: _sized(lambda one, other: one <= other),
}
