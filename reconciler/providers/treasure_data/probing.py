"""Asks an account what Treasure Data's documents leave open, by reading only: nothing is ever written for it.

Each list is read once for all facts that it tells, below parent segments only the first few, one request after the other and
never more than a budget of them. What is told goes no further than `recognising`, which keeps counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from reconciler.apis.treasure_data import TreasureData
from reconciler.apis.treasure_data_cdp import CustomerData
from reconciler.apis.treasure_data_workflows import Workflows
from reconciler.errors import NotFound, ProviderError, Transient
from reconciler.model.probe import Told
from reconciler.ports.probing import Answered
from reconciler.providers.treasure_data import wire
from reconciler.providers.treasure_data.probed_facts import FACTS, Fact
from reconciler.providers.treasure_data.recognising import PARENT, Lists, Seen, Source
from reconciler.providers.treasure_data.wire import Raw

MOST_REQUESTS: Final = 23
"""Requests of one probe, repeated ones counted again: ten, three lists and a rule of each parent segment, and an activation."""
_PARENTS: Final = 3
"""Parent segments that are looked into: enough to meet every form, and few requests whatever the account holds."""


class Probing:
    """One probe of one account."""

    def __init__(
        self, api: TreasureData, customer_data: CustomerData | None, workflows: Workflows | None, account: str
    ) -> None:
        """Ask through these; nothing is sent yet. *account*: the digits that the key says, "" when nobody knows."""
        self._api = api
        self._customer_data = customer_data
        self._workflows = workflows
        self._lists = Lists(account)
        self._calls_before = self._calls()

    def answers(self) -> list[Answered]:
        """The answer to every fact.

        Raises:
            ProviderError: nothing can be read, or the vendor is not there for now. What was learnt before then stays.
        """
        self._read_all()
        if self._lists.failed and not self._lists.read:
            raise next(iter(self._lists.failed.values()))
        answers: list[Answered] = []
        for fact in FACTS:
            told, seen = self._told(fact)
            answers.append(
                Answered(
                    fact.name, fact.question, fact.source.value, told, seen, {one: fact.effect(one) for one in Told}
                )
            )
        return answers

    def _read_all(self) -> None:
        api, data, workflows = self._api, self._customer_data, self._workflows
        self._read(Source.CONNECTIONS, api.connections)
        for raw in self._lists.of(Source.CONNECTIONS)[:1]:
            self._read(Source.LOOKUP, lambda raw=raw: [_looked_up(api, raw)])  # type: ignore[misc]
        self._read(Source.RESULTS, api.results)
        self._read(Source.QUERIES, api.saved_queries)
        self._read(Source.IMPORTS, api.bulk_loads)
        self._read(Source.USERS, api.users)
        self._read(Source.ACCOUNT, lambda: [api.account()])
        if workflows is not None:
            self._read(Source.PROJECTS, workflows.first_projects)
        if data is None:
            return
        self._read(Source.PARENTS, data.parents)
        self._read(Source.ENTITIES, data.parent_entities)
        for raw in sorted(self._lists.of(Source.PARENTS), key=lambda raw: wire.whole(raw["id"]))[:_PARENTS]:
            parent = wire.text(raw["id"])
            self._read(Source.FOLDERS, lambda parent=parent: data.folders(parent))  # type: ignore[misc]
            self._read(Source.SEGMENTS, lambda parent=parent: _below(parent, data.segments(parent)))  # type: ignore[misc]
            self._read(Source.ACTIVATIONS, lambda parent=parent: _below(parent, data.syndications(parent)))  # type: ignore[misc]
        listed = [raw for raw in self._lists.of(Source.ACTIVATIONS) if raw.get("segmentId")]
        if listed and not any(raw.get("connectorConfig") for raw in listed):
            self._read(Source.ACTIVATION, lambda: [_alone(data, listed[0])])
        empty = {one[PARENT]: one for one in reversed(self._lists.of(Source.SEGMENTS)) if not one.get("rule")}
        for parent_id, raw in sorted(empty.items(), key=lambda entry: wire.whole(entry[0])):
            ids = wire.text(parent_id), wire.text(raw["id"])
            self._read(Source.RULES, lambda ids=ids: [data.segment(*ids)])  # type: ignore[misc]

    def _read(self, source: Source, read: Callable[[], Sequence[Raw]]) -> None:
        """Keep what *read* gives beside what *source* gave before; nothing once the budget is used up."""
        if self._calls() - self._calls_before >= MOST_REQUESTS:
            self._lists.skipped.add(source)
            return
        try:
            self._lists.read[source] = [*self._lists.of(source), *read()]
        except Transient:
            raise
        except ProviderError as error:
            self._lists.failed[source] = error

    def _calls(self) -> int:
        clients = (self._api, self._customer_data, self._workflows)
        return sum(one.calls for one in clients if one is not None)

    def _told(self, fact: Fact) -> Seen:
        if fact.source in self._lists.read:
            return fact.recognise(self._lists)
        error = self._lists.failed.get(fact.source)
        if isinstance(error, NotFound):
            return fact.missing, "no such address"
        if error is not None:
            # What it says may hold texts of the account; this goes into a file that is kept in git.
            return Told.UNKNOWN, f"it could not be read ({type(error).__name__})"
        if fact.source in self._lists.skipped:
            return Told.UNKNOWN, f"not asked: {MOST_REQUESTS} requests were used up"
        return Told.UNKNOWN, "there is nothing to look at"


def _alone(data: CustomerData, raw: Raw) -> Raw:
    return data.syndication(wire.text(raw[PARENT]), wire.text(raw["segmentId"]), wire.text(raw["id"]))


def _looked_up(api: TreasureData, raw: Raw) -> Raw:
    return {"id": raw["id"], "looked_up": api.connection_id(wire.text(raw.get("name")))}


def _below(parent: str, raws: Sequence[Raw]) -> list[Raw]:
    return [{**raw, PARENT: parent} for raw in raws]
