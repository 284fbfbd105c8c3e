"""``/_control``: what happens at Adobe without anybody asking its API.

====================================== =================================================================================
GET    /                                time and knobs
POST   /reset                           as at the start
PATCH  /knobs                           ``{knob: value}``; the others stay
POST   /clock                           ``{"advance_s": seconds}``
DELETE /tokens                          all access tokens end
GET    /faults                          those armed, with how often each matched and struck
POST   /faults                          one of `faults.Fault`; DELETE disarms all
GET    /traffic                         calls so far; DELETE forgets them
GET    /objects/{sandbox}/{kind}        all objects of a kind, as they are kept: secrets are in clear
PATCH  /objects/{sandbox}/{kind}/{id}   ``{member: value}``, as somebody at a console would change it
DELETE /objects/{sandbox}/{kind}/{id}   it is gone, whatever uses it
====================================== =================================================================================

Answers are JSON; 400 says what was wrong with a request, 404 that the object is not there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import orjson
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from reconciler.emulators.adobe.knobs import Knobs
from reconciler.emulators.faults import FAULT, Armed

if TYPE_CHECKING:
    from reconciler.emulators.adobe.app import Adobe

Answer = Callable[[Mapping[str, Any], Mapping[str, Any]], object]
"""Makes an answer of what the path names and the body says."""


def control_routes(adobe: Adobe) -> list[Route]:
    """The routes that control *adobe*."""
    console = _Console(adobe)
    return [
        _route("GET", "/", console.overview),
        _route("POST", "/reset", console.reset),
        _route("PATCH", "/knobs", console.turn),
        _route("POST", "/clock", console.advance),
        _route("DELETE", "/tokens", console.end_tokens),
        _route("GET", "/faults", console.faults),
        _route("POST", "/faults", console.arm),
        _route("DELETE", "/faults", console.disarm),
        _route("GET", "/traffic", console.traffic),
        _route("DELETE", "/traffic", console.forget_traffic),
        _route("GET", "/objects/{sandbox}/{kind}", console.objects),
        _route("PATCH", "/objects/{sandbox}/{kind}/{id}", console.change),
        _route("DELETE", "/objects/{sandbox}/{kind}/{id}", console.delete),
    ]


def _route(method: str, path: str, answer: Answer) -> Route:
    async def respond(request: Request) -> Response:
        try:
            asked = orjson.loads(await request.body() or b"{}")
            told = answer(request.path_params, asked)
        except KeyError as error:
            return Response(f"there is no {error}", 404)
        except (ValueError, ValidationError, TypeError) as error:
            return Response(str(error), 400)
        return Response(orjson.dumps(told), media_type="application/json")

    return Route(path, respond, methods=[method])


class _Console:
    """Does what the calls ask for."""

    def __init__(self, adobe: Adobe) -> None:
        self._adobe = adobe

    def overview(self, _path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        return {"now": self._adobe.timeline.now(), "knobs": self._adobe.world.knobs.model_dump()}

    def reset(self, _path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        self._adobe.reset()
        return {}

    def turn(self, _path: Mapping[str, Any], asked: Mapping[str, Any]) -> object:
        world = self._adobe.world
        world.knobs = Knobs.model_validate({**world.knobs.model_dump(), **asked})
        return world.knobs.model_dump()

    def advance(self, _path: Mapping[str, Any], asked: Mapping[str, Any]) -> object:
        self._adobe.timeline.advance(float(asked["advance_s"]))
        return {"now": self._adobe.timeline.now()}

    def end_tokens(self, _path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        self._adobe.world.tokens.clear()
        return {}

    def faults(self, _path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        return {"faults": [_armed(armed) for armed in self._adobe.faults.armed()]}

    def arm(self, _path: Mapping[str, Any], asked: Mapping[str, Any]) -> object:
        return _armed(self._adobe.faults.arm(FAULT.validate_python(asked)))

    def disarm(self, _path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        self._adobe.faults.clear()
        return {}

    def traffic(self, _path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        return {"exchanges": [dataclasses.asdict(exchange) for exchange in self._adobe.traffic.exchanges()]}

    def forget_traffic(self, _path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        self._adobe.traffic.clear()
        return {}

    def objects(self, path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        return {"objects": list(self._adobe.world.sandboxes[path["sandbox"]].of(path["kind"]).values())}

    def change(self, path: Mapping[str, Any], asked: Mapping[str, Any]) -> object:
        world = self._adobe.world
        sandbox = world.sandboxes[path["sandbox"]]
        there = sandbox.of(path["kind"])[path["id"]]
        return world.put(sandbox, path["kind"], {**there, **asked}, path["id"])

    def delete(self, path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        del self._adobe.world.sandboxes[path["sandbox"]].of(path["kind"])[path["id"]]
        return {}


def _armed(armed: Armed) -> dict[str, object]:
    return {"id": armed.id, "seen": armed.seen, "struck": armed.struck, **armed.fault.model_dump()}
