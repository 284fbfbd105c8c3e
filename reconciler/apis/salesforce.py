"""Salesforce's Bulk API 2.0 for writing rows: jobs, their one upload, and what became of each row. The login to all APIs.

Sources: Bulk API 2.0 guide; OAuth as in Salesforce's help on the client credentials flow. Rows leave as CSV made elsewhere.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

from reconciler.apis.salesforce_bulk1 import Bulk1, SessionHeader
from reconciler.apis.salesforce_query import Queries
from reconciler.errors import Denied, OutcomeUnknown, ProviderError
from reconciler.http.answer import Answer, said
from reconciler.http.client import Client
from reconciler.http.credentials import Credentials, FixedKey
from reconciler.http.dialect import Dialect
from reconciler.http.request import Request, Safety, get, path, send_bytes, send_form, send_json
from reconciler.http.retry import RetryPolicy
from reconciler.model.json import Json
from reconciler.model.secret import Secret
from reconciler.ports.clock import Clock, SystemClock
from reconciler.scrubbing import Scrubber

if TYPE_CHECKING:
    import httpx

ENDED: Final = frozenset({"JobComplete", "Failed", "Aborted"})
_ENDED_BY_QUOTA: Final = frozenset({"REQUEST_LIMIT_EXCEEDED", "ExceededQuota"})
_TRANSIENT: Final = frozenset({"InternalServerError", "Unknown", "Timeout", "TooManyLockFailure"})
"""Codes with which Bulk API 1.0 says, by status 400, that it did not manage."""


_IN_XML: Final = re.compile(rb"<exceptionCode>\s*([A-Za-z]+)\s*</exceptionCode>")
"""How Bulk API 1.0 says what is wrong."""


def _code(answer: Answer) -> str:
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        named = _IN_XML.search(answer.body[:10_000])
        return named[1].decode() if named else ""
    first = body[0] if isinstance(body, list) and body else body
    if not isinstance(first, dict):
        return ""
    return str(first.get("errorCode") or first.get("exceptionCode") or first.get("error") or "")


def _error(answer: Answer) -> type[ProviderError] | None:
    if answer.status != 400:
        return None
    code = _code(answer)
    if code in _TRANSIENT:
        return OutcomeUnknown
    return Denied if code in {"invalid_grant", "invalid_client", "InvalidSessionId"} else None


def _advice(answer: Answer) -> str:
    code = _code(answer)
    if code in _ENDED_BY_QUOTA:
        return "the org's requests of 24 hours are used up: run again later"
    if code in {"invalid_grant", "invalid_client", "INVALID_SESSION_ID", "InvalidSessionId"}:
        return "check the app, its secrets and the user it runs as; client credentials want the org's My Domain as `login_url`"
    if answer.status == 410 or code == "InvalidVersion":
        return "this version of the API is retired: write a newer `api_version`"
    return ""


SALESFORCE: Final = Dialect(
    name="Salesforce",
    request_id_header="x-request-id",
    said=said,
    error=_error,
    advice=_advice,
    is_expired=lambda answer: (
        (answer.status, _code(answer)) in {(401, "INVALID_SESSION_ID"), (400, "InvalidSessionId")}
    ),
)


@dataclass(frozen=True, slots=True)
class BulkJob:
    """A job as it is told. *processed* includes *failed*; *message* is set where the whole job failed."""

    state: str
    processed: int
    failed: int
    message: str


class Granted:
    """Access tokens of an app that acts for itself, asked for anew when one is refused."""

    def __init__(self, client: Client, client_id: Secret, client_secret: Secret) -> None:
        """Ask through *client*, which has no credentials of its own."""
        self._client = client
        self._fields = {
            "grant_type": "client_credentials",
            "client_id": client_id.reveal(),
            "client_secret": client_secret.reveal(),
        }
        self._lock = threading.Lock()
        self._token = ""
        self.instance_url = ""
        for secret in (client_id, client_secret):
            client.scrubber.add(secret)

    def headers(self) -> Mapping[str, str]:
        """The header of the next request.

        Raises:
            Denied: the app is not accepted; repeated tries could lock its user, so none is made.
        """
        with self._lock:
            if not self._token:
                self._ask()
            return {"Authorization": f"Bearer {self._token}"}

    def renew(self, refused: Mapping[str, str]) -> bool:
        """Ask for another token."""
        with self._lock:
            if refused.get("Authorization") == f"Bearer {self._token}":
                self._ask()
            return True

    def _ask(self) -> None:
        request = send_form("POST", "/services/oauth2/token", self._fields, safety=Safety.IDEMPOTENT)
        answer = self._client.json(request)
        told = answer if isinstance(answer, Mapping) else {}
        token, instance = told.get("access_token"), told.get("instance_url")
        if (
            not isinstance(token, str)
            or not isinstance(instance, str)
            or not instance.startswith(("https://", "http://"))
        ):
            raise self._client.unusable(request, "no access token and instance")
        self._client.scrubber.add_token(token)
        self._token, self.instance_url = token, instance


class Salesforce:
    """Bulk writes in one org."""

    def __init__(self, client: Client, version: str, by_session: Client, login: Client | None = None) -> None:
        """Speak through *client*, with Bulk API 1.0 through *by_session*; *login* is closed along with them."""
        self._client = client
        self._others = [by_session] if login is None else [by_session, login]
        self._jobs = path("services", "data", f"v{version}", "jobs", "ingest")
        self.bulk1 = Bulk1(by_session, version)
        self.queries = Queries(client, version)

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
        if not isinstance(told, Mapping) or not isinstance(told.get("id"), str):
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


def connect(
    login_url: str,
    version: str,
    *,
    app: tuple[Secret, Secret] | None = None,
    session: Secret | None = None,
    clock: Clock | None = None,
    policy: RetryPolicy | None = None,
    transport: httpx.BaseTransport | None = None,
) -> Salesforce:
    """A client that logs in first: as *app* (id and secret), or with the *session* of somebody at the instance *login_url*.

    Raises:
        ProviderError: the login fails.
    """
    clock, scrubber = clock or SystemClock(), Scrubber()

    def client(address: str, credentials: Credentials | None) -> Client:
        return Client(
            address,
            SALESFORCE,
            credentials=credentials,
            policy=policy,
            scrubber=scrubber,
            clock=clock,
            transport=transport,
        )

    if app is None:
        if session is None:
            raise TypeError("neither an app nor a session")
        scrubber.add(session)
        key = FixedKey(session)
        return Salesforce(client(login_url, key), version, client(login_url, SessionHeader(key)))
    login = client(login_url, None)
    try:
        granted = Granted(login, *app)
        granted.headers()
    except BaseException:
        login.close()
        raise
    by_session = client(granted.instance_url, SessionHeader(granted))
    return Salesforce(client(granted.instance_url, granted), version, by_session, login)
