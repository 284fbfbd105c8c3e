"""Where the rows of a saved query go, in the three forms that the vendor takes, and as attributes to compare.

JSON text with `type`, or an address, in the field `result`; the name of a connection there; or a connection's id with settings on
top. Sources: help of td's toolbelt ("Result URL or JSON"), td-client-java `TDJobRequest`. That a saved query takes the last form
is uncertain: it is known of jobs only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, cast

import orjson

from reconciler.diagnostics import Diagnostic
from reconciler.model.address import Address
from reconciler.model.exports import SECRET_SETTING, QueryExport, Setting
from reconciler.model.json import Json
from reconciler.model.masks import is_mask
from reconciler.model.unknown import Unknown
from reconciler.ports.listing import Directory
from reconciler.ports.provider import Context
from reconciler.providers.treasure_data import object_exports, results, wire
from reconciler.providers.treasure_data.family import Leaf
from reconciler.providers.treasure_data.names import name_of
from reconciler.providers.treasure_data.references import CannotSay, Tree
from reconciler.providers.treasure_data.wire import Raw

HIDDEN: Final = "hidden"
"""What an observation tells beside its attributes: names of settings without their value."""
_PAIR: Final = ("result_connection_id", "result_connection_settings")
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,8}")
"""What is sent as a number; longer rows of digits are ids, which are text."""


def problems(
    address: Address, export: QueryExport | None, *, takes_pairs: bool = True, runs_here: bool = True
) -> Iterator[Diagnostic]:
    """Against a target that an Activation is for, and an address that is none or holds a password.

    takes_pairs: whether a saved query of this account may have a connection with settings on top.
    runs_here: whether the embedded service exports, which alone reaches files of the project.
    """
    if export is None:
        return
    if export.connection is not None and export.settings and not takes_pairs:
        yield Diagnostic(
            "export-settings",
            "a saved query of this account takes no settings beside a connection (`facts: {query_pairs_taken: false}`)",
            subject=str(address),
            path="/spec/export/settings",
            hint="leave them out, or export from a Workflow with `result_connection` and `result_settings`",
        )
    yield from object_exports.settings_problems(address, export.settings, "/spec/export/settings")
    if export.type == "pinterest":
        yield Diagnostic(
            "export-type",
            "rows for an audience at Pinterest are an Activation's, which finds out whether to create or to update",
            subject=str(address),
            path="/spec/export/type",
            hint="write `kind: Activation` with `from: {query: …}`, `to: {audience: …}` and a `membership`",
        )
    if export.type == "files" and not runs_here:
        yield Diagnostic(
            "files-not-reachable",
            "Treasure Data cannot write files of this project",
            subject=str(address),
            path="/spec/export/type",
            hint="use it in an environment whose `treasure_data.endpoint` is embedded",
        )
    if export.url is None:
        return
    if "://" not in export.url:
        message = f"{export.url!r} is no address of the form type://…"
        yield Diagnostic("export-url", message, subject=str(address), path="/spec/export/url")
    elif results.without_password(export.url) != export.url:
        yield Diagnostic(
            "literal-secret",
            "the address holds credentials, which must not stand in a manifest",
            subject=str(address),
            path="/spec/export/url",
            hint="let a Connection have them, and name that as `connection`",
        )


def wanted(export: QueryExport, context: Context, connection_id: Callable[[str], str]) -> Mapping[str, Leaf]:
    """The attribute of what is declared: settings as text.

    connection_id: the id of a connection that no document declares, by its name.
    """
    if export.url is not None:
        return {"type": export.url.partition("://")[0], "url": export.url}
    settings = comparable(export.settings)
    if export.type is not None:
        return {"type": export.type, **settings}
    name, address = connection_name(export, context), Address("connection", str(export.connection))
    if not settings:
        return {"connection": name}
    if address in context.resources:
        return {"connection_id": context.remote_ids.get(address) or Unknown(address), **settings}
    return {"connection_id": connection_id(name), **settings}


def connection_name(export: QueryExport, context: Context) -> str:
    """What the vendor calls the connection that *export* names."""
    declared = context.resources.get(Address("connection", str(export.connection)))
    return str(export.connection) if declared is None else name_of(declared, context)


def fields(export: QueryExport, attribute: Mapping[str, object]) -> dict[str, str | int]:
    """The form fields of a request; *attribute* is what `wanted` gave, and waits for nothing any more."""
    if export.url is not None:
        return {"result": export.url}
    settings = sent(export.settings)
    if export.type is not None:
        return {"result": orjson.dumps({"type": export.type, **settings}).decode()}
    if "connection" in attribute:
        return {"result": str(attribute["connection"])}
    return dict(zip(_PAIR, (str(attribute["connection_id"]), orjson.dumps(settings).decode()), strict=True))


def pair(attribute: Mapping[str, object]) -> dict[str, str | int]:
    """The form fields of an attribute that holds a connection's id and settings, which are what it was wanted with."""
    settings = {name: cast("Setting", value) for name, value in attribute.items() if name != "connection_id"}
    return dict(zip(_PAIR, (str(attribute["connection_id"]), orjson.dumps(sent(settings)).decode()), strict=True))


