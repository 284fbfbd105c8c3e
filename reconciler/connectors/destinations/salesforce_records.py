"""Records that are there already: all of an object's, or those with the keys of staged rows. Read into files, joined in SQL."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.connectors.destinations.salesforce_desk import Desk
from reconciler.connectors.destinations.salesforce_rows import file_sql, literal, quoted, same_key, save, size_sql
from reconciler.dataplane.durable import write_bytes
from reconciler.errors import Permanent, Transient

if TYPE_CHECKING:
    import duckdb

    from reconciler.apis.salesforce import Salesforce

NO_RECORD: Final = "no_record"
"""Rows whose key no record has. An update leaves them out, and that is no mistake."""
FEW: Final = 2_000
"""Keys that are asked for by name; of more of them, all records are read."""
_NAMED_BYTES: Final = 8_000
"""Of the keys in one question, which travels in an address."""
_KEY_CHARACTERS: Final = 255
"""The most of a field that records can be found by: nothing has a longer key, and an address may be too long for it."""


def all_records(api: Salesforce, desk: Desk, target: Path) -> int:
    """Write the Ids of all records to *target*, numbered, and return how many there are."""
    pages = _read(api, desk, f"SELECT Id FROM {desk.settings.object}")

    def work(one: duckdb.DuckDBPyConnection) -> int:
        save(
            one,
            f'SELECT row_number() OVER (ORDER BY "Id") AS tdr_row, "Id", {size_sql(["Id"])} AS tdr_bytes FROM ({pages})',
            target,
        )
        [(count,)] = one.sql(f"SELECT count(*) FROM {file_sql(target)}").fetchall()
        return int(count)

    found = desk.workspace.with_room(work)
    _forget(desk)
    return found


def with_ids(api: Salesforce, desk: Desk, staged: Path, columns: list[str], target: Path) -> dict[str, int]:
    """Write *staged* rows to *target* with the Id of the one record that has their key, and without the key.

    columns: those of *target* besides `Id`. Returns reason -> rows that are not in it: no record has their key, several have it,
    or two of them name the same record. Those are listed beside *target*.
    """
    key = desk.settings.key
    pages = _read_keys(api, desk, staged)
    ids = f"""
        SELECT {_key_of_record(quoted(key), key)} AS tdr_key, min("Id") AS tdr_id, count(DISTINCT "Id") AS tdr_found
        FROM ({pages}) WHERE {quoted(key)} IS NOT NULL GROUP BY 1
    """
    sent = f"SELECT *, {_key_of_record(quoted(key), key)} AS tdr_key FROM {file_sql(staged)}"
    verdict = f"""CASE WHEN tdr_id IS NULL THEN '{NO_RECORD}' WHEN tdr_found > 1 THEN 'several_records'
        WHEN count(*) OVER (PARTITION BY tdr_id) > 1 THEN 'duplicate_key' END"""
    names = ", ".join(map(quoted, columns))

    def work(one: duckdb.DuckDBPyConnection) -> dict[str, int]:
        one.execute(
            f"CREATE OR REPLACE TABLE joined AS SELECT *, {verdict} AS tdr_reason FROM ({sent}) LEFT JOIN ({ids}) USING (tdr_key)"
        )
        rejected = "SELECT tdr_row, tdr_reason FROM joined WHERE tdr_reason IS NOT NULL"
        save(one, rejected, target.with_suffix(".rejected"))
        kept = f'SELECT tdr_row, tdr_id AS "Id", {names} FROM joined WHERE tdr_reason IS NULL'
        save(one, f"SELECT *, {size_sql(['Id', *columns])} AS tdr_bytes FROM ({kept}) ORDER BY tdr_row", target)
        counts = one.sql(f"SELECT tdr_reason, count(*) FROM ({rejected}) GROUP BY ALL ORDER BY ALL").fetchall()
        one.execute("DROP TABLE joined")
        return {str(reason): int(rows) for reason, rows in counts}

    counted = desk.workspace.with_room(work)
    _forget(desk)
    return counted


def _key_of_record(column: str, key: str) -> str:
    """SQL of a key as both sides write it; Salesforce gives whole numbers back with a ``.0``."""
    return f"regexp_replace({same_key(column, key)}, '^(-?[0-9]+)\\.0+$', '\\1')"


def _read_keys(api: Salesforce, desk: Desk, staged: Path) -> str:
    key, sobject = desk.settings.key, desk.settings.object
    query = (
        f"SELECT {quoted(key)} FROM {file_sql(staged)} WHERE length({quoted(key)}) <= {_KEY_CHARACTERS} LIMIT {FEW + 1}"
    )
    named = [str(value) for (value,) in desk.workspace.with_room(lambda one: one.sql(query).fetchall())]
    everything = f"SELECT Id, {key} FROM {sobject} WHERE {key} != null"
    if len(named) > FEW:
        return _read(api, desk, everything)
    try:
        return _kept(desk, _Found(_asked_by_name(api, f"SELECT Id, {key} FROM {sobject}", key, named)), ["Id", key])
    except Permanent as error:
        # Numbers and dates are not compared with texts, and some fields are not to be asked for by value at all.
        if error.status != 400:
            raise
        return _read(api, desk, everything)


def _asked_by_name(api: Salesforce, select: str, key: str, values: list[str]) -> Iterator[bytes]:
    from reconciler.apis.salesforce_query import quoted as text  # noqa: PLC0415 - brings httpx's vocabulary along

    some: list[str] = []
    size = 0
    for value in [*values, None]:
        if some and (value is None or size > _NAMED_BYTES):
            yield from api.queries.rows(f"{select} WHERE {key} IN ({', '.join(some)})", ["Id", key])
            some, size = [], 0
        if value is not None:
            some.append(text(value))
            size += 3 * len(value.encode()) + 10  # as an address writes it


def _read(api: Salesforce, desk: Desk, soql: str) -> str:
    """SQL of what *soql* finds in a job of its own, by whichever API the version has."""
    from reconciler.apis.salesforce_query import OLDEST_WITH_JOBS  # noqa: PLC0415 - as above

    columns = [name.strip() for name in soql.removeprefix("SELECT").partition(" FROM ")[0].split(",")]
    is_new = desk.settings.version >= OLDEST_WITH_JOBS
    return _kept(desk, _by_job(api, desk, soql) if is_new else _by_batch(api, desk, soql), columns)


@dataclass(frozen=True, slots=True)
class _Found:
    """CSV *pages*, and how many *records* are in them by what the API itself says; None where it says nothing."""

    pages: Iterator[bytes]
    records: int | None = None


def _by_job(api: Salesforce, desk: Desk, soql: str) -> _Found:
    job, pauses = api.queries.begin(soql), desk.pauses()
    while (told := api.queries.job(job)).state not in {"JobComplete", "Failed", "Aborted"}:
        next(pauses)
    if told.state != "JobComplete":
        raise _unread(desk, told.message)
    return _Found(api.queries.pages(job), told.records)


def _by_batch(api: Salesforce, desk: Desk, soql: str) -> _Found:
    job, pauses = api.bulk1.query(desk.settings.object, soql), desk.pauses()
    while not (batches := api.bulk1.batches(job)) or any(one.state in {"Queued", "InProgress"} for one in batches):
        next(pauses)
    # One of them has everything: there are several where the answer to the first got lost, and the question was asked again.
    answered = next((one for one in batches if one.state == "Completed"), None)
    if answered is None:
        raise _unread(desk, batches[0].message)  # never less than all: what is not seen would be left, or made twice
    return _Found(api.bulk1.query_results(job, answered.id), answered.processed)


def _unread(desk: Desk, message: str) -> Permanent:
    return Permanent(
        f"records of {desk.settings.object} cannot be read: {message[:300] or 'the query was given up'}",
        hint="check the object, the field that records are found by, and that the user may read both",
    )


def _kept(desk: Desk, found: _Found, columns: list[str]) -> str:
    """SQL of the CSV pages that were *found*, put down beside the rows; their columns are *columns*, in any order.

    Raises:
        Transient: they are not all, or not what was asked for.
    """
    _forget(desk)
    order: list[str] = []
    for number, page in enumerate(page for page in found.pages if page.strip()):
        desk.stop_if_cancelled()
        write_bytes(desk.folder / f"found-{number}.page", page)
        head = _order(page, columns)
        if sorted(head) != sorted(columns) or head != (order or head):
            raise _unusable(desk, "other columns than were asked for")
        order = head
    if not order:
        pages = f"SELECT {', '.join(f'NULL::VARCHAR AS {quoted(name)}' for name in columns)} WHERE false"
    else:
        struct = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in order)
        pages = (
            f"SELECT * FROM read_csv({literal(desk.folder / 'found-*.page')}, auto_detect=false, header=true, delim=',', "
            f"quote='\"', escape='\"', columns={{{struct}}})"
        )
    records = _counted(desk, pages)
    if found.records is not None and records < found.records:
        raise _unusable(desk, f"{records} of {found.records}")
    return pages


def _counted(desk: Desk, pages: str) -> int:
    """How many records are in *pages*, each of which was read to its end for that."""
    import duckdb  # noqa: PLC0415 - as wherever rows are looked into

    try:
        [(count,)] = desk.workspace.with_room(lambda one: one.sql(f"SELECT count(*) FROM ({pages})").fetchall())
    except duckdb.InvalidInputException as error:
        raise _unusable(desk, "what is no CSV") from error
    return int(count)


def _unusable(desk: Desk, what: str) -> Transient:
    return Transient(
        f"of the records of {desk.settings.object} Salesforce told {what}, and nothing was done with them",
        hint="run the same job again; it asks anew",
    )


def _order(page: bytes, columns: list[str]) -> list[str]:
    """The columns of *page* by its header, spelled as in *columns*; before version 50.0 they come in any order."""
    spelled = {name.lower(): name for name in columns}
    head = next(csv.reader(io.StringIO(page.partition(b"\n")[0].decode("utf-8-sig", "replace"))), [])
    return [spelled.get(name.strip().lower(), name) for name in head]


def _forget(desk: Desk) -> None:
    for page in desk.folder.glob("found-*.page"):
        page.unlink()
