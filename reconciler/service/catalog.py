"""Databases and tables: what exists, and which DuckDB table holds whose rows."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from reconciler.ports.clock import Clock
from reconciler.service import deleted_tables
from reconciler.service.answers import ApiError, invalid, iso_text, not_found, utc_text
from reconciler.service.storage import Storage

_NAME: Final = re.compile(r"[a-z0-9_]+")
_SELECT: Final = (
    "SELECT t.*, p.home FROM tables t JOIN databases d ON d.id = t.database_id"
    " JOIN physical_tables p ON p.id = t.physical"
)
_RESERVED: Final = frozenset({"time", "v"})
_SCALARS: Final = frozenset({"string", "int", "long", "float", "double"})
_NESTED: Final = re.compile(r"(array|map)<.+>")


@dataclass(frozen=True, slots=True)
class Table:
    """One table. *columns*: name -> Treasure Data type, without `time`.

    physical: number of the DuckDB table with its rows. home: DuckDB schema of that, the database it was made in.
    declared: those columns that somebody declared; loads and queries added the others.
    label: what to call it in messages, where that is not its database and name.
    """

    id: int
    database: str
    name: str
    physical: int
    home: str
    columns: dict[str, str]
    declared: dict[str, str] = field(default_factory=dict)
    label: str = ""

    @property
    def called(self) -> str:
        """Its name in messages."""
        return self.label or f"{self.database}.{self.name}"


class Catalog:
    """Databases and tables of the account."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        """Keep them in *storage*."""
        self._storage = storage
        self._clock = clock

    def databases(self) -> list[dict[str, Any]]:
        """All databases as the vendor lists them, by name."""
        rows = self._storage.all(
            "SELECT d.*, (SELECT coalesce(sum(count), 0) FROM tables t WHERE t.database_id = d.id) AS count"
            " FROM databases d ORDER BY name"
        )
        return [_database(row) for row in rows]

    def database(self, name: str) -> dict[str, Any]:
        """One database as the vendor shows it."""
        for database in self.databases():
            if database["name"] == name:
                return database
        raise not_found("UserDatabase", name=name)

    def database_id(self, name: str) -> int:
        """The id of a database that must exist."""
        row = self._storage.one("SELECT id FROM databases WHERE name = ?", name)
        if row is None:
            raise not_found("UserDatabase", name=name)
        return int(row["id"])

    def create_database(self, name: str) -> None:
        """Make a database. 409 when it exists."""
        _check_name(name)
        now = int(self._clock.now())
        try:
            self._storage.run("INSERT INTO databases (name, created_at, updated_at) VALUES (?, ?, ?)", name, now, now)
        except sqlite3.IntegrityError as error:
            raise ApiError(409, f"Database {name} already exists") from error

    def delete_database(self, name: str) -> None:
        """Remove a database with its tables, which can be recovered for a while."""
        with self._storage.transaction():
            database_id = self.database_id(name)
            for table in self._storage.all("SELECT * FROM tables WHERE database_id = ?", database_id):
                deleted_tables.remember(self._storage, table, name, int(self._clock.now()))
            self._storage.run("DELETE FROM databases WHERE id = ?", database_id)

    def tables(self, database: str) -> list[dict[str, Any]]:
        """All tables of a database as the vendor lists them, by name."""
        rows = self._storage.all("SELECT * FROM tables WHERE database_id = ? ORDER BY name", self.database_id(database))
        return [_shown(row) for row in rows]

    def shown_table(self, database: str, name: str) -> dict[str, Any]:
        """One table as the vendor shows it."""
        return _shown(self._row(database, name))

    def table(self, database: str, name: str) -> Table:
        """One table that must exist."""
        return _table(database, self._row(database, name))

    def find_table(self, database: str, name: str) -> Table | None:
        """One table, or None."""
        row = self._storage.one(
            _SELECT + " WHERE d.name = ? AND t.name = ?",
            database,
            name,
        )
        return None if row is None else _table(database, row)

    def current(self, table: Table) -> Table:
        """*table* as it is now, for who holds it while others wait: its rows may have been replaced since it was looked up."""
        row = self._storage.one(_SELECT + " WHERE t.id = ?", table.id)
        if row is None:
            raise not_found("UserTable", name=table.name)
        return _table(table.database, row)

    def create_table(self, database: str, name: str, *, schema: str = "[]") -> Table:
        """Make an empty table. 409 when it exists."""
        _check_name(name)
        checked = checked_schema(schema)
        now = int(self._clock.now())
        with self._storage.transaction():
            database_id = self.database_id(database)
            number = self.new_physical(database)
            try:
                self._storage.run(
                    "INSERT INTO tables (database_id, name, physical, schema, declared, created_at, updated_at)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    *(database_id, name, number, checked, _names(checked), now, now),
                )
            except sqlite3.IntegrityError as error:
                raise ApiError(409, f"Table {name} already exists") from error
            return self.table(database, name)

    def update_table(self, database: str, name: str, changes: dict[str, Any]) -> None:
        """Change columns of the metadata row: `name`, `schema`, `expire_days`, `description`, `include_v`."""
        row = self._row(database, name)
        if "name" in changes:
            _check_name(changes["name"])
        if "schema" in changes:
            schema = checked_schema(changes["schema"])
            changes = {**changes, "schema": schema, "declared": _names(schema)}
        fields = {**changes, "updated_at": int(self._clock.now())}
        assignments = ", ".join(f"{column} = ?" for column in fields)
        try:
            self._storage.run(f"UPDATE tables SET {assignments} WHERE id = ?", *fields.values(), row["id"])
        except sqlite3.IntegrityError as error:
            raise ApiError(409, f"Table {changes.get('name', name)} already exists") from error

    def recover_table(self, table_id: str, *, name: str, database: str) -> dict[str, Any]:
        """Bring a deleted table back, under another *name* or in another *database* unless they are ""; its database, too.

        Raises:
            ApiError: 404 when nothing of that id can be recovered, 409 when the name is taken.
        """
        with self._storage.transaction():
            deleted_tables.forget_old(self._storage, int(self._clock.now()))
            row = deleted_tables.row(self._storage, table_id)
            database, name = database or row["database"], name or row["name"]
            _check_name(name)
            if self._storage.one("SELECT 1 FROM databases WHERE name = ?", database) is None:
                self.create_database(database)
            try:
                deleted_tables.restore(self._storage, row, self.database_id(database), name, int(self._clock.now()))
            except sqlite3.IntegrityError as error:
                raise ApiError(409, f"Table {name} already exists") from error
            return self.shown_table(database, name)

    def append_schema(self, database: str, name: str, schema: str) -> None:
        """Add the columns of *schema* that the table does not have."""
        with self._storage.transaction():
            row = self._row(database, name)
            current, given = orjson.loads(row["schema"]), orjson.loads(checked_schema(schema))
            known = {column[0] for column in current}
            added = [column for column in given if column[0] not in known]
            self.update_table(database, name, {"schema": orjson.dumps([*current, *added]).decode()})
            declared = dict.fromkeys((*orjson.loads(row["declared"]), *(column[0] for column in given)))
            self._storage.run(
                "UPDATE tables SET declared = ? WHERE id = ?", orjson.dumps([*declared]).decode(), row["id"]
            )

    def rename_table(self, database: str, old: str, new: str, *, overwrite: bool) -> None:
        """Give a table another name. An existing one is only replaced with *overwrite*."""
        with self._storage.transaction():
            self._row(database, old)
            if self.find_table(database, new) is not None:
                if not overwrite:
                    raise ApiError(409, f"Table {new} already exists")
                self.delete_table(database, new)
            self.update_table(database, old, {"name": new})

    def swap_tables(self, database: str, first: str, second: str) -> None:
        """Exchange the contents of two tables, schema included."""
        with self._storage.transaction():
            one, other = self._row(database, first), self._row(database, second)
            for row, source in ((one, other), (other, one)):
                self._storage.run(
                    "UPDATE tables SET physical = ?, schema = ?, declared = ?, count = ?, last_log_timestamp = ? WHERE id = ?",
                    *(source["physical"], source["schema"], source["declared"]),
                    *(source["count"], source["last_log_timestamp"], row["id"]),
                )

    def move_table(self, database: str, name: str, destination: str) -> None:
        """Put a table into another database. 403 when a table of that name is there. Source: td-client-java tests."""
        with self._storage.transaction():
            row = self._row(database, name)
            if self.find_table(destination, name) is not None:
                raise ApiError(403, f"Table {name} already exists in {destination}")
            self._storage.run(
                "UPDATE tables SET database_id = ? WHERE id = ?", self.database_id(destination), row["id"]
            )

    def delete_table(self, database: str, name: str) -> None:
        """Remove a table, which can be recovered for a while; its rows go when the data file is opened after that."""
        with self._storage.transaction():
            row = self._row(database, name)
            deleted_tables.remember(self._storage, row, database, int(self._clock.now()))
            self._storage.run("DELETE FROM tables WHERE id = ?", row["id"])

    def set_contents(
        self, table: Table, *, physical: int, columns: dict[str, str], count: int, newest: int | None
    ) -> None:
        """Say which rows the table now holds; new columns are added to its schema, known ones keep their place.

        What nobody declared takes the type that *columns* says, for it may have grown.
        """
        with self._storage.transaction():
            row = self._storage.one("SELECT schema, declared FROM tables WHERE id = ?", table.id)
            if row is None:
                raise not_found("UserTable", name=table.name)
            declared = set(orjson.loads(row["declared"]))
            current = [
                column if column[0] in declared else [column[0], columns.get(column[0], column[1]), *column[2:]]
                for column in orjson.loads(row["schema"])
            ]
            known = {column[0] for column in current}
            added = [[name, type_] for name, type_ in columns.items() if name not in known and name not in _RESERVED]
            self._storage.run(
                "UPDATE tables SET physical = ?, schema = ?, count = ?, last_log_timestamp = ?, updated_at = ? WHERE id = ?",
                *(physical, orjson.dumps([*current, *added]).decode(), count, newest, int(self._clock.now()), table.id),
            )

    def new_physical(self, database: str) -> int:
        """A number, never used before, for a DuckDB table in the schema of *database*."""
        number = self._storage.run("INSERT INTO physical_tables (home) VALUES (?)", database).lastrowid
        if number is None:
            raise AssertionError(number)
        return number

    def physical_in_use(self) -> set[int]:
        """The DuckDB tables that hold somebody's rows, of deleted tables as well while they can be recovered."""
        deleted_tables.forget_old(self._storage, int(self._clock.now()))
        return {
            row["physical"]
            for row in self._storage.all("SELECT physical FROM tables UNION SELECT physical FROM deleted_tables")
        }

    def _row(self, database: str, name: str) -> sqlite3.Row:
        database_id = self.database_id(database)
        row = self._storage.one(_SELECT + " WHERE t.database_id = ? AND t.name = ?", database_id, name)
        if row is None:
            raise not_found("UserTable", name=name)
        return row


