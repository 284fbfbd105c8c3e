"""What every request has to pass before anybody answers it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from reconciler.emulators.answering import bearer
from reconciler.emulators.interference import FAULTS
from reconciler.emulators.qlik.call import Archive, Call, Told
from reconciler.emulators.qlik.limits import Limits
from reconciler.emulators.qlik.refusals import Refused, invalid, unauthorized
from reconciler.emulators.qlik.world import World
from reconciler.model.json import Json

_TOKEN_S: Final = 21_600
"""How long a token of a machine lives; Qlik says six hours."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. *raw*: whether its body is no JSON."""

    method: str
    path: str
    answer: Callable[[Call], Told]
    raw: bool = False


class Gate:
    """Lets requests through to the operations, or refuses them as Qlik would."""

    def __init__(self, world: World, limits: Limits) -> None:
        """Guard *world*."""
        self._world = world
        self._limits = limits

    async def pass_on(self, operation: Operation, request: Request) -> Response:
        """Answer a request for *operation*."""
        body = await request.body()
        try:
            self._admit(bearer(request.headers.get("authorization", "")))
            self._limits.use(operation.method, self._world.knobs)
            call = Call(
                world=self._world,
                base=str(request.base_url).rstrip("/"),
                path=request.url.path,
                ids=request.path_params,
                query=request.query_params,
                headers=request.headers,
                body=None if operation.raw else _parsed(body),
                raw=body,
                faults=request.scope.get(FAULTS, ()),
            )
            status, told = operation.answer(call)
        except Refused as refused:
            return refused.response()
        if isinstance(told, Archive):
            return Response(told.content, status, media_type="application/zip")
        if told is None:
            return Response(None, status)
        return Response(orjson.dumps(told), status, media_type="application/json")

    async def token(self, request: Request) -> Response:
        """A token for a machine that shows id and secret of its client."""
        try:
            asked = _parsed(await request.body())
            if not isinstance(asked, dict) or asked.get("grant_type") != "client_credentials":
                raise invalid("grant_type has to be client_credentials")
            if self._world.clients.get(str(asked.get("client_id"))) != asked.get("client_secret"):
                raise unauthorized()
        except Refused as refused:
            return refused.response()
        token = secrets.token_urlsafe(32)
        self._world.tokens[token] = self._world.timeline.now() + _TOKEN_S
        told = {"access_token": token, "token_type": "bearer", "expires_in": _TOKEN_S, "scope": "user_default"}
        return Response(orjson.dumps(told), media_type="application/json")

    def _admit(self, key: str) -> None:
        if key not in self._world.keys and self._world.tokens.get(key, 0.0) <= self._world.timeline.now():
            raise unauthorized()


def _parsed(body: bytes) -> Json:
    if not body:
        return None
    try:
        parsed: Json = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise invalid("the body is not JSON") from None
    return parsed
