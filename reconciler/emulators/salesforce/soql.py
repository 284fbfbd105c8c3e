"""A small part of SOQL: fields and parents' fields, WHERE, ORDER BY, LIMIT, COUNT(). Source: SOQL reference."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.emulators.salesforce import ids
from reconciler.emulators.salesforce.records import Record
from reconciler.emulators.salesforce.schema import Column, SObject
from reconciler.model.json import Json

if TYPE_CHECKING:
    from reconciler.emulators.salesforce.world import World

_TOKEN = re.compile(r"\s*('(?:[^'\\]|\\.)*'|!=|<>|<=|>=|[=<>(),]|[^\s=<>!(),']+)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_DIGITS = 9  # of how many rows are asked for
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")

Test = Callable[[Record], bool]


class SoqlError(Exception):
    """The question is none, with Salesforce's code."""

    def __init__(self, code: str, message: str) -> None:
        """Hold both."""
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Path:
    """A field of the object, or of the parent that *lookup* names."""

    column: Column
    lookup: Column | None = None

    @property
    def name(self) -> str:
        """As results have it."""
        return f"{self.lookup.relationship}.{self.column.name}" if self.lookup else self.column.name


@dataclass(slots=True)
class Query:
    """What was asked for, and the records that were found."""

    world: World
    sobject: SObject
    paths: Sequence[Path]
    counts: bool
    records: list[Record]

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in the order of the question."""
        return [path.name for path in self.paths]

    def flat(self) -> list[dict[str, Json]]:
        """A row a record, parents' fields by their dotted names."""
        return [{path.name: value(self.world, path, one) for path in self.paths} for one in self.records]

    def nested(self, version: str) -> list[dict[str, Json]]:
        """As REST tells it."""
        return [self._nested(one, version) for one in self.records]

    def _nested(self, record: Record, version: str) -> dict[str, Json]:
        base = f"/services/data/v{version}/sobjects"
        told: dict[str, Json] = {
            "attributes": {"type": self.sobject.name, "url": f"{base}/{self.sobject.name}/{record.id}"}
        }
        parents: dict[str, dict[str, Json]] = {}
        for path in self.paths:
            if path.lookup is None:
                told[path.column.name] = value(self.world, path, record)
                continue
            name = path.lookup.relationship or ""
            parent = parent_of(self.world, path.lookup, record)
            if parent is None:
                told[name] = None
                continue
            sobject, found = parent
            attributes = {"type": sobject.name, "url": f"{base}/{sobject.name}/{found.id}"}
            inner = parents.setdefault(name, {"attributes": attributes})
            inner[path.column.name] = found.get(path.column.name)
            told[name] = inner
        return told


def parent_of(world: World, lookup: Column, record: Record) -> tuple[SObject, Record] | None:
    """The record that *lookup* refers to."""
    referred = record.get(lookup.name)
    for name in lookup.to:
        sobject = world.objects.get(name.lower())
        found = world.records.get(sobject, str(referred)) if sobject is not None else None
        if sobject is not None and found is not None:
            return sobject, found
    return None


def value(world: World, path: Path, record: Record) -> Json:
    """What *path* leads to from *record*."""
    if path.lookup is None:
        return record.get(path.column.name)
    parent = parent_of(world, path.lookup, record)
    return parent[1].get(path.column.name) if parent is not None else None


def parsed(world: World, text: str, *, deleted: bool = False) -> Query:
    """Answer *text*; *deleted* shows the recycle bin, too.

    Raises:
        SoqlError: it is no question, or not one for this org.
    """
    try:
        return _Parser(world, text, deleted=deleted).query()
    except RecursionError:
        raise SoqlError("MALFORMED_QUERY", "the condition is nested too deeply") from None


