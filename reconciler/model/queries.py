"""SQL as a source of rows."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import model_validator

from reconciler.model.spec import DatabaseName, FileText, OneLine, Spec


class Engine(StrEnum):
    """The SQL dialect of a query."""

    TRINO = "trino"
    HIVE = "hive"


class SqlSource(Spec):
    """Rows made by SQL, inline or in a file of the project."""

    database: DatabaseName
    """Name of a Database document, or of a database that exists already."""
    engine: Engine = Engine.TRINO
    """The SQL dialect: trino or hive."""
    engine_version: OneLine | None = None
    """Version of the engine: stable, experimental or a number; left out, the vendor's choice stays as it is."""
    sql: str | None = None
    """The SQL itself; or name a `file`."""
    file: Annotated[str, FileText(into="sql")] | None = None
    """Path of an SQL file, relative to the project."""

    @model_validator(mode="after")
    def _has_text(self) -> Self:
        # The loader puts the file's text into `sql`, so both may be set by then; neither is the mistake.
        if self.sql is None and self.file is None:
            message = "needs `sql` or `file`"
            raise ValueError(message)
        return self


class QueryRows(Spec):
    """Rows that a query gives."""

    query: SqlSource
    """The query. Its columns are called like the fields that they fill."""
