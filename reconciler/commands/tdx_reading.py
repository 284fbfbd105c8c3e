"""`tdr tdx read`: documents of the segments and activations that `tdx sg pull` put into files. Asks no vendor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import ValidationError

from reconciler.adoption import writing
from reconciler.adoption.drafting import Draft, resource_of
from reconciler.adoption.naming import document_name, slug
from reconciler.commands.answer import FAILED, OK, Answer
from reconciler.commands.tdx_places import CONTEXT, audiences_by_id, declared_parent, folder_names
from reconciler.errors import UsageError
from reconciler.manifest.core_schema import Unreadable, read
from reconciler.manifest.files import FileRefused, read_file
from reconciler.model.address import Address
from reconciler.model.kinds import ActivationSpec
from reconciler.model.resource import Resource
from reconciler.model.segments import ParentSegmentSpec, SegmentFolderSpec, SegmentSpec
from reconciler.ports.clock import rfc3339
from reconciler.ports.listing import Directory
from reconciler.ports.provider import Context
from reconciler.providers.treasure_data import rules, tdx_activations, tdx_rules
from reconciler.providers.treasure_data.references import CannotSay, Tree
from reconciler.providers.treasure_data.wording import where_of
from reconciler.reports import tdx as reports
from reconciler.wiring import Runtime

_KNOWN: Final = frozenset({"name", "description", "kind", "visible", "rule", "activations"})
_PROBLEMS: Final = (UnicodeDecodeError, FileRefused, Unreadable)


@dataclass(frozen=True, slots=True)
class _Segment:
    """A segment in a file. *path* and *folders* are relative to the folder that is read."""

    path: str
    folders: tuple[str, ...]
    told: Mapping[str, Any]

    @property
    def label(self) -> str:
        return str(self.told["name"])


@dataclass
class _Desk:
    """What is known while drafts are made, one after the other."""

    runtime: Runtime
    parent: str
    drafts: list[Draft] = field(default_factory=list)
    left_out: list[reports.LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    folders: dict[tuple[str, ...], str] = field(default_factory=dict)
    segments: dict[str, str] = field(default_factory=dict)
    """What tdx calls a segment -> its document."""

    @cached_property
    def directory(self) -> Directory:
        """Audiences by the vendor's ids, and all that is declared."""
        world = self.runtime.world
        specs = {address: resource.spec for address, resource in world.resources.items()}
        ids = audiences_by_id(self.runtime)
        return Directory(
            {("audience", remote_id): name for remote_id, name in ids.items()},
            specs,
            world.traits(Address("audience", "any")).verbs,
        )

    def leave_out(self, where: str, why: str) -> None:
        self.left_out.append(reports.LeftOut(where, why))

    def free_name(self, kind: str, label: str, where: str) -> str:
        """Name for a document that is neither declared, drafted nor written yet."""
        taken = {*self.runtime.world.resources, *(one.address for one in self.drafts)}
        root, manifests = self.runtime.project.root, self.runtime.project.spec.manifests

        def is_free(name: str) -> bool:
            address = Address(kind, name)
            is_promised = kind == "segment" and name in self.segments.values()
            return not is_promised and address not in taken and writing.is_free(root, manifests, address)

        return document_name(kind, label, where, is_free)

    def _check(self, resource: Resource) -> None:
        world = self.runtime.world
        known = {**world.resources, resource.address: resource}
        for problem in world.providers[resource.address.kind].check(resource, Context(known)):
            if problem.is_error:
                raise CannotSay(problem.message)

    def keep(self, address: Address, label: str, tree: Tree) -> None:
        """Draft a document.

        Raises:
            CannotSay: the document would be refused.
        """
        try:
            resource = resource_of(address, tree)
        except ValidationError as error:
            first = error.errors()[0]
            raise CannotSay(f"`{'.'.join(map(str, first['loc']))}` {first['msg']}") from error
        if address.kind == "activation":
            self._check(resource)
        self.drafts.append(Draft(address, "", label, tree, resource))