class _Parser:
    """Reads a question from left to right."""

    def __init__(self, world: World, text: str, *, deleted: bool) -> None:
        self._world = world
        self._deleted = deleted
        self._tokens: list[str] = []
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None:
                raise SoqlError("MALFORMED_QUERY", f"unexpected token at position {at}")
            self._tokens.append(found[1])
            at = found.end()
        self._at = 0
        self._sobject: SObject

    def query(self) -> Query:
        self._expect("select")
        names = [self._take()]
        if names == ["COUNT"] or names[0].lower() == "count":
            self._expect("(")
            self._expect(")")
            names = []
        while names and self._is(","):
            names.append(self._take())
        self._expect("from")
        told = self._take()
        if told.lower() not in self._world.objects:
            raise SoqlError("INVALID_TYPE", f"sObject type '{told}' is not supported.")
        self._sobject = self._world.objects[told.lower()]
        paths = [self._path(name) for name in names]
        test: Test = self._any() if self._is("where") else lambda _record: True
        found = [one for one in self._world.records.all(self._sobject, deleted=self._deleted) if test(one)]
        self._order(found)
        if self._is("limit"):
            del found[self._number() :]
        if self._is("offset"):
            del found[: self._number()]
        if self._at < len(self._tokens):
            raise SoqlError("MALFORMED_QUERY", f"unexpected token: '{self._tokens[self._at]}'")
        return Query(self._world, self._sobject, paths, not names, found)

    def _order(self, found: list[Record]) -> None:
        if not self._is("order"):
            return
        self._expect("by")
        orders: list[tuple[Path, bool, bool]] = []
        while not orders or self._is(","):
            path = self._path(self._take())
            down = self._is("desc")
            if not down:
                self._is("asc")
            nulls_last = False
            if self._is("nulls"):
                nulls_last = self._is("last")
                if not nulls_last:
                    self._expect("first")
            orders.append((path, down, nulls_last))
        for path, down, nulls_last in reversed(orders):
            full = [one for one in found if value(self._world, path, one) is not None]
            empty = [one for one in found if value(self._world, path, one) is None]
            full.sort(key=lambda one, path=path: _comparable(value(self._world, path, one)), reverse=down)  # type: ignore[misc]
            found[:] = [*full, *empty] if nulls_last else [*empty, *full]

    def _any(self) -> Test:
        tests = [self._every()]
        while self._is("or"):
            tests.append(self._every())
        return lambda record: any(test(record) for test in tests)

    def _every(self) -> Test:
        tests = [self._single()]
        while self._is("and"):
            tests.append(self._single())
        return lambda record: all(test(record) for test in tests)

    def _single(self) -> Test:
        if self._is("not"):
            inner = self._single()
            return lambda record: not inner(record)
        if self._is("("):
            inner = self._any()
            self._expect(")")
            return inner
        path = self._path(self._take())
        negative = self._is("not")
        if negative or self._next() == "in":
            self._expect("in")
            self._expect("(")
            values = [self._literal(path)]
            while self._is(","):
                values.append(self._literal(path))
            self._expect(")")
            among = {_comparable(one) for one in values}
            return lambda record: (_comparable(value(self._world, path, record)) in among) is not negative
        return self._comparison(path, self._take().lower(), self._literal(path))

    def _comparison(self, path: Path, operator: str, wanted: Json) -> Test:
        right = _comparable(wanted)

        def left(record: Record) -> tuple[int, float, str]:
            return _comparable(value(self._world, path, record))

        if operator == "like":
            parts = {"%": ".*", "_": "."}
            like = re.compile("".join(parts.get(one, re.escape(one)) for one in str(wanted).lower()), re.DOTALL)
            return lambda record: like.fullmatch(left(record)[2]) is not None and left(record)[0] == right[0]
        tests: dict[str, Test] = {
            "=": lambda record: left(record) == right,
            "!=": lambda record: left(record) != right,
            "<>": lambda record: left(record) != right,
            "<": lambda record: left(record)[0] == right[0] and left(record) < right,
            "<=": lambda record: left(record)[0] == right[0] and left(record) <= right,
            ">": lambda record: left(record)[0] == right[0] and left(record) > right,
            ">=": lambda record: left(record)[0] == right[0] and left(record) >= right,
        }
        if operator not in tests:
            raise SoqlError("MALFORMED_QUERY", f"unexpected token: '{operator}'")
        return tests[operator]

    def _literal(self, path: Path) -> Json:
        token = self._take()
        if token.startswith("'"):
            text = re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), token[1:-1], flags=re.DOTALL)
            return ids.read(text) or text if path.column.type in {"id", "reference"} else text
        words: dict[str, Json] = {"null": None, "true": True, "false": False}
        if token.lower() in words:
            return words[token.lower()]
        if path.column.type in {"date", "datetime"}:
            return token
        if _NUMBER.fullmatch(token) is None:
            raise SoqlError("MALFORMED_QUERY", f"unexpected token: '{token}'")
        return float(token)

    def _path(self, name: str) -> Path:
        relationship, dot, field = name.rpartition(".")
        lookup = self._sobject.by_relationship(relationship) if dot else None
        owner = self._sobject if not dot else self._world.objects.get(lookup.to[-1].lower()) if lookup else None
        column = owner.column(field) if owner is not None else None
        if column is None:
            message = f"No such column '{name}' on entity '{self._sobject.name}'."
            raise SoqlError("INVALID_FIELD", message)
        return Path(column, lookup)

    def _number(self) -> int:
        token = self._take()
        if not token.isdecimal() or len(token) > _DIGITS:
            raise SoqlError("MALFORMED_QUERY", f"unexpected token: '{token}'")
        return int(token)

    def _next(self) -> str:
        return self._tokens[self._at].lower() if self._at < len(self._tokens) else ""

    def _is(self, word: str) -> bool:
        if self._next() != word:
            return False
        self._at += 1
        return True

    def _take(self) -> str:
        if self._at >= len(self._tokens):
            raise SoqlError("MALFORMED_QUERY", "unexpected token: '<EOF>'")
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, word: str) -> None:
        told = self._take()
        if told.lower() != word:
            raise SoqlError("MALFORMED_QUERY", f"unexpected token: '{told}'")


def _comparable(found: Json) -> tuple[int, float, str]:
    """Kind, number, text: texts are compared without regard to case."""
    if found is None:
        return (0, 0, "")
    if isinstance(found, (bool, int, float)):
        return (1, float(found), "")
    return (2, 0, str(found).lower())
