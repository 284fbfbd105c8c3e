"""Exports of queries to objects of Salesforce, in the words of Treasure Data's connector `sfdc_v2`. Pure.

The credentials are the connection's; what is done to which object stands in the settings of the query. Sources: Treasure Data's
pages of the Salesforce export, and `td_sfdc.dig` of treasure-boxes for the names of settings. Those of the second version of the
connector are published nowhere, so `api_version`, `retry_initial_wait_sec` and `retry_limit` are uncertain; `empty_values` and
`ignore_invalid_records` are ours, and are sent only where they differ from what the connector does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.model.address import Address
from reconciler.model.exports import OnInvalid, QueryExport, Setting
from reconciler.model.row_activations import ObjectActivationSpec
from reconciler.model.salesforce import (
    DEFAULT_VERSION,
    LAST_WITH_SOAP_LOGIN,
    NEEDED,
    OLDEST_LASTING,
    OLDEST_SERVED,
    OPTIONAL,
    SECRETS,
    Auth,
    EmptyValues,
    Removal,
    SalesforceConnection,
)
from reconciler.model.secret import Secret
from reconciler.ports.listing import Directory, SecretPlace
from reconciler.ports.provider import Context
from reconciler.providers.treasure_data.references import CannotSay, Tree, nothing_else

CONNECTOR: Final = "sfdc_v2"
_DELIVERY: Final = {
    "concurrency_mode": "concurrency",
    "split_records": "batch_size",
    "retry_initial_wait_sec": "retry_initial_wait_secs",
    "retry_limit": "retry_limit",
}
"""The connector's setting -> how manifests call it."""


_FOR_EVERYBODY: Final = frozenset({"login.salesforce.com", "test.salesforce.com"})
_OF_ONE_ORG: Final = {
    Auth.CLIENT_CREDENTIALS: ("wants the address of the org's My Domain", Severity.WARNING),
    Auth.SESSION_ID: ("needs the address of the instance that the session is of", Severity.ERROR),
}
"""Way to log in -> what it wants of `login_url`. Source: Salesforce's help on the client credentials flow."""


def is_object_export(settings: Mapping[str, Any]) -> bool:
    """Whether the settings of an export, whose type they do not say, are those of a Salesforce object."""
    return {"object", "mode", "api_version"} <= settings.keys()


def export_of(spec: ObjectActivationSpec, context: Context) -> QueryExport:
    """The export that an activation wants."""
    used = context.resources.get(Address("connection", spec.to.connection))
    version = used.spec.api_version if used and isinstance(used.spec, SalesforceConnection) else DEFAULT_VERSION
    settings: dict[str, Setting] = {"object": spec.to.object, **_mode(spec), "api_version": version}
    told = {ours: getattr(spec.delivery, ours) for ours in _DELIVERY.values()}
    settings |= {theirs: str(told[ours]) for theirs, ours in _DELIVERY.items() if told[ours] is not None}
    if spec.empty_values is EmptyValues.ERASE:
        settings["empty_values"] = spec.empty_values.value
    if spec.on_invalid is OnInvalid.FAIL:
        settings["ignore_invalid_records"] = "false"
    return QueryExport(connection=spec.to.connection, settings=settings)


def _mode(spec: ObjectActivationSpec) -> dict[str, Setting]:
    write = spec.write
    if write.replace is not None:
        return {"mode": "truncate", "hard_delete": "true" if write.replace is Removal.HARD else "false"}
    if write.key:
        return {"mode": "update", "upsert": "true" if write.upsert else "false", "unique": write.key}
    return {"mode": "append"}


