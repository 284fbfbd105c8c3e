"""The embedded service as an account that does otherwise what the vendor's documents leave open: each fact both ways.

What stands around the service rewrites requests and answers, and refuses what such an account would not understand, so that a
client that does not heed the fact fails.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

from stage import Stage

from reconciler.emulators.serving import Server
from reconciler.model.probe import FactName as Fact

CONNECTIONS: Final = re.compile(r"GET /v4/connections")
RESULTS: Final = re.compile(r"GET /v3/result/list")
QUERIES: Final = re.compile(r"GET /v3/schedule/list")
QUERY_WRITES: Final = re.compile(r"POST /v3/schedule/(create|update)/.*")
IMPORTS: Final = re.compile(r"(GET|PUT|POST) /v3/bulk_loads(/[^/]*)?")
USERS: Final = re.compile(r"GET /v3/user/list")
ACCOUNT: Final = re.compile(r"GET /v3/account/show")
PEOPLE: Final = re.compile(r"\w+ /(audiences|entities)(/.*)?")
ENTITIES: Final = re.compile(r"GET /entities/parent_segments")
FOLDERS: Final = re.compile(r"GET /audiences/\d+/folders")
SEGMENTS: Final = re.compile(r"GET /audiences/\d+/segments")
LISTED: Final = re.compile(r"GET /audiences/\d+/syndications")
ACTIVATIONS: Final = re.compile(r"\w+ /audiences/\d+(/segments/\d+)?/syndications(/\d+)?")
PROJECTS: Final = re.compile(r"GET /api/projects")
WORKFLOWS: Final = re.compile(r"\w+ /api/.*")
OTHER_MASK: Final = "hidden-by-the-vendor"
"""A mask that nobody documents."""
_UNITS: Final = ("repeatUnit", "repeatFrequency", "repeatSubFrequency", "startAt")

Each = Callable[[dict[str, Any]], None]
"""Changes one object, or one that was sent, in its place."""


class Refuses(Exception):
    """The account does not understand what was sent."""


@dataclass(frozen=True, slots=True)
class Way:
    """One fact as an account has it that differs from the embedded service.

    at: the calls that it is about. gone: there is no such address. sent: what is done to a body on its way in. told: what is
    done to each object on its way out; *whole* to the answer.
    """

    at: re.Pattern[str]
    gone: bool = False
    sent: Each | None = None
    told: Each | None = None
    whole: Callable[[Any], Any] | None = None


def _without(*names: str) -> Each:
    def take(raw: dict[str, Any]) -> None:
        for name in names:
            raw.pop(name, None)

    return take


def _other_masks(value: Any) -> Any:
    """*value* with the embedded service's masks exchanged, in JSON text and addresses, too."""
    match value:
        case dict():
            return {name: _other_masks(one) for name, one in value.items()}
        case list():
            return [_other_masks(one) for one in value]
        case str():
            return value.replace("***", OTHER_MASK)
        case _:
            return value


def _modeless(raw: dict[str, Any]) -> None:
    raw.get("config", {}).get("out", {}).pop("mode", None)


def _trino_as_presto(raw: dict[str, Any]) -> None:
    raw["type"] = "presto" if raw["type"] == "trino" else raw["type"]


def _preset_expanded(raw: dict[str, Any]) -> None:
    raw["cron"] = {"@daily": "0 0 * * *", "@hourly": "0 * * * *"}.get(raw["cron"], raw["cron"])


def _sunday_in(raw: dict[str, Any]) -> None:
    if 7 in (raw.get("repeatSubFrequency") or []):
        raise Refuses("repeatSubFrequency: 7 is no weekday")
    if "repeatSubFrequency" in raw:
        raw["repeatSubFrequency"] = [day or 7 for day in raw["repeatSubFrequency"]]


def _sunday_out(raw: dict[str, Any]) -> None:
    raw["repeatSubFrequency"] = sorted(day % 7 for day in raw.get("repeatSubFrequency") or [])


def _units_in(raw: dict[str, Any]) -> None:
    if raw.keys() & set(_UNITS):
        raise Refuses("repeatUnit is not known")


def _units_out(raw: dict[str, Any]) -> None:
    """Weeks as the cron that older objects have."""
    if raw.get("repeatUnit") == "week":
        hour, minute = raw["startAt"][11:16].split(":")
        days = ",".join(str(day) for day in sorted(day % 7 for day in raw["repeatSubFrequency"]))
        raw |= {"scheduleType": "cron", "scheduleOption": f"{int(minute)} {int(hour)} * * {days}"}
    _without(*_UNITS)(raw)


def _pairs_in(raw: dict[str, Any]) -> None:
    if raw.get("result_connection_id"):
        raise Refuses("result_connection_id is not known")


def _versioned(raw: dict[str, Any]) -> None:
    raw["engine_version"] = "stable"


def _urgent(raw: dict[str, Any]) -> None:
    raw["priority"] = 5 if raw["name"] == "urgent" else raw["priority"]


def _another_id(answer: Any) -> Any:
    answer["account"]["id"] = 77
    return answer


def _another_number(raw: dict[str, Any]) -> None:
    raw["id"] += 1000


def _ruleless(raw: dict[str, Any]) -> None:
    raw["rule"] = {}


