"""Connections where tdr makes them: on the embedded service. What people make is in `referenced_connections`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from reconciler.apis.treasure_data import TreasureData
from reconciler.diagnostics import Diagnostic, Severity
from reconciler.errors import ProviderError
from reconciler.model.address import Address
from reconciler.model.connections import (
    BUCKET_SECRETS,
    INTERCOM_ADDRESSES,
    FilesConnection,
    IntercomConnection,
    OtherConnection,
    PinterestConnection,
    RestConnection,
)
from reconciler.model.json import Json
from reconciler.model.marker import marker, owner_in
from reconciler.model.observation import Finding, Observation, Seen
from reconciler.model.resource import Resource
from reconciler.model.salesforce import SalesforceConnection
from reconciler.model.secret import Secret
from reconciler.model.web_address import travels_in_clear
from reconciler.ports.listing import Found
from reconciler.ports.provider import Anew, Context, FieldClass, KindTraits, Wanted
from reconciler.providers.treasure_data import exports, import_sources, object_exports, rest_connections, results, wire
from reconciler.providers.treasure_data.family import Attributes, settled, unreadable
from reconciler.providers.treasure_data.names import name_of, not_ours
from reconciler.providers.treasure_data.wire import Raw


class Connections:
    """The family of connections that can be made: on the embedded service. Their description holds the ownership mark."""

    kinds: Mapping[str, KindTraits] = {
        "connection": KindTraits(classes={"/type": FieldClass.IMMUTABLE}, anew=Anew.UNNAMED)
    }

    def __init__(self, api: TreasureData, owner: str = "") -> None:
        """Speak through *api*; sign as *owner*."""
        self._api = api
        self._owner = owner

    def check(self, resource: Resource, context: Context) -> Iterator[Diagnostic]:
        """Anything that the model accepts can be made, but a connection without credentials would be of no use."""
        del context
        endpoint = resource.spec.endpoint if isinstance(resource.spec, FilesConnection) else None
        if endpoint is not None:
            yield from _in_clear(resource, endpoint, "rows", "/spec/endpoint")
        if isinstance(resource.spec, SalesforceConnection):
            yield from object_exports.connection_problems(resource.address, resource.spec)
        if not isinstance(resource.spec, IntercomConnection):
            return
        yield from import_sources.retired_key(resource.address, resource.spec)
        if resource.spec.base_url is not None:
            yield from _in_clear(resource, resource.spec.base_url, "its token", "/spec/base_url")
        if resource.spec.access_token is None and resource.spec.api_key is None:
            yield Diagnostic(
                "no-credentials",
                "has no `access_token`, and this service has no console in which a person could consent",
                subject=str(resource.address),
                path="/spec",
                hint="write `access_token: ${secret:env:NAME}`; Intercom's developer hub shows an app's own token",
            )

    def attributes(self, resource: Resource, context: Context) -> Attributes:
        """Its name, type and settings; an address left out is "", so that taking it away is seen."""
        name = name_of(resource, context)
        match resource.spec:
            case PinterestConnection() as spec:
                settings: dict[str, Json | Secret] = {
                    "client_id": spec.client_id,
                    "client_secret": spec.client_secret,
                    "refresh_token": spec.refresh_token,
                    "base_url": spec.base_url or "",
                }
                return {"name": name, "type": spec.type, "settings": settings}
            case FilesConnection() as spec:
                return {"name": name, "type": spec.type, "settings": _of_files(spec)}
            case IntercomConnection() as spec:
                return {"name": name, "type": spec.type, "settings": _of_intercom(spec)}
            case RestConnection() as spec:
                return {"name": name, "type": spec.type, "settings": rest_connections.wanted(spec)}
            case SalesforceConnection() as spec:
                settings = {**object_exports.connection_settings(spec)}
                return {"name": name, "type": object_exports.CONNECTOR, "settings": settings}
            case OtherConnection() as spec:
                told = {**exports.comparable(spec.settings), **spec.secrets}
                return {"name": name, "type": spec.connector, "settings": told}
            case _:
                raise not_ours(resource)

    def observe(self, wanted: Sequence[Wanted], context: Context) -> Mapping[Address, Seen]:
        """One list call for all. Names are not unique by id, so each is looked for by both."""
        try:
            listed = self._api.connections()
        except ProviderError as error:
            return unreadable(wanted, error)
        by_id = {wire.text(raw["id"]): raw for raw in listed}
        named: dict[str, list[Raw]] = {}
        for raw in listed:
            named.setdefault(wire.text(raw.get("name")), []).append(raw)
        seen: dict[Address, Seen] = {}
        for question in wanted:
            remembered = by_id.get(question.record.remote_id) if question.record else None
            matching = named.get(name_of(question.resource, context), []) if question.resource else []
            seen[question.address] = Finding(
                None if remembered is None else observed_connection(remembered),
                tuple(sorted(map(observed_connection, matching), key=lambda seen: seen.remote_id)),
            )
        return seen

    def listing(self) -> Iterator[Found]:
        """All connections."""
        for raw in self._api.connections():
            yield Found("connection", wire.text(raw.get("name")), observed_connection(raw))

    def create(self, resource: Resource, attributes: Attributes) -> Observation:
        """Make it with its secrets."""
        return observed_connection(self._api.create_connection(self._body(resource, attributes)))

    def update(
        self, resource: Resource, remote_id: str, attributes: Attributes, changed: frozenset[str]
    ) -> Observation:
        """Send it whole: settings are one value at the vendor, and secrets cannot be read to be sent back."""
        del changed
        body = self._body(resource, attributes)
        told = [
            wire.text(raw.get("description")) for raw in self._api.connections() if wire.text(raw["id"]) == remote_id
        ]
        if told and told[0] and not owner_in(told[0]):
            body["description"] = told[0]  # a person's words, which leave no place for a mark
        return observed_connection(self._api.update_connection(remote_id, body))

    def delete(self, address: Address, remote_id: str) -> None:
        """Remove it."""
        del address
        self._api.delete_connection(remote_id)

    def disable(self, address: Address, remote_id: str) -> None:
        """A connection does nothing by itself."""

    def _body(self, resource: Resource, attributes: Attributes) -> dict[str, Json]:
        """The fields of a connection as digdag's acceptance test sends them, secrets in clear."""
        settled(attributes, resource)
        spec = resource.spec
        plain = spec.settings if isinstance(spec, OtherConnection) else {}
        wanted = cast("Mapping[str, Json | Secret]", attributes["settings"])
        settings = results.revealed({**wanted, **exports.sent(plain)}, self._api.scrubber)
        if isinstance(spec, RestConnection):
            settings = rest_connections.sent(settings)
        return {
            "name": str(attributes["name"]),
            "type": str(attributes["type"]),
            "description": marker(self._owner, resource.address) or None,
            "shared": False,
            "settings": {name: value for name, value in settings.items() if value != ""},
        }


