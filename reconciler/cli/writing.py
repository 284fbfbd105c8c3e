"""What the verbs that write share: how they get their yes, how they are followed, and how they end."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from reconciler.cli import approving, output
from reconciler.cli.following import Events, Following
from reconciler.cli.session import seconds
from reconciler.errors import UsageError
from reconciler.reports.formats import Format
from reconciler.reports.rendering import Reading

if TYPE_CHECKING:
    from reconciler.commands.answer import Answer
    from reconciler.commands.applying import Consent, Run


def consent_of(follower: Following, *, yes: bool, question: str, otherwise: str) -> Consent:
    """How a write gets its yes: by flag, by plan file, or by a person at a terminal. *follower* is shown the plan.

    Raises:
        UsageError: nobody is there to ask; *otherwise* says what to do then.
    """
    from reconciler.commands.applying import Consent

    if not yes and not sys.stdin.isatty():
        raise UsageError("nobody is there to ask", hint=otherwise)

    def ask(_document: dict[str, Any]) -> bool:
        return yes or typer.prompt(f"{question} Only `yes` is a yes", err=True).strip() == "yes"

    return Consent(show=follower.planned, ask=ask)


def run_of(follower: Following, consent: Consent, lock_timeout: str, approve: Sequence[str] | None, reason: str) -> Run:
    """How a write is done, by the options that all writing verbs share.

    Raises:
        UsageError: one of them is no duration or no approval.
    """
    from reconciler.commands.applying import Run
    from reconciler.commands.interruption import Interruption

    return Run(
        consent=consent,
        listener=follower.operation,
        tell=follower.tell,
        interruption=Interruption(),
        lock_timeout_s=seconds("--lock-timeout", lock_timeout),
        approvals=approving.given(approve, reason),
        reason=reason,
    )


def finish_run(
    answer: Answer,
    format: Format,
    follower: Following,
    reading: Reading = output.IN_FULL,
    report: Sequence[str] | None = None,
) -> NoReturn:
    """Print what a run did, or what holds its plan, write the reports, and end with its exit code."""
    from reconciler.commands.answer import BLOCKED

    if isinstance(follower, Events):
        follower.summed_up(answer)
        output.finish_shown(answer, reading, report)
    if answer.exit_code == BLOCKED and format is Format.TEXT:
        output.say("error: a gate holds this plan; nothing was changed")
        output.say("hint: lines of the plan that begin with `!` say why, and what to do")
        output.finish_shown(answer, reading, report)
    output.finish(answer, format, reading, report)
