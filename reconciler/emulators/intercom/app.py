"""The application: routes, and the parts behind them."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import ASGIApp, Scope

from reconciler.emulators.answering import api, bearer, disturbed, routes
from reconciler.emulators.faults import Failure, FaultBook, RateLimited
from reconciler.emulators.intercom import contacts, conversations, legacy, lists
from reconciler.emulators.intercom.control import control_routes
from reconciler.emulators.intercom.gate import Gate, Operation
from reconciler.emulators.intercom.knobs import Knobs
from reconciler.emulators.intercom.limits import Limits
from reconciler.emulators.intercom.refusals import Refused, not_found, rate_limited
from reconciler.emulators.intercom.world import World
from reconciler.emulators.timeline import Timeline
from reconciler.emulators.traffic import Traffic

# A fixed path goes before one with a variable in its place.
OPERATIONS = (
    Operation("GET", "/me", lists.me),
    Operation("GET", "/contacts", contacts.listed),
    Operation("POST", "/contacts/search", contacts.searched),
    Operation("GET", "/contacts/find_by_external_id/{external_id}", contacts.by_external_id),
    Operation("GET", "/contacts/{contact_id}", contacts.one),
    Operation("GET", "/contacts/{contact_id}/tags", contacts.tags),
    Operation("GET", "/contacts/{contact_id}/segments", contacts.segments),
    Operation("GET", "/contacts/{contact_id}/companies", contacts.companies),
    Operation("GET", "/conversations", conversations.listed),
    Operation("POST", "/conversations/search", conversations.searched),
    Operation("GET", "/conversations/deleted", conversations.deleted),
    Operation("GET", "/conversations/{conversation_id}", conversations.one),
    Operation("GET", "/tags", lists.tags),
    Operation("GET", "/tags/{tag_id}", lists.tag),
    Operation("GET", "/segments", lists.segments),
    Operation("GET", "/segments/{segment_id}", lists.segment),
    Operation("GET", "/data_attributes", lists.data_attributes),
    Operation("GET", "/companies/scroll", lists.scroll_companies),
    Operation("GET", "/users", legacy.users),
    Operation("GET", "/users/scroll", legacy.scroll_users),
)


class Intercom:
    """One workspace. `asgi` answers at the root, as Intercom does, and ``/_control``."""

    def __init__(self, *, token: str, knobs: Knobs | None = None, timeline: Timeline | None = None) -> None:
        """Build all parts; nothing listens yet. *token* is good until somebody ends it."""
        self._token = token
        self._first_knobs = knobs or Knobs()
        self.timeline = timeline or Timeline()
        self.world = World(knobs=self._first_knobs, timeline=self.timeline)
        self.limits = Limits(self.timeline)
        self.faults = FaultBook()
        self.traffic = Traffic()
        self.world.tokens.add(token)
        self.asgi: ASGIApp = _application(self)

    def reset(self) -> None:
        """Back to how it started, without objects."""
        self.timeline.reset()
        self.world.clear()
        self.world.knobs = self._first_knobs
        self.world.tokens.add(self._token)
        self.limits.clear()
        self.faults.clear()
        self.traffic.clear()


def _application(intercom: Intercom) -> Starlette:
    gate = Gate(intercom.world, intercom.limits)

    async def refused(_request: Request, _error: Exception) -> Response:
        return not_found("Requested resource").response()

    answered = routes(OPERATIONS, gate.pass_on)
    app = disturbed(intercom, api(answered, refused), _Wording(intercom))
    return Starlette(routes=[Mount("/_control", routes=control_routes(intercom)), Mount("/", app)])


class _Wording:
    """How Intercom words a failure; see `interference.Vendor`."""

    def __init__(self, intercom: Intercom) -> None:
        self._intercom = intercom

    def refusal(self, fault: RateLimited | Failure) -> Response:
        limit = self._intercom.world.knobs.calls_per_window
        if isinstance(fault, RateLimited):
            return rate_limited(self._intercom.limits.headers(limit, 0, fault.reset_s)).response()
        code = "server_error" if fault.status >= 500 else "client_error"
        headers = {} if fault.retry_after_s is None else {"Retry-After": str(fault.retry_after_s)}
        return Refused(fault.status, code, fault.message, headers=headers).response()

    def expire_token(self, scope: Scope) -> None:
        self._intercom.world.tokens.discard(bearer(Headers(scope=scope).get("authorization", "")))
