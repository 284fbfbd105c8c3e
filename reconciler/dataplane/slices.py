"""Sets of keys as parts of key files, and the two set operations that the ledger needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.dataplane.keyfile import key_table, write_keys
from reconciler.dataplane.workspace import ROWS_PER_BATCH, Workspace

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class Slice:
    """Keys *start* to before *stop* of the key file named *file*."""

    file: str
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


def total(parts: Iterable[Slice]) -> int:
    """Number of keys in *parts*."""
    return sum(len(part) for part in parts)


def subtract(
    folder: Path, parts: Sequence[Slice], without: Sequence[Slice], name: str, workspace: Workspace
) -> tuple[Slice, ...]:
    """Distinct keys of *parts* that are not in *without*, as the new key file *name* of *folder*, durable."""
    query = "SELECT DISTINCT key FROM parts ANTI JOIN without USING (key)"
    count = workspace.with_room(lambda engine: _run(engine, folder, {"parts": parts, "without": without}, query, name))
    return (Slice(name, 0, count),) if count else ()


def distinct_union(folder: Path, parts: Sequence[Slice], name: str, workspace: Workspace) -> tuple[Slice, ...]:
    """Distinct keys of *parts*, as the new key file *name* of *folder*, durable."""
    count = workspace.with_room(
        lambda engine: _run(engine, folder, {"parts": parts}, "SELECT DISTINCT key FROM parts", name)
    )
    return (Slice(name, 0, count),) if count else ()


def _run(
    engine: duckdb.DuckDBPyConnection, folder: Path, views: dict[str, Sequence[Slice]], query: str, name: str
) -> int:
    for view, parts in views.items():
        stream = key_table((folder / part.file, part.start, part.stop) for part in parts)
        engine.from_arrow(stream).create_view(view, replace=True)
    # Closed whatever happens: a connection with an open result takes no other query (DuckDB 2.0).
    with engine.sql(query).to_arrow_reader(ROWS_PER_BATCH) as reader:
        return write_keys(folder / name, (batch.column(0) for batch in reader))
