"""From an address to a handler: authentication, decoding, a thread, and errors in the vendor's shape."""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from reconciler.errors import StateError, TdrError
from reconciler.logs import logger
from reconciler.service.answers import ApiError, error_response, json_response
from reconciler.service.damage import damaged, is_metadata_damaged
from reconciler.service.requests import Call, read_call

if TYPE_CHECKING:
    from reconciler.service.service import Service

Handler: TypeAlias = "Callable[[Service, Call], Any]"
"""Returns an object that becomes JSON, or a whole answer."""

_OPEN: Final = "/v3/system/server_status"  # td-client pings it before it has a key


def authorized_key(headers: Headers) -> str:
    """The key of ``Authorization: TD1 <account>/<key>``, or "" when there is none."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme == "TD1" else ""


def route(
    method: str,
    path: str,
    handler: Handler,
    *,
    key_of: Callable[[Headers], str] = authorized_key,
    read: Callable[[Request], Awaitable[Call]] = read_call,
) -> Route:
    """A route that runs *handler* on a thread. Names in *path* arrive decoded.

    key_of: where a request says its API key. read: how its body is decoded.
    """

    async def endpoint(request: Request) -> Response:
        service: Service = request.app.state.service
        if path != _OPEN:
            authenticate(key_of(request.headers), service.api_keys)
        call = await read(request)
        try:
            answer = await run_in_threadpool(handler, service, call)
        except (ApiError, HTTPException, TdrError):
            raise
        except Exception as error:
            if isinstance(error, sqlite3.Error) and is_metadata_damaged(error):
                raise damaged(service.storage.path) from error
            if _is_about_the_disk(error):
                raise StateError(
                    f"the metadata of the embedded service cannot be used: {error}",
                    hint="free space or check permissions of the state folder, then run again",
                ) from error
            logger(__name__).exception("request failed", method=method, path=path)
            return error_response(
                ApiError(500, f"this is a bug of the embedded service: {type(error).__name__}; see the log")
            )
        return answer if isinstance(answer, Response) else json_response(answer)

    return Route(path, endpoint, methods=[method])


def _is_about_the_disk(error: Exception) -> bool:
    """Whether SQLite says that a file is full, unreadable or busy, and not that our SQL is wrong."""
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_ERROR


def authenticate(key: str, api_keys: Iterable[str]) -> None:
    """Check a key.

    Raises:
        ApiError: 401 when it is none of *api_keys*.
    """
    known = [hmac.compare_digest(key.encode(), candidate.encode()) for candidate in api_keys]
    if not key or not any(known):
        raise ApiError(401, "API key is invalid or missing")


async def on_api_error(_request: Request, error: Exception) -> Response:
    """A handler's refusal."""
    if not isinstance(error, ApiError):
        raise TypeError(error)
    return error_response(error)


async def on_http_exception(_request: Request, error: Exception) -> Response:
    """No such address or method, or a body that does not decode."""
    if not isinstance(error, HTTPException):
        raise TypeError(error)
    return error_response(ApiError(error.status_code, str(error.detail)))


async def on_tdr_error(_request: Request, error: Exception) -> Response:
    """Something behind the service failed in a way we know, such as a data file that another process holds."""
    if not isinstance(error, TdrError):
        raise TypeError(error)
    logger(__name__).warning("request failed", error=type(error).__name__)
    return error_response(ApiError(503, f"{error.message}; {error.hint}" if error.hint else error.message))
