"""Changes of an object: a list of ``{op, path, value}`` under ``If-Match``."""

from __future__ import annotations

import copy
from collections.abc import Mapping

from reconciler.emulators.adobe.refusals import invalid
from reconciler.emulators.adobe.world import Object
from reconciler.model.json import Json


def patched(one: Mapping[str, Json], body: Json) -> Object:
    """*one* after the operations of *body*, which may be a single one.

    Raises:
        Refused: 400, an operation that cannot be done.
    """
    operations = body if isinstance(body, list) else [body]
    changed: Object = copy.deepcopy(dict(one))
    for operation in operations:
        if not isinstance(operation, Mapping) or not str(operation.get("path", "")).startswith("/"):
            raise invalid("An operation has op, path and value.")
        _apply(changed, str(operation.get("op", "")).lower(), str(operation["path"]), operation.get("value"))
    return changed


def _apply(changed: Object, op: str, path: str, value: Json) -> None:
    if op not in {"add", "replace", "remove"}:
        raise invalid(f"The operation {op!r} is none of add, replace and remove.")
    *above, last = path[1:].split("/")
    here: Json = changed
    for part in above:
        here = _below(here, part, path)
    if isinstance(here, list) and last.isdecimal() and (int(last) < len(here) or op == "add"):
        _in_list(here, op, int(last), value)
    elif isinstance(here, dict) and (op == "add" or last in here):
        if op == "remove":
            del here[last]
        else:
            here[last] = value
    else:
        raise invalid(f"There is nothing at {path}.")


def _in_list(here: list[Json], op: str, index: int, value: Json) -> None:
    if op == "add":
        here.insert(index, value)
    elif op == "replace":
        here[index] = value
    else:
        del here[index]


def _below(here: Json, part: str, path: str) -> Json:
    below: Json = None
    if isinstance(here, dict):
        below = here.get(part)
    elif isinstance(here, list) and part.isdecimal() and int(part) < len(here):
        below = here[int(part)]
    if below is not None:
        return below
    raise invalid(f"There is nothing at {path}.")
