"""Bodies of rows, CSV, JSON or XML, as rows; and rows as CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from xml.etree import ElementTree as ET

import orjson

from reconciler.emulators.salesforce.knobs import Knobs
from reconciler.model.json import Json

DELIMITERS: Final[Mapping[str, str]] = {
    "COMMA": ",",
    "BACKQUOTE": "`",
    "CARET": "^",
    "PIPE": "|",
    "SEMICOLON": ";",
    "TAB": "\t",
}
ENDINGS: Final[Mapping[str, str]] = {"LF": "\n", "CRLF": "\r\n"}
_NULL = "#N/A"
_ANY_SIZE: Final = 2**31 - 1
_DTD = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)


class TableError(Exception):
    """The body is no table; the text is the message of the batch or job."""


@dataclass(slots=True)
class Table:
    """Columns, rows by column name, and the cells as they came."""

    names: Sequence[str]
    rows: list[dict[str, Json]] = field(default_factory=list)
    cells: list[list[str]] = field(default_factory=list)


def within_limits(table: Table, knobs: Knobs) -> Table:
    """*table*, of which no row is more than Salesforce takes.

    Raises:
        TableError: one is.
    """
    if len(table.names) > knobs.record_fields:
        raise TableError(f"InvalidBatch : Exceeded number of columns: {len(table.names)}")
    for row in table.rows:
        sizes = [len(value) for value in row.values() if isinstance(value, str)]
        longest = max(sizes, default=0)
        if longest > knobs.field_characters:
            raise TableError(f"InvalidBatch : Failed to parse CSV. Exceeded max field size: {longest}")
        if sum(sizes) > knobs.record_characters:
            raise TableError(f"InvalidBatch : Failed to parse CSV. Exceeded max record size: {sum(sizes)}")
    return table


def of_csv(body: bytes, *, delimiter: str = "COMMA", ending: str | None = None) -> Table:
    """A CSV file; *ending* says which line ending it must have throughout.

    Raises:
        TableError: it is none.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise TableError("ClientInputError : Failed to read request. Invalid UTF-8") from None
    if ending is not None and text and _other_ending(text, ending):
        raise TableError(
            f"ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {ending}"
        )
    # The limit is one of the whole process, which those who ask may be a part of.
    former = csv.field_size_limit(_ANY_SIZE)
    try:
        read = list(csv.reader(io.StringIO(text, newline=""), delimiter=DELIMITERS[delimiter], strict=True))
    except csv.Error:
        raise TableError("InvalidBatch : Failed to parse CSV. Found unescaped quote") from None
    finally:
        csv.field_size_limit(former)
    lines = [line for line in read if line]
    if not lines:
        return Table(())
    names = lines[0]
    if any(len(line) != len(names) for line in lines[1:]):
        raise TableError("InvalidBatch : Failed to parse CSV. The number of fields differs from the header's")
    return Table(names, [_meant(names, line) for line in lines[1:]], lines[1:])


def _other_ending(text: str, ending: str) -> bool:
    if ending == "LF":
        return "\r" in text
    return "\n" in text.replace("\r\n", "")


def _meant(names: Sequence[str], line: Sequence[str]) -> dict[str, Json]:
    """Empty cells say nothing; one text means null."""
    return {name: None if cell == _NULL else cell for name, cell in zip(names, line, strict=True) if cell}


def of_json(body: bytes) -> Table:
    """A list of objects; parents are objects in them.

    Raises:
        TableError: it is none.
    """
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise TableError("ClientInputError : Failed to parse JSON") from None
    if not isinstance(told, list) or not all(isinstance(one, dict) for one in told):
        raise TableError("ClientInputError : Failed to parse JSON. A list of records is needed")
    rows = [_flat(one) for one in told]
    return Table(list(dict.fromkeys(name for row in rows for name in row)), rows)


def _flat(record: Mapping[str, Json]) -> dict[str, Json]:
    row: dict[str, Json] = {}
    for name, value in record.items():
        if isinstance(value, Mapping):
            inner = {key: one for key, one in value.items() if key != "attributes"}
            row |= {f"{name}.{key}": one for key, one in inner.items()}
        elif name != "attributes":
            row[name] = None if value in ("", _NULL) else value  # which may be a list
    return row


def of_xml(body: bytes) -> Table:
    """``sObjects`` with ``sObject`` in it, of which each element is a field; ``xsi:nil`` is null.

    Raises:
        TableError: it is none.
    """
    try:
        root = ET.fromstring(_harmless(body))  # noqa: S314 - entities are refused
    except ET.ParseError:
        raise TableError("ClientInputError : Failed to parse XML") from None
    rows = []
    for one in root:
        row: dict[str, Json] = {}
        for element in one:
            name = element.tag.rpartition("}")[2]
            parents = [(inner.tag.rpartition("}")[2], inner.text) for outer in element for inner in outer]
            if parents:
                row |= {f"{name}.{key}": value for key, value in parents}
            elif any(key.endswith("}nil") and value == "true" for key, value in element.attrib.items()):
                row[name] = None
            elif element.text:
                row[name] = None if element.text == _NULL else element.text
        rows.append(row)
    return Table(list(dict.fromkeys(name for row in rows for name in row)), rows)


def _harmless(body: bytes) -> bytes:
    if _DTD.search(body):
        raise TableError("ClientInputError : Failed to parse XML. A DTD is not allowed")
    return body


def xml_values(body: bytes) -> dict[str, str]:
    """The children of the root by name; {} for what is no XML."""
    try:
        root = ET.fromstring(_harmless(body))  # noqa: S314 - as above
    except (ET.ParseError, TableError):
        return {}
    return {one.tag.rpartition("}")[2]: (one.text or "").strip() for one in root}


def to_csv(
    names: Iterable[str], lines: Iterable[Iterable[str]], *, delimiter: str = "COMMA", ending: str = "LF"
) -> bytes:
    """A file with quotes around every value."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=DELIMITERS[delimiter], lineterminator=ENDINGS[ending], quoting=csv.QUOTE_ALL)
    writer.writerow(names)
    writer.writerows(lines)
    return text.getvalue().encode()
