"""What every request has to pass before anybody answers it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from reconciler.emulators.adobe.call import Answered, Call
from reconciler.emulators.adobe.refusals import Refused, invalid, limited
from reconciler.emulators.adobe.world import Sandbox, World
from reconciler.emulators.answering import bearer
from reconciler.emulators.interference import FAULTS
from reconciler.model.json import Json

_WINDOW_S = 60


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    answer: Callable[[Call], Answered]


@dataclass(frozen=True, slots=True)
class Application:
    """The credentials that get a token."""

    client_id: str
    client_secret: str


class Gate:
    """Lets requests through to the operations, or refuses them as Adobe would."""

    def __init__(self, world: World, application: Application) -> None:
        """Guard *world*."""
        self._world = world
        self._application = application
        self._window, self._used = -1, 0

    def clear(self) -> None:
        """Forget what was used."""
        self._used = 0

    async def grant(self, request: Request) -> Response:
        """The token endpoint: credentials in the form, or in the query as the older version has them."""
        form = await request.form()
        told = {**request.query_params, **{name: str(value) for name, value in form.items()}}
        is_known = (told.get("client_id"), told.get("client_secret")) == (
            self._application.client_id,
            self._application.client_secret,
        )
        if told.get("grant_type") != "client_credentials":
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        if not is_known:
            return JSONResponse({"error": "invalid_client", "error_description": "invalid client_id or secret"}, 400)
        if not told.get("scope"):
            return JSONResponse({"error": "invalid_scope"}, 400)
        token = self._world.grant()
        lifetime = self._world.knobs.token_lifetime_s
        expires = lifetime * 1000 if self._world.knobs.lifetime_unit == "milliseconds" else lifetime
        return JSONResponse({"access_token": token, "token_type": "bearer", "expires_in": expires})

    async def pass_on(self, operation: Operation, request: Request) -> Response:
        """Answer a request for *operation*."""
        body = await request.body()
        try:
            self._count()
            sandbox = self._admitted(request)
            call = Call(
                world=self._world,
                sandbox=sandbox,
                path=request.url.path,
                ids=request.path_params,
                query=request.query_params,
                properties=tuple(request.query_params.getlist("property")),
                body=_parsed(body, request),
                if_match=request.headers.get("if-match"),
                faults=request.scope.get(FAULTS, ()),
            )
            answer = operation.answer(call)
        except Refused as refused:
            return refused.response(self._world.knobs)
        if answer.status == 204:
            return Response(status_code=204)
        return Response(orjson.dumps(answer.body), answer.status, media_type="application/json")

    def _count(self) -> None:
        now = self._world.timeline.now()
        if int(now // _WINDOW_S) != self._window:
            self._window, self._used = int(now // _WINDOW_S), 0
        limit = self._world.knobs.calls_per_minute
        if limit and self._used >= limit:
            raise limited(max(1, math.ceil((self._window + 1) * _WINDOW_S - now)))
        self._used += 1

    def _admitted(self, request: Request) -> Sandbox:
        """The sandbox that the headers name.

        Raises:
            Refused: one of them is missing or wrong.
        """
        world, headers = self._world, request.headers
        authorization = headers.get("authorization", "")
        if not authorization:
            raise Refused("2000-401", "The authorization token is missing.", status=world.knobs.missing_token_status)
        if world.tokens.get(bearer(authorization), 0) <= world.timeline.now():
            raise Refused("2001-401", "The authorization token is not valid or has expired.")
        if headers.get("x-gw-ims-org-id") != world.org_id:
            raise Refused("2002-401", "The token has no access to the organization of the header.")
        if headers.get("x-api-key") != self._application.client_id:
            raise Refused("2118-403", "The api key is not that of the token.")
        name = headers.get("x-sandbox-name")
        if not name:
            raise Refused("2105-400", "The sandbox header is missing.")
        if name not in world.sandboxes:
            raise Refused("2100-404", "The sandbox is not found.")
        return world.sandboxes[name]


def _parsed(body: bytes, request: Request) -> Json:
    if not body:
        return None
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise Refused("1004-415", "The content type of a body is application/json.")
    try:
        parsed: Json = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise invalid("The body is not JSON.") from None
    return parsed
