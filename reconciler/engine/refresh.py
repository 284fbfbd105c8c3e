"""Looking at everything declared or remembered, by as few calls as the providers can."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from reconciler.engine.world import World
from reconciler.errors import ProviderError
from reconciler.model.address import Address
from reconciler.model.observation import Finding, Seen, Unreadable
from reconciler.model.record import Record, State
from reconciler.ports.provider import Context, Provider, Wanted
from reconciler.ports.readers import readers


def refresh(
    world: World,
    state: State,
    unknown: Mapping[str, ProviderError],
    addresses: Iterable[Address] | None = None,
) -> dict[Address, Seen]:
    """Look at *addresses*, or at all that is declared or remembered.

    unknown: providers of which it is not known who answers (see `safety.guard_accounts`); they are not asked.

    An object that state remembers and that one look misses is looked for again before its absence is believed, after the
    time its kind or the environment asks for. An absence that an earlier run wrote down counts as the first look.
    """
    chosen = set(world.resources) | (state.records.keys() - world.settled) if addresses is None else set(addresses)
    remote_ids = {address: record.remote_id for address, record in world.remembered(state)}
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
    doubtful = {
        address
        for address, look in seen.items()
        if _is_missing(look) and address in state.records and not _was_missed(world, address, state.records[address])
    }
    if doubtful:
        world.clock.sleep(max(_patience_s(world, address) for address in doubtful))
        again = [
            (provider, [question for question in asked if question.address in doubtful])
            for provider, asked in questions.values()
        ]
        seen.update(_ask([(provider, asked) for provider, asked in again if asked], context))
    return seen | untold


def _patience_s(world: World, address: Address) -> float:
    chosen = world.environment.confirm_absence_after
    return world.traits(address).absent_after_s if chosen is None else float(chosen)


def _was_missed(world: World, address: Address, record: Record) -> bool:
    """Whether an earlier run did not find it either, long enough ago."""
    if not record.absent_since:
        return False
    first = datetime.fromisoformat(record.absent_since).timestamp()
    return world.clock.now() - first >= _patience_s(world, address)


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
        with readers(len(asked), "refresh") as pool:
            for answers in pool.map(look, asked):
                seen.update(answers)
    return seen
