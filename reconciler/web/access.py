"""Who may look: people of this machine, and elsewhere those who know a token.

A page of another site must neither read nor act here. So names of hosts that are not ours are refused (a name that a stranger's
server points to loopback would otherwise be as good as ours), nothing is done by GET, and what is posted has to come from a page
of ours.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.errors import UsageError

COOKIE: Final = "tdr_dashboard"
TOKEN: Final = "TDR_DASHBOARD_TOKEN"  # noqa: S105 - the variable's name
SHORTEST: Final = 20
"""Characters of a token, at least."""
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_SHIFT_S: Final = 12 * 3600
"""How long somebody stays logged in."""
_OPEN: Final = re.compile(r"/login|/assets/[^/]+")
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]*)?")
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Access:
    """*token*: what has to be known; "" where everybody of this machine may look. is_local: only this machine can reach us."""

    token: str = ""
    is_local: bool = True

    def is_ours(self, host: str) -> bool:
        """Whether a request may name *host*. Elsewhere a proxy gives us names that we cannot know; a name it must be."""
        return _name_of(host) in _LOOPBACK if self.is_local else not host or _HOST.fullmatch(host) is not None

    def knows(self, told: str) -> bool:
        """Whether *told* is the token. Takes as long whatever is told."""
        return bool(self.token) and hmac.compare_digest(self.token.encode(), told.encode())

    def pass_until(self, until: int) -> str:
        """What a browser keeps after a login: good for reading until *until*, in Unix seconds, and for nothing else."""
        key = hashlib.sha256(b"tdr dashboard\0" + self.token.encode()).digest()
        return f"{until}.{hmac.new(key, str(until).encode(), hashlib.sha256).hexdigest()}"

    def takes(self, kept: str, now: float) -> bool:
        """Whether *kept* is a pass that has not run out."""
        until = kept.partition(".")[0]
        if not until.isascii() or not until.isdigit() or len(until) > 12 or int(until) < now:
            return False
        return hmac.compare_digest(self.pass_until(int(until)).encode(), kept.encode())

    def allows(self, headers: Headers, cookie: str, now: float) -> bool:
        """Whether whoever sent *headers* and *cookie* may look."""
        if not self.token:
            return True
        kind, _, told = headers.get("authorization", "").partition(" ")
        return (kind.lower() == "bearer" and self.knows(told.strip())) or self.takes(cookie, now)


def access_for(host: str, token: str) -> Access:
    """Who may look at what is served at *host*.

    Raises:
        UsageError: other machines could reach it and there is no token, or one that can be guessed or that nobody can send.
    """
    is_local = host in _LOOPBACK
    advice = f"`export {TOKEN}=$(openssl rand -hex 24)` makes one"
    if not is_local and not token:
        raise UsageError(f"whoever reaches {host!r} could look: that needs a token in {TOKEN}", hint=advice)
    if token and len(token) < SHORTEST:
        raise UsageError(f"the token in {TOKEN} is shorter than {SHORTEST} characters", hint=advice)
    if not token.isascii() or not token.isprintable():
        raise UsageError(f"the token in {TOKEN} has characters that a header cannot carry", hint=advice)
    return Access(token, is_local)


class Guard:
    """Lets requests through to *app* that may look, and gives every answer the headers that keep browsers in order."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        """Guard *app*."""
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let answer."""
        if scope["type"] != "http":
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        refusal = self._refusal(Request(scope))
        await (refusal or self._app)(scope, receive, sent)

    def _refusal(self, request: Request) -> Response | None:
        if not self._access.is_ours(request.headers.get("host", "")):
            return PlainTextResponse("this is not the host that was asked for\n", 421)
        if request.method not in {"GET", "HEAD", "POST"}:
            return PlainTextResponse("nothing can be changed here\n", 405, {"allow": "GET, HEAD"})
        if request.method == "POST" and not _is_of_our_page(request):
            return PlainTextResponse("this form is not one of ours\n", 403)
        # Not by `request.url`: it is put together with what the request says of its host, which may hold a path of its own.
        is_open = _OPEN.fullmatch(request.scope["path"]) is not None
        if is_open or self._access.allows(request.headers, request.cookies.get(COOKIE, ""), time.time()):
            return None
        return _asked_to_log_in(request)


def _asked_to_log_in(request: Request) -> Response:
    if "text/html" in request.headers.get("accept", ""):
        return RedirectResponse("/login", 303)
    return PlainTextResponse("a token is needed: Authorization: Bearer TOKEN\n", 401, {"www-authenticate": "Bearer"})


def logged_in(access: Access, request: Request) -> Response:
    """The answer to somebody who told the token: back to the first page, with a pass."""
    until = int(time.time()) + _SHIFT_S
    response = RedirectResponse("/", 303)
    response.set_cookie(
        COOKIE,
        access.pass_until(until),
        max_age=_SHIFT_S,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


def _is_of_our_page(request: Request) -> bool:
    """By what browsers say themselves. A program that says neither is nobody's browser, so nobody's pass goes with it."""
    if (site := request.headers.get("sec-fetch-site")) is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("origin")
    host = request.headers.get("host")
    return origin is None or origin in {f"http://{host}", f"https://{host}"}


def _name_of(host: str) -> str:
    """The name in a Host header, without its port and brackets. "" for what is none."""
    found = _HOST.fullmatch(host)
    return found[1].strip("[]").lower() if found else ""
