"""The application: routes, and the parts behind them."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Scope

from reconciler.emulators.adobe import connections, flows, runs, specs
from reconciler.emulators.adobe.control import control_routes
from reconciler.emulators.adobe.gate import Application, Gate, Operation
from reconciler.emulators.adobe.knobs import Knobs
from reconciler.emulators.adobe.refusals import Refused, limited, not_there
from reconciler.emulators.adobe.world import World
from reconciler.emulators.answering import api, bearer, disturbed, routes
from reconciler.emulators.faults import Failure, FaultBook, RateLimited
from reconciler.emulators.timeline import Timeline
from reconciler.emulators.traffic import Traffic

PREFIX = "/data/foundation/flowservice"
TOKEN_PATHS = ("/ims/token/v2", "/ims/token/v3")

OPERATIONS = (
    Operation("GET", "/connectionSpecs", specs.listed),
    Operation("POST", "/connectionSpecs", specs.made),
    Operation("GET", "/connectionSpecs/{id}", specs.one),
    Operation("PUT", "/connectionSpecs/{id}", specs.put),
    Operation("GET", "/flowSpecs", specs.flow_specs),
    Operation("GET", "/flowSpecs/{id}", specs.flow_spec),
    Operation("PUT", "/flowSpecs/{id}", specs.put_flow_spec),
    Operation("POST", "/connections", connections.made_base),
    Operation("GET", "/connections/{id}/test", connections.tested),
    Operation("POST", "/sourceConnections", connections.made_source),
    Operation("POST", "/targetConnections", connections.made_target),
    *(
        operation
        for kind in ("connections", "sourceConnections", "targetConnections")
        for operation in (
            Operation("GET", f"/{kind}", connections.listed),
            Operation("GET", f"/{kind}/{{id}}", connections.one),
            Operation("PATCH", f"/{kind}/{{id}}", connections.changed),
            Operation("DELETE", f"/{kind}/{{id}}", connections.deleted),
        )
    ),
    Operation("GET", "/flows", flows.listed),
    Operation("POST", "/flows", flows.made),
    Operation("GET", "/flows/{id}", flows.one),
    Operation("PATCH", "/flows/{id}", flows.changed),
    Operation("DELETE", "/flows/{id}", flows.deleted),
    Operation("POST", "/flows/{id}/action", flows.acted),
    Operation("GET", "/runs", runs.listed),
    Operation("POST", "/runs", runs.started),
    Operation("GET", "/runs/{id}", runs.one),
    Operation("POST", "/runs/{id}/action", runs.again),
)


class Adobe:
    """One organisation. `asgi` answers the token endpoint, the Flow Service below `PREFIX`, and ``/_control``."""

    def __init__(
        self,
        application: Application,
        *,
        org_id: str,
        sandboxes: tuple[str, ...] = ("prod", "dev"),
        knobs: Knobs | None = None,
        timeline: Timeline | None = None,
    ) -> None:
        """Build all parts; nothing listens yet."""
        self._first_knobs = knobs or Knobs()
        self.timeline = timeline or Timeline()
        self.world = World(knobs=self._first_knobs, timeline=self.timeline, org_id=org_id, sandboxes=sandboxes)
        self.gate = Gate(self.world, application)
        self.faults = FaultBook()
        self.traffic = Traffic()
        self.asgi: ASGIApp = _application(self)

    def reset(self) -> None:
        """Back to how it started."""
        self.timeline.reset()
        self.world.knobs = self._first_knobs
        self.world.clear()
        self.gate.clear()
        self.faults.clear()
        self.traffic.clear()


def _application(adobe: Adobe) -> Starlette:
    async def refused(_request: Request, _error: Exception) -> Response:
        return not_there("Path").response(adobe.world.knobs)

    answered = routes(OPERATIONS, adobe.gate.pass_on, PREFIX)
    answered += [Route(path, adobe.gate.grant, methods=["POST"]) for path in TOKEN_PATHS]
    app = disturbed(adobe, api(answered, refused), _Wording(adobe), PREFIX)
    return Starlette(routes=[Mount("/_control", routes=control_routes(adobe)), Mount("/", app)])


class _Wording:
    """How Adobe words a failure; see `interference.Vendor`."""

    def __init__(self, adobe: Adobe) -> None:
        self._adobe = adobe

    def refusal(self, fault: RateLimited | Failure) -> Response:
        knobs = self._adobe.world.knobs
        if isinstance(fault, RateLimited):
            return limited(fault.retry_after_s or fault.reset_s).response(knobs)
        headers = {} if fault.retry_after_s is None else {"Retry-After": str(fault.retry_after_s)}
        code = f"{fault.code or 1102}-{fault.status}"
        return Refused(code, fault.message, headers=headers).response(knobs)

    def expire_token(self, scope: Scope) -> None:
        self._adobe.world.tokens.pop(bearer(Headers(scope=scope).get("authorization", "")), None)
