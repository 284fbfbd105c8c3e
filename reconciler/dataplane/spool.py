"""Rows of JSON pages on their way into a table: on disk as Parquet, in constant memory, in types that all of them fit.

Nested objects become columns, their names joined by ``.``; lists stay JSON, as text. A name that would be there twice, such
as ``owner.name`` as a key of its own beside `name` inside `owner`, or `Id` beside `id`, gets a number behind it, the same in
every row. Whole numbers stay exact, and so do fractions that come as `Decimal`; where they meet fractions and are too large for
those to be exact, and where types differ otherwise, all of the column is text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import orjson

from reconciler.model.json import Json

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

RELATION: Final = "spooled_rows"

_PART_ROWS: Final = 5_000
_PART_BYTES: Final = 32_000_000
_EXACT: Final = 2**53
"""Whole numbers up to this are exact as fractions too."""
_NOBODY: Final = 'SELECT CAST(NULL AS BIGINT) AS "time" WHERE false'

_Path: TypeAlias = tuple[str, ...]


@dataclass(slots=True)
class _Column:
    """What is known of a column. *types*: of the parts that have it; *widest*: the largest whole number, by its amount."""

    number: int
    types: set[str] = field(default_factory=set)
    widest: int = 0

    @property
    def name(self) -> str:
        """In the files."""
        return f"c{self.number}"

    @property
    def type(self) -> str:
        """In SQL: one that holds what every part has."""
        if len(self.types) == 1:
            return next(iter(self.types))
        if all(type_ in {"BIGINT", "DOUBLE"} or _is_decimal(type_) for type_ in self.types) and self.widest <= _EXACT:
            return "DOUBLE"
        return "VARCHAR"


class RowSpool:
    """Takes pages of rows and makes one relation of them."""

    def __init__(self, folder: Path) -> None:
        """Keep the parts in *folder*, which is the caller's to make and to remove."""
        self._folder = folder
        self._rows: list[Mapping[str, Json]] = []
        self._size_bytes = 0
        self._columns: dict[_Path, _Column] = {}
        self._parts: list[tuple[Path, dict[_Path, str]]] = []
        self.count = 0
        """Rows so far."""

    def add(self, rows: Sequence[Mapping[str, Json]], *, size_bytes: int = 0) -> None:
        """Take rows in, in order.

        size_bytes: of the text that they were read from, so that large rows do not wait for many others.
        """
        self._rows.extend(rows)
        self._size_bytes += size_bytes
        self.count += len(rows)
        if len(self._rows) >= _PART_ROWS or self._size_bytes >= _PART_BYTES:
            self._write()

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:
        """The name of a view in *connection* that has all rows in order; one without rows has the column `time` only."""
        self._write()
        # One part after the other is in order, as long as the engine is told to keep it; that is what it does unless told not to.
        groups: list[tuple[dict[_Path, str], list[Path]]] = []
        for path, types in self._parts:
            if groups and groups[-1][0] == types:
                groups[-1][1].append(path)
            else:
                groups.append((types, [path]))
        names = self._names()
        selects = [self._select(types, paths, names) for types, paths in groups] or [_NOBODY]
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {RELATION} AS {' UNION ALL '.join(selects)}")
        return RELATION

    def name_of(self, path: Sequence[str]) -> str | None:
        """What the column of *path*, such as ``("owner", "name")``, is called in the relation; None when no row has it."""
        return self._names().get(tuple(path))

    def _select(self, types: Mapping[_Path, str], paths: Iterable[Path], names: Mapping[_Path, str]) -> str:
        files = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
        parts = []
        for path, name in names.items():
            column = self._columns[path]
            value = column.name if path in types else "NULL"
            if types.get(path) != column.type:
                value = f"CAST({value} AS {column.type})"
            parts.append(f"{value} AS {_quoted(name)}")
        return f"SELECT {', '.join(parts) or 'NULL AS nothing'} FROM read_parquet([{files}])"

    def _names(self) -> dict[_Path, str]:
        """Path -> name, in the order of first sight. A key with the very name goes before what was made of nested ones."""
        taken: set[str] = set()
        names: dict[_Path, str] = {}
        for path in sorted(self._columns, key=lambda path: (len(path), path)):
            plain = name = ".".join(path)
            number = 2
            while name.lower() in taken:
                name, number = f"{plain}_{number}", number + 1
            taken.add(name.lower())
            names[path] = name
        return {path: names[path] for path in self._columns}

    def _write(self) -> None:
        if not self._rows:
            return
        import pyarrow as pa  # noqa: PLC0415 - heavy, and only runs that move rows need it
        import pyarrow.parquet as pq  # noqa: PLC0415 - as above

        arrays: dict[_Path, Any] = {}
        _flatten(self._rows, (), arrays)
        if not arrays:  # rows of nothing but nulls are rows all the same
            arrays[("_",)] = pa.array([""] * len(self._rows))
        types = {}
        for path, array in arrays.items():
            column = self._columns.setdefault(path, _Column(len(self._columns)))
            types[path] = _sql_type(array.type)
            column.types.add(types[path])
            if types[path] == "BIGINT":
                column.widest = max(column.widest, _widest(array))
        part = self._folder / f"part-{len(self._parts):06}.parquet"
        named = pa.table({self._columns[path].name: array for path, array in arrays.items()})
        pq.write_table(named, part, compression="zstd", compression_level=1)
        self._parts.append((part, types))
        self._rows, self._size_bytes = [], 0


