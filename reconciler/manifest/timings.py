"""Schedules in documents: every cron text and zone that cannot be used, wherever it stands.

Found on the tree and not on validated specs, so that a mistake elsewhere in the document hides none of them. A delay is a
duration, which the models check themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache

from pydantic import BaseModel

from reconciler.manifest.mistakes import Mistake
from reconciler.manifest.pointers import parts, pointer
from reconciler.manifest.shapes import fields_of, models_in
from reconciler.model.kinds import KINDS
from reconciler.model.timing import Timing
from reconciler.schedule import Problem, check

_FIELDS = ("cron", "timezone")


def timing_mistakes(kind: str, tree: object, written: object, dialect: str) -> Iterator[Mistake]:
    """What is wrong with the timings of a document of *kind*.

    tree: the document, its references replaced; it may be wrong in any other way.
    written: the same as it stands in the file. What came out of the environment is not repeated.
    dialect: of `reconciler.schedule`, as the environment says.
    """
    for path in timing_paths(kind):
        timing = _at(tree, path)
        if timing is None:
            continue
        cron, zone = timing.get("cron"), timing.get("timezone", "UTC")
        texts = (cron if isinstance(cron, str) else "", zone if isinstance(zone, str) else "UTC")
        for problem in _problems(*texts, dialect):
            yield _mistake(problem, f"{path}/{problem.field}", (_at(written, path) or {}).get(problem.field))


def _mistake(problem: Problem, path: str, written: object) -> Mistake:
    name = ".".join(parts(path))
    if isinstance(written, str) and "${env:" in written:
        return Mistake(
            problem.rule, path, f"`{name}`: what the environment variable holds cannot be used", problem.hint
        )
    return Mistake(problem.rule, path, f"`{name}`: {problem.message}", problem.hint)


@lru_cache(maxsize=4096)
def _problems(cron: str, zone: str, dialect: str) -> tuple[Problem, ...]:
    """Ten thousand activations have few different timings."""
    return tuple(check(cron, zone, dialect))


@cache
def timing_paths(kind: str) -> tuple[str, ...]:
    """Pointers of the places in a document of *kind* where a timing may stand."""
    # Several forms of a kind have one at the same place.
    return tuple(dict.fromkeys(_paths(KINDS[kind], "/spec")))


def _paths(annotation: object, path: str) -> Iterator[str]:
    for model in models_in(annotation):
        if issubclass(model, Timing):
            yield path
        else:
            yield from _paths_below(model, path)


def _paths_below(model: type[BaseModel], path: str) -> Iterator[str]:
    for key, field in fields_of(model).items():
        yield from _paths(field.annotation, path + pointer(key))


def _at(tree: object, path: str) -> Mapping[str, object] | None:
    for part in parts(path):
        if not isinstance(tree, Mapping):
            return None
        tree = tree.get(part)
    return tree if isinstance(tree, Mapping) else None
