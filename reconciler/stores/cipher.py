"""State that is sealed at rest: the document, every line of the journal, earlier documents and reports of runs.

Off unless `TDR_STATE_KEY` is set. What is not sealed can be read with a key, too, so that the next write seals it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.errors import SecretError, StateError
from reconciler.sealing import MasterKey, Sealer, key_from

VARIABLE = "TDR_STATE_KEY"
_MAGIC = b"tdr1:"


class Cipher:
    """Seals with the first of some keys and opens with whichever of them fits; with no key, neither."""

    def __init__(self, keys: Sequence[MasterKey] = ()) -> None:
        self._sealers = {sealer.key_id: sealer for sealer in map(Sealer, keys)}
        self._newest = Sealer(keys[0]) if keys else None

    @property
    def key_id(self) -> str:
        """Id of the key that seals; "" when nothing is sealed."""
        return self._newest.key_id if self._newest else ""

    def seal(self, content: bytes) -> bytes:
        """*content* as it is stored: without a newline, if it is sealed."""
        return self._newest.seal(content) if self._newest else content

    def open(self, stored: bytes) -> bytes:
        """What `seal` was given.

        Raises:
            StateError: it is sealed with a key that is not here, or damaged.
        """
        if not stored.startswith(_MAGIC):
            return stored
        key_id = stored.split(b":", 2)[1].decode("ascii", "replace")
        sealer = self._sealers.get(key_id)
        if sealer is None:
            have = f"only {', '.join(sorted(self._sealers))}" if self._sealers else "none"
            raise StateError(
                f"the state is sealed with the key {key_id!r}, and {VARIABLE} holds {have}",
                hint=f"add that key to {VARIABLE}; several are separated by commas, and the first one seals",
            )
        return sealer.open(stored.strip())


PLAIN = Cipher()
"""Seals nothing."""


def cipher_of(environ: Mapping[str, str]) -> Cipher:
    """What `TDR_STATE_KEY` asks for.

    Raises:
        SecretError: it holds something that is no key.
    """
    texts = [text.strip() for text in environ.get(VARIABLE, "").split(",")]
    if texts == [""]:
        return PLAIN
    if "" in texts:
        raise SecretError(f"{VARIABLE} has an empty place among its keys", hint="separate the keys by single commas")
    return Cipher([key_from(text, VARIABLE) for text in texts])