def _of_files(spec: FilesConnection) -> dict[str, Json | Secret]:
    if spec.bucket is None:
        return {"root": spec.root}
    place: dict[str, Json | Secret] = {"bucket": spec.bucket}
    place |= {name: getattr(spec, name) or "" for name in ("prefix", "region", "endpoint")}
    secrets = {name: getattr(spec, name) for name in BUCKET_SECRETS}
    return place | {name: secret for name, secret in secrets.items() if secret is not None}


def _of_intercom(spec: IntercomConnection) -> dict[str, Json | Secret]:
    """Its settings. Of two kinds of credentials the token wins, and the other is not sent."""
    address = spec.base_url or (INTERCOM_ADDRESSES[spec.region] if spec.region else "")
    settings: dict[str, Json | Secret] = {"base_url": address}
    if spec.access_token is not None:
        return settings | {"access_token": spec.access_token}
    if spec.app_id is not None and spec.api_key is not None:
        return settings | {"app_id": spec.app_id, "api_key": spec.api_key}
    return settings


def observed_connection(raw: Raw) -> Observation:
    """A connection as the service tells it."""
    told = raw.get("settings")
    told = told if isinstance(told, dict) else {}
    if raw.get("type") == "rest":
        return _observed(raw, *rest_connections.told(told))
    settings = results.readable(told)
    hidden = exports.hidden(told)
    if raw.get("type") == "intercom" and "access_token" in hidden:
        settings.pop("app_id", None)
        hidden.remove("api_key") if "api_key" in hidden else None
    is_other = raw.get("type") not in {"pinterest", "files", "intercom"}
    comparable = exports.comparable(settings) if is_other else {"base_url": "", **settings}
    tells_hidden = is_other or raw.get("type") in {"intercom", "files"}
    return _observed(raw, comparable, hidden if tells_hidden else None)


def _observed(raw: Raw, settings: Mapping[str, Json], hidden: list[str] | None) -> Observation:
    attributes: dict[str, Json] = {
        "name": wire.text(raw.get("name")),
        "type": wire.text(raw.get("type")),
        "settings": settings,
    }
    described = wire.text(raw.get("description"))
    return Observation(
        wire.text(raw["id"]),
        attributes,
        {} if hidden is None else {exports.HIDDEN: cast("Json", hidden)},
        wire.unix_seconds(raw.get("created_at")),
        marker=described if owner_in(described) else "",
    )


def _in_clear(resource: Resource, address: str, what: str, path: str) -> Iterator[Diagnostic]:
    if travels_in_clear(address):
        yield Diagnostic(
            "credentials-in-clear",
            f"sends {what} unencrypted to another machine",
            Severity.WARNING,
            subject=str(resource.address),
            path=path,
            hint="use an https address",
        )
