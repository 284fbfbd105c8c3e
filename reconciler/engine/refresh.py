"""Looking at everything declared or remembered, by as few calls as the providers can."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from reconciler.engine.world import World
from reconciler.errors import ProviderError
from reconciler.model.address import Address
from reconciler.model.observation import Finding, Seen, Unreadable
from reconciler.model.record import State
from reconciler.ports.provider import Context, Provider, Wanted

CONFIRM_AFTER_S = 1.0
"""How long to wait before an absence is believed: a list may lag behind a write for a moment."""


def refresh(
    world: World,
    state: State,
    unknown: Mapping[str, ProviderError],
    addresses: Iterable[Address] | None = None,
) -> dict[Address, Seen]:
    """Look at *addresses*, or at all that is declared or remembered.

    unknown: providers of which it is not known who answers (see `safety.guard_accounts`); they are not asked.

    An object that state remembers and that one look misses is looked for again before its absence is believed.
    """
    chosen = set(world.resources) | set(state.records) if addresses is None else set(addresses)
    remote_ids = {address: record.remote_id for address, record in state.records.items()}
    context = world.context(remote_ids)
    questions: dict[str, tuple[Provider, list[Wanted]]] = {}
    untold: dict[Address, Seen] = {}
    for address in sorted(chosen):
        provider = world.provider(address)
        if provider is not None and provider.name in unknown:
            untold[address] = Unreadable(unknown[provider.name])
        elif provider is not None:
            wanted = Wanted(address, world.resources.get(address), state.records.get(address))
            questions.setdefault(provider.name, (provider, []))[1].append(wanted)
    seen = _ask(questions.values(), context)
    doubtful = {address for address, look in seen.items() if _is_missing(look) and address in state.records}
    if doubtful:
        world.clock.sleep(CONFIRM_AFTER_S)
        again = [
            (provider, [question for question in asked if question.address in doubtful])
            for provider, asked in questions.values()
        ]
        seen.update(_ask([(provider, asked) for provider, asked in again if asked], context))
    return seen | untold


def _is_missing(look: Seen) -> bool:
    return isinstance(look, Finding) and look.by_id is None


def _ask(questions: Iterable[tuple[Provider, list[Wanted]]], context: Context) -> dict[Address, Seen]:
    seen: dict[Address, Seen] = {}
    asked = list(questions)
    if len(asked) == 1:
        provider, wanted = asked[0]
        return dict(provider.observe(wanted, context))

    def look(question: tuple[Provider, list[Wanted]]) -> Mapping[Address, Seen]:
        return question[0].observe(question[1], context)

    if asked:
        with ThreadPoolExecutor(max_workers=len(asked), thread_name_prefix="refresh") as pool:
            for answers in pool.map(look, asked):
                seen.update(answers)
    return seen
