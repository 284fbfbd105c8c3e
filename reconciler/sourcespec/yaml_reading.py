"""Texts of specifications that are YAML, as strictly as JSON is read; and where in either of them a member stands."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from reconciler.model.json import Json
from reconciler.sourcespec.findings import Refused

if TYPE_CHECKING:
    import yaml

_PLAIN: Final = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?|true|false|null")
"""What is no text where it stands without quotes: the words of JSON, and none of the others that YAML 1.1 knows."""
_FORM: Final = "tag:yaml.org,2002:"


def read_yaml(text: str) -> Json:
    """The value that *text* is.

    Raises:
        Refused: it is not YAML, has a member twice, or what JSON has no words for; says where.
    """
    import yaml  # noqa: PLC0415 - most specifications are JSON

    try:
        root = yaml.compose(text.removeprefix("\ufeff"), Loader=yaml.SafeLoader)
        return None if root is None else _value(root, set())
    except RecursionError:
        raise Refused("text", "nested too deep for a specification") from None
    except yaml.MarkedYAMLError as error:
        line, column = _place(error.problem_mark)
        where = f" at line {line}, column {column}" if line else ""
        raise Refused("text", f"not YAML: {error.problem}{where}", "", line, column) from error
    except yaml.YAMLError as error:
        raise Refused("text", "not YAML: a character that no text may have") from error


def positions(text: str) -> dict[str, tuple[int, int]]:
    """Path of a member, such as ``attributes.urlParams`` -> line and column, from 1. {} where they cannot be told.

    JSON is YAML but for tabs, so one reader finds the places in both.
    """
    import yaml  # noqa: PLC0415 - only where there is something to tell

    try:
        root = yaml.compose(text.removeprefix("\ufeff").expandtabs(1), Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError):
        return {}
    found: dict[str, tuple[int, int]] = {}
    if root is not None:
        _note(root, "", found)
    return found


def _note(node: yaml.Node, path: str, found: dict[str, tuple[int, int]]) -> None:
    import yaml  # noqa: PLC0415 - as above

    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            below = f"{path}.{name.value}" if path else str(name.value)
            found.setdefault(below, _place(name.start_mark))
            _note(value, below, found)


def _value(node: yaml.Node, above: set[int]) -> Json:
    import yaml  # noqa: PLC0415 - as above

    line, column = _place(node.start_mark)
    if id(node) in above:
        raise Refused("text", f"an alias at line {line}, column {column}", "write it out", line, column)
    above.add(id(node))
    if isinstance(node, yaml.MappingNode):
        return _members(node, above)
    if isinstance(node, yaml.SequenceNode):
        return [_value(inner, above) for inner in node.value]
    if not node.tag.startswith(_FORM):
        raise Refused("text", f"a tag at line {line}, column {column}", "take it away", line, column)
    if (
        isinstance(node, yaml.ScalarNode)
        and node.style is None
        and (node.value in {"", "~"} or _PLAIN.fullmatch(node.value))
    ):
        word: Json = json.loads(node.value if node.value not in {"", "~"} else "null")
        return word
    return str(node.value)


def _members(node: yaml.MappingNode, above: set[int]) -> Mapping[str, Json]:
    members: dict[str, Json] = {}
    for name, value in node.value:
        line, column = _place(name.start_mark)
        told = _value(name, above)
        if not isinstance(told, str | int | float) or isinstance(told, bool):
            raise Refused("text", f"a name that is no text at line {line}, column {column}", "", line, column)
        if str(name.value) in members:
            message = (
                f"member {name.value!r} stands twice in one object, the second time at line {line}, column {column}"
            )
            raise Refused("text", message, "most readers would lose one of them", line, column)
        members[str(name.value)] = _value(value, above)
    return members


def _place(mark: object) -> tuple[int, int]:
    line, column = getattr(mark, "line", None), getattr(mark, "column", None)
    return (line + 1, column + 1) if isinstance(line, int) and isinstance(column, int) else (0, 0)
