"""Ours to Adobe's and back, where several families need it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

from reconciler.apis.adobe import Object
from reconciler.model.json import Json

OF_THE_SERVICE: Final = frozenset(
    {
        *("id", "etag", "createdAt", "updatedAt", "createdBy", "updatedBy", "createdClient", "updatedClient"),
        *("sandboxId", "sandboxName", "imsOrgId", "state", "lastOperation"),
    }
)
"""Members that are told and never sent. Source: Adobe's API description of the Flow Service."""


def text(value: Json) -> str:
    """A member as text; "" where there is none."""
    return "" if value is None else str(value)


def inner(told: Object, *names: str) -> Object:
    """The object at *names*, empty where there is none."""
    for name in names:
        below = told.get(name)
        told = below if isinstance(below, Mapping) else {}
    return told


def ids(told: Object, member: str) -> list[str]:
    """The ids of a list."""
    listed = told.get(member)
    return [text(one) for one in listed] if isinstance(listed, list | tuple) else []


def only_id(told: Object, member: str) -> str:
    """The one id of a list; "" where there is none, or more than one."""
    listed = ids(told, member)
    return listed[0] if len(listed) == 1 else ""


def comparable(value: Json) -> Json:
    """*value* with numbers and truth values as text, for Adobe may tell ``"100"`` of 100; nulls count as absent."""
    match value:
        case Mapping():
            return {name: comparable(below) for name, below in value.items() if below is not None}
        case list() | tuple():
            return [comparable(below) for below in value]
        case bool():
            return "true" if value else "false"
        case None | str():
            return value
        case _:
            return str(value)


def members(value: Json, at: str = "") -> Iterator[str]:
    """Places of everything in *value* that holds nothing further, lists as a whole."""
    if isinstance(value, Mapping):
        for name, below in value.items():
            if below is not None:
                yield from members(below, f"{at}.{name}" if at else name)
    elif value not in (None, [], ()):
        yield at


def inputs(params: Object) -> list[str]:
    """User inputs as ``name=value`` lines, sorted: one value, because they are changed together or not at all."""
    told = comparable(params)
    pairs = told.items() if isinstance(told, Mapping) else ()
    return sorted(f"{name}={value if isinstance(value, str) else _packed(value)}" for name, value in pairs)


def of_inputs(lines: Json) -> dict[str, Json]:
    """What `inputs` was made of, numbers and truth values as text."""
    pairs = [str(line).partition("=") for line in lines] if isinstance(lines, list | tuple) else []
    return {name: _unpacked(value) for name, _, value in pairs}


def millis_to_s(value: Json) -> int | None:
    """Epoch milliseconds as Unix seconds."""
    return int(value // 1000) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _unpacked(text_: str) -> Json:
    if text_[:1] not in {"{", "["}:
        return text_
    try:
        value: Json = json.loads(text_)
    except json.JSONDecodeError:
        return text_
    return value


def _packed(value: Json) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
