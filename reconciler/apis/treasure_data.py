"""Treasure Data's v3 and v4 HTTP APIs, as far as the provider needs them.

Answers are returned as the vendor told them (`Raw`); only their outer shape is checked, so that ten thousand saved queries
cost one request and no parsing of those nobody asked about. Paths and fields are those that td-client sends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import orjson

from reconciler.apis.treasure_data_answers import unexpected
from reconciler.apis.treasure_data_endpoint import path
from reconciler.errors import Conflict, NotFound, Permanent
from reconciler.http.client import Client
from reconciler.http.request import Request, Safety, get, send_empty, send_form, send_json
from reconciler.model.json import Json
from reconciler.scrubbing import Scrubber

Raw: TypeAlias = Mapping[str, Json]
"""One object of an answer."""
Fields: TypeAlias = Mapping[str, str | int]
"""Form fields of a v3 request."""


class TreasureData:
    """One account, spoken to through *http* (see `treasure_data_connect.connect`). Safe for many threads.

    Reads are repeated when they fail for a while, and so are writes of which twice is as once. What makes an object is sent
    once: OutcomeUnknown then says that it may or may not be there, and whoever asked looks.
    """

    def __init__(self, http: Client) -> None:
        """Keep *http*; nothing is sent yet."""
        self._http = http

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        return self._http.calls

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    @property
    def scrubber(self) -> Scrubber:
        """What keeps secrets out of texts that come from the vendor."""
        return self._http.scrubber

    def user(self) -> Raw:
        """The user of the key."""
        return self._object(get("/v3/user/show"), "id")

    def users(self) -> list[Raw]:
        """All users of the account, with their ids and addresses."""
        return self._list(get("/v3/user/list"), "users", "id")

    def account(self) -> Raw:
        """The account itself; its `id` among others. Source: td-client-ruby, api/account.rb."""
        told = self._object(get("/v3/account/show"), "account")["account"]
        return told if isinstance(told, dict) else {}

    # Databases and tables

    def databases(self) -> list[Raw]:
        """All databases."""
        return self._list(get("/v3/database/list"), "databases", "name")

    def create_database(self, name: str) -> Raw:
        """Make a database. Conflict when there is one of that name."""
        return self._once("/v3/database/create" + path(name), {})

    def delete_database(self, name: str) -> None:
        """Remove a database with all its tables; NotFound when there is none."""
        self._repeatable("/v3/database/delete" + path(name), {})

    def tables(self, database: str) -> list[Raw]:
        """The tables of *database* with their descriptions; NotFound when there is no such database."""
        return self._list(get("/v3/table/list" + path(database), {"include_descriptions": "true"}), "tables", "name")

    def create_table(self, database: str, table: str, fields: Fields) -> Raw:
        """Make a table. *fields*: `schema`, `expire_days`, `description`."""
        return self._once(f"/v3/table/create{path(database, table)}/log", fields)

    def update_table(self, database: str, table: str, fields: Fields) -> Raw:
        """Change `expire_days` or `description`."""
        return self._repeatable("/v3/table/update" + path(database, table), fields)

    def update_schema(self, database: str, table: str, schema: str) -> Raw:
        """Exchange the columns; *schema* is JSON text of ``[name, type]`` or ``[name, type, alias]`` entries."""
        return self._repeatable("/v3/table/update-schema" + path(database, table), {"schema": schema})

    def rename_table(self, database: str, old: str, new: str) -> None:
        """Rename a table; never repeated, for the second try would miss the old name."""
        self._once("/v3/table/rename" + path(database, old, new), {})

    def move_table(self, database: str, table: str, destination: str) -> None:
        """Put a table with its rows into another database; never repeated, for the second try would miss it."""
        self._once("/v3/table/change_database" + path(database, table), {"dest_database_name": destination})

    def delete_table(self, database: str, table: str) -> None:
        """Remove a table and its rows."""
        self._repeatable("/v3/table/delete" + path(database, table), {})

    # Saved queries: "schedules" in the vendor's paths

    def saved_queries(self) -> list[Raw]:
        """All saved queries of the account, scheduled or not, in one answer; there is no reading of a single one."""
        return self._list(get("/v3/schedule/list"), "schedules", "name")

    def create_saved_query(self, name: str, fields: Fields) -> Raw:
        """Make a saved query. *fields*: `type`, `database`, `query` and what else is wanted."""
        return self._once("/v3/schedule/create" + path(name), fields)

    def update_saved_query(self, name: str, fields: Fields) -> Raw:
        """Change only *fields*. With a new `name` it is never repeated, for the second try would miss the old one."""
        send = self._once if "name" in fields else self._repeatable
        return send("/v3/schedule/update" + path(name), fields)

    def delete_saved_query(self, name: str) -> None:
        """Remove a saved query."""
        self._repeatable("/v3/schedule/delete" + path(name), {})

    def saved_query_history(self, name: str, count: int) -> list[Raw]:
        """The newest *count* runs."""
        query = {"from": "0", "to": str(count)}
        return self._list(get("/v3/schedule/history" + path(name), query), "history", "job_id")

    def run_saved_query(self, name: str, scheduled_at: int, domain_key: str) -> str:
        """Run it once as of *scheduled_at* (Unix seconds) and return the job's id; repeatable by *domain_key*."""
        address = f"/v3/schedule/run{path(name)}/{scheduled_at}"
        return self._job_of(_form(address, {"num": 1, "domain_key": domain_key}, Safety.IDEMPOTENT), domain_key)

    # Bulk loads

    def bulk_loads(self) -> list[Raw]:
        """All bulk-load sessions."""
        return self._list(get("/v3/bulk_loads"), "bulk_loads", "name")

    def bulk_load(self, name: str) -> Raw:
        """One bulk-load session."""
        return self._object(get("/v3/bulk_loads" + path(name)), "name")

    def create_bulk_load(self, body: Raw) -> Raw:
        """Make a bulk-load session."""
        return self._object(send_json("POST", "/v3/bulk_loads", body), "name")

    def update_bulk_load(self, name: str, body: Raw) -> Raw:
        """Change only what stands in *body*; what the session remembers (`config_diff`) stays."""
        address = "/v3/bulk_loads" + path(name)
        safety = Safety.ONCE if "name" in body else Safety.IDEMPOTENT
        return self._object(send_json("PUT", address, body, safety=safety), "name")

    def delete_bulk_load(self, name: str) -> None:
        """Remove a session."""
        self._http.send(send_empty("DELETE", "/v3/bulk_loads" + path(name)))

    def bulk_load_jobs(self, name: str) -> list[Raw]:
        """The runs of a session."""
        return self._list(get(f"/v3/bulk_loads{path(name)}/jobs"), "jobs", "job_id")

    def run_bulk_load(self, name: str, domain_key: str) -> str:
        """Run it now and return the job's id; repeatable by *domain_key*."""
        address = f"/v3/bulk_loads{path(name)}/jobs"
        request = send_json("POST", address, {"domain_key": domain_key}, safety=Safety.IDEMPOTENT)
        return self._job_of(request, domain_key)

    def preview_bulk_load(self, config: Raw) -> Raw:
        """Columns and first rows of what a session with *config* would read: ``schema`` and ``records``. Keeps nothing."""
        return self._object(
            send_json("POST", "/v3/bulk_loads/preview", {"config": config}, safety=Safety.READ), "schema"
        )

    # Connections

    def connection_id(self, name: str) -> str:
        """The id of the connection called *name*; NotFound when there is none."""
        return str(self._object(get("/v3/connections/lookup", {"name": name}), "id")["id"])

    def connections(self) -> list[Raw]:
        """All connections, secrets masked. Undocumented by the vendor."""
        return self._list(get("/v4/connections"), "connections", "id")

    def results(self) -> list[Raw]:
        """All results with their `url`, passwords hidden. Whether connections made in the console are among them is open."""
        return self._list(get("/v3/result/list"), "results", "name")

    def create_connection(self, body: Raw) -> Raw:
        """Make a connection. Source: the acceptance test TdResultExportIT of digdag."""
        return self._object(send_json("POST", "/v4/connections", body), "id")

    def update_connection(self, connection_id: str, body: Raw) -> Raw:
        """Exchange a connection's settings as a whole."""
        address = "/v4/connections" + path(connection_id)
        return self._object(send_json("PUT", address, body), "id")

    def delete_connection(self, connection_id: str) -> None:
        """Remove a connection."""
        self._http.send(send_empty("DELETE", "/v4/connections" + path(connection_id)))

    # Jobs

    def issue_job(self, engine: str, database: str, fields: Fields, domain_key: str) -> str:
        """Run SQL (`query` in *fields*) and return the job's id; repeatable by *domain_key*."""
        address = "/v3/job/issue" + path(engine, database)
        return self._job_of(_form(address, {**fields, "domain_key": domain_key}, Safety.IDEMPOTENT), domain_key)

    def job(self, job_id: str) -> Raw:
        """A job with its log."""
        return self._object(get("/v3/job/show" + path(job_id)))

    def kill_job(self, job_id: str) -> None:
        """Ask that a job end; one that has ended stays as it is."""
        self._repeatable("/v3/job/kill" + path(job_id), {})

    def job_rows(self, job_id: str) -> list[Json]:
        """The result of a finished query, a list of values a row. For results that fit in memory."""
        request = get("/v3/job/result" + path(job_id), {"format": "json"})
        try:
            return [orjson.loads(line) for line in self._http.send(request).body.splitlines() if line.strip()]
        except orjson.JSONDecodeError:
            # Rows may hold personal data, so nothing of them is shown.
            raise Permanent(f"treasure_data: GET {request.path} answered with rows that are not JSON") from None

    def retry_export(self, job_id: str) -> None:
        """Finish the export of a job that is over. Only the embedded service can; elsewhere there is no such address."""
        self._once("/v3/job/retry_export" + path(job_id), {})

    # What all calls share

    def _once(self, address: str, fields: Fields) -> Raw:
        return self._object(_form(address, fields, Safety.ONCE))

    def _repeatable(self, address: str, fields: Fields) -> Raw:
        return self._object(_form(address, fields, Safety.IDEMPOTENT))

    def _object(self, request: Request, key: str = "") -> Raw:
        """An answer that is an object and has *key*; an answer without a body is an empty one."""
        answer = self._http.json(request)
        told = {} if answer is None and not key else answer
        if not isinstance(told, dict) or (key and told.get(key) is None):
            raise unexpected(request, answer, key or "an object", self.scrubber)
        return told

    def _list(self, request: Request, name: str, key: str) -> list[Raw]:
        """The objects in an answer that is a list, or holds one as *name*; each has *key*."""
        answer = self._http.json(request)
        listed = answer.get(name) if isinstance(answer, dict) else answer
        if not isinstance(listed, list) or not all(isinstance(entry, dict) and key in entry for entry in listed):
            raise unexpected(request, answer, f"a list of {name}, each with its {key}", self.scrubber)
        return listed

    def _job_of(self, request: Request, domain_key: str) -> str:
        """The id of the job that *request* starts, or that an earlier one with the same key has started."""
        try:
            answer = self._object(request)
        except Conflict as conflict:
            return self._started_before(domain_key, conflict)
        jobs = answer.get("jobs")
        told = jobs[0] if isinstance(jobs, list) and jobs else answer
        job_id = told.get("job_id") if isinstance(told, dict) else None
        if job_id is None:
            raise unexpected(request, answer, "a job's id", self.scrubber)
        return str(job_id)

    def _started_before(self, domain_key: str, conflict: Conflict) -> str:
        try:
            return str(self._object(get("/v3/job/status_by_domain_key" + path(domain_key)), "job_id")["job_id"])
        except NotFound:
            raise conflict from None


def _form(address: str, fields: Fields, safety: Safety) -> Request:
    """A v3 write. Without fields it has no body and no type, as td-client sends it."""
    if not fields:
        return send_empty("POST", address, safety=safety)
    return send_form("POST", address, {name: str(value) for name, value in fields.items()}, safety=safety)
