"""What stands between the network and the operations of every vendor: routes, faults around them, and whose token a call shows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from reconciler.emulators.console import Emulator
from reconciler.emulators.faults import Fault
from reconciler.emulators.interference import Interference, Vendor


class Operation(Protocol):
    """One method of one path."""

    @property
    def method(self) -> str:
        """Such as ``GET``."""
        ...

    @property
    def path(self) -> str:
        """As a route has it, with names in braces."""
        ...


Asked = TypeVar("Asked")
Operating = TypeVar("Operating", bound=Operation)
FaultKind = TypeVar("FaultKind", bound=Fault)
Endpoint = Callable[[Request], Awaitable[Response]]
Refuse = Callable[[Request, Exception], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbed:
    """A call. *faults* are for its answer to act out."""

    faults: tuple[Fault, ...] = ()

    def fault(self, kind: type[FaultKind]) -> FaultKind | None:
        """The first fault of that kind, if there is one."""
        return next((fault for fault in self.faults if isinstance(fault, kind)), None)


def bearer(authorization: str) -> str:
    """The token of an ``Authorization: Bearer`` header, or ""."""
    scheme, _, token = authorization.partition(" ")
    return token if scheme.lower() == "bearer" else ""


def endpoint(pass_on: Callable[[Asked, Request], Awaitable[Response]], asked: Asked) -> Endpoint:
    """Answers a request by what *pass_on* makes of it for *asked*."""

    async def answer(request: Request) -> Response:
        return await pass_on(asked, request)

    return answer


def routes(
    operations: Iterable[Operating], pass_on: Callable[[Operating, Request], Awaitable[Response]], prefix: str = ""
) -> list[Route]:
    """A route for each of *operations*, below *prefix*."""
    return [Route(prefix + one.path, endpoint(pass_on, one), methods=[one.method]) for one in operations]


def api(answering: Iterable[BaseRoute], refused: Refuse) -> Starlette:
    """An application in which *refused* answers for paths and methods that are none. A slash at the end is a part of a path."""
    application = Starlette(routes=list(answering), exception_handlers={404: refused, 405: refused})
    application.router.redirect_slashes = False
    return application


def disturbed(emulator: Emulator, app: ASGIApp, vendor: Vendor, prefix: str = "") -> Interference:
    """*app* with the faults of *emulator* around it, aimed by paths below *prefix*."""
    return Interference(
        app,
        prefix=prefix,
        vendor=vendor,
        book=emulator.faults,
        traffic=emulator.traffic,
        timeline=emulator.timeline,
    )
