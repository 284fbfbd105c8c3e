"""The application: routes, headers of every reply, and the parts behind them."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.emulators.answering import Endpoint, api, bearer, disturbed, endpoint
from reconciler.emulators.faults import Failure, FaultBook, RateLimited
from reconciler.emulators.pinterest import accounts, ad_objects, analytics, audiences, customer_lists
from reconciler.emulators.pinterest.control import control_routes
from reconciler.emulators.pinterest.gate import Gate, Operation
from reconciler.emulators.pinterest.knobs import Knobs
from reconciler.emulators.pinterest.limits import Limits
from reconciler.emulators.pinterest.objects import ANALYSTS, Account
from reconciler.emulators.pinterest.refusals import Refused, method_not_allowed, not_found, rate_limited
from reconciler.emulators.pinterest.storage import FileStorage, NoStorage
from reconciler.emulators.pinterest.tokens import AppCredentials, Tokens
from reconciler.emulators.pinterest.world import World
from reconciler.emulators.timeline import Timeline
from reconciler.emulators.traffic import Traffic

PREFIX = "/v5"

ACCOUNTS = (
    Account("549700000001", "Sandbox shop", permissions=("OWNER",)),
    Account("549700000002", "Partner shop", permissions=("ANALYST",), time_zone="America/Los_Angeles"),
)

_ACCOUNT = "/ad_accounts/{ad_account_id}"

OPERATIONS = (
    Operation("GET", "/user_account", "user_accounts:read", "org_read", accounts.get_user_account),
    Operation("GET", "/ad_accounts", "ads:read", "ads_read", accounts.list_accounts),
    Operation("GET", _ACCOUNT, "ads:read", "ads_read", accounts.get_account),
    Operation("GET", f"{_ACCOUNT}/customer_lists", "ads:read", "ads_read", customer_lists.list_lists),
    Operation("POST", f"{_ACCOUNT}/customer_lists", "ads:write", "ads_write", customer_lists.create_list),
    Operation(
        "GET", f"{_ACCOUNT}/customer_lists/{{customer_list_id}}", "ads:read", "ads_read", customer_lists.get_list
    ),
    Operation(
        "PATCH", f"{_ACCOUNT}/customer_lists/{{customer_list_id}}", "ads:write", "ads_write", customer_lists.update_list
    ),
    Operation("GET", f"{_ACCOUNT}/audiences", "ads:read", "ads_read", audiences.list_audiences),
    Operation("POST", f"{_ACCOUNT}/audiences", "ads:write", "ads_write", audiences.create_audience),
    Operation("GET", f"{_ACCOUNT}/audiences/{{audience_id}}", "ads:read", "ads_read", audiences.get_audience),
    Operation("PATCH", f"{_ACCOUNT}/audiences/{{audience_id}}", "ads:write", "ads_write", audiences.update_audience),
    *(
        Operation("GET", f"{_ACCOUNT}/{name}", "ads:read", "ads_read", ad_objects.lister(name), ANALYSTS)
        for name in ("campaigns", "ad_groups", "ads")
    ),
    Operation("GET", f"{_ACCOUNT}/keywords", "ads:read", "ads_read", ad_objects.list_keywords),
    Operation("GET", f"{_ACCOUNT}/conversion_tags", "ads:read", "ads_read", ad_objects.list_conversion_tags),
    Operation(
        "GET", f"{_ACCOUNT}/conversion_tags/page_visit", "ads:read", "ads_read", ad_objects.list_conversion_events
    ),
    Operation("GET", "/catalogs", "catalogs:read", "catalogs_read", ad_objects.catalog_lister("catalogs")),
    *(
        Operation("GET", path, "catalogs:read", "catalogs_read", ad_objects.catalog_lister(name))
        for path, name in (
            ("/catalogs/feeds", "catalogs_feeds"),
            ("/catalogs/product_groups", "catalogs_product_groups"),
        )
    ),
    *(
        Operation(
            "GET", f"{_ACCOUNT}{path}", "ads:read", "ads_analytics", analytics.analyser(level, parameter), ANALYSTS
        )
        for path, level, parameter in (
            ("/analytics", "ADVERTISER", ""),
            ("/campaigns/analytics", "CAMPAIGN", "campaign_ids"),
            ("/ad_groups/analytics", "AD_GROUP", "ad_group_ids"),
            ("/ads/analytics", "PIN_PROMOTION", "ad_ids"),
        )
    ),
    Operation("GET", f"{_ACCOUNT}/targeting_analytics", "ads:read", "ads_analytics", analytics.targeting, ANALYSTS),
    Operation("POST", f"{_ACCOUNT}/reports", "ads:read", "ads_analytics", analytics.create_report, ANALYSTS),
    Operation("GET", f"{_ACCOUNT}/reports", "ads:read", "ads_analytics", analytics.get_report, ANALYSTS),
    *(  # behind those whose last segment is a word
        Operation("GET", f"{_ACCOUNT}/{name}/{{{key}}}", "ads:read", "ads_read", ad_objects.getter(name, what), roles)
        for name, key, what, roles in (
            ("campaigns", "campaign_id", "Campaign", ANALYSTS),
            ("ad_groups", "ad_group_id", "Ad group", ANALYSTS),
            ("ads", "ad_id", "Ad", ANALYSTS),
            ("conversion_tags", "conversion_tag_id", "Conversion tag", frozenset[str]()),
        )
    ),
)


class Pinterest:
    """One Pinterest with one app and the ad accounts of one person. `asgi` answers ``/v5`` and ``/_control``.

    state_file: where objects and tokens last; without it they end with the process. Accounts, knobs, faults, the clock
        and the traffic begin anew each time.

    Raises:
        TdrError: the state file cannot be used.
    """

    def __init__(
        self,
        credentials: AppCredentials,
        *,
        accounts: Iterable[Account] = ACCOUNTS,
        knobs: Knobs | None = None,
        timeline: Timeline | None = None,
        state_file: Path | None = None,
    ) -> None:
        """Build all parts; nothing listens yet."""
        self._first_knobs = knobs or Knobs()
        self._storage = FileStorage(state_file) if state_file is not None else NoStorage()
        self.timeline = timeline or Timeline()
        self.world = World(accounts, knobs=self._first_knobs, timeline=self.timeline, storage=self._storage)
        self.tokens = Tokens(credentials, timeline=self.timeline, storage=self._storage)
        self.limits = Limits(self.timeline)
        self.faults = FaultBook()
        self.traffic = Traffic()
        self.asgi: ASGIApp = _application(self)

    def reset(self) -> None:
        """Back to how it started, without objects; the state file is emptied."""
        self.timeline.reset()
        self.world.clear()
        self.world.knobs = self._first_knobs
        self.tokens.clear()
        self.limits.clear()
        self.faults.clear()
        self.traffic.clear()

    def close(self) -> None:
        """Give the state file free."""
        if isinstance(self._storage, FileStorage):
            self._storage.close()


def _application(pinterest: Pinterest) -> Starlette:
    gate = Gate(pinterest.world, pinterest.tokens, pinterest.limits)

    async def refused(_request: Request, error: Exception) -> Response:
        is_method = isinstance(error, HTTPException) and error.status_code == 405
        answer = (method_not_allowed() if is_method else not_found("Resource")).response()
        answer.headers.update(gate.headers("org_read"))
        return answer

    answered = [
        Route("/oauth/token", gate.give_token, methods=["POST"]),
        Route("/oauth/token/revoke", gate.revoke_token, methods=["POST"]),
        *_by_path({operation: endpoint(gate.pass_on, operation) for operation in OPERATIONS}),
    ]

    async def download(request: Request) -> Response:
        return analytics.download(pinterest.world, request)

    wording = _Wording(pinterest, gate)
    reports = Router([Route("/{token}.json", download, methods=["GET"])])
    return Starlette(
        routes=[
            Mount(PREFIX, disturbed(pinterest, _Signed(api(answered, refused)), wording, PREFIX)),
            # What a report's link leads to is another machine; faults are aimed at it by the path that the link has.
            Mount("/downloads", disturbed(pinterest, reports, wording)),
            Mount("/_control", routes=control_routes(pinterest)),
        ]
    )


def _by_path(endpoints: dict[Operation, Endpoint]) -> list[Route]:
    """One route a path, so that a method without an operation is 405 and not 404."""
    methods: dict[str, dict[str, Endpoint]] = {}
    for operation, answer in endpoints.items():
        methods.setdefault(operation.path, {})[operation.method] = answer

    def dispatcher(
        by_method: dict[str, Endpoint],
    ) -> Callable[..., Awaitable[Response]]:
        async def dispatch(request: Request) -> Response:
            if request.method not in by_method:  # HEAD, which Starlette lets through with GET
                raise HTTPException(405)
            return await by_method[request.method](request)

        return dispatch

    return [Route(path, dispatcher(by_method), methods=list(by_method)) for path, by_method in methods.items()]


class _Signed:
    """Adds the headers that every reply of Pinterest has."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def signed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_signature())
            await send(message)

        await self._app(scope, receive, signed)


class _Wording:
    """How Pinterest words a failure; see `interference.Vendor`."""

    def __init__(self, pinterest: Pinterest, gate: Gate) -> None:
        self._pinterest = pinterest
        self._gate = gate

    def refusal(self, fault: RateLimited | Failure) -> Response:
        headers = self._gate.headers("ads_read") | _signature()
        if fault.retry_after_s is not None:
            headers["retry-after"] = str(fault.retry_after_s)
        if isinstance(fault, Failure):
            return Refused(fault.status, fault.code, fault.message, headers=headers).response()
        headers |= {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(fault.reset_s)}
        if fault.envoy_header:
            headers["x-envoy-ratelimited"] = "true"
        return rate_limited(headers).response()

    def expire_token(self, scope: Scope) -> None:
        token = bearer(Headers(scope=scope).get("authorization", ""))
        if token:
            self._pinterest.tokens.end(token)


def _signature() -> dict[str, str]:
    return {
        "x-pinterest-rid": str(secrets.randbits(63)),
        "x-pinterest-rid-128bit": secrets.token_hex(16),
        "pinterest-version": "sandbox",
        "pinterest-generated-by": "tdr-sandbox",
    }