def problems(
    address: Address, spec: ObjectActivationSpec, context: Context, *, takes_pairs: bool
) -> Iterator[Diagnostic]:
    """Against a target that is no Salesforce, and of what a run takes away.

    takes_pairs: whether the account's saved queries take a connection with settings on top.
    """
    if not takes_pairs:
        yield Diagnostic(
            "export-pair",
            "this account's saved queries take no connection with settings, as `tdr doctor --probe` found",
            subject=str(address),
            path="/spec/to",
            hint="run it on the embedded service, or make the export in the console",
        )
    used = context.resources.get(Address("connection", spec.to.connection))
    if used is not None and not isinstance(used.spec, SalesforceConnection):
        yield Diagnostic(
            "connection-type",
            f"{used.address} is no connection to Salesforce, and has no objects",
            subject=str(address),
            path="/spec/to/connection",
            hint="name a connection of type salesforce",
        )
    if spec.write.replace is not None:
        where = "for good" if spec.write.replace is Removal.HARD else "into the recycle bin"
        yield Diagnostic(
            "replaces-records",
            f"every run deletes all records of {spec.to.object} {where}, and what hangs on them, before it inserts its rows",
            Severity.WARNING,
            subject=str(address),
            path="/spec/write/replace",
            hint="deleting is committed before inserting begins; `upsert` changes records in place",
        )


def settings_problems(address: Address, settings: Mapping[str, Any], path: str) -> Iterator[Diagnostic]:
    """Against settings of an object's export, in the connector's words, of which some would be passed over."""
    if not {"object", "mode"} <= settings.keys():
        return
    for name, message in misplaced(settings):
        yield Diagnostic(
            "export-settings",
            message,
            subject=str(address),
            path=f"{path}/{name}",
            hint="an Activation with `to: {object: …}` and `write` says it without contradiction",
        )


