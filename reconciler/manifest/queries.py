"""Queries that do not parse, told at the line of the manifest or of the SQL file.

What was looked at once is remembered by the digest of its text, so that an unchanged project never loads the parser.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from reconciler.diagnostics import Diagnostic, Position, Severity
from reconciler.manifest.cache import replace_file
from reconciler.manifest.findings import Findings, Place
from reconciler.manifest.pointers import pointer
from reconciler.manifest.shapes import fields_of, models_in
from reconciler.manifest.source import Source
from reconciler.manifest.sql_parsing import SqlProblem, sql_problem
from reconciler.model.address import Address
from reconciler.model.kinds import KINDS
from reconciler.model.queries import SqlSource
from reconciler.model.resource import Resource

FILE_NAME = "queries.json"
FORMAT = 1
"""Grows whenever the same text would give another answer."""
MOST_AT_ONCE = 200
"""New texts that a plan parses; of more it parses none, for that takes the parser about a millisecond each."""
_MEND = "look at what stands before the mark, too: parsers tell where they gave up"
_HINT = "tdr reads SQL with a parser that is not the vendor's; if Treasure Data runs the query, it may stay as it is"


class QueryCheck:
    """Checks the queries of one load.

    severity: of a text that does not parse; an error where this parser runs it.
    most: of more texts than this that no earlier run has parsed, none is. None for no bound.
    forgets: whether this load has all queries, so that what it does not have need not be remembered.
    """

    def __init__(
        self, findings: Findings, folder: Path | None, severity: Severity, most: int | None, *, forgets: bool = True
    ) -> None:
        """Read what an earlier run left in *folder*; None remembers nothing."""
        self._findings = findings
        self._severity = severity
        self._most = most
        self._file = folder / FILE_NAME if folder else None
        self._stored = _read(self._file) if self._file else {}
        self._current: dict[str, Any] = {} if forgets else dict(self._stored)

    def check(self, resources: Mapping[Address, Resource], places: Mapping[Address, Place]) -> None:
        """Tell every query that does not parse."""
        found = [
            (_key(source), address, path, source)
            for address, resource in resources.items()
            for path, source in sources_of(resource)
            if (source.sql or "").strip()
        ]
        new = sum(key not in self._stored for key, *_ in found)
        parses_new = self._most is None or new <= self._most
        for key, address, path, source in found:
            if key not in self._stored and not parses_new:
                continue
            problem = self._problem(key, source)
            if problem is not None:
                self._tell(problem, address, places[address], path, source)
        self._save()

    def _problem(self, key: str, source: SqlSource) -> SqlProblem | None:
        if key in self._stored:
            kept = self._current[key] = self._stored[key]
            return SqlProblem(*kept) if kept else None
        problem = sql_problem(source.sql or "", source.engine)
        self._current[key] = [problem.message, problem.line, problem.column, problem.near] if problem else None
        return problem

    def _tell(self, problem: SqlProblem, address: Address, place: Place, path: str, source: SqlSource) -> None:
        message = f"the SQL does not parse: {problem.message}"
        hint = _MEND if self._severity is Severity.ERROR else _HINT
        if source.file is not None:
            told = Source(source.file, source.sql or "").finding(
                "sql-syntax", message, problem.line, problem.column, severity=self._severity, hint=hint
            )
            self._findings.extend([replace(told, subject=str(address), path=f"{path}/file")])
            return
        where = place.position(f"{path}/sql")
        source_file = place.written(f"{path}/sql")[0].file
        at = inside(source_file.source, where, source.sql or "", problem.line, problem.column)
        if at is None:
            # Folded lines and variables: what stands there may not be in the file at all.
            message = f"the SQL does not parse: line {problem.line} of the query is not understood"
            at = where
        frame = place.frame(at)
        told = Diagnostic("sql-syntax", message, self._severity, at, str(address), f"{path}/sql", hint, frame)
        self._findings.extend([told])

    def _save(self) -> None:
        """Replace what is stored by what this run used, if that differs. Failing to write is no failure."""
        if self._file is None or self._current.keys() == self._stored.keys():
            return
        with contextlib.suppress(OSError):
            replace_file(self._file, orjson.dumps({"format": _format(), "queries": self._current}))


def _key(source: SqlSource) -> str:
    text = f"{source.engine.value}\n{source.sql}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def unparsed(resource: Resource) -> str:
    """Why a query of *resource* does not parse, or "" when all do."""
    sources = (source for _, source in sources_of(resource) if (source.sql or "").strip())
    problems = (sql_problem(source.sql or "", source.engine) for source in sources)
    return next((f"the SQL does not parse: {problem.message}" for problem in problems if problem is not None), "")


def inside(source: Source, value: Position, text: str, inner: int, column: int) -> Position | None:
    """Where line *inner* and *column* of the *text* at *value* stand in the file; None when it is not written line by line."""
    written = text.split("\n")[inner - 1]
    # A block begins in the line below its indicator, any other text at once.
    for line in (value.line + inner, value.line + inner - 1):
        begin = source.line(line).find(written, value.column - 1 if line == value.line else 0)
        if written.strip() and begin >= 0:
            return Position(value.file, line, begin + column)
    return None


def sources_of(resource: Resource) -> Iterator[tuple[str, SqlSource]]:
    """The queries of *resource*, each with the pointer to where it stands in the document."""
    for path, attributes in _ways(resource.address.kind):
        found: object = resource.spec
        for attribute in attributes:
            found = getattr(found, attribute, None)
        if isinstance(found, SqlSource):
            yield path, found


@cache
def _ways(kind: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Pointers and attributes that lead to the queries of a spec of *kind* (lower case)."""
    ways = (way for name, spec in KINDS.items() if name.lower() == kind for way in _ways_in(spec, "/spec", ()))
    return tuple(dict.fromkeys(ways))


def _ways_in(annotation: object, path: str, attributes: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for model in models_in(annotation):
        if issubclass(model, SqlSource):
            yield path, attributes
            continue
        names = {field.alias or name: name for name, field in model.model_fields.items()}
        for key, field in fields_of(model).items():
            yield from _ways_in(field.annotation, path + pointer(key), (*attributes, names[key]))


def _format() -> str:
    """Of what is remembered: another parser may give other answers, and this tells it apart without loading it."""
    found = importlib.util.find_spec("sqlglot")
    origin = Path(found.origin) if found and found.origin else None
    return f"{FORMAT} {origin.stat().st_mtime_ns if origin else ''}"


def _read(file: Path) -> Mapping[str, Any]:
    try:
        stored = orjson.loads(file.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    is_ours = isinstance(stored, dict) and stored.get("format") == _format() and isinstance(stored.get("queries"), dict)
    return {key: kept for key, kept in stored["queries"].items() if _is_answer(kept)} if is_ours else {}


def _is_answer(kept: object) -> bool:
    return kept is None or (isinstance(kept, list) and [type(part) for part in kept] == [str, int, int, str])
