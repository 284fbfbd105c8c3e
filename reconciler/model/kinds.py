"""The kinds a manifest may declare, without a vendor's words in them.

A provider turns a spec into what its vendor understands; the loader reads the reference marks to know the graph.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Discriminator, Field, Tag, model_validator

from reconciler.model.connections import ConnectionSpec
from reconciler.model.dataflows import DataflowSpec, SourceAccountSpec, SourceRegistrationSpec
from reconciler.model.exports import OnInvalid, QueryExport
from reconciler.model.imports import ImportSpec
from reconciler.model.mapping import Notify, OutputColumn
from reconciler.model.qlik import QlikConnectionSpec, QlikTaskSpec
from reconciler.model.queries import SqlSource
from reconciler.model.row_activations import FileActivationSpec, ObjectActivationSpec
from reconciler.model.segments import ParentSegmentName, ParentSegmentSpec, SegmentFolderSpec, SegmentName, SegmentSpec
from reconciler.model.sourcespecs import SourceDefinition
from reconciler.model.spec import (
    AudienceName,
    ConnectionName,
    DatabaseName,
    Digits,
    KeyedBy,
    OneLine,
    Spec,
)
from reconciler.model.timing import NamedTiming, Pausable, ScheduleSpec
from reconciler.model.workflows import WorkflowSpec

# Treasure Data: names of databases and tables, 3 to 255 characters (td-client-ruby, api.rb).
TableName = Annotated[str, Field(pattern=r"^[a-z0-9_]{3,255}$")]


class Membership(StrEnum):
    """What an activation does to the members of its audience."""

    REPLACE = "replace"
    ADD = "add"
    REMOVE = "remove"
    CLEAR = "clear"


class DatabaseSpec(Spec):
    """A database. Its name at the vendor is *name*, or the document's name with ``-`` and ``.`` written ``_``."""

    name: TableName | None = None
    """Lower-case letters, digits and `_`, 3 to 255 of them."""


class Column(Spec):
    """One column of a table. `time` and `v` are the vendor's own and cannot be declared."""

    name: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$")]
    """Lower-case letters, digits and `_`; no digit first."""
    type: Annotated[str, Field(pattern=r"^(string|int|long|float|double|array<.+>|map<.+>)$")]
    """string, int, long, float, double, array<…> or map<…>."""
    alias: str | None = None
    """Another name that queries may call it by."""
    optional: bool = False
    """Whether rows of an import may lack it, and then have no value; else an import without it fails."""


class TableSpec(Spec):
    """A table and its columns."""

    database: DatabaseName
    """Name of a Database document, or of a database that exists already."""
    name: TableName | None = None
    """The table's name; the document's name with ``-`` and ``.`` written ``_`` when left out."""
    columns: Annotated[tuple[Column, ...], KeyedBy("name")] = ()
    """The columns, in order."""
    expire_days: Annotated[int, Field(ge=0)] | None = None
    """Days after which rows expire; 0 for never."""
    description: str | None = None
    """Text for people."""


class QuerySpec(SqlSource, Pausable):
    """A saved query. Its rows stay, or go where `export` says; those for an audience belong to an Activation."""

    name: OneLine | None = None
    """Name in Treasure Data; the document's name when left out."""
    schedule: NamedTiming = None
    """When it runs: the name of a Schedule document, or a timing; left out, the vendor's schedule stays as it is."""
    enabled: bool = True
    """`false`: paused. The `schedule` stays here and is taken off at the vendor; runs by hand go on."""
    priority: Annotated[int, Field(ge=-2, le=2)] | None = None
    """From -2, very low, to 2, very high."""
    retry_limit: Annotated[int, Field(ge=0, le=32)] | None = None
    """How often a failed run is tried again."""
    export: QueryExport | None = None
    """Where the rows of each run go; left out, they are kept only."""


class Identifier(StrEnum):
    """What the members of an audience are known by; also the name of the query's one column."""

    EMAIL = "email"
    MAID = "maid"
    IDFA = "idfa"


class AudienceSpec(Spec):
    """An audience made of a customer list. Nobody writes whether it is to be created or updated."""

    connection: ConnectionName
    """Name of the Connection document that it is managed through."""
    ad_account_id: Digits
    """Digits of the ad account that owns it."""
    title: OneLine
    """Name that marketers see. Not unique at the vendor, so two of one title stop the run."""
    description: str | None = None
    """Text for marketers."""
    identifier: Identifier = Identifier.EMAIL
    """What its members are known by."""
    audience_id: Digits | None = None
    """Only to choose among audiences of the same title."""


class JourneySource(Spec):
    """A journey, which people draw in the vendor's console. No document declares one."""

    parent_segment: ParentSegmentName
    """Name of a ParentSegment document, or of a parent segment that exists already."""
    name: OneLine
    """What the journey is called."""


