"""What the columns of files must be: those of the table that they go to, as its document declares them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reconciler.errors import Permanent
from reconciler.model.column_fit import HOW_TO_WRITE, STORED_NUMBERS, misfit
from reconciler.model.json import Json
from reconciler.ports.loads import LoadRequest

if TYPE_CHECKING:
    import duckdb

_MEANT: Final = {"int": "whole number", "long": "whole number", "float": "number", "double": "number"}


@dataclass(frozen=True, slots=True)
class DeclaredColumns:
    """Column -> type, in the order of the table; *optional* are those that a file may lack."""

    types: Mapping[str, str]
    optional: frozenset[str] = frozenset()

    def hold(self, connection: duckdb.DuckDBPyConnection, reader: str, name: str, *, header_lines: int) -> None:
        """Refuse a file that lacks a column, or whose values are not of their type. The values themselves are never shown.

        reader: SQL that reads the file. name: what the file is called in messages.
        header_lines: lines before the first row.

        Raises:
            Permanent: names the file and what is missing, or the row, the column and its type.
        """
        if not self.types:
            return
        there = {
            str(row[0]).lower(): (str(row[0]), str(row[1]))
            for row in connection.execute(f"DESCRIBE SELECT * FROM {reader}").fetchall()
        }
        missing = [column for column in self.types if column not in there and column not in self.optional]
        if missing:
            listed = ", ".join(f"`{column}`" for column in missing)
            raise Permanent(
                f"file `{name}` has no column {listed}, which the table declares",
                hint="add it to the file, or say `optional: true` at the column in the Table document",
            )
        if any(column in there and type_ in STORED_NUMBERS for column, type_ in self.types.items()):
            self._hold_types(connection, reader, name, there, header_lines)

    def _hold_types(
        self,
        connection: duckdb.DuckDBPyConnection,
        reader: str,
        name: str,
        there: Mapping[str, tuple[str, str]],
        header_lines: int,
    ) -> None:
        typed = {column: type_ for column, type_ in self.types.items() if column in there and type_ in STORED_NUMBERS}
        firsts = ", ".join(_first_bad(*there[column], type_) for column, type_ in typed.items())
        found = connection.execute(
            f"SELECT {firsts} FROM (SELECT *, row_number() OVER () AS tdr_row FROM {reader})"
        ).fetchone()
        bad = [(row, column) for row, column in zip(found or (), typed, strict=False) if row is not None]
        if bad:
            row, column = min(bad)
            where = f"row {row}" + (
                f" (line {row + header_lines}, where no value holds line breaks)" if header_lines else ""
            )
            raise Permanent(
                f"file `{name}`, {where}: the value of column `{column}` is no {_MEANT[typed[column]]}, "
                f"and the table declares it as {typed[column]}",
                hint=HOW_TO_WRITE[typed[column]],
            )


def declared_columns(request: LoadRequest) -> DeclaredColumns:
    """What is known of the columns; nothing when nobody declared the table's.

    What the source says itself holds where the one who asks knows nothing: sessions of earlier versions say it.

    Raises:
        Permanent: it is not said as it must be.
    """
    optional = request.source.get("optional") or []
    if not isinstance(optional, list | tuple) or not all(isinstance(one, str) for one in optional):
        raise Permanent("`optional` of a files source must be a list of column names")
    said = dict(_pairs(request.source.get("columns") or []))
    return DeclaredColumns(request.columns or said, frozenset(map(str, optional)))


def _pairs(columns: Json) -> Iterator[tuple[str, str]]:
    for one in columns if isinstance(columns, list | tuple) else [columns]:
        if not isinstance(one, list | tuple) or [type(part) for part in one] != [str, str]:
            raise Permanent("`columns` of a files source must be a list of pairs of name and type")
        yield str(one[0]), str(one[1])


def _first_bad(column: str, type_: str, wanted: str) -> str:
    """SQL for the first row whose value of *column*, of the engine's *type_*, a column of the type *wanted* cannot hold."""
    quoted = '"' + column.replace('"', '""') + '"'
    return f"min(tdr_row) FILTER (WHERE {misfit(quoted, type_, wanted)})"
