"""The application: routes, and the parts behind them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Scope

from reconciler.emulators.answering import api, bearer, disturbed, routes
from reconciler.emulators.faults import Failure, FaultBook, RateLimited
from reconciler.emulators.qlik import connections, projects
from reconciler.emulators.qlik.control import control_routes
from reconciler.emulators.qlik.gate import Gate, Operation
from reconciler.emulators.qlik.knobs import Knobs
from reconciler.emulators.qlik.limits import Limits
from reconciler.emulators.qlik.refusals import Refused, not_found, rate_limited
from reconciler.emulators.qlik.world import World
from reconciler.emulators.timeline import Timeline
from reconciler.emulators.traffic import Traffic

_SOURCE: Final = "/api/v1/data-sources/{source_id}"
_CONNECTIONS: Final = "/api/v1/data-connections"
_CONNECTION: Final = f"{_CONNECTIONS}/{{connection_id}}"
_PROJECTS: Final = "/api/v1/di-projects"
_PROJECT: Final = f"{_PROJECTS}/{{project_id}}"
_TASK: Final = f"{_PROJECT}/di-tasks/{{task_id}}"

# A fixed path goes before one with a variable in its place.
OPERATIONS: Final = (
    Operation("GET", "/api/v1/spaces", connections.spaces),
    Operation("GET", "/api/v1/data-sources", connections.sources),
    Operation("GET", f"{_SOURCE}/api-specs", connections.api_specs),
    Operation("GET", f"{_SOURCE}/gateways", connections.gateways),
    Operation("GET", _CONNECTIONS, connections.listed),
    Operation("POST", _CONNECTIONS, connections.create),
    Operation("GET", _CONNECTION, connections.one),
    Operation("PATCH", _CONNECTION, connections.patch),
    Operation("DELETE", _CONNECTION, connections.remove),
    Operation("GET", _PROJECTS, projects.listed),
    Operation("POST", _PROJECTS, projects.create),
    Operation("GET", _PROJECT, projects.one),
    Operation("POST", f"{_PROJECT}/actions/export", projects.export),
    Operation("POST", f"{_PROJECT}/actions/import", projects.import_, raw=True),
    Operation("POST", f"{_PROJECT}/actions/prepare", projects.begin),
    Operation("POST", f"{_PROJECT}/actions/validate", projects.begin),
    Operation("GET", f"{_PROJECTS}/actions/{{action_id}}", projects.action),
    Operation("GET", f"{_PROJECT}/bindings", projects.bindings),
    Operation("PUT", f"{_PROJECT}/bindings", projects.set_bindings),
    Operation("GET", f"{_PROJECT}/di-tasks", projects.tasks),
    Operation("GET", _TASK, projects.task),
    Operation("POST", f"{_TASK}/actions/prepare", projects.prepare),
    Operation("POST", f"{_TASK}/actions/validate", projects.validate),
    Operation("POST", f"{_TASK}/actions/recreate-datasets", projects.recreate),
    Operation("POST", f"{_TASK}/actions/request-reload", projects.reload),
    Operation("POST", f"{_TASK}/runtime/actions/start", projects.start),
    Operation("POST", f"{_TASK}/runtime/actions/stop", projects.stop),
    Operation("GET", f"{_TASK}/runtime/state", projects.state),
    Operation("GET", f"{_TASK}/runtime/state/datasets", projects.datasets),
)


class QlikCloud:
    """One tenant. `asgi` answers at its address, as Qlik Cloud does, and ``/_control``."""

    def __init__(
        self,
        *,
        key: str,
        clients: Mapping[str, str] | None = None,
        knobs: Knobs | None = None,
        timeline: Timeline | None = None,
    ) -> None:
        """Build all parts; nothing listens yet.

        key: an API key. clients: id -> secret of machines that may ask for tokens.
        """
        self._key, self._clients = key, dict(clients or {})
        self._first_knobs = knobs or Knobs()
        self.timeline = timeline or Timeline()
        self.world = World(knobs=self._first_knobs, timeline=self.timeline)
        self.limits = Limits(self.timeline)
        self.faults = FaultBook()
        self.traffic = Traffic()
        self._admit()
        self.asgi: ASGIApp = _application(self)

    def reset(self) -> None:
        """Back to how it started, without objects."""
        self.timeline.reset()
        self.world.clear()
        self.world.knobs = self._first_knobs
        self._admit()
        self.limits.clear()
        self.faults.clear()
        self.traffic.clear()

    def _admit(self) -> None:
        self.world.keys.add(self._key)
        self.world.clients |= self._clients


def _application(tenant: QlikCloud) -> Starlette:
    gate = Gate(tenant.world, tenant.limits)

    async def refused(_request: Request, _error: Exception) -> Response:
        return not_found("the resource").response()

    async def person(request: Request) -> Response:
        page = tenant.world.authorisations.get(request.path_params["page_id"])
        if page is None:
            return PlainTextResponse("There is no such page.", 404)
        told = f"The app {page.client_id} asks for leave to read your ad accounts. This page is {page.state}.\n"
        return PlainTextResponse(f"{told}Consent: POST /_control/authorisations/{page.id}/approve\n")

    answered = routes(OPERATIONS, gate.pass_on)
    answered += [Route("/oauth/token", gate.token, methods=["POST"]), Route("/oauth-page/{page_id}", person)]
    app = disturbed(tenant, api(answered, refused), _Wording(tenant))
    return Starlette(routes=[Mount("/_control", routes=control_routes(tenant)), Mount("/", app)])


class _Wording:
    """How Qlik words a failure; see `interference.Vendor`."""

    def __init__(self, tenant: QlikCloud) -> None:
        self._tenant = tenant

    def refusal(self, fault: RateLimited | Failure) -> Response:
        if isinstance(fault, RateLimited):
            return rate_limited(fault.retry_after_s or fault.reset_s).response()
        headers = {} if fault.retry_after_s is None else {"Retry-After": str(fault.retry_after_s)}
        return Refused(fault.status, f"HTTP-{fault.status}", fault.message, headers=headers).response()

    def expire_token(self, scope: Scope) -> None:
        token = bearer(Headers(scope=scope).get("authorization", ""))
        self._tenant.world.keys.discard(token)
        self._tenant.world.tokens.pop(token, None)
