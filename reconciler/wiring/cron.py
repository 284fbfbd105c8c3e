"""The meaning of cron texts, as the service asks for it."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler import schedule
from reconciler.schedule import Dialect, ScheduleError


@dataclass(frozen=True, slots=True)
class Cron:
    """Cron in one dialect."""

    dialect: str

    def check(self, cron: str, timezone: str) -> None:
        """Refuse what the vendor would refuse.

        Raises:
            ValueError: with the reason.
        """
        problems = schedule.check(cron, timezone, self.dialect)
        if problems:
            raise ValueError(problems[0].message)

    def next_after(self, cron: str, timezone: str, unix_s: float) -> float | None:
        """The first run after *unix_s*, in Unix seconds; None when there is none."""
        try:
            return schedule.next_after(schedule.parse(cron, Dialect(self.dialect)), timezone, unix_s)
        except ScheduleError:
            return None
