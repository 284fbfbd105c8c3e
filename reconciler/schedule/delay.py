"""The vendor's delay: how long after its scheduled time a run starts."""

from __future__ import annotations

from reconciler.schedule.problem import Problem, ScheduleError, shown


def parse_delay(value: object) -> int:
    """Whole seconds, 0 or more, as a number or as its digits.

    Raises:
        ScheduleError: anything else, such as ``1h``, -1 or 0.5.

    Source: Treasure Data API v3, schedule and bulk load, field ``delay``.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    raise ScheduleError(
        Problem(
            "delay-not-seconds",
            "delay",
            f"{shown(value) if isinstance(value, str) else repr(value)} is not a delay",
            "write whole seconds, 0 or more, such as 3600",
        )
    )
