"""Names of resources."""

from __future__ import annotations

import re
from typing import NamedTuple

# Labels as Kubernetes and GitHub use them, so that an address is also a safe file name, lock name and JSON key.
NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,118}[a-z0-9])?")
_WRITTEN = re.compile(rf"([a-z]+)/({NAME.pattern})")


class Address(NamedTuple):
    """Name of one managed resource, written ``audience/spring-buyers``. Sorts, so that plans print the same.

    A tuple, for it is the key of every mapping of a plan: a dataclass hashes and compares in Python, five times as slowly.
    """

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read ``kind/name``.

        Raises:
            ValueError: there is no slash, a part is empty, or a part has a character that an address cannot have.
        """
        match = _WRITTEN.fullmatch(text)
        if match is None:
            message = f"{text!r} is not an address; write kind/name, such as audience/spring-buyers"
            raise ValueError(message)
        return cls(*match.groups())

    @classmethod
    def of(cls, kind: str, name: str) -> Address:
        """Address of the document with ``kind: Audience`` and ``metadata.name``."""
        return cls(kind.lower(), name)
