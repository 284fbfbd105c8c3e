"""Activations of queries whose rows go to no audience: to objects of a CRM, or to files."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from reconciler.model.exports import OnInvalid
from reconciler.model.files import FileWriting, ToFile
from reconciler.model.queries import QueryRows, SqlSource
from reconciler.model.salesforce import EmptyValues, ObjectDelivery, ToObject, Writing
from reconciler.model.spec import OneLine
from reconciler.model.timing import NamedTiming, Pausable


class ObjectActivationSpec(Pausable):
    """Which rows go to which object of a CRM, what they do there, and when."""

    from_: Annotated[QueryRows, Field(alias="from")]
    """Where the rows come from."""
    to: ToObject
    """Where the rows go."""
    write: Writing
    """What they do there: insert, {upsert: KEY}, {update: KEY} or {replace: soft or hard}."""
    empty_values: EmptyValues = EmptyValues.KEEP
    """`keep` leaves a field alone where a row has no value for it; `erase` empties it."""
    on_invalid: OnInvalid = OnInvalid.SKIP
    """`skip` leaves out and counts rows that cannot be sent or are refused; `fail` ends the run with an error for them."""
    schedule: NamedTiming = None
    """When it runs: the name of a Schedule document, or a timing; left out, the vendor's schedule stays as it is."""
    enabled: bool = True
    """`false`: paused. The `schedule` stays here and is taken off at the vendor; runs by hand go on."""
    name: OneLine | None = None
    """Name of the saved query in Treasure Data; the document's name when left out."""
    priority: Annotated[int, Field(ge=-2, le=2)] | None = None
    """From -2, very low, to 2, very high."""
    retry_limit: Annotated[int, Field(ge=0, le=32)] | None = None
    """How often a failed run is tried again."""
    delivery: ObjectDelivery = ObjectDelivery()
    """How rows travel."""

    @model_validator(mode="after")
    def _has_sense(self) -> Self:
        if self.empty_values is EmptyValues.ERASE and not self.write.key:
            message = "`empty_values: erase` is for `upsert` and `update`: a new record has nothing to erase"
            raise ValueError(message)
        return self

    @property
    def sql(self) -> SqlSource:
        """The query whose rows go out."""
        return self.from_.query


class FileActivationSpec(Pausable):
    """Which rows are written to which file, and when. Embedded service only."""

    from_: Annotated[QueryRows, Field(alias="from")]
    """Where the rows come from."""
    to: ToFile
    """Where the rows go."""
    write: FileWriting = FileWriting.REPLACE
    """`replace`: a run takes the place of the file that is there; `append`: every run adds a file."""
    schedule: NamedTiming = None
    """When it runs: the name of a Schedule document, or a timing; left out, the vendor's schedule stays as it is."""
    enabled: bool = True
    """`false`: paused. The `schedule` stays here and is taken off at the vendor; runs by hand go on."""
    name: OneLine | None = None
    """Name of the saved query in Treasure Data; the document's name when left out."""
    priority: Annotated[int, Field(ge=-2, le=2)] | None = None
    """From -2, very low, to 2, very high."""
    retry_limit: Annotated[int, Field(ge=0, le=32)] | None = None
    """How often a failed run is tried again."""

    @model_validator(mode="after")
    def _names_as_it_writes(self) -> Self:
        adds = "{job_id}" in self.to.path
        if self.write is FileWriting.APPEND and not adds:
            message = "`write: append` adds a file a run, so `to.path` needs `{job_id}` in it"
            raise ValueError(message)
        if self.write is FileWriting.REPLACE and adds:
            message = "`{job_id}` in `to.path` makes a new file every run: write `write: append` when that is meant"
            raise ValueError(message)
        return self

    @property
    def sql(self) -> SqlSource:
        """The query whose rows go out."""
        return self.from_.query
