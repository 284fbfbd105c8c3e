"""``/_control``: what people and time do in this tenant.

==================================== =====================================================================================
GET    /                              time and knobs
POST   /reset                         as at the start, without objects
PATCH  /knobs                         ``{knob: value}``; the others stay
POST   /clock                         ``{"advance_s": seconds}``
POST   /faults                        one of `faults.Fault`; DELETE ends all
GET    /traffic                       calls so far; DELETE forgets them
DELETE /keys                          every key and token is refused from now on
POST   /spaces                        ``{"name"}``
GET    /authorisations                pages that were opened for people, with their state, oldest first
POST   /authorisations/{id}/approve   a person consents: ``{"code"}``; /refuse: does not; /expire: page and code have ended
GET    /connections                   all connections, with whether they are authorised
PATCH  /connections/{id}              a person edits: ``{"name"}``, ``{"properties": {…}}``; DELETE takes it away
POST   /connections/{id}/authorise    a person consents in the console; /revoke: takes it back
POST   /projects                      ``{"name", "space", "type"}``
POST   /projects/{id}/tasks           ``{"name", "type", "files": {name: text}, "prepared"}``
PUT    /projects/{id}/tasks/{task}    ``{"files": {name: text}}``: a person edits a task; DELETE takes it away
POST   /projects/{id}/tasks/{task}/run ``{"state"}``: what became of its run
==================================== =====================================================================================

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

from reconciler.emulators.faults import FAULT
from reconciler.emulators.qlik.knobs import Knobs

if TYPE_CHECKING:
    from reconciler.emulators.qlik.app import QlikCloud

Answer = Callable[[Mapping[str, Any], Mapping[str, Any]], object]
"""Makes an answer of what the path names and the body says."""


def control_routes(tenant: QlikCloud) -> list[Route]:
    """The routes that control *tenant*."""
    console, people = _Console(tenant), _People(tenant)
    return [
        _route("GET", "/", console.overview),
        _route("POST", "/reset", console.reset),
        _route("PATCH", "/knobs", console.turn),
        _route("POST", "/clock", console.advance),
        _route("POST", "/faults", console.arm),
        _route("DELETE", "/faults", console.disarm),
        _route("GET", "/traffic", console.traffic),
        _route("DELETE", "/traffic", console.forget_traffic),
        _route("DELETE", "/keys", console.end_keys),
        _route("POST", "/spaces", people.make_space),
        _route("GET", "/authorisations", people.pages),
        _route("POST", "/authorisations/{id}/{deed}", people.answer_page),
        _route("GET", "/connections", people.connections),
        _route("PATCH", "/connections/{id}", people.edit_connection),
        _route("DELETE", "/connections/{id}", people.remove_connection),
        _route("POST", "/connections/{id}/{deed}", people.consent),
        _route("POST", "/projects", people.make_project),
        _route("POST", "/projects/{id}/tasks", people.make_task),
        _route("PUT", "/projects/{id}/tasks/{task}", people.edit_task),
        _route("POST", "/projects/{id}/tasks/{task}/run", people.run_task),
        _route("DELETE", "/projects/{id}/tasks/{task}", people.remove_task),
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
    """Time, knobs, faults."""

    def __init__(self, tenant: QlikCloud) -> None:
        self._tenant = tenant

    def overview(self, _path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        return {"now": self._tenant.timeline.now(), "knobs": self._tenant.world.knobs.model_dump()}

    def reset(self, _path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        self._tenant.reset()
        return {}

    def turn(self, _path: Mapping[str, Any], asked: Mapping[str, Any]) -> object:
        world = self._tenant.world
        world.knobs = Knobs.model_validate({**world.knobs.model_dump(), **asked})
        return world.knobs.model_dump()

    def advance(self, _path: Mapping[str, Any], asked: Mapping[str, Any]) -> object:
        self._tenant.timeline.advance(float(asked["advance_s"]))
        return {"now": self._tenant.timeline.now()}

    def arm(self, _path: Mapping[str, Any], asked: Mapping[str, Any]) -> object:
        armed = self._tenant.faults.arm(FAULT.validate_python(asked))
        return {"id": armed.id, **armed.fault.model_dump()}

    def disarm(self, _path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        self._tenant.faults.clear()
        return {}

    def traffic(self, _path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        return {"exchanges": [dataclasses.asdict(exchange) for exchange in self._tenant.traffic.exchanges()]}

    def forget_traffic(self, _path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        self._tenant.traffic.clear()
        return {}

    def end_keys(self, _path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        self._tenant.world.keys.clear()
        self._tenant.world.tokens.clear()
        return {}


class _People:
    """What is done in the console of the tenant."""

    def __init__(self, tenant: QlikCloud) -> None:
        self._tenant = tenant

    def make_space(self, _path: Mapping[str, Any], asked: Mapping[str, Any]) -> object:
        return self._tenant.world.put_space(str(asked["name"]))

    def pages(self, _path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        pages = self._tenant.world.authorisations.values()
        return {"authorisations": [{"id": one.id, "client_id": one.client_id, "state": one.state} for one in pages]}

    def answer_page(self, path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        world = self._tenant.world
        match path["deed"]:
            case "approve":
                return {"code": world.approve(path["id"])}
            case "refuse":
                world.refuse(path["id"])
            case "expire":
                world.expire(path["id"])
            case other:
                raise KeyError(other)
        return {}

    def connections(self, _path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        told = [
            {
                "id": one.id,
                "name": one.name,
                "space": one.space,
                "properties": one.properties,
                "is_authorised": bool(one.credentials_id),
            }
            for one in self._tenant.world.connections.values()
        ]
        return {"connections": told}

    def edit_connection(self, path: Mapping[str, Any], asked: Mapping[str, Any]) -> object:
        found = self._tenant.world.connections[path["id"]]
        found.name = str(asked.get("name", found.name))
        found.properties |= asked.get("properties", {})
        found.updated = self._tenant.world.now()
        return {}

    def remove_connection(self, path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        del self._tenant.world.connections[path["id"]]
        return {}

    def consent(self, path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        deeds = {"authorise": self._tenant.world.authorise, "revoke": self._tenant.world.revoke}
        deeds[path["deed"]](path["id"])
        return {}

    def make_project(self, _path: Mapping[str, Any], asked: Mapping[str, Any]) -> object:
        return {"id": self._tenant.world.put_project(str(asked["name"]), asked).id}

    def make_task(self, path: Mapping[str, Any], asked: Mapping[str, Any]) -> object:
        return {"id": self._tenant.world.put_task(path["id"], str(asked["name"]), asked).id}

    def edit_task(self, path: Mapping[str, Any], asked: Mapping[str, Any]) -> object:
        self._tenant.world.projects[path["id"]].tasks[path["task"]].files |= asked["files"]
        return {}

    def run_task(self, path: Mapping[str, Any], asked: Mapping[str, Any]) -> object:
        self._tenant.world.run_state(path["id"], path["task"], str(asked["state"]))
        return {}

    def remove_task(self, path: Mapping[str, Any], _asked: Mapping[str, Any]) -> object:
        del self._tenant.world.projects[path["id"]].tasks[path["task"]]
        return {}
