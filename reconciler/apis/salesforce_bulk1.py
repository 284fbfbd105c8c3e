"""Salesforce's Bulk API 1.0: jobs made of batches, whose results come back row by row in the order sent.

The only bulk API below version 41.0, and in any version the only one that works on one batch at a time. Source: Bulk API guide;
namespace and order of elements as in Salesforce's own Java client (forcedotcom/wsc). Jobs are spoken of in XML, rows in CSV.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from reconciler.errors import Permanent
from reconciler.http.client import Client
from reconciler.http.credentials import Credentials
from reconciler.http.request import Request, Safety, get, path, send_bytes

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from reconciler.http.answer import Answer

BATCH_ENDED: Final = frozenset({"Completed", "Failed", "NotProcessed"})
_NAMESPACE: Final = "http://www.force.com/2009/06/asyncapi/dataload"


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it is told. *processed* includes *failed*; *message* is set where the whole batch failed."""

    id: str
    state: str
    processed: int
    failed: int
    message: str


class SessionHeader:
    """The credentials of Salesforce's other APIs, in the header that this one reads."""

    def __init__(self, bearer: Credentials) -> None:
        """Take the token of *bearer*, which sends it as ``Authorization: Bearer``."""
        self._bearer = bearer

    def headers(self) -> Mapping[str, str]:
        """The header of the next request."""
        return {"X-SFDC-Session": self._bearer.headers()["Authorization"].removeprefix("Bearer ")}

    def renew(self, refused: Mapping[str, str]) -> bool:
        """Have the token renewed."""
        return self._bearer.renew({"Authorization": f"Bearer {refused.get('X-SFDC-Session', '')}"})


class Bulk1:
    """Jobs of one org. *client* sends a `SessionHeader`."""

    def __init__(self, client: Client, version: str) -> None:
        """Speak *version*, such as ``32.0``."""
        self._client = client
        self._jobs = path("services", "async", version, "job")

    def create(self, sobject: str, operation: str, key: str = "", *, serial: bool = False) -> str:
        """Open a job. Repeated after a lost answer: a job without batches does nothing."""
        wish = {
            "operation": operation,
            "object": sobject,
            **({"externalIdFieldName": key} if key else {}),
            "concurrencyMode": "Serial" if serial else "Parallel",
            "contentType": "CSV",
        }
        request = self._told(self._jobs, wish, Safety.IDEMPOTENT)
        return self._needed(request, self._xml(request), "id")

    def add(self, job: str, rows: bytes) -> str:
        """Add a batch of CSV, which begins at once. OutcomeUnknown: look for it by `batches` and `sent` before adding it again."""
        request = send_bytes("POST", f"{self._jobs}{path(job, 'batch')}", rows, "text/csv; charset=UTF-8")
        return self._needed(request, self._xml(request), "id")

    def batches(self, job: str) -> list[Batch]:
        """All batches of a job, in no order that means anything."""
        request = get(f"{self._jobs}{path(job, 'batch')}")
        return [
            Batch(
                self._needed(request, one, "id"),
                self._needed(request, one, "state"),
                self._count(request, one, "numberRecordsProcessed"),
                self._count(request, one, "numberRecordsFailed"),
                _text(one, "stateMessage"),
            )
            for one in self._xml(request).iter(f"{{{_NAMESPACE}}}batchInfo")
        ]

    def sent(self, job: str, batch: str) -> bytes:
        """The CSV that a batch was made of."""
        return self._client.send(get(f"{self._jobs}{path(job, 'batch', batch, 'request')}")).body

    def result(self, job: str, batch: str) -> list[str]:
        """For each row of a batch, in order: "" where it was taken, else the code it was refused with.

        The messages behind the codes may quote values, and stay here.
        """
        request = get(f"{self._jobs}{path(job, 'batch', batch, 'result')}")
        answer = self._client.send(request)
        # The limit is one of the whole process, and less than a message that quotes the longest of values.
        csv.field_size_limit(max(csv.field_size_limit(), len(answer.body) + 1))
        rows = csv.reader(io.StringIO(answer.body.decode("utf-8", errors="replace"), newline=""), strict=False)
        head = [name.lower() for name in next(rows, [])]
        if "success" not in head or "error" not in head:
            raise self._client.unusable(request, "results without the columns Success and Error")
        success, error = head.index("success"), head.index("error")
        return [
            "" if row[success].lower() == "true" else row[error].partition(":")[0].strip() or "UNKNOWN_EXCEPTION"
            for row in rows
            if len(row) > max(success, error)
        ]

    def state(self, job: str) -> str:
        """Open, Closed, Aborted or Failed."""
        request = get(f"{self._jobs}{path(job)}")
        return self._needed(request, self._xml(request), "state")

    def close(self, job: str) -> None:
        """Say that no batch follows. It may be closed already, by a request of which no answer came."""
        try:
            self._xml(self._told(f"{self._jobs}{path(job)}", {"state": "Closed"}, Safety.IDEMPOTENT))
        except Permanent:
            if self.state(job) == "Open":
                raise

    def abort(self, job: str) -> None:
        """Give a job up; what its batches did stays done."""
        self._xml(self._told(f"{self._jobs}{path(job)}", {"state": "Aborted"}, Safety.IDEMPOTENT))

    def query(self, sobject: str, soql: str) -> str:
        """Begin to read rows, and return the job. Repeated freely, so that several of its batches may be the same question."""
        job = self.create(sobject, "query")
        at = f"{self._jobs}{path(job, 'batch')}"
        self._xml(send_bytes("POST", at, soql.encode(), "text/csv; charset=UTF-8", safety=Safety.READ))
        self.close(job)
        return job

    def query_results(self, job: str, batch: str) -> Iterator[bytes]:
        """What a batch of a query found, in CSV files with a header each."""
        request = get(f"{self._jobs}{path(job, 'batch', batch, 'result')}")
        found = [one.text or "" for one in self._xml(request).iter(f"{{{_NAMESPACE}}}result")]
        for one in found:
            yield self._client.send(get(f"{self._jobs}{path(job, 'batch', batch, 'result', one)}")).body

    def _told(self, at: str, wish: Mapping[str, str], safety: Safety) -> Request:
        members = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in wish.items())
        text = f'<?xml version="1.0" encoding="UTF-8"?><jobInfo xmlns="{_NAMESPACE}">{members}</jobInfo>'
        return send_bytes("POST", at, text.encode(), "application/xml; charset=UTF-8", safety=safety)

    def _xml(self, request: Request) -> Element:
        answer = self._client.send(request)
        try:
            return _parsed(answer)
        except (ET.ParseError, ValueError) as error:
            raise self._client.unusable(request, "what is no XML of the Bulk API") from error

    def _count(self, request: Request, told: Element, name: str) -> int:
        text = _text(told, name) or "0"
        if not (text.isascii() and text.isdecimal()):
            raise self._client.unusable(request, f"a `{name}` that is no number")
        return int(text)

    def _needed(self, request: Request, told: Element, name: str) -> str:
        text = _text(told, name)
        if not text:
            raise self._client.unusable(request, f"no `{name}`")
        return text


def _parsed(answer: Answer) -> Element:
    if b"<!DOCTYPE" in answer.body:
        raise ValueError("a document type, which no answer of this API has")
    return ET.fromstring(answer.body)  # noqa: S314 - without a document type there are no entities to grow


def _text(told: Element, name: str) -> str:
    return (told.findtext(f"{{{_NAMESPACE}}}{name}") or "").strip()
