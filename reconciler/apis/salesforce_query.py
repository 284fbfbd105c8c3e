"""Salesforce read by SOQL: a few rows by REST, many by the query jobs of Bulk API 2.0. All of it comes back as CSV.

Sources: REST API guide (query), Bulk API 2.0 guide (query jobs, from version 47.0 on).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.http.client import Client
from reconciler.http.request import Request, Safety, get, path, send_json
from reconciler.model.json import Json

OLDEST_WITH_JOBS: Final = 47
_PAGE_ROWS: Final = 100_000
"""Of one file of results; of two short columns that is about 5 MB."""


@dataclass(frozen=True, slots=True)
class QueryJob:
    """A query's job as it is told. *message* is set where it failed; *records* is how many it found, None where nobody says."""

    state: str
    message: str
    records: int | None


class Queries:
    """Questions to one org."""

    def __init__(self, client: Client, version: str) -> None:
        """Speak *version*, such as ``60.0``."""
        self._client = client
        self._data = path("services", "data", f"v{version}")

    def rows(self, soql: str, columns: Sequence[str]) -> Iterator[bytes]:
        """What *soql* finds, of *columns*, a CSV file a page.

        Raises:
            Transient: the pages are not all that was found.
        """
        request = get(f"{self._data}/query/", {"q": soql})
        seen = 0
        while True:
            told = self._client.json(request)
            records = told.get("records") if isinstance(told, Mapping) else None
            if not isinstance(told, Mapping) or not isinstance(records, list):
                raise self._client.unusable(request, "no records")
            yield _csv(columns, records)
            seen += sum(isinstance(one, Mapping) for one in records)
            following, total = told.get("nextRecordsUrl"), told.get("totalSize")
            if told.get("done") is True:
                if seen != total:
                    raise self._client.unusable(request, f"{seen} records of {total}")
                return
            if not isinstance(following, str) or not following.startswith("/services/") or not records:
                raise self._client.unusable(request, "no way to the records that follow")
            request = get(following)

    def begin(self, soql: str) -> str:
        """Begin to read rows in a job, and return it. Repeated freely: it changes nothing."""
        request = send_json(
            "POST", f"{self._data}/jobs/query", {"operation": "query", "query": soql}, safety=Safety.READ
        )
        return self._needed(request=request, told=self._client.json(request), name="id")

    def job(self, job: str) -> QueryJob:
        """How far a query's job is."""
        request = get(f"{self._data}/jobs/query{path(job)}")
        told = self._client.json(request)
        state = self._needed(request=request, told=told, name="state")
        values = told if isinstance(told, Mapping) else {}
        records = values.get("numberRecordsProcessed")
        return QueryJob(state, str(values.get("errorMessage") or ""), records if isinstance(records, int) else None)

    def pages(self, job: str) -> Iterator[bytes]:
        """What a job found, in CSV files with a header each.

        Raises:
            Transient: a page leads to one that was there already.
        """
        locator, passed = "", set[str]()
        while True:
            where = {"maxRecords": str(_PAGE_ROWS), **({"locator": locator} if locator else {})}
            request = get(f"{self._data}/jobs/query{path(job)}/results", where)
            answer = self._client.send(request)
            yield answer.body
            locator = answer.headers.get("sforce-locator") or "null"
            if locator == "null":
                return
            if locator in passed:
                raise self._client.unusable(request, "a page that was there already for the next one")
            passed.add(locator)

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
