"""The kinds around segments: whom a team knows, and groups of them by rule."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from reconciler.model.spec import DatabaseName, FileText, KeyedBy, OneLine, RefersTo, Spec, TableRef

ParentSegmentName = Annotated[str, RefersTo(kind="parentsegment", optional=True)]
FolderName = Annotated[str, RefersTo(kind="segmentfolder")]
SegmentName = Annotated[str, RefersTo(kind="segment")]

_OPERATORS = (
    *("equals", "in_", "greater", "at_least", "less", "at_most", "between", "contains", "starts_with", "ends_with"),
    *("matches", "exists", "within_past", "within_next"),
)


class AttributeType(StrEnum):
    """What an attribute's values are."""

    STRING = "string"
    NUMBER = "number"
    TIMESTAMP = "timestamp"
    DATE = "date"
    STRING_ARRAY = "string_array"
    NUMBER_ARRAY = "number_array"
    BOOLEAN = "boolean"


class Refresh(StrEnum):
    """How often a parent segment is built anew."""

    NONE = "none"
    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class MasterTable(Spec):
    """The table with one row a person."""

    database: DatabaseName
    """Name of a Database document, or of a database that exists already."""
    table: TableRef
    """Name of a Table document, or of a table."""


class JoinedTable(MasterTable):
    """A table with rows that belong to a person."""

    key: OneLine
    """Its column that says to whom a row belongs."""
    master_key: OneLine
    """The column of the master table that has the same value."""


class ParentAttribute(Spec):
    """Something known of a person."""

    name: OneLine
    """What marketers call it."""
    column: OneLine
    """The column that holds it."""
    type: AttributeType = AttributeType.STRING
    """What its values are."""
    from_: Annotated[JoinedTable | None, Field(alias="from")] = None
    """The table that has the column; the master table when left out."""
    group: OneLine | None = None
    """Heading under which marketers find it."""


class BehaviorColumn(Spec):
    """A column of a behaviour."""

    name: OneLine
    """What marketers call it."""
    column: OneLine
    """The column that holds it."""
    type: AttributeType = AttributeType.STRING
    """What its values are."""


class ParentBehavior(Spec):
    """Something people did, a row each time."""

    name: OneLine
    """What marketers call it."""
    from_: Annotated[JoinedTable, Field(alias="from")]
    """The table that has a row each time."""
    columns: Annotated[tuple[BehaviorColumn, ...], KeyedBy("name"), Field(min_length=1)]
    """What is known of each time."""


class ParentFilter(Spec):
    """Whom to leave out: people whose *column* has none of the values."""

    column: OneLine
    """A column of the master table."""
    values: Annotated[tuple[str, ...], Field(min_length=1)]
    """The values that are kept."""


class ParentSegmentSpec(Spec):
    """Everybody a team knows, with what is known of them. What is left out stays as it is at the vendor."""

    name: OneLine | None = None
    """Name in Treasure Data; the document's name when left out."""
    description: str | None = None
    """Text for marketers."""
    master: MasterTable
    """The table with one row a person."""
    attributes: Annotated[tuple[ParentAttribute, ...], KeyedBy("name")] | None = None
    """What is known of people; all of it, so that others are removed."""
    behaviors: Annotated[tuple[ParentBehavior, ...], KeyedBy("name")] | None = None
    """What people did; all of it, so that others are removed."""
    filters: Annotated[tuple[ParentFilter, ...], KeyedBy("column"), Field(max_length=2)] | None = None
    """Whom to leave out."""
    refresh: Refresh | None = None
    """How often it is built anew."""
    refresh_at: OneLine | None = None
    """When in that time, such as 03:00."""
    timezone: OneLine | None = None
    """Zone of `refresh_at` and of the days in rules."""


class SegmentFolderSpec(Spec):
    """A folder for segments."""

    parent_segment: ParentSegmentName
    """Name of a ParentSegment document, or of a parent segment that exists already."""
    folder: FolderName | None = None
    """The SegmentFolder document that it is in; the top when left out."""
    name: OneLine | None = None
    """Name in Treasure Data; the document's name when left out."""
    description: str | None = None
    """Text for marketers."""


class Comparison(Spec):
    """How a value is compared: exactly one of these."""

    equals: str | None = None
    """The value itself."""
    in_: Annotated[tuple[str, ...] | None, Field(alias="in", min_length=1)] = None
    """One of these values."""
    greater: str | None = None
    """More than that."""
    at_least: str | None = None
    """That or more."""
    less: str | None = None
    """Less than that."""
    at_most: str | None = None
    """That or less."""
    between: Annotated[tuple[str, ...] | None, Field(min_length=2, max_length=2)] = None
    """From the first to the second, both included."""
    contains: Annotated[tuple[str, ...] | None, Field(min_length=1)] = None
    """One of these texts somewhere inside."""
    starts_with: Annotated[tuple[str, ...] | None, Field(min_length=1)] = None
    """One of these texts at the beginning."""
    ends_with: Annotated[tuple[str, ...] | None, Field(min_length=1)] = None
    """One of these texts at the end."""
    matches: str | None = None
    """A regular expression."""
    exists: bool | None = None
    """Whether there is a value at all."""
    within_past: str | None = None
    """A time not longer ago than that, such as 7 days."""
    within_next: str | None = None
    """A time not further ahead than that, such as 7 days."""

    @property
    def operator(self) -> str:
        """The name of the one that is given; "" when there is none."""
        return next((name for name in _OPERATORS if getattr(self, name) is not None), "")

    @property
    def operand(self) -> object:
        """What stands beside it."""
        return getattr(self, self.operator)

    def _count(self) -> int:
        return sum(getattr(self, name) is not None for name in _OPERATORS)


