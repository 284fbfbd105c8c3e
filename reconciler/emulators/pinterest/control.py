"""``/_control``: what a test, or somebody in the console, can see and do that the API cannot, besides what `console` has.

================================= ======================================================================================
GET    /                           accounts, besides what `console` tells
DELETE /faults/{id}                one
POST   /tokens                     ``{"scopes": [], "expires_in": seconds, "is_system_user": false}`` → an access token
POST   /codes                      ``{"redirect_uri": "", "scopes": []}`` → an authorisation code
DELETE /tokens/{kind}              end all tokens of kind ``access``, ``refresh`` or ``code``
PUT    /accounts/{id}              ``{"name": "", "permissions": []}``; permissions may be empty: known, but no role
DELETE /accounts/{id}
GET    /lists                      all lists with the number of members and of those matched
POST   /lists                      ``{"ad_account_id", "name", "records"?, "list_type"?}``
PATCH  /lists/{id}                 ``{"name"}``
DELETE /lists/{id}
GET    /lists/{id}/members         ``{"members": [hex digests, sorted]}``
GET    /lists/{id}/members/digest  ``{"number", "sha256"}`` of the sorted digests joined; for large lists
GET    /audiences                  all audiences, removed ones too
POST   /audiences                  ``{"ad_account_id", "name", "customer_list_id", "description"?}``
PATCH  /audiences/{id}             ``{"name"?, "description"?, "rule"?}``
DELETE /audiences/{id}
PUT    /objects/{collection}/{id}    fields of a campaign, ad group, …, with its `ad_account_id`; see `promotions.TYPES`
DELETE /objects/{collection}/{id}
POST   /metrics                    ``{"ad_account_id", "level", "id", "date", "values": {column: number}, "by"?: {column: value}}``;
                                   again to correct; `by` tells rows apart, as in ``{"TARGETING_TYPE": "GENDER",
                                   "TARGETING_VALUE": "female"}`` of levels that end in _TARGETING
================================= ======================================================================================

Answers are JSON; 400 says what was wrong with a request, 404 that the object is not there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from reconciler.emulators.console import Console, Named
from reconciler.emulators.pinterest import records
from reconciler.emulators.pinterest.objects import Account, Audience, CustomerList
from reconciler.emulators.pinterest.promotions import LEVELS, Metrics
from reconciler.emulators.pinterest.tokens import ACCESS_S, SCOPES

if TYPE_CHECKING:
    from reconciler.emulators.pinterest.app import Pinterest

Answer = Callable[[Request, Any], object]


class _Asked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class _Nothing(_Asked):
    pass


class _Token(_Asked):
    scopes: tuple[str, ...] = SCOPES
    expires_in: int = ACCESS_S
    is_system_user: bool = False


class _Code(_Asked):
    redirect_uri: str
    scopes: tuple[str, ...] = SCOPES


class _Account(_Asked):
    name: str
    permissions: tuple[str, ...] = ("OWNER",)


class _List(_Asked):
    ad_account_id: str
    name: str
    records: str = ""
    list_type: str = "EMAIL"


class _Name(_Asked):
    name: str


class _Audience(_Asked):
    ad_account_id: str
    name: str
    customer_list_id: str
    description: str | None = None


class _Metrics(_Asked):
    ad_account_id: str
    level: str
    id: str
    date: date
    values: Mapping[str, int | float]
    by: Mapping[str, str | int] = Field(default_factory=dict)


class _AudienceChange(_Asked):
    name: str | None = None
    description: str | None = None
    rule: Mapping[str, Any] | None = None


def control_routes(pinterest: Pinterest) -> list[Route]:
    """The routes that control *pinterest*."""
    console = _Console(pinterest)
    return [
        *console.routes(),
        _route("DELETE", "/faults/{id:int}", _Nothing, console.disarm_one),
        _route("POST", "/tokens", _Token, console.issue_token),
        _route("POST", "/codes", _Code, console.issue_code),
        _route("DELETE", "/tokens/{kind}", _Nothing, console.end_tokens),
        _route("PUT", "/accounts/{id}", _Account, console.put_account),
        _route("DELETE", "/accounts/{id}", _Nothing, console.delete_account),
        _route("GET", "/lists", _Nothing, console.lists),
        _route("POST", "/lists", _List, console.create_list),
        _route("PATCH", "/lists/{id}", _Name, console.rename_list),
        _route("DELETE", "/lists/{id}", _Nothing, console.delete_list),
        _route("GET", "/lists/{id}/members", _Nothing, console.members),
        _route("GET", "/lists/{id}/members/digest", _Nothing, console.members_digest),
        _route("GET", "/audiences", _Nothing, console.audiences),
        _route("POST", "/audiences", _Audience, console.create_audience),
        _route("PATCH", "/audiences/{id}", _AudienceChange, console.change_audience),
        _route("DELETE", "/audiences/{id}", _Nothing, console.delete_audience),
        _route("PUT", "/objects/{collection}/{id}", None, console.put_object),
        _route("DELETE", "/objects/{collection}/{id}", _Nothing, console.delete_object),
        _route("POST", "/metrics", _Metrics, console.add_metrics),
    ]


def _route(method: str, path: str, asked: type[_Asked] | None, answer: Answer) -> Route:
    """A route whose body must be *asked*; None hands it over as it is."""

    async def endpoint(request: Request) -> Response:
        try:
            body = orjson.loads(await request.body() or b"{}")
            result = answer(request, body if asked is None else asked.model_validate(body))
        except (ValidationError, ValueError) as error:
            return _json({"error": str(error)}, 400)
        except KeyError as error:
            return _json({"error": f"not there: {error}"}, 404)
        return _json(result)

    handler: Callable[[Request], Awaitable[Response]] = endpoint
    return Route(path, handler, methods=[method])


def _json(value: object, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")


class _Console(Console):
    """What stands behind the routes. A KeyError is an id that is not there, a ValueError a request that makes no sense."""

    def __init__(self, pinterest: Pinterest) -> None:
        super().__init__(pinterest)
        self._pinterest = pinterest
        self._world = pinterest.world

    def overview(self, named: Named, asked: Named) -> dict[str, object]:
        """Also the accounts."""
        accounts = [account.shown() for account in self._world.accounts.values()]
        return super().overview(named, asked) | {"accounts": accounts}

    def disarm_one(self, request: Request, _asked: _Nothing) -> object:
        if not self._pinterest.faults.disarm(request.path_params["id"]):
            raise KeyError(request.path_params["id"])
        return {}

    def issue_token(self, _request: Request, asked: _Token) -> object:
        token = self._pinterest.tokens.issue_access(
            asked.scopes, expires_in=asked.expires_in, is_system_user=asked.is_system_user
        )
        return {"access_token": token}

    def issue_code(self, _request: Request, asked: _Code) -> object:
        return {"code": self._pinterest.tokens.issue_code(asked.scopes, asked.redirect_uri)}

    def end_tokens(self, request: Request, _asked: _Nothing) -> object:
        self._pinterest.tokens.end_all(request.path_params["kind"])
        return {}

    def put_account(self, request: Request, asked: _Account) -> object:
        account = Account(request.path_params["id"], asked.name, permissions=asked.permissions)
        self._world.accounts[account.id] = account
        return account.shown()

    def delete_account(self, request: Request, _asked: _Nothing) -> object:
        del self._world.accounts[request.path_params["id"]]
        return {}

    def lists(self, _request: Request, _asked: _Nothing) -> object:
        self._world.tick()
        return {"lists": [self._list(item) for item in self._world.lists.values()]}

    def create_list(self, _request: Request, asked: _List) -> object:
        if asked.list_type not in records.PLAIN_KINDS:
            raise ValueError(f"no such list type: {asked.list_type!r}")
        account = self._world.accounts[asked.ad_account_id]
        batch = records.read(asked.records, asked.list_type)
        return self._list(self._world.add_list(account.id, asked.name, asked.list_type, batch))

    def rename_list(self, request: Request, asked: _Name) -> object:
        target = self._world.lists[request.path_params["id"]]
        self._world.rename_list(target, asked.name)
        return self._list(target)

    def delete_list(self, request: Request, _asked: _Nothing) -> object:
        self._world.delete_list(self._world.lists[request.path_params["id"]])
        return {}

    def members(self, request: Request, _asked: _Nothing) -> object:
        members = self._world.lists[request.path_params["id"]].members
        return {"members": [digest.hex() for digest in members.digests()]}

    def members_digest(self, request: Request, _asked: _Nothing) -> object:
        members = self._world.lists[request.path_params["id"]].members
        return {"number": len(members), "sha256": hashlib.sha256(b"".join(members.digests())).hexdigest()}

    def audiences(self, _request: Request, _asked: _Nothing) -> object:
        self._world.tick()
        return {"audiences": [item.shown() for item in self._world.audiences.values()]}

    def create_audience(self, _request: Request, asked: _Audience) -> object:
        account = self._world.accounts[asked.ad_account_id]
        source = self._world.lists[asked.customer_list_id]
        return self._world.add_audience(
            account.id,
            name=asked.name,
            audience_type="CUSTOMER_LIST",
            rule={"customer_list_id": source.id},
            description=asked.description,
        ).shown()

    def change_audience(self, request: Request, asked: _AudienceChange) -> object:
        target: Audience = self._world.audiences[request.path_params["id"]]
        self._world.change_audience(target, name=asked.name, description=asked.description, rule=asked.rule)
        return target.shown()

    def delete_audience(self, request: Request, _asked: _Nothing) -> object:
        self._world.delete_audience(self._world.audiences[request.path_params["id"]])
        return {}

    def put_object(self, request: Request, asked: object) -> object:
        if not isinstance(asked, dict):
            raise ValueError("an object has fields")  # noqa: TRY004 - answered with 400 like all that makes no sense
        self._world.accounts[asked.get("ad_account_id", "")]
        return self._world.promotions.put(request.path_params["collection"], request.path_params["id"], asked)

    def delete_object(self, request: Request, _asked: _Nothing) -> object:
        del self._world.promotions.objects[request.path_params["collection"]][request.path_params["id"]]
        return {}

    def add_metrics(self, _request: Request, asked: _Metrics) -> object:
        account = self._world.accounts[asked.ad_account_id]
        if asked.level not in LEVELS:
            raise ValueError(f"no such level: {asked.level!r}")
        day = asked.date.isoformat()
        told = Metrics(account.id, asked.level, asked.id, day, dict(asked.values), dict(asked.by))
        self._world.promotions.add_metrics(told)
        return {}

    def _list(self, item: CustomerList) -> dict[str, object]:
        matched = item.members.matched(self._world.knobs.match_ratio)
        return {**item.shown(), "list_type": item.list_type, "members": len(item.members), "matched": matched}