def checked_schema(text: str) -> str:
    """The schema as stored: a JSON array of ``[name, type]`` with alias and description where given.

    Raises:
        ApiError: 422, naming the column that is wrong.
    """
    try:
        columns = orjson.loads(text or "[]")
    except orjson.JSONDecodeError as error:
        raise invalid("Schema is not a JSON array") from error
    if not isinstance(columns, list):
        raise invalid("Schema is not a JSON array")
    seen: set[str] = set()
    for column in columns:
        _check_column(column)
        if column[0] in seen:
            raise invalid(f"Schema has the column {column[0]!r} twice")
        seen.add(column[0])
    return orjson.dumps(columns).decode()


def _names(schema: str) -> str:
    return orjson.dumps([column[0] for column in orjson.loads(schema)]).decode()


def _check_column(column: object) -> None:
    if not isinstance(column, list) or not 2 <= len(column) <= 4 or not all(isinstance(part, str) for part in column):
        raise invalid("Schema has a column that is not [name, type]")
    name, kind = column[0], column[1]
    if name in _RESERVED:
        raise invalid(f"Schema has the reserved column {name!r}")
    if not name:
        raise invalid("Schema has a column without a name")
    if kind not in _SCALARS and not _NESTED.fullmatch(kind):
        raise invalid(f"Schema has the unknown type {kind!r} for the column {name!r}")


