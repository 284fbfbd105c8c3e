"""Schedules that are faster than the vendor at the other end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.engine.feeding import audience_of
from reconciler.engine.world import World
from reconciler.model.address import Address
from reconciler.model.kinds import ActivationSpec, Membership
from reconciler.model.resource import Resource
from reconciler.model.timing import ScheduleSpec, Timing
from reconciler.schedule import Dialect, ScheduleError, closest_runs_s, parse
from reconciler.schedule.words import duration


def faster_than_ingested(world: World) -> Iterator[Diagnostic]:
    """Warnings about activations that replace a list before their vendor has taken in the one before, which was for nothing.

    What is added or removed need not wait.
    """
    told = {str(vendor): seconds for vendor, seconds in world.environment.ingests_within.items()}
    for address, resource in world.resources.items():
        spec, audience = resource.spec, audience_of(resource)
        if audience is None or not isinstance(spec, ActivationSpec) or spec.membership is not Membership.REPLACE:
            continue
        provider = world.provider(audience)
        if provider is None:
            continue
        taken_in_s = told.get(provider.name, world.traits(audience).ingests_within_s)
        gap_s = _nearest_runs_s(world, spec)
        if gap_s is None or gap_s >= taken_in_s:
            continue
        often, takes = duration(gap_s), duration(int(taken_in_s))
        yield Diagnostic(
            "faster-than-ingested",
            f"{address} replaces {audience} every {often}, and {provider.name} takes up to {takes} to take in a list",
            Severity.WARNING,
            subject=str(address),
            path="/spec/schedule",
            hint=f"run it less often; or write `ingests_within: {{{provider.name}: {gap_s}s}}` in the environment if it is faster",
        )


def _nearest_runs_s(world: World, spec: ActivationSpec) -> int | None:
    timing = _timing(spec, world.resources)
    if timing is None:
        return None
    try:
        return closest_runs_s(parse(timing.cron, Dialect(world.environment.cron_dialect)))
    except ScheduleError:
        return None  # told where the timing stands


def _timing(spec: ActivationSpec, resources: Mapping[Address, Resource]) -> Timing | None:
    if not isinstance(spec.running, str):
        return spec.running
    named = resources.get(Address("schedule", spec.running))
    return named.spec if named is not None and isinstance(named.spec, ScheduleSpec) else None
