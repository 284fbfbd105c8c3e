"""Rows of JSON pages on their way into a table: on disk as Parquet, in constant memory, in types that all of them fit.

Nested objects become columns, their names joined by ``.``; lists stay JSON, as text. A name that would be there twice, such
as ``owner.name`` as a key of its own beside `name` inside `owner`, or `Id` beside `id`, gets a number behind it, the same in
every row. Whole numbers stay exact, and so do fractions that come as `Decimal`; where they meet fractions and are too large for
those to be exact, and where types differ otherwise, all of the column is text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.dataplane.columns import EXACT, Columns, Keys, Way, columns, joined, widest
from reconciler.model.json import Json

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

RELATION: Final = "spooled_rows"

_PART_ROWS: Final = 5_000
_PART_BYTES: Final = 32_000_000
_AT_ONCE: Final = 500
"""Rows that become columns together: of fewer, each costs more, and more of them keep whoever waits for the next page."""
_NOBODY: Final = 'SELECT CAST(NULL AS BIGINT) AS "time" WHERE false'


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
        if all(type_ in {"BIGINT", "DOUBLE"} or _is_decimal(type_) for type_ in self.types) and self.widest <= EXACT:
            return "DOUBLE"
        return "VARCHAR"


class RowSpool:
    """Takes pages of rows and makes one relation of them."""

    def __init__(self, folder: Path) -> None:
        """Keep the parts in *folder*, which is the caller's to make and to remove."""
        self._folder = folder
        self._rows: list[Mapping[str, Json]] = []
        self._size_bytes = 0
        self._arranged = 0
        self._arrangements: list[Columns] = []
        self._keys: Keys = {}
        self._columns: dict[Way, _Column] = {}
        self._parts: list[tuple[Path, dict[Way, str]]] = []
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
        elif len(self._rows) - self._arranged >= _AT_ONCE:
            self._arrange()

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:
        """The name of a view in *connection* that has all rows in order; one without rows has the column `time` only."""
        self._write()
        # One part after the other is in order, as long as the engine is told to keep it; that is what it does unless told not to.
        groups: list[tuple[dict[Way, str], list[Path]]] = []
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

    def _select(self, types: Mapping[Way, str], paths: Iterable[Path], names: Mapping[Way, str]) -> str:
        files = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
        parts = []
        for path, name in names.items():
            column = self._columns[path]
            value = column.name if path in types else "NULL"
            if types.get(path) != column.type:
                value = f"CAST({value} AS {column.type})"
            parts.append(f"{value} AS {_quoted(name)}")
        return f"SELECT {', '.join(parts) or 'NULL AS nothing'} FROM read_parquet([{files}])"

    def _names(self) -> dict[Way, str]:
        """Path -> name, in the order of first sight. A key with the very name goes before what was made of nested ones."""
        taken: set[str] = set()
        names: dict[Way, str] = {}
        for path in sorted(self._columns, key=lambda path: (len(path), path)):
            plain = name = ".".join(path)
            number = 2
            while name.lower() in taken:
                name, number = f"{plain}_{number}", number + 1
            taken.add(name.lower())
            names[path] = name
        return {path: names[path] for path in self._columns}

    def _arrange(self) -> None:
        """Make columns of the rows that came last."""
        fresh = self._rows[self._arranged :]
        if fresh:
            self._arrangements.append(columns(fresh, self._keys))
            self._arranged = len(self._rows)

    def _write(self) -> None:
        if not self._rows:
            return
        import pyarrow as pa  # noqa: PLC0415 - heavy, and only runs that move rows need it
        import pyarrow.parquet as pq  # noqa: PLC0415 - as above

        self._arrange()
        arrays = joined(self._arrangements, self._keys)
        if arrays is None:  # rows of different types, such as numbers here and texts there
            arrays = dict(columns(self._rows, {}).arrays)
        if not arrays:  # rows of nothing but nulls are rows all the same
            arrays[("_",)] = pa.array([""] * len(self._rows))
        types = {}
        for path, array in arrays.items():
            column = self._columns.setdefault(path, _Column(len(self._columns)))
            types[path] = _sql_type(array.type)
            column.types.add(types[path])
            if types[path] == "BIGINT":
                column.widest = max(column.widest, widest(array))
        part = self._folder / f"part-{len(self._parts):06}.parquet"
        named = pa.table({self._columns[path].name: array for path, array in arrays.items()})
        pq.write_table(named, part, compression="zstd", compression_level=1)
        self._parts.append((part, types))
        self._rows, self._size_bytes, self._arranged = [], 0, 0
        self._arrangements, self._keys = [], {}


def spill_folder(connection: duckdb.DuckDBPyConnection) -> Path | None:
    """Where *connection* puts what does not fit into memory, if that is there already: its owner removes it."""
    [(told,)] = connection.execute("SELECT current_setting('temp_directory')").fetchall()
    folder = Path(str(told or "."))
    return folder if folder.is_absolute() and folder.is_dir() else None


def _is_decimal(type_: str) -> bool:
    return type_.startswith("DECIMAL")


def _sql_type(type_: pa.DataType) -> str:
    name = str(type_)
    if name.startswith("decimal"):
        return f"DECIMAL{name[name.index('(') :]}"
    return {"string": "VARCHAR", "int64": "BIGINT", "double": "DOUBLE", "bool": "BOOLEAN"}[name]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
