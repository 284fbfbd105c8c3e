"""Rows that are staged for Salesforce: cut into parts, written as CSV, and found again by what Salesforce gives back.

Everything happens in SQL, on columns and files. Files hold rows, are readable by their owner only, and are gone when the run is
over.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.connectors.destinations.salesforce_journal import Api, Part
from reconciler.connectors.destinations.salesforce_rows import file_sql, literal, quoted, save
from reconciler.dataplane.durable import write_bytes
from reconciler.dataplane.workspace import Workspace
from reconciler.errors import Transient

if TYPE_CHECKING:
    import duckdb

UPLOAD_BYTES: Final = 24_000_000
"""Of one job of Bulk API 2.0; Salesforce takes 100 MB raw, and a part is held in memory while it is sent."""
BATCH_BYTES: Final = 9_990_000
"""Of one batch of Bulk API 1.0; Salesforce refuses one of 10,000,000."""
_BLOCK_ROWS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Staged:
    """Rows in a Parquet file, numbered in `tdr_row`. *columns* are sent; *key* tells rows apart, or is ""."""

    workspace: Workspace
    path: Path
    columns: Sequence[str]
    key: str

    def parts(self, api: Api, batch_rows: int) -> list[Part]:
        """The rows cut as *api* wants it: by bytes, and for Bulk API 1.0 by *batch_rows* too. Any one fits into a part."""
        is_bulk2 = api == "bulk2"
        most = (UPLOAD_BYTES if is_bulk2 else BATCH_BYTES) - len(",".join(self.columns).encode()) - 1
        [(row_bytes,)] = self._fetch(f"SELECT coalesce(max(tdr_bytes), 0) FROM {file_sql(self.path)}")
        if not row_bytes:
            return []
        if is_bulk2 and row_bytes * _BLOCK_ROWS < most:
            return self._parts_of_blocks(most)
        span = f"sum(tdr_bytes) OVER (ORDER BY tdr_row) // {most - row_bytes} AS span"
        placed = f"SELECT tdr_row, {span}, 0 AS piece FROM {file_sql(self.path)}"
        if not is_bulk2:
            number = "row_number() OVER (PARTITION BY span ORDER BY tdr_row)"
            placed = f"SELECT tdr_row, span, ({number} - 1) // {batch_rows} AS piece FROM ({placed})"
        query = f"SELECT min(tdr_row), max(tdr_row), count(*) FROM ({placed}) GROUP BY span, piece ORDER BY 1"
        return [Part(first=first, last=last, rows=rows) for first, last, rows in self._fetch(query)]

    def _parts_of_blocks(self, most: int) -> list[Part]:
        """Parts that end where a block of row numbers does, which is a hundredth of the work of ending them at any row."""
        blocks = self._fetch(
            f"SELECT min(tdr_row), max(tdr_row), count(*), sum(tdr_bytes) FROM {file_sql(self.path)} "
            f"GROUP BY tdr_row // {_BLOCK_ROWS} ORDER BY 1"
        )
        parts: list[Part] = []
        used = most
        for first, last, rows, size in blocks:
            if used + size > most:
                parts.append(Part(first=first, last=last, rows=0))
                used = 0
            parts[-1].last = last
            parts[-1].rows += rows
            used += int(size)
        return parts

    def csv(self, part: Part, *, ordered: bool) -> bytes:
        """The CSV of *part*, header included, by way of a file beside the rows; *ordered* by row number, or in any order."""
        names = ", ".join(map(quoted, self.columns))
        query = f"SELECT {names} FROM {self._rows_of(part)}" + (" ORDER BY tdr_row" if ordered else "")
        target = self.path.with_name("part.csv")
        try:
            target.touch(mode=0o600)
            self.workspace.with_room(
                lambda one: one.execute(
                    f"COPY ({query}) TO {literal(target)} (FORMAT csv, HEADER true, NULLSTR '', USE_TMP_FILE false)"
                )
            )
            return target.read_bytes()
        finally:
            target.unlink(missing_ok=True)

    def numbers(self, part: Part) -> list[int]:
        """The numbers of the rows of *part*, in the order of its CSV."""
        return [row for (row,) in self._fetch(f"SELECT tdr_row FROM {self._rows_of(part)} ORDER BY 1")]

    def found_again(self, part: Part, results: bytes) -> list[tuple[int, str]]:
        """Row number and code of each row of *results*, CSV that Salesforce gave back for rows of *part*, in any order.

        Rows are known by their key; without one by all columns, and rows alike in all of them are any of each other.
        Code "" for rows without an error.

        Raises:
            Transient: that is no CSV of rows that were sent.
        """
        import duckdb  # noqa: PLC0415 - as wherever rows are looked into

        head = next(csv.reader(io.StringIO(results[:1_000_000].decode("utf-8-sig", errors="replace"))), [])
        if not head:
            return []
        spelled = {name.lower(): name for name in (*self.columns, "sf__Id", "sf__Error", "sf__Created")}
        told = [spelled.get(name.lower(), name) for name in head]
        shared = [self.key] if self.key and self.key in told else [name for name in self.columns if name in told]
        if not shared or len(set(told)) < len(told):
            raise _unusable()
        scratch = self.path.with_name("results.csv")
        struct = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in told)
        same = " AND ".join(f"coalesce(g.{quoted(name)}, '') = coalesce(s.{quoted(name)}, '')" for name in shared)
        by = ", ".join(f"coalesce({quoted(name)}, '')" for name in shared)
        code = "split_part(coalesce(g.sf__Error, ''), ':', 1)" if "sf__Error" in told else "''"
        query = f"""
            WITH given AS (
                SELECT *, row_number() OVER (PARTITION BY {by}) AS tdr_place FROM read_csv({literal(scratch)},
                    auto_detect=false, header=true, delim=',', quote='"', escape='"', columns={{{struct}}},
                    max_line_size=20000000, parallel=false)
            ), sent AS (
                SELECT *, row_number() OVER (PARTITION BY {by} ORDER BY tdr_row) AS tdr_place FROM {self._rows_of(part)}
            )
            SELECT s.tdr_row, {code} FROM given g LEFT JOIN sent s ON {same} AND g.tdr_place = s.tdr_place ORDER BY 1
        """
        try:
            scratch.touch(mode=0o600)
            scratch.write_bytes(results)
            found = self._fetch(query)
        except duckdb.InvalidInputException as error:
            raise _unusable() from error
        finally:
            scratch.unlink(missing_ok=True)
        if any(row is None for row, _ in found):
            raise _unusable()
        return [(int(row), str(said)) for row, said in found]

    def only(self, refused: Sequence[Path], codes: Iterable[str], target: Path) -> Staged:
        """The rows that *refused* lists (`list_refused`) with one of *codes*, in *target*."""
        query = (
            f"SELECT * FROM {file_sql(self.path)} WHERE tdr_row IN (SELECT tdr_row FROM {_refused_sql(refused, codes)})"
        )
        self.workspace.with_room(lambda one: save(one, f"{query} ORDER BY tdr_row", target))
        return Staged(self.workspace, target, self.columns, self.key)

    def _rows_of(self, part: Part) -> str:
        return f"(SELECT * FROM {file_sql(self.path)} WHERE tdr_row BETWEEN {part.first} AND {part.last})"

    def _fetch(self, query: str) -> list[tuple[int, ...]]:
        return self.workspace.with_room(lambda one: one.sql(query).fetchall())


def _unusable() -> Transient:
    return Transient(
        "Salesforce gave back what is no CSV of rows that were sent",
        hint="a new run of the same job reads the results again; the job is kept for seven days",
    )


def merge(workspace: Workspace, some: Sequence[Staged], target: Path) -> int:
    """Put rows of several files into *target*, and return how many they are."""
    files = ", ".join(literal(one.path) for one in some)

    def work(one: duckdb.DuckDBPyConnection) -> int:
        save(one, f"SELECT * FROM read_parquet([{files}])", target)
        [(rows,)] = one.sql(f"SELECT count(*) FROM {file_sql(target)}").fetchall()
        return int(rows)

    return workspace.with_room(work)


def list_refused(path: Path, refused: Iterable[tuple[int, str]]) -> None:
    """Write row numbers and codes to *path*."""
    write_bytes(path, "".join(f"{row},{code}\n" for row, code in refused).encode())


def first_refused(
    workspace: Workspace, lists: Sequence[Path], codes: Iterable[str], most: int
) -> list[tuple[int, str]]:
    """The first *most* rows that *lists* name with one of *codes*, each once."""
    if not lists:
        return []
    query = f"SELECT DISTINCT tdr_row, code FROM {_refused_sql(lists, codes)} ORDER BY ALL LIMIT {most}"

    def work(one: duckdb.DuckDBPyConnection) -> list[tuple[int, str]]:
        return [(int(row), str(code)) for row, code in one.sql(query).fetchall()]

    return workspace.with_room(work)


def _refused_sql(lists: Sequence[Path], codes: Iterable[str]) -> str:
    files, wanted = ", ".join(map(literal, lists)), ", ".join(map(literal, codes)) or "NULL"
    columns = "{'tdr_row': 'BIGINT', 'code': 'VARCHAR'}"
    return f"(SELECT * FROM read_csv([{files}], auto_detect=false, header=false, columns={columns}) WHERE code IN ({wanted}))"
