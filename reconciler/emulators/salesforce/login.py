"""Logging in: OAuth's token endpoint, and SOAP's ``login()``. Source: OAuth flows, SOAP API developer guide."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import parse_qsl
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from starlette.responses import Response

from reconciler.emulators.salesforce import ids
from reconciler.emulators.salesforce.call import Call, in_json
from reconciler.emulators.salesforce.sessions import GrantError
from reconciler.emulators.salesforce.versions import LAST_WITH_SOAP, is_served

_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns="urn:partner.soap.sforce.com" xmlns:sf="urn:fault.partner.soap.sforce.com" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>'
)
_INVALID = "Invalid username, password, security token; or user locked out."


def token(call: Call) -> Response:
    """``POST /services/oauth2/token``."""
    asked = dict(parse_qsl(call.body.decode(errors="replace"), keep_blank_values=True))
    scheme, _, told = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(told, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            name = secret = ""
        asked |= {"client_id": name, "client_secret": secret}
    try:
        granted = call.world.sessions.granted(asked, call.world.knobs, call.host)
    except GrantError as error:
        status = 401 if error.code == "invalid_client" else 400
        return in_json({"error": error.code, "error_description": error.description}, status)
    return in_json(
        {
            **granted,
            "instance_url": call.host,
            "id": f"{call.host}/id/{ids.ORG_ID}/{ids.USER_ID}",
            "token_type": "Bearer",
            "issued_at": str(int(call.world.timeline.now() * 1000)),
            "signature": "RkFLRQ==",
            "scope": "api",
        }
    )


def soap(call: Call) -> Response:
    """``POST /services/Soap/u/{version}``: ``login()`` and nothing else."""
    world, version = call.world, call.version
    if not is_served(version):
        return _fault("UNSUPPORTED_API_VERSION", "Invalid Api version specified on URL")
    if float(version) > LAST_WITH_SOAP or not world.knobs.soap_login:
        return _fault("INVALID_OPERATION", "SOAP API login() is disabled by default in this org.")
    said = _said(call.body)
    if "login" not in said:
        return _fault("INVALID_OPERATION", "the request is no XML that calls login()")
    username, password = said.get("username", ""), said.get("password", "")
    world.sessions.logins.append("soap")
    if world.sessions.knows(username, password, world.knobs):
        return _xml(_result(call, world.sessions.begin(world.knobs.session_s)), 200)
    right = world.sessions.credentials
    lacks_token = username == right.username and password == right.password
    return _fault("LOGIN_MUST_USE_SECURITY_TOKEN" if lacks_token else "INVALID_LOGIN", _INVALID)


def _said(body: bytes) -> dict[str, str]:
    """Texts of all elements by name without namespace; {} for what is no harmless XML."""
    if b"<!" in body:
        return {}
    try:
        root = ET.fromstring(body)  # noqa: S314 - what could grow is refused above
    except ET.ParseError:
        return {}
    return {one.tag.rpartition("}")[2]: one.text or "" for one in root.iter()}


def _result(call: Call, session: str) -> str:
    seconds = int(call.world.knobs.session_s)
    server = escape(f"{call.host}/services/Soap/u/{call.version}/{ids.ORG_ID}")
    return (
        f"<loginResponse><result><metadataServerUrl>{server.replace('/u/', '/m/')}</metadataServerUrl>"
        f"<passwordExpired>false</passwordExpired><sandbox>false</sandbox><serverUrl>{server}</serverUrl>"
        f"<sessionId>{escape(session)}</sessionId><userId>{ids.USER_ID}</userId><userInfo>"
        f"<organizationId>{ids.ORG_ID}</organizationId><sessionSecondsValid>{seconds}</sessionSecondsValid>"
        f"<userId>{ids.USER_ID}</userId></userInfo></result></loginResponse>"
    )


def _fault(code: str, message: str) -> Response:
    told = f"<sf:exceptionCode>{code}</sf:exceptionCode><sf:exceptionMessage>{escape(message)}</sf:exceptionMessage>"
    return _xml(
        f"<soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {escape(message)}</faultstring>"
        f'<detail><sf:LoginFault xsi:type="sf:LoginFault">{told}</sf:LoginFault></detail></soapenv:Fault>',
        500,
    )


def _xml(body: str, status: int) -> Response:
    return Response(_ENVELOPE.format(body=body).encode(), status, {"content-type": "text/xml;charset=UTF-8"})
