"""When, how often and how long after a failure a request is sent again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from reconciler.errors import OutcomeUnknown, ProviderError, Transient
from reconciler.http.request import Safety
from reconciler.http.silence import Silence
from reconciler.http.verdict import may_repeat
from reconciler.ports.clock import Clock

if TYPE_CHECKING:
    import tenacity

T = TypeVar("T")

JITTER_RATIO = 0.1
"""Share of an asked wait added at random, so that all who were told the same do not come back at the same moment."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Bounds of repeating.

    attempts: requests in all, the first included.
    first_wait_s: upper bound of the first wait; doubles each time (full jitter: the wait is anything up to the bound).
    longest_wait_s: of one wait; a vendor that asks for more is not waited for at all.
    total_s: from the first request to the last wait's end.
    silence_s: from the first request that got no answer to the last wait's end, over all calls, until something answers.
        A vendor that is not there is waited for once and not once a call.
    """

    attempts: int = 5
    first_wait_s: float = 0.5
    longest_wait_s: float = 60.0
    total_s: float = 300.0
    silence_s: float = 30.0


class Repeater:
    """Calls attempts until they succeed, may not be repeated, or the policy's bounds are reached. Safe for many threads."""

    def __init__(self, policy: RetryPolicy, clock: Clock, random: Callable[[], float]) -> None:
        self._policy = policy
        self._clock = clock
        self._random = random
        self._silence = Silence(clock, policy.silence_s)

    def run(self, attempt: Callable[[], T], safety: Safety, before_wait: Callable[[ProviderError, float], None]) -> T:
        """Run *attempt*, which raises a ProviderError when it fails.

        before_wait: told, before each wait, why and for how many seconds.

        Raises:
            ProviderError: of the last attempt. OutcomeUnknown when an earlier one may have acted and no later one told.
        """
        import tenacity  # noqa: PLC0415 - brings asyncio along; a run that calls nobody does not pay for it

        unknown: list[OutcomeUnknown] = []
        started = self._clock.now()

        def is_worth_repeating(error: BaseException) -> bool:
            if isinstance(error, OutcomeUnknown):
                unknown.append(error)
            return may_repeat(error, safety)

        def is_over(state: tenacity.RetryCallState) -> bool:
            if state.attempt_number >= self._policy.attempts or self._asks_too_much(_error(state)):
                return True
            if self._silence.would_be_too_long(state.upcoming_sleep):
                return True
            return self._clock.now() - started + state.upcoming_sleep > self._policy.total_s

        retrying = tenacity.Retrying(
            sleep=self._clock.sleep,
            retry=tenacity.retry_if_exception(is_worth_repeating),
            wait=lambda state: self._wait_s(_error(state), state.attempt_number),
            stop=is_over,
            before_sleep=lambda state: _tell(state, before_wait),
            reraise=True,
        )
        try:
            return retrying(lambda: self._silence.watch(attempt))
        except Transient as error:
            if self._asks_too_much(error):
                raise self._refusal(error) from error
            if unknown and not isinstance(error, OutcomeUnknown):
                raise OutcomeUnknown(
                    unknown[-1].message, status=unknown[-1].status, request_id=unknown[-1].request_id
                ) from error
            raise

    def _wait_s(self, error: BaseException | None, attempt: int) -> float:
        asked = error.retry_after_s if isinstance(error, Transient) else None
        if asked is not None:
            return asked * (1 + JITTER_RATIO * self._random())
        bound = min(self._policy.longest_wait_s, self._policy.first_wait_s * 2.0 ** (attempt - 1))
        return bound * self._random()

    def _asks_too_much(self, error: BaseException | None) -> bool:
        asked = error.retry_after_s if isinstance(error, Transient) else None
        return asked is not None and asked > self._policy.longest_wait_s

    def _refusal(self, error: Transient) -> Transient:
        asked = error.retry_after_s or 0.0
        return type(error)(
            f"{error.message}; it asks to wait {asked:.0f} s, more than the {self._policy.longest_wait_s:.0f} s a run waits",
            hint=f"run again in {_spoken(asked)}",
            status=error.status,
            request_id=error.request_id,
            retry_after_s=asked,
        )


def _error(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _tell(state: tenacity.RetryCallState, before_wait: Callable[[ProviderError, float], None]) -> None:
    error = _error(state)
    if isinstance(error, ProviderError):
        before_wait(error, state.upcoming_sleep)


def _spoken(seconds: float) -> str:
    for unit_s, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit_s:
            return f"{seconds / unit_s:.0f} {unit}"
    return f"{seconds:.0f} seconds"
