"""REST APIs as sources of rows: a specification in Adobe's words, and what a run needs beyond it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from reconciler.model.spec import FileText, Spec

Span = Annotated[str, Field(pattern=r"^[0-9]+[smhdw]$")]
"""A span of time such as 30m, 12h or 3d."""


class KeepLevel(StrEnum):
    """What `keepAttributes` of a specification speaks of."""

    SIBLINGS = "siblings"
    ELEMENTS = "elements"


class SourceDefinition(Spec):
    """How rows are fetched from a REST API: a source specification of Adobe's self-serve sources (Batch SDK)."""

    definition: str | None = None
    """The specification as Adobe has it, JSON or YAML; or name a `file`."""
    file: Annotated[str, FileText(into="definition")] | None = None
    """Path of a file with the specification, relative to the project."""
    key: tuple[str, ...] = ()
    """Paths of the columns that a row is known by, such as `member.id`: rows that come again replace those there."""
    lookback: Span | None = None
    """How far before the end of the last run the next one begins, for rows that change or are shown late; needs a `key`."""
    max_window: Span | None = None
    """The longest span that the API lets a request ask for; longer windows are asked for in parts."""
    outer: bool = False
    """Whether a row stays when the list that it is to be taken apart by is empty."""
    total_path: str | None = None
    """Path of the number of rows that there are in all; a run that brings fewer fails."""
    keep_level: KeepLevel | None = None
    """What `keepAttributes` speaks of; told from the rows when left out."""

    @model_validator(mode="after")
    def _has_text(self) -> Self:
        # The loader puts the file's text into `definition`, so both may be set by then.
        if self.definition is None and self.file is None:
            message = "needs `definition` or `file`"
            raise ValueError(message)
        if self.lookback is not None and not self.key:
            message = "`lookback` brings rows again, so it needs a `key` by which they replace those that are there"
            raise ValueError(message)
        return self
