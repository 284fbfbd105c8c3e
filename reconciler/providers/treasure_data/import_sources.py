"""The `in` part of a bulk load: what is wanted, what is told, and what a document says of it. One entry a type of source.

Of Intercom's connector Treasure Data documents `access_token` or `td_authentication_id`, `target` and `incremental`. What goes
beyond these is the embedded service's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, cast

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.model.address import Address
from reconciler.model.advertising import AdvertisingSource
from reconciler.model.connections import FilesConnection, IntercomConnection
from reconciler.model.imports import (
    GROWING,
    FilesSource,
    ImportSpec,
    ImportTarget,
    IntercomSource,
    IntercomTarget,
    Placement,
    RestSource,
)
from reconciler.model.json import Json
from reconciler.model.kinds import TableSpec
from reconciler.model.unknown import Unknown
from reconciler.ports.listing import Directory, SecretPlace
from reconciler.ports.provider import Context
from reconciler.providers.treasure_data import exports, import_advertising, import_rest, results
from reconciler.providers.treasure_data.family import Leaf
from reconciler.providers.treasure_data.names import referred
from reconciler.providers.treasure_data.references import CannotSay, Tree, nothing_else
from reconciler.providers.treasure_data.wire import Raw
from reconciler.scrubbing import Scrubber

CONNECTION: Final = "td_authentication_id"
"""Names the connection whose credentials a load uses. Source: templates of Treasure Data's own loads."""
_TOKEN: Final = "access_token"  # noqa: S105 - the name of a setting
_OWN: Final = ("leads", "parts", "overlap", "old_names", "api_version")
"""Settings that only the embedded service knows."""
_FLAGS: Final = frozenset({"incremental", "leads", "parts", "old_names"})


def wanted(spec: ImportSpec, context: Context, connection_id: Callable[[str], str]) -> dict[str, Leaf]:
    """The attribute `source` of what is declared.

    connection_id: the id of a connection that no document declares, by its name.
    """
    match spec.from_:
        case FilesSource() as source:
            table = spec.to.table if isinstance(spec.to, ImportTarget) else None
            return _files(source, table, context, connection_id)
        case IntercomSource() as source:
            return _intercom(source, context, connection_id)
        case RestSource() as source:
            return import_rest.wanted(source, context, connection_id)
        case AdvertisingSource() as source:
            return import_advertising.wanted(source, context)


def sent(source: object, scrubber: Scrubber) -> Json:
    """The `in` part as it is sent: secrets in clear, which *scrubber* knows from then on, and a connection by its number."""
    part = results.revealed(cast("Mapping[str, Leaf]", source), scrubber)
    named = part.get(CONNECTION)
    return {**part, CONNECTION: int(named)} if isinstance(named, str) and named.isdecimal() else part


def told(raw: Raw) -> tuple[dict[str, Json], list[str]]:
    """The same of what the vendor tells, and names of its secrets, which nobody can read."""
    if raw.get("type") == "rest":
        return import_rest.told(raw), []
    source, hidden = results.readable(raw), exports.hidden(raw)
    match source.get("type"):
        case "files":
            # Sessions of earlier versions repeat the columns of their table; the table's own go before them.
            return {name: value for name, value in source.items() if name != "columns"}, []
        case "intercom":
            return _intercom_told(source, hidden)
        case import_advertising.TYPE:
            return import_advertising.told(source), hidden
        case _:
            return source, hidden


def declared(source: Mapping[str, Any], hidden: list[str], directory: Directory) -> Tree:
    """What a document says in `from` of a source that was told.

    Raises:
        CannotSay: manifests have no words for it.
    """
    match source.get("type"):
        case "files":
            return _files_declared(source, directory)
        case "intercom":
            return _intercom_declared(source, hidden, directory)
        case "rest":
            return import_rest.said(source, directory)
        case import_advertising.TYPE:
            return import_advertising.said(source, directory)
        case kind:
            raise CannotSay(f"imports from {kind!r} have no words in manifests yet")


