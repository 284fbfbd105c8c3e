"""YAML of other tools, read and written as YAML 1.2 says: ``NO`` is text there, and 012 a number.

PyYAML reads YAML 1.1; its resolvers are exchanged for those of the core schema, https://yaml.org/spec/1.2.2/#103-core-schema.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Final

import yaml

from reconciler.model.json import Json

_INT: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_CONSTANTS: Final = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class Unreadable(ValueError):
    """A text that is no YAML, or has what JSON cannot hold. The message names the line and shows no content."""


class _Core(yaml.SafeLoader):
    """Untagged plain scalars by the core schema, anything tagged refused."""


def read(text: str) -> Json:
    """The one document in *text*.

    Raises:
        Unreadable: it is no single document of mappings, sequences and scalars, or a key is there twice.
    """
    try:
        return yaml.load(text, _Core)  # type: ignore[no-any-return]  # noqa: S506 - a SafeLoader with fewer types
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(f"line {mark.line + 1 if mark else 1}: {error.problem or 'no YAML'}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise Unreadable(f"it is no YAML ({type(error).__name__})") from None


def written(value: Json) -> str:
    """*value* as YAML that every reader takes for the same: all text of values in quotes."""
    return yaml.dump(_quoted(value), Dumper=_Writer, sort_keys=False, allow_unicode=True, width=10_000)


class _Text(str):
    __slots__ = ()


class _Writer(yaml.SafeDumper):
    """Text in double quotes, nothing by reference."""

    def ignore_aliases(self, data: object) -> bool:
        del data
        return True


def _quoted(value: Json) -> Any:
    match value:
        case str():
            return _Text(value)
        case Mapping():
            return {key: _quoted(one) for key, one in value.items()}
        case Sequence():
            return [_quoted(one) for one in value]
        case _:
            return value


_Writer.add_representer(_Text, lambda writer, text: writer.represent_scalar("tag:yaml.org,2002:str", text, style='"'))


def _scalar(_: _Core, node: yaml.ScalarNode) -> Json:
    value = str(node.value)
    if node.style is not None:
        return value
    if value in _CONSTANTS:
        return _CONSTANTS[value]
    if _INT.fullmatch(value):
        return int(value, {"0o": 8, "0x": 16}.get(value[:2], 10)) if value[:1] == "0" else int(value)
    return float(value) if _FLOAT.fullmatch(value) else value


def _mapping(loader: _Core, node: yaml.MappingNode) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key: Hashable = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise yaml.constructor.ConstructorError(None, None, "a key is no text", key_node.start_mark)
        if key in told:
            raise yaml.constructor.ConstructorError(None, None, "a key is there twice", key_node.start_mark)
        told[key] = loader.construct_object(value_node, deep=True)
    return told


def _sequence(loader: _Core, node: yaml.SequenceNode) -> list[Any]:
    return loader.construct_sequence(node, deep=True)


def _refused(_: _Core, node: yaml.Node) -> Json:
    raise yaml.constructor.ConstructorError(None, None, f"the tag {node.tag} is not known", node.start_mark)


_Core.yaml_implicit_resolvers = {}
_Core.yaml_constructors = {
    "tag:yaml.org,2002:str": _scalar,
    "tag:yaml.org,2002:map": _mapping,
    "tag:yaml.org,2002:seq": _sequence,
    None: _refused,
}
