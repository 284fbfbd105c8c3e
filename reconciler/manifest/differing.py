"""The smallest next step from one tree to another, so that of a written text no more is touched than has to be."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from reconciler.model.json import Json, canonical

Path: TypeAlias = tuple[str | int, ...]


class Verb(Enum):
    """What a step does at its path."""

    SET = "set"
    INSERT = "insert"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a tree. The last part of *path* is the key or the index concerned."""

    verb: Verb
    path: Path
    value: Json = None


def next_step(have: Json, want: Json, path: Path = ()) -> Step | None:
    """The first difference between *have* and *want*; None when they are equal."""
    if isinstance(have, Mapping) and isinstance(want, Mapping):
        return _in_mapping(have, want, path)
    if _is_list(have) and _is_list(want):
        return _in_list(list(have), list(want), path)  # type: ignore[arg-type]
    return None if have == want else Step(Verb.SET, path, want)


def _is_list(value: Json) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _in_mapping(have: Mapping[str, Json], want: Mapping[str, Json], path: Path) -> Step | None:
    for name, value in want.items():
        if name not in have:
            return Step(Verb.INSERT, (*path, name), value)
        if (step := next_step(have[name], value, (*path, name))) is not None:
            return step
    return next((Step(Verb.REMOVE, (*path, name)) for name in have if name not in want), None)


def _in_list(have: list[Json], want: list[Json], path: Path) -> Step | None:
    one, other = [canonical(item) for item in have], [canonical(item) for item in want]
    for tag, begin, end, at, _ in difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if tag == "replace":
            return next_step(have[begin], want[at], (*path, begin))
        if tag == "insert":
            return Step(Verb.INSERT, (*path, begin), want[at])
        if tag == "delete":
            return Step(Verb.REMOVE, (*path, end - 1))
    return None


def after(tree: Json, step: Step, path: Path | None = None) -> Json:
    """*tree* with *step* done."""
    path = step.path if path is None else path
    if not path:
        return step.value
    part, below = path[0], path[1:]
    if isinstance(tree, Mapping):
        changed = dict(tree)
        name = str(part)
        if below or step.verb is Verb.SET:
            changed[name] = after(changed.get(name), step, below)
        elif step.verb is Verb.INSERT:
            changed[name] = step.value
        else:
            changed.pop(name, None)
        return changed
    if not isinstance(tree, Sequence) or isinstance(tree, str):
        message = f"nothing is below {part!r}"
        raise TypeError(message)
    items, index = list(tree), int(part)
    if below or step.verb is Verb.SET:
        items[index] = after(items[index], step, below)
    elif step.verb is Verb.INSERT:
        items.insert(index, step.value)
    else:
        del items[index]
    return items
