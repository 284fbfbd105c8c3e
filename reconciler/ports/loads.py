"""How the embedded service asks the data plane for rows, without knowing where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from reconciler.model.json import Json
from reconciler.ports.exports import Progress

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """One bulk load.

    source: the ``in`` part of its configuration, such as ``{"type": "files", "paths": […]}``.
    job_id: of the run.
    columns: name -> type of the columns that somebody declared for its table, in order; not those that loads added.
    position: what the last stored run of this load left behind; empty at first, and for runs that belong to no load.
    until: end of the run's window in Unix seconds, its scheduled time; 0 where there is none, as for a preview.
    enough: rows after which a source may stop, as for a preview; 0 for all.
    """

    source: Mapping[str, Json]
    job_id: str
    columns: Mapping[str, str] = field(default_factory=dict)
    position: Mapping[str, Json] = field(default_factory=dict)
    until: int = 0
    enough: int = 0


@dataclass(frozen=True, slots=True)
class Changes:
    """That rows which differ from what is known of them are told in a table of changes, which stands beside theirs.

    table: its name; "" for that of the rows' table with ``__ct`` behind it.
    prefix: of its columns that tell of a change.
    time_column: of the rows, that says when they changed; "" where none does. Where it says nothing the run's time counts.
    is_first: this run brings what the table begins with, so that nothing has changed yet.
    applies: whether the changes are made in the rows' table, too; otherwise it stays as the first run left it.
    """

    table: str = ""
    prefix: str = "header__"
    time_column: str = ""
    is_first: bool = False
    applies: bool = False


@dataclass(frozen=True, slots=True)
class LoadedRows:
    """Rows that an importer made readable.

    relation: name of what holds them in the connection that it was given.
    key: columns that a row is known by. Rows that are stored with the same key are replaced where the load appends, and of
        rows of one run with the same key the last one counts. Empty: each row is a row of its own.
    position: kept in the same transaction as the rows; None where what was remembered stays.
    whole: the rows are all that there are: those that are stored and do not come again are removed. Without a
        key all that is stored makes place for them. Rows that would leave the table empty are refused.
    lasts: whether the relation may be read again, for no more than a table would cost, and gives the same rows in the same
        order. What does not is copied before anybody looks at it, such as files that somebody else may write meanwhile.
    notices: lines for the job's log, without values of rows.
    changes: how to tell what changed, where that is wanted; needs a key. Of *whole* rows those that do not come are told to
        be gone, and removed only where changes are applied.
    """

    relation: str
    key: tuple[str, ...] = ()
    position: Mapping[str, Json] | None = None
    notices: tuple[str, ...] = ()
    whole: bool = False
    lasts: bool = False
    changes: Changes | None = None


class Importer(Protocol):
    """Reads rows from vendors and files."""

    def read(self, request: LoadRequest, connection: duckdb.DuckDBPyConnection, progress: Progress) -> LoadedRows:
        """Make the rows readable in *connection*.

        Raises:
            Permanent: the source cannot be read; says which part of it and why.
            Transient: it could be, at another time.
        """
        ...
