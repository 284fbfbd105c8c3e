"""Databases and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.service import deleted_tables
from reconciler.service.answers import ApiError
from reconciler.service.requests import Call, whole_number
from reconciler.service.routing import route

if TYPE_CHECKING:
    from reconciler.service.service import Service

_TRUE = frozenset({"true", "True", "1"})


def list_databases(service: Service, _call: Call) -> Any:
    """All databases."""
    return {"databases": service.catalog.databases()}


def show_database(service: Service, call: Call) -> Any:
    """One database."""
    return service.catalog.database(call.names["database"])


def create_database(service: Service, call: Call) -> Any:
    """Make a database."""
    service.catalog.create_database(call.names["database"])
    return {"database": call.names["database"]}


def delete_database(service: Service, call: Call) -> Any:
    """Remove a database and its tables."""
    service.catalog.delete_database(call.names["database"])
    return {"database": call.names["database"]}


def list_tables(service: Service, call: Call) -> Any:
    """All tables of a database."""
    database = call.names["database"]
    return {"database": database, "tables": service.catalog.tables(database)}


def show_table(service: Service, call: Call) -> Any:
    """One table."""
    return service.catalog.shown_table(call.names["database"], call.names["table"])


def create_table(service: Service, call: Call) -> Any:
    """Make a table, perhaps with a schema and other properties."""
    database, table = call.names["database"], call.names["table"]
    if call.names.get("type", "log") != "log":
        raise ApiError(422, f"Type is not included in the list: {call.names['type']!r}")
    changes = _changes(call)
    service.catalog.create_table(database, table, schema=str(changes.pop("schema", "[]")))
    if changes:
        service.catalog.update_table(database, table, changes)
    return _reference(database, table)


def update_table(service: Service, call: Call) -> Any:
    """Change properties of a table; `name` renames it."""
    database, table = call.names["database"], call.names["table"]
    changes = _changes(call)
    if call.text("name"):
        changes["name"] = call.text("name")
    service.catalog.update_table(database, table, changes)
    return _reference(database, str(changes.get("name", table)))


def update_schema(service: Service, call: Call) -> Any:
    """Replace the schema of a table."""
    call.required("schema")
    return update_table(service, call)


def append_schema(service: Service, call: Call) -> Any:
    """Add columns to a table."""
    database, table = call.names["database"], call.names["table"]
    service.catalog.append_schema(database, table, call.required("schema"))
    return _reference(database, table)


def rename_table(service: Service, call: Call) -> Any:
    """Give a table another name."""
    database, new = call.names["database"], call.names["new"]
    service.catalog.rename_table(database, call.names["table"], new, overwrite=call.text("overwrite") in _TRUE)
    return _reference(database, new)


def swap_tables(service: Service, call: Call) -> Any:
    """Exchange the contents of two tables."""
    database, first, second = call.names["database"], call.names["table"], call.names["other"]
    service.catalog.swap_tables(database, first, second)
    return {"database": database, "table1": first, "table2": second}


def change_database(service: Service, call: Call) -> Any:
    """Move a table to another database."""
    destination = call.required("dest_database_name")
    service.catalog.move_table(call.names["database"], call.names["table"], destination)
    return _reference(destination, call.names["table"])


def delete_table(service: Service, call: Call) -> Any:
    """Remove a table."""
    service.catalog.delete_table(call.names["database"], call.names["table"])
    return _reference(call.names["database"], call.names["table"])


def list_deleted(service: Service, call: Call) -> Any:
    """Deleted tables that can be recovered, a page of them."""
    deleted_tables.forget_old(service.storage, int(service.clock.now()))
    size = whole_number("page_size", call.query.get("page_size") or "25", 1, 100)
    database_id = call.offset("database_id", -1)
    return deleted_tables.page(
        service.storage, call.offset("cursor_id", 0), size, None if database_id == -1 else database_id
    )


def recover_table(service: Service, call: Call) -> Any:
    """Bring a deleted table back with its rows, perhaps under another name."""
    shown = service.catalog.recover_table(
        call.names["id"], name=call.text("table_name"), database=call.text("database_name")
    )
    return {name: value for name, value in shown.items() if name not in {"schema", "description"}}


def _changes(call: Call) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if "schema" in call.fields:
        changes["schema"] = call.text("schema")
    if "description" in call.fields:
        changes["description"] = call.text("description") or None
    if "include_v" in call.fields:
        changes["include_v"] = int(call.text("include_v") in _TRUE)
    if "expire_days" in call.fields:
        # Zero turns expiry off. Source: td toolbelt.
        days = whole_number("expire_days", call.text("expire_days") or "0", 0, 1_000_000)
        changes["expire_days"] = days or None
    return changes


def _reference(database: str, table: str) -> dict[str, str]:
    return {"database": database, "table": table, "type": "log"}


ROUTES = [
    route("GET", "/v3/database/list", list_databases),
    route("GET", "/v3/database/show/{database}", show_database),
    route("POST", "/v3/database/create/{database}", create_database),
    route("POST", "/v3/database/delete/{database}", delete_database),
    route("GET", "/v3/table/list/{database}", list_tables),
    route("GET", "/v3/table/show/{database}/{table}", show_table),
    route("POST", "/v3/table/create/{database}/{table}", create_table),
    route("POST", "/v3/table/create/{database}/{table}/{type}", create_table),
    route("POST", "/v3/table/update/{database}/{table}", update_table),
    route("POST", "/v3/table/update-schema/{database}/{table}", update_schema),
    route("POST", "/v3/table/append-schema/{database}/{table}", append_schema),
    route("POST", "/v3/table/rename/{database}/{table}/{new}", rename_table),
    route("POST", "/v3/table/swap/{database}/{table}/{other}", swap_tables),
    route("POST", "/v3/table/change_database/{database}/{table}", change_database),
    route("POST", "/v3/table/delete/{database}/{table}", delete_table),
    route("GET", "/v3/table/deleted", list_deleted),
    route("POST", "/v3/table/recover/{id}", recover_table),
]
