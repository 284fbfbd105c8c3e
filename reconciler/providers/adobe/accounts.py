"""Base connections: who reads from a source. Secrets are sent and never told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

from reconciler.apis.adobe import Change, FlowService, Kind, Object
from reconciler.diagnostics import Diagnostic
from reconciler.errors import NotFound, Permanent
from reconciler.model.address import Address
from reconciler.model.connections import hidden_names
from reconciler.model.dataflows import SourceAccountSpec
from reconciler.model.json import Json
from reconciler.model.observation import Observation
from reconciler.model.observation import Seen as Look
from reconciler.model.resource import Resource
from reconciler.model.secret import Secret
from reconciler.model.unknown import Unknown
from reconciler.ports.listing import Declaration, DeclaredTree, Directory, Found, SecretPlace, Undeclarable
from reconciler.ports.provider import Context, Wanted
from reconciler.providers.adobe import wire
from reconciler.providers.adobe.families import Attributes, id_of, looked, name_of
from reconciler.providers.adobe.registrations import authentications
from reconciler.providers.adobe.seen import Seen

_MASKED: Final = re.compile(r"\*+")
_HIDDEN: Final = "hidden"


class Accounts:
    """The family of base connections."""

    def __init__(self, api: FlowService, seen: Seen) -> None:
        self._api = api
        self._seen = seen

    @staticmethod
    def attributes(resource: Resource, context: Context) -> Attributes:
        """Name, specification, authentication with its parameters, and secrets to compare by fingerprint."""
        spec = _spec(resource)
        registered = Address("sourceregistration", spec.source or "")
        attributes: dict[str, Json | Secret | Unknown | Mapping[str, Json | Secret | Unknown]] = {
            "name": name_of(resource),
            "connection_spec": spec.connection_spec or id_of(registered, context.remote_ids),
            "auth": spec.auth,
            "params": cast("Mapping[str, Json]", wire.comparable(cast("Json", spec.params))),
            "secrets": dict(spec.secrets),
        }
        if spec.description is not None:
            attributes["description"] = spec.description
        return attributes

    def observe(self, wanted: Sequence[Wanted]) -> Mapping[Address, Look]:
        """One list."""
        return looked(self._api, Kind.CONNECTIONS, wanted, self._observed)

    def create(self, resource: Resource, attributes: Attributes) -> Observation:
        """Make it with its secrets."""
        spec = _spec(resource)
        body: dict[str, Json] = {
            "name": name_of(resource),
            "connectionSpec": {"id": _settled(attributes["connection_spec"], resource), "version": "1.0"},
            "auth": self._auth(spec),
        }
        if spec.description is not None:
            body["description"] = spec.description
        return self._observed(self._api.one(Kind.CONNECTIONS, self._api.create(Kind.CONNECTIONS, body)))

    def update(self, resource: Resource, remote_id: str, paths: Sequence[str]) -> Observation:
        """Change what differs. Authentication is sent whole, for its secrets cannot be read to be sent back."""
        spec = _spec(resource)
        newest = self._api.one(Kind.CONNECTIONS, remote_id)
        changes: list[Change] = []
        if "/name" in paths:
            changes.append(Change("replace", "/name", name_of(resource)))
        if "/description" in paths:
            changes.append(
                Change("replace" if "description" in newest else "add", "/description", spec.description or "")
            )
        auth = self._auth(spec)
        if "/auth" in paths:
            changes.append(Change("replace", "/auth", auth))
        elif any(path.startswith(("/params", "/secrets")) for path in paths):
            changes.append(Change("replace", "/auth/params", auth["params"]))
        if changes:
            self._api.patch(Kind.CONNECTIONS, remote_id, self._seen.etag(Kind.CONNECTIONS, newest), changes)
        return self._observed(self._api.one(Kind.CONNECTIONS, remote_id))

    def delete(self, remote_id: str) -> None:
        """Remove it.

        Raises:
            Conflict: a flow reads by it.
        """
        try:
            self._api.delete(Kind.CONNECTIONS, remote_id)
        except NotFound:
            return

    def found(self) -> Iterator[Found]:
        """All of the sandbox."""
        for told in self._api.listed(Kind.CONNECTIONS):
            yield Found("sourceaccount", wire.text(told.get("name")), self._observed(told))

    def declare(self, found: Found, directory: Directory) -> Declaration | Undeclarable:
        """The inverse of `attributes`."""
        told = found.observation.attributes
        registered = directory.name_of("sourceregistration", str(told["connection_spec"]))
        tree: dict[str, Json | SecretPlace | DeclaredTree] = {"name": told["name"], "auth": told["auth"]}
        if registered is None:
            tree["connection_spec"] = told["connection_spec"]
        else:
            tree["source"] = registered
        if told["description"]:
            tree["description"] = told["description"]
        if told["params"]:
            tree["params"] = told["params"]
        hidden = found.observation.computed.get(_HIDDEN)
        names = [str(name) for name in hidden] if isinstance(hidden, list) else []
        if names:
            tree["secrets"] = {name: SecretPlace() for name in names}
            return Declaration(tree)
        return Declaration(tree, ("Adobe tells none of its secrets, so add those that it has to `secrets`",))

    def _auth(self, spec: SourceAccountSpec) -> dict[str, Json]:
        for secret in spec.secrets.values():
            self._api.scrubber.add(secret)
        secrets = {name: secret.reveal() for name, secret in spec.secrets.items()}
        return {"specName": spec.auth, "params": {**cast("Mapping[str, Json]", spec.params), **secrets}}

    def _observed(self, told: Object) -> Observation:
        self._seen.note(Kind.CONNECTIONS, told)
        params = wire.inner(told, "auth", "params")
        secret_like = set(hidden_names(params))
        hidden = sorted(
            name
            for name, value in params.items()
            if name in secret_like or (isinstance(value, str) and _MASKED.fullmatch(value))
        )
        return Observation(
            str(told["id"]),
            {
                "name": wire.text(told.get("name")),
                "description": wire.text(told.get("description")),
                "connection_spec": wire.text(wire.inner(told, "connectionSpec").get("id")),
                "auth": wire.text(wire.inner(told, "auth").get("specName")),
                "params": wire.comparable({name: value for name, value in params.items() if name not in hidden}),
            },
            computed={_HIDDEN: cast("Json", hidden)},
            created_at=wire.millis_to_s(told.get("createdAt")),
        )


def problems(resource: Resource, context: Context) -> Iterator[Diagnostic]:
    """An authentication that the specification does not have."""
    spec = _spec(resource)
    registration = context.resources.get(Address("sourceregistration", spec.source or ""))
    known = authentications(registration, context) if registration else None
    if known and spec.auth not in known:
        yield Diagnostic(
            "source-account",
            f"there is no authentication {spec.auth!r} in its specification",
            subject=str(resource.address),
            path="/spec/auth",
            hint=f"write one of: {', '.join(known)}",
        )


def _settled(value: object, resource: Resource) -> str:
    if not isinstance(value, str) or not value:
        raise Permanent(f"{resource.address}: {value} is not known yet", hint="apply what it needs first")
    return value


def _spec(resource: Resource) -> SourceAccountSpec:
    if not isinstance(resource.spec, SourceAccountSpec):
        raise TypeError(str(resource.address))
    return resource.spec
