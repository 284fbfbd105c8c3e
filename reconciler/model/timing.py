"""When something runs, as a person writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

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


NEVER = Timing()
"""What nothing ever runs by."""

NamedTiming = Annotated[ScheduleName | Timing | None, Field(union_mode="left_to_right")]
"""The name of a Schedule document, or the timing itself. Text is never a timing, so the first that fits is meant: pydantic
would try them all, twice."""


class Pausable(Spec):
    """What has a `schedule` and, below it, `enabled`: vendors know no pause, so its schedule is taken off and written again."""

    if TYPE_CHECKING:
        schedule: NamedTiming
        enabled: bool

    @model_validator(mode="after")
    def _comes_back(self) -> Self:
        if not self.enabled and self.schedule is None:
            message = "`enabled: false` takes the schedule off, and nothing here brings it back: write `schedule`"
            raise ValueError(message)
        return self

    @property
    def running(self) -> str | Timing | None:
        """Its timing; while it is paused, one that never comes; None when the manifest leaves it open."""
        return self.schedule if self.enabled else NEVER
