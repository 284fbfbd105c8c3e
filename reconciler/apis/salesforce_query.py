"""Salesforce read by SOQL: a few rows by REST, many by the query jobs of Bulk API 2.0. All of it comes back as CSV.

Sources: REST API guide (query), Bulk API 2.0 guide (query jobs, from version 47.0 on).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from reconciler.http.client import Client
from reconciler.http.request import Request, Safety, get, path, send_json
from reconciler.model.json import Json

OLDEST_WITH_JOBS: Final = 47
PAGE_ROWS: Final = 100_000
"""Of one file of results; of two short columns that is about 5 MB."""


class Queries:
    """Questions to one org."""

    def __init__(self, client: Client, version: str) -> None:
        """Speak *version*, such as ``60.0``."""
        self._client = client
        self._data = path("services", "data", f"v{version}")

    def rows(self, soql: str, columns: Sequence[str]) -> Iterator[bytes]:
        """What *soql* finds, of *columns*, a CSV file a page."""
        request = get(f"{self._data}/query/", {"q": soql})
        while True:
            told = self._client.json(request)
            records = told.get("records") if isinstance(told, Mapping) else None
            if not isinstance(told, Mapping) or not isinstance(records, list):
                raise self._client.unusable(request, "no records")
            yield _csv(columns, records)
            following = told.get("nextRecordsUrl")
            if told.get("done") is True or not isinstance(following, str) or not following.startswith("/services/"):
                return
            request = get(following)

    def begin(self, soql: str) -> str:
        """Begin to read rows in a job, and return it. Repeated freely: it changes nothing."""
        request = send_json(
            "POST", f"{self._data}/jobs/query", {"operation": "query", "query": soql}, safety=Safety.READ
        )
        return self._needed(request=request, told=self._client.json(request), name="id")

    def state(self, job: str) -> tuple[str, str]:
        """State of a query's job, and what went wrong with it."""
        request = get(f"{self._data}/jobs/query{path(job)}")
        told = self._client.json(request)
        message = str(told.get("errorMessage") or "") if isinstance(told, Mapping) else ""
        return self._needed(request=request, told=told, name="state"), message

    def pages(self, job: str) -> Iterator[bytes]:
        """What a job found, in CSV files with a header each."""
        locator = ""
        while True:
            where = {"maxRecords": str(PAGE_ROWS), **({"locator": locator} if locator else {})}
            answer = self._client.send(get(f"{self._data}/jobs/query{path(job)}/results", where))
            yield answer.body
            locator = answer.headers.get("sforce-locator") or "null"
            if locator == "null":
                return

    def _needed(self, *, request: Request, told: Json, name: str) -> str:
        value = told.get(name) if isinstance(told, Mapping) else None
        if not isinstance(value, str) or not value:
            raise self._client.unusable(request, f"no `{name}`")
        return value


def _csv(columns: Sequence[str], records: Sequence[Json]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(columns)
    for one in records:
        if isinstance(one, Mapping):
            named = {name.lower(): value for name, value in one.items()}
            writer.writerow([_as_text(named.get(name.lower())) for name in columns])
    return text.getvalue().encode()


def _as_text(value: Json) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def quoted(value: str) -> str:
    """*value* as a string of SOQL."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r") + "'"
