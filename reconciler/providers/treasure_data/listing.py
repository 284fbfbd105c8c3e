"""Everything that an account holds, of the kinds that manifests know."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Final, cast

from reconciler.apis.treasure_data import TreasureData
from reconciler.apis.treasure_data_cdp import CustomerData
from reconciler.errors import NotFound, ProviderError
from reconciler.model.address import Address
from reconciler.ports.listing import Built, Found, Unlisted
from reconciler.providers.treasure_data import exports, wire
from reconciler.providers.treasure_data.activations import SegmentActivations
from reconciler.providers.treasure_data.databases import observed_database, observed_table
from reconciler.providers.treasure_data.imports import Imports
from reconciler.providers.treasure_data.journey_activations import JourneyActivations
from reconciler.providers.treasure_data.object_exports import is_object_export
from reconciler.providers.treasure_data.parent_segments import observed_parent
from reconciler.providers.treasure_data.queries import SavedQueries
from reconciler.providers.treasure_data.rules import Rule, references
from reconciler.providers.treasure_data.segments import FOLDER_KIND, SEGMENT_KIND, Contents, SegmentTrees

SHARED: Final = frozenset({"information_schema", "sample_datasets"})
"""Databases that every account sees and none owns."""


_OF_PARENT_SEGMENT: Final = re.compile(r"cdp_audience_\d+")
"""What the database of a built parent segment is called (`matrixDatabaseName`); queries may read it by that name."""


def listing(
    api: TreasureData, queries: SavedQueries, imports: Imports, connections: Callable[[], Iterator[Found]]
) -> Iterator[Found | Unlisted | Built]:
    """All objects. What the vendor would not list is told in its place.

    connections: all of them, as far as this account tells of any.
    """
    yield from _guarded("connections", connections)
    databases: list[str] = []
    for found in _guarded("databases", lambda: _databases(api)):
        if isinstance(found, Found) and _OF_PARENT_SEGMENT.fullmatch(found.remote_id):
            yield Built(
                found.kind,
                found.remote_id,
                "Treasure Data builds it and its tables from a parent segment, anew every time",
            )
            continue
        if isinstance(found, Found):
            databases.append(found.remote_id)
        yield found
    for database in databases:
        yield from _guarded(f"tables of {database}", lambda database=database: _tables(api, database))  # type: ignore[misc]
    yield from _guarded("saved queries", lambda: _queries(api, queries))
    yield from _guarded("imports", lambda: _imports(api, imports))


def segment_listing(
    api: CustomerData,
    trees: SegmentTrees,
    activations: SegmentActivations | None,
    of_journeys: JourneyActivations | None,
    *,
    answers: bool | None,
) -> Iterator[Found | Unlisted]:
    """All parent segments, folders, segments, activations of these and of journeys; nothing where an account has none of it.

    answers: whether it has; None where nobody knows, and an address that is not there says so.
    """
    if answers is False:
        return
    try:
        parents = api.parents()
    except NotFound as error:
        if answers:
            yield Unlisted("treasure_data: parent segments", error.message)
        return
    except ProviderError as error:
        yield Unlisted("treasure_data: parent segments", error.message)
        return
    for raw in parents:
        name = wire.text(raw.get("name"))
        yield Found("parentsegment", name, observed_parent(raw))
        contents = trees.contents(raw)
        if contents.error is not None:
            yield Unlisted(f"treasure_data: segments of {name}", contents.error.message)
        yield from _guarded(f"segments of {name}", lambda contents=contents: _segments(trees, contents))  # type: ignore[misc]
        if activations is not None:
            parent = wire.text(raw["id"])
            yield from _guarded(
                f"activations of segments of {name}",
                lambda parent=parent: _activations(api, activations, parent),  # type: ignore[misc]
            )
        if of_journeys is not None:
            parent = wire.text(raw["id"])
            yield from _guarded(
                f"activations of journeys of {name}",
                lambda parent=parent, name=name: of_journeys.listing(parent, name),  # type: ignore[misc]
            )


def _segments(trees: SegmentTrees, contents: Contents) -> Iterator[Found]:
    for folder_id, path in contents.paths().items():
        raw = contents.folders[folder_id]
        if folder_id != contents.root:
            observed = trees.observed(FOLDER_KIND, contents, raw)
            yield Found(FOLDER_KIND, wire.text(raw.get("name")), observed, depth=path.count("/"))
    seen = {one: trees.observed(SEGMENT_KIND, contents, raw) for one, raw in contents.segments.items()}
    depths = _depths({one: set(references(cast("Rule", told.attributes["rule"]))) for one, told in seen.items()})
    for one, raw in contents.segments.items():
        yield Found(SEGMENT_KIND, wire.text(raw.get("name")), seen[one], depth=depths.get(one, 0))


def _activations(api: CustomerData, activations: SegmentActivations, parent: str) -> Iterator[Found]:
    for raw in api.syndications(parent):
        yield Found("activation", wire.text(raw.get("name")), activations.observed(parent, raw))


def _depths(named: Mapping[str, Collection[str]]) -> Mapping[str, int]:
    """How many segments stand below one another in each rule; nothing where rules run in a circle."""
    depths: dict[str, int] = {}
    try:
        for one in TopologicalSorter(named).static_order():
            depths[one] = max((depths[below] + 1 for below in named.get(one, ())), default=0)
    except CycleError:
        return {}
    return depths


def _guarded(where: str, read: Callable[[], Iterator[Found]]) -> Iterator[Found | Unlisted]:
    try:
        yield from list(read())
    except ProviderError as error:
        yield Unlisted(f"treasure_data: {where}", error.message)


def _databases(api: TreasureData) -> Iterator[Found]:
    for raw in api.databases():
        name = wire.text(raw["name"])
        if name not in SHARED:
            yield Found("database", name, observed_database(Address("database", "any"), raw))


def _tables(api: TreasureData, database: str) -> Iterator[Found]:
    for raw in api.tables(database):
        observed = observed_table(Address("table", "any"), {**raw, "database": database})
        yield Found("table", wire.text(raw["name"]), observed)


def _queries(api: TreasureData, queries: SavedQueries) -> Iterator[Found]:
    """Those whose rows go to an audience at Pinterest or to an object of Salesforce are activations."""
    for raw in api.saved_queries():
        is_audience = queries.export_of(raw).get("type") == "pinterest"
        kind = "activation" if is_audience or is_object_export(exports.told(raw)) else "query"
        observed = queries.observed(Address(kind, "any"), raw)
        yield Found(kind, observed.remote_id, observed)


def _imports(api: TreasureData, imports: Imports) -> Iterator[Found]:
    for raw in api.bulk_loads():
        observed = imports.observed(raw)
        yield Found("import", observed.remote_id, observed)
