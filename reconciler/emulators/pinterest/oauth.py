"""``/oauth/token`` and ``/oauth/token/revoke``.

Source: openapi.json 5.23.0, oauth/token and token/revoke; code 283 from an issue of pinterest-python-sdk.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from reconciler.emulators.pinterest.refusals import forbidden, invalid, wrong_grant
from reconciler.emulators.pinterest.tokens import ACCESS_S, REFRESH_S, Grant, Tokens
from reconciler.model.json import Json

Rotation = Literal["old_survives", "old_dies", "no_rotation"]


def give_token(tokens: Tokens, form: Mapping[str, str], *, rotation: Rotation, now: float) -> dict[str, Json]:
    """POST /oauth/token: a code, a refresh token or the app itself becomes an access token.

    rotation: what a refresh does to the refresh token.
    now: Unix seconds.

    Raises:
        Refused: 400, 401.
    """
    match form.get("grant_type"):
        case "refresh_token":
            return _refresh(tokens, form, rotation, now)
        case "authorization_code":
            return _exchange(tokens, form, now)
        case "client_credentials":
            scopes = _scopes(_required(form, "scope"))
            return _access(
                "client_credentials", tokens.issue_access(scopes, expires_in=ACCESS_S, is_system_user=True), scopes
            )
        case None:
            raise invalid("'grant_type' is a required property")
        case other:
            raise invalid(f"'grant_type' value {other!r} is not supported")


def revoke_token(tokens: Tokens, form: Mapping[str, str]) -> None:
    """POST /oauth/token/revoke: only for tokens of system users.

    Raises:
        Refused: 400, 403.
    """
    token = _required(form, "token")
    if form.get("token_type_hint", "access_token") not in {"access_token", "refresh_token"}:
        raise invalid("'token_type_hint' is not one of ['access_token', 'refresh_token']")
    grant = tokens.find(token)
    if grant is None or not grant.is_system_user:
        raise forbidden()
    tokens.end(token)


def _refresh(tokens: Tokens, form: Mapping[str, str], rotation: Rotation, now: float) -> dict[str, Json]:
    presented = _required(form, "refresh_token")
    grant = tokens.grant("refresh", presented)
    if grant is None:
        raise wrong_grant()
    scopes = _narrowed(grant, form)
    answer = _access("refresh_token", tokens.issue_access(scopes), scopes)
    if rotation == "no_rotation":
        return answer
    if rotation == "old_dies":
        tokens.end(presented)
    return {**answer, **_continuous(tokens.issue_refresh(grant.scopes), now)}


def _exchange(tokens: Tokens, form: Mapping[str, str], now: float) -> dict[str, Json]:
    code = _required(form, "code")
    grant = tokens.grant("code", code)
    if grant is None or grant.redirect_uri != _required(form, "redirect_uri"):
        raise wrong_grant()
    tokens.end(code)
    answer = _access("authorization_code", tokens.issue_access(grant.scopes), grant.scopes)
    return {**answer, **_continuous(tokens.issue_refresh(grant.scopes), now)}


def _access(response_type: str, token: str, scopes: tuple[str, ...]) -> dict[str, Json]:
    return {
        "response_type": response_type,
        "access_token": token,
        "token_type": "bearer",
        "expires_in": ACCESS_S,
        "scope": " ".join(scopes),
    }


def _continuous(token: str, now: float) -> dict[str, Json]:
    return {
        "refresh_token": token,
        "refresh_token_expires_in": REFRESH_S,
        "refresh_token_expires_at": int(now) + REFRESH_S,
    }


def _narrowed(grant: Grant, form: Mapping[str, str]) -> tuple[str, ...]:
    if "scope" not in form:
        return grant.scopes
    scopes = _scopes(form["scope"])
    if not set(scopes) <= set(grant.scopes):
        raise wrong_grant()
    return scopes


def _scopes(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


def _required(form: Mapping[str, str], name: str) -> str:
    if not form.get(name):
        raise invalid(f"'{name}' is a required property")
    return form[name]
