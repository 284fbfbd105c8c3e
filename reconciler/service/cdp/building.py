"""A run of a parent segment: SQL that makes its tables, issued as jobs, and how far they are."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from reconciler.ports.clock import Clock
from reconciler.service.answers import iso_text
from reconciler.service.catalog import Catalog
from reconciler.service.cdp.parents import behavior_table
from reconciler.service.cdp.rules import CUSTOMERS, BehaviorTable, Matrix
from reconciler.service.cdp.sql import quoted_path, text
from reconciler.service.columns import quoted
from reconciler.service.jobs import NewJob
from reconciler.service.ports import Sealer
from reconciler.service.storage import Storage

_UNFINISHED = frozenset({"queued", "running"})


@dataclass(frozen=True, slots=True)
class Build:
    """A run whose tables are there. *document* is the parent segment as it was then."""

    id: int
    document: Mapping[str, Any]
    finished_at: float


class Builds:
    """Runs of parent segments."""

    def __init__(
        self,
        storage: Storage,
        catalog: Catalog,
        sealer: Sealer,
        issue: Callable[[NewJob], int],
        submit: Callable[[int], None],
        clock: Clock,
    ) -> None:
        """Keep them in *storage*; *issue* queues a job and returns its id, *submit* hands it to a thread."""
        self._storage = storage
        self._catalog = catalog
        self._sealer = sealer
        self._issue = issue
        self._submit = submit
        self._clock = clock

    def start(self, audience: sqlite3.Row) -> dict[str, Any]:
        """Build the tables anew, and return the execution as the vendor shows it.

        The rows there now stay until the new ones are complete.
        """
        with self._storage.transaction():
            jobs = self.begin(audience)
        for job_id in jobs:
            self._submit(job_id)
        return self.executions(audience["id"])[0]

    def begin(self, audience: sqlite3.Row) -> list[int]:
        """Queue the jobs of a build; their ids. Whoever calls hands them to a thread."""
        document = orjson.loads(audience["document"])
        database = database_of(audience["id"])
        if not any(known["name"] == database for known in self._catalog.databases()):
            self._catalog.create_database(database)
        jobs = [self._issue(self._job(database, table, sql)) for table, sql in statements(document, self._columns)]
        self._storage.run(
            "INSERT INTO audience_runs (audience_id, document, jobs, created_at) VALUES (?, ?, ?, ?)",
            *(audience["id"], audience["document"], orjson.dumps(jobs).decode(), int(self._clock.now())),
        )
        return jobs

    def begin_due(self, audience: sqlite3.Row) -> list[int]:
        """The same for a time of its schedule: nothing while a build is under way."""
        newest = self._storage.one(
            "SELECT * FROM audience_runs WHERE audience_id = ? ORDER BY id DESC LIMIT 1", audience["id"]
        )
        if newest is not None and self._outcome(orjson.loads(newest["jobs"]))[0] == "running":
            return []
        return self.begin(audience)

    def executions(self, audience_id: int) -> list[dict[str, Any]]:
        """All runs of a parent segment, newest first."""
        rows = self._storage.all("SELECT * FROM audience_runs WHERE audience_id = ? ORDER BY id DESC", audience_id)
        return [self._execution(row) for row in rows]

    def newest(self, audience_id: int) -> Build | None:
        """The newest run that succeeded, or None."""
        for row in self._storage.all("SELECT * FROM audience_runs WHERE audience_id = ? ORDER BY id DESC", audience_id):
            status, finished_at = self._outcome(orjson.loads(row["jobs"]))
            if status == "success" and finished_at is not None:
                return Build(row["id"], orjson.loads(row["document"]), finished_at)
        return None

    def matrix(self, audience_id: int, build: Build, rule_of: Callable[[str], Mapping[str, Any] | None]) -> Matrix:
        """What the rules of its segments may speak of."""
        database = database_of(audience_id)
        customers = self._types(database, CUSTOMERS)
        known = {attribute["matrixColumnName"] for attribute in build.document["attributes"]}
        behaviors = {}
        for behavior in build.document["behaviors"]:
            name = behavior_table(behavior["name"])
            columns = self._types(database, name)
            if columns:
                behaviors[name] = BehaviorTable(
                    columns, key_column(behavior["foreignKey"]), key_column(behavior["foreignKey"])
                )
        return Matrix(
            columns={name: kind for name, kind in customers.items() if name in known},
            behaviors=behaviors,
            rule_of=rule_of,
            timezone=str(build.document["timezone"] or "UTC"),
        )

    def population(self, audience_id: int) -> int:
        """How many customers the last build found."""
        table = self._catalog.shown_table(database_of(audience_id), CUSTOMERS)
        return int(table["count"])

    def _types(self, database: str, name: str) -> dict[str, str]:
        table = self._catalog.find_table(database, name)
        return {} if table is None else {**table.columns, "time": "long"}

    def _columns(self, database: str, table: str) -> list[str]:
        found = self._catalog.find_table(database, table)
        return [] if found is None else [name for name in found.columns if name != "time"]

    def _job(self, database: str, table: str, sql: str) -> NewJob:
        url = f"td://@/{database}/{table}?mode=replace"
        return NewJob(
            type="trino",
            database=database,
            query=sql,
            target=self._sealer.seal(orjson.dumps({"result": url})),
            result=url,
        )

    def _outcome(self, jobs: list[int]) -> tuple[str, float | None]:
        """The status of all jobs together, their exports among them, and when the last one ended."""
        marks = ", ".join("?" * len(jobs))
        rows = self._storage.all(
            f"SELECT status, end_at FROM jobs WHERE id IN ({marks}) OR exported_job IN ({marks})", *jobs, *jobs
        )
        statuses = {row["status"] for row in rows}
        if statuses & _UNFINISHED:
            return "running", None
        ended = max((row["end_at"] or 0.0 for row in rows), default=0.0)
        if "killed" in statuses:
            return "canceled", ended
        return ("success" if statuses == {"success"} else "error"), ended

    def _execution(self, row: sqlite3.Row) -> dict[str, Any]:
        status, finished_at = self._outcome(orjson.loads(row["jobs"]))
        return {
            "workflowId": str(row["audience_id"]),
            "workflowSessionId": str(row["id"]),
            "workflowAttemptId": str(row["id"]),
            "createdAt": iso_text(row["created_at"]),
            "finishedAt": iso_text(finished_at),
            "status": status,
        }


def database_of(audience_id: int) -> str:
    """The database that a parent segment is built into."""
    return f"cdp_audience_{audience_id}"


def key_column(name: str) -> str:
    """The column of a built table that holds the master's key *name*."""
    return f"cdp_key_{name}".lower()


