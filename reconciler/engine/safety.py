"""What a run must not do before a person has said yes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconciler.engine.limits import emptied_gates, limit_gates
from reconciler.engine.membership import membership_gates
from reconciler.engine.world import World
from reconciler.errors import Blocked, ProviderError
from reconciler.model.address import Address
from reconciler.model.change import Change, Keep
from reconciler.model.observation import Finding, Seen
from reconciler.model.plan import Gate
from reconciler.model.record import State

FEW = 3
"""This many objects of one provider may vanish at once and still be taken for deleted by hand."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """Which account answers for each provider in use; *unknown* are those that would not tell, which nothing is asked of."""

    accounts: Mapping[str, str]
    unknown: Mapping[str, ProviderError]


def guard_accounts(world: World, state: State) -> Guarded:
    """Ask each provider which account answers, before anything is read.

    Raises:
        Blocked: it is not the account that the environment names, or not the one the state was made in.
    """
    answering = {
        provider.name: provider for provider in world.providers.values() if _is_used(world, state, provider.name)
    }
    accounts: dict[str, str] = {}
    unknown: dict[str, ProviderError] = {}
    for name, provider in sorted(answering.items()):
        try:
            account = provider.account()
        except ProviderError as error:
            unknown[name] = error
            continue
        _check_account(world, name, account, remembered=state.accounts.get(name))
        accounts[name] = account
    return Guarded(accounts, unknown)


def _check_account(world: World, name: str, account: str, remembered: str | None) -> None:
    """A provider with several credentials names several users, by commas; another one may join those a state knows."""
    answers = set(account.split(","))
    declared = world.environment.accounts.get(name)
    if declared is not None and set(declared.split(",")) != answers:
        raise _wrong_account(world, name, account, f"the environment belongs to {declared!r}")
    if remembered is not None and not set(remembered.split(",")) & answers:
        raise _wrong_account(world, name, account, f"the state belongs to {remembered!r}")


def _wrong_account(world: World, name: str, account: str, but: str) -> Blocked:
    return Blocked(
        f"{name}: account {account!r} answers, but {but}",
        hint=f"check the credentials and the endpoint of the environment `{world.environment_name}`",
    )


def _is_used(world: World, state: State, provider_name: str) -> bool:
    kinds = {kind for kind, provider in world.providers.items() if provider.name == provider_name}
    return any(address.kind in kinds for address in (*world.resources, *state.records))


def gates(world: World, state: State, seen: Mapping[Address, Seen], changes: Sequence[Change]) -> list[Gate]:
    """Thresholds, nothing left, members lost, and mass absence."""
    thresholds = world.environment.thresholds
    doing = [change for change in changes if not isinstance(change, Keep)]
    return [
        *limit_gates(thresholds, state, doing),
        *emptied_gates(thresholds, state, world.resources, doing),
        *membership_gates(world, state, doing),
        *mass_absence(world, state, seen),
    ]


def mass_absence(world: World, state: State, seen: Mapping[Address, Seen]) -> list[Gate]:
    """Many known objects of one provider gone at once: rather a wrong account or a lost permission than deletions."""
    known: dict[str, list[Address]] = defaultdict(list)
    gone: dict[str, list[Address]] = defaultdict(list)
    for address in state.records:
        provider = world.provider(address)
        look = seen.get(address)
        if provider is None or not isinstance(look, Finding):
            continue
        known[provider.name].append(address)
        if look.by_id is None:
            gone[provider.name].append(address)
    return [
        Gate(
            "mass_absence",
            f"{name}: {len(addresses)} of {len(known[name])} known objects are not there any more",
            tuple(sorted(addresses)),
            "make sure that account, region and permissions are right; forget objects that are really gone with `tdr state rm`",
        )
        for name, addresses in sorted(gone.items())
        if len(addresses) > FEW and len(addresses) * 2 > len(known[name])
    ]