def read_folder(runtime: Runtime, folder: Path, parent: str, *, dry_run: bool) -> Answer:
    """Write documents for the segments in *folder*, which tdx pulled. Whoever runs alone calls this (`sole_writing`).

    parent: the parent segment's name, or its document's; "" to take it from ``tdx.json``.

    Raises:
        UsageError: there is no such folder, or nothing names its parent segment.
    """
    if not folder.is_dir():
        raise UsageError(f"{str(folder)!r} is no folder", hint="name a folder that `tdx sg pull` made")
    context = _context(folder)
    parent = parent or context
    if not parent:
        raise UsageError(f"nothing names the parent segment of {str(folder)!r}", hint="pass --parent-segment NAME")
    desk = _Desk(runtime, declared_parent(runtime.world.resources, parent))
    segments = list(_segments(desk, folder))
    for one in segments:
        _promise(desk, one)
    for one in segments:
        if _draft(desk, one):
            _draft_activations(desk, one)
    new = list(writing.files(desk.drafts, runtime.project.spec.manifests))
    if not dry_run:
        writing.write(runtime.project.root, new)
    now = rfc3339(runtime.clock.now())
    document = reports.document(new, desk.left_out, desk.notes, now, dry_run=dry_run)
    return Answer(document, FAILED if desk.left_out and not dry_run else OK)


def _context(folder: Path) -> str:
    """The parent segment that the nearest ``tdx.json`` names, in *folder* or above; "" when there is none."""
    for place in (folder.resolve(), *folder.resolve().parents):
        path = place / CONTEXT
        if path.is_file():
            try:
                told = orjson.loads(path.read_bytes())
            except (OSError, orjson.JSONDecodeError) as error:
                raise UsageError(f"{str(path)!r} cannot be read", hint="it must be the JSON that tdx wrote") from error
            return str(told.get("parent_segment") or "") if isinstance(told, dict) else ""
    return ""


