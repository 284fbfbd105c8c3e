"""What every request has to pass before anybody answers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson
from starlette.requests import Request
from starlette.responses import Response

from reconciler.emulators.answering import bearer
from reconciler.emulators.intercom.call import Call, version_of
from reconciler.emulators.intercom.limits import Limits
from reconciler.emulators.intercom.refusals import Refused, unauthorized
from reconciler.emulators.intercom.world import World
from reconciler.emulators.interference import FAULTS
from reconciler.model.json import Json

_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    answer: Callable[[Call], Json]


class Gate:
    """Lets requests through to the operations, or refuses them as Intercom would."""

    def __init__(self, world: World, limits: Limits) -> None:
        """Guard *world*."""
        self._world = world
        self._limits = limits

    async def pass_on(self, operation: Operation, request: Request) -> Response:
        """Answer a request for *operation*."""
        body = await request.body()
        told = request.headers.get("intercom-version") or self._world.knobs.default_version
        headers: dict[str, str] = {}
        try:
            headers = self._limits.use(self._world.knobs.calls_per_window)
            if bearer(request.headers.get("authorization", "")) not in self._world.tokens:
                raise unauthorized()
            call = Call(
                world=self._world,
                path=request.url.path,
                ids=request.path_params,
                query=request.query_params,
                body=_parsed(body) if operation.method == "POST" else {},
                version=version_of(told),
                faults=request.scope.get(FAULTS, ()),
            )
            answer = operation.answer(call)
        except Refused as refused:
            refused.headers = {**headers, **refused.headers}
            return refused.response()
        headers["Intercom-Version"] = told
        return Response(orjson.dumps(answer), headers=headers, media_type=_JSON)


def _parsed(body: bytes) -> Mapping[str, Json]:
    try:
        parsed: Json = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refused(400, "bad_request", "the body is not JSON") from None
    if not isinstance(parsed, dict):
        raise Refused(400, "bad_request", "the body is not an object")
    return parsed
