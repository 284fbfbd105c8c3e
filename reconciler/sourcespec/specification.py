"""A specification in its canonical form: one spelling, numbers as numbers, paths taken apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal, TypeAlias

from reconciler.model.json import Json
from reconciler.sourcespec.paths import Path

REQUESTS_AT_MOST: Final = 10_000
"""Of one run. Source: Adobe's text on `maximumRequest`."""


@dataclass(frozen=True, slots=True)
class Content:
    """Where the rows of a document are, and what becomes of what stands around them.

    path: to the array. skip, keep: names of members to leave out, or to keep only. wrapper: what the member is called in a
    row; its own name when "".
    """

    path: Path
    skip: frozenset[str] = frozenset()
    keep: frozenset[str] = frozenset()
    wrapper: str = ""


@dataclass(frozen=True, slots=True)
class EndCondition:
    """When there is no next page: a value of the answer, and what it must be.

    path: None where *header* is read. kind: as Data Factory has them. value: JSON text, for `const`.
    """

    path: Path | None
    header: str
    kind: Literal["const", "empty", "nonempty", "exist", "nonexist"]
    value: str = ""


@dataclass(frozen=True, slots=True)
class Offset:
    """Pages by the number of rows before them."""

    limit_name: str
    limit: int
    offset_name: str


@dataclass(frozen=True, slots=True)
class Pointer:
    """Each page has the address of the next one."""

    limit_name: str
    limit: int
    path: Path


@dataclass(frozen=True, slots=True)
class Token:
    """Each page has what the next one is asked for by. *path* is None where *header* is read."""

    path: Path | None
    header: str
    place: Literal["query", "header"]
    name: str


@dataclass(frozen=True, slots=True)
class Pages:
    """Pages by number. *last*: the number of the last one, or the header that says how many there are, or None."""

    limit_name: str
    limit: int
    name: str
    first: int = 0
    last: int | str | None = None


@dataclass(frozen=True, slots=True)
class Single:
    """All of it at once."""


PagingKind: TypeAlias = Offset | Pointer | Token | Pages | Single


@dataclass(frozen=True, slots=True)
class Paging:
    """How pages follow each other. *delay_s*: from the end of an answer to the next request."""

    kind: PagingKind
    end: EndCondition | None = None
    delay_s: float = 0.0
    requests_at_most: int = REQUESTS_AT_MOST


@dataclass(frozen=True, slots=True)
class BasicWindow:
    """Bounds as parameters of the query, each with its format."""

    start_name: str
    end_name: str
    start_format: str
    end_format: str


@dataclass(frozen=True, slots=True)
class AdvancedWindow:
    """Bounds inside a text that stands where the specification says ``{SCHEDULE_QUERY}``."""

    format: str
    incremental: str
    backfill: str


@dataclass(frozen=True, slots=True)
class Extensions:
    """What is ours and never sent to Adobe: member `x-tdr` beside `attributes`.

    key: paths of the columns that a row is known by. lookback: how far before the end of the last window a run begins.
    longest_window: what a window is cut into. outer: whether an exploded row without a list stays. total: path of the number of
    rows that there are. keep_level: where `keepAttributes` applies; told from the rows when None.
    """

    key: tuple[Path, ...] = ()
    lookback: timedelta | None = None
    longest_window: timedelta | None = None
    outer: bool = False
    total: Path | None = None
    keep_level: Literal["siblings", "elements"] | None = None


@dataclass(frozen=True, slots=True)
class Specification:
    """What to fetch and how, with its placeholders in it.

    host: "" where authentication has it. body: None for GET. inputs: JSON Schema of what users say.
    page_schema: JSON Schema of a page, {} where nobody wrote one.
    """

    host: str
    path: str
    method: Literal["GET", "POST"]
    query: Mapping[str, Json]
    headers: Mapping[str, Json]
    body: Json
    content: Content
    explode: Content | None
    paging: Paging
    window: BasicWindow | AdvancedWindow | None
    inputs: Mapping[str, Json] = field(default_factory=dict)
    page_schema: Mapping[str, Json] = field(default_factory=dict)
    extensions: Extensions = Extensions()
