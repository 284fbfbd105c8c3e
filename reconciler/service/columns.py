"""Types three ways: as Treasure Data's tables name them, as DuckDB stores them, as result schemas tell them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reconciler.model.column_fit import DIGITS_KEPT, digits_of

if TYPE_CHECKING:
    import duckdb

TIME: Final = "time"

_DUCKDB: Final = {"string": "VARCHAR", "int": "INTEGER", "long": "BIGINT", "float": "FLOAT", "double": "DOUBLE"}
_ARRAY: Final = re.compile(r"array<(.+)>")
_MAP: Final = re.compile(r"map<([^,<>]+),(.+)>")
# What a table stores of a value of a DuckDB type; Treasure Data's tables know neither booleans nor times.
_STORED: Final = {
    "VARCHAR": "string",
    "TINYINT": "int",
    "SMALLINT": "int",
    "INTEGER": "int",
    "UTINYINT": "int",
    "USMALLINT": "int",
    "BOOLEAN": "int",
    "BIGINT": "long",
    "UINTEGER": "long",
    "UBIGINT": "long",
    "HUGEINT": "long",
    "FLOAT": "float",
    "DOUBLE": "double",
    "DECIMAL": "double",
}
_TOLD: Final = {
    "VARCHAR": "varchar",
    "TINYINT": "tinyint",
    "SMALLINT": "smallint",
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "HUGEINT": "bigint",
    "FLOAT": "real",
    "DOUBLE": "double",
    "BOOLEAN": "boolean",
    "BLOB": "varbinary",
    "DATE": "date",
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"), "timestamp"),
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
    "JSON": "json",
}


@dataclass(frozen=True, slots=True)
class Stored:
    """How a column of a query goes into a table: *type* as Treasure Data names it, *expression* in DuckDB's SQL."""

    name: str
    type: str
    expression: str


def duckdb_type(type_: str) -> str:
    """``array<string>`` as ``VARCHAR[]``."""
    if match := _ARRAY.fullmatch(type_):
        return f"{duckdb_type(match[1].strip())}[]"
    if match := _MAP.fullmatch(type_):
        return f"MAP({duckdb_type(match[1].strip())}, {duckdb_type(match[2].strip())})"
    return _DUCKDB[type_]


def definition(columns: Mapping[str, str]) -> str:
    """The column list of a ``CREATE TABLE``, `time` last, as the vendor's engines order it."""
    parts = [f"{quoted(name)} {duckdb_type(type_)}" for name, type_ in columns.items() if name != TIME]
    return ", ".join([*parts, f"{quoted(TIME)} BIGINT"])


def stored(name: str, type_: str) -> Stored:
    """How a query's column *name* of DuckDB type *type_* is stored. What no table can hold becomes JSON text or text."""
    base = type_.partition("(")[0].upper()
    reference = quoted(name)
    if base in _STORED and not type_.endswith("]"):
        kind = _STORED[base]
        return Stored(name, kind, f"CAST({reference} AS {duckdb_type(kind)})")
    element = _plain(type_.removesuffix("[]"))
    if type_.endswith("[]") and element in _STORED:
        kind = f"array<{_STORED[element]}>"
        return Stored(name, kind, f"CAST({reference} AS {duckdb_type(kind)})")
    if type_.endswith("[]") or base in {"STRUCT", "MAP"}:
        return Stored(name, "string", f"CAST(to_json({reference}) AS VARCHAR)")
    return Stored(name, "string", f"CAST({reference} AS VARCHAR)")


def _plain(type_: str) -> str:
    """*type_* as `_STORED` names it; decimals of more digits than a double keeps are named as they are, and are not there."""
    if not type_.startswith("DECIMAL") or type_.endswith("]"):
        return type_.upper()
    return "DECIMAL" if digits_of(type_) <= DIGITS_KEPT["double"] else type_


def result_schema(relation: duckdb.DuckDBPyRelation) -> list[list[str]]:
    """Names and types as `hive_result_schema` tells them, in Trino's words."""
    return [[name, told(str(type_))] for name, type_ in zip(relation.columns, relation.types, strict=True)]


def told(type_: str) -> str:
    """A DuckDB type in Trino's words: ``VARCHAR[]`` as ``array(varchar)``."""
    if type_.endswith("[]"):
        return f"array({told(type_[:-2])})"
    return _TOLD.get(type_, type_.lower())


def types(relation: duckdb.DuckDBPyRelation) -> dict[str, str]:
    """Column -> DuckDB type, in order."""
    return {name: str(type_) for name, type_ in zip(relation.columns, relation.types, strict=True)}


def quoted(name: str) -> str:
    """*name* as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def names(columns: Sequence[str]) -> str:
    """Identifiers as a list."""
    return ", ".join(quoted(column) for column in columns)


def free(name: str, taken: Iterable[str]) -> str:
    """*name* as an identifier that none of the columns *taken* has: a column may be called anything."""
    there = {column.casefold() for column in taken}
    while name.casefold() in there:
        name += "_"
    return quoted(name)


def aliases(columns: Iterable[str]) -> dict[str, str]:
    """Column -> an identifier for it, for ``relation AS alias (…)``, where ``rowid`` is then the engine's and no column's."""
    return {column: f"c{place}" for place, column in enumerate(columns)}
