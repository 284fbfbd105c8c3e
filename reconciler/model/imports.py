"""Imports that a manifest may declare: which rows, from where, into which table or file, and when."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, JsonValue, Tag, model_validator

from reconciler.model.advertising import AdvertisingSource
from reconciler.model.connections import hidden_names
from reconciler.model.files import FileFormat, check_table_file
from reconciler.model.spec import (
    ConnectionName,
    ConnectionRef,
    DatabaseName,
    OneLine,
    Seconds,
    SecretText,
    SourceSpecName,
    Spec,
    TableRef,
)
from reconciler.model.timing import NamedTiming, Pausable


class FilesSource(Spec):
    """Rows from files of the project."""

    type: Literal["files"]
    """Where the rows are: in files."""
    paths: Annotated[tuple[str, ...], Field(min_length=1)]
    """Paths and globs below the connection's root, or below the project."""
    connection: ConnectionName | None = None
    """Name of a Connection document of type files; the project's folder when left out."""
    format: FileFormat | None = None
    """Told from the file name when left out."""


class IntercomTarget(StrEnum):
    """What is read from Intercom."""

    USERS = "users"
    CONVERSATIONS = "conversations"
    SEGMENTS = "segments"
    TAGS = "tags"
    COMPANIES = "companies"
    """Embedded service only."""


GROWING: Final = frozenset({IntercomTarget.USERS, IntercomTarget.CONVERSATIONS})
"""Targets that can be asked for what changed since; tags and segments are told whole, without a filter or a page."""


class IntercomSource(Spec):
    """Rows from a workspace at Intercom."""

    type: Literal["intercom"]
    """Where the rows are: at Intercom."""
    connection: ConnectionRef | None = None
    """Name of a Connection document of type intercom, or of a connection that exists already."""
    access_token: SecretText | None = None
    """Token, for an import that has its own in the place of a connection."""
    app_id: OneLine | None = None
    """The older way in, with `api_key`: for imports that are there already. Intercom itself has retired it."""
    api_key: SecretText | None = None
    """Key that belongs to `app_id`."""
    target: IntercomTarget
    """What is read: users, conversations, segments or tags."""
    incremental: bool = False
    """Whether a run brings what changed since the one before; users and conversations only."""
    leads: bool | None = None
    """Whether contacts with the role lead count among users; they do not when left out. Embedded service only."""
    parts: bool | None = None
    """Whether conversations bring their parts, which costs a request each. Embedded service only."""
    overlap: Seconds | None = None
    """How far before the newest row of the last run an incremental one looks again, for rows that Intercom shows late; an hour
    when left out. Embedded service only."""
    old_names: bool | None = None
    """Whether columns of users are called as in Intercom's API of users: `user_id` for `external_id`. Embedded service only."""
    api_version: OneLine | None = None
    """Version of Intercom's API that answers, such as 2.14; 2.16 when left out. Embedded service only."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.incremental and self.target not in GROWING:
            message = (
                f"target {self.target.value} has no incremental mode: Intercom tells {self.target.value} whole, without the "
                "time of a change; take `incremental` away, and let `to: {mode: replace}` keep the table as they are now"
            )
            raise ValueError(message)
        ways = [self.connection is not None, self.access_token is not None or self.app_id is not None]
        if sum(ways) != 1:
            message = "needs a `connection`, or an `access_token` of its own"
            raise ValueError(message)
        if (self.app_id is None) is not (self.api_key is None):
            message = "`app_id` and `api_key` go together; better than both is an `access_token`"
            raise ValueError(message)
        of_target = {
            "leads": {IntercomTarget.USERS},
            "old_names": {IntercomTarget.USERS},
            "parts": {IntercomTarget.CONVERSATIONS},
        }
        for name, targets in of_target.items():
            if name in self.model_fields_set and self.target not in targets:
                message = f"`{name}` belongs to `target: {min(targets).value}`"
                raise ValueError(message)
        if self.overlap is not None and not self.incremental:
            message = "`overlap` belongs to `incremental: true`"
            raise ValueError(message)
        return self


class RestSource(Spec):
    """Rows from a REST API that a SourceSpec document describes. Embedded service only."""

    type: Literal["rest"]
    """Where the rows are: at a REST API."""
    spec: SourceSpecName
    """Name of the SourceSpec document that says how they are fetched."""
    connection: ConnectionRef | None = None
    """Name of a Connection document of type rest, or of a connection that exists already; none where nobody asks who reads."""
    params: dict[str, JsonValue] = Field(default_factory=dict)
    """What the specification wants users to say, such as the id of a list."""
    incremental: bool = True
    """Whether a run asks for what came since the one before, where the specification has words for it; else for everything."""
    backfill: bool = True
    """Whether the first run takes everything that came before it."""
    first: datetime | None = None
    """Without `backfill`: where the first run begins, such as 2026-01-01T00:00:00Z."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if hidden := hidden_names(self.params):
            message = f"{hidden[0]!r} is a secret: let the connection have it, in its `secrets`"
            raise ValueError(message)
        if self.backfill and self.first is not None:
            message = "`first` says where the first run begins, which with `backfill` is the beginning of all: keep one of them"
            raise ValueError(message)
        if not self.backfill and self.first is None:
            message = "without `backfill`, say where the `first` run begins, such as 2026-01-01T00:00:00Z"
            raise ValueError(message)
        if self.first is not None and self.first.tzinfo is None:
            message = "`first` needs a time zone: write Z at its end for UTC"
            raise ValueError(message)
        return self

    @property
    def begins(self) -> str | None:
        """`first` as it is sent: in UTC."""
        return None if self.first is None else self.first.astimezone(UTC).isoformat()


