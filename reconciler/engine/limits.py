"""How much one run may take away or change, for all kinds together and for each: numbers, shares, and nothing left of a kind."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from reconciler.model.address import Address
from reconciler.model.change import Change, Delete, Disable, Replace, Update
from reconciler.model.environment import Limits, Thresholds
from reconciler.model.plan import Gate
from reconciler.model.record import State
from reconciler.model.resource import Resource


def limit_gates(thresholds: Thresholds, state: State, changes: Sequence[Change]) -> Iterator[Gate]:
    """A gate for each limit that *changes* go beyond."""
    deletes = [change.address for change in changes if isinstance(change, Delete | Replace)]
    updates = [change.address for change in changes if isinstance(change, Update)]
    if not deletes and not updates:
        return
    everything = Limits(**{name: getattr(thresholds, name) for name in Limits.model_fields})
    yield from _held("resources", len(state.records), everything, deletes, updates)
    if not thresholds.kinds:
        return
    remembered = Counter(address.kind for address in state.records)
    for kind, own in sorted(thresholds.kinds.items()):
        # A share that a kind does not name is that of all together; it is looked at among its own.
        said = everything.model_dump(exclude={"max_deletes", "max_updates"}) | own.model_dump(exclude_none=True)
        yield from _held(
            f"resources of the kind {kind}",
            remembered[kind],
            Limits(**said),
            [address for address in deletes if address.kind == kind],
            [address for address in updates if address.kind == kind],
        )


def _held(
    what: str, population: int, limits: Limits, deletes: Sequence[Address], updates: Sequence[Address]
) -> Iterator[Gate]:
    counted = (
        ("deletes", limits.max_deletes, limits.max_delete_ratio, deletes),
        ("updates", limits.max_updates, limits.max_update_ratio, updates),
    )
    is_large = population >= (limits.minimum_resources or 1)
    for rule, most, ratio, addresses in counted:
        told = f"{len(addresses)} of {population} {what}"
        hint = (
            f"if it is not meant, bring the documents back; `thresholds` of the environment say how many {rule} may be"
        )
        if most is not None and len(addresses) > most:
            yield Gate(rule, f"{told}; at most {most} may", tuple(addresses), hint)
        elif is_large and ratio is not None and len(addresses) > ratio * population:
            share = len(addresses) / population
            yield Gate(rule, f"{told} ({share:.0%}); at most {ratio:.0%} may", tuple(addresses), hint)


def emptied_gates(
    thresholds: Thresholds, state: State, resources: Mapping[Address, Resource], changes: Sequence[Change]
) -> Iterator[Gate]:
    """Nothing declared at all, or nothing of a kind that had many: rather a wrong folder than a decision."""
    going: dict[str, list[Address]] = defaultdict(list)
    for change in changes:
        if isinstance(change, Delete | Disable):
            going[change.address.kind].append(change.address)
    if not going:
        return
    hint = "make sure that `manifests` in tdr.yaml, the branch and the checkout are right"
    if not resources:
        addresses = tuple(sorted(address for kind in going.values() for address in kind))
        yield Gate("empty_set", f"no document is declared, and {len(state.records)} are remembered", addresses, hint)
        return
    declared = {address.kind for address in resources}
    for kind in sorted(going.keys() - declared):
        remembered = sum(address.kind == kind for address in state.records)
        if remembered >= thresholds.empty_kind:
            message = f"no document of the kind {kind} is declared any more, and {remembered} are remembered"
            yield Gate("empty_set", message, tuple(sorted(going[kind])), hint)
