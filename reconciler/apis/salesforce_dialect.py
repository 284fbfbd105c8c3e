"""How Salesforce says that something went wrong: in JSON by REST and Bulk API 2.0, in XML by SOAP and Bulk API 1.0.

Sources: REST API guide (error codes), Bulk API guide (exception codes), SOAP API guide (faults of `login`).
"""

from __future__ import annotations

import re
from typing import Final

import orjson

from reconciler.errors import Denied, OutcomeUnknown, Permanent, ProviderError
from reconciler.http.answer import Answer, said
from reconciler.http.dialect import Dialect

_QUOTA: Final = frozenset({"REQUEST_LIMIT_EXCEEDED", "ExceededQuota"})
_TRANSIENT: Final = frozenset({"InternalServerError", "Unknown", "Timeout", "TooManyLockFailure"})
"""Codes with which Bulk API 1.0 says, by status 400, that it did not manage."""
_RETIRED: Final = frozenset({"InvalidVersion", "UNSUPPORTED_API_VERSION", "GONE"})
_SESSION_OVER: Final = frozenset({"INVALID_SESSION_ID", "InvalidSessionId"})
_LOGIN: Final = {
    "INVALID_LOGIN": "check user name, password and security token, and try again by hand: each refusal counts towards a lock of "
    "the user",
    "LOGIN_MUST_USE_SECURITY_TOKEN": "add the user's `security_token`, or have this machine's address trusted in the org",
    "PASSWORD_LOCKOUT": "the user is locked: wait, or have an administrator unlock it, before anything is tried again",
    "INVALID_OPERATION": "this org allows no login by SOAP: write `auth: client_credentials`",
    "INSUFFICIENT_ACCESS": "the user lacks the permission `Use Any API Auth` or `API Enabled`",
    "API_DISABLED_FOR_ORG": "the user lacks the permission `API Enabled`, or the edition of the org has no API",
    "API_CURRENTLY_DISABLED": "the API of this org is switched off at the moment: ask its administrator",
    "invalid_grant": "check the user, and that the app is approved for it; client credentials want a user to run as, and the org's "
    "My Domain as `login_url`",
    "invalid_client": "check `client_id` and `client_secret`: they are those of the app in this org",
    "invalid_client_id": "check `client_id`: it is that of the app in this org",
    "unsupported_grant_type": "this app does not allow such a login: switch its flow on in Salesforce, or write another `auth`",
}
"""Code of a refused login -> what to do."""
_IN_XML: Final = re.compile(rb"<(?:\w+:)?exceptionCode>\s*(?:\w+:)?([A-Za-z_]+)\s*<")
_FAULT_CODE: Final = re.compile(rb"<faultcode>\s*(?:\w+:)?([A-Za-z_]+)\s*</faultcode>")
_FAULT_TEXT: Final = re.compile(rb"<(?:faultstring|(?:\w+:)?exceptionMessage)>\s*([^<]*?)\s*<")
_LOOKED_AT: Final = 10_000
"""Bytes of an answer in which its code stands."""


def code_of(answer: Answer) -> str:
    """The code of a failure, such as ``INVALID_SESSION_ID``; "" when none is told."""
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        head = answer.body[:_LOOKED_AT]
        named = _IN_XML.search(head) or _FAULT_CODE.search(head)
        return named[1].decode() if named else ""
    first = body[0] if isinstance(body, list) and body else body
    if not isinstance(first, dict):
        return ""
    return str(first.get("errorCode") or first.get("exceptionCode") or first.get("error") or "")


def _said(answer: Answer) -> str:
    """A fault by its code and its text, and not by its envelope."""
    text = _FAULT_TEXT.search(answer.body[:_LOOKED_AT])
    if text is None:
        return said(answer)
    words = text[1].decode("utf-8", "replace")
    code = code_of(answer)
    return words if not code or words.startswith(code) else f"{code}: {words}"


def _error(answer: Answer) -> type[ProviderError] | None:
    code = code_of(answer)
    if code in _LOGIN or (answer.status == 400 and code == "InvalidSessionId"):
        return Denied  # also by status 500, which would be sent again otherwise: repeated refusals lock the user
    if code in _QUOTA:
        return Denied  # Bulk API 1.0 says it by status 400, and is no more to blame on what was sent
    if code in _RETIRED or answer.status == 410:
        return Permanent
    if answer.status == 400 and code in _TRANSIENT:
        return OutcomeUnknown
    return None


def _advice(answer: Answer) -> str:
    code = code_of(answer)
    if code in _QUOTA:
        return "the org's requests of 24 hours are used up: run again later"
    if code in _SESSION_OVER:
        return "the session is over and was not renewed: check the app and its user; a `session_id` cannot be renewed"
    if code in _RETIRED or answer.status == 410:
        return "this version of the API is retired: write a newer `api_version`, such as 60.0"
    if answer.status == 409:
        return (
            "a job answers only to the version of the API that made it: write back the `api_version` that the run began "
            "with, let it end, then change it"
        )
    return _LOGIN.get(code, "")


SALESFORCE: Final = Dialect(
    name="Salesforce",
    request_id_header="x-request-id",
    said=_said,
    error=_error,
    advice=_advice,
    is_expired=lambda answer: (
        (answer.status, code_of(answer)) in {(401, "INVALID_SESSION_ID"), (400, "InvalidSessionId")}
    ),
)
