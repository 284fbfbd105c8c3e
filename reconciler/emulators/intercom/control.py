"""``/_control``: what happens at Intercom without anybody asking its API.

================================== =====================================================================================
GET    /                            time and knobs
POST   /reset                       as at the start, without objects
PATCH  /knobs                       ``{knob: value}``; the others stay
POST   /clock                       ``{"advance_s": seconds}``
GET    /faults                      those armed, with how often each matched and struck
POST   /faults                      one of `faults.Fault`
DELETE /faults                      all
GET    /traffic                     calls so far; DELETE forgets them
PUT    /{kind}/{id}                 make or change one: contacts, conversations, segments, tags, companies; the body has its
                                    fields, of a conversation also ``parts`` to add
DELETE /contacts/{id}               and /conversations/{id}
POST   /contacts/{id}/merge         ``{"into": id}``
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
from reconciler.emulators.intercom.knobs import Knobs

if TYPE_CHECKING:
    from reconciler.emulators.intercom.app import Intercom

Answer = Callable[[Mapping[str, Any], Mapping[str, Any]], object]
"""Makes an answer of what the path names and the body says."""


def control_routes(intercom: Intercom) -> list[Route]:
    """The routes that control *intercom*."""
    console = _Console(intercom)
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
        _route("POST", "/contacts/{id}/merge", console.merge),
        _route("PUT", "/{kind}/{id}", console.put),
        _route("DELETE", "/{kind}/{id}", console.delete),
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

    def __init__(self, intercom: Intercom) -> None:
        self._intercom = intercom

    def overview(self, _path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        return {"now": self._intercom.timeline.now(), "knobs": self._intercom.world.knobs.model_dump()}

    def reset(self, _path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        self._intercom.reset()
        return {}

    def turn(self, _path: Mapping[str, Any], asked: Mapping[str, Any]) -> object:
        world = self._intercom.world
        world.knobs = Knobs.model_validate({**world.knobs.model_dump(), **asked})
        return world.knobs.model_dump()

    def advance(self, _path: Mapping[str, Any], asked: Mapping[str, Any]) -> object:
        self._intercom.timeline.advance(float(asked["advance_s"]))
        return {"now": self._intercom.timeline.now()}

    def faults(self, _path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        return {"faults": [_armed(armed) for armed in self._intercom.faults.armed()]}

    def arm(self, _path: Mapping[str, Any], asked: Mapping[str, Any]) -> object:
        return _armed(self._intercom.faults.arm(FAULT.validate_python(asked)))

    def disarm(self, _path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        self._intercom.faults.clear()
        return {}

    def traffic(self, _path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        return {"exchanges": [dataclasses.asdict(exchange) for exchange in self._intercom.traffic.exchanges()]}

    def forget_traffic(self, _path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        self._intercom.traffic.clear()
        return {}

    def put(self, path: Mapping[str, Any], asked: Mapping[str, Any]) -> object:
        world = self._intercom.world
        makers = {
            "contacts": world.put_contact,
            "conversations": world.put_conversation,
            "segments": world.put_segment,
            "tags": world.put_tag,
            "companies": world.put_company,
        }
        return makers[path["kind"]](path["id"], asked)

    def delete(self, path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        world = self._intercom.world
        removers = {"contacts": world.delete_contact, "conversations": world.delete_conversation}
        removers[path["kind"]](path["id"])
        return {}

    def merge(self, path: Mapping[str, Any], asked: Mapping[str, Any]) -> object:
        self._intercom.world.merge_contact(path["id"], asked["into"])
        return {}


def _armed(armed: Armed) -> dict[str, object]:
    return {"id": armed.id, "seen": armed.seen, "struck": armed.struck, **armed.fault.model_dump()}