SourceOfImport = Annotated[FilesSource | IntercomSource | RestSource | AdvertisingSource, Discriminator("type")]


class Placement(StrEnum):
    """What an import does with the rows that are there."""

    APPEND = "append"
    REPLACE = "replace"
    REPLACE_ON_NEW_DATA = "replace_on_new_data"
    UPSERT = "upsert"


class ImportTarget(Spec):
    """Table that an import fills; it is created when it does not exist."""

    database: DatabaseName
    """Name of a Database document, or of a database that exists already."""
    table: TableRef
    """Name of a Table document, or of a table."""
    mode: Placement = Placement.APPEND
    """Whether rows are added, take the place of those there, do so only when there are new ones, or change those with the
    same `key`, which is the embedded service's own."""
    key: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Columns that a row is known by; of `mode: upsert` only."""
    time_column: str | None = None
    """Column with the row's time, of type long or timestamp; the time of the import when left out."""

    @model_validator(mode="after")
    def _has_sense(self) -> Self:
        _key_fits(self)
        return self


class ImportFile(Spec):
    """Parquet file that an import fills as if it were a table; it is made when it does not exist. Embedded service only."""

    file: Annotated[str, AfterValidator(check_table_file)]
    """Such as lake/contacts.parquet, below the connection's root, or below the project."""
    connection: ConnectionName | None = None
    """Name of a Connection document of type files, which the file is below; the project's folder when left out."""
    mode: Placement = Placement.APPEND
    """Whether rows are added, take the place of those there, do so only when there are new ones, or change those with the
    same `key`."""
    key: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Columns that a row is known by; of `mode: upsert` only."""
    time_column: str | None = None
    """Column with the row's time, a whole number of seconds or a timestamp; the time of the import when left out."""

    @model_validator(mode="after")
    def _has_sense(self) -> Self:
        _key_fits(self)
        return self


def _key_fits(target: ImportTarget | ImportFile) -> None:
    if target.mode is Placement.UPSERT and target.key is None:
        message = "`mode: upsert` needs a `key`, such as `key: [id]`: the columns that a row is known by"
        raise ValueError(message)
    if target.mode is not Placement.UPSERT and target.key is not None:
        message = "`key` belongs to `mode: upsert`"
        raise ValueError(message)


def _target_of(written: object) -> str:
    """Which of the two a target is."""
    if isinstance(written, Spec):
        return type(written).__name__
    said = written.keys() if isinstance(written, dict) else set()
    return ImportFile.__name__ if {"file", "connection"} & said else ImportTarget.__name__


def _one_place(written: Any) -> Any:
    if isinstance(written, dict) and "file" in written and {"database", "table"} & written.keys():
        message = "names a table and a file: keep `database` and `table`, or `file`"
        raise ValueError(message)
    return written


TargetOfImport = Annotated[
    Annotated[ImportTarget, Tag("ImportTarget")] | Annotated[ImportFile, Tag("ImportFile")],
    Discriminator(_target_of),
    BeforeValidator(_one_place),
]


class ImportSpec(Pausable):
    """A load of rows into a table or a file, run by hand or on a schedule."""

    from_: Annotated[SourceOfImport, Field(alias="from")]
    """Where the rows come from."""
    to: TargetOfImport
    """Where the rows go."""
    schedule: NamedTiming = None
    """When it runs: the name of a Schedule document, or a timing; left out, the vendor's schedule stays as it is."""
    enabled: bool = True
    """`false`: paused. The `schedule` stays here and is taken off at the vendor; runs by hand go on."""
    name: OneLine | None = None
    """Name in Treasure Data; the document's name when left out."""
