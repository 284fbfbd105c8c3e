"""The plan that was reviewed, found again after the merge."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from reconciler.commands import saved_plan
from reconciler.commands.given_files import put
from reconciler.errors import Blocked, TdrError
from reconciler.ports.forge import Forge
from reconciler.reports.forge_pages import Mark, mark_of

_AFRESH = "propose it as a change request; or have a person look at a new plan and apply that"


def find(forge: Forge, project: str, environment: str, commit: str, out: Path, say: Callable[[str], None]) -> None:
    """Write the saved plan of the change request that *commit* came by to *out*.

    It is taken only if it is the one that our comment showed: whoever can leave files in a pipeline cannot edit that.

    Raises:
        Blocked: there is none, or another was reviewed.
        TdrError: the forge refuses, or the file cannot be written.
    """
    change = forge.merged_by(commit)
    if change is None:
        raise Blocked(f"commit {commit[:12]} came by no change request, so nobody reviewed a plan of it", hint=_AFRESH)
    text = forge.planned(environment, change)
    if text is None:
        raise Blocked(
            f"change request {change.number} left no plan for {environment} of {change.head[:12]}, or it has expired",
            hint=f"run its pipeline again, then this one; or {_AFRESH}",
        )
    with tempfile.TemporaryDirectory(prefix="tdr-plan-") as folder:
        file = Path(folder) / "plan.json"
        file.write_bytes(text)
        plan = saved_plan.load(file)
    saved_plan.whole(plan)
    if plan["environment"] != environment:
        raise Blocked(f"the plan that was left is for {plan['environment']}, not for {environment}", hint=_AFRESH)
    mark = _shown(forge, change.number, Mark("plan", {"project": project, "env": environment}))
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
            hint="have its pipeline write one",
        )
    try:
        put(out, text)
    except OSError as error:
        raise TdrError(f"the plan cannot be written to {str(out)!r}: {error.strerror}") from error
    say(f"the plan {plan['plan_digest'][:15]} of change request {change.number}")


def _shown(forge: Forge, change: int, mark: Mark) -> Mark | None:
    """The mark of our comment; None where there is none."""
    found = [one for one in forge.comments(change) if mark.is_same(mark_of(one.body))]
    me = forge.me() if found else ""
    return next((mark_of(one.body) for one in found if one.author == me), None)
