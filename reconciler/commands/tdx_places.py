"""Where segments are in the files of tdx: one folder a parent segment, and in it one a folder of segments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reconciler.model.address import Address
from reconciler.model.kinds import AudienceSpec
from reconciler.model.resource import Resource
from reconciler.model.segments import ParentSegmentSpec, SegmentFolderSpec
from reconciler.wiring import Runtime

CONTEXT: Final = "tdx.json"
"""The file that names the parent segment of a folder and all below."""


def declared_parent(resources: Mapping[Address, Resource], parent: str) -> str:
    """The document of the parent segment called *parent*, or that name itself."""
    for address, resource in sorted(resources.items()):
        if isinstance(resource.spec, ParentSegmentSpec) and parent in {resource.spec.name, address.name}:
            return address.name
    return parent


def parent_label(resources: Mapping[Address, Resource], parent: str) -> str:
    """What the parent segment of a document is called at the vendor."""
    declared = resources.get(Address("parentsegment", parent))
    spec = declared.spec if declared is not None else None
    return (spec.name or parent) if isinstance(spec, ParentSegmentSpec) else parent


def folder_names(resources: Mapping[Address, Resource], folder: str | None) -> list[str]:
    """What the folders are called at the vendor that lead to *folder* and it, the outermost first."""
    names: list[str] = []
    while folder and (declared := resources.get(Address("segmentfolder", folder))) is not None:
        if not isinstance(declared.spec, SegmentFolderSpec) or len(names) > len(resources):
            break
        names.insert(0, declared.spec.name or declared.address.name)
        folder = declared.spec.folder
    return names


def audiences_by_id(runtime: Runtime) -> dict[str, str]:
    """Vendor's id -> the document of the audience: as the document says it, else as it was applied or imported."""
    ids = {
        record.remote_id: address.name
        for address, record in runtime.store.read().state.records.items()
        if address.kind == "audience" and address in runtime.world.resources
    }
    for address, resource in sorted(runtime.world.resources.items()):
        if isinstance(resource.spec, AudienceSpec) and resource.spec.audience_id:
            ids[resource.spec.audience_id] = address.name
    return ids
