"""One request, sent once: connections, pace, counting and telling, without judgement on what is answered."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlsplit

from reconciler import spans
from reconciler.http import body
from reconciler.http.answer import Answer
from reconciler.http.bucket import TokenBucket
from reconciler.http.network import network_transport
from reconciler.http.request import Request
from reconciler.http.trace import Trace
from reconciler.http.verdict import Judge
from reconciler.model.json import Json
from reconciler.ports.clock import Clock

if TYPE_CHECKING:
    import httpx


Sent: TypeAlias = Callable[[], None]
_LONGEST_REFUSAL_BYTES: Final = 4 * 1024 * 1024
"""Of a body, unpacked: far more than a vendor says about what it refuses, its lists of refused rows included."""
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds without progress after which a request is given up."""

    connect_s: float = 10.0
    read_s: float = 60.0
    write_s: float = 60.0
    pool_s: float = 30.0


class Wire:
    """Connections to one API, opened with the first request. Safe for many threads."""

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        timeouts: Timeouts,
        *,
        judge: Judge,
        clock: Clock,
        transport: httpx.BaseTransport | None,
        trace: Trace | None,
        most_bytes: int | None,
    ) -> None:
        self._base_url = base_url
        self._headers = {"Accept-Encoding": body.ASKED_FOR, "Connection": "keep-alive", **headers}
        bounds = {
            "connect": timeouts.connect_s,
            "read": timeouts.read_s,
            "write": timeouts.write_s,
            "pool": timeouts.pool_s,
        }
        self._extensions = {"timeout": bounds}
        self._judge = judge
        self._clock = clock
        self._transport = transport
        self._trace = trace
        self._most_bytes = body.most_bytes() if most_bytes is None else most_bytes
        self._lock = threading.Lock()
        self._calls = 0

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        return self._calls

    def close(self) -> None:
        """Close the connections, and the transport that was passed in."""
        with self._lock:
            if self._transport is not None:
                self._transport.close()

    def exchange(
        self,
        request: Request,
        credentials: Mapping[str, str],
        pace: TokenBucket | None,
        attempt: int,
        sent: Sent | None = None,
    ) -> httpx.Response:
        """Send *request* and return the answer, whatever its status, with its body unread.

        sent: called when all of it is on its way, before the answer is waited for, where the transport tells.

        Raises:
            Permanent: it cannot be sent at all.
            Transient: it was not sent, or nothing came back for a read.
            OutcomeUnknown: it was sent and nothing came back for a write.
        """
        import httpx  # noqa: PLC0415 - a run that calls nobody does not pay for it

        if pace is not None:
            pace.take()
        transport = self._opened()
        with self._lock:
            self._calls += 1
        began = self._clock.now()
        try:
            with self._span(request, attempt):
                response = transport.handle_request(self._built(request, credentials, sent))
                spans.tell({"http.response.status_code": response.status_code})
                if not response.is_success:
                    spans.fail()
        except (httpx.LocalProtocolError, httpx.InvalidURL, UnicodeError):
            # Their own messages quote the header, so they are not even kept as the cause.
            raise self._judge.unsendable(request) from None
        except httpx.HTTPError as error:
            self._tell_sent("request failed", request, attempt, began, {"error": type(error).__name__})
            raise self._judge.broken(request, error) from error
        if self._trace is not None:  # An id is scrubbed, which only a listener should pay for.
            answered: dict[str, Json] = {
                "status": response.status_code,
                "request_id": self._judge.request_id(response.headers),
            }
            self._tell_sent("request answered", request, attempt, began, answered)
        return response

    def whole(self, request: Request, response: httpx.Response) -> Answer:
        """Read the body to its end.

        Raises:
            Transient: the connection broke on the way; OutcomeUnknown for a write.
            Permanent: it is longer than an answer may be; OutcomeUnknown for a write.
        """
        try:
            with self._reading(request, response):
                read = body.whole(response, self._most_bytes)
        finally:
            response.close()
        return Answer(response.status_code, response.headers, read)

    def refusal(self, request: Request, response: httpx.Response) -> Answer:
        """As `whole`, but no more than the beginning of a body that goes on for longer than any refusal does."""
        read = bytearray()
        try:
            # One that is packed otherwise than asked for is a refusal all the same, of which the status says enough.
            with self._reading(request, response), suppress(body.NotAskedForError):
                for piece in body.pieces(response):
                    read += piece
                    if len(read) >= _LONGEST_REFUSAL_BYTES:
                        break
        finally:
            response.close()
        return Answer(response.status_code, response.headers, bytes(read[:_LONGEST_REFUSAL_BYTES]))

    def pieces(self, request: Request, response: httpx.Response) -> Iterator[bytes]:
        """The body as it arrives.

        Raises:
            Transient: the connection broke on the way; OutcomeUnknown for a write.
        """
        with self._reading(request, response):
            yield from body.pieces(response)

    @contextmanager
    def _reading(self, request: Request, response: httpx.Response) -> Iterator[None]:
        import httpx  # noqa: PLC0415 - loaded by now

        try:
            yield
        except httpx.HTTPError as error:
            raise self._judge.broken(request, error) from error
        except body.TooLongError:
            raise self._judge.too_long(request, self._start_of(response), self._most_bytes) from None
        except body.NotAskedForError as error:
            what = f"a body packed by {error}, which was not asked for"
            raise self._judge.unusable(request, self._start_of(response), what) from None

    def _start_of(self, response: httpx.Response) -> Answer:
        return Answer(response.status_code, response.headers, b"")

    def tell(self, event: str, request: Request, values: Mapping[str, Json]) -> None:
        """Tell the trace, if there is one, that *event* happened to *request*."""
        if self._trace is not None:
            self._trace(event, {"call": self._judge.call(request), **values})

    def _span(self, request: Request, attempt: int) -> AbstractContextManager[None]:
        if not spans.are_sent():
            return nullcontext()
        address = urlsplit(self._base_url)
        about: dict[str, str | int] = {
            "http.request.method": request.method,
            "http.request.resend_count": attempt - 1,
            "server.address": address.hostname or "",
            "server.port": address.port or _PORTS.get(address.scheme, 0),
            "tdr.call": self._judge.call(request),
        }
        return spans.span(request.method, about, is_request=True)

    def _tell_sent(self, event: str, request: Request, attempt: int, began: float, values: Mapping[str, Json]) -> None:
        seconds = round(self._clock.now() - began, 6)
        self.tell(event, request, {"attempt": attempt, "seconds": seconds, **values})

    def _built(self, request: Request, credentials: Mapping[str, str], sent: Sent | None) -> httpx.Request:
        import httpx  # noqa: PLC0415 - loaded by now

        headers = {**self._headers, **spans.carried(), **request.headers, **credentials}
        if request.content_type:
            headers["Content-Type"] = request.content_type
        params = {name: value if isinstance(value, str) else list(value) for name, value in request.params.items()}
        return httpx.Request(
            request.method,
            self._base_url + request.path,
            # httpx drops the query of an address when params are passed, even empty ones.
            params=params or None,
            content=request.body,
            headers=headers,
            extensions=self._extensions if sent is None else {**self._extensions, "trace": _when_sent(sent)},
        )

    def _opened(self) -> httpx.BaseTransport:
        with self._lock:
            if self._transport is None:
                self._transport = network_transport(self._base_url)
            return self._transport


def _when_sent(sent: Sent) -> Callable[[str, Mapping[str, object]], None]:
    """An extension of httpcore, which tells it each step of a request: ``http11.send_request_body.complete`` and others."""

    def told(step: str, _details: Mapping[str, object]) -> None:
        if step.endswith(".send_request_body.complete"):
            sent()

    return told
