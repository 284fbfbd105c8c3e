"""Connections that people make, by their names: from one list where the account has one, else each looked up alone."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from reconciler.apis.treasure_data import TreasureData
from reconciler.errors import Denied, NotFound, Permanent, ProviderError
from reconciler.model.json import Json
from reconciler.model.observation import Observation
from reconciler.model.probe import AccountFacts, FactName
from reconciler.ports.listing import Found
from reconciler.ports.readers import readers
from reconciler.providers.treasure_data import wire
from reconciler.providers.treasure_data.wire import Raw

_AT_ONCE: Final = 8
Looked: TypeAlias = "Sequence[Observation] | ProviderError"
"""All connections of one name, usually one."""


class Lookups:
    """The connections of an account in which people make them."""

    def __init__(self, api: TreasureData, facts: AccountFacts) -> None:
        """Speak through *api* as *facts* say."""
        self._api = api
        self._is_listed = facts.holds(FactName.CONNECTIONS_LISTED, default=False)
        self._ids_agree = facts.holds(FactName.CONNECTION_IDS_AGREE, default=True)
        self._are_results = facts.holds(FactName.RESULTS_HOLD_CONNECTIONS, default=False)
        self._ids: dict[str, str] = {}
        self._listed: Mapping[str, Sequence[Observation]] = {}
        self._lock = threading.Lock()

    def named(self, names: Iterable[str]) -> Mapping[str, Looked]:
        """Name -> what is called so. A list saves the lookups where it is there, and its ids are those that lookups tell."""
        wanted = sorted(set(names))
        if self._is_listed and self._ids_agree and wanted:
            try:
                listed = self._api.connections()
            except (NotFound, Denied):
                pass  # that the list is gone, or not for everybody, says nothing of what it would hold
            except ProviderError as error:
                return dict.fromkeys(wanted, error)
            else:
                by_name: dict[str, list[Observation]] = defaultdict(list)
                for raw in listed:
                    by_name[wire.text(raw.get("name"))].append(_observed(raw))
                self._listed = by_name
                return {name: by_name.get(name, []) for name in wanted}
        with readers(_AT_ONCE, "connections") as pool:
            return dict(zip(wanted, pool.map(self._alone, wanted), strict=True))

    def id_of(self, name: str) -> str:
        """The id of the connection called *name*, asked for once.

        Raises:
            Permanent: there is none of that name, or more than one.
        """
        with self._lock:
            if name not in self._ids:
                found = self._listed.get(name) or self.named([name])[name]
                if isinstance(found, ProviderError):
                    raise found
                if not found:
                    raise Permanent(
                        f"Treasure Data has no connection {name!r}",
                        hint="make it in the console (Integrations Hub, Authentications), or declare it in a Connection document",
                    )
                if len(found) > 1:
                    raise Permanent(
                        f"Treasure Data has {len(found)} connections {name!r}", hint="rename one of them in the console"
                    )
                self._ids[name] = found[0].remote_id
            return self._ids[name]

    def listing(self) -> Iterator[Found]:
        """All that the account tells of; nothing where it lists neither connections nor results that are ones.

        Raises:
            ProviderError: it would not list them.
        """
        if self._is_listed:
            listed = self._api.connections()
            if self._ids_agree:
                for raw in listed:
                    yield Found("connection", wire.text(raw.get("name")), _observed(raw))
            else:
                yield from self._looked_up({wire.text(raw.get("name")): wire.text(raw.get("type")) for raw in listed})
        elif self._are_results:
            urls = {wire.text(raw["name"]): wire.text(raw.get("url")) for raw in self._api.results()}
            yield from self._looked_up({name: url.partition("://")[0] for name, url in urls.items()})

    def _looked_up(self, types: Mapping[str, str]) -> Iterator[Found]:
        for name, looked in self.named(types).items():
            if isinstance(looked, ProviderError):
                raise looked
            for one in looked:
                told: dict[str, Json] = {**one.attributes, "type": types[name], "settings": {}}
                yield Found("connection", name, Observation(one.remote_id, told))

    def _alone(self, name: str) -> Looked:
        try:
            return [Observation(self._api.connection_id(name), {"name": name})]
        except NotFound:
            return []
        except ProviderError as error:
            return error


def _observed(raw: Raw) -> Observation:
    """One as it is listed. Its settings are people's, and are neither compared nor declared."""
    told: dict[str, Json] = {"name": wire.text(raw.get("name")), "type": wire.text(raw.get("type")), "settings": {}}
    return Observation(wire.text(raw["id"]), told, {}, wire.unix_seconds(raw.get("created_at")))
