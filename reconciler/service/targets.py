"""Where the rows of a query go: the forms a client may write, and what a run makes of them.

JSON text with `type`, a URL, the name of a connection, or the id of a connection with settings on top.
Sources: td toolbelt help ("Result URL or JSON"), td-client-java `TDJobRequest`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from reconciler.model.json import Json
from reconciler.service.answers import ApiError, invalid
from reconciler.service.connections import Connections
from reconciler.service.masking import MASK, holds_mask, masked, masked_result
from reconciler.service.ports import Sealer
from reconciler.service.requests import Call


@dataclass(frozen=True, slots=True)
class Target:
    """A target as stored: *sealed* is None when there is none; the rest is what may be read back."""

    sealed: bytes | None = field(default=None, repr=False)
    result: str = ""
    connection_id: str | None = None
    settings: str | None = None


@dataclass(frozen=True, slots=True)
class Export:
    """A target resolved for a run, credentials in clear."""

    type: str
    settings: Mapping[str, Json] = field(repr=False)


NO_TARGET = Target()


def read_target(call: Call, sealer: Sealer, connections: Connections) -> Target | None:
    """The target that a request names, `NO_TARGET` when it empties it, None when it does not speak of it.

    Raises:
        ApiError: 422 for a target that cannot be understood, 404 for a connection that does not exist.
    """
    connection_id, settings = call.text("result_connection_id"), call.text("result_connection_settings")
    if connection_id:
        return _pair(connection_id, settings or "{}", sealer, connections)
    if settings and settings != "{}":
        raise ApiError(422, "'result_connection_id' parameter is required with 'result_connection_settings'")
    if "result" not in call.fields:
        return NO_TARGET if "result_connection_id" in call.fields else None
    result = call.text("result").strip()
    if not result:
        return NO_TARGET
    if result.startswith("{"):
        _typed(result)
    elif "://" not in result and connections.find(result) is None:
        raise invalid("Result is neither a URL, nor JSON, nor the name of a connection")
    return Target(sealer.seal(orjson.dumps({"result": result})), masked_result(result))


def resolve(sealed: bytes, sealer: Sealer, connections: Connections) -> Export:
    """The export that a stored target means now.

    Raises:
        ApiError: the connection it names is gone.
    """
    stored: dict[str, Any] = orjson.loads(sealer.open(sealed))
    if "connection_id" in stored:
        connection = connections.open(stored["connection_id"])
        return Export(connection.type, {**connection.settings, **stored["settings"]})
    result: str = stored["result"]
    if result.startswith("{"):
        settings = _typed(result)
        return Export(str(settings.pop("type")), settings)
    if "://" in result:
        return _of_url(result)
    named = connections.find(result)
    if named is None:
        raise invalid(f"Result names the connection {result!r}, which does not exist")
    return _of_url(named.url) if named.url else Export(named.type, named.settings)


def _pair(connection_id: str, settings: str, sealer: Sealer, connections: Connections) -> Target:
    if not connection_id.isdecimal():
        raise invalid(f"Result connection is not an id: {connection_id!r}")
    connections.get(connection_id)
    parsed = _object(settings, "Result connection settings")
    sealed = sealer.seal(orjson.dumps({"connection_id": int(connection_id), "settings": parsed}))
    return Target(sealed, "", connection_id, orjson.dumps(masked(parsed)).decode())


def _typed(result: str) -> dict[str, Json]:
    settings = _object(result, "Result")
    if not isinstance(settings.get("type"), str) or not settings["type"]:
        raise invalid("Result has no 'type'")
    return settings


def _object(text: str, what: str) -> dict[str, Json]:
    try:
        parsed = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise invalid(f"{what} is not JSON") from error
    if not isinstance(parsed, dict):
        raise invalid(f"{what} is not a JSON object")
    if holds_mask(parsed):
        raise invalid(f"{what} holds a masked value ({MASK}): write the secret itself")
    return parsed


def _of_url(url: str) -> Export:
    """``type://…?option=value``: the scheme is the type, the options and the URL are settings."""
    parts = urlsplit(url)
    return Export(parts.scheme, {**dict(parse_qsl(parts.query)), "url": url})
