"""The plan that was reviewed, found again after the merge."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from reconciler.commands import saved_plan
from reconciler.commands.ci.discussing import mine
from reconciler.commands.given_files import put
from reconciler.errors import Blocked, TdrError
from reconciler.ports.forge import ChangeRequest, Forge
from reconciler.reports.forge_pages import Mark, Told, mark_of

_AFRESH = "propose it as a change request; or have a person look at a new plan and apply that"


def find(forge: Forge, about: Told, commit: str, out: Path, say: Callable[[str], None]) -> None:
    """Write the saved plan of the change request that *commit* came by to *out*.

    It is taken only if it is the one that our comment showed: whoever can leave files in a pipeline cannot edit that, and where
    comments are sealed cannot write one either.

    Raises:
        Blocked: there is none, or another was reviewed.
        TdrError: the forge refuses, or the file cannot be written.
    """
    change = forge.merged_by(commit)
    if change is None:
        raise Blocked(f"commit {commit[:12]} came by no change request, so nobody reviewed a plan of it", hint=_AFRESH)
    if change.is_of_fork:
        raise Blocked(f"change request {change.number} is of a fork, of which nothing is planned", hint=_AFRESH)
    text = _left(forge, change, about.environment)
    plan = _whole(text, about.environment)
    _must_be_shown(forge, change, about, plan)
    try:
        put(out, text)
    except OSError as error:
        raise TdrError(
            f"the plan cannot be written to {str(out)!r}: {error.strerror}",
            hint="name a file in a folder that is there",
        ) from error
    say(f"the plan {plan['plan_digest'][:15]} of change request {change.number}")


def _left(forge: Forge, change: ChangeRequest, environment: str) -> bytes:
    text = forge.planned(environment, change)
    if text is None:
        raise Blocked(
            f"change request {change.number} left no plan for {environment} of {change.head[:12]}, or it has expired",
            hint=f"run its pipeline again, then this one; or {_AFRESH}",
        )
    return text


def _whole(text: bytes, environment: str) -> Mapping[str, Any]:
    with tempfile.TemporaryDirectory(prefix="tdr-plan-") as folder:
        file = Path(folder) / "plan.json"
        file.write_bytes(text)
        plan = saved_plan.load(file)
    saved_plan.whole(plan, "what the pipeline left as its plan")
    if plan["environment"] != environment:
        raise Blocked(f"the plan that was left is for {plan['environment']}, not for {environment}", hint=_AFRESH)
    return plan


def _must_be_shown(forge: Forge, change: ChangeRequest, about: Told, plan: Mapping[str, Any]) -> None:
    """Refuse a plan other than the one that our comment showed; one without changes needs no comment."""
    wanted = Mark("plan", {"project": about.project, "env": about.environment})
    comment = mine(forge, change.number, wanted, about.key)
    mark = mark_of(comment.body) if comment is not None else None
    shown, head = (mark.values.get("digest", ""), mark.values.get("head", "")) if mark is not None else ("", "")
    if mark is not None and head != change.head:
        raise Blocked(
            f"change request {change.number} showed a plan of {head[:12]}, and {change.head[:12]} was merged",
            hint=_AFRESH,
        )
    if shown and shown != plan["plan_digest"]:
        raise Blocked(
            f"change request {change.number} showed the plan {shown[:15]}, and what was left is {plan['plan_digest'][:15]}",
            hint="somebody has changed one of them: plan again and review that",
        )
    if not shown and any(one["actions"] != ["noop"] for one in plan["changes"]):
        raise Blocked(
            f"no comment on change request {change.number} shows what would be applied",
            hint="have its pipeline write one, with the TDR_KEY that is here, where there is one",
        )
