"""What a vendor says in its own way: the places where HTTP leaves it a choice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reconciler.errors import ProviderError
from reconciler.http.answer import Answer, said


def _nothing_asked(_answer: Answer) -> float | None:
    return None


def _as_the_status_says(_answer: Answer) -> type[ProviderError] | None:
    return None


def _no_advice(_answer: Answer) -> str:
    return ""


def _unauthorized(answer: Answer) -> bool:
    return answer.status == 401


@dataclass(frozen=True, slots=True)
class Dialect:
    """How to read one vendor's failures.

    name: the vendor's, for messages.
    request_id_header: header with the vendor's id of the call.
    said: what a failed answer says to a reader; scrubbed and cut afterwards.
    wait_s: seconds that it asks to wait by other means than ``Retry-After``.
    error: the class of error, where the status alone would mislead.
    advice: what the user can do now, or "".
    is_expired: whether fresh credentials could make it pass.
    """

    name: str
    request_id_header: str = "x-request-id"
    said: Callable[[Answer], str] = said
    wait_s: Callable[[Answer], float | None] = _nothing_asked
    error: Callable[[Answer], type[ProviderError] | None] = _as_the_status_says
    advice: Callable[[Answer], str] = _no_advice
    is_expired: Callable[[Answer], bool] = _unauthorized
