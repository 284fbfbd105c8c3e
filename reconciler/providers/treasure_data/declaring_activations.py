"""From activations to what documents say of where they go, and of the people of a segment. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from reconciler.model.address import Address
from reconciler.model.connections import PinterestConnection
from reconciler.model.kinds import AudienceSpec, Delivery
from reconciler.model.segments import ParentSegmentSpec
from reconciler.ports.listing import Directory
from reconciler.providers.treasure_data import output
from reconciler.providers.treasure_data.references import CannotSay, Tree, name_beside, nothing_else
from reconciler.providers.treasure_data.results import HELD_BY

_DELIVERY: Final = frozenset(Delivery.model_fields)


def of_people(attributes: Mapping[str, Any], name: str, directory: Directory, timing: Tree) -> Tree:
    """An activation of a segment, or of a journey."""
    columns = output.written(attributes["columns"] or [])
    if columns is None:
        raise CannotSay("its output mapping transforms columns or names a journey, for which manifests have no words")
    if timing and len(str(timing["schedule"]["cron"]).split(" ")) != 5:
        raise CannotSay(f"it runs {timing['schedule']['cron']!r}, for which manifests have no words")
    spec: Tree = {"from": _people(attributes, directory), **exporting(attributes["export"], directory)}
    if attributes["description"]:
        spec["description"] = attributes["description"]
    if attributes["all_columns"]:
        spec["all_columns"] = True
    if columns:
        spec["columns"] = columns
    return {**spec, **name_beside(attributes, name), **timing}


def _people(attributes: Mapping[str, Any], directory: Directory) -> Tree:
    if "journey" in attributes:
        label, journey = attributes["journey"]["parent_segment"], attributes["journey"]["name"]
        named = (
            address.name
            for address, spec in sorted(directory.specs.items())
            if isinstance(spec, ParentSegmentSpec) and (spec.name or address.name) == label
        )
        return {"journey": {"parent_segment": next(named, label), "name": journey}}
    segment = directory.name_of("segment", attributes["segment"])
    if segment is None:
        raise CannotSay(f"its segment {attributes['segment']} is declared by no document")
    return {"segment": segment}


def notes(attributes: Mapping[str, Any], name: str, directory: Directory) -> tuple[str, ...]:
    """What a reader of the document *name* should know that it does not say."""
    told = [
        f"activation/{name}: its export also says `{setting}`, which has no effect with what it does; "
        "it stays there and is not written down"
        for setting in _idle(attributes["export"], directory)
    ]
    if attributes.get(HELD_BY):
        told.append(
            f"activation/{name}: what it does the connection {attributes[HELD_BY]!r} says; once tdr changes it, its own export "
            "does, with the credentials of its audience's connection"
        )
    if attributes.get("notify_users"):
        # Addresses are personal data, which a document has only when a person writes them there.
        told.append(f"activation/{name}: who is notified stays as it is; write `notify` with addresses to declare it")
    return tuple(told)


def _idle(export: Mapping[str, Any], directory: Directory) -> list[str]:
    """Settings that belong to other actions than the one the export has."""
    verbs = directory.verbs
    if verbs is None:
        return []
    of_others = {verbs.create_title_setting, verbs.create_description_setting}
    of_others |= {verb.id_setting for verb in verbs.on_existing.values() if verb.action != export.get("action")}
    return sorted(name for name in of_others if export.get(name))


def exporting(export: Mapping[str, Any], directory: Directory) -> Tree:
    """To which audience rows go, what they do to it, and how they travel."""
    verbs = directory.verbs
    if verbs is None:
        raise CannotSay("nobody here holds audiences")
    action = str(export.get("action", ""))
    if action == verbs.create:
        raise CannotSay(
            "its export is in create mode, so it fails as soon as the audience exists; "
            "declare its activation and let tdr take it over with `lifecycle: {adopt: always}`"
        )
    mode = next(((membership, verb) for membership, verb in verbs.on_existing.items() if verb.action == action), None)
    if mode is None:
        raise CannotSay(f"its export does {action!r}, for which manifests have no words")
    membership, verb = mode
    audience_id = str(export.get(verb.id_setting, ""))
    audience = directory.name_of("audience", audience_id)
    if audience is None:
        raise CannotSay(
            f"its audience {audience_id} is declared by no document and seen through no declared connection to Pinterest"
        )
    known = {"type", "action", "audience_type", "ad_account_id", "base_url", "ignore_invalid_records"} | _DELIVERY
    of_verbs = {verbs.create_title_setting, verbs.create_description_setting}
    of_verbs |= {other.id_setting for other in verbs.on_existing.values()}
    nothing_else(export, known | of_verbs, "its export has settings")
    if export.get("base_url") not in {None, "", _base_url(audience, directory)}:
        raise CannotSay("its export goes to another address than the connection of its audience names")
    spec: Tree = {"to": {"audience": audience}, "membership": membership.value}
    if export.get("ignore_invalid_records") is False:
        spec["on_invalid"] = "fail"
    delivery = {key: export[key] for key in Delivery.model_fields if key in export}
    return {**spec, **({"delivery": delivery} if delivery else {})}


def _base_url(audience: str, directory: Directory) -> str | None:
    spec = directory.specs.get(Address("audience", audience))
    used = directory.specs.get(Address("connection", spec.connection)) if isinstance(spec, AudienceSpec) else None
    return used.base_url if isinstance(used, PinterestConnection) else None
