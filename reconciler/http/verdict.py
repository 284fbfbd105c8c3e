"""Statuses and lost connections judged once, so that nobody above looks at them."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from ipaddress import ip_address
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from reconciler.errors import (
    Conflict,
    Denied,
    NotFound,
    OutcomeUnknown,
    Permanent,
    ProviderError,
    Transient,
)
from reconciler.http.answer import Answer, is_html
from reconciler.http.body import MIB, VARIABLE
from reconciler.http.dialect import Dialect
from reconciler.http.network import proxy_for
from reconciler.http.request import Request, Safety
from reconciler.http.retry_after import retry_after_s
from reconciler.model.web_address import is_hostname
from reconciler.scrubbing import Scrubber, everything

if TYPE_CHECKING:
    import httpx

E = TypeVar("E", bound=BaseException)

_REFUSED_BEFORE_ACTING = frozenset({425, 429})
_WORTH_REPEATING = frozenset({408, *_REFUSED_BEFORE_ACTING})
_PERMANENT: dict[int, type[Permanent]] = {401: Denied, 403: Denied, 404: NotFound, 409: Conflict}


class NobodyListens(Transient):
    """An address on this machine at which nothing runs: somebody must start it, and asking again does not."""


class NameUnknown(Transient):
    """The name of a server, or of the proxy before it, has no address that is known here."""


class Judge:
    """Turns what went wrong with a request to *base_url* into the error to raise."""

    def __init__(self, dialect: Dialect, scrubber: Scrubber, base_url: str) -> None:
        self._dialect = dialect
        self._scrubber = scrubber
        self._base_url = base_url

    def failed(self, request: Request, answer: Answer, now: float) -> ProviderError:
        """The error for an answer that is no success."""
        kind = self._dialect.error(answer) or _kind(answer, request.safety)
        text = self._scrubber.excerpt(everything().without_known(self._said(answer)))
        message = f"{self.call(request)} answered {answer.status}" + (f": {text}" if text else "")
        advice = self._dialect.advice(answer)
        request_id = self.request_id(answer.headers)
        if issubclass(kind, Transient):
            return kind(
                message,
                hint=advice,
                status=answer.status,
                request_id=request_id,
                retry_after_s=self._asked_s(answer, now),
            )
        return kind(message, hint=advice, status=answer.status, request_id=request_id)

    def unusable(self, request: Request, answer: Answer, what: str) -> Transient:
        """The error for a success whose body is not what the vendor documents, such as ``an HTML page``."""
        message = f"{self.call(request)} answered {answer.status} with {what}"
        return _lost(request.safety)(message, status=answer.status, request_id=self.request_id(answer.headers))

    def too_long(self, request: Request, answer: Answer, most_bytes: int) -> ProviderError:
        """The error for a success whose body goes on beyond *most_bytes*."""
        kind = Permanent if request.safety is Safety.READ else OutcomeUnknown
        return kind(
            f"{self.call(request)} answered {answer.status} with more than {most_bytes / MIB:,.0f} MiB",
            hint=f"see what is there, and read it in smaller parts; {VARIABLE} says how many MiB an answer may have",
            status=answer.status,
            request_id=self.request_id(answer.headers),
        )

    def broken(self, request: Request, error: httpx.HTTPError) -> ProviderError:
        """The error for a request that got no answer."""
        import httpx  # noqa: PLC0415 - a run that calls nobody does not pay for it

        what = self._scrubber.excerpt(f"{type(error).__name__}: {error}".rstrip(": "))
        message = f"{self.call(request)} got no answer: {what}"
        if _is_caused_by(error, ConnectionRefusedError) and _is_this_machine(self._base_url):
            address = self._scrubber.clean(urlsplit(self._base_url).netloc)
            return NobodyListens(
                f"{self.call(request)} got no answer: nothing listens at {address} on this machine",
                hint="start it (`tdr serve`, or the sandbox) or correct the address, then run again",
            )
        if (unknown := _cause(error, socket.gaierror)) is not None:
            host = self._host(proxy_for(self._base_url) or self._base_url)
            return NameUnknown(
                f"{self.call(request)} got no answer: the name {host} cannot be looked up ({unknown.strerror})",
                hint="check the address, the network and the proxy",
            )
        if isinstance(error, httpx.LocalProtocolError | httpx.UnsupportedProtocol | httpx.TooManyRedirects):
            return Permanent(message)
        if _is_caused_by(error, ssl.SSLCertVerificationError):
            return Permanent(
                message, hint="the server's certificate is not trusted here; add its authority to SSL_CERT_FILE"
            )
        never_sent = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
        if isinstance(error, never_sent):
            return Transient(message, hint="check the address, the network and the proxy")
        return _lost(request.safety)(message)

    def unsendable(self, request: Request) -> Permanent:
        """The error for headers or an address that HTTP cannot carry; what they say is not shown, for it may be a secret."""
        if not is_hostname(urlsplit(self._base_url).hostname or ""):
            return Permanent(
                f"{self.call(request)} cannot be sent: {self._host(self._base_url)} is no name that can be looked up",
                hint="correct the address: parts of a name have 1 to 63 characters, with one dot between them",
            )
        return Permanent(
            f"{self.call(request)} cannot be sent: a header or the address has characters that HTTP does not allow",
            hint="look for line breaks and blanks in credentials and addresses",
        )

    def call(self, request: Request) -> str:
        """*request* in words: vendor, method and path, without parameters."""
        return self._scrubber.clean(f"{self._dialect.name}: {request.method} {request.path}")

    def request_id(self, headers: Mapping[str, str]) -> str:
        """The vendor's id of the call, or ""."""
        return self._scrubber.excerpt(headers.get(self._dialect.request_id_header) or "")

    def _host(self, address: str) -> str:
        return self._scrubber.excerpt(urlsplit(address).hostname or "")

    def _said(self, answer: Answer) -> str:
        if 300 <= answer.status < 400:
            return "a redirect, which is not followed because it could take credentials elsewhere"
        return self._dialect.said(answer)

    def _asked_s(self, answer: Answer, now: float) -> float | None:
        header = answer.headers.get("retry-after")
        asked = retry_after_s(header, now) if header else None
        return self._dialect.wait_s(answer) if asked is None else asked


def may_repeat(error: BaseException, safety: Safety) -> bool:
    """Whether sending the request again can neither harm nor be pointless."""
    if not isinstance(error, Transient) or isinstance(error, NobodyListens):
        return False
    return safety is not Safety.ONCE or not isinstance(error, OutcomeUnknown)


def _kind(answer: Answer, safety: Safety) -> type[ProviderError]:
    status = answer.status
    if status in _REFUSED_BEFORE_ACTING:
        return Transient
    if status >= 500 or status in _WORTH_REPEATING:
        # A gateway may give up on a request that arrived and acted.
        return _lost(safety)
    if status == 404 and is_html(answer.body):
        # A page for people comes from a proxy or a wrong address, and says nothing about the thing asked for.
        return Permanent
    return _PERMANENT.get(status, Permanent)


def _lost(safety: Safety) -> type[Transient]:
    return Transient if safety is Safety.READ else OutcomeUnknown


def _is_caused_by(error: BaseException, kind: type[BaseException]) -> bool:
    return _cause(error, kind) is not None


def _cause(error: BaseException, kind: type[E]) -> E | None:
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, kind):
            return link
        link = link.__cause__ or link.__context__
    return None


def _is_this_machine(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")  # RFC 6761, 6.3
