"""Records that are there already: all of an object's, or those with the keys of staged rows. Read into files, joined in SQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.connectors.destinations.salesforce_desk import Desk
from reconciler.connectors.destinations.salesforce_rows import file_sql, literal, quoted, same_key, save, size_sql
from reconciler.dataplane.durable import write_bytes
from reconciler.errors import Permanent

if TYPE_CHECKING:
    import duckdb

    from reconciler.apis.salesforce import Salesforce

NO_RECORD: Final = "no_record"
"""Rows whose key no record has. An update leaves them out, and that is no mistake."""
FEW: Final = 2_000
"""Keys that are asked for by name; of more of them, all records are read."""
_NAMED_BYTES: Final = 8_000
"""Of the keys in one question, which travels in an address."""


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
    query = f"SELECT {quoted(key)} FROM {file_sql(staged)} LIMIT {FEW + 1}"
    named = [str(value) for (value,) in desk.workspace.with_room(lambda one: one.sql(query).fetchall())]
    everything = f"SELECT Id, {key} FROM {sobject} WHERE {key} != null"
    if len(named) > FEW:
        return _read(api, desk, everything)
    try:
        return _kept(desk, _asked_by_name(api, f"SELECT Id, {key} FROM {sobject}", key, named), ["Id", key])
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


def _by_job(api: Salesforce, desk: Desk, soql: str) -> Iterator[bytes]:
    job, pauses = api.queries.begin(soql), desk.pauses()
    while (told := api.queries.state(job))[0] not in {"JobComplete", "Failed", "Aborted"}:
        next(pauses)
    if told[0] != "JobComplete":
        raise _unread(desk, told[1])
    yield from api.queries.pages(job)


def _by_batch(api: Salesforce, desk: Desk, soql: str) -> Iterator[bytes]:
    job, pauses = api.bulk1.query(desk.settings.object, soql), desk.pauses()
    while not (batches := api.bulk1.batches(job)) or any(one.state in {"Queued", "InProgress"} for one in batches):
        next(pauses)
    # One of them has everything: there are several where the answer to the first got lost, and the question was asked again.
    answered = next((one for one in batches if one.state == "Completed"), None)
    if answered is None:
        raise _unread(desk, batches[0].message)  # never less than all: what is not seen would be left, or made twice
    yield from api.bulk1.query_results(job, answered.id)


def _unread(desk: Desk, message: str) -> Permanent:
    return Permanent(
        f"records of {desk.settings.object} cannot be read: {message[:300] or 'the query was given up'}",
        hint="check the object, the field that records are found by, and that the user may read both",
    )


def _kept(desk: Desk, pages: Iterator[bytes], columns: list[str]) -> str:
    """SQL of CSV *pages* put down beside the rows; their columns are *columns*, in any order, which all pages have."""
    _forget(desk)
    order = columns
    for number, page in enumerate(pages):
        desk.stop_if_cancelled()
        write_bytes(desk.folder / f"found-{number}.page", page)
        if number == 0:
            order = _order(page, columns)
    struct = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in order)
    if not list(desk.folder.glob("found-*.page")):
        return f"SELECT {', '.join(f'NULL::VARCHAR AS {quoted(name)}' for name in columns)} WHERE false"
    return (
        f"SELECT * FROM read_csv({literal(desk.folder / 'found-*.page')}, auto_detect=false, header=true, delim=',', "
        f"quote='\"', escape='\"', columns={{{struct}}})"
    )


def _order(page: bytes, columns: list[str]) -> list[str]:
    """*columns* as the header of *page* has them; before version 50.0 that need not be the order of the question."""
    spelled = {name.lower(): name for name in columns}
    head = [name.strip().strip('"').lower() for name in page.partition(b"\n")[0].decode("utf-8", "replace").split(",")]
    return [spelled[name] for name in head] if sorted(head) == sorted(spelled) else columns


def _forget(desk: Desk) -> None:
    for page in desk.folder.glob("found-*.page"):
        page.unlink()
