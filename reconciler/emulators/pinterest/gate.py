"""What every request has to pass before anybody answers it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import Response

from reconciler.emulators.answering import bearer
from reconciler.emulators.interference import EXCHANGE, FAULTS
from reconciler.emulators.pinterest import oauth
from reconciler.emulators.pinterest.call import Call
from reconciler.emulators.pinterest.limits import Limits
from reconciler.emulators.pinterest.objects import WRITERS, Account
from reconciler.emulators.pinterest.refusals import (
    Refused,
    account_not_found,
    forbidden,
    invalid,
    missing_scope,
    too_large,
    unauthenticated,
)
from reconciler.emulators.pinterest.tokens import Tokens
from reconciler.emulators.pinterest.world import World
from reconciler.emulators.traffic import Exchange
from reconciler.model.json import Json

_ID = re.compile(r"[0-9]{1,18}")
_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. *category* is that of its rate limit; one of *roles* is needed where there are some."""

    method: str
    path: str
    scope: str
    category: str
    answer: Callable[[Call], Json]
    roles: frozenset[str] = frozenset()

    @property
    def writes(self) -> bool:
        """Whether it needs a body and a role that may write."""
        return self.method != "GET"


class Gate:
    """Lets requests through to the operations, or refuses them as Pinterest would."""

    def __init__(self, world: World, tokens: Tokens, limits: Limits) -> None:
        """Guard *world*."""
        self._world = world
        self._tokens = tokens
        self._limits = limits

    async def pass_on(self, operation: Operation, request: Request) -> Response:
        """Answer a request for *operation*."""
        body = await self._read(request)
        headers: dict[str, str] = {}
        try:
            headers = self._use(operation.category)
            self._authorize(operation, request)
            account = self._account(operation, request)
            call = Call(
                world=self._world,
                path=request.url.path,
                ids=request.path_params,
                query=request.query_params,
                body=_json(request, body) if operation.writes else {},
                account=account,
                faults=request.scope.get(FAULTS, ()),
                lists={name: tuple(request.query_params.getlist(name)) for name in request.query_params},
                origin=f"{request.url.scheme}://{request.url.netloc}",
            )
            if operation.writes:
                self._note(request, call.body)
            self._world.tick()
            answer = operation.answer(call)
        except Refused as refused:
            refused.headers = {**headers, **refused.headers}
            return refused.response()
        return Response(orjson.dumps(answer), headers=headers, media_type=_JSON)

    async def give_token(self, request: Request) -> Response:
        """Answer POST /oauth/token."""

        def give(form: Mapping[str, str]) -> Response:
            answer = oauth.give_token(self._tokens, form, rotation=self._world.knobs.refresh, now=self._world.now())
            return Response(orjson.dumps(answer), media_type=_JSON)

        return await self._for_app("org_read", request, give)

    async def revoke_token(self, request: Request) -> Response:
        """Answer POST /oauth/token/revoke."""

        def revoke(form: Mapping[str, str]) -> Response:
            oauth.revoke_token(self._tokens, form)
            return Response()

        return await self._for_app("org_write", request, revoke)

    def headers(self, category: str) -> dict[str, str]:
        """Rate limit headers for an answer that counts nothing."""
        return self._limits.headers(category, self._world.knobs.rate_tier, self._world.knobs.rate_limits)

    async def _for_app(
        self, category: str, request: Request, answer: Callable[[Mapping[str, str]], Response]
    ) -> Response:
        body = await self._read(request)
        headers: dict[str, str] = {}
        try:
            headers = self._use(category)
            if not self._tokens.knows_app(request.headers.get("authorization", "")):
                raise unauthenticated()
            response = answer(_form(request, body))
        except Refused as refused:
            refused.headers = {**headers, **refused.headers}
            return refused.response()
        response.headers.update(headers)
        return response

    def _use(self, category: str) -> dict[str, str]:
        return self._limits.use(category, self._world.knobs.rate_tier, self._world.knobs.rate_limits)

    def _authorize(self, operation: Operation, request: Request) -> None:
        grant = self._tokens.grant("access", bearer(request.headers.get("authorization", "")))
        if grant is None:
            raise unauthenticated()
        if operation.scope not in grant.scopes:
            raise missing_scope()

    def _account(self, operation: Operation, request: Request) -> Account | None:
        for name, value in request.path_params.items():
            if not _ID.fullmatch(value):
                raise Refused(400, 1, f"'{name}' value '{value}' must match the pattern: ^\\d+$")
        account_id = request.path_params.get("ad_account_id")
        if account_id is None:
            return None
        account = self._world.accounts.get(account_id)
        if account is None:
            raise account_not_found()
        needed = operation.roles or (WRITERS if operation.writes else frozenset(account.permissions))
        if needed.isdisjoint(account.permissions):
            raise forbidden()
        return account

    async def _read(self, request: Request) -> bytes | Refused:
        """The body, or the refusal when it is over the limit; read to its end in both cases."""
        limit = self._world.knobs.body_limit_bytes
        chunks: list[bytes] = []
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size <= limit:
                chunks.append(chunk)
        return b"".join(chunks) if size <= limit else too_large(limit)

    def _note(self, request: Request, body: Mapping[str, Json]) -> None:
        exchange = request.scope.get(EXCHANGE)
        if not self._world.knobs.journal_bodies or not isinstance(exchange, Exchange):
            return
        records = body.get("records")
        number = sum(map(bool, records.split(","))) if isinstance(records, str) else 0
        exchange.body = {**body, "records": f"({number} records)"} if "records" in body else body


def _is(request: Request, media_type: str) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == media_type


def _json(request: Request, body: bytes | Refused) -> Mapping[str, Json]:
    if isinstance(body, Refused):
        raise body
    if not _is(request, _JSON):
        raise invalid("the body must be application/json")
    try:
        parsed: Json = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise invalid("the body is not JSON") from None
    if not isinstance(parsed, dict):
        raise invalid("the body is not an object")
    return parsed


def _form(request: Request, body: bytes | Refused) -> Mapping[str, str]:
    if isinstance(body, Refused):
        raise body
    if not _is(request, _FORM):
        raise invalid("the body must be application/x-www-form-urlencoded")
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True))
    except UnicodeDecodeError:
        raise invalid("the body is not a form") from None
