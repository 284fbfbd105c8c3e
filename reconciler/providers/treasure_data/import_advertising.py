"""The `in` part of a load of what is advertised at Pinterest, which only the embedded service carries out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.diagnostics import Diagnostic
from reconciler.model.address import Address
from reconciler.model.advertising import AdvertisingSource, UpdateMethod
from reconciler.model.connections import PinterestConnection
from reconciler.model.imports import ImportSpec, Placement
from reconciler.model.json import Json
from reconciler.model.unknown import Unknown
from reconciler.ports.listing import Directory
from reconciler.ports.provider import Context
from reconciler.providers.treasure_data.family import Leaf
from reconciler.providers.treasure_data.references import CannotSay, Tree, nothing_else

TYPE: Final = "pinterest_marketing"
_CONNECTION: Final = "td_authentication_id"
_DAYS: Final = ("start_time", "end_time")
_LISTS: Final = ("metrics", "targeting_types", "key")
_PLAIN: Final = ("undated", "attribution_days", "apply", "compare", "change_table", "header_prefix")
_WHOLE: Final = frozenset({UpdateMethod.FULL_LOAD, UpdateMethod.RELOAD})


def wanted(source: AdvertisingSource, context: Context) -> dict[str, Leaf]:
    """The attribute `source` of what is declared."""
    address = Address("connection", source.connection)
    part: dict[str, Leaf] = {
        "type": source.type,
        _CONNECTION: context.remote_ids.get(address) or Unknown(address),
        "ad_account_id": source.ad_account_id,
        "table": source.table.value,
        "method": source.method.value,
    }
    part |= {name: day.isoformat() for name in _DAYS if (day := getattr(source, name)) is not None}
    part |= {name: list(values) for name in _LISTS if (values := getattr(source, name)) is not None}
    part |= {name: value for name in _PLAIN if (value := getattr(source, name)) is not None}
    return part


def told(source: dict[str, Json]) -> dict[str, Json]:
    """The same of what the service tells: a number may come as its text."""
    source.setdefault("method", UpdateMethod.CDC.value)
    if _CONNECTION in source:
        source[_CONNECTION] = str(source[_CONNECTION])
    if str(source.get("attribution_days", "")).isdecimal():
        source["attribution_days"] = int(str(source["attribution_days"]))
    return source


def said(source: Mapping[str, Any], directory: Directory) -> Tree:
    """What a document says in `from` of a source that was told.

    Raises:
        CannotSay: no document declares its connection, or it has credentials of its own.
    """
    optional = (*_DAYS, *_LISTS, *_PLAIN)
    nothing_else(
        source, {"type", _CONNECTION, "ad_account_id", "table", "method", *optional}, "its source has settings"
    )
    name = directory.name_of("connection", str(source.get(_CONNECTION, "")))
    if name is None:
        raise CannotSay(f"it reads through connection {source.get(_CONNECTION)}, which no document declares")
    tree: Tree = {
        "type": TYPE,
        "connection": name,
        "ad_account_id": source.get("ad_account_id"),
        "table": source.get("table"),
    }
    if source.get("method") != UpdateMethod.CDC:
        tree["method"] = source.get("method")
    return tree | {name: source[name] for name in optional if name in source}


def problems(
    address: Address, spec: ImportSpec, source: AdvertisingSource, context: Context, *, runs_here: bool
) -> Iterator[Diagnostic]:
    """What can be said against a source without any call."""
    subject = str(address)
    if not runs_here:
        yield Diagnostic(
            "runner",
            "Treasure Data has no connector that reads what is advertised at Pinterest",
            subject=subject,
            path="/spec/from/type",
            hint="use it in an environment whose `treasure_data.endpoint` is embedded: the runner there reads it",
        )
    named = context.resources.get(Address("connection", source.connection))
    if named is not None and not isinstance(named.spec, PinterestConnection):
        yield Diagnostic(
            "not-pinterest",
            f"{named.address} is no connection to Pinterest",
            subject=subject,
            path="/spec/from/connection",
            hint="name a Connection of `type: pinterest`",
        )
    replaces = spec.to.mode in {Placement.REPLACE, Placement.REPLACE_ON_NEW_DATA}
    if (source.method in _WHOLE) is not replaces:
        needed = "replace" if source.method in _WHOLE else "append"
        yield Diagnostic(
            "method-and-mode",
            f"`method: {source.method}` goes with `mode: {needed}`, and here is `{spec.to.mode.value}`",
            subject=subject,
            path="/spec/to/mode",
            hint="what is read anew takes the place of what was there; what changed goes to it, by its key",
        )
