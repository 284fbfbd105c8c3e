"""Statements: the addresses of the vendor's `api-presto` host, where clients of Trino ask for rows without a job.

Here each is a job nevertheless, so that all that runs is seen in one list. Source of host and key: pytd.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, Final

from starlette.datastructures import Headers
from starlette.responses import Response

from reconciler.service import statements
from reconciler.service.answers import ApiError, not_found
from reconciler.service.jobs import FINISHED, NewJob
from reconciler.service.queries import checked_query
from reconciler.service.requests import Call, read_statement, whole_number
from reconciler.service.routing import route

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.routing import Route

    from reconciler.service.routing import Handler
    from reconciler.service.service import Service

_ENGINE: Final = "trino"
_LONGEST_WAIT_S: Final = 1.0  # as Trino's own server waits for a page
_MOST_PAGES: Final = 2**31


def issue(service: Service, call: Call) -> Any:
    """Queue a statement."""
    database = _said(call.headers, "schema")
    if not database:
        raise ApiError(400, "X-Trino-Schema names no database")
    job_id = service.issue(NewJob(type=_ENGINE, database=database, query=checked_query(call, _ENGINE)))
    return statements.waiting(service.jobs.row(job_id), _base_url(call), 0)


def tell(service: Service, call: Call) -> Any:
    """A page of its rows, or where to ask again."""
    row, token = _statement(service, call), _token(call)
    if row["status"] not in FINISHED:
        service.runner.wait_for(row["id"], _LONGEST_WAIT_S)
        row = service.jobs.row(row["id"])
    if row["status"] not in FINISHED:
        return statements.waiting(row, _base_url(call), token)
    if row["status"] != "success":
        return statements.failed(row, _base_url(call))
    if row["result_schema"]:
        service.results.require(row)
    return statements.page(row, _base_url(call), token, lambda number: service.results.batch(row["id"], number))


def kill(service: Service, call: Call) -> Response:
    """End a statement whose rows nobody wants."""
    service.runner.kill(_statement(service, call)["id"])
    return Response(status_code=204)


def _statement(service: Service, call: Call) -> sqlite3.Row:
    row = service.jobs.row(call.names["id"])
    if row["type"] not in {_ENGINE, "presto"} or row["target"] is not None:
        raise not_found("Statement", id=call.names["id"])
    return row


def _token(call: Call) -> int:
    return whole_number("token", call.names["token"], 0, _MOST_PAGES)


def _base_url(call: Call) -> str:
    return f"http://{call.headers.get('host', '127.0.0.1')}"


def _said(headers: Mapping[str, str], name: str) -> str:
    """A header of the protocol; it was called after Presto before the server took another name."""
    return headers.get(f"x-trino-{name}") or headers.get(f"x-presto-{name}") or ""


def _key(headers: Headers) -> str:
    """The API key, which is the user's name to a client of Trino."""
    return _said(headers, "user")


def _route(method: str, path: str, handler: Handler) -> Route:
    return route(method, path, handler, key_of=_key, read=read_statement)


ROUTES = [
    _route("POST", "/v1/statement", issue),
    _route("GET", "/v1/statement/{id}/{token}", tell),
    _route("DELETE", "/v1/statement/{id}/{token}", kill),
]
