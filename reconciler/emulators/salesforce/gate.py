"""What every request has to pass before anybody answers it: version, session, daily budget."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from reconciler.emulators.salesforce import ids
from reconciler.emulators.salesforce.call import Call
from reconciler.emulators.salesforce.refusals import Refused, not_found, over_budget, over_budget_in_bulk
from reconciler.emulators.salesforce.versions import is_retired, is_served
from reconciler.emulators.salesforce.world import World

_GZIP = 16 + zlib.MAX_WBITS
"""The format, as zlib calls it."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path below ``/services/data/v{version}`` or ``/services/async/{version}``. *since* is its first version."""

    method: str
    path: str
    answer: Callable[[Call], Response]
    since: int = 0


class Gate:
    """Lets requests through to the operations, or refuses them as Salesforce would."""

    def __init__(self, world: World) -> None:
        """Guard *world*."""
        self._world = world

    async def in_open(self, answer: Callable[[Call], Response], request: Request) -> Response:
        """Answer a request that needs no session."""
        try:
            return answer(await self._call(request))
        except Refused as refused:
            return refused.in_rest()

    async def in_rest(self, operation: Operation, request: Request) -> Response:
        """Answer a request of REST or Bulk API 2.0."""
        try:
            call = await self._call(request)
            _check(is_served(call.version), _no_version(call.version))
            session_over = Refused(401, "INVALID_SESSION_ID", "Session expired or invalid")
            _check(self._has_session(session_of(request.headers)), session_over)
            self._count(operation, over_budget())
            _check(float(call.version) >= operation.since, not_found())
            answer = operation.answer(call)
        except Refused as refused:
            answer = refused.in_rest()
        answer.headers["Sforce-Limit-Info"] = f"api-usage={self._world.calls}/{self._world.knobs.daily_calls}"
        return answer

    async def in_bulk(self, operation: Operation, request: Request) -> Response:
        """Answer a request of Bulk API 1.0, of which even an ended session is a 400."""
        try:
            call = await self._call(request)
            _check(is_served(call.version), Refused(400, "InvalidVersion", "Api version is not supported"))
            session_over = Refused(400, "InvalidSessionId", "Invalid session id")
            _check(self._has_session(session_of(request.headers)), session_over)
            self._count(operation, over_budget_in_bulk())
            return operation.answer(call)
        except Refused as refused:
            asked_in = f"{request.headers.get('content-type', '')} {request.headers.get('accept', '')}"
            return refused.in_bulk(as_json="json" in asked_in or self._is_of_json(request))

    def _is_of_json(self, request: Request) -> bool:
        """Whether the job that is asked about has its rows in JSON, and so is told of in JSON throughout."""
        job = self._world.jobs.get(ids.read(request.path_params.get("job", "")) or "")
        return job is not None and job.content_type == "JSON"

    async def _call(self, request: Request) -> Call:
        return Call(
            world=self._world,
            version=request.path_params.get("version", ""),
            ids={**request.path_params, "method": request.method},
            query=request.query_params,
            headers=request.headers,
            body=self._unpacked(request.headers.get("content-encoding", ""), await request.body()),
            host=f"{request.url.scheme}://{request.url.netloc}",
        )

    def _unpacked(self, encoding: str, body: bytes) -> bytes:
        """What was packed; limits are about what comes out."""
        if encoding.lower() in {"", "identity"}:
            return body
        if encoding.lower() != "gzip":
            raise Refused(415, "UNSUPPORTED_MEDIA_TYPE", "The content encoding is not supported")
        try:
            # No limit is above this one, so that nobody has to unpack more to see that it is too much.
            return zlib.decompressobj(_GZIP).decompress(body, self._world.knobs.upload_bytes)
        except zlib.error:
            raise Refused(400, "JSON_PARSER_ERROR", "The request body is no gzip") from None

    def _has_session(self, session: str) -> bool:
        return self._world.sessions.use(session, self._world.knobs.session_s)

    def _count(self, operation: Operation, refusal: Refused) -> None:
        _check(self._world.calls < self._world.knobs.daily_calls, refusal)
        self._world.calls += 1
        self._world.routes[f"{operation.method} {operation.path}"] += 1


def session_of(headers: Headers) -> str:
    """What either of the two headers presents."""
    scheme, _, told = headers.get("authorization", "").partition(" ")
    return headers.get("x-sfdc-session") or (told if scheme.lower() in {"bearer", "oauth"} else "")


def _no_version(version: str) -> Refused:
    if is_retired(version):
        return Refused(410, "GONE", "The requested API version has been retired")
    return not_found()


def _check(condition: bool, refusal: Refused) -> None:  # noqa: FBT001 - it is what is checked
    if not condition:
        raise refusal
