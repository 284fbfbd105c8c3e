"""From what Treasure Data holds to what a document says: the inverse of each family's `attributes`. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from reconciler.model.connections import BUCKET_SECRETS, INTERCOM_ADDRESSES
from reconciler.model.queries import Engine
from reconciler.ports.listing import Declaration, Directory, Found, SecretPlace, Undeclarable
from reconciler.providers.treasure_data import (
    declaring_activations,
    declaring_segments,
    declaring_workflows,
    exports,
    file_exports,
    import_sources,
    import_targets,
    object_exports,
    rest_connections,
)
from reconciler.providers.treasure_data.declaring_activations import exporting
from reconciler.providers.treasure_data.exports import HIDDEN
from reconciler.providers.treasure_data.names import identifier
from reconciler.providers.treasure_data.references import (
    CannotSay,
    Tree,
    database_ref,
    name_beside,
    nothing_else,
)

_PRIORITIES: Final = range(-2, 3)
_SECRETS: Final = ("client_id", "client_secret", "refresh_token")


def declare(found: Found, name: str, directory: Directory) -> Declaration | Undeclarable:
    """What the document *name* says of *found*."""
    attributes: Mapping[str, Any] = {HIDDEN: [], **found.observation.computed, **found.observation.attributes}
    try:
        if found.kind == "workflow":
            return declaring_workflows.workflow(attributes, name)
        tree = _BY_KIND[found.kind](attributes, name, directory)
        return Declaration(
            tree, declaring_activations.notes(attributes, name, directory) if found.kind == "activation" else ()
        )
    except CannotSay as error:
        return Undeclarable(str(error))


def _connection(attributes: Mapping[str, Any], name: str, directory: Directory) -> Tree:
    del directory
    settings = attributes["settings"]
    spec: Tree = {"type": attributes["type"]}
    match attributes["type"]:
        case "pinterest":
            spec |= dict.fromkeys(_SECRETS, SecretPlace())
            if settings.get("base_url"):
                spec["base_url"] = settings["base_url"]
            nothing_else(settings, {"base_url"}, "the connection has settings")
        case "files":
            spec |= _files(settings, attributes[HIDDEN])
        case "intercom":
            spec |= _intercom(settings, attributes[HIDDEN])
        case "rest":
            spec |= rest_connections.said(settings, attributes[HIDDEN])
        case "":
            raise CannotSay("the type of the connection is not told")
        case object_exports.CONNECTOR if "auth_method" in settings:
            spec = object_exports.declared_connection(settings, attributes[HIDDEN])
        case connector:
            hidden = attributes[HIDDEN]
            plain = {name: value for name, value in settings.items() if value and name not in hidden}
            spec = {"type": "other", "connector": connector}
            spec |= {"settings": plain} if plain else {}
            spec |= {"secrets": {name: SecretPlace() for name in hidden}} if hidden else {}
    return spec | name_beside(attributes, name)


def _files(settings: Mapping[str, Any], hidden: list[str]) -> Tree:
    """A folder, or a place in a bucket."""
    said = {key: value for key, value in settings.items() if value}
    place = {"bucket", "prefix", "region", "endpoint"} if "bucket" in said else {"root"}
    nothing_else(said, place, "the connection has settings")
    nothing_else(dict.fromkeys(hidden), set(BUCKET_SECRETS), "the connection has secrets")
    return {key: value for key, value in said.items() if (key, value) != ("root", ".")} | {
        name: SecretPlace() for name in hidden
    }


def _intercom(settings: Mapping[str, Any], hidden: list[str]) -> Tree:
    """A connection to Intercom; of its two kinds of credentials the token wins, and the other is not spoken of."""
    nothing_else(settings, {"base_url", "app_id"}, "the connection has settings")
    nothing_else(dict.fromkeys(hidden), {"access_token", "api_key"}, "the connection has secrets")
    spec: Tree = {name: SecretPlace() for name in hidden}
    if "api_key" in hidden:
        spec["app_id"] = settings.get("app_id")
    if not settings.get("base_url"):
        return spec
    regions = {address: region.value for region, address in INTERCOM_ADDRESSES.items()}
    region = regions.get(settings["base_url"])
    return spec | ({"region": region} if region else {"base_url": settings["base_url"]})


def _database(attributes: Mapping[str, Any], name: str, directory: Directory) -> Tree:
    del directory
    return {} if attributes["name"] == identifier(name) else {"name": attributes["name"]}


def _table(attributes: Mapping[str, Any], name: str, directory: Directory) -> Tree:
    spec: Tree = {"database": database_ref(attributes["database"], directory)}
    if attributes["name"] != identifier(name):
        spec["name"] = attributes["name"]
    if attributes["columns"]:
        keys = ("name", "type", "alias")
        spec["columns"] = [dict(zip(keys, column, strict=False)) for column in attributes["columns"]]
    spec |= {field: attributes[field] for field in ("expire_days", "description") if attributes[field]}
    return spec


def _query(attributes: Mapping[str, Any], name: str, directory: Directory) -> Tree:
    exported = exports.declared(attributes.get("export") or {}, attributes[HIDDEN], directory)
    return {**_source(attributes, directory), **name_beside(attributes, name), **_running(attributes), **exported}


def _activation(attributes: Mapping[str, Any], name: str, directory: Directory) -> Tree:
    if "segment" in attributes or "journey" in attributes:
        return declaring_activations.of_people(attributes, name, directory, _timing(attributes))
    export = attributes["export"]
    if object_exports.is_object_export(export):
        where = object_exports.declared(export, directory)
    elif file_exports.is_file_export(export):
        where = file_exports.declared(export, directory)
    else:
        where = exporting(export, directory)
    return {
        "from": {"query": _source(attributes, directory)},
        **where,
        **name_beside(attributes, name),
        **_running(attributes),
    }


def _import(attributes: Mapping[str, Any], name: str, directory: Directory) -> Tree:
    if not attributes["mode"]:
        raise CannotSay(
            "the account does not tell whether it appends or replaces: write its document, and import it by name"
        )
    spec: Tree = {"from": import_sources.declared(attributes["source"], attributes[HIDDEN], directory)}
    target = import_targets.said(attributes, directory)
    if attributes["mode"] != "append":
        target["mode"] = attributes["mode"]
    if attributes["key"]:
        target["key"] = attributes["key"]
    if attributes["time_column"]:
        target["time_column"] = attributes["time_column"]
    return {**spec, "to": target, **name_beside(attributes, name), **_timing(attributes)}


_BY_KIND: Final[Mapping[str, Callable[[Mapping[str, Any], str, Directory], Tree]]] = {
    "connection": _connection,
    "database": _database,
    "table": _table,
    "query": _query,
    "activation": _activation,
    "import": _import,
    "parentsegment": declaring_segments.parent_segment,
    "segmentfolder": declaring_segments.folder,
    "segment": declaring_segments.segment,
}


# -- what several kinds have -------------------------------------------------------------------------------------------


def _source(attributes: Mapping[str, Any], directory: Directory) -> Tree:
    spec: Tree = {"database": database_ref(attributes["database"], directory)}
    if attributes["engine"] != Engine.TRINO.value:
        spec["engine"] = attributes["engine"]
    if attributes.get("engine_version"):
        spec["engine_version"] = attributes["engine_version"]
    return {**spec, "sql": attributes["sql"]}


def _running(attributes: Mapping[str, Any]) -> Tree:
    counts = {field: attributes[field] for field in ("priority", "retry_limit") if attributes[field]}
    if counts.get("priority", 0) not in _PRIORITIES:
        raise CannotSay(f"its priority is {counts['priority']}, and manifests have -2 to 2")
    return {**_timing(attributes), **counts}


def _timing(attributes: Mapping[str, Any]) -> Tree:
    """An empty cron is left out: then whether it ever runs by itself stays the vendor's."""
    if not attributes["cron"]:
        return {}
    schedule: Tree = {"cron": attributes["cron"]}
    if attributes["timezone"] != "UTC":
        schedule["timezone"] = attributes["timezone"]
    if attributes.get("delay"):
        schedule["delay"] = attributes["delay"]
    return {"schedule": schedule}
