"""Trees built from the YAML parser's events: as quick as the plain loader, and nothing is lost in silence.

Every scalar stays text, or is None; the models give it its type. Nothing in a document is ever executed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias

import orjson
import yaml

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.manifest import characters
from reconciler.manifest.pointers import pointer
from reconciler.manifest.source import Source

Tree: TypeAlias = None | str | list["Tree"] | dict[str, "Tree"]

# 60 uses of an anchor with 1,500 nodes are honest; nine levels of nine are 387 million.
MAX_ALIASED_NODES = 100_000
MAX_DEPTH = 64

_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_CORE = "tag:yaml.org,2002:"
# What these tags ask for, the models decide anyway.
_TEXT_TAGS = frozenset(("!", *(_CORE + name for name in ("str", "int", "float", "bool"))))
_COLLECTION_TAGS = frozenset(("!", _CORE + "map", _CORE + "seq"))
_SQL_KEYS = frozenset(("sql", "query"))
_MERGE_KEY = "<<"
_GLUED_KEY = re.compile(rf"[\w.-]+:(?={characters.ODD_BLANK.pattern})")


@dataclass(frozen=True, slots=True)
class Document:
    """One document: its *tree* as JSON, the *line* its content begins at, and whether any scalar holds ``${``.

    As text, for most of ten thousand documents that did not change nobody asks what is in them.
    """

    text: str
    line: int
    interpolated: bool = False
    _built: Tree = field(default=None, repr=False, compare=False)

    @property
    def tree(self) -> Tree:
        """The tree: the one that was parsed, or else built anew each time."""
        tree: Tree = orjson.loads(self.text) if self._built is None else self._built
        return tree

    @property
    def digest(self) -> str:
        """Equal for equal trees whose keys stand in the same order, 32 hex digits."""
        return hashlib.blake2b(self.text.encode(), digest_size=16).hexdigest()


class GivenUp(Exception):
    """The file is hostile; reading on would cost too much."""


class _Slot(Enum):
    """What a mapping waits for when it is not the value of a key."""

    MERGE = "merge"
    DISCARD = "discard"
    COMPLEX_KEY = "complex key"


class _Frame:
    """A collection being built. *marks* is None in a sequence; *key* waits for its value."""

    __slots__ = ("anchor", "begun_at", "items", "key", "marks", "merged")

    def __init__(self, items: Any, marks: dict[str, Any] | None, anchor: str | None, begun_at: int) -> None:
        self.items = items
        self.marks = marks
        self.key: str | _Slot | None = None
        self.merged: list[dict[str, Tree]] = []
        self.anchor = anchor
        self.begun_at = begun_at

    def awaits_key(self) -> bool:
        return self.marks is not None and self.key is None


class TreeBuilder:
    """Turns the events of one file into *documents* and *problems*."""

    def __init__(self, source: Source) -> None:
        """Start with an empty result."""
        self.documents: list[Document] = []
        self.problems: list[Diagnostic] = []
        self._source = source
        self._is_suspicious = characters.may_hide_something(source.text)
        self._may_interpolate = "${" in source.text
        self._stack: list[_Frame] = []
        self._frame = _Frame([], None, None, 0)
        self._anchors: dict[str, tuple[Tree, int] | None] = {}
        self._nodes = 0
        self._aliased = 0
        self._line = 1
        self._handlers: dict[type, Callable[[Any], None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._start,
            yaml.SequenceStartEvent: self._start,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._start_document,
            yaml.DocumentEndEvent: self._end_document,
        }

    def feed(self, parser: Any) -> None:
        """Take all events of *parser*.

        Raises:
            yaml.YAMLError: the text does not parse; what was read before stays.
            GivenUp: reading on would cost too much; the reason is among the problems.
        """
        handlers = self._handlers
        for event in iter(parser.get_event, None):
            handler = handlers.get(type(event))
            if handler is not None:
                handler(event)

    def _start_document(self, _event: Any) -> None:
        self._frame = _Frame([], None, None, 0)
        self._stack = []
        self._anchors = {}

    def _end_document(self, _event: Any) -> None:
        tree: Tree = self._frame.items[0]
        if tree is not None:
            text = orjson.dumps(tree).decode()
            self.documents.append(Document(text, self._line, self._may_interpolate and mentions(tree), tree))

    def _scalar(self, event: Any) -> None:
        self._nodes += 1
        frame = self._frame
        if frame.marks is not None and frame.key is None:
            self._key(event, frame, frame.marks)
            return
        value = event.value
        if event.tag is not None:
            value = self._tagged(event)
        elif event.implicit[0] and value in _NULLS:
            value = None
        if not self._stack:
            self._line = event.start_mark.line + 1
        if self._is_suspicious and value:
            self._look_at(value, event)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, 1)
        self._add(value, event)

    def _key(self, event: Any, frame: _Frame, marks: dict[str, Any]) -> None:
        key = event.value
        if event.tag is not None and event.tag not in _TEXT_TAGS:
            self._refuse_tag(event)
            frame.key = _Slot.DISCARD
            return
        if key in marks:
            first, second = marks[key].line + 1, event.start_mark.line + 1
            message = f"key `{key}` is written twice, in lines {first} and {second}"
            self._problem(
                "duplicate-key", message, event, (*self._path(), key), "only one of them can hold; remove the other"
            )
            frame.key = _Slot.DISCARD
            return
        marks[key] = event.start_mark
        frame.key = _Slot.MERGE if key == _MERGE_KEY and event.implicit[0] else key
        if event.anchor is not None:
            self._anchors[event.anchor] = (key, 1)
        if self._is_suspicious or not key:
            self._look_at_key(key, event)

    def _start(self, event: Any) -> None:
        self._nodes += 1
        parent = self._frame
        if not self._stack:
            self._line = event.start_mark.line + 1
        if event.tag is not None and event.tag not in _COLLECTION_TAGS:
            self._refuse_tag(event)
        if parent.awaits_key():
            self._problem(
                "key-not-text", "a key is text, not a list or a mapping", event, hint="quote the key if it is text"
            )
            parent.key = _Slot.COMPLEX_KEY
        if len(self._stack) >= MAX_DEPTH:
            self._problem("too-deep", f"is nested deeper than {MAX_DEPTH} levels", event)
            raise GivenUp
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._stack.append(parent)
        is_mapping = type(event) is yaml.MappingStartEvent
        self._frame = _Frame({} if is_mapping else [], {} if is_mapping else None, event.anchor, self._nodes)

    def _end(self, event: Any) -> None:
        frame = self._frame
        items = frame.items
        if frame.merged:
            # What is written here wins over what is merged; of several merged mappings the first wins.
            items = {key: value for source in reversed(frame.merged) for key, value in source.items()} | items
        self._frame = self._stack.pop()
        if frame.anchor is not None:
            self._anchors[frame.anchor] = (items, self._nodes - frame.begun_at + 1)
        self._add(items, event)

    def _alias(self, event: Any) -> None:
        name = event.anchor
        known = self._anchors.get(name)
        if self._frame.awaits_key():
            self._problem("key-not-text", f"`*{name}` cannot be a key", event, hint="write the key itself")
            self._frame.key = _Slot.DISCARD
            return
        if known is None:
            if name in self._anchors:
                self._problem("alias-in-itself", f"`*{name}` stands inside the block that it repeats", event)
            else:
                message = f"`*{name}` repeats a block, and no block above is marked `&{name}`"
                self._problem("undefined-alias", message, event, hint=f'if it is text, quote it: "*{name}"')
            self._add(None, event)
            return
        value, size = known
        self._nodes += size
        self._aliased += size
        if self._aliased > MAX_ALIASED_NODES:
            message = f"aliases repeat more than {MAX_ALIASED_NODES:,} values"
            self._problem("alias-bomb", message, event, hint="write the values once, or split the file")
            raise GivenUp
        self._add(value, event)

    def _add(self, value: Tree, event: Any) -> None:
        frame = self._frame
        key = frame.key
        if frame.marks is None:
            frame.items.append(value)
        elif type(key) is str:
            frame.items[key] = value
            frame.key = None
        elif key is _Slot.COMPLEX_KEY:
            frame.key = _Slot.DISCARD
        else:
            if key is _Slot.MERGE:
                self._merge(frame, value, event)
            frame.key = None

    def _merge(self, frame: _Frame, value: Tree, event: Any) -> None:
        for source in value if isinstance(value, list) else [value]:
            if isinstance(source, dict):
                frame.merged.append(source)
            else:
                self._problem("merge-not-mapping", "`<<` merges mappings only", event, hint="write <<: *name")

    def _tagged(self, event: Any) -> Tree:
        if event.tag == _CORE + "null":
            return None
        if event.tag not in _TEXT_TAGS:
            self._refuse_tag(event)
        text: str = event.value
        return text

    def _refuse_tag(self, event: Any) -> None:
        tag = event.tag.replace(_CORE, "!!")
        if tag.rstrip(":") == "!include":
            self._problem(
                "include-not-supported",
                f"include is not supported: `{tag}`",
                event,
                hint="put the documents into files of their own below the manifests folder, where all files are read; "
                "SQL goes into a file with `file: sql/name.sql`, shared values into ${var:NAME}",
            )
        else:
            hint = "leave the tag out; if it is text, quote it"
            self._problem("unknown-tag", f"tag `{tag}` is not known here", event, hint=hint)

    def _look_at_key(self, key: str, event: Any) -> None:
        odd = [*characters.ODD_BLANK.findall(key), *characters.CONTROL.findall(key)]
        if odd:
            hint = "delete it and type a blank; it often comes with text pasted from a web page"
            message = f"key {key.strip()!a} contains {characters.all_named(odd)}, which is not a blank"
            self._problem("odd-blank", message, event, hint=hint)
        elif not key:
            self._problem("empty-key", "a key is empty", event, hint="write the key before the colon")

    def _look_at(self, value: str, event: Any) -> None:
        path = self._path()
        if event.implicit[0] and (glued := _GLUED_KEY.match(value)):
            odd = value[glued.end()]
            hint = "delete it and type a blank"
            self._problem(
                "odd-blank", f"after `{glued[0]}` stands {characters.named(odd)}, not a blank", event, path, hint
            )
        if found := characters.CONTROL.findall(value):
            hint = "write it in single quotes if the backslash is meant"
            self._notice(
                "control-character", f"contains the control character {characters.all_named(found)}", event, path, hint
            )
        names = [part for part in path if isinstance(part, str)]
        if names and names[-1] in _SQL_KEYS and (found := characters.TYPOGRAPHIC_QUOTE.findall(value)):
            message = f"contains typographic quotes: {characters.all_named(found)}"
            self._notice("typographic-quotes", message, event, path, "SQL quotes names with \" and text with '")

    def _path(self) -> list[str | int]:
        frames = [*self._stack[1:], self._frame] if self._stack else []
        parts: list[str | int] = []
        for frame in frames:
            if frame.marks is None:
                parts.append(len(frame.items))
            elif frame.key is not None:
                parts.append(frame.key if isinstance(frame.key, str) else _MERGE_KEY)
        return parts

    def _problem(
        self, rule: str, message: str, event: Any, path: Iterable[str | int] | None = None, hint: str = ""
    ) -> None:
        mark = event.start_mark
        where = pointer(*(self._path() if path is None else path))
        self.problems.append(self._source.finding(rule, message, mark.line + 1, mark.column + 1, path=where, hint=hint))

    def _notice(self, rule: str, message: str, event: Any, path: Iterable[str | int], hint: str) -> None:
        mark = event.start_mark
        where = pointer(*path)
        name = where.rpartition("/")[2]
        self.problems.append(
            self._source.finding(
                rule,
                f"`{name}` {message}" if name else message,
                mark.line + 1,
                mark.column + 1,
                severity=Severity.NOTICE,
                path=where,
                hint=hint,
            )
        )


def mentions(tree: Tree) -> bool:
    """Whether any scalar of *tree* holds ``${``."""
    if isinstance(tree, str):
        return "${" in tree
    if isinstance(tree, dict):
        return any(mentions(value) for value in tree.values())
    return isinstance(tree, list) and any(mentions(item) for item in tree)