def _segments(desk: _Desk, folder: Path) -> Iterator[_Segment]:
    for path in sorted([*folder.rglob("*.yml"), *folder.rglob("*.yaml")]):
        where = path.relative_to(folder).as_posix()
        try:
            told = read(read_file(path, where).decode())
        except _PROBLEMS as error:
            message = error.message if isinstance(error, FileRefused) else str(error)
            desk.leave_out(where, "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else message)
            continue
        if not isinstance(told, dict) or not isinstance(told.get("name"), str) or not told["name"].strip():
            desk.leave_out(where, "it is no segment: it has no name")
            continue
        yield _Segment(where, path.relative_to(folder).parts[:-1], told)


def _promise(desk: _Desk, one: _Segment) -> None:
    """Give the segment the name of its document, so that others can refer to it."""
    named = "/".join((*one.folders, one.label))
    name = _declared_segment(desk, one) or desk.free_name("segment", one.label, one.path)
    desk.segments[named] = name
    # Within the parent segment a name may be there once in each folder; alone it is then nobody's.
    desk.segments[one.label] = "" if one.label in desk.segments and one.folders else name


def _declared_segment(desk: _Desk, one: _Segment) -> str | None:
    for address, resource in sorted(desk.runtime.world.resources.items()):
        spec = resource.spec
        if isinstance(spec, SegmentSpec) and (spec.name or address.name) == one.label:
            folders = tuple(slug(name) for name in folder_names(desk.runtime.world.resources, spec.folder))
            if spec.parent_segment == desk.parent and folders == tuple(map(slug, one.folders)):
                return address.name
    return None


def _draft(desk: _Desk, one: _Segment) -> bool:
    """Draft a document of the segment; whether there is one, be it from before."""
    address = Address("segment", desk.segments["/".join((*one.folders, one.label))])
    if address in desk.runtime.world.resources:
        desk.notes.append(f"{one.path}: {address} declares it already")
        return True
    try:
        _leave_alone(desk, one)
        folder = _folder(desk, one.folders)
        tree: Tree = {"parent_segment": desk.parent, **({"folder": folder} if folder else {})}
        if one.label != address.name:
            tree["name"] = one.label
        if one.told.get("description"):
            tree["description"] = str(one.told["description"])
        desk.keep(address, one.label, tree | _rule(desk, one))
    except CannotSay as error:
        desk.leave_out(one.path, str(error))
        return False
    return True


def _draft_activations(desk: _Desk, one: _Segment) -> None:
    """Draft documents of the activations below a segment, each alone: what cannot be said of one keeps no other back."""
    told = one.told.get("activations")
    if isinstance(told, dict):
        desk.leave_out(one.path, "`activations` is no list: those of journeys are not the segment's")
        return
    for number, activation in enumerate(told if isinstance(told, list) else ()):
        name = activation.get("name") if isinstance(activation, dict) else None
        what = f"the activation {name if isinstance(name, str) and name.strip() else number!r}"
        try:
            _draft_activation(desk, one, activation, what)
        except CannotSay as error:
            desk.leave_out(one.path, f"{what}: {error}")


def _draft_activation(desk: _Desk, one: _Segment, told: object, what: str) -> None:
    segment = desk.segments["/".join((*one.folders, one.label))]
    name = told.get("name") if isinstance(told, dict) else None
    if not isinstance(name, str) or not name.strip():
        raise CannotSay("it has no name")
    for address, resource in sorted(desk.runtime.world.resources.items()):
        spec = resource.spec
        if isinstance(spec, ActivationSpec) and (spec.from_.segment, spec.name or address.name) == (segment, name):
            desk.notes.append(f"{one.path}: {address} declares {what} already")
            return
    tree, remarks = tdx_activations.declared(told, segment, desk.directory)
    address = Address("activation", desk.free_name("activation", name, one.path))
    desk.keep(address, name, tree | ({} if address.name == name else {"name": name}))
    for remark in remarks:
        desk.leave_out(one.path, f"{what}: {remark}")


def _leave_alone(desk: _Desk, one: _Segment) -> None:
    """Say what of the file is not taken over; refuse what would make it another segment."""
    if one.told.get("kind", "batch") != "batch":
        raise CannotSay(f"segments of kind {one.told['kind']!r} cannot be declared")
    others = sorted(one.told.keys() - _KNOWN)
    if others:
        desk.leave_out(one.path, f"keys that are not known: {', '.join(map(str, others))}")
    if one.told.get("visible") is False:
        desk.leave_out(one.path, "`visible: false` has no words in a document; the segment is taken over without it")


def _folder(desk: _Desk, folders: tuple[str, ...]) -> str:
    """The document of the folder that *folders* lead to; drafted where none declares it."""
    if not folders:
        return ""
    if folders in desk.folders:
        return desk.folders[folders]
    above = _folder(desk, folders[:-1])
    name = _declared_folder(desk, folders[-1], above)
    if name is None:
        name = desk.free_name("segmentfolder", folders[-1], "/".join(folders))
        tree: Tree = {"parent_segment": desk.parent, **({"folder": above} if above else {})}
        desk.keep(
            Address("segmentfolder", name), folders[-1], tree | ({} if name == folders[-1] else {"name": folders[-1]})
        )
        desk.notes.append(
            f"{'/'.join(folders)}: the folder is called as its files are; if its name at the vendor is another, "
            f"correct segmentfolder/{name}"
        )
    desk.folders[folders] = name
    return name


def _declared_folder(desk: _Desk, directory: str, above: str) -> str | None:
    for address, resource in sorted(desk.runtime.world.resources.items()):
        spec = resource.spec
        if not isinstance(spec, SegmentFolderSpec) or (spec.parent_segment, spec.folder or "") != (desk.parent, above):
            continue
        if slug(spec.name or address.name) == slug(directory):
            return address.name
    return None


def _rule(desk: _Desk, one: _Segment) -> Tree:
    declared = desk.runtime.world.resources.get(Address("parentsegment", desk.parent))
    parent = declared.spec if declared is not None and isinstance(declared.spec, ParentSegmentSpec) else None
    behaviors = [behavior.name for behavior in (parent.behaviors or () if parent else ())]
    rule = rules.canonical(
        tdx_rules.vendors(one.told.get("rule"), behaviors, lambda name: desk.segments.get(name) or None)
    )
    if not rule:
        return {}
    try:
        return {"where": where_of(rule, parent, lambda name: name)}
    except CannotSay as error:
        if any(rules.references(rule)):
            raise CannotSay(f"{error}, and the vendor's own form would need the ids of segments") from error
        return {"rule": orjson.dumps(rules.sent(rule), option=orjson.OPT_SORT_KEYS).decode()}
