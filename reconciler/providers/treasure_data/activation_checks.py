"""What can be said against activations of segments and journeys before anything is asked."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.diagnostics import Diagnostic
from reconciler.model.address import Address
from reconciler.model.kinds import ActivationSpec, AudienceSpec
from reconciler.ports.provider import Context
from reconciler.providers.treasure_data import limits
from reconciler.providers.treasure_data.names import timing


def problems(address: Address, spec: ActivationSpec, context: Context, *, users_listed: bool) -> Iterator[Diagnostic]:
    """Name, timing, notices, and columns that a destination would not take.

    users_listed: whether this account tells the users that notices go to.
    """
    yield from limits.name_problems(address, "activation", spec.name or address.name)
    declared = timing(spec.schedule, context)
    if declared is not None and declared.delay:
        message = "an activation of a segment has no delay at Treasure Data"
        yield Diagnostic("activation-delay", message, subject=str(address), path="/spec/schedule")
    if spec.notify is not None and not users_listed:
        yield Diagnostic(
            "activation-notify",
            "this account does not list its users, whom `notify` is for (`facts: {users_listed: false}`)",
            subject=str(address),
            path="/spec/notify",
            hint="leave it out, and choose the people in the console",
        )
    names = [one.name for one in spec.columns or ()]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        message = f"two columns go out as {twice[0]!r}"
        yield Diagnostic("activation-columns", message, subject=str(address), path="/spec/columns")
    yield from _column_problems(address, spec, context)


def _column_problems(address: Address, spec: ActivationSpec, context: Context) -> Iterator[Diagnostic]:
    audience = context.resources.get(Address("audience", spec.to.audience))
    if audience is None or not isinstance(audience.spec, AudienceSpec):
        return  # the loader has said so, with the place
    wanted = audience.spec.identifier.value
    if not spec.all_columns and [one.name for one in spec.columns or ()] != [wanted]:
        yield Diagnostic(
            "activation-columns",
            f"{audience.address} takes one column, called {wanted!r}",
            subject=str(address),
            path="/spec/columns",
            hint=f"write `columns: [{{column: …, as: {wanted}}}]`",
        )
