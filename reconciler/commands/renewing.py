"""A saved plan is planned again under the lock, and goes on only where that comes to what was reviewed.

Only what the plan touches and what that needs is held against it; whatever else moved since is not its business. Nothing
that was not in the saved plan is ever done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.commands import saved_plan
from reconciler.commands.planning import document_of, policy_of, review
from reconciler.engine.operations import Difference, differences, differences_in_the_end, every_operation, operations
from reconciler.engine.planning import Prepared, prepare
from reconciler.engine.scoping import Part, exactly
from reconciler.errors import StalePlan
from reconciler.model.address import Address
from reconciler.model.change import Keep
from reconciler.model.scope import Scope
from reconciler.ports.clock import rfc3339
from reconciler.ports.store import Snapshot
from reconciler.wiring import Runtime

AGAIN = "plan again"
CLOCKS_DIFFER_BY = timedelta(minutes=5)
"""What clocks of two machines may differ by."""
OR_EQUAL = "plan again and review it; with --replan-if-equal it goes on if a new plan comes to the same operations"


def renewed(runtime: Runtime, saved: Mapping[str, Any], snapshot: Snapshot, *, replan_if_equal: bool) -> Prepared:
    """The saved plan, which is whole, as it is today, ready to be applied.

    replan_if_equal: go by a new plan where the saved one is too old or something moved, if its operations are the same.

    Raises:
        StalePlan: names what moved, then and now.
    """
    moved = _expired(runtime, saved)
    if moved is not None and not replan_if_equal:
        raise moved
    _never_again(runtime, saved, snapshot)
    moved = moved or _moved(runtime, saved)
    if moved is None:
        prepared = _part(runtime, saved, snapshot)
        _same_accounts(saved, prepared)
        moved = _difference(runtime, saved, prepared)
    if moved is None:
        return prepared
    if not replan_if_equal:
        raise moved
    return _equal_plan(runtime, saved, snapshot)


def _expired(runtime: Runtime, saved: Mapping[str, Any]) -> StalePlan | None:
    now = datetime.fromtimestamp(runtime.clock.now(), UTC)
    if saved_plan.expiry(saved) < now:
        return StalePlan(f"the plan expired at {saved['expires_at']}", hint=OR_EQUAL)
    # Of such a plan nobody knows how old it is, and its date of expiry means nothing.
    if saved_plan.made(saved) > now + CLOCKS_DIFFER_BY:
        return StalePlan(
            f"the plan was made at {saved['created_at']}, and here it is {rfc3339(now.timestamp())}: a clock is wrong",
            hint=f"set it right; else {OR_EQUAL}",
        )
    return None


def _never_again(runtime: Runtime, saved: Mapping[str, Any], snapshot: Snapshot) -> None:
    """What no new plan makes good: another environment, another state, or a plan that was used."""
    if saved["environment"] != runtime.environment_name:
        raise StalePlan(
            f"the plan is for the environment {saved['environment']!r}, not {runtime.environment_name!r}",
            hint=f"apply it with `--env {saved['environment']}`, or plan this environment",
        )
    if saved["base"].get("lineage") != snapshot.state.lineage:
        raise StalePlan("the plan was made with another state", hint=AGAIN)
    if saved["plan_id"] in snapshot.state.consumed_plans:
        raise StalePlan("the plan was applied already", hint=AGAIN)


def _moved(runtime: Runtime, saved: Mapping[str, Any]) -> StalePlan | None:
    """What can be told without asking anybody: the manifests and the rules."""
    base = saved["base"]
    for what, then, now in (
        ("the manifests are not those of the plan", base.get("config_digest"), runtime.world.config_digest),
        ("the policy is not that of the plan", base.get("policy_digest"), policy_of(runtime).digest),
    ):
        if then != now:
            return StalePlan(f"{what}: then {str(then)[:15]}, now {now[:15]}", hint=OR_EQUAL)
    return None


def _part(runtime: Runtime, saved: Mapping[str, Any], snapshot: Snapshot) -> Prepared:
    """Planned again: what the saved plan touches, and what that needs."""
    touched = [Address.parse(address) for address in operations(saved)]
    for address in touched:
        if address not in runtime.world.resources and address not in snapshot.state.records:
            raise StalePlan(f"{address} is neither in the manifests nor in the state any more", hint=AGAIN)
    prepared = prepare(runtime.world, snapshot, exactly(touched) if touched else None, _replaced(saved))
    changes = prepared.plan.changes if touched else tuple(c for c in prepared.plan.changes if isinstance(c, Keep))
    scope = Scope.from_json(saved.get("partial"))
    plan = replace(prepared.plan, changes=changes, complete=saved["complete"], scope=scope)
    return review(runtime, replace(prepared, plan=plan))


def _same_accounts(saved: Mapping[str, Any], prepared: Prepared) -> None:
    then, now = saved["base"].get("accounts"), dict(prepared.plan.base.accounts)
    if isinstance(then, dict):
        for vendor in sorted(then.keys() & now.keys()):
            if then[vendor] != now[vendor]:
                raise StalePlan(
                    f"{vendor}: the plan was made in {then[vendor]!r}, and {now[vendor]!r} answers", hint=AGAIN
                )


def _difference(runtime: Runtime, saved: Mapping[str, Any], prepared: Prepared) -> StalePlan | None:
    fresh = document_of(runtime, prepared)
    then, now = every_operation(saved), every_operation(fresh)
    found = next(
        differences({address: then[address] for address in then.keys() & now.keys() | operations(saved).keys()}, now),
        None,
    )
    if found is not None:
        return _told(found)
    if saved["plan_digest"] != fresh["plan_digest"]:
        return StalePlan("a secret or an id is not what it was when the plan was made", hint=OR_EQUAL)
    return None


def _told(found: Difference) -> StalePlan:
    if not found.path:
        return StalePlan(f"{found.address}: planned was {found.one}, now it would be {found.other}", hint=OR_EQUAL)
    return StalePlan(
        f"{found.address}: {found.path} was {found.one} when planned, and is {found.other} now", hint=OR_EQUAL
    )


def _equal_plan(runtime: Runtime, saved: Mapping[str, Any], snapshot: Snapshot) -> Prepared:
    """A new plan of the same extent, if all that it would do is what the saved one would."""
    extent = _extent(runtime, saved, snapshot)
    prepared = review(runtime, prepare(runtime.world, snapshot, extent, _replaced(saved)))
    told = replace(prepared.plan, scope=Scope.from_json(saved.get("partial")))
    prepared = replace(prepared, plan=told)
    _same_accounts(saved, prepared)
    fresh = document_of(runtime, prepared)
    if fresh["plan_digest"] == saved["plan_digest"]:
        return prepared
    found = next(differences_in_the_end(operations(saved), operations(fresh)), None)
    what = (
        f"{found.address}: planned was {found.one}, a new plan says {found.other}"
        if found
        else "a secret is another one"
    )
    raise StalePlan(f"a new plan does not come to the same: {what}", hint="plan again and review it")


def _replaced(saved: Mapping[str, Any]) -> frozenset[Address]:
    """What the saved plan was asked to make anew."""
    return frozenset(map(Address.parse, saved.get("replace", ())))


def _extent(runtime: Runtime, saved: Mapping[str, Any], snapshot: Snapshot) -> Part | None:
    """What a plan of a part was made for; None for a plan of everything."""
    if saved["complete"]:
        return None
    planned = [Address.parse(str(change["address"])) for change in saved["changes"]]
    there = [one for one in planned if one in runtime.world.resources or one in snapshot.state.records]
    return exactly(there) if there else None
