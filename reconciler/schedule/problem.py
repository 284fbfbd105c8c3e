"""What makes a schedule unusable."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a value is refused.

    rule: stable id in kebab case, such as ``cron-step-zero``.
    field: ``cron``, ``timezone`` or ``delay``.
    hint: what to write instead, or "".
    """

    rule: str
    field: str
    message: str
    hint: str = ""


class ScheduleError(ValueError):
    """A value that no schedule can have. Whoever knows where it stands makes a diagnostic of *problem*."""

    def __init__(self, problem: Problem) -> None:
        """Hold the *problem*; the text of the error is its message."""
        super().__init__(problem.message)
        self.problem = problem


def shown(text: str) -> str:
    """*text* as messages repeat it: in quotes, and never more than its first 60 characters."""
    return repr(text) if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]!r}…"
