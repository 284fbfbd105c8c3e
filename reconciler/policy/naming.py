"""The set `naming`: names that read the same in a plan, in a branch and at a vendor."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reconciler.model.kinds import AudienceSpec
from reconciler.model.policy import Level
from reconciler.model.resource import Resource
from reconciler.policy.rules import Declared, Found, Rule

_KEBAB = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_NAME = "/metadata/name"
_WITH_SQL_NAMES = frozenset({"database", "table"})


def _not_kebab(resource: Resource, declared: Declared) -> Iterator[Found]:
    del declared
    address = resource.address
    name = address.name.replace("_", "-") if address.kind in _WITH_SQL_NAMES else address.name
    if not _KEBAB.fullmatch(name):
        yield Found(_NAME, f"is called {address.name!r}, which is not written-like-this")


def _says_its_kind(resource: Resource, declared: Declared) -> Iterator[Found]:
    del declared
    address = resource.address
    words = re.split(r"[._-]", address.name)
    if address.kind in (words[0], words[-1]):
        yield Found(_NAME, f"says its kind twice: {address}")


def _undescribed(resource: Resource, declared: Declared) -> Iterator[Found]:
    del declared
    if isinstance(resource.spec, AudienceSpec) and not resource.spec.description:
        yield Found("/spec/description", "is an audience without a description for those who meet it at the vendor")


RULES = (
    Rule(
        "names-in-kebab-case",
        Level.WARN,
        frozenset(),
        "Names are lower-case words joined by `-`; databases and tables may join them by `_`.",
        "rename it, and tell tdr by `moved` that it is the same",
        _not_kebab,
    ),
    Rule(
        "name-without-kind",
        Level.WARN,
        frozenset(),
        "A name does not begin or end with its kind, which stands before it in every address.",
        "leave the kind out of the name",
        _says_its_kind,
    ),
    Rule(
        "audience-described",
        Level.WARN,
        frozenset({"audience"}),
        "An audience has a description.",
        "write `description`",
        _undescribed,
    ),
)
