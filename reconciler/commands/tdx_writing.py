"""`tdr tdx write`: declared segments, and activations of these, as files that `tdx sg push` reads. Asks no vendor."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import orjson

from reconciler.adoption import writing
from reconciler.adoption.naming import slug
from reconciler.commands.answer import FAILED, OK, Answer
from reconciler.commands.tdx_places import CONTEXT, audiences_by_id, folder_names, parent_label
from reconciler.manifest import core_schema
from reconciler.model.address import Address
from reconciler.model.kinds import ActivationSpec, AudienceSpec
from reconciler.model.resource import Resource
from reconciler.model.segments import ParentSegmentSpec, SegmentSpec
from reconciler.ports.clock import rfc3339
from reconciler.ports.provider import Context
from reconciler.providers.treasure_data import names, rules, tdx_activations, tdx_rules
from reconciler.providers.treasure_data.references import CannotSay, Tree
from reconciler.reports import tdx as reports
from reconciler.schedule import Dialect
from reconciler.wiring import Runtime


def write_folder(runtime: Runtime, folder: Path, *, dry_run: bool) -> Answer:
    """Write the segments that documents declare into *folder*, one folder a parent segment, as `tdx sg push` reads them.

    Raises:
        TdrError: a file is there already, or cannot be written.
    """
    resources = runtime.world.resources
    activations = _Activations(runtime)
    files: dict[str, writing.File] = {}
    left_out: list[reports.LeftOut] = []
    for address, resource in sorted(resources.items()):
        if not isinstance(resource.spec, SegmentSpec):
            continue
        try:
            told = _told(resources, address, resource.spec)
        except (CannotSay, rules.NoRule, orjson.JSONDecodeError) as error:
            left_out.append(reports.LeftOut(str(address), str(error)))
            continue
        said, unsaid = activations.of(address.name)
        left_out += unsaid
        text = core_schema.written({**told, "activations": said} if said else told)
        parent = parent_label(resources, resource.spec.parent_segment)
        top = slug(parent) or resource.spec.parent_segment
        places = [slug(name) or name for name in folder_names(resources, resource.spec.folder)]
        place = "/".join([top, *places, address.name])
        context = f"{top}/{CONTEXT}"
        content = orjson.dumps({"parent_segment": parent}, option=orjson.OPT_INDENT_2).decode() + "\n"
        files[context] = writing.File(context, content)
        files[place] = writing.File(f"{place}.yml", text)
    new = [files[place] for place in sorted(files)]
    if not dry_run:
        writing.write(folder, new)
    document = reports.document(new, left_out, [], rfc3339(runtime.clock.now()), dry_run=dry_run)
    return Answer(document, FAILED if left_out and not dry_run else OK)


class _Activations:
    """Activations of segments, as tdx writes them below each."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._resources = runtime.world.resources

    @cached_property
    def _ids(self) -> Mapping[str, str]:
        return {name: remote_id for remote_id, name in audiences_by_id(self._runtime).items()}

    def of(self, segment: str) -> tuple[list[Tree], list[reports.LeftOut]]:
        """Those of the document *segment*, and which of them are left out."""
        said: list[Tree] = []
        left_out: list[reports.LeftOut] = []
        for address, resource in sorted(self._resources.items()):
            if isinstance(resource.spec, ActivationSpec) and resource.spec.from_.segment == segment:
                try:
                    said.append(self._written(address, resource.spec))
                except CannotSay as error:
                    left_out.append(reports.LeftOut(str(address), str(error)))
        return said, left_out

    def _written(self, address: Address, spec: ActivationSpec) -> Tree:
        world = self._runtime.world
        verbs = world.traits(Address("audience", "any")).verbs
        audience = self._resources[Address("audience", spec.to.audience)].spec
        if verbs is None or not isinstance(audience, AudienceSpec):
            raise CannotSay("nobody here holds audiences")
        audience_id = self._ids.get(spec.to.audience)
        if audience_id is None:
            raise CannotSay(f"audience/{spec.to.audience} has no id yet: apply it first")
        specs = {one: resource.spec for one, resource in self._resources.items()}
        target = tdx_activations.Target(audience, audience_id, tdx_activations.connection_label(specs, audience))
        saying = tdx_activations.Saying(verbs, Dialect(world.environment.cron_dialect), self._runtime.clock.now())
        timing = names.timing(spec.running, Context(self._resources))
        return tdx_activations.written(spec.name or address.name, spec, target, timing, saying)


def _told(resources: Mapping[Address, Resource], address: Address, spec: SegmentSpec) -> Tree:
    def name_of(segment: str) -> str | None:
        declared = resources.get(Address("segment", segment))
        if declared is None or not isinstance(declared.spec, SegmentSpec):
            return None
        return declared.spec.name or segment

    parent = resources.get(Address("parentsegment", spec.parent_segment))
    types = rules.types_of(parent.spec if parent and isinstance(parent.spec, ParentSegmentSpec) else None)
    known = rules.Known(type_of=types, segment_id=lambda name: name)
    if spec.where is not None:
        rule = rules.rule_of(spec.where, known)
    else:
        rule = rules.canonical(orjson.loads(spec.rule)) if spec.rule else {}
        if any(rules.references(rule)):
            raise CannotSay("its rule names segments by the vendor's ids, and tdx names them by their names")
    told: Tree = {"name": spec.name or address.name}
    if spec.description:
        told["description"] = spec.description
    told["kind"] = "batch"
    written = tdx_rules.of_vendor(rule, name_of)
    return told if written is None else told | {"rule": written}
