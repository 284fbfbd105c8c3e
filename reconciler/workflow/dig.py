"""The language of ``.dig`` files: YAML with ordered tasks, other files put in by ``!include``, and no surprises.

Source: digdag reads numbers, ``true``, ``false`` and null as JSON does and all other plain text as text, so that ``10:30:00``
is no number of seconds. Its examples put files in by ``!include : path``, several times in one block.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

SUFFIX: Final = ".dig"
LARGEST_BYTES: Final = 1024 * 1024
_DEEPEST: Final = 60
_MOST_VALUES: Final = 50_000
_INCLUDE: Final = "!include"
_NESTED_INCLUDES: Final = 10
_PLAIN: Final = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "null", "bool", "int", "float", "map", "seq"))

ReadFile = Callable[[str], "bytes | None"]
"""The content of a file of the project by its path, None when there is none."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file, both counted from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class DigError(ValueError):
    """A file that cannot be read as a workflow. *reason* is without the place, *hint* what to do, or ""."""

    def __init__(self, mark: Mark, reason: str, hint: str = "") -> None:
        super().__init__(f"{mark}: {reason}")
        self.mark = mark
        self.reason = reason
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Dig:
    """One workflow. *tree* keeps the order of the file; *marks* are those of its keys by the path of keys to them."""

    tree: Mapping[str, Any]
    marks: Mapping[tuple[str, ...], Mark]

    @property
    def lines(self) -> dict[tuple[str, ...], int]:
        """The lines of the keys."""
        return {keys: mark.line for keys, mark in self.marks.items()}


def read(path: str, file: ReadFile) -> Dig:
    """The workflow in the file *path* of a project.

    Raises:
        DigError: with the place.
    """
    reader = _Reader(file)
    tree = reader.mapping(path, ())
    return Dig(tree, reader.marks)


def is_workflow(path: str) -> bool:
    """Whether the file at *path* is a workflow of its project: those in the project's own folder are."""
    return path.endswith(SUFFIX) and "/" not in path and len(path) > len(SUFFIX)


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - as in its base


for _tag, _pattern, _first in (
    ("bool", r"^(?:true|false)$", "tf"),
    ("null", r"^(?:null|~|)$", "n~\0"),
    ("int", r"^-?(?:0|[1-9][0-9]*)$", "-0123456789"),
    ("float", r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)$", "-0123456789"),
):
    _firsts: list[str] = [one if one != "\0" else "" for one in _first]
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _firsts)


