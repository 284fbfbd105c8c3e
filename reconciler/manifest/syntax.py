"""Strict YAML: the text of a file in, its documents and everything wrong with it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from reconciler.diagnostics import Diagnostic
from reconciler.manifest.source import Source, Undecodable, decode, from_line, undecodable
from reconciler.manifest.tree import Document, GivenUp, TreeBuilder

# libyaml's parser is nine times as quick as PyYAML's own, which stands in where the wheel has no libyaml.
LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a file holds. Documents are there as far as they could be read; empty ones are left out."""

    documents: tuple[Document, ...]
    problems: tuple[Diagnostic, ...] = ()


def read_documents(data: bytes | str, file: str) -> Parsed:
    """Read all documents of a file. Never raises: what is wrong is in *problems*, errors and notices alike."""
    try:
        text = decode(data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass"))
    except Undecodable as error:
        return Parsed((), (undecodable(file, error),))
    return parse(Source(file, text))


def parse(source: Source) -> Parsed:
    """Read all documents of a decoded file; after a syntax error it goes on at the next ``---``."""
    builder = TreeBuilder(source)
    first: int | None = 1
    while first is not None:
        try:
            builder.feed(LOADER(source.text if first == 1 else from_line(source.text, first)))
        except yaml.YAMLError as error:
            # Explaining a mistake takes time and code that a good file never needs.
            from reconciler.manifest.hazards import explain  # noqa: PLC0415

            finding, line = explain(source, first, error)
            builder.problems.append(finding)
            first = _next_document(source, line)
        except GivenUp:
            break
        else:
            break
    return Parsed(tuple(builder.documents), tuple(builder.problems))


def _next_document(source: Source, line: int) -> int | None:
    """The line of the next ``---`` below *line*; None when there is none."""
    following = enumerate(source.lines[line:], start=line + 1)
    return next((number for number, text in following if text.startswith("---")), None)
