"""Tables that were deleted: for a while they are listed, and can be brought back with their rows."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from reconciler.service.answers import not_found, utc_text
from reconciler.service.storage import Storage

# Not published by the vendor. A week is enough to notice, and does not keep the rows of people who asked to be forgotten.
KEPT_S: Final = 7 * 86_400
_KEPT_COLUMNS: Final = (
    *("id", "name", "physical", "schema", "declared", "expire_days", "include_v", "description", "count"),
    *("last_log_timestamp", "created_at"),
)


def remember(storage: Storage, table: sqlite3.Row, database: str, now: int) -> None:
    """Note *table*, a row of `tables` in *database*, which is about to be deleted."""
    values = (*(table[column] for column in _KEPT_COLUMNS), table["database_id"], database, now)
    columns, marks = ", ".join(_KEPT_COLUMNS), ", ".join("?" * len(values))
    storage.run(f"INSERT INTO deleted_tables ({columns}, database_id, database, deleted_at) VALUES ({marks})", *values)


def forget_old(storage: Storage, now: int) -> None:
    """Forget those whose time is over; their rows go when the data file is opened next."""
    storage.run("DELETE FROM deleted_tables WHERE deleted_at < ?", now - KEPT_S)


def page(storage: Storage, after: int, size: int, database_id: int | None) -> dict[str, Any]:
    """Up to *size* deleted tables with larger ids than *after*, of all databases when *database_id* is None.

    Source: oas-v3, `DeletedTablesWithCursor`; its cursor is the last id of the page, null on the last one.
    """
    rows = storage.all(
        "SELECT * FROM deleted_tables WHERE id > ? AND ? IN (-1, database_id) ORDER BY id LIMIT ?",
        *(after, -1 if database_id is None else database_id, size + 1),
    )
    shown = [
        {
            "id": row["id"],
            "name": row["name"],
            "database_id": row["database_id"],
            "database_name": row["database"],
            "deleted_at": utc_text(row["deleted_at"]),
            "created_at": utc_text(row["created_at"]),
        }
        for row in rows[:size]
    ]
    return {"tables": shown, "cursor_id": shown[-1]["id"] if len(rows) > size else None}


def row(storage: Storage, table_id: str) -> sqlite3.Row:
    """The deleted table of that id, or 404."""
    found = (
        storage.one("SELECT * FROM deleted_tables WHERE id = ?", int(table_id))
        if table_id.isascii() and table_id.isdecimal()
        else None
    )
    if found is None:
        raise not_found("UserTable", id=table_id)
    return found


def restore(storage: Storage, deleted: sqlite3.Row, database_id: int, name: str, now: int) -> None:
    """Put *deleted* back as *name*, with its old id. sqlite3.IntegrityError when the name is taken."""
    values = {column: deleted[column] for column in _KEPT_COLUMNS} | {"name": name}
    columns, marks = ", ".join(values), ", ".join("?" * len(values))
    storage.run(
        f"INSERT INTO tables ({columns}, database_id, updated_at) VALUES ({marks}, ?, ?)",
        *(*values.values(), database_id, now),
    )
    storage.run("DELETE FROM deleted_tables WHERE id = ?", deleted["id"])
