"""The family of connections: made once, and then waiting until a person has let them in.

Qlik makes a connection without asking anybody at Pinterest. It reads nothing until a person has consented, in Qlik's console or
on the page whose address Qlik tells; the code that the page shows authorises the connection by a PATCH. Nothing of this is a
failure: what waits is told as a note, and the next look finds out whether somebody was there.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from reconciler.apis.qlik import QlikClient
from reconciler.apis.qlik_values import Connection
from reconciler.diagnostics import Diagnostic, Severity
from reconciler.errors import Conflict, Denied, NotFound, OutcomeUnknown, Permanent, ProviderError
from reconciler.model.address import Address
from reconciler.model.json import Json
from reconciler.model.observation import Finding, Observation, Seen, Unreadable
from reconciler.model.qlik import DEFAULT_SOURCE, PropertyField, QlikConnectionSpec
from reconciler.model.record import Record
from reconciler.model.resource import Resource
from reconciler.ports.clock import rfc3339
from reconciler.ports.listing import Declaration, Found, Undeclarable
from reconciler.ports.provider import Anew, Desired, FieldClass, KindTraits, Wanted
from reconciler.ports.readers import readers
from reconciler.providers.qlik import wire
from reconciler.providers.qlik.sources import Sources

KIND: Final = "qlikconnection"
TRAITS: Final = KindTraits(
    classes={"/source": FieldClass.IMMUTABLE},
    defaults={"start_time": "", "end_time": "", "gateway": "", "space": ""},
    removes=frozenset({"/other_properties"}),
    # Tasks hold its id, and a person has to let a new one in.
    anew=Anew.UNNAMED,
    anew_means="the new one reads nothing before a person has let it in, too",
)
_MOST_READS_AT_ONCE: Final = 4
_PATCHED: Final = {"name": "qName", "space": "space"}
_OURS: Final = "pinterest"
_OTHER: Final = "/other_properties/"
_OF_CONSENT: Final = re.compile(r"\b(o?auth|consent|code\b)", re.IGNORECASE)
"""How a refusal reads that is about a person's consent. Neither its code nor its words are published."""