def problems(address: Address, spec: ImportSpec, context: Context, *, runs_here: bool) -> Iterator[Diagnostic]:
    """What can be said against a source without any call.

    runs_here: whether the embedded service reads it, which knows more settings than Treasure Data does.
    """
    source = spec.from_
    if isinstance(source, RestSource):
        yield from import_rest.problems(address, spec, source, context, runs_here=runs_here)
    if isinstance(source, AdvertisingSource):
        yield from import_advertising.problems(address, spec, source, context, runs_here=runs_here)
    if not isinstance(source, IntercomSource):
        return
    yield from _connection_problems(address, source, context, runs_here=runs_here)
    own = [name for name in _OWN if getattr(source, name) is not None]
    if own and not runs_here:
        yield Diagnostic(
            "setting-not-known",
            f"Treasure Data's own import from Intercom has no `{own[0]}`",
            subject=str(address),
            path=f"/spec/from/{own[0]}",
            hint="take it away, or run the import in an environment whose `treasure_data.endpoint` is embedded",
        )
    if source.incremental and spec.to.mode in {Placement.REPLACE, Placement.REPLACE_ON_NEW_DATA}:
        yield Diagnostic(
            "changes-only",
            f"each run would leave only what changed since the one before, for `mode: {spec.to.mode.value}` takes the rows away",
            Severity.WARNING,
            subject=str(address),
            path="/spec/to/mode",
            hint="keep `mode: append`, which replaces rows that come again by their id, or take `incremental` away",
        )
    if source.target is IntercomTarget.COMPANIES and not runs_here:
        yield Diagnostic(
            "target-not-known",
            "Treasure Data's own import from Intercom reads users, conversations, segments and tags, and no companies",
            subject=str(address),
            path="/spec/from/target",
            hint="run the import in an environment whose `treasure_data.endpoint` is embedded",
        )
    if source.api_key is not None and source.access_token is None:
        yield _retired(address, "/spec/from/api_key")


def retired_key(address: Address, spec: IntercomConnection) -> Iterator[Diagnostic]:
    """The warning about a connection that has no token."""
    if spec.api_key is not None and spec.access_token is None:
        yield _retired(address, "/spec/api_key")


def _retired(address: Address, path: str) -> Diagnostic:
    return Diagnostic(
        "intercom-key-retired",
        "Intercom has retired app ids with API keys, so nothing can be read with them",
        Severity.WARNING,
        subject=str(address),
        path=path,
        hint="make an app in Intercom's developer hub, and give its token as `access_token`; that one wins over the key",
    )


def _connection_problems(
    address: Address, source: IntercomSource, context: Context, *, runs_here: bool
) -> Iterator[Diagnostic]:
    named = None if source.connection is None else context.resources.get(Address("connection", source.connection))
    if named is None:
        return
    if not isinstance(named.spec, IntercomConnection):
        yield Diagnostic(
            "not-intercom",
            f"{named.address} is no connection to Intercom",
            subject=str(address),
            path="/spec/from/connection",
            hint="name a Connection of `type: intercom`",
        )
    elif runs_here and named.spec.access_token is None and named.spec.api_key is None:
        yield Diagnostic(
            "no-credentials",
            f"{named.address} has no `access_token`, which this service needs to read with",
            subject=str(address),
            path="/spec/from/connection",
            hint="write `access_token: ${secret:env:NAME}` there; only in Treasure Data's console it can be a person's consent",
        )


# -- files -----------------------------------------------------------------------------------------------------------


def _files(
    source: FilesSource, table_name: str | None, context: Context, connection_id: Callable[[str], str]
) -> dict[str, Leaf]:
    """Files below the connection's root, or below the project; those of a bucket by the connection, which has credentials."""
    part: dict[str, Leaf] = {"type": source.type, "paths": list(source.paths), "root": "."}
    if source.connection is not None:
        spec = referred(Address("connection", source.connection), FilesConnection, context)
        if spec.bucket is None:
            part["root"] = spec.root
        else:
            del part["root"]
            part[CONNECTION] = connection_ref(source.connection, context, connection_id)
    if source.format is not None:
        part["format"] = source.format.value
    table = None if table_name is None else context.resources.get(Address("table", table_name))
    if table is not None and isinstance(table.spec, TableSpec):
        # The columns themselves the service knows from the table.
        optional = sorted(column.name for column in table.spec.columns if column.optional)
        if optional:
            part["optional"] = list(optional)
    return part


