"""When something runs, as a person writes it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reconciler.model.spec import ScheduleName, Seconds, Spec


class Timing(Spec):
    """When something runs. An empty *cron* means never by itself."""

    cron: str = ""
    """Five fields separated by single spaces, or @hourly, @daily, @monthly; empty for no scheduled run."""
    timezone: str = "UTC"
    """An IANA zone such as Asia/Tokyo; abbreviations such as PST are refused."""
    delay: Seconds = 0
    """How long after the scheduled time the run starts: seconds, or text such as 10m."""


class ScheduleSpec(Timing):
    """A named timing that activations, queries and imports share. It is nothing by itself at any vendor."""


NamedTiming = Annotated[ScheduleName | Timing | None, Field(union_mode="left_to_right")]
"""The name of a Schedule document, or the timing itself. Text is never a timing, so the first that fits is meant: pydantic
would try them all, twice."""
