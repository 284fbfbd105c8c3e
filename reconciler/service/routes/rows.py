"""Rows of tables: uploaded, looked at, removed by their time."""

from __future__ import annotations

import hashlib
import sqlite3
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import orjson
from starlette.responses import Response

from reconciler.service.partial_deletes import partial_delete
from reconciler.service.requests import Call, whole_number
from reconciler.service.routing import route
from reconciler.service.uploads import read_rows

if TYPE_CHECKING:
    from reconciler.service.service import Service

_LATEST: Final = 253_402_300_799
_MOST_TAILED_ROWS: Final = 10_000


def import_rows(service: Service, call: Call) -> Any:
    """Add the rows of the body to a table."""
    return _imported(service, call, uuid4().hex)


def import_rows_once(service: Service, call: Call) -> Any:
    """The same, but rows that came with this id before are not added again."""
    unique_id = call.names["id"]
    try:
        service.storage.run(
            "INSERT INTO uploads (unique_id, created_at) VALUES (?, ?)", unique_id, int(service.clock.now())
        )
    except sqlite3.IntegrityError:
        return _told(call, unique_id)
    try:
        return _imported(service, call, unique_id)
    except BaseException:
        service.storage.run("DELETE FROM uploads WHERE unique_id = ?", unique_id)
        raise


def tail(service: Service, call: Call) -> Any:
    """The latest rows of a table, the latest first."""
    count = whole_number("count", call.query.get("count") or "1", 0, _MOST_TAILED_ROWS)
    rows = service.uploads.newest(call.names["database"], call.names["table"], count)
    if call.query.get("format") == "msgpack":
        import msgpack  # noqa: PLC0415 - only when rows are read

        packed = b"".join(msgpack.packb(row, default=str) for row in rows)
        return Response(packed, media_type="application/octet-stream")
    return Response(orjson.dumps(rows, default=str), media_type="application/json")


def delete_between(service: Service, call: Call) -> Any:
    """Remove the rows of a span of time, in whole hours."""
    database, table = call.names["database"], call.names["table"]
    service.catalog.table(database, table)
    span = [whole_number(name, call.required(name), 0, _LATEST) for name in ("from", "to")]
    job_id = service.issue(partial_delete(database, table, span[0], span[1]))
    return {"database": database, "table": table, "job_id": str(job_id)}


def _imported(service: Service, call: Call, unique_id: str) -> dict[str, Any]:
    began = service.clock.now()
    rows, strangers = read_rows(call.content, call.names["format"])
    service.uploads.append(call.names["database"], call.names["table"], rows)
    return {**_told(call, unique_id), "elapsed_time": service.clock.now() - began, "error_records": len(strangers)}


def _told(call: Call, unique_id: str) -> dict[str, Any]:
    """Source: td-client-ruby tests, `import_spec.rb`."""
    return {
        "unique_id": unique_id,
        "database": call.names["database"],
        "table": call.names["table"],
        "md5_hex": hashlib.md5(call.content, usedforsecurity=False).hexdigest(),
        "elapsed_time": 0.0,
    }


ROUTES = [
    route("PUT", "/v3/table/import/{database}/{table}/{format}", import_rows),
    route("PUT", "/v3/table/import_with_id/{database}/{table}/{id}/{format}", import_rows_once),
    route("GET", "/v3/table/tail/{database}/{table}", tail),
    route("POST", "/v3/table/partialdelete/{database}/{table}", delete_between),
]
