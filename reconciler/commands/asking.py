"""What a person asks of a plan besides that it be made: a part of it, or that something be made anew."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.engine.planning import Prepared, prepare, prepare_unread
from reconciler.engine.replacing import asked_for
from reconciler.engine.scoping import part_of_all
from reconciler.engine.world import World
from reconciler.errors import UsageError
from reconciler.model.scope import EVERYTHING, Scope
from reconciler.ports.store import Snapshot


@dataclass(frozen=True, slots=True)
class Asked:
    """*scope* narrows the plan; *replace* are addresses and globs of what is to be made anew.

    is_refreshed: whether the vendors are looked at.
    """

    scope: Scope = EVERYTHING
    replace: tuple[str, ...] = ()
    is_refreshed: bool = True

    @property
    def is_plain(self) -> bool:
        """Whether nothing is asked but what differs."""
        return self == ALL_AS_DECLARED


ALL_AS_DECLARED = Asked()


def prepared_for(asked: Asked, world: World, snapshot: Snapshot) -> Prepared:
    """The plan that is *asked* for, in *world* and from *snapshot*.

    Raises:
        UsageError: a pattern means nothing, or what cannot be made anew or is outside of the part.
    """
    part = part_of_all(asked.scope, world, snapshot.state)
    replaced = asked_for(asked.replace, world, snapshot.state)
    derive = prepare if asked.is_refreshed else prepare_unread
    prepared = derive(world, snapshot, part, replaced)
    if outside := sorted(replaced.difference(prepared.plan.replace)):
        raise UsageError(
            f"--replace: {outside[0]} is not in the part that is planned", hint="leave it out, or take it in"
        )
    return prepared
