"""How one CSV file is written: its separator and columns, read from its first line and not guessed from its rows."""

from __future__ import annotations

import csv
import gzip
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import Permanent

SEPARATORS = (",", "\t", ";", "|")
LONGEST_HEADER = 1_000_000
"""Bytes; more without a line break is no CSV."""


@dataclass(frozen=True, slots=True)
class CsvShape:
    """Files of one shape are read as one."""

    separator: str
    columns: tuple[str, ...]

    def reader(self, files: str) -> str:
        """SQL that reads *files*, an SQL list, all values as text."""
        columns = ", ".join(f"{_quoted(name)}: 'VARCHAR'" for name in self.columns)
        return (
            f"read_csv({files}, auto_detect = false, header = true, strict_mode = true, delim = {_quoted(self.separator)}, "
            f"quote = '\"', escape = '\"', columns = {{{columns}}}, hive_partitioning = false)"
        )


def csv_shape(file: Path, name: str) -> CsvShape:
    """Look at the first line of *file*, called *name* in messages.

    Raises:
        Permanent: it is empty, not UTF-8, or its first line names no column, one twice, or a person.
    """
    try:
        header = _first_record(file)
    except UnicodeDecodeError:
        raise Permanent(f"file `{name}`, line 1: it is not UTF-8", hint="save it as UTF-8") from None
    except (csv.Error, gzip.BadGzipFile, EOFError) as error:
        raise Permanent(f"file `{name}`, line 1: it cannot be read as csv: {type(error).__name__}") from None
    separator, columns = header
    if not any(columns):
        raise Permanent(f"file `{name}` is empty", hint="a CSV file begins with a line of column names")
    if "" in columns:
        raise Permanent(f"file `{name}`, line 1: column {columns.index('') + 1} has no name")
    addresses = [number for number, column in enumerate(columns, 1) if "@" in column]
    if addresses:
        # Of a customer, most likely: as the name of a column it would be shown and kept.
        raise Permanent(
            f"file `{name}`, line 1: column {addresses[0]} is named like an e-mail address",
            hint="a CSV file begins with a line of column names",
        )
    folded = [column.casefold() for column in columns]
    twice = sorted({column for column in columns if folded.count(column.casefold()) > 1})
    if twice:
        raise Permanent(f"file `{name}`, line 1: column {twice[0]!r} stands there twice")
    return CsvShape(separator, tuple(columns))


def _first_record(file: Path) -> tuple[str, list[str]]:
    with ExitStack() as opened:
        raw = opened.enter_context(file.open("rb"))
        lines = opened.enter_context(gzip.GzipFile(fileobj=raw)) if file.suffix.lower() == ".gz" else raw
        # Lines are decoded one by one: bytes further down are no matter of the header's.
        header = lines.readline(LONGEST_HEADER).decode("utf-8-sig")
        separator = max(SEPARATORS, key="".join(header.split('"')[::2]).count)
        while header.count('"') % 2 and (more := lines.readline(LONGEST_HEADER)):  # a quoted name may hold line breaks
            header += more.decode()
        return separator, next(csv.reader(header.splitlines(keepends=True), delimiter=separator, strict=True), [])


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
