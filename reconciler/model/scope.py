"""What a command line narrows a run to: addresses, globs and labels, as they were written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from reconciler.model.address import Address
from reconciler.model.json import Json

Labels = Mapping[Address, Mapping[str, str]]
"""Labels of what is declared; what no document declares has no entry, for its labels are not known."""

_GLOB = re.compile(r"[*?\[]")
_LABEL = re.compile(r"(?P<key>[^=!\s]+?)\s*(?P<sign>!?=)\s*(?P<value>.*)")


@dataclass(frozen=True, slots=True)
class Selector:
    """One ``key=value`` or ``key!=value``. What is not declared is met by neither: nobody knows its labels."""

    key: str
    value: str
    is_equal: bool

    @classmethod
    def parse(cls, text: str) -> Selector:
        """Read ``key=value`` or ``key!=value``.

        Raises:
            ValueError: it is neither.
        """
        match = _LABEL.fullmatch(text.strip())
        if match is None:
            message = f"{text!r} is no selector; write key=value or key!=value, such as team=crm"
            raise ValueError(message)
        return cls(match["key"], match["value"], match["sign"] == "=")

    def meets(self, labels: Mapping[str, str] | None) -> bool:
        """Whether a resource with *labels* is meant; None where nobody knows them."""
        return labels is not None and (labels.get(self.key) == self.value) is self.is_equal


def check_pattern(text: str) -> None:
    """Make sure that *text* is an address, or a glob over addresses: ``*``, ``?`` and ``[…]``.

    Raises:
        ValueError: it is neither.
    """
    if not _GLOB.search(text):
        Address.parse(text)


def matching(pattern: str, known: Iterable[Address]) -> set[Address]:
    """Those of *known* that *pattern* names. A star stands for any characters, the slash among them, as in waivers."""
    return {address for address in known if fnmatchcase(str(address), pattern)}


@dataclass(frozen=True, slots=True)
class Scope:
    """What a run is narrowed to; nothing written is everything.

    targets, excludes: addresses and globs. A target takes along what it needs, an excluded one what needs it.
    selectors: all of them must be met.
    left_out: address that is left out though nobody excluded it -> the excluded one that it needs.
    """

    targets: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    selectors: tuple[str, ...] = ()
    left_out: tuple[tuple[Address, Address], ...] = ()

    @property
    def is_everything(self) -> bool:
        """Whether nothing narrows it."""
        return not (self.targets or self.excludes or self.selectors)

    def to_json(self) -> dict[str, Json]:
        """As part of a document."""
        return {
            "targets": list(self.targets),
            "excludes": list(self.excludes),
            "selectors": list(self.selectors),
            "left_out": [{"address": str(address), "needs": str(needs)} for address, needs in self.left_out],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> Scope:
        """Read what `to_json` wrote; of documents that name none, everything."""
        if data is None:
            return cls()
        return cls(
            targets=tuple(map(str, data.get("targets", ()))),
            excludes=tuple(map(str, data.get("excludes", ()))),
            selectors=tuple(map(str, data.get("selectors", ()))),
            left_out=tuple(
                (Address.parse(one["address"]), Address.parse(one["needs"])) for one in data.get("left_out", ())
            ),
        )


EVERYTHING = Scope()
