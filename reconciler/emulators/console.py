"""What every emulator's ``/_control`` can do: time, knobs, faults and traffic.

================================== =====================================================================================
GET    /                            time and knobs
POST   /reset                       as at the start, without objects
PATCH  /knobs                       ``{knob: value}``; the others stay
POST   /clock                       ``{"advance_s": seconds}``
GET    /faults                      those armed, with how often each matched and struck
POST   /faults                      one of `faults.Fault`, such as ``{"kind": "slow", "delay_s": 2, "method": "PATCH",
                                    "path": "/ad_accounts/**", "nth": 3}``; DELETE disarms all
GET    /traffic                     calls so far; DELETE forgets them
================================== =====================================================================================

Answers are JSON; 400 says what was wrong with a request, 404 that the object is not there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import orjson
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from reconciler.emulators.faults import FAULT, Armed, FaultBook
from reconciler.emulators.timeline import Timeline
from reconciler.emulators.traffic import Traffic

Named = Mapping[str, Any]
Answer = Callable[[Named, Named], object]
"""Makes an answer of what path and query name and the body says."""


class Emulator(Protocol):
    """What can be controlled. The `knobs` of its *world* are a frozen model."""

    timeline: Timeline
    faults: FaultBook
    traffic: Traffic

    @property
    def world(self) -> Any:
        """What is there."""
        ...

    def reset(self) -> None:
        """Back to how it started."""
        ...


class Console:
    """Does what the calls ask for."""

    def __init__(self, emulator: Emulator) -> None:
        """Control *emulator*."""
        self._emulator = emulator

    def routes(self) -> list[Route]:
        """What all have in common."""
        return [
            route("GET", "/", self.overview),
            route("POST", "/reset", self.reset),
            route("PATCH", "/knobs", self.turn),
            route("POST", "/clock", self.advance),
            route("GET", "/faults", self.faults),
            route("POST", "/faults", self.arm),
            route("DELETE", "/faults", self.disarm),
            route("GET", "/traffic", self.traffic),
            route("DELETE", "/traffic", self.forget_traffic),
        ]

    def overview(self, _named: Named, _asked: Named) -> dict[str, object]:
        """Time and knobs."""
        return {"now": self._emulator.timeline.now(), "knobs": self._emulator.world.knobs.model_dump()}

    def reset(self, _named: Named, _asked: Named) -> object:
        """Begin anew."""
        self._emulator.reset()
        return {}

    def turn(self, _named: Named, asked: Named) -> object:
        """Turn knobs; raises ValueError for one that is not there."""
        world = self._emulator.world
        world.knobs = type(world.knobs).model_validate({**world.knobs.model_dump(), **asked})
        return world.knobs.model_dump()

    def advance(self, _named: Named, asked: Named) -> object:
        """Let time pass."""
        self._emulator.timeline.advance(float(asked["advance_s"]))
        return {"now": self._emulator.timeline.now()}

    def faults(self, _named: Named, _asked: Named) -> object:
        """Those that are armed."""
        return {"faults": [_armed(armed) for armed in self._emulator.faults.armed()]}

    def arm(self, _named: Named, asked: Named) -> object:
        """Arm one; raises ValueError for what is none."""
        return _armed(self._emulator.faults.arm(FAULT.validate_python(asked)))

    def disarm(self, _named: Named, _asked: Named) -> object:
        """Disarm all."""
        self._emulator.faults.clear()
        return {}

    def traffic(self, _named: Named, _asked: Named) -> object:
        """The calls so far."""
        return {"exchanges": [dataclasses.asdict(exchange) for exchange in self._emulator.traffic.exchanges()]}

    def forget_traffic(self, _named: Named, _asked: Named) -> object:
        """Forget them."""
        self._emulator.traffic.clear()
        return {}


def route(method: str, path: str, answer: Answer) -> Route:
    """A route that *answer* answers. What it cannot do, it says by KeyError, ValueError or TypeError."""

    async def respond(request: Request) -> Response:
        try:
            asked = orjson.loads(await request.body() or b"{}")
            if not isinstance(asked, Mapping):
                raise TypeError("the body is no JSON object")  # noqa: TRY301 - told as any other mistake
            told = answer({**request.query_params, **request.path_params}, asked)
        except KeyError as error:
            return Response(f"there is no {error}", 404)
        except (ValueError, ValidationError, TypeError) as error:
            return Response(str(error), 400)
        return Response(orjson.dumps(told), media_type="application/json")

    return Route(path, respond, methods=[method])


def _armed(armed: Armed) -> dict[str, object]:
    return {"id": armed.id, "seen": armed.seen, "struck": armed.struck, **armed.fault.model_dump()}