def told(raw: Raw) -> dict[str, Json]:
    """The attribute of what the vendor tells, without secrets; {} for none."""
    identifier, settings = (raw.get(name) for name in _PAIR)
    if identifier:
        return {"connection_id": wire.text(identifier), **comparable(results.readable(_parsed(settings)))}
    if named := results.connection_of(raw):
        return {"connection": named}
    return comparable(results.read_settings(raw.get("result")))


def hidden(settings: Mapping[str, Json]) -> list[str]:
    """Names of *settings* that the vendor tells without their value, or with a part of it masked."""
    return sorted(
        name
        for name, value in settings.items()
        if SECRET_SETTING.search(name)
        or (isinstance(value, str) and (is_mask(value) or ("://" in value and results.MASK in value)))
    )


def hidden_in(raw: Raw) -> list[str]:
    """The same of what a saved query tells."""
    return hidden(_parsed(raw.get("result")) | _parsed(raw.get("result_connection_settings")))


def declared(export: Mapping[str, Any], secrets: list[str], directory: Directory) -> Tree:
    """What a document says of an export that was told.

    Raises:
        CannotSay: it cannot be said without a secret that nobody can read, or belongs to an audience.
    """
    if not export:
        return {}
    if "audience_type" in export:
        raise CannotSay("its rows go to an audience through a connection, which an Activation says otherwise")
    if "type" in export or not export.keys() & {"connection", "connection_id"}:
        return {"export": _without_connection(export, secrets)}
    if "connection" in export:
        name = str(export["connection"])
        return {"export": {"connection": directory.name_of("connection", name) or name}}
    declared_as = directory.name_of("connection", str(export["connection_id"]))
    if declared_as is None:
        raise CannotSay(f"its rows go through connection {export['connection_id']}, which no document declares")
    if secrets:
        raise CannotSay(f"settings of its export are told without {secrets[0]}, which its connection should have")
    return {"export": {"connection": declared_as, **_settings(export, "connection_id")}}


def _without_connection(export: Mapping[str, Any], secrets: list[str]) -> Tree:
    kind, url = str(export.get("type", "")), str(export.get("url", ""))
    if export.keys() == {"type", "url"} and url.startswith(f"{kind}://"):
        if results.MASK in url:
            raise CannotSay("the address that its rows go to holds a password, which nobody can read")
        return {"url": url}
    if secrets or not kind:
        raise CannotSay(
            f"where its rows go is told without {secrets[0] if secrets else 'its type'}: make a connection that has the "
            "credentials, and let its export name that"
        )
    return {"type": kind, **_settings(export, "type")}


def _settings(export: Mapping[str, Any], beside: str) -> Tree:
    settings = {name: value for name, value in export.items() if name != beside}
    return {"settings": settings} if settings else {}


def _parsed(text: object) -> dict[str, Json]:
    if isinstance(text, dict):
        return text  # in what form the vendor tells settings beside a connection is not documented
    if not isinstance(text, str) or not text.startswith("{"):
        return {}
    try:
        parsed = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def comparable(settings: Mapping[str, Any]) -> dict[str, Json]:
    """Settings with every scalar as text, as manifests have them: what is 5 here may be "5" there."""
    return {name: _text(value) for name, value in settings.items() if value is not None}


def _text(value: Any) -> Json:
    match value:
        case dict():
            return comparable(value)
        case list() | tuple():
            return [_text(entry) for entry in value]
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def sent(settings: Mapping[str, Setting]) -> dict[str, Json]:
    """*settings* as JSON: a yes and a short number are sent as such, everything else is text."""
    return {name: _typed(value) for name, value in settings.items()}


def _typed(value: Setting) -> Json:
    match value:
        case dict():
            return sent(value)
        case list():
            return [_typed(entry) for entry in value]
        case "true" | "false":
            return value == "true"
        case _ if _NUMBER.fullmatch(value):
            return int(value)
        case _:
            return cast("Json", value)
