"""The way every call takes: credentials, attempts, judgement."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from reconciler.errors import ProviderError, Transient
from reconciler.http.answer import Answer, is_html
from reconciler.http.bucket import TokenBucket
from reconciler.http.credentials import Credentials
from reconciler.http.dialect import Dialect
from reconciler.http.request import Request
from reconciler.http.retry import Repeater, RetryPolicy
from reconciler.http.trace import RepeatWarnings, Trace
from reconciler.http.verdict import Judge
from reconciler.http.wire import Sent, Timeouts, Wire
from reconciler.model.json import Json
from reconciler.ports.clock import Clock, SystemClock
from reconciler.scrubbing import Scrubber

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")


@dataclass(slots=True)
class _Call:
    """One call and what was done for it so far."""

    request: Request
    pace: TokenBucket | None
    sent: Sent | None = None
    takes_moved: bool = False
    attempts: int = 0
    has_renewed: bool = False


class Client:
    """Calls one API. Safe for many threads; close it, or use it as a context.

    base_url: address that paths are appended to.
    bucket: pace of all requests; a call may name another.
    random: from 0 to 1, for jitter.
    transport: what carries requests instead of the network; closed with the client.
    most_bytes: of an answer that is read as a whole, unpacked; None for what `TDR_MAX_ANSWER_MIB` says.
    trace: told of every request; None for silence. That requests are repeated is a warning in the log in any case.
    """

    def __init__(
        self,
        base_url: str,
        dialect: Dialect,
        *,
        credentials: Credentials | None = None,
        headers: Mapping[str, str] | None = None,
        timeouts: Timeouts | None = None,
        policy: RetryPolicy | None = None,
        bucket: TokenBucket | None = None,
        scrubber: Scrubber | None = None,
        clock: Clock | None = None,
        random: Callable[[], float] = random.random,
        transport: httpx.BaseTransport | None = None,
        trace: Trace | None = None,
        most_bytes: int | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.scrubber = scrubber or Scrubber()
        self._clock = clock or SystemClock()
        self._dialect = dialect
        self._judge = Judge(dialect, self.scrubber, self.base_url)
        self._repeater = Repeater(policy or RetryPolicy(), self._clock, random)
        self._credentials = credentials
        self._bucket = bucket
        self._renewing = threading.Lock()
        self._warnings = RepeatWarnings(self._clock)
        self._wire = Wire(
            self.base_url,
            {"Accept": "application/json", "User-Agent": "tdr", **(headers or {})},
            timeouts or Timeouts(),
            judge=self._judge,
            clock=self._clock,
            transport=transport,
            trace=trace,
            most_bytes=most_bytes,
        )

    @property
    def calls(self) -> int:
        """Requests sent so far, repeated ones counted again."""
        return self._wire.calls

    def close(self) -> None:
        """Close the connections, and the transport that was passed in."""
        self._wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def json(self, request: Request, *, bucket: TokenBucket | None = None) -> Json:
        """The body of a successful answer as JSON; None when the status says that there is none.

        Raises:
            ProviderError: see `send`; a body that is not JSON is Transient for a read, OutcomeUnknown for a write.
        """
        return self._run(_Call(request, bucket or self._bucket), self._decoded)

    def send(self, request: Request, *, bucket: TokenBucket | None = None) -> Answer:
        """The successful answer as it came.

        Raises:
            Denied, NotFound, Conflict, Permanent: the vendor refused.
            Transient: it did not manage, or was not reached, and repeating did not help or asks for too long a wait.
            OutcomeUnknown: a write was sent and no usable answer came.

        An answer that goes on for too long is Permanent for a read: asking again would only bring it again.
        """
        return self._run(_Call(request, bucket or self._bucket), self._as_it_came)

    def whole(self, request: Request, *, bucket: TokenBucket | None = None, sent: Sent | None = None) -> Answer:
        """As `send`, whatever the body is: for addresses of which nobody here knows what they answer.

        sent: called when the request has left, before its answer is waited for, at each attempt; what else there is to
            do then does not delay it. Not every transport tells.

        Raises:
            ProviderError: as `send`, but not for a page for people.
        """
        return self._run(_Call(request, bucket or self._bucket, sent), lambda _request, answer: answer)

    def moved(self, request: Request) -> Answer:
        """As `whole`, or the answer that names another address. Whether anything of ours may go there is for the caller to say.

        Raises:
            ProviderError: as `whole`.
        """
        return self._run(_Call(request, self._bucket, takes_moved=True), lambda _request, answer: answer)

    @contextmanager
    def stream(self, request: Request, *, bucket: TokenBucket | None = None) -> Iterator[Iterator[bytes]]:
        """The body of a successful answer in pieces, as they arrive.

        Raises:
            ProviderError: as `send`; Transient also when the connection breaks on the way. Pieces seen are not repeated.
        """
        call = _Call(request, bucket or self._bucket)
        response = self._repeater.run(
            lambda: self._attempt(call), request.safety, lambda error, wait_s: self._waits(call, error, wait_s)
        )
        try:
            yield self._wire.pieces(request, response)
        finally:
            response.close()

    def unusable(self, request: Request, what: str) -> Transient:
        """The error for a well-formed answer to *request* that lacks what the vendor documents: *what* it came with."""
        return self._judge.unusable(request, Answer(200, {}, b""), what)

    # -- one call ------------------------------------------------------------------------------------------------

    def _run(self, call: _Call, read: Callable[[Request, Answer], T]) -> T:
        def attempt() -> T:
            response = self._attempt(call)
            return read(call.request, self._wire.whole(call.request, response))

        return self._repeater.run(attempt, call.request.safety, lambda error, wait_s: self._waits(call, error, wait_s))

    def _attempt(self, call: _Call) -> httpx.Response:
        """A successful answer with its body unread, or the error that this attempt came to."""
        call.attempts += 1
        used = self._current_credentials()
        response = self._wire.exchange(call.request, used, call.pace, call.attempts, call.sent)
        if response.is_success or (call.takes_moved and response.has_redirect_location):
            return response
        answer = self._wire.refusal(call.request, response)
        if not call.has_renewed and self._dialect.is_expired(answer):
            # Refused for who asked, so it cannot have acted: another try is safe for every request.
            call.has_renewed = True
            if self._renewed(used):
                return self._attempt(call)
        raise self._judge.failed(call.request, answer, self._clock.now())

    def _current_credentials(self) -> Mapping[str, str]:
        headers = self._credentials.headers() if self._credentials else {}
        for value in headers.values():
            self.scrubber.add_token(value.rpartition(" ")[2])
        return headers

    def _renewed(self, refused: Mapping[str, str]) -> bool:
        """Whether there are other credentials than *refused* now; threads refused at the same time renew once."""
        if self._credentials is None:
            return False
        with self._renewing:
            return self._credentials.headers() != refused or self._credentials.renew(refused)

    def _decoded(self, request: Request, answer: Answer) -> Json:
        try:
            return answer.json()
        except ValueError as error:
            raise self._judge.unusable(request, answer, str(error)) from None

    def _as_it_came(self, request: Request, answer: Answer) -> Answer:
        if is_html(answer.body):
            # No API answers with a page for people; a login or a proxy said "200" before the vendor heard of it.
            raise self._judge.unusable(request, answer, "an HTML page")
        return answer

    def _waits(self, call: _Call, error: ProviderError, wait_s: float) -> None:
        self._wire.tell("request will be repeated", call.request, {"attempt": call.attempts, "wait_s": wait_s})
        self._warnings.tell(error, wait_s)
