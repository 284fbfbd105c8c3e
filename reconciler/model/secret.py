"""Text that never shows."""

from __future__ import annotations

import hmac
from typing import Any, NoReturn

from pydantic_core import CoreSchema, core_schema

from reconciler import known_secrets

MASK = "(secret)"
OF_ANOTHER_KEY = "(secret, fingerprinted with another key)"
"""In the place of a value before, where nobody can tell whether it was another one."""


def is_another(known: str, now: str) -> bool | None:
    """Whether a secret is another one, by its fingerprints then and now; None when nobody can tell.

    Fingerprints are ``KEY_ID:HEX``, and ``KEY_ID:HEX#VERSION`` where a person counts. Of one key the values decide, and a
    version that was counted up. Of two keys the values cannot be compared, so versions decide where both have one.
    """
    (known_value, _, known_version), (value, _, version) = known.partition("#"), now.partition("#")
    is_counted_up = bool(known_version and version) and known_version != version
    if known_value == value:
        return is_counted_up
    known_key, key = known_value.partition(":")[0], value.partition(":")[0]
    if known_key == key or ":" not in known_value + value:
        return True
    return is_counted_up if known_version and version else None


class Secret:
    """A secret value and the *reference* it came from, such as ``env:PINTEREST_SECRET``.

    Shows as ``(secret)`` wherever text is made of it and cannot be pickled or copied into JSON by accident. Only the code
    that sends it to its vendor calls `reveal`. Not a dataclass: those hand out their fields to whoever asks.
    *version* is what a person counts up beside it when the value is another one; "" when nobody counts.
    """

    __slots__ = ("__value", "reference", "version")

    def __init__(self, reference: str, value: str) -> None:
        """Hold *value*; nothing but `reveal` gives it back."""
        self.reference = reference
        self.__value = value
        self.version = ""
        known_secrets.remember(value)

    def at(self, version: str) -> Secret:
        """The same secret, counted by hand as *version*."""
        counted = type(self)(self.reference, self.__value)
        counted.version = version
        return counted

    def reveal(self) -> str:
        """The value itself; for the request to the vendor and nothing else."""
        return self.__value

    def fingerprint(self, key: bytes, path: str) -> str:
        """Keyed HMAC-SHA-256 over *path* and the value: 64 hex digits that change when the value does."""
        message = path.encode() + b"\x00" + self.__value.encode()
        return hmac.digest(key, message, "sha256").hex()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        """Dumps of a model show the mask; pydantic takes any other dataclass apart, value included."""
        return core_schema.is_instance_schema(cls, serialization=core_schema.plain_serializer_function_ser_schema(str))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self.__value.encode(), other.__value.encode())

    def __hash__(self) -> int:
        return hash(self.reference)

    def __str__(self) -> str:
        return MASK

    def __repr__(self) -> str:
        return f"Secret({self.reference!r})"

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __reduce__(self) -> NoReturn:
        message = "a secret is not pickled"
        raise TypeError(message)
