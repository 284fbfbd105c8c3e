"""One request that got as far as somebody who answers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from starlette.responses import Response

from reconciler.emulators.salesforce.refusals import Refused
from reconciler.emulators.salesforce.world import World
from reconciler.model.json import Json

JSON = "application/json;charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose session is good, or that needs none. *version* is such as ``59.0``; *host* where the client thinks it is."""

    world: World
    version: str
    ids: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    host: str

    @property
    def content_type(self) -> str:
        """Of the body, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def fields(self) -> Mapping[str, Json]:
        """The body as a JSON object.

        Raises:
            Refused: it is none.
        """
        return fields_of(self.body)


def fields_of(body: bytes) -> Mapping[str, Json]:
    """*body* as a JSON object.

    Raises:
        Refused: it is none.
    """
    try:
        told: Json = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refused(400, "JSON_PARSER_ERROR", "The request body is no JSON") from None
    if not isinstance(told, Mapping):
        raise Refused(400, "JSON_PARSER_ERROR", "The request body is no JSON object")
    return told


def in_json(told: object, status: int = 200) -> Response:
    """An answer of REST."""
    return Response(orjson.dumps(told), status, {"content-type": JSON})
