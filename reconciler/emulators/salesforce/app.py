"""The application: routes, and the parts behind them."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from reconciler.emulators.answering import api, disturbed, endpoint, routes
from reconciler.emulators.faults import Failure, FaultBook, RateLimited
from reconciler.emulators.salesforce import bulk1, bulk2, login, rest
from reconciler.emulators.salesforce.call import Call, in_json
from reconciler.emulators.salesforce.control import control_routes
from reconciler.emulators.salesforce.gate import Gate, Operation, session_of
from reconciler.emulators.salesforce.knobs import Knobs
from reconciler.emulators.salesforce.refusals import Refused, not_found, over_budget, over_budget_in_bulk
from reconciler.emulators.salesforce.schema import OBJECTS, SObject
from reconciler.emulators.salesforce.sessions import Credentials, Sessions
from reconciler.emulators.salesforce.versions import NEWEST, OLDEST, OLDEST_INGEST, OLDEST_QUERY_JOBS
from reconciler.emulators.salesforce.world import World
from reconciler.emulators.timeline import Timeline
from reconciler.emulators.traffic import Traffic

_ROW = "/sobjects/{object}/{record}"
# A fixed path goes before one with a variable in its place.
REST = (
    Operation("GET", "/sobjects", rest.objects),
    Operation("GET", "/sobjects/{object}/describe", rest.describe),
    Operation("POST", "/sobjects/{object}", rest.create),
    Operation("GET", _ROW, rest.row),
    Operation("PATCH", _ROW, rest.row),
    Operation("DELETE", _ROW, rest.row),
    Operation("PATCH", "/sobjects/{object}/{key}/{value:path}", rest.upsert),
    Operation("GET", "/query", rest.query),
    Operation("GET", "/queryAll", rest.query_all),
    Operation("GET", "/query/{locator}", rest.more),
    Operation("GET", "/limits", rest.limits),
    Operation("GET", "/limits/recordCount", rest.record_count),
    Operation("POST", "/jobs/ingest", bulk2.create, OLDEST_INGEST),
    Operation("POST", "/jobs/query", bulk2.create_query, OLDEST_QUERY_JOBS),
    Operation("PUT", "/jobs/ingest/{job}/batches", bulk2.upload, OLDEST_INGEST),
    Operation("GET", "/jobs/query/{job}/results", bulk2.query_results, OLDEST_QUERY_JOBS),
    Operation("GET", "/jobs/ingest/{job}/{which}", bulk2.results, OLDEST_INGEST),
    Operation("GET", "/jobs/{kind}", bulk2.listed, OLDEST_INGEST),
    Operation("GET", "/jobs/{kind}/{job}", bulk2.read, OLDEST_INGEST),
    Operation("PATCH", "/jobs/{kind}/{job}", bulk2.change, OLDEST_INGEST),
    Operation("DELETE", "/jobs/{kind}/{job}", bulk2.delete, OLDEST_INGEST),
)

_BATCH = "/job/{job}/batch/{batch}"
ASYNC = (
    Operation("POST", "/job", bulk1.create),
    Operation("GET", "/job/{job}", bulk1.read),
    Operation("POST", "/job/{job}", bulk1.change),
    Operation("POST", "/job/{job}/batch", bulk1.add),
    Operation("GET", "/job/{job}/batch", bulk1.listed),
    Operation("GET", _BATCH, bulk1.one),
    Operation("GET", f"{_BATCH}/request", bulk1.sent),
    Operation("GET", f"{_BATCH}/result", bulk1.results),
    Operation("GET", f"{_BATCH}/result/{{result}}", bulk1.found),
)


class Salesforce:
    """One org. `asgi` answers at the root, as an instance does, and ``/_control``."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        objects: Iterable[SObject] = OBJECTS,
        knobs: Knobs | None = None,
        timeline: Timeline | None = None,
    ) -> None:
        """Build all parts; nothing listens yet."""
        self._first_knobs = knobs or Knobs()
        self.timeline = timeline or Timeline()
        sessions = Sessions(credentials, self.timeline)
        self.world = World(objects, sessions=sessions, knobs=self._first_knobs, timeline=self.timeline)
        self.faults = FaultBook()
        self.traffic = Traffic()
        self.asgi: ASGIApp = _application(self)

    def reset(self) -> None:
        """Back to how it started."""
        self.timeline.reset()
        self.world.knobs = self._first_knobs
        self.world.clear()
        self.faults.clear()
        self.traffic.clear()


def _application(salesforce: Salesforce) -> Starlette:
    gate = Gate(salesforce.world)

    async def refused(_request: Request, error: Exception) -> Response:
        if getattr(error, "status_code", 404) == 405:
            return Refused(405, "METHOD_NOT_ALLOWED", "HTTP method not allowed").in_rest()
        return not_found().in_rest()

    answered = [
        Route("/services/oauth2/token", endpoint(gate.in_open, login.token), methods=["POST"]),
        Route("/services/Soap/u/{version}", endpoint(gate.in_open, login.soap), methods=["POST"]),
        Route("/services/data", endpoint(gate.in_open, _versions), methods=["GET"]),
        *routes(REST, gate.in_rest, "/services/data/v{version}"),
        *routes(ASYNC, gate.in_bulk, "/services/async/{version}"),
    ]
    app = _slashless(api(answered, refused))
    plain, bulk = (disturbed(salesforce, app, wording(salesforce)) for wording in (_Wording, _BulkWording))
    # Around what goes wrong on purpose, so that half an answer is half of what was said.
    packed = GZipMiddleware(_by_api(plain, bulk), minimum_size=1, compresslevel=1)
    return Starlette(routes=[Mount("/_control", routes=control_routes(salesforce)), Mount("/", packed)])


def _by_api(rest: ASGIApp, bulk: ASGIApp) -> ASGIApp:
    """*bulk* for Bulk API 1.0, which has words of its own for what goes wrong; *rest* for all else."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await (bulk if scope["path"].startswith("/services/async/") else rest)(scope, receive, send)

    return answer


def _slashless(app: ASGIApp) -> ASGIApp:
    """*app*, to which a slash at the end of a path makes no difference."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "path": scope["path"].rstrip("/") or "/"}, receive, send)

    return answer


def _versions(_call: Call) -> Response:
    return in_json(
        [
            {"label": f"{one}", "url": f"/services/data/v{one}.0", "version": f"{one}.0"}
            for one in range(OLDEST, NEWEST + 1)
        ]
    )


class _Wording:
    """How Salesforce words a failure; see `interference.Vendor`."""

    def __init__(self, salesforce: Salesforce) -> None:
        self._salesforce = salesforce

    def refusal(self, fault: RateLimited | Failure) -> Response:
        if isinstance(fault, RateLimited):
            return over_budget().in_rest()
        code = "SERVER_UNAVAILABLE" if fault.status >= 500 else "UNKNOWN_EXCEPTION"
        return Refused(fault.status, code, fault.message).in_rest()

    def expire_token(self, scope: Scope) -> None:
        self._salesforce.world.sessions.open.pop(session_of(Headers(scope=scope)), None)


class _BulkWording(_Wording):
    """How Bulk API 1.0 words one, in XML."""

    def refusal(self, fault: RateLimited | Failure) -> Response:
        if isinstance(fault, RateLimited):
            return over_budget_in_bulk().in_bulk(as_json=False)
        return Refused(fault.status, "InternalServerError", fault.message).in_bulk(as_json=False)
