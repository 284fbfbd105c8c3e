"""Serves a project's embedded service with faults that can be switched on, until its standard input ends.

Called as ``python faulty_service.py PINTEREST_URL`` in the project's folder; says its port on a line of its own. Faults are
armed by POST and disarmed by DELETE at ``/_faults``.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "journeys"))

from hurried import HurriedClock
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Scope

from reconciler.emulators.faults import FAULT, Failure, FaultBook, RateLimited
from reconciler.emulators.interference import Interference
from reconciler.emulators.serving import Server
from reconciler.emulators.timeline import Timeline
from reconciler.emulators.traffic import Traffic
from reconciler.wiring import open_runtime


class Wording:
    """How Treasure Data words a failure; see `interference.Vendor`."""

    def refusal(self, fault: RateLimited | Failure) -> Response:
        status = fault.status if isinstance(fault, Failure) else 429
        message = fault.message if isinstance(fault, Failure) else "Too many requests"
        headers = {} if fault.retry_after_s is None else {"retry-after": str(fault.retry_after_s)}
        return JSONResponse({"error": message, "message": message, "severity": "error"}, status, headers)

    def expire_token(self, scope: Scope) -> None:
        raise NotImplementedError("keys of Treasure Data do not expire")


def main() -> None:
    with open_runtime(
        start=Path.cwd(),
        environment=None,
        variables={"pinterest": sys.argv[1]},
        resolve_secrets=False,
        clock=HurriedClock(),
    ) as runtime:
        embedded = runtime.embedded
        assert embedded is not None
        book = FaultBook()

        async def control(request: Request) -> Response:
            if request.method == "DELETE":
                struck = sum(armed.struck for armed in book.armed())
                book.clear()
                return JSONResponse({"struck": struck})
            book.arm(FAULT.validate_python(await request.json()))
            return JSONResponse({})

        faulty = Interference(
            embedded.application(),
            prefix="",
            vendor=Wording(),
            book=book,
            traffic=Traffic(),
            timeline=Timeline(),
        )
        app = Starlette(routes=[Route("/_faults", control, methods=["POST", "DELETE"]), Mount("/", faulty)])
        with Server(app) as server:
            embedded.note_served(server.port)
            print(server.port, flush=True)  # noqa: T201 - the parent reads it
            sys.stdin.read()


if __name__ == "__main__":
    main()
