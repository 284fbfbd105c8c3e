"""The SQL of one run of an activation: the people of its segment as they are built now, in the columns of its mapping."""

from __future__ import annotations

from dataclasses import dataclass, field

import orjson

from reconciler.errors import Permanent
from reconciler.service.cdp import mapping
from reconciler.service.cdp.building import database_of
from reconciler.service.cdp.errors import Refused
from reconciler.service.cdp.segments import Segments
from reconciler.service.cdp.syndications import Syndications


@dataclass(frozen=True, slots=True)
class Statement:
    """What a run does: *sql* of Trino in *database*, its rows to the sealed *target*."""

    database: str
    sql: str
    target: bytes = field(repr=False)


def statement(syndications: Syndications, segments: Segments, syndication_id: int) -> Statement:
    """The statement of a run that begins now.

    Raises:
        Permanent: it cannot run as it is set up.
    """
    row = syndications.find(str(syndication_id))
    segment = None if row is None else segments.find(str(row["segment_id"]))
    if row is None or segment is None:
        raise Permanent("the activation was deleted before it ran")
    document = orjson.loads(row["document"])
    if document["syndicationBehaviors"]:
        raise Permanent("the embedded service exports no behaviors", hint="activate without syndicationBehaviors")
    names = {
        "SegmentName": str(segment["name"]),
        "SegmentId": str(segment["id"]),
        "AudienceId": str(segment["audience_id"]),
    }
    facts = mapping.Facts(names, document["timezone"])
    try:
        matrix = segments.built_matrix(segment["audience_id"])
        columns = mapping.select_list(
            document["columns"], matrix.columns.keys(), facts, everything=document["allColumns"]
        )
        sql = segments.members_sql(orjson.loads(segment["rule"]), matrix, columns)
    except Refused as error:
        raise Permanent(error.message) from error
    return Statement(database_of(segment["audience_id"]), sql, syndications.settings(row))
