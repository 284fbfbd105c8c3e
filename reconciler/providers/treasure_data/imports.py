"""Imports: bulk-load sessions. What a session remembers of its position (`config_diff`) is never touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import Final, cast

from reconciler.apis.treasure_data import TreasureData
from reconciler.diagnostics import Diagnostic
from reconciler.errors import Conflict, Permanent
from reconciler.model.address import Address
from reconciler.model.imports import ImportSpec
from reconciler.model.json import Json, canonical
from reconciler.model.observation import Observation, Seen
from reconciler.model.probe import AccountFacts, FactName
from reconciler.model.resource import Resource
from reconciler.model.secret import Secret
from reconciler.model.unknown import Unknown
from reconciler.ports.provider import Context, KindTraits, Preview, Wanted
from reconciler.providers.treasure_data import exports, import_sources, import_targets, limits, results, wire
from reconciler.providers.treasure_data.family import Attributes, Leaf, look, settled
from reconciler.providers.treasure_data.lookups import Lookups
from reconciler.providers.treasure_data.names import name_of, not_ours
from reconciler.providers.treasure_data.timings import Timings
from reconciler.providers.treasure_data.wire import Raw
from reconciler.scrubbing import Scrubber

# Omitted on create: not scheduled, UTC, no delay, rows get the time of the import (td-client, connector_api.py).
_DEFAULTS: Final[Mapping[str, Json]] = {
    "cron": "",
    "timezone": "UTC",
    "delay": 0,
    "time_column": "",
    "key": [],
    # Of a table and a file an import has one.
    **dict.fromkeys(("database", "table", "file", "file_connection"), ""),
}
_OF_OTHERS: Final[Mapping[str, Json]] = {"exec": {}, "filters": []}
"""Parts of a configuration that no document says, as they are where nobody said anything."""
_IN_CONFIG: Final = frozenset({"source", "mode", "time_column", "key", "file", "file_connection"})


class Imports:
    """The family of bulk-load sessions."""

    kinds: Mapping[str, KindTraits] = {"import": KindTraits(defaults=_DEFAULTS)}

    def __init__(
        self, api: TreasureData, timings: Timings, lookups: Lookups, facts: AccountFacts, *, runs_here: bool
    ) -> None:
        """Speak through *api* as *facts* say; read cron texts as *timings* does, find connections by *lookups*.

        runs_here: whether the embedded service carries imports out, which knows more settings than Treasure Data does.
        """
        self._api = api
        self._timings = timings
        self._lookups = lookups
        self._runs_here = runs_here
        self._modes_told = facts.holds(FactName.IMPORT_MODES_TOLD, default=True)
        self._masks_known = facts.holds(FactName.IMPORT_SECRETS_MASKED, default=False)

    def check(self, resource: Resource, context: Context) -> Iterator[Diagnostic]:
        """Name, timing, size, source and target."""
        spec = _spec(resource)
        address = resource.address
        yield from limits.name_problems(address, "import", name_of(resource, context))
        yield from self._timings.problems(address, spec.schedule, context)
        source = import_sources.wanted(spec, context, lambda name: name)
        plain = {name: str(value) if isinstance(value, Secret | Unknown) else value for name, value in source.items()}
        yield from limits.load_problems(address, len(canonical(plain)))
        yield from import_sources.problems(address, spec, context, runs_here=self._runs_here)
        yield from import_targets.problems(address, spec, context, runs_here=self._runs_here)

    def attributes(self, resource: Resource, context: Context) -> Attributes:
        """What the session should be."""
        spec = _spec(resource)
        wanted: dict[str, Leaf | Mapping[str, Leaf]] = {
            "name": name_of(resource, context),
            **import_targets.place(spec.to, context, self._lookups.id_of),
            "mode": spec.to.mode.value,
            "source": import_sources.wanted(spec, context, self._lookups.id_of),
        }
        if spec.to.time_column is not None:
            wanted["time_column"] = spec.to.time_column
        if spec.to.key is not None:
            wanted["key"] = list(spec.to.key)
        return {**wanted, **self._timings.attributes(spec, context)}

    def observe(self, wanted: Sequence[Wanted], context: Context) -> Mapping[Address, Seen]:
        """One list call for all of them."""
        supposed = {} if self._modes_told else {question.address: _mode(question) for question in wanted}
        return look(
            wanted,
            context,
            lambda: ((wire.text(raw["name"]), raw) for raw in self._api.bulk_loads()),
            lambda address, raw: self.observed(raw, supposed.get(address, "")),
        )

    def create(self, resource: Resource, attributes: Attributes) -> Observation:
        """Make the session, and before it the table when there is none: the vendor refuses sessions without one."""
        settled(attributes, resource)
        if attributes.get("table"):
            self._make_table(str(attributes["database"]), str(attributes["table"]))
        body = _body(attributes, attributes.keys(), self._api.scrubber)
        return self.observed(self._api.create_bulk_load(body), self._sent_mode(attributes))

    def _make_table(self, database: str, table: str) -> None:
        if table not in {wire.text(raw.get("name")) for raw in self._api.tables(database)}:
            with suppress(Conflict):  # made by somebody since, or by a try of ours whose answer was lost
                self._api.create_table(database, table, {})

    def update(
        self, resource: Resource, remote_id: str, attributes: Attributes, changed: frozenset[str]
    ) -> Observation:
        """Send the changed fields only; a changed `config` goes whole, without the position and with others' filters.

        Raises:
            Permanent: the vendor kept the schedule that was to be taken off, as td-client-ruby's tests say it may; or it
                hides a part of the configuration that would have to be sent back.
        """
        settled(attributes, resource)
        if self._runs_here and changed & {"database", "table"}:
            # The configuration says whether it is a table at all, and somebody may have changed that as well.
            changed |= {"mode"}
        body = _body(attributes, changed, self._api.scrubber)
        if "config" in body:
            body["config"] = {**cast("Raw", body["config"]), **self._kept(resource.address, remote_id)}
        seen = self.observed(self._api.update_bulk_load(remote_id, body), self._sent_mode(attributes))
        _schedule_is_off(resource.address, attributes if "cron" in changed else {}, seen)
        return seen

    def _sent_mode(self, attributes: Attributes) -> str:
        """What stands for the mode in an answer that does not tell it."""
        return "" if self._modes_told else str(attributes["mode"])

    def preview(self, resource: Resource, context: Context) -> Preview:
        """The first rows that the session would read. Nothing of it has to be there but the connection it names."""
        attributes = self.attributes(resource, context)
        settled(attributes, resource)
        config = cast("Raw", _body(attributes, attributes.keys(), self._api.scrubber)["config"])
        told = self._api.preview_bulk_load(config)
        schema, records = told.get("schema"), told.get("records")
        columns = [one for one in (schema if isinstance(schema, list) else []) if isinstance(one, dict)]
        return Preview(
            tuple((wire.text(one.get("name")), wire.text(one.get("type"))) for one in columns),
            tuple(tuple(row) for row in (records if isinstance(records, list) else []) if isinstance(row, list)),
        )

    def _kept(self, address: Address, remote_id: str) -> dict[str, Json]:
        """What no document says of a configuration, such as the filter that the console adds: it goes back as it was told."""
        config = _part(self._api.bulk_load(remote_id), "config")
        kept = {name: config[name] for name in _OF_OTHERS if config.get(name)}
        if not results.is_readable(cast("Json", kept), masks_known=self._masks_known):
            raise Permanent(
                f"{address}: its filters at Treasure Data hold secrets, which nobody can read to send them back",
                hint="change it in the console",
            )
        return kept

    def delete(self, address: Address, remote_id: str) -> None:
        """Remove the session; the table stays."""
        del address
        self._api.delete_bulk_load(remote_id)

    def disable(self, address: Address, remote_id: str) -> None:
        """Take its schedule off."""
        seen = self.observed(self._api.update_bulk_load(remote_id, {"cron": ""}))
        _schedule_is_off(address, {"cron": ""}, seen)

    def observed(self, raw: Raw, mode: str = "") -> Observation:
        """A session as the vendor tells it: `out` rewritten, secrets masked.

        mode: what it is where that is not told; without one it is "" in an account that tells no modes, else `append`.
        """
        config = _part(raw, "config")
        out = _part(config, "out")
        cron, zone = self._timings.comparable(wire.text(raw.get("cron")), wire.text(raw.get("timezone")))
        name = wire.text(raw["name"])
        source, hidden = import_sources.told(_part(config, "in"))
        file, connection = import_targets.file_told(out)
        attributes: dict[str, Json] = {
            "name": name,
            "database": wire.text(raw.get("database")),
            "table": wire.text(raw.get("table")),
            "file": file,
            "file_connection": connection,
            "mode": wire.text(out.get("mode")) or mode or ("append" if self._modes_told else ""),
            "time_column": wire.text(raw.get("time_column") or out.get("time_column")),
            "key": cast("Json", out.get("key") or []),
            "source": source,
            "cron": cron,
            "timezone": zone,
            "delay": wire.whole(raw.get("delay")),
        }
        computed: dict[str, Json] = {exports.HIDDEN: cast("Json", hidden)} if hidden else {}
        return Observation(name, attributes, computed, wire.unix_seconds(raw.get("created_at")))


def _mode(question: Wanted) -> str:
    """The mode last applied, else the declared one, else ""."""
    if question.record is not None and question.record.applied.get("mode"):
        return wire.text(question.record.applied["mode"])
    return _spec(question.resource).to.mode.value if question.resource is not None else ""


def _schedule_is_off(address: Address, sent: Attributes, seen: Observation) -> None:
    if sent.get("cron") == "" and seen.attributes["cron"] != "":
        raise Permanent(
            f"{address}: Treasure Data kept the schedule {seen.attributes['cron']!r} that was to be taken off",
            hint="delete the import by hand and apply again; its position is lost then, so note `config_diff` first",
        )


def _spec(resource: Resource) -> ImportSpec:
    if not isinstance(resource.spec, ImportSpec):
        raise not_ours(resource)
    return resource.spec


def _body(attributes: Attributes, names: AbstractSet[str], scrubber: Scrubber) -> dict[str, Json]:
    """The JSON fields for the attributes *names*, secrets in clear.

    `time_column` travels beside and inside `config`, as td-client has it.
    """
    body = {name: cast("Json", attributes[name]) for name in sorted(names - _IN_CONFIG)}
    if names & _IN_CONFIG:
        time_column = str(attributes.get("time_column", ""))
        out: dict[str, Json] = {**import_targets.file_sent(attributes), "mode": str(attributes["mode"])}
        if time_column:
            out["time_column"] = time_column
        if attributes.get("key"):
            out["key"] = cast("Json", attributes["key"])
        if "time_column" in names:
            body["time_column"] = time_column or None
        body["config"] = {"in": import_sources.sent(attributes["source"], scrubber), "out": out, **_OF_OTHERS}
    return body


def _part(raw: Raw, name: str) -> Raw:
    part = raw.get(name)
    return part if isinstance(part, dict) else {}
