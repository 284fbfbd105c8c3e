"""Rate limits: fixed windows a category, and the headers that tell about them.

Source: developers.pinterest.com, rate limits (ads_read, universal limits); recorded reply headers of 2026 for the format;
the other figures from third parties.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from reconciler.emulators.pinterest.refusals import rate_limited
from reconciler.emulators.timeline import Timeline

_A_MINUTE_S, _A_DAY_S = 60, 86_400

STANDARD: Mapping[str, int] = {
    "ads_read": 1000,
    "ads_write": 400,
    "org_read": 1000,
    "org_write": 100,
    "ads_analytics": 300,
    "catalogs_read": 100,
}
TRIAL: Mapping[str, int] = {
    "ads_read": 1000,
    "ads_write": 300,
    "org_read": 1000,
    "org_write": 300,
    "ads_analytics": 1000,
    "catalogs_read": 1000,
}
_UNIVERSAL = 100  # calls a second, whatever they are


@dataclass(frozen=True, slots=True)
class Window:
    """At most *limit* calls in every *seconds*."""

    name: str
    limit: int
    seconds: int

    def policy(self) -> str:
        """As the header lists it."""
        return f'{self.limit};w={self.seconds};name="{self.name}"'


@dataclass(frozen=True, slots=True)
class Room:
    """How much of a window is left; it starts again in *reset_s*."""

    window: Window
    remaining: int
    reset_s: int


class Limits:
    """Counts the calls of one person with one app."""

    def __init__(self, timeline: Timeline) -> None:
        """Start with nothing used."""
        self._timeline = timeline
        self._used: dict[Window, tuple[int, int]] = {}  # window -> its number since the epoch, calls in it

    def clear(self) -> None:
        """Forget what was used."""
        self._used.clear()

    def headers(
        self, category: str, tier: Literal["standard", "trial", "off"], changed: Mapping[str, int]
    ) -> dict[str, str]:
        """The headers as they stand, without a call."""
        windows = _windows(category, tier, changed)
        return _headers(windows, [self._room(window) for window in windows])

    def use(
        self, category: str, tier: Literal["standard", "trial", "off"], changed: Mapping[str, int]
    ) -> dict[str, str]:
        """Count one call of *category* and return the headers of its answer.

        Raises:
            Refused: a window has no room; the call is not counted then.
        """
        windows = _windows(category, tier, changed)
        if tier == "off":
            return _headers(windows, [Room(window, window.limit - 1, window.seconds) for window in windows])
        rooms = [self._room(window) for window in windows]
        if any(room.remaining <= 0 for room in rooms):
            raise rate_limited(_headers(windows, rooms))
        now = self._timeline.now()
        for window, room in zip(windows, rooms, strict=True):
            self._used[window] = (_number(window, now), window.limit - room.remaining + 1)
        return _headers(windows, [Room(room.window, room.remaining - 1, room.reset_s) for room in rooms])

    def _room(self, window: Window) -> Room:
        now = self._timeline.now()
        number, used = self._used.get(window, (0, 0))
        if number != _number(window, now):
            used = 0
        return Room(window, window.limit - used, math.ceil(window.seconds - now % window.seconds))


def _windows(category: str, tier: Literal["standard", "trial", "off"], changed: Mapping[str, int]) -> list[Window]:
    universal = Window("safety_net_app_id_user_id", changed.get("safety_net", _UNIVERSAL), 1)
    if tier == "trial":
        return [universal, Window(f"{category}_app_id", changed.get(category, TRIAL[category]), _A_DAY_S)]
    return [universal, Window(f"{category}_app_id_user_id", changed.get(category, STANDARD[category]), _A_MINUTE_S)]


def _number(window: Window, now: float) -> int:
    return int(now // window.seconds)


def _headers(windows: list[Window], rooms: list[Room]) -> dict[str, str]:
    nearest = min(rooms, key=lambda room: (room.remaining, -room.reset_s))
    return {
        "x-ratelimit-limit": ", ".join([str(nearest.window.limit), *(window.policy() for window in windows)]),
        "x-ratelimit-remaining": str(max(nearest.remaining, 0)),
        "x-ratelimit-reset": str(nearest.reset_s),
    }
