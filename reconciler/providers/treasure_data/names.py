"""What the objects of manifests are called at Treasure Data, and which timing they mean."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TypeVar
from urllib.parse import quote

from reconciler.errors import Permanent
from reconciler.model.address import Address
from reconciler.model.connections import (
    FilesConnection,
    IntercomConnection,
    OtherConnection,
    PinterestConnection,
    RestConnection,
)
from reconciler.model.imports import ImportSpec
from reconciler.model.kinds import ActivationSpec, DatabaseSpec, QuerySpec, TableSpec
from reconciler.model.resource import Resource
from reconciler.model.row_activations import FileActivationSpec, ObjectActivationSpec
from reconciler.model.salesforce import SalesforceConnection
from reconciler.model.segments import ParentSegmentSpec, SegmentFolderSpec, SegmentSpec
from reconciler.model.spec import Spec
from reconciler.model.timing import Timing
from reconciler.model.workflows import WorkflowSpec
from reconciler.ports.provider import Context

SpecType = TypeVar("SpecType", bound=Spec)


@lru_cache(maxsize=4096)
def identifier(document_name: str) -> str:
    """The document's name as a database or table can bear it: ``-`` and ``.`` become ``_``."""
    return re.sub(r"[.-]", "_", document_name)


def name_of(resource: Resource, context: Context) -> str:  # noqa: PLR0911 - a table of kinds
    """The object's name at the vendor; for a table ``database.table``.

    For folders, segments and activations of these it is the path of names down to it.
    """
    match resource.spec:
        # The many first: a type that is not the one asked for costs more than one that is.
        case ActivationSpec(name=name):
            segment, journey = resource.spec.from_.segment, resource.spec.from_.journey
            own = name or resource.address.name
            if journey is not None:
                parent = parent_label(journey.parent_segment, context)
                return f"{quoted(parent)}//{quoted(journey.name)}/{quoted(own)}"
            return own if segment is None else f"{_segment_name(segment, context)}/{quoted(own)}"
        case (
            QuerySpec(name=name)
            | ImportSpec(name=name)
            | ObjectActivationSpec(name=name)
            | FileActivationSpec(name=name)
        ):
            return name or resource.address.name
        case DatabaseSpec(name=name):
            return name or identifier(resource.address.name)
        case TableSpec(database=database, name=name):
            return f"{database_name(database, context)}.{name or identifier(resource.address.name)}"
        case (
            ParentSegmentSpec(name=name)
            | WorkflowSpec(name=name)
            | PinterestConnection(name=name)
            | FilesConnection(name=name)
            | SalesforceConnection(name=name)
            | IntercomConnection(name=name)
            | RestConnection(name=name)
            | OtherConnection(name=name)
        ):
            return name or resource.address.name
        case SegmentFolderSpec() | SegmentSpec():
            return f"{_holder(resource.spec, context)}/{quoted(resource.spec.name or resource.address.name)}"
        case _:
            raise not_ours(resource)


def _segment_name(name: str, context: Context) -> str:
    """The path of names down to the segment that an activation is of."""
    segment = context.resources.get(Address("segment", name))
    return quoted(name) if segment is None else name_of(segment, context)


def quoted(name: str) -> str:
    """*name* as one part of a path of names."""
    return quote(name, safe=" ")


def _holder(spec: SegmentFolderSpec | SegmentSpec, context: Context) -> str:
    """The path of names of what a folder or segment is in: a folder, or the parent segment itself."""
    if spec.folder is not None:
        folder = context.resources.get(Address("segmentfolder", spec.folder))
        return quoted(spec.folder) if folder is None else name_of(folder, context)
    return quoted(parent_label(spec.parent_segment, context))


def parent_label(written: str, context: Context) -> str:
    """What the parent segment that a manifest calls *written* is called at the vendor."""
    parent = context.resources.get(Address("parentsegment", written))
    return written if parent is None else name_of(parent, context)


def database_name(written: str, context: Context) -> str:
    """The database that a manifest means by *written*: a Database document, else one that exists already."""
    declared = context.resources.get(Address("database", written))
    return written if declared is None else name_of(declared, context)


def table_name(written: str, context: Context) -> str:
    """The table, without its database, that a manifest means by *written*."""
    declared = context.resources.get(Address("table", written))
    return written if declared is None else name_of(declared, context).partition(".")[2]


def timing(schedule: str | Timing | None, context: Context) -> Timing | None:
    """The timing itself, whether it stands inline or is named; None when the manifest leaves it open."""
    if isinstance(schedule, str):
        return referred(Address("schedule", schedule), Timing, context)
    return schedule


def referred(address: Address, kind: type[SpecType], context: Context) -> SpecType:
    """The spec of the document that another one names.

    Raises:
        Permanent: there is no such document, or it is of another sort; the loader says so with its place.
    """
    resource = context.resources.get(address)
    if resource is None or not isinstance(resource.spec, kind):
        message = f"{address} is not declared as a {kind.__name__}"
        raise Permanent(message, hint="run `tdr validate`")
    return resource.spec


def not_ours(resource: Resource) -> TypeError:
    """The bug of asking this provider for a kind it does not have."""
    return TypeError(f"Treasure Data has nothing for {resource.address}")