class Connections:
    """Connections of one tenant."""

    def __init__(self, client: QlikClient, sources: Sources, authorised_by: str) -> None:
        """Speak through *client*. *authorised_by*: the member that tells of consent, see `model.qlik.QlikTarget`."""
        self._client = client
        self._sources = sources
        self._authorised_by = authorised_by

    def observe(self, wanted: Sequence[Wanted]) -> Mapping[Address, Seen]:
        """One list, and each that is meant by itself, for only then Qlik tells its properties."""
        try:
            listed = self._client.connections()
        except ProviderError as error:
            return {question.address: Unreadable(error) for question in wanted}
        by_id = {one.id: one for one in listed}
        named: dict[str, list[Connection]] = defaultdict(list)
        for one in listed:
            named[one.name].append(one)
        with readers(_MOST_READS_AT_ONCE, "qlik") as pool:
            looks = pool.map(lambda question: self._look(question, by_id, named), wanted)
            return {question.address: seen for question, seen in zip(wanted, looks, strict=True)}

    def create(self, resource: Resource, desired: Desired) -> Observation:
        """Make it, and let it in where a person's code is there already. A code that is of no use is no failure: it waits then.

        Raises:
            Permanent: something of it is not there at Qlik; nothing is made.
            OutcomeUnknown: it may be there, or not.
        """
        spec = wire.spec_of(resource)
        source = self._sources.source(spec.source)
        space = self._sources.space_id(spec.space or "")
        properties = wire.properties_sent(spec, source.id, self._sources)
        self._hide(spec)
        code = spec.code.reveal() if spec.code else ""
        name = str(desired.attributes["name"])
        try:
            made = self._client.create_connection(source.id, name, space, properties, code)
        except (Conflict, Denied, NotFound):
            raise
        except Permanent as error:
            hint = self._correction(error, properties, source.id) or self._waiting(spec, source.id, name, space)
            raise Permanent(error.message, hint=hint, status=error.status, request_id=error.request_id) from error
        if not made.id:
            raise OutcomeUnknown(
                "Qlik Cloud made a connection and did not tell its id", hint="it is looked for by name"
            )
        if wire.is_authorised(made, self._authorised_by):
            return Observation(made.id, {})
        refusal = ""
        if code:
            # The header is described for PATCH only, so a POST may have paid it no heed.
            try:
                self._let_in(made.id, name, code)
                return Observation(made.id, {})
            except Permanent as error:
                refusal = f"{error.message}; "  # it is made, and has to be remembered
        return Observation(made.id, {}, note=refusal + self._waiting(spec, source.id, name, space))

    def update(self, resource: Resource, remote_id: str, desired: Desired, paths: Sequence[str]) -> Observation:
        """Change the fields at *paths* by one PATCH; a code goes with it where it is still to let the connection in.

        Raises:
            Permanent: Qlik cannot change one of them, or the code is of no use.
        """
        spec = wire.spec_of(resource)
        self._hide(spec)
        source = self._sources.source(spec.source)
        changed = sorted({path.split("/", 2)[1] for path in paths})
        operations = [one for field in changed for one in self._operations(field, spec, source.id, desired)]
        if dropped := [path.removeprefix(_OTHER) for path in paths if path.startswith(_OTHER)]:
            there = self._client.connection(remote_id).properties or {}  # what is gone already cannot be removed
            gone = [name for name in dropped if name in there and name not in spec.other_properties]
            operations += [{"op": "remove", "path": wire.at_property(name)} for name in gone]
        code = spec.code.reveal() if spec.code and wire.AUTHORISED in changed else ""
        if code and wire.is_authorised(self._client.connection(remote_id), self._authorised_by):
            code = ""  # it was used by a request whose answer was lost, or somebody was faster in the console
        if code and not operations:
            self._let_in(remote_id, wire.name_of(resource), code)
        elif operations:
            self._change(remote_id, operations, code)
        return self._observed(self._client.connection(remote_id), spec)

    def delete(self, remote_id: str) -> None:
        """Take it away; what is gone already is a success."""
        try:
            self._client.delete_connection(remote_id)
        except NotFound:
            return

    def listing(self) -> Iterator[Found]:
        """Connections to Pinterest; those to other vendors are no business of these documents."""
        for one in self._client.connections():
            if _OURS not in self._sources.by_id(one.source_id).name.casefold():
                continue
            whole = self._client.connection(one.id)
            yield Found(KIND, whole.name, self._observed(whole, None))

    def declare(self, found: Found, name: str) -> Declaration | Undeclarable:
        """The inverse of `wire.desired`."""
        told = found.observation.attributes
        if not told["client_id"]:
            return Undeclarable("it does not tell the id of its app")
        spec: dict[str, Json] = {"client_id": told["client_id"]}
        spec |= {field: told[field] for field in ("start_time", "end_time", "gateway", "space") if told[field]}
        if told["source"] != DEFAULT_SOURCE:
            spec["source"] = told["source"]
        if told["name"] != name:
            spec["name"] = told["name"]
        if told["other_properties"]:
            spec["other_properties"] = told["other_properties"]
        note = "nobody can read its `client_secret`, so it is left out, and stays as it is"
        return Declaration(cast("dict[str, Any]", spec), (note,))

    # -- looking -------------------------------------------------------------------------------------------------

    def _look(
        self, question: Wanted, by_id: Mapping[str, Connection], named: Mapping[str, Sequence[Connection]]
    ) -> Seen:
        try:
            spec = wire.spec_of(question.resource) if question.resource else None
            remembered = self._remembered(question.record, by_id)
            same = self._same(question.resource, named)
            seen = {one.id: self._observed(self._client.connection(one.id), spec) for one in same}
            if remembered is not None and remembered.id not in seen:
                seen[remembered.id] = self._observed(self._client.connection(remembered.id), spec)
        except ProviderError as error:
            return Unreadable(error)
        found = seen.get(remembered.id) if remembered else None
        return Finding(found, tuple(seen[one.id] for one in sorted(same, key=lambda one: one.id)))

    def _remembered(self, record: Record | None, by_id: Mapping[str, Connection]) -> Connection | None:
        if record is None:
            return None
        found = by_id.get(record.remote_id)
        if found is None:
            # Listed late, or gone: only asking for it tells.
            try:
                found = self._client.connection(record.remote_id)
            except NotFound:
                return None
        return found

    def _same(self, resource: Resource | None, named: Mapping[str, Sequence[Connection]]) -> list[Connection]:
        if resource is None:
            return []
        spec, found = wire.spec_of(resource), named.get(wire.name_of(resource), ())
        if not found:
            return []
        space = self._sources.space_id(spec.space or "")
        return [one for one in found if one.space_id == space]

    def _observed(self, found: Connection, spec: QlikConnectionSpec | None) -> Observation:
        attributes = wire.attributes(found, self._sources, spec, self._authorised_by)
        computed: dict[str, Json] = {}
        if found.updated is not None:
            computed["updated_at"] = rfc3339(found.updated)
        note = ""
        if not attributes[wire.AUTHORISED]:
            note = self._waiting(spec, found.source_id, found.name, found.space_id)
            computed["waits_for_consent"] = note
        return Observation(found.id, attributes, computed, found.created, note)

    def _waiting(self, spec: QlikConnectionSpec | None, source_id: str, name: str, space: str) -> str:
        """What a person has to do, with the address where."""
        console = f"authenticate the connection {name!r} in Qlik Cloud at {self._client.address}"
        if spec is None or spec.client_secret is None:
            return f"waits for a person: {console}"
        try:
            self._hide(spec)
            properties = wire.properties_sent(spec, source_id, self._sources)
            page = self._client.page_of_consent(source_id, name, space, properties)
        except ProviderError as error:
            return f"waits for a person: {console}; the page of consent is not told ({error.message})"
        return f"waits for a person: open {page} and let the next apply have the code it shows as `code`, or {console}"

    # -- writing -------------------------------------------------------------------------------------------------

    def _operations(
        self, field: str, spec: QlikConnectionSpec, source_id: str, desired: Desired
    ) -> Iterator[Mapping[str, Json]]:
        if field == wire.AUTHORISED:
            return
        if field in _PATCHED:
            told = desired.attributes.get(field, "")
            value = self._sources.space_id(str(told)) if field == "space" else str(told)
            yield {"op": "replace", "path": f"/{_PATCHED[field]}", "value": value}
        elif field == "other_properties":
            for name, told in sorted(spec.other_properties.items()):
                yield {"op": "add", "path": wire.at_property(name), "value": told}
        else:
            yield self._property(cast("PropertyField", field), spec, source_id)

    def _property(self, field: PropertyField, spec: QlikConnectionSpec, source_id: str) -> Mapping[str, Json]:
        at = wire.at_property(wire.place(field, source_id, self._sources, spec))
        match field:
            case "client_secret":
                value = spec.client_secret.reveal() if spec.client_secret else ""
            case "client_id":
                value = spec.client_id
            case "gateway":
                value = self._sources.gateway_id(source_id, spec.gateway) if spec.gateway else ""
            case "start_time":
                value = spec.start_time.isoformat() if spec.start_time else ""
            case _:
                value = spec.end_time.isoformat() if spec.end_time else ""
        return {"op": "add", "path": at, "value": value} if value else {"op": "remove", "path": at}

    def _change(self, remote_id: str, operations: Sequence[Mapping[str, Json]], code: str) -> None:
        """Patch it. Whether Qlik lets properties be patched is described nowhere, so a refusal tells the other way."""
        try:
            self._client.patch_connection(remote_id, operations, code)
        except (Conflict, Denied, NotFound):
            raise
        except Permanent as error:
            hint = (
                f"where Qlik does not let its API change this, change it at {self._client.address} as the document says"
            )
            raise Permanent(error.message, hint=hint, status=error.status, request_id=error.request_id) from error

    def _correction(self, error: Permanent, sent: Mapping[str, Json], source_id: str) -> str:
        """What to do about a connection that was refused; "" where a person's code is what it lacks.

        Whether a POST needs a code is described nowhere, so only words of the refusal tell.
        """
        known = self._sources.known(source_id)
        if unknown := sorted(sent.keys() - set(known)):
            return f"the data source tells of no property {', '.join(map(repr, unknown))}; it has: {', '.join(known)}"
        if _OF_CONSENT.search(error.message):
            return ""
        return f"correct what Qlik names; the properties sent were: {', '.join(sorted(sent))}"

    def _let_in(self, remote_id: str, name: str, code: str) -> None:
        """Use a person's code. A PATCH needs an operation, so the name is set to what it is."""
        try:
            self._client.patch_connection(remote_id, [{"op": "replace", "path": "/qName", "value": name}], code)
        except Permanent as error:
            raise Permanent(
                f"{error.message}; the code is good for one use and a short time",
                hint="open the page that `tdr plan` tells of, and put the new code in place of the old",
                status=error.status,
                request_id=error.request_id,
            ) from error

    def _hide(self, spec: QlikConnectionSpec) -> None:
        for secret in (spec.client_secret, spec.code):
            if secret is not None:
                self._client.never_show(secret)


def problems(resource: Resource, tenant_is_clear: str) -> Iterator[Diagnostic]:
    """What can be said offline. *tenant_is_clear*: address of the tenant where it would be spoken to unencrypted, or ""."""
    if tenant_is_clear:
        yield Diagnostic(
            "credentials-in-clear",
            f"sends credentials unencrypted to {tenant_is_clear}",
            Severity.WARNING,
            subject=str(resource.address),
            path="/spec",
            hint="use an https address as `qlik.tenant` of the environment",
        )
