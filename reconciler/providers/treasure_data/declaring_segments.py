"""From parent segments, folders and segments to what documents say of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from reconciler.model.address import Address
from reconciler.model.segments import ParentSegmentSpec
from reconciler.ports.listing import Directory
from reconciler.providers.treasure_data import rules
from reconciler.providers.treasure_data.references import CannotSay, Tree, database_ref, name_beside, table_ref
from reconciler.providers.treasure_data.wording import where_of


def parent_segment(attributes: Mapping[str, Any], name: str, directory: Directory) -> Tree:
    """A parent segment: all that is known of people, for what a document leaves out would go unmanaged."""
    master = attributes["master"]
    if not all(master.partition(".")[::2]):
        raise CannotSay("it has no master table")
    spec: Tree = {**name_beside(attributes, name), "master": _table(master, directory)}
    if attributes["description"]:
        spec["description"] = attributes["description"]
    spec["attributes"] = [
        _without_defaults(
            {
                "name": one["name"],
                "column": one["column"],
                "type": one["type"],
                "from": _joined(one, master, directory),
                "group": one["group"],
            },
            type="string",
        )
        for one in attributes["attributes"]
    ]
    spec["behaviors"] = [
        {
            "name": one["name"],
            "from": _joined(one, master, directory) or _refuse_behavior(one),
            "columns": [_without_defaults(dict(column), type="string") for column in one["columns"]],
        }
        for one in attributes["behaviors"]
    ]
    spec["filters"] = [dict(one) for one in attributes["filters"]]
    for field, default in (("refresh", "none"), ("refresh_at", ""), ("timezone", "UTC")):
        if attributes[field] != default:
            spec[field] = attributes[field]
    return {key: value for key, value in spec.items() if value != []}


def folder(attributes: Mapping[str, Any], name: str, directory: Directory) -> Tree:
    """A folder."""
    return {**_place(attributes, directory), **_texts(attributes, name)}


def segment(attributes: Mapping[str, Any], name: str, directory: Directory) -> Tree:
    """A segment, its rule in words where there are words for all of it, else as the vendor's own, which says everything."""
    place = _place(attributes, directory)
    return {**place, **_texts(attributes, name), **_rule(attributes, place["parent_segment"], directory)}


def _rule(attributes: Mapping[str, Any], parent: str, directory: Directory) -> Tree:
    rule = attributes["rule"]
    if not rule:
        return {}
    declared = directory.specs.get(Address("parentsegment", parent))

    def name_of(segment_id: str) -> str | None:
        return directory.name_of("segment", f"{attributes['parent_segment']}/{segment_id}")

    if isinstance(declared, ParentSegmentSpec):
        try:
            return {"where": where_of(rule, declared, name_of)}
        except CannotSay:
            pass
    return {"rule": orjson.dumps(rules.sent(rule), option=orjson.OPT_SORT_KEYS).decode()}


def _place(attributes: Mapping[str, Any], directory: Directory) -> Tree:
    parent = directory.name_of("parentsegment", attributes["parent_segment"])
    if parent is None:
        raise CannotSay(f"its parent segment {attributes['parent_segment']} is declared by no document")
    if not attributes["folder"]:
        return {"parent_segment": parent}
    holder = directory.name_of("segmentfolder", attributes["folder"])
    if holder is None:
        raise CannotSay("the folder that it is in is declared by no document")
    return {"parent_segment": parent, "folder": holder}


def _texts(attributes: Mapping[str, Any], name: str) -> Tree:
    described = {"description": attributes["description"]} if attributes["description"] else {}
    return {**name_beside(attributes, name), **described}


def _table(place: str, directory: Directory) -> Tree:
    database, _, table = place.partition(".")
    return {"database": database_ref(database, directory), "table": table_ref(database, table, directory)}


def _joined(one: Mapping[str, Any], master: str, directory: Directory) -> Tree:
    if one["table"] == master and not one["key"]:
        return {}
    if not (one["key"] and one["master_key"]):
        raise CannotSay(f"{one['name']!r} is joined by no columns")
    return {**_table(one["table"], directory), "key": one["key"], "master_key": one["master_key"]}


def _refuse_behavior(one: Mapping[str, Any]) -> Tree:
    raise CannotSay(f"{one['name']!r} is joined by no columns")


def _without_defaults(tree: Tree, **defaults: str) -> Tree:
    return {key: value for key, value in tree.items() if value not in ("", {}) and value != defaults.get(key)}
