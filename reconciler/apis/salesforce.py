"""Salesforce's Bulk API 2.0 for writing rows, and beside it what else is asked of one org: jobs, their one upload, and what became
of each row.

Source: Bulk API 2.0 guide. Rows leave as CSV made elsewhere; who logs in stands in `salesforce_login`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.apis.salesforce_bulk1 import Bulk1
from reconciler.apis.salesforce_describe import Descriptions
from reconciler.apis.salesforce_query import Queries
from reconciler.http.client import Client
from reconciler.http.request import Request, Safety, get, path, send_bytes, send_json
from reconciler.model.json import Json

ENDED: Final = frozenset({"JobComplete", "Failed", "Aborted"})


@dataclass(frozen=True, slots=True)
class BulkJob:
    """A job as it is told. *processed* includes *failed*; *message* is set where the whole job failed."""

    state: str
    processed: int
    failed: int
    message: str


class Salesforce:
    """Bulk writes in one org."""

    def __init__(self, client: Client, version: str, by_session: Client, login: Client | None = None) -> None:
        """Speak through *client*, with Bulk API 1.0 through *by_session*; *login* is closed along with them."""
        self._client = client
        self._others = [by_session] if login is None else [by_session, login]
        self._jobs = path("services", "data", f"v{version}", "jobs", "ingest")
        self.bulk1 = Bulk1(by_session, version)
        self.queries = Queries(client, version)
        self.descriptions = Descriptions(client, version)

    def close(self) -> None:
        """Close connections."""
        for client in (self._client, *self._others):
            client.close()

    def create(self, sobject: str, operation: str, key: str) -> str:
        """Open a job. Repeated after a lost answer: an open job without rows does nothing, and is removed after seven days."""
        wish = {"object": sobject, "operation": operation, "contentType": "CSV", "lineEnding": "LF"}
        if key:
            wish["externalIdFieldName"] = key
        request = send_json("POST", self._jobs, wish, safety=Safety.IDEMPOTENT)
        told = self._client.json(request)
        if not isinstance(told, Mapping) or not isinstance(told.get("id"), str) or not told["id"]:
            raise self._client.unusable(request, "a job without id")
        return str(told["id"])

    def upload(self, job: str, rows: bytes) -> None:
        """Send the job's rows. OutcomeUnknown: give the job up and open another, for this one was not started."""
        self._client.send(send_bytes("PUT", f"{self._jobs}{path(job)}/batches", rows, "text/csv", safety=Safety.ONCE))

    def start(self, job: str) -> None:
        """Have the job's rows processed. After a lost answer, read the job."""
        self._client.json(self._state(job, "UploadComplete", Safety.ONCE))

    def abort(self, job: str) -> None:
        """Give a job up that was not started."""
        self._client.json(self._state(job, "Aborted", Safety.IDEMPOTENT))

    def job(self, job: str) -> BulkJob:
        """How far a job is."""
        request = get(f"{self._jobs}{path(job)}")
        told = self._client.json(request)
        if not isinstance(told, Mapping) or not isinstance(told.get("state"), str):
            raise self._client.unusable(request, "a job without state")
        processed, failed = (_count(told.get(name)) for name in ("numberRecordsProcessed", "numberRecordsFailed"))
        return BulkJob(str(told["state"]), processed, failed, str(told.get("errorMessage") or ""))

    def failed(self, job: str) -> bytes:
        """CSV of the rows that were refused, each with Salesforce's code."""
        return self._client.send(get(f"{self._jobs}{path(job)}/failedResults")).body

    def unprocessed(self, job: str) -> bytes:
        """CSV of the rows that were not looked at."""
        return self._client.send(get(f"{self._jobs}{path(job)}/unprocessedrecords")).body

    def _state(self, job: str, state: str, safety: Safety) -> Request:
        return send_json("PATCH", f"{self._jobs}{path(job)}", {"state": state}, safety=safety)


def _count(value: Json) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
