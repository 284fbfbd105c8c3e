"""Folders and segments of parent segments. Their ids are told as ``PARENT/ID``, so that each says where to look for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

import orjson

from reconciler.apis.treasure_data_cdp import FOLDER, SEGMENT, CustomerData
from reconciler.diagnostics import Diagnostic
from reconciler.errors import Permanent, ProviderError
from reconciler.model.address import Address
from reconciler.model.json import Json
from reconciler.model.observation import Finding, Observation, Seen, Unreadable
from reconciler.model.probe import AccountFacts, FactName
from reconciler.model.resource import Resource
from reconciler.model.segments import AttributeType, ParentSegmentSpec, SegmentFolderSpec, SegmentSpec
from reconciler.model.unknown import Unknown
from reconciler.ports.provider import Anew, Context, FieldClass, KindTraits, Wanted
from reconciler.ports.readers import readers
from reconciler.providers.treasure_data import parent_segments, rules, wire
from reconciler.providers.treasure_data.family import Attributes, Leaf, settled, unreadable
from reconciler.providers.treasure_data.names import name_of, not_ours, quoted
from reconciler.providers.treasure_data.rules import Known, NoRule
from reconciler.providers.treasure_data.wire import Raw

FOLDER_KIND: Final = "segmentfolder"
SEGMENT_KIND: Final = "segment"
_ENTITY: Final = {FOLDER_KIND: FOLDER, SEGMENT_KIND: SEGMENT}
_BATCH: Final = 0
_AT_ONCE: Final = 8


class _Waits(Exception):
    """A rule refers to a segment that is not there yet."""

    def __init__(self, address: Address) -> None:
        super().__init__(str(address))
        self.address = address


@dataclass(frozen=True, slots=True)
class Contents:
    """What one parent segment holds. *folders* and *segments* by id; *error* says why nothing is known."""

    parent: Raw
    folders: Mapping[str, Raw] = field(default_factory=dict)
    segments: Mapping[str, Raw] = field(default_factory=dict)
    error: ProviderError | None = None

    @property
    def root(self) -> str:
        """The id of the folder that all others are in."""
        return next((one for one, raw in self.folders.items() if not raw.get("parentFolderId")), "")

    def of(self, kind: str) -> Mapping[str, Raw]:
        """The objects of *kind* by id."""
        return self.folders if kind == FOLDER_KIND else self.segments

    def paths(self) -> dict[str, str]:
        """Folder -> the names down to it, each as `quoted`, with a slash at the end of each; "" for the root."""
        return {folder_id: "".join(reversed([*self._names_up(folder_id)])) for folder_id in self.folders}

    def named(self, kind: str) -> dict[str, list[str]]:
        """What makes objects of *kind* unique, the names from the parent segment down -> their ids."""
        paths = self.paths()
        top = quoted(wire.text(self.parent.get("name")))
        found: dict[str, list[str]] = defaultdict(list)
        for entity_id, raw in self.of(kind).items():
            place = paths.get(container_of(kind, raw), "")
            found[f"{top}/{place}{quoted(wire.text(raw.get('name')))}"].append(entity_id)
        return found

    def _names_up(self, folder_id: str) -> Iterator[str]:
        """From a folder up to below the root; folders that claim to hold each other end the way."""
        passed: set[str] = set()
        while folder_id not in passed and (raw := self.folders.get(folder_id)) and raw.get("parentFolderId"):
            passed.add(folder_id)
            yield f"{quoted(wire.text(raw.get('name')))}/"
            folder_id = container_of(FOLDER_KIND, raw)


def container_of(kind: str, raw: Raw) -> str:
    """The id of the folder that an object is in, "" for the root itself."""
    return wire.text(raw.get("parentFolderId" if kind == FOLDER_KIND else "segmentFolderId"))


class SegmentTrees:
    """The family of folders and segments."""

    kinds: Mapping[str, KindTraits] = {
        kind: KindTraits(
            classes={"/parent_segment": FieldClass.IMMUTABLE}, defaults={"description": ""}, anew=Anew.UNNAMED
        )
        for kind in (FOLDER_KIND, SEGMENT_KIND)
    }

    def __init__(self, api: CustomerData, facts: AccountFacts) -> None:
        """Speak through *api* as *facts* say."""
        self._api = api
        self._parents_told = facts.holds(FactName.FOLDER_PARENTS_TOLD, default=True)

    def check(self, resource: Resource, context: Context) -> Iterator[Diagnostic]:
        """Rules that cannot be meant."""
        spec = resource.spec
        if not isinstance(spec, SegmentSpec):
            return
        try:
            _rule(spec, context, strict=False)
        except NoRule as error:
            yield Diagnostic(
                "segment-rule", error.message, subject=str(resource.address), path=f"/spec{error.path}", hint=""
            )

    def attributes(self, resource: Resource, context: Context) -> Attributes:
        """What the document says; folders and parent segments by their ids, which an apply may have to tell first."""
        spec = _spec(resource)
        told: dict[str, Leaf] = {
            "name": spec.name or resource.address.name,
            "parent_segment": _parent(spec, context),
            "folder": "" if spec.folder is None else _id(Address(FOLDER_KIND, spec.folder), context),
        }
        if spec.description is not None:
            told["description"] = spec.description
        if isinstance(spec, SegmentSpec):
            try:
                told["rule"] = _rule(spec, context, strict=True)
            except _Waits as waits:
                told["rule"] = Unknown(waits.address)
        return told

    def observe(self, wanted: Sequence[Wanted], context: Context) -> Mapping[Address, Seen]:
        """One list of parent segments, then two lists of each that matters."""
        try:
            parents = self._api.parents()
        except ProviderError as error:
            return unreadable(wanted, error)
        by_id = {wire.text(raw["id"]): raw for raw in parents}
        needed = {question.address: _places(question, context, by_id) for question in wanted}
        held = self._all_contents([by_id[one] for one in sorted(set().union(*needed.values()))])
        named = {
            (place, kind): contents.named(kind)
            for place, contents in held.items()
            for kind in {question.address.kind for question in wanted}
        }
        return {
            question.address: self._seen(
                question,
                context,
                [(held[place], named[place, question.address.kind]) for place in sorted(needed[question.address])],
            )
            for question in wanted
        }

    def create(self, resource: Resource, attributes: Attributes) -> Observation:
        """Make it in its folder."""
        settled(attributes, resource)
        parent = self._parent_of(resource, attributes)
        folder = str(attributes["folder"]).partition("/")[2] or self._root(parent)
        kind = resource.address.kind
        body = _entity(attributes, frozenset(attributes)) | ({"countPopulation": True} if kind == SEGMENT_KIND else {})
        made = self._api.create(_ENTITY[kind], body, folder)
        told = {name: cast("Json", value) for name, value in attributes.items()}
        return Observation(f"{parent}/{wire.text(made['id'])}", {"description": "", **told})

    def update(
        self, resource: Resource, remote_id: str, attributes: Attributes, changed: frozenset[str]
    ) -> Observation:
        """Change the given fields only."""
        settled({name: attributes[name] for name in changed}, resource)
        parent, _, entity_id = remote_id.partition("/")
        folder = ""
        if "folder" in changed:
            folder = str(attributes["folder"]).partition("/")[2] or self._root(parent)
        self._api.update(_ENTITY[resource.address.kind], entity_id, _entity(attributes, changed), folder)
        return Observation(remote_id, {name: cast("Json", value) for name, value in attributes.items()})

    def delete(self, address: Address, remote_id: str) -> None:
        """Remove it; a folder must be empty, a segment no part of another."""
        self._api.delete(_ENTITY[address.kind], remote_id.partition("/")[2])

    def disable(self, address: Address, remote_id: str) -> None:
        """It does nothing by itself."""

    def contents(self, parent: Raw) -> Contents:
        """What *parent* holds."""
        parent_id = wire.text(parent["id"])
        try:
            folders = {wire.text(raw["id"]): raw for raw in self._folders(parent_id)}
            segments = {
                wire.text(raw["id"]): raw
                for raw in self._api.segments(parent_id)
                if raw.get("kind") in {None, _BATCH, str(_BATCH)}
            }
        except ProviderError as error:
            return Contents(parent, error=error)
        return Contents(parent, folders, segments)

    def observed(self, kind: str, contents: Contents, raw: Raw) -> Observation:
        """A folder or a segment as the vendor tells it; an empty rule is asked for once more, alone."""
        parent_id = wire.text(contents.parent["id"])
        container = container_of(kind, raw)
        attributes: dict[str, Json] = {
            "name": wire.text(raw.get("name")),
            "description": wire.text(raw.get("description")),
            "parent_segment": parent_id,
            "folder": "" if container in {"", contents.root} else f"{parent_id}/{container}",
        }
        if kind == SEGMENT_KIND:
            whole = raw if raw.get("rule") else self._api.segment(parent_id, wire.text(raw["id"]))
            told = whole.get("rule")
            attributes["rule"] = rules.canonical(told if isinstance(told, Mapping) else None)
        computed = {"population": raw["population"]} if "population" in raw else {}
        return Observation(
            f"{parent_id}/{wire.text(raw['id'])}", attributes, computed, wire.unix_seconds(raw.get("createdAt"))
        )

    def _all_contents(self, parents: Sequence[Raw]) -> dict[str, Contents]:
        ids = [wire.text(raw["id"]) for raw in parents]
        if len(parents) < 2:
            return dict(zip(ids, map(self.contents, parents), strict=True))
        with readers(min(_AT_ONCE, len(parents)), "segments") as pool:
            return dict(zip(ids, pool.map(self.contents, parents), strict=True))

    def _seen(
        self, question: Wanted, context: Context, places: Sequence[tuple[Contents, Mapping[str, list[str]]]]
    ) -> Seen:
        """What of *places*, each with its names, is meant by one question."""
        key = name_of(question.resource, context) if question.resource else None
        remembered = question.record.remote_id.partition("/") if question.record else ("", "", "")
        by_id: Observation | None = None
        by_key: list[Observation] = []
        for contents, named in places:
            if contents.error is not None:
                return Unreadable(contents.error)
            matching = named.get(key, []) if key is not None else []
            own = remembered[2] if remembered[0] == wire.text(contents.parent["id"]) else ""
            for entity_id in dict.fromkeys([*matching, *([own] if own in contents.of(question.address.kind) else [])]):
                raw = contents.of(question.address.kind)[entity_id]
                try:
                    one = self._as_declared(question, context, self.observed(question.address.kind, contents, raw))
                except ProviderError as error:
                    return Unreadable(error)
                by_id = one if entity_id == own else by_id
                by_key += [one] if entity_id in matching else []
        return Finding(by_id, tuple(by_key))

    @staticmethod
    def _as_declared(question: Wanted, context: Context, one: Observation) -> Observation:
        """A parent segment that no document declares is known by its name on both sides."""
        if question.resource is None or _declared_parent(_spec(question.resource), context) is not None:
            return one
        told = {**one.attributes, "parent_segment": _spec(question.resource).parent_segment}
        return Observation(one.remote_id, told, one.computed, one.created_at)

    def _parent_of(self, resource: Resource, attributes: Attributes) -> str:
        """The id of the parent segment that something is made in."""
        told = str(attributes["parent_segment"])
        for raw in self._api.parents():
            if told in {wire.text(raw["id"]), wire.text(raw.get("name"))}:
                return wire.text(raw["id"])
        raise Permanent(
            f"{resource.address}: there is no parent segment {told!r}", hint="declare it, or correct its name"
        )

    def _folders(self, parent_id: str) -> list[Raw]:
        """The folders of a parent segment, each with the one that it is in.

        Several of which none says that are never believed: each would be taken for the root.
        """
        folders = self._api.folders(parent_id)
        is_told = any("parentFolderId" in raw for raw in folders)
        if is_told or (self._parents_told and len(folders) < 2):
            return folders
        up = self._api.folder_parents(parent_id)
        return [{**raw, "parentFolderId": up.get(wire.text(raw["id"])) or None} for raw in folders]

    def _root(self, parent_id: str) -> str:
        for raw in self._folders(parent_id):
            if not raw.get("parentFolderId"):
                return wire.text(raw["id"])
        raise Permanent(f"treasure_data: parent segment {parent_id} has no root folder")


def _places(question: Wanted, context: Context, parents: Mapping[str, Raw]) -> set[str]:
    """Ids of the parent segments that it may be in."""
    places = {question.record.remote_id.partition("/")[0]} if question.record else set()
    if question.resource is not None:
        spec = _spec(question.resource)
        declared = _declared_parent(spec, context)
        name = spec.parent_segment if declared is None else name_of(declared, context)
        places |= {one for one, raw in parents.items() if wire.text(raw.get("name")) == name}
        places |= {_remote(declared, context)} if declared is not None else set()
    return places & parents.keys()


def _remote(resource: Resource, context: Context) -> str:
    return context.remote_ids.get(resource.address, "")


def _declared_parent(spec: SegmentSpec | SegmentFolderSpec, context: Context) -> Resource | None:
    return context.resources.get(Address(parent_segments.KIND, spec.parent_segment))


def _parent(spec: SegmentSpec | SegmentFolderSpec, context: Context) -> str | Unknown:
    declared = _declared_parent(spec, context)
    return spec.parent_segment if declared is None else _id(declared.address, context)


def _id(address: Address, context: Context) -> str | Unknown:
    return context.remote_ids.get(address) or Unknown(address)


def _rule(spec: SegmentSpec, context: Context, *, strict: bool) -> dict[str, Any]:
    """The rule in the form that is compared. Unless *strict*, segments that are not there yet have some id.

    Raises:
        NoRule: it cannot be meant.
        _Waits: it refers to a segment that an apply must make first.
    """
    if spec.where is None:
        return rules.canonical(_parsed(spec.rule))

    def segment_id(name: str) -> str:
        address = Address(SEGMENT_KIND, name)
        if address not in context.remote_ids and strict:
            raise _Waits(address)
        return context.remote_ids.get(address, "").partition("/")[2]

    return rules.rule_of(spec.where, Known(type_of=_types(spec, context), segment_id=segment_id))


def _types(spec: SegmentSpec, context: Context) -> Callable[[str, str], AttributeType | None]:
    declared = _declared_parent(spec, context)
    parent = declared.spec if declared is not None else None
    return rules.types_of(parent if isinstance(parent, ParentSegmentSpec) else None)


def _parsed(text: str | None) -> dict[str, Any]:
    if text is None or not text.strip():
        return {}
    try:
        rule = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise NoRule("/rule", f"it is not JSON: {error}") from error
    if not isinstance(rule, dict):
        raise NoRule("/rule", "it is not a JSON object")
    return rule


def _entity(attributes: Attributes, changed: frozenset[str]) -> dict[str, Json]:
    told = cast("Mapping[str, Any]", attributes)
    body = {name: told[name] for name in ("name", "description") if name in changed}
    return body | ({"rule": rules.sent(told["rule"])} if "rule" in changed else {})


def _spec(resource: Resource) -> SegmentSpec | SegmentFolderSpec:
    if not isinstance(resource.spec, SegmentSpec | SegmentFolderSpec):
        raise not_ours(resource)
    return resource.spec
