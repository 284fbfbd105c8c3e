"""JSON lines as they are written: what looks like a day, a time or a UUID is a text, and a mixed column is one, too.

The engine's own reading turns ``"2025-01-01T09:00:00+09:00"`` into another text of the same moment, and ``"a"`` beside ``7``
into ``"a"`` with its quotes. A column that the table declares is read as text whatever it holds, to be held against its type
as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import duckdb

# The whole file decides on the types, not its first rows: a type that appears later must not end a load half way. No text
# is of this format of days and times, so that none becomes one.
READER: Final = (
    "read_json({files}, format = 'newline_delimited', sample_size = -1, union_by_name = true, hive_partitioning = false, "
    "dateformat = '%%%%', timestampformat = '%%%%')"
)
_AS_TYPED: Final = (
    "read_json({files}, format = 'newline_delimited', columns = {{{columns}}}, hive_partitioning = false)"
)
_KEPT: Final = re.compile(r"(BOOLEAN|BIGINT|UBIGINT|HUGEINT|DOUBLE|VARCHAR)(\[\])?")
_NUMBERED: Final = re.compile(r"(.+)_\d+", re.DOTALL)


def json_reader(connection: duckdb.DuckDBPyConnection, files: str, declared: Mapping[str, str]) -> str:
    """SQL that reads *files*, an SQL list.

    declared: lower-case column -> type of the table; read as text where that is no nested one.
    """
    sniffing = READER.format(files=files)
    found = {str(row[0]): str(row[1]) for row in connection.execute(f"DESCRIBE SELECT * FROM {sniffing}").fetchall()}
    folded = {name.casefold() for name in found}
    if list(found) == ["json"] or any(
        (match := _NUMBERED.fullmatch(name)) and match[1].casefold() in folded for name in found
    ):
        return sniffing  # lines that are no objects; keys that differ by their case only, which have been given numbers
    columns = ", ".join(
        f"{_quoted(name)}: '{_type(type_, declared.get(name.lower()))}'" for name, type_ in found.items()
    )
    return _AS_TYPED.format(files=files, columns=columns)


def _type(found: str, declared: str | None) -> str:
    if declared is not None and "<" not in declared:
        return "VARCHAR"
    if _KEPT.fullmatch(found):
        return found
    is_list = found.endswith("[]") and "(" not in found and not found.endswith("[][]") and not found.startswith("JSON")
    return "VARCHAR[]" if is_list else "VARCHAR"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