def spill_folder(connection: duckdb.DuckDBPyConnection) -> Path | None:
    """Where *connection* puts what does not fit into memory, if that is there already: its owner removes it."""
    [(told,)] = connection.execute("SELECT current_setting('temp_directory')").fetchall()
    folder = Path(str(told or "."))
    return folder if folder.is_absolute() and folder.is_dir() else None


def _flatten(rows: Sequence[Mapping[str, Json] | None], above: _Path, into: dict[_Path, Any]) -> None:
    """Put the columns of *rows* into *into*; a row that is None has none of them."""
    whole = cast("Sequence[Mapping[str, Json]]", rows)
    for key in _keys(rows):
        values: list[Json]
        try:
            values = [row[key] for row in whole]  # most rows have every key
        except (KeyError, TypeError):
            values = [None if row is None else row.get(key) for row in rows]
        _column(values, (*above, key), into)


def _keys(rows: Sequence[Mapping[str, Json] | None]) -> Iterable[str]:
    """All keys, in the order of first sight."""
    keys: dict[str, None] = {}
    seen: object = None
    for row in rows:
        # Rows of one page mostly have the same keys, and comparing them is cheaper than taking each in.
        if row is not None and row.keys() != seen:
            seen = row.keys()
            keys.update(dict.fromkeys(row))
    return keys


def _column(values: list[Json], path: _Path, into: dict[_Path, Any]) -> None:
    import pyarrow as pa  # noqa: PLC0415 - as above

    kinds = set(map(type, values))
    kinds.discard(type(None))
    if not kinds:
        return
    if dict in kinds:
        _flatten([value if isinstance(value, dict) else None for value in values], path, into)
        if kinds == {dict}:
            return
        values = [None if isinstance(value, dict) else value for value in values]
        kinds.discard(dict)
    if len(kinds) == 1 and kinds <= {str, bool, float}:
        into[path] = pa.array(values)
        return
    if kinds <= {int, float}:
        try:
            if kinds == {int}:
                into[path] = pa.array(values, pa.int64())
                return
            if all(abs(value) <= _EXACT for value in values if isinstance(value, int)):
                into[path] = pa.array(values, pa.float64())
                return
        except OverflowError:
            pass  # more than 64 bits: text
    if kinds <= {int, float, Decimal} and all(map(_is_exact, values)):
        with suppress(pa.ArrowInvalid):  # more digits than a decimal has
            into[path] = pa.array([None if value is None else Decimal(str(value)) for value in values])
            return
    into[path] = pa.array(list(map(_text, values)), pa.string())


def _is_exact(value: object) -> bool:
    """Whether a fraction of the machine holds a number: then a decimal differs from it in how it is written only."""
    match value:
        case Decimal():
            return Decimal(repr(float(value))) == value
        case int():
            return abs(value) <= _EXACT
        case _:
            return True


def _is_decimal(type_: str) -> bool:
    return type_.startswith("DECIMAL")


def _text(value: Json) -> str | None:
    """A value among values of other types: text as it is, everything else as JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # a whole number of more than 64 bits inside a list, or an exact fraction
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=float)


def _sql_type(type_: pa.DataType) -> str:
    name = str(type_)
    if name.startswith("decimal"):
        return f"DECIMAL{name[name.index('(') :]}"
    return {"string": "VARCHAR", "int64": "BIGINT", "double": "DOUBLE", "bool": "BOOLEAN"}[name]


def _widest(array: Any) -> int:
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    ends: Any = pc.min_max(array)
    return max(abs(int(ends[end].as_py() or 0)) for end in ("min", "max"))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
