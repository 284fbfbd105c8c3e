"""One request that got as far as somebody who answers it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.emulators.answering import Disturbed
from reconciler.emulators.intercom.refusals import invalid, wrong_version
from reconciler.emulators.intercom.world import World
from reconciler.model.json import Json

_VERSION = re.compile(r"(1)\.([0-4])|(2)\.([0-9]|1[0-7])")
PREVIEW = (3, 0)
"""After every numbered version."""


def version_of(text: str) -> tuple[int, int]:
    """``2.16`` as numbers.

    Raises:
        Refused: 400, there is no such version.
    """
    if text in {"Preview", "Unstable"}:
        return PREVIEW
    found = _VERSION.fullmatch(text)
    if found is None:
        raise wrong_version()
    major, minor = (part for part in found.groups() if part is not None)
    return int(major), int(minor)


@dataclass(frozen=True, slots=True)
class Call(Disturbed):
    """A request whose token was found good. *body* is empty where there is none."""

    world: World
    path: str
    ids: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, Json]
    version: tuple[int, int]

    def count(self, name: str, value: object, *, default: int, most: int) -> int:
        """A number from 1 to *most* that was asked for as *value*.

        Raises:
            Refused: 400.
        """
        if value is None:
            return default
        text = str(value)
        if not text.isdecimal() or not 1 <= int(text) <= most:
            raise invalid(f"{name} must be a number between 1 and {most}")
        return int(text)
