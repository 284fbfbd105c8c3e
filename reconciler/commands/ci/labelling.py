"""A label on the change request that says what merging it would do: one of ours, and nobody else's is touched."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from reconciler.commands.answer import BLOCKED, DIFFERENCES, OK
from reconciler.commands.ci.discussing import Result, is_overtaken
from reconciler.ports.forge import Forge
from reconciler.reports.forge_pages import Told
from reconciler.wiring.forges import Setting

_ENDING = frozenset({"delete", "replace"})


class Verdict(StrEnum):
    """What a plan would do."""

    NO_CHANGES = "no-changes"
    CHANGES = "changes"
    DESTROY = "destroy"


def verdict_of(result: Result) -> Verdict | None:
    """What the plan of *result* would do; None where there is none."""
    plan = result.document
    if plan is None or plan["format"] != "tdr.plan" or result.exit_code not in {OK, DIFFERENCES, BLOCKED}:
        return None
    actions = {action for change in plan["changes"] for action in change["actions"]} - {"noop"}
    if actions & _ENDING:
        return Verdict.DESTROY
    return Verdict.CHANGES if actions else Verdict.NO_CHANGES


def label_of(environment: str, verdict: Verdict) -> str:
    """The label, such as ``tdr:prod:changes``: with the environment, for a change request has a plan for each."""
    return f"{_prefix(environment)}{verdict.value}"


def label(forge: Forge, setting: Setting, about: Told, result: Result, say: Callable[[str], None]) -> None:
    """Leave the label of *result* on the change request and take our others of the same environment off.

    Where there is no plan all of them go, for nobody knows what merging would do. A job that was overtaken by a newer commit leaves
    them alone.

    Raises:
        TdrError: the forge refuses.
    """
    change = setting.change
    if change is None:
        say("there is no change request to label")
        return
    if is_overtaken(forge, change, about, say):
        return
    verdict = verdict_of(result)
    wanted = {label_of(about.environment, verdict)} if verdict is not None else set[str]()
    ours = {name for name in forge.labels(change) if name.startswith(_prefix(about.environment))}
    for name in sorted(ours - wanted):
        forge.remove_label(change, name)
    for name in sorted(wanted - ours):
        forge.add_label(change, name)
    say(f"change request {change} is labelled {verdict.value}" if verdict else f"change request {change} has no label")


def _prefix(environment: str) -> str:
    return f"tdr:{environment}:"