def _check_name(name: str) -> None:
    """Source: service texts in td-client-java tests for the length; td-client-ruby for the characters."""
    if not 3 <= len(name) <= 256:
        raise ApiError(400, f"Name must be 3 to 256 characters, got {len(name)} characters. {name}")
    if not _NAME.fullmatch(name):
        raise ApiError(400, f"Name must only consist of lower-case alphabets, numbers and '_'. {name}")


def _table(database: str, row: sqlite3.Row) -> Table:
    columns: Sequence[Sequence[str]] = orjson.loads(row["schema"])
    types = {column[0]: column[1] for column in columns}
    declared = {name: types[name] for name in orjson.loads(row["declared"]) if name in types}
    return Table(row["id"], database, row["name"], row["physical"], row["home"], types, declared)


def _database(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "count": row["count"],
        "created_at": utc_text(row["created_at"]),
        "updated_at": utc_text(row["updated_at"]),
        "organization": None,
        "permission": "administrator",
        "delete_protected": False,
        "datatank": None,
    }


def _shown(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "type": "log",
        "count": row["count"],
        "schema": row["schema"],
        "expire_days": row["expire_days"],
        "include_v": bool(row["include_v"]),
        "description": row["description"],
        "delete_protected": False,
        "estimated_storage_size": 0,
        "counter_updated_at": iso_text(row["updated_at"]),
        "last_log_timestamp": iso_text(row["last_log_timestamp"]),
        "created_at": utc_text(row["created_at"]),
        "updated_at": utc_text(row["updated_at"]),
    }