class ActivationSource(Spec):
    """Rows of an activation: those of a query, or the people of a segment, or those who reach a step of a journey."""

    query: SqlSource | None = None
    """The query."""
    segment: SegmentName | None = None
    """Name of a Segment document."""
    journey: JourneySource | None = None
    """A journey that has a step which is this activation."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(one is not None for one in (self.query, self.segment, self.journey)) != 1:
            message = "needs either a `query` or a `segment`, or the `journey` that the activation is a step of"
            raise ValueError(message)
        return self


class ToAudience(Spec):
    """Target of an activation: an audience of these manifests."""

    audience: AudienceName
    """Name of an Audience document."""


class Delivery(Spec):
    """How rows travel; what is left out is the vendor's default."""

    limit_records_per_request: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Rows in one request at most."""
    retry_count: Annotated[int, Field(ge=0, le=100)] | None = None
    """How often a failed request is sent again."""
    retry_initial_wait_millis: Annotated[int, Field(ge=0)] | None = None
    """Milliseconds before the first repetition."""
    max_retry_wait_millis: Annotated[int, Field(ge=0)] | None = None
    """Milliseconds between two repetitions at most."""
    connection_timeout_secs: Annotated[int, Field(ge=1)] | None = None
    """Seconds to wait for a connection."""
    write_timeout_secs: Annotated[int, Field(ge=1)] | None = None
    """Seconds to wait while sending."""
    read_timeout_secs: Annotated[int, Field(ge=1)] | None = None
    """Seconds to wait for an answer."""


class ActivationSpec(Pausable):
    """Who sends which rows to which audience, and when."""

    from_: Annotated[ActivationSource, Field(alias="from")]
    """Where the rows come from."""
    to: ToAudience
    """Where the rows go."""
    membership: Membership
    """What the rows do to the audience: replace, add to, remove from or clear its members."""
    on_invalid: OnInvalid = OnInvalid.SKIP
    """`skip` drops rows that cannot be sent and counts them; `fail` sends nothing when there is one."""
    schedule: NamedTiming = None
    """When it runs: the name of a Schedule document, or a timing; left out, the vendor's schedule stays as it is."""
    enabled: bool = True
    """`false`: paused. The `schedule` stays here and is taken off at the vendor; runs by hand go on."""
    name: OneLine | None = None
    """Name of the saved query, or of the segment's activation, in Treasure Data; the document's name when left out."""
    priority: Annotated[int, Field(ge=-2, le=2)] | None = None
    """From -2, very low, to 2, very high."""
    retry_limit: Annotated[int, Field(ge=0, le=32)] | None = None
    """How often a failed run is tried again."""
    delivery: Delivery = Delivery()
    """How rows travel."""
    description: str | None = None
    """Text for marketers; of a segment's activation only."""
    columns: Annotated[tuple[OutputColumn, ...] | None, Field(min_length=1)] = None
    """What is sent of each person of a segment."""
    all_columns: bool = False
    """Whether all attributes of the parent segment are sent, those that come later among them."""
    notify: Notify | None = None
    """Who hears of runs of a segment's activation."""

    @model_validator(mode="after")
    def _fits_its_source(self) -> Self:
        of_segments, of_queries = ("description", "columns", "all_columns", "notify"), ("priority", "retry_limit")
        for name in of_queries if self.from_.query is None else of_segments:
            if name in self.model_fields_set:
                what = "query" if name in of_queries else "segment"
                message = f"`{name}` belongs to an activation `from: {{{what}: …}}`"
                raise ValueError(message)
        if self.from_.query is None and not self.columns and not self.all_columns:
            message = "needs `columns`, or `all_columns: true`"
            raise ValueError(message)
        return self

    @property
    def sql(self) -> SqlSource | None:
        """The query whose rows go out; None when people of a segment or a journey do."""
        return self.from_.query


def _target_of(written: object) -> str:
    """Which of the three an activation is: its target says it, or what it does there."""
    if isinstance(written, Spec):
        return type(written).__name__
    told = written if isinstance(written, dict) else {}
    to = told.get("to")
    target = to if isinstance(to, dict) else {}
    if "path" in target:
        return FileActivationSpec.__name__
    return ObjectActivationSpec.__name__ if "write" in told or "object" in target else ActivationSpec.__name__


AnyActivation = Annotated[
    Annotated[ActivationSpec, Tag("ActivationSpec")]
    | Annotated[ObjectActivationSpec, Tag("ObjectActivationSpec")]
    | Annotated[FileActivationSpec, Tag("FileActivationSpec")],
    Discriminator(_target_of),
]


KINDS: dict[str, object] = {
    "Connection": ConnectionSpec,
    "Database": DatabaseSpec,
    "Table": TableSpec,
    "Query": QuerySpec,
    "Audience": AudienceSpec,
    "Activation": AnyActivation,
    "Schedule": ScheduleSpec,
    "Import": ImportSpec,
    "SourceSpec": SourceDefinition,
    "SourceRegistration": SourceRegistrationSpec,
    "SourceAccount": SourceAccountSpec,
    "Dataflow": DataflowSpec,
    "ParentSegment": ParentSegmentSpec,
    "SegmentFolder": SegmentFolderSpec,
    "Segment": SegmentSpec,
    "Workflow": WorkflowSpec,
    "QlikConnection": QlikConnectionSpec,
    "QlikTask": QlikTaskSpec,
}
"""Kind -> what its `spec` may say, for a pydantic TypeAdapter."""
