"""What proves to a vendor who is calling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from reconciler.model.secret import Secret


class Credentials(Protocol):
    """Headers for every request, renewed when the vendor refuses them. Called by many threads."""

    def headers(self) -> Mapping[str, str]:
        """Headers of the next request; may wait for a renewal that is due anyway."""
        ...

    def renew(self, refused: Mapping[str, str]) -> bool:
        """Get better ones than *refused*; False when there are none to get.

        Raises:
            Denied: a person must act.
        """
        ...


class FixedKey:
    """A key that only a person can renew, sent as *header*: *scheme* and the key."""

    def __init__(self, key: Secret, *, header: str = "Authorization", scheme: str = "Bearer") -> None:
        self._key = key
        self._header = header
        self._scheme = scheme

    def headers(self) -> Mapping[str, str]:
        """The header; blanks around the key, such as a line break at the end of a file, are none of it."""
        return {self._header: f"{self._scheme} {self._key.reveal().strip()}".lstrip()}

    def renew(self, refused: Mapping[str, str]) -> bool:  # noqa: ARG002 - the protocol's
        """Nothing to be had."""
        return False
