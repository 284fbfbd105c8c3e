"""What an activation of a segment sends of each person: attributes, constants and built texts, and who hears of a run."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from reconciler.model.spec import OneLine, Spec


class Insert(StrEnum):
    """What may be inserted into a built text."""

    SEGMENT_ID = "segment_id"
    SEGMENT_NAME = "segment_name"
    PARENT_SEGMENT_ID = "parent_segment_id"


class Piece(Spec):
    """A piece of a built text: exactly one of these."""

    text: str | None = None
    """The text itself."""
    timestamp: OneLine | None = None
    """The time of the run, in a format of the vendor's, such as yyyy-MM-dd."""
    insert: Insert | None = None
    """The vendor's id or name of what is activated."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(value is not None for value in (self.text, self.timestamp, self.insert)) != 1:
            message = "needs exactly one of `text`, `timestamp` and `insert`"
            raise ValueError(message)
        return self


class OutputColumn(Spec):
    """A column that is sent: exactly one of `column`, `value` and `build`."""

    column: OneLine | None = None
    """Column of an attribute of the parent segment, such as `email`."""
    value: str | None = None
    """The same text for everybody."""
    build: Annotated[tuple[Piece, ...] | None, Field(min_length=1)] = None
    """Pieces that make a text, the same for everybody."""
    as_: Annotated[OneLine | None, Field(alias="as")] = None
    """What it is called where it goes; as the attribute's column when left out."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(value is not None for value in (self.column, self.value, self.build)) != 1:
            message = "needs exactly one of `column`, `value` and `build`"
            raise ValueError(message)
        if self.as_ is None and self.column is None:
            message = "needs `as`, its name where it goes"
            raise ValueError(message)
        return self

    @property
    def name(self) -> str:
        """What it is called where it goes."""
        return self.as_ or self.column or ""


class When(StrEnum):
    """After which runs somebody is told."""

    SUCCESS = "success"
    FAILURE = "failure"


class Notify(Spec):
    """Who hears of runs, by the vendor's mail."""

    when: Annotated[tuple[When, ...], Field(min_length=1)]
    """After which runs: success, failure, or both."""
    emails: Annotated[tuple[OneLine, ...], Field(min_length=1)]
    """Addresses of users of the Treasure Data account."""