class ColumnCondition(Comparison):
    """Which rows of a behaviour count."""

    column: OneLine
    """A column of the behaviour."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if self._count() != 1:
            message = "needs exactly one comparison, such as `equals`"
            raise ValueError(message)
        return self


class Aggregate(StrEnum):
    """What is made of the rows of a behaviour before it is compared."""

    COUNT = "count"
    DISTINCT = "distinct"
    SUM = "sum"
    MIN = "min"
    MAX = "max"
    AVERAGE = "average"
    FIRST = "first"
    LAST = "last"


class Condition(Comparison):
    """Who fits: by an attribute, by a behaviour, or by another segment."""

    attribute: OneLine | None = None
    """Column of an attribute, such as `country`."""
    behavior: OneLine | None = None
    """Name of a behaviour."""
    segment: SegmentName | None = None
    """Name of a Segment document whose members fit."""
    exclude: bool = False
    """Whether those fit who otherwise do not."""
    array: Literal["any", "all"] | None = None
    """For a list of values: whether one or all of them must fit."""
    aggregate: Aggregate | None = None
    """What is made of a behaviour's rows; how many there are when left out."""
    column: OneLine | None = None
    """The column of a behaviour that `aggregate` is of."""
    during: OneLine | None = None
    """Only rows of a behaviour from the past so long, such as 7 days."""
    where: tuple[ColumnCondition, ...] = ()
    """Only rows of a behaviour for which all of this holds."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        self._check()
        return self

    def _check(self) -> None:
        named = [name for name in ("attribute", "behavior", "segment") if getattr(self, name) is not None]
        if len(named) != 1:
            message = "needs exactly one of `attribute`, `behavior` and `segment`"
            raise ValueError(message)
        if self._count() != (0 if self.segment else 1):
            message = (
                "takes no comparison beside `segment`"
                if self.segment
                else "needs exactly one comparison, such as `equals`"
            )
            raise ValueError(message)
        beside = [name for name in ("aggregate", "column", "during") if getattr(self, name) is not None]
        if self.behavior is None and (beside or self.where):
            message = f"`{(beside or ['where'])[0]}` belongs to a behavior"
            raise ValueError(message)
        if self.array is not None and self.attribute is None:
            message = "`array` belongs to an attribute"
            raise ValueError(message)
        if self.aggregate not in {None, Aggregate.COUNT} and self.column is None:
            message = f"`aggregate: {self.aggregate}` needs a `column`"
            raise ValueError(message)


class Group(Condition):
    """A condition, or several joined by `all` or `any`."""

    all: Annotated[tuple[Condition, ...] | None, Field(min_length=1)] = None
    """All of these hold."""
    any: Annotated[tuple[Condition, ...] | None, Field(min_length=1)] = None
    """One of these holds."""

    def _check(self) -> None:
        if self.all is None and self.any is None:
            super()._check()
            return
        if len(self.model_fields_set) != 1:
            message = "takes nothing beside `all` or `any`"
            raise ValueError(message)


class Where(Spec):
    """Who is in a segment: conditions, at most two deep, as the vendor's console has them."""

    all: Annotated[tuple[Group, ...] | None, Field(min_length=1)] = None
    """All of these hold."""
    any: Annotated[tuple[Group, ...] | None, Field(min_length=1)] = None
    """One of these holds."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.all is None) == (self.any is None):
            message = "needs either `all` or `any`"
            raise ValueError(message)
        return self


class SegmentSpec(Spec):
    """A group of people of a parent segment. Without a rule it is everybody."""

    parent_segment: ParentSegmentName
    """Name of a ParentSegment document, or of a parent segment that exists already."""
    folder: FolderName | None = None
    """The SegmentFolder document that it is in; the top when left out."""
    name: OneLine | None = None
    """Name in Treasure Data; the document's name when left out."""
    description: str | None = None
    """Text for marketers."""
    where: Where | None = None
    """Who is in it."""
    rule: str | None = None
    """The vendor's own rule as JSON, for what `where` cannot say; or name a `file`."""
    file: Annotated[str, FileText(into="rule")] | None = None
    """Path of a JSON file with the vendor's own rule, relative to the project."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if self.where is not None and (self.rule is not None or self.file is not None):
            message = "takes either `where` or a `rule`"
            raise ValueError(message)
        return self