WAYS: Final[Mapping[Fact, Way]] = {
    Fact.CONNECTIONS_LISTED: Way(CONNECTIONS, gone=True),
    Fact.CONNECTION_IDS_AGREE: Way(CONNECTIONS, told=_another_number),
    Fact.CONNECTION_SECRETS_MASKED: Way(CONNECTIONS, whole=_other_masks),
    Fact.RESULTS_HOLD_CONNECTIONS: Way(RESULTS, whole=lambda _answer: {"results": []}),
    Fact.QUERY_IDS_LISTED: Way(QUERIES, told=_without("id")),
    Fact.TRINO_KEPT: Way(QUERIES, told=_trino_as_presto),
    Fact.PRESETS_KEPT: Way(QUERIES, told=_preset_expanded),
    Fact.ENGINE_VERSIONS_TOLD: Way(QUERIES, told=_versioned),
    Fact.PRIORITIES_IN_RANGE: Way(QUERIES, told=_urgent),
    Fact.QUERY_PAIRS_TAKEN: Way(QUERY_WRITES, sent=_pairs_in),
    Fact.QUERY_SECRETS_MASKED: Way(QUERIES, whole=_other_masks),
    Fact.IMPORT_MODES_TOLD: Way(IMPORTS, told=_modeless),
    Fact.IMPORT_SECRETS_MASKED: Way(IMPORTS, whole=_other_masks),
    Fact.USERS_LISTED: Way(USERS, told=_without("email")),
    Fact.KEY_TELLS_ACCOUNT: Way(ACCOUNT, whole=_another_id),
    Fact.CUSTOMER_DATA_ANSWERS: Way(PEOPLE, gone=True),
    Fact.ENTITIES_ANSWER: Way(ENTITIES, gone=True),
    Fact.FOLDER_PARENTS_TOLD: Way(FOLDERS, told=_without("parentFolderId")),
    Fact.SEGMENT_RULES_LISTED: Way(SEGMENTS, told=_ruleless),
    Fact.ACTIVATION_DETAILS_LISTED: Way(LISTED, told=_without("connectorConfig", "columns")),
    Fact.ACTIVATION_SECRETS_MASKED: Way(ACTIVATIONS, whole=_other_masks),
    Fact.REPEAT_UNITS_TOLD: Way(ACTIVATIONS, sent=_units_in, told=_units_out),
    Fact.SUNDAY_IS_SEVEN: Way(ACTIVATIONS, sent=_sunday_in, told=_sunday_out),
    Fact.WORKFLOWS_ANSWER: Way(WORKFLOWS, gone=True),
    Fact.ARCHIVE_SUMS_TOLD: Way(PROJECTS, told=_without("archiveMd5")),
}
"""Fact -> the other way of it."""


@dataclass
class OtherAccount:
    """An ASGI application around *service*, which does *otherwise* what these facts are about."""

    service: Any
    otherwise: frozenset[Fact] = frozenset()
    heard: list[str] = field(default_factory=list)
    """``METHOD path`` of each request."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        call = f"{scope['method']} {scope['path']}"
        self.heard.append(call)
        ways = [WAYS[fact] for fact in sorted(self.otherwise) if WAYS[fact].at.fullmatch(call)]
        body = await _body(receive)
        try:
            _take(body)
            if any(way.gone for way in ways):
                status, told = 404, b'{"error": "there is no such address", "message": "there is no such address"}'
            else:
                headers = dict(scope["headers"])
                status, told = await self._answer(scope, _rewritten(body, headers, ways))
        except Refuses as refusal:
            status, told = 422, json.dumps({"error": str(refusal), "message": str(refusal)}).encode()
        if status < 300 and ways:
            told = _retold(told, ways)
        headers_out = [(b"content-type", b"application/json"), (b"content-length", str(len(told)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers_out})
        await send({"type": "http.response.body", "body": told})

    async def _answer(self, scope: Any, body: bytes) -> tuple[int, bytes]:
        status, pieces = 500, []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def keep(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                pieces.append(message.get("body", b""))

        plain = [
            (name, value) for name, value in scope["headers"] if name not in {b"accept-encoding", b"content-length"}
        ]
        length = (b"content-length", str(len(body)).encode())
        await self.service({**scope, "headers": [*plain, length]}, receive, keep)
        return status, b"".join(pieces)


def _take(body: bytes) -> None:
    """As a service that detects a mask that comes back."""
    if OTHER_MASK.encode() in body:
        raise Refuses("a mask was sent back, and the secret below it would be lost")


async def _body(receive: Any) -> bytes:
    pieces, more = [], True
    while more:
        message = await receive()
        pieces.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(pieces)


def _rewritten(body: bytes, headers: Mapping[bytes, bytes], ways: list[Way]) -> bytes:
    changes = [way.sent for way in ways if way.sent]
    if not changes or not body:
        return body
    if b"json" not in headers.get(b"content-type", b""):
        for change in changes:
            change(dict(parse_qsl(body.decode())))
        return body
    sent = json.loads(body)
    for change in changes:
        change(sent)
    return json.dumps(sent).encode()


def _retold(body: bytes, ways: list[Way]) -> bytes:
    answer = json.loads(body)
    for way in ways:
        if way.whole:
            answer = way.whole(answer)
        if way.told:
            for raw in _objects(answer):
                way.told(raw)
    return json.dumps(answer).encode()


def _objects(answer: Any) -> list[dict[str, Any]]:
    """Those of a list, those of the one list that an object is of, or the object itself."""
    if isinstance(answer, list):
        return answer
    lists = [one for one in answer.values() if isinstance(one, list)]
    return lists[0] if len(answer) == 1 and lists else [answer]


@contextmanager
def account_of(stage: Stage, *otherwise: Fact) -> Iterator[tuple[OtherAccount, str, str]]:
    """The project's own service as an account on the network: what answers, its address, and its key."""
    with stage.opened() as runtime:
        assert runtime.embedded is not None
        account = OtherAccount(runtime.embedded.application(), frozenset(otherwise))
        with Server(account) as server:
            yield account, server.url, runtime.embedded.api_key()