def misplaced(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Settings that belong to another mode or cannot work, each with what is wrong."""
    mode = str(settings.get("mode", ""))
    for name, needed in _OF_MODE.items():
        value = str(settings.get(name) or "")
        if value.lower() not in {"", "false"} and mode != needed:
            yield name, f"`{name}` has no effect with mode `{mode}`: it needs mode `{needed}`"
    key = str(settings.get("unique") or "")
    makes_records = str(settings.get("upsert", "")).lower() == "true"
    if mode == "update" and makes_records and not key.endswith("__c"):
        told = f"`unique: {key}` with `upsert` must be an external id, and only custom fields (…__c) can be one"
        yield "unique", told


_OF_MODE: Final = {"hard_delete": "truncate", "unique": "update", "upsert": "update"}
"""Setting -> the only mode that it has a meaning with."""


def connection_problems(address: Address, spec: SalesforceConnection) -> Iterator[Diagnostic]:
    """Of ways to log in and versions that end. Source: Salesforce's notices of retirement, help articles 000354473, 005132110."""
    if spec.version < OLDEST_SERVED:
        yield _about_version(address, f"{spec.api_version} of Salesforce's API is retired", Severity.ERROR)
    elif spec.version < OLDEST_LASTING:
        told = f"{spec.api_version} of Salesforce's API is deprecated and ends with Summer '28; it has no Bulk API 2.0"
        yield _about_version(address, told, Severity.WARNING)
    if spec.auth is Auth.CREDENTIALS:
        since = (
            ""
            if spec.version <= LAST_WITH_SOAP_LOGIN
            else f"; version {spec.api_version} has none, so that tdr logs in by {LAST_WITH_SOAP_LOGIN}.0"
        )
        yield Diagnostic(
            "login-retiring",
            f"Salesforce ends logins with a password in Summer '27; orgs since Winter '26 allow none by default{since}",
            Severity.WARNING,
            subject=str(address),
            path="/spec/auth",
            hint="write `auth: client_credentials`, with an app that has a user to run as",
        )
    if urlsplit(spec.login_url).hostname in _FOR_EVERYBODY and spec.auth in _OF_ONE_ORG:
        told, severity = _OF_ONE_ORG[spec.auth]
        yield Diagnostic(
            "login-address",
            f"`auth: {spec.auth}` {told}, and {spec.login_url} is that of all orgs",
            severity,
            subject=str(address),
            path="/spec/login_url",
            hint="write `login_url: https://MYDOMAIN.my.salesforce.com`; Salesforce shows it in its settings under My Domain",
        )
    if spec.auth is Auth.SESSION_ID:
        yield Diagnostic(
            "login-retiring",
            "a session of Salesforce ends after some hours and cannot be renewed from here",
            Severity.WARNING,
            subject=str(address),
            path="/spec/auth",
            hint="write `auth: client_credentials`; keep a session id for a single run by hand",
        )


def _about_version(address: Address, said: str, severity: Severity) -> Diagnostic:
    return Diagnostic(
        "api-version",
        f"version {said}",
        severity,
        subject=str(address),
        path="/spec/api_version",
        hint=f"write `api_version: {DEFAULT_VERSION}`",
    )


def connection_settings(spec: SalesforceConnection) -> dict[str, str | Secret]:
    """The settings of a connection, secrets among them."""
    names = (*NEEDED[spec.auth], *OPTIONAL.get(spec.auth, ()))
    told = {name: getattr(spec, name) for name in names}
    return {
        "auth_method": spec.auth.value,
        "login_url": spec.login_url,
        "api_version": spec.api_version,
        **{name: value for name, value in told.items() if value is not None},
    }


def declared_connection(settings: Mapping[str, Any], hidden: list[str]) -> Tree:
    """What a document says of a connection; a place for each secret.

    Raises:
        CannotSay: it logs in in a way for which there are no words.
    """
    auth = str(settings.get("auth_method", ""))
    if auth not in set(Auth):
        raise CannotSay(f"it logs in by {auth!r}, for which manifests have no words")
    plain = {name: value for name, value in settings.items() if value and name not in SECRETS}
    nothing_else(
        plain, {"auth_method", "login_url", "api_version", "username", "audience"}, "the connection has settings"
    )
    spec: Tree = {"type": "salesforce", "auth": auth}
    spec |= {name: plain[name] for name in ("login_url", "audience", "username", "api_version") if name in plain}
    names = {*NEEDED[Auth(auth)], *OPTIONAL.get(Auth(auth), ())} & SECRETS
    return spec | {name: SecretPlace() for name in sorted(names & {*hidden, *NEEDED[Auth(auth)]})}


def declared(export: Mapping[str, Any], directory: Directory) -> Tree:
    """Where an activation's rows go and what they do there.

    Raises:
        CannotSay: its connection is declared by no document, or it does what manifests have no words for.
    """
    connection = directory.name_of("connection", str(export.get("connection_id", "")))
    if connection is None:
        raise CannotSay(f"its rows go through connection {export.get('connection_id')}, which no document declares")
    known = {"connection_id", "object", "mode", "upsert", "unique", "hard_delete", "api_version", *_DELIVERY}
    nothing_else(export, known | {"empty_values", "ignore_invalid_records"}, "its export has settings")
    for _, message in misplaced(export):
        raise CannotSay(message)
    spec: Tree = {"to": {"connection": connection, "object": export["object"]}, "write": _written(export)}
    if export.get("empty_values") == EmptyValues.ERASE:
        spec["empty_values"] = EmptyValues.ERASE.value
    if export.get("ignore_invalid_records") == "false":
        spec["on_invalid"] = "fail"
    delivery = {ours: export[theirs] for theirs, ours in _DELIVERY.items() if theirs in export}
    return {**spec, **({"delivery": delivery} if delivery else {})}


def _written(export: Mapping[str, Any]) -> Any:
    match export:
        case {"mode": "append"}:
            return "insert"
        case {"mode": "truncate"}:
            return {"replace": "hard" if export.get("hard_delete") == "true" else "soft"}
        case {"mode": "update", "unique": str(key)}:
            return {"upsert" if export.get("upsert", "true") == "true" else "update": key}
        case _:
            raise CannotSay(f"its export does {export.get('mode')!r}, for which manifests have no words")
