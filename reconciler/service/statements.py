"""Jobs as a Trino server tells them: pages that each name the next, with typed columns and rows.

Source: Trino's "Trino client REST API" page, and what trino-python-client reads of an answer.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import orjson

from reconciler.service.jobs import FINISHED

Batch: TypeAlias = Callable[[int], "Sequence[Sequence[Any]] | None"]
"""The rows of a result, batch by batch from 0; None behind the last."""

_STATES: Final = {"queued": "QUEUED", "running": "RUNNING", "success": "FINISHED"}
# Source: io.trino.spi.StandardErrorCode.
_KILLED: Final = {"errorCode": 3, "errorName": "USER_CANCELED", "errorType": "USER_ERROR"}
_FAILED: Final = {"errorCode": 0, "errorName": "GENERIC_USER_ERROR", "errorType": "USER_ERROR"}
_WRITES: Final = {"INSERT": "INSERT", "CREATE": "CREATE TABLE", "DROP": "DROP TABLE"}
_LONGEST_TEXT: Final = 2_147_483_647  # how Trino says that a varchar has no length
_MILLISECONDS: Final = 3  # digits of the times that results hold


def waiting(row: sqlite3.Row, base_url: str, token: int) -> dict[str, Any]:
    """A statement that is not done: ask again, for page *token*."""
    return {**_told(row, base_url), "nextUri": _address(row, base_url, token)}


def failed(row: sqlite3.Row, base_url: str) -> dict[str, Any]:
    """A statement that has ended otherwise than it should."""
    cause = _KILLED if row["status"] == "killed" else _FAILED
    return {**_told(row, base_url), "error": {"message": row["stderr"] or f"the query was {row['status']}", **cause}}


def page(row: sqlite3.Row, base_url: str, token: int, batch: Batch) -> dict[str, Any]:
    """Page *token* of a statement that is done, made of the rows that *batch* finds; None of them ends the statement."""
    told = _told(row, base_url)
    update = _update(row["query"])
    if update:
        told["updateType"] = update
    schema = orjson.loads(row["result_schema"] or "[]")
    if not schema:
        # What gives no rows gives this one, for clients that cannot do without. Source: Trino's server, `Query`.
        return told | ({} if token else {"columns": [column("result", "boolean")], "data": [[True]]})
    told["columns"] = [column(name, type_) for name, type_ in schema]
    if update:
        [[told["updateCount"]]] = batch(0) or [[0]]
    rows = batch(token)
    if rows is not None:
        told["data"] = [[_value(value) for value in row] for row in rows]
        told["nextUri"] = _address(row, base_url, token + 1)
    return told


def column(name: str, type_: str) -> dict[str, Any]:
    """A column of a result; *type_* in Trino's words, such as ``array(varchar)``."""
    return {"name": name, "type": type_, "typeSignature": signature(type_)}


def signature(type_: str) -> dict[str, Any]:
    """A type taken apart; what Trino does not know, such as a ``struct(a integer)``, is told as it is, without parts."""
    raw, _, rest = type_.partition("(")
    inner = rest.removesuffix(")")
    match raw:
        case "array":
            return {"rawType": raw, "arguments": [_type(inner)]}
        case "map":
            key, _, value = inner.partition(", ")
            return {"rawType": raw, "arguments": [_type(key), _type(value)]}
        case "decimal":
            return {"rawType": raw, "arguments": [_number(int(digits)) for digits in inner.split(",")]}
        case "varchar":
            return {"rawType": raw, "arguments": [_number(_LONGEST_TEXT)]}
        case "timestamp" | "timestamp with time zone" | "time":
            return {"rawType": raw, "arguments": [_number(_MILLISECONDS)]}
        case _:
            return {"rawType": raw, "arguments": []}


def _type(type_: str) -> dict[str, Any]:
    return {"kind": "TYPE", "value": signature(type_)}


def _number(value: int) -> dict[str, Any]:
    return {"kind": "LONG", "value": value}


def _value(value: Any) -> Any:
    """Numbers that JSON does not know as words."""
    match value:
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
        case list():
            return [_value(member) for member in value]
        case _:
            return value


def _told(row: sqlite3.Row, base_url: str) -> dict[str, Any]:
    state = _STATES.get(row["status"], "FAILED")
    return {
        "id": str(row["id"]),
        "infoUri": f"{base_url}/v3/job/show/{row['id']}",
        "stats": {
            "state": state,
            "queued": state == "QUEUED",
            "scheduled": state != "QUEUED",
            "progressPercentage": 100.0 if row["status"] in FINISHED else 0.0,
            **dict.fromkeys(("nodes", "totalSplits", "queuedSplits", "runningSplits", "completedSplits"), 0),
            **dict.fromkeys(("cpuTimeMillis", "wallTimeMillis", "queuedTimeMillis", "elapsedTimeMillis"), 0),
            **dict.fromkeys(("processedBytes", "physicalInputBytes", "peakMemoryBytes", "spilledBytes"), 0),
            "processedRows": row["num_records"] or 0,
        },
        "warnings": [],
    }


def _update(sql: str) -> str:
    """What a statement that writes is called, or ""."""
    import sqlglot  # noqa: PLC0415 - takes 120 ms

    # Not the first word of the text: clients put comments before it.
    return _WRITES.get(sqlglot.tokenize(sql, read="trino")[0].text.upper(), "")


def _address(row: sqlite3.Row, base_url: str, token: int) -> str:
    return f"{base_url}/v1/statement/{row['id']}/{token}"
