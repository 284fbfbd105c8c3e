"""Explains why a text does not parse, in the words of the person who wrote it.

The parser names a rule of its grammar and often a line too late. Here the usual mistakes are recognised, and a correction
is shown only after it was tried: it must carry the parser beyond the line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import yaml

from reconciler.diagnostics import Diagnostic
from reconciler.manifest import characters
from reconciler.manifest.source import Source, from_line
from reconciler.manifest.syntax import LOADER

_ENTRY = re.compile(
    r"^(?P<lead>\s*(?:- +)*(?:(?P<key>'[^']*'|\"[^\"]*\"|[^\s#'\"\[{][^:]*?)\s*:\s+|(?<=- )))(?P<value>\S.*?)(?P<end>\s+#.*|\s*)$"
)
_TOKEN = re.compile(r"(?:\$\{[^}]*\}|[^,\[\]{}])+")
_ITEM = re.compile(r"\s*(?:(?P<key>[^\s:]+):\s+)?(?P<value>\S.*?)\s*")
_REFERENCE = re.compile(r"\$\{[^}]*\}")
# Characters that YAML streams may not hold (YAML 1.1, section 5.1).
_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_SPECIAL = "@`*&!%|>[]{},?-#"


@dataclass(frozen=True, slots=True)
class _Failure:
    """A text that does not parse.

    first: the line that the parser began with.
    line, column: where it stopped.
    begun: the line of what it was reading.
    """

    source: Source
    first: int
    error: yaml.YAMLError
    line: int
    column: int
    begun: int

    def lines(self) -> list[int]:
        """Lines that may hold the mistake, the likeliest first."""
        above = next((n for n in range(self.line - 1, 0, -1) if _has_content(self.source.line(n))), self.line)
        return list(dict.fromkeys((self.begun, self.line, above)))

    def is_cured_by(self, line: int, replacement: str) -> bool:
        """Whether the parser gets beyond the mistake when *line* reads *replacement*."""
        added = max(0, len(replacement) - len(self.source.line(line)))
        return self._end_with(line, replacement) > (self.line, self.column + added)

    def is_left_behind_by(self, line: int, replacement: str) -> bool:
        """Whether the parser gets beyond the whole line of the mistake when *line* reads *replacement*."""
        return self._end_with(line, replacement) > (self.line + 1, 0)

    def _end_with(self, line: int, replacement: str) -> tuple[int, int]:
        """Line and column at which the parser would stop."""
        lines = list(self.source.lines)
        lines += [""] * (line - len(lines))  # a mistake that shows only at the end is placed after the last line
        lines[line - 1] = replacement
        error = _error_of(from_line("\n".join(lines), self.first))
        return (len(lines) + 1, 1) if error is None else _place_of(error)


def explain(source: Source, first: int, error: yaml.YAMLError) -> tuple[Diagnostic, int]:
    """Why *source* does not parse from line *first* on, and the last line concerned."""
    begun = getattr(error, "context_mark", None)
    line, column = _place_of(error)
    failure = _Failure(source, first, error, line, column, begun.line + 1 if begun else line)
    for explanation in _EXPLANATIONS:
        finding = explanation(failure)
        if finding is not None:
            return finding, max(line, failure.begun)
    return _unexplained(failure), line


def _unreadable_character(failure: _Failure) -> Diagnostic | None:
    if not isinstance(failure.error, yaml.reader.ReaderError):
        return None
    hint = 'delete it, or write it as an escape in double quotes, such as "\\x01"'
    for line, text in enumerate(failure.source.lines[failure.first - 1 :], start=failure.first):
        if found := _UNREADABLE.search(text):
            message = f"contains the control character {characters.named(found[0])}"
            return failure.source.finding("control-character", message, line, found.start() + 1, hint=hint)
    return None


def _tab(failure: _Failure) -> Diagnostic | None:
    for line in failure.lines():
        if found := re.match(r" *\t", failure.source.line(line)):
            column = found.end()
            message = f"a tab at line {line} column {column} is used as indentation"
            return failure.source.finding("tab-indentation", message, line, column, hint="use blanks")
    return None


def _odd_blank(failure: _Failure) -> Diagnostic | None:
    for line in failure.lines():
        text = failure.source.line(line)
        if found := re.search(rf"(?:^\s*|[:-]){characters.ODD_BLANK.pattern}", text):
            odd = found[0][-1] if characters.ODD_BLANK.match(found[0][-1]) else found[0].strip(" ")[0]
            column = text.index(odd) + 1
            message = f"{characters.named(odd)} at line {line} column {column} is not a blank"
            hint = "delete it and type a blank; it often comes with text pasted from a web page"
            return failure.source.finding("odd-blank", message, line, column, hint=hint)
    return None


def _open_quote(failure: _Failure) -> Diagnostic | None:
    problem = str(getattr(failure.error, "problem", ""))
    if "unexpected end of stream" not in problem or "quoted scalar" not in str(getattr(failure.error, "context", "")):
        return None
    column = failure.error.context_mark.column + 1  # type: ignore[attr-defined] # set, as the context is
    message = f"the quote opened at line {failure.begun} column {column} is never closed"
    return failure.source.finding("open-quote", message, failure.begun, column, hint="close it where the text ends")


def _open_bracket(failure: _Failure) -> Diagnostic | None:
    mark = getattr(failure.error, "context_mark", None)
    if mark is None or "flow" not in str(getattr(failure.error, "context", "")) or failure.begun == failure.line:
        return None
    bracket = failure.source.line(failure.begun)[mark.column : mark.column + 1]
    closing = "]" if bracket == "[" else "}"
    column = mark.column + 1
    opened = f"`{bracket}` opened at line {failure.begun} column {column}"
    message = f"{opened} needs `,` or `{closing}` before line {failure.line}"
    return failure.source.finding("open-bracket", message, failure.begun, column, hint=f"close it with `{closing}`")


def _too_deep(failure: _Failure) -> Diagnostic | None:
    if "nesting depth" not in str(getattr(failure.error, "problem", "")):
        return None
    return failure.source.finding("too-deep", "is nested too deep", failure.line, failure.column)


def _no_colon(failure: _Failure) -> Diagnostic | None:
    if "expected ':'" not in str(getattr(failure.error, "problem", "")):
        return None
    column = len(_indent_of(failure.source.line(failure.begun))) + 1
    message = f"line {failure.begun} has no colon with a blank behind its key"
    return failure.source.finding("no-colon", message, failure.begun, column, hint="write KEY: VALUE")


def _escape(failure: _Failure) -> Diagnostic | None:
    if "escape" not in str(getattr(failure.error, "problem", "")):
        return None
    message = "in double quotes a backslash begins an escape, and this one is not known"
    hint = "write the text in single quotes, or the backslash twice"
    return failure.source.finding("unknown-escape", message, failure.line, failure.column, hint=hint)


def _unquoted(failure: _Failure) -> Diagnostic | None:
    for line in failure.lines():
        text = failure.source.line(line)
        for start, end, key in _unquoted_spans(text, failure.column - 1 if line == failure.line else None):
            value = text[start:end]
            quoted = quote(value)
            if not failure.is_cured_by(line, text[:start] + quoted + text[end:]):
                continue
            message = f"{f'the value of `{key}`' if key else 'the text'} must be quoted because {_why(value)}"
            hint = f"write {key}: {quoted}" if key else f"write {quoted}"
            if failure.source.is_secretive(line) and not _REFERENCE.fullmatch(value):
                hint = "quote it; a secret is written as ${secret:env:NAME}"
            return failure.source.finding("needs-quotes", message, line, start + 1, hint=hint)
    return None


def _unquoted_spans(text: str, column: int | None) -> Iterator[tuple[int, int, str | None]]:
    """Parts of a line that may be meant as text, each with its key: the whole value, or the item of a flow collection."""
    entry = _ENTRY.match(text)
    if entry is None:
        return
    value = entry["value"]
    if not (value[0] in "[{" and value[-1] in "]}"):
        yield *entry.span("value"), entry["key"]
    elif column is not None:
        for token in _TOKEN.finditer(text, entry.start("value")):
            if token.start() <= column < token.end() and (item := _ITEM.fullmatch(token[0])):
                yield token.start() + item.start("value"), token.start() + item.end("value"), item["key"]


def quote(value: str) -> str:
    """*value* as a YAML scalar in quotes, changed as little as can be."""
    bare = value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value
    if '"' in bare or "\\" in bare:
        return "'" + bare.replace("'", "''") + "'"
    return f'"{bare}"'


def _why(value: str) -> str:
    if "${" in value and value[0] not in _SPECIAL and ": " not in value:
        return "between brackets `{` begins a mapping"
    if value[0] in _SPECIAL:
        return f"it starts with `{value[0]}`"
    if ": " in value or value.endswith(":"):
        return "it contains `: `"
    return "of the quotes in it" if "'" in value or '"' in value else "YAML reads it as something else"


def _wrong_indentation(failure: _Failure) -> Diagnostic | None:
    text = failure.source.line(failure.line)
    content = text.lstrip(" ")
    indent = len(text) - len(content)
    fitting = [
        n for n in _open_indents(failure) if n != indent and failure.is_left_behind_by(failure.line, " " * n + content)
    ]
    if not fitting:
        return None
    message = f"line {failure.line} is indented by {_blanks(indent)}, which fits no block around it"
    expected = ", ".join(str(n) for n in fitting[:-1]) + " or " * (len(fitting) > 1) + str(fitting[-1])
    hint = f"indent it by {expected}, as the lines that it belongs with"
    return failure.source.finding("wrong-indentation", message, failure.line, indent + 1, hint=hint)


def _open_indents(failure: _Failure) -> list[int]:
    """Indents of the blocks that are open above the failing line, the outermost first."""
    indents: list[int] = []
    for text in failure.source.lines[: failure.line - 1]:
        if text.startswith("---"):
            indents = []
        elif _has_content(text):
            indent = len(_indent_of(text))
            item = re.match(r" *(?:- +)+", text)
            while indents and indents[-1] >= indent:
                indents.pop()
            indents += [indent] if item is None else [indent, item.end()]
    return indents


def _unexplained(failure: _Failure) -> Diagnostic:
    problem = getattr(failure.error, "problem", None) or "the text cannot be read"
    context = getattr(failure.error, "context", None)
    began = f", which began in line {failure.begun}" if failure.begun != failure.line else ""
    message = (
        f"the YAML does not parse: {problem} {context}{began}" if context else f"the YAML does not parse: {problem}"
    )
    hint = "look at brackets, quotes and indentation of this line and the one above"
    return failure.source.finding("syntax", message, failure.line, failure.column, hint=hint)


_EXPLANATIONS: tuple[Callable[[_Failure], Diagnostic | None], ...] = (
    _unreadable_character,
    _tab,
    _odd_blank,
    _open_quote,
    _open_bracket,
    _too_deep,
    _escape,
    _unquoted,
    _wrong_indentation,
    _no_colon,
)


def _error_of(text: str) -> yaml.YAMLError | None:
    parser = LOADER(text)
    try:
        for _ in iter(parser.get_event, None):
            pass
    except yaml.YAMLError as error:
        return error
    return None


def _place_of(error: yaml.YAMLError) -> tuple[int, int]:
    mark = getattr(error, "problem_mark", None)
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _has_content(text: str) -> bool:
    stripped = text.strip()
    return bool(stripped) and not stripped.startswith("#")


def _indent_of(text: str) -> str:
    return text[: len(text) - len(text.lstrip(" "))]


def _blanks(count: int) -> str:
    return f"{count} blank" if count == 1 else f"{count} blanks"