def connection_ref(name: str, context: Context, connection_id: Callable[[str], str]) -> str | Unknown:
    """The id of the connection *name*, declared or not."""
    address = Address("connection", name)
    if address in context.resources:
        return context.remote_ids.get(address) or Unknown(address)
    return connection_id(name)


def _files_declared(source: Mapping[str, Any], directory: Directory) -> Tree:
    of_table = {"columns", "optional"}  # said by the table's document
    nothing_else(source, {"type", "paths", "root", "format", CONNECTION} | of_table, "its source has settings")
    spec: Tree = {"type": "files", "paths": source.get("paths")}
    if CONNECTION in source:
        spec["connection"] = directory.name_of("connection", str(source[CONNECTION]))
        if spec["connection"] is None:
            raise CannotSay(f"it reads through connection {source[CONNECTION]}, which no document declares")
    elif source.get("root", ".") != ".":
        spec["connection"] = _files_connection(source["root"], directory)
    if "format" in source:
        spec["format"] = source["format"]
    return spec


def _files_connection(root: str, directory: Directory) -> str:
    for address, spec in sorted(directory.specs.items()):
        if isinstance(spec, FilesConnection) and spec.root == root:
            return address.name
    raise CannotSay(f"no document declares a connection to files below {root!r}")


# -- Intercom --------------------------------------------------------------------------------------------------------


def _intercom(source: IntercomSource, context: Context, connection_id: Callable[[str], str]) -> dict[str, Leaf]:
    part: dict[str, Leaf] = {"type": source.type, "target": source.target.value}
    if source.connection is not None:
        part[CONNECTION] = connection_ref(source.connection, context, connection_id)
    elif source.access_token is not None:
        part[_TOKEN] = source.access_token
    else:
        part |= {"app_id": source.app_id, "api_key": source.api_key}
    if source.target in GROWING:
        part["incremental"] = source.incremental
    return part | {name: value for name in _OWN if (value := getattr(source, name)) is not None}


def _intercom_told(source: dict[str, Json], hidden: list[str]) -> tuple[dict[str, Json], list[str]]:
    """What is told in the form of what is wanted. Of both ways in the token wins, so the older one is not spoken of."""
    for name in _FLAGS & source.keys():
        source[name] = {"true": True, "false": False}.get(str(source[name]).lower(), source[name])
    if source.get("target") in {target.value for target in GROWING}:
        source.setdefault("incremental", False)
    elif source.get("incremental") is False:
        del source["incremental"]  # as good as unsaid: these targets have none
    if str(source.get("overlap", "")).isdecimal():
        source["overlap"] = int(str(source["overlap"]))
    if _TOKEN in hidden or CONNECTION in source:
        source.pop("app_id", None)
        hidden = [name for name in hidden if name != "api_key"]
    return source, hidden


def _intercom_declared(source: Mapping[str, Any], hidden: list[str], directory: Directory) -> Tree:
    known = {"type", "target", "incremental", "app_id", CONNECTION, *_OWN}
    nothing_else(source, known, "its source has settings")
    spec: Tree = {"type": "intercom"}
    if CONNECTION in source:
        name = directory.name_of("connection", str(source[CONNECTION]))
        if name is None:
            raise CannotSay(f"it reads through connection {source[CONNECTION]}, which no document declares")
        spec["connection"] = name
    elif _TOKEN in hidden:
        spec[_TOKEN] = SecretPlace()
    elif "api_key" in hidden:
        spec |= {"app_id": source.get("app_id"), "api_key": SecretPlace()}
    else:
        raise CannotSay("it has neither a connection nor a token of its own")
    spec["target"] = source.get("target")
    if source.get("incremental"):
        spec["incremental"] = source["incremental"]
    return spec | {name: source[name] for name in _OWN if name in source}