class _Reader:
    def __init__(self, file: ReadFile) -> None:
        self._file = file
        self._values = 0
        self._open: list[str] = []
        self.marks: dict[tuple[str, ...], Mark] = {}

    def mapping(self, path: str, below: tuple[str, ...]) -> dict[str, Any]:
        """The mapping that the file at *path* is."""
        start = Mark(path, 1, 1)
        if path in self._open:
            raise DigError(start, f"the file includes itself by way of {' and '.join(self._open)}")
        if len(self._open) >= _NESTED_INCLUDES:
            raise DigError(start, f"more than {_NESTED_INCLUDES} files include one another")
        self._open.append(path)
        node = self._composed(path)
        if node is None or (isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null")):
            raise DigError(start, "the file is empty")
        if not isinstance(node, yaml.MappingNode):
            raise DigError(start, "the file is no mapping of names to values")
        tree = self._mapping(node, path, below, 0)
        self._open.pop()
        return tree

    def _composed(self, path: str) -> yaml.Node | None:
        start = Mark(path, 1, 1)
        content = self._file(path)
        if content is None:
            raise DigError(start, "there is no such file in the project")
        if len(content) > LARGEST_BYTES:
            raise DigError(start, f"the file has more than {LARGEST_BYTES:,} bytes")
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise DigError(start, f"the file is not UTF-8: byte {error.start}") from error
        try:
            node: yaml.Node | None = yaml.compose(text, _Loader)
        except yaml.MarkedYAMLError as error:
            _refuse_odd_blanks(text, path)
            place = error.problem_mark or error.context_mark
            mark = start if place is None else Mark(path, place.line + 1, place.column + 1)
            raise DigError(mark, error.problem or error.context or "is no YAML", _hint(text, mark)) from error
        except (yaml.YAMLError, RecursionError) as error:
            raise DigError(start, "the file is no YAML") from error
        return node

    def _value(self, node: yaml.Node, path: str, below: tuple[str, ...], depth: int) -> Any:
        mark = _mark(node, path)
        # Counted as it unfolds: aliases of aliases make a small file a large one.
        self._values += 1
        if self._values > _MOST_VALUES:
            raise DigError(mark, f"the workflow has more than {_MOST_VALUES:,} values")
        if depth > _DEEPEST:
            raise DigError(mark, f"values stand in one another more than {_DEEPEST} deep")
        if node.tag not in _PLAIN:
            raise DigError(mark, f"the tag {node.tag!r} means nothing here", _include_hint(node.tag))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, below, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(one, path, (*below, str(place)), depth + 1) for place, one in enumerate(node.value)]
        return _scalar(node, mark)

    def _mapping(self, node: yaml.MappingNode, path: str, below: tuple[str, ...], depth: int) -> dict[str, Any]:
        tree: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            mark = _mark(key_node, path)
            if key_node.tag == _INCLUDE:
                for key, value in self._included(value_node, path, below).items():
                    tree.setdefault(key, value)
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                raise DigError(mark, "a name is text")
            if key_node.tag.startswith("!"):
                raise DigError(mark, f"the tag {key_node.tag!r} means nothing here", _include_hint(key_node.tag))
            key = str(key_node.value)
            if key[:1].isspace():
                raise DigError(mark, f"the line is indented with U+{ord(key[0]):04X}", "indent with blanks")
            if key in first:
                raise DigError(mark, f"`{key}` is there twice, first in line {first[key]}", "rename or remove one")
            first[key] = mark.line
            self.marks.setdefault((*below, key), mark)
            tree[key] = self._value(value_node, path, (*below, key), depth + 1)
        return tree

    def _included(self, node: yaml.Node, path: str, below: tuple[str, ...]) -> dict[str, Any]:
        wanted = str(node.value) if isinstance(node, yaml.ScalarNode) else ""
        parts = wanted.split("/")
        if not wanted or wanted.startswith("/") or ".." in parts or "\\" in wanted or ":" in wanted:
            raise DigError(_mark(node, path), "an included file is named by its path inside the project")
        return self.mapping(wanted, below)


def _scalar(node: yaml.Node, mark: Mark) -> Any:
    text, kind = str(node.value), node.tag.rpartition(":")[2]
    match kind:
        case "str":
            return text
        case "null":
            return None
        case "bool":
            return text == "true"
        case "int" if len(text) < 20:
            return int(text)
        case "float":
            return float(text)
        case _:
            raise DigError(mark, f"{kind} is no value of a workflow")


def _refuse_odd_blanks(text: str, path: str) -> None:
    """Of a file that is no YAML, say when the reason may be blanks that are none."""
    for number, line in enumerate(text.split("\n"), start=1):
        indent = line[: len(line) - len(line.lstrip())]
        odd = next((one for one in indent if one not in " \r"), None)
        if odd is not None:
            name = "a tab" if odd == "\t" else f"U+{ord(odd):04X}"
            raise DigError(
                Mark(path, number, indent.index(odd) + 1), f"the line is indented with {name}", "indent with blanks"
            )


def _hint(text: str, mark: Mark) -> str:
    """What a task at the wrong indent should stand at: that of the task before it which is no deeper."""
    lines = text.split("\n")
    line = lines[mark.line - 1] if mark.line <= len(lines) else ""
    if not line.lstrip().startswith("+"):
        return ""
    indent = len(line) - len(line.lstrip())
    before = [len(one) - len(one.lstrip()) for one in lines[: mark.line - 1] if one.lstrip().startswith("+")]
    expected = sorted({one for one in before if one != indent})
    return (
        f"tasks before it stand at {' or '.join(map(str, expected))} blanks, this one at {indent}" if expected else ""
    )


def _include_hint(tag: str) -> str:
    return "write `!include : path`, with a blank before the colon" if tag.startswith("!include") else ""


def _mark(node: yaml.Node, path: str) -> Mark:
    return Mark(path, node.start_mark.line + 1, node.start_mark.column + 1)