def statements(document: Mapping[str, Any], columns_of: Callable[[str, str], list[str]]) -> Iterator[tuple[str, str]]:
    """Tables and the Trino SQL that fills each.

    columns_of: the columns of a table, by database and name; only asked for behaviours with all columns.
    """
    yield CUSTOMERS, _customers(document)
    for behavior in document["behaviors"]:
        yield behavior_table(behavior["name"]), _behavior(behavior, columns_of)


def _customers(document: Mapping[str, Any]) -> str:
    master = document["master"] or {}
    main = (master.get("parentDatabaseName"), master.get("parentTableName"))
    select = ['CAST(ROW_NUMBER() OVER () AS VARCHAR) AS "cdp_customer_id"']
    joins: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for attribute in document["attributes"]:
        place = (attribute["parentDatabaseName"], attribute["parentTableName"])
        if not attribute["parentKey"] and place in {main, (None, None)}:
            select.append(f"m.{quoted(attribute['parentColumn'])} AS {quoted(attribute['matrixColumnName'])}")
        else:
            joins.setdefault((*place, attribute["parentKey"], attribute["foreignKey"]), []).append(attribute)
    keys = sorted({behavior["foreignKey"] for behavior in document["behaviors"] if behavior["foreignKey"]})
    select += [f"m.{quoted(key)} AS {quoted(key_column(key))}" for key in keys]
    sql = ""
    for number, ((database, table, parent_key, foreign_key), attributes) in enumerate(joins.items()):
        # One row a key, or a customer would become several.
        newest = [f'MAX_BY({quoted(column)}, "time") AS {quoted(column)}' for column in _parent_columns(attributes)]
        rows = f"SELECT {quoted(parent_key)} AS k, {', '.join(newest)} FROM {quoted_path(database, table)} GROUP BY 1"
        sql += f" LEFT JOIN ({rows}) AS j{number} ON j{number}.k = m.{quoted(foreign_key)}"
        select += [
            f"j{number}.{quoted(one['parentColumn'])} AS {quoted(one['matrixColumnName'])}" for one in attributes
        ]
    wheres = [
        f"m.{quoted(str(one.get('columnName')))} IN ({', '.join(text(value) for value in one.get('rightValues') or [])})"
        for one in document["audienceFilters"]
    ]
    where = f" WHERE {' AND '.join(wheres)}" if wheres else ""
    return f"SELECT {', '.join(select)} FROM {quoted_path(*main)} AS m{sql}{where}"


def _parent_columns(attributes: list[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(attribute["parentColumn"] for attribute in attributes))


def _behavior(behavior: Mapping[str, Any], columns_of: Callable[[str, str], list[str]]) -> str:
    place = (behavior["parentDatabaseName"], behavior["parentTableName"])
    if behavior["allColumns"]:
        columns = {name: name for name in columns_of(*place)}
    else:
        columns = {column["parentColumn"]: column["matrixColumnName"] for column in behavior["schema"]}
    select = [f"b.{quoted(parent)} AS {quoted(name)}" for parent, name in columns.items() if name != "time"]
    select += [
        'b."time" AS "time"',
        f"b.{quoted(behavior['parentKey'])} AS {quoted(key_column(behavior['foreignKey']))}",
    ]
    return f"SELECT {', '.join(select)} FROM {quoted_path(*place)} AS b"
