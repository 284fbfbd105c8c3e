"""``/_control``: what happens at Salesforce without anybody asking its API.

================================== =====================================================================================
GET    /                            time, knobs, and API calls so far: all, and by route
POST   /reset                       as at the start
PATCH  /knobs                       ``{knob: value}``; the others stay
POST   /clock                       ``{"advance_s": seconds}``
GET    /faults                      those armed, with how often each matched and struck
POST   /faults                      one of `faults.Fault`
DELETE /faults                      all, locks and breakages too
GET    /traffic                     calls so far; DELETE forgets them
POST   /sessions                    a session: ``{"session_id"}``; DELETE ends all
POST   /locks                       ``{"field", "value", "times"}``: rows that cannot be locked, so often
POST   /breakages                   ``{"rows", "message"}``: the next job or batch commits so many rows, then fails
GET    /records/{object}            records with Id and what is not null; ``?deleted=true`` with the recycle bin
POST   /records/{object}            ``{"rows": [...]}`` become records: ``{"ids"}``
================================== =====================================================================================

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

from reconciler.emulators.faults import FAULT, Armed
from reconciler.emulators.salesforce.knobs import Knobs
from reconciler.emulators.salesforce.world import Breakage, Lock
from reconciler.emulators.salesforce.writing import HeaderError

if TYPE_CHECKING:
    from reconciler.emulators.salesforce.app import Salesforce

Answer = Callable[[Mapping[str, Any], Mapping[str, Any]], object]
"""Makes an answer of what path and query name and the body says."""


def control_routes(salesforce: Salesforce) -> list[Route]:
    """The routes that control *salesforce*."""
    console = _Console(salesforce)
    return [
        _route("GET", "/", console.overview),
        _route("POST", "/reset", console.reset),
        _route("PATCH", "/knobs", console.turn),
        _route("POST", "/clock", console.advance),
        _route("GET", "/faults", console.faults),
        _route("POST", "/faults", console.arm),
        _route("DELETE", "/faults", console.disarm),
        _route("GET", "/traffic", console.traffic),
        _route("DELETE", "/traffic", console.forget_traffic),
        _route("POST", "/sessions", console.begin_session),
        _route("DELETE", "/sessions", console.end_sessions),
        _route("POST", "/locks", console.lock),
        _route("POST", "/breakages", console.break_next),
        _route("GET", "/records/{object}", console.records),
        _route("POST", "/records/{object}", console.put),
    ]


def _route(method: str, path: str, answer: Answer) -> Route:
    async def respond(request: Request) -> Response:
        try:
            asked = orjson.loads(await request.body() or b"{}")
            told = answer({**request.query_params, **request.path_params}, asked)
        except KeyError as error:
            return Response(f"there is no {error}", 404)
        except (ValueError, ValidationError, TypeError, HeaderError) as error:
            return Response(str(error), 400)
        return Response(orjson.dumps(told), media_type="application/json")

    return Route(path, respond, methods=[method])


class _Console:
    """Does what the calls ask for."""

    def __init__(self, salesforce: Salesforce) -> None:
        self._salesforce = salesforce

    def overview(self, _path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        world = self._salesforce.world
        calls = {"all": world.calls, "routes": dict(world.routes)}
        return {"now": world.timeline.now(), "knobs": world.knobs.model_dump(), "calls": calls}

    def reset(self, _path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        self._salesforce.reset()
        return {}

    def turn(self, _path: Mapping[str, Any], asked: Mapping[str, Any]) -> object:
        world = self._salesforce.world
        world.knobs = Knobs.model_validate({**world.knobs.model_dump(), **asked})
        return world.knobs.model_dump()

    def advance(self, _path: Mapping[str, Any], asked: Mapping[str, Any]) -> object:
        self._salesforce.timeline.advance(float(asked["advance_s"]))
        return {"now": self._salesforce.timeline.now()}

    def faults(self, _path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        return {"faults": [_armed(armed) for armed in self._salesforce.faults.armed()]}

    def arm(self, _path: Mapping[str, Any], asked: Mapping[str, Any]) -> object:
        return _armed(self._salesforce.faults.arm(FAULT.validate_python(asked)))

    def disarm(self, _path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        self._salesforce.faults.clear()
        self._salesforce.world.locks.clear()
        self._salesforce.world.breakages.clear()
        return {}

    def traffic(self, _path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        return {"exchanges": [dataclasses.asdict(exchange) for exchange in self._salesforce.traffic.exchanges()]}

    def forget_traffic(self, _path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        self._salesforce.traffic.clear()
        return {}

    def begin_session(self, _path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        world = self._salesforce.world
        return {"session_id": world.sessions.begin(world.knobs.session_s)}

    def end_sessions(self, _path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        self._salesforce.world.sessions.open.clear()
        return {}

    def lock(self, _path: Mapping[str, Any], asked: Mapping[str, Any]) -> object:
        lock = Lock(str(asked["field"]), str(asked["value"]), int(asked["times"]))
        self._salesforce.world.locks.append(lock)
        return {}

    def break_next(self, _path: Mapping[str, Any], asked: Mapping[str, Any]) -> object:
        self._salesforce.world.breakages.append(Breakage(int(asked["rows"]), str(asked["message"])))
        return {}

    def records(self, path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        return {"records": self._salesforce.world.shown(path["object"], deleted=path.get("deleted") == "true")}

    def put(self, path: Mapping[str, Any], asked: Mapping[str, Any]) -> object:
        return {"ids": self._salesforce.world.put(path["object"], asked["rows"])}


def _armed(armed: Armed) -> dict[str, object]:
    return {"id": armed.id, "seen": armed.seen, "struck": armed.struck, **armed.fault.model_dump()}
