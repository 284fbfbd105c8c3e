"""Logging in with a password, by SOAP. Salesforce ends it with Summer '27, and no version from 65.0 on has it.

Source: SOAP API developer guide, `login()` of the partner WSDL. The session that it gives is good for every other API.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from reconciler.apis.salesforce_login import LetIn, LogIn, safe_instance
from reconciler.errors import Denied
from reconciler.http.client import Client
from reconciler.http.request import Safety, path, send_bytes
from reconciler.model.salesforce import LAST_WITH_SOAP_LOGIN
from reconciler.model.secret import Secret

_PARTNER: Final = "urn:partner.soap.sforce.com"
_ENVELOPE: Final = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Body>'
    '<n1:login xmlns:n1="{partner}"><n1:username>{username}</n1:username><n1:password>{password}</n1:password></n1:login>'
    "</env:Body></env:Envelope>"
)


def by_password(client: Client, version: str, username: str, password: Secret, token: Secret | None) -> LogIn:
    """A user with its password, and its security token behind that where the address is not trusted.

    version: of the API; a newer one than the last that has such logins logs in by that.
    """
    # A line end is what an editor leaves in a file of secrets; blanks may be the user's.
    joined = password.reveal().rstrip("\r\n") + (token.reveal().strip() if token else "")
    for secret in (username, password, token, joined):
        if secret is not None:
            client.scrubber.add(secret)
    served = min(int(version.partition(".")[0]), LAST_WITH_SOAP_LOGIN)
    body = _ENVELOPE.format(partner=_PARTNER, username=escape(username), password=escape(joined)).encode()
    # Never sent again once it may have arrived: refused logins are counted, and lock the user.
    asked = send_bytes(
        "POST", path("services", "Soap", "u", f"{served}.0"), body, "text/xml; charset=UTF-8", safety=Safety.ONCE
    ).with_headers({"SOAPAction": "login", "Accept": "text/xml"})

    def log_in() -> LetIn:
        told = client.send(asked).body
        found = _result(told)
        session, server = found.get("sessionId", ""), found.get("serverUrl", "")
        if found.get("passwordExpired") == "true":
            raise Denied(
                "Salesforce: the user's password is expired", hint="set a new one in Salesforce, then put it down here"
            )
        parts = urlsplit(server)
        if not session or not parts.netloc:
            raise client.unusable(asked, "no session and server")
        client.scrubber.add_token(session)
        return LetIn(session, safe_instance(f"{parts.scheme}://{parts.netloc.replace('-api.', '.', 1)}"))

    return log_in


def _result(body: bytes) -> dict[str, str]:
    """Elements of the answer's `result`, by name without namespace; {} for what is no such answer."""
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        return {}  # SOAP has neither, and entities can make a small answer grow without bound
    try:
        root = ET.fromstring(body)  # noqa: S314 - what could grow is refused above
    except ET.ParseError:
        return {}
    result = next(root.iter(f"{{{_PARTNER}}}result"), None)
    return {} if result is None else {one.tag.rpartition("}")[2]: (one.text or "").strip() for one in result}
