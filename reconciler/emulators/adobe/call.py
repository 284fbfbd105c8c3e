"""One request that got as far as somebody who answers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.emulators.adobe.refusals import Refused, invalid
from reconciler.emulators.adobe.world import Object, Sandbox, World
from reconciler.emulators.answering import Disturbed
from reconciler.model.json import Json


@dataclass(frozen=True, slots=True)
class Answered:
    """What a call comes to. *body* None is no body."""

    body: Json = None
    status: int = 200


@dataclass(frozen=True, slots=True)
class Call(Disturbed):
    """A request that passed the gate. *body* is None where there is none."""

    world: World
    sandbox: Sandbox
    path: str
    ids: Mapping[str, str]
    query: Mapping[str, str]
    properties: tuple[str, ...]
    body: Json
    if_match: str | None

    def told(self) -> Object:
        """The body, where it must be an object.

        Raises:
            Refused: 400.
        """
        if not isinstance(self.body, dict):
            raise invalid("The body is not an object.")
        return dict(self.body)

    def versioned(self, kind: str) -> Object:
        """The object that the path names, if the request knows its newest etag.

        Raises:
            Refused: 404, it is not there; 400, no etag; 412, an old one.
        """
        found = self.sandbox.one(kind, self.ids["id"])
        if self.if_match is None:
            raise Refused("1403-400", "The If-Match header is missing.")
        if self.if_match != found["etag"]:
            raise Refused("1404-412", "The etag of the request is not that of the resource.")
        return found


def text(told: Mapping[str, Json], name: str) -> str:
    """A member that must be text.

    Raises:
        Refused: 400, naming it.
    """
    value = told.get(name)
    if not isinstance(value, str) or not value:
        raise invalid(f"{name} is required.")
    return value


def inner(told: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    """A member that is an object, empty where it is missing."""
    value = told.get(name)
    return value if isinstance(value, Mapping) else {}


def only(value: Json) -> list[str]:
    """The texts of a list."""
    return [str(one) for one in value] if isinstance(value, list) else []
