"""Whatever passes the door of the emulated org, XML too, held against the published shapes of bodies: ours and other people's."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from openapi_contract import ABSENT, CONTRACTS
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.emulators.salesforce.sandbox import SalesforceSandbox
from reconciler.emulators.salesforce.sessions import Credentials

SCHEMAS = CONTRACTS / "salesforce-bulk.json"
# Single records are REST that no export uses.
_UNDESCRIBED = re.compile(r"/sobjects/\w+(/[^/]+){0,2}/?$")
_MORE = re.compile(r"(?<!/jobs)/(query/[^/]+|queryAll(/[^/]+)?)$")
"""Further pages, and what was deleted too: answered as a first page is."""
_NAMESPACE = "{http://www.force.com/2009/06/asyncapi/dataload}"


@dataclass
class Exchange:
    """What was asked, and how it was answered."""

    method: str
    path: str
    kind: str
    request: bytes
    status: int
    answer_kind: str
    answer: bytes


class Door:
    """Notes what passes to *app*. *exchanges*: so far."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.exchanges: list[Exchange] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        taken, given = bytearray(), bytearray()
        start: dict[str, Any] = {}

        async def taking() -> Message:
            message = await receive()
            taken.extend(message.get("body", b""))
            return message

        async def giving(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            given.extend(message.get("body", b""))
            await send(message)

        await self._app(scope, taking, giving)
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        told = {name.decode().lower(): value.decode() for name, value in start.get("headers", ())}
        self.exchanges.append(
            Exchange(
                scope["method"],
                scope["path"],
                headers.get("content-type", ""),
                _unpacked(taken, headers),
                start.get("status", 0),
                told.get("content-type", ""),
                _unpacked(given, told),
            )
        )

    def violations(self) -> list[str]:
        """What in any exchange is not as published."""
        return [f"{one.method} {one.path}: {what}" for one in self.exchanges for what in _violations(one)]


@contextmanager
def guarded(credentials: Credentials) -> Iterator[SalesforceSandbox]:
    """An org at whose door everything is held against the published shapes, unless a test damages it on purpose.

    Without the shapes a test is what it is, and this part of it is told as skipped.
    """
    doors: list[Door] = []

    def door(app: ASGIApp) -> ASGIApp:
        doors.append(Door(app))
        return doors[0]

    with SalesforceSandbox(credentials, door=door) as running:
        yield running
        is_disturbed = any(one["faults"] for one in running.control.traffic())
    if is_disturbed:
        return
    if not SCHEMAS.exists():
        pytest.skip(ABSENT)
    assert doors[0].violations() == []


def _unpacked(body: bytearray, headers: dict[str, str]) -> bytes:
    return gzip.decompress(body) if headers.get("content-encoding") == "gzip" and body else bytes(body)


@cache
def _contract() -> dict[str, Any]:
    told: dict[str, Any] = json.loads(SCHEMAS.read_text("utf-8"))
    return told


def _violations(one: Exchange) -> Iterator[str]:
    if one.path.startswith("/_control"):
        return
    path = _MORE.sub("/query", one.path.rstrip("/"))
    ends = [
        end
        for end in _contract()["x-endpoints"]
        if end["method"] == one.method and _pattern(end["path"]).fullmatch(path)
    ]
    if not ends:
        if one.status != 404 and not _UNDESCRIBED.search(one.path):
            yield "no such endpoint is published"
        return
    if one.status >= 400:
        yield from _unlike_a_refusal(one)
        return
    if one.status == 304:  # to who knows it already
        return
    if not any(one.status == end["status"] for end in ends):
        yield f"answered {one.status}"
    requests = {str(end.get("request", "")) for end in ends}
    if any(shape.startswith("#/$defs/") for shape in requests) and one.request and "multipart" not in one.kind:
        yield from _one_of(requests, one.kind, one.request)
    # A job that comes with its rows is told without a place for them, as the guide shows it.
    answers = {"#/$defs/bulk2JobShort"} if "multipart" in one.kind else {str(end.get("response", "")) for end in ends}
    if (
        all(shape.startswith("#/$defs/") for shape in answers)
        and "csv" not in one.answer_kind
        and "/Soap/" not in one.path
    ):
        yield from _one_of(answers, one.answer_kind, one.answer)


def _unlike_a_refusal(one: Exchange) -> Iterator[str]:
    if one.status >= 500 or "/Soap/" in one.path:
        return
    shape = "bulk1Error" if "/async/" in one.path else "oauthError" if "/oauth2/" in one.path else "restErrors"
    yield from _unlike(shape, one.answer_kind, one.answer)


def _one_of(shapes: set[str], kind: str, body: bytes) -> Iterator[str]:
    known = [shape.removeprefix("#/$defs/") for shape in shapes if shape.startswith("#/$defs/")]
    found = {shape: list(_unlike(shape, kind, body)) for shape in known}
    if found and all(found.values()):
        yield from next(iter(found.values()))


def _unlike(shape: str, kind: str, body: bytes) -> Iterator[str]:
    value = _from_xml(shape, body) if "xml" in kind else json.loads(body)
    schema = {"$ref": f"#/$defs/{shape}", "$defs": _contract()["$defs"]}
    for error in jsonschema.Draft202012Validator(schema).iter_errors(value):
        yield f"{shape}{error.json_path.removeprefix('$')}: {error.message[:200]}"


def _from_xml(shape: str, body: bytes) -> Any:
    root = ET.fromstring(body)  # noqa: S314 - what our own emulator said
    if shape == "bulk1Results":
        return [
            {"success": _cast(one.findtext(f"{_NAMESPACE}success")), "created": _cast(one.findtext(f"{_NAMESPACE}created")),
             "id": one.findtext(f"{_NAMESPACE}id"), "errors": []}
            for one in root
        ]  # fmt: skip
    if shape == "bulk1QueryResultIds":
        return [one.text for one in root]
    if shape == "bulk1BatchInfoList":
        return {"batchInfo": [_flat(one) for one in root]}
    return _flat(root)


def _flat(element: ET.Element) -> dict[str, Any]:
    return {child.tag.removeprefix(_NAMESPACE): _cast(child.text) for child in element}


def _cast(text: str | None) -> Any:
    if text in {"true", "false"}:
        return text == "true"
    if text is not None and re.fullmatch(r"\d{1,9}(\.\d)?", text):
        return float(text) if "." in text else int(text)
    return text or ""


@cache
def _pattern(path: str) -> re.Pattern[str]:
    bare = path.partition("?")[0].replace("{version}", "VERSION")
    parts = re.split(r"\{\w+\}", bare)
    return re.compile("[^/]+".join(re.escape(part) for part in parts).replace("VERSION", r"\d+\.\d"), re.IGNORECASE)
