"""What can go wrong on purpose, and when.

A fault is aimed at calls by method and path; it strikes at the *nth* matching call since it was armed and at the
*count* - 1 that follow.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class Aim(BaseModel):
    """Which calls are struck.

    path: relative to the vendor's base URL, as in its documentation: ``/ad_accounts/*/audiences``. ``*`` stands for one
    segment, ``**`` for any number of characters.
    count: None means every matching call from the *nth* on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str = "*"
    path: str = "/**"
    nth: int = Field(default=1, ge=1)
    count: int | None = Field(default=1, ge=1)


class RateLimited(Aim):
    """429 in the vendor's own words. A daily quota is a long *reset_s* (67150 was seen)."""

    kind: Literal["rate_limited"]
    reset_s: int = Field(default=1, ge=0)
    retry_after_s: int | None = None
    envoy_header: bool = False


class Failure(Aim):
    """The vendor's error body with any status: 403 for one object, 500, 502, 503."""

    kind: Literal["error"]
    status: int = Field(default=503, ge=400, le=599)
    code: int = 0
    message: str = "Something went wrong on our end."
    retry_after_s: int | None = None


class HtmlPage(Aim):
    """A page of HTML from a machine in front of the vendor."""

    kind: Literal["html"]
    status: int = Field(default=502, ge=200, le=599)


class Slow(Aim):
    """The call waits *delay_s* before anything happens. Combines with the other kinds."""

    kind: Literal["slow"]
    delay_s: float = Field(ge=0)


class Cut(Aim):
    """The connection ends before the call has an effect."""

    kind: Literal["cut"]


class AnswerLost(Aim):
    """The call has its effect; the connection ends before the first byte of the answer."""

    kind: Literal["answer_lost"]


class AnswerReplaced(Aim):
    """The call has its effect; a machine in front of the vendor answers in its place with a page of HTML."""

    kind: Literal["answer_replaced"]
    status: int = Field(default=503, ge=200, le=599)


class CutMidway(Aim):
    """The call has its effect; the connection ends in the middle of the answer's body."""

    kind: Literal["cut_midway"]


class Truncated(Aim):
    """The call has its effect; the answer is the first half of the JSON, with a length that says it is whole."""

    kind: Literal["truncated"]


class Malformed(Aim):
    """The call has its effect; the answer is text that is no JSON, announced as JSON."""

    kind: Literal["malformed"]


class Bare(Aim):
    """The call has its effect; the answer is a JSON object with nothing in it."""

    kind: Literal["bare"]


class TokenExpired(Aim):
    """The access token that the call presents is no longer valid, from this call on."""

    kind: Literal["token_expired"]


class ListedLate(Aim):
    """An object that the call creates is missing from lists, and from reads by id, for a while.

    It is missing while any of the four has something left: so many list calls, so many seconds; the same for reads by
    id, which answer 404.
    """

    kind: Literal["listed_late"]
    list_calls: int = Field(default=0, ge=0)
    list_s: float = Field(default=0, ge=0)
    get_calls: int = Field(default=0, ge=0)
    get_s: float = Field(default=0, ge=0)


class PageRepeated(Aim):
    """A list call that continues answers the page before once more, and goes on from there."""

    kind: Literal["page_repeated"]


class PageDropped(Aim):
    """A list call skips one page."""

    kind: Literal["page_dropped"]


class PageEndless(Aim):
    """A list call always says that there is more: behind the last page come empty ones, or all again, or one and the same.

    Of the first two each page says otherwise where to go on, so that only what is on them tells.
    """

    kind: Literal["page_endless"]
    goes_on: Literal["empty", "again", "in_place"] = "empty"


Fault: TypeAlias = (
    RateLimited
    | Failure
    | HtmlPage
    | Slow
    | Cut
    | AnswerLost
    | AnswerReplaced
    | CutMidway
    | Truncated
    | Malformed
    | Bare
    | TokenExpired
    | ListedLate
    | PageRepeated
    | PageDropped
    | PageEndless
)

FAULT: TypeAdapter[Fault] = TypeAdapter(Annotated[Fault, Field(discriminator="kind")])


@dataclass(slots=True)
class Armed:
    """A fault that waits or strikes. *seen* counts matching calls, *struck* those it hit."""

    id: int
    fault: Fault
    seen: int = 0
    struck: int = 0

    def meets(self, method: str, path: str) -> bool:
        """Count the call if it matches, and say whether it is struck."""
        fault = self.fault
        if fault.method not in {"*", method} or not _pattern(fault.path).fullmatch(path):
            return False
        self.seen += 1
        if self.seen < fault.nth or (fault.count is not None and self.seen >= fault.nth + fault.count):
            return False
        self.struck += 1
        return True


class FaultBook:
    """The faults armed at the moment, oldest first."""

    def __init__(self) -> None:
        """Start without any."""
        self._armed: dict[int, Armed] = {}
        self._ids = itertools.count(1)

    def arm(self, fault: Fault) -> Armed:
        """Add *fault*; it sees calls from now on."""
        armed = Armed(next(self._ids), fault)
        self._armed[armed.id] = armed
        return armed

    def disarm(self, fault_id: int) -> bool:
        """Take one away. Returns whether it was there."""
        return self._armed.pop(fault_id, None) is not None

    def clear(self) -> None:
        """Take all away."""
        self._armed.clear()

    def armed(self) -> list[Armed]:
        """All of them, also those that have nothing left to do."""
        return list(self._armed.values())

    def striking(self, method: str, path: str) -> tuple[Fault, ...]:
        """Count this call with every armed fault; return those that strike it, oldest first."""
        return tuple(armed.fault for armed in self.armed() if armed.meets(method, path))


@lru_cache(maxsize=256)
def _pattern(glob: str) -> re.Pattern[str]:
    wild = {"**": ".*", "*": "[^/]+"}
    return re.compile("".join(wild.get(part, re.escape(part)) for part in re.split(r"(\*\*|\*)", glob)))
