"""Where tokens are kept that rotate: in sealed files of the environment, or in the keyring of the machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from reconciler.errors import UsageError
from reconciler.ports.clock import Clock
from reconciler.ports.tokens import TokenStore
from reconciler.wiring.keys import LazyKey

VARIABLE = "TDR_TOKENS"
PLACES = ("file", "keyring")


class TokensOnNeed:
    """Opens the store when a vendor is asked for the first time; most plans of a project without vendors never do.

    owner: ``PROJECT/ENVIRONMENT``. place: what `tdr.yaml` says; `TDR_TOKENS` goes first, for machines differ.
    """

    def __init__(
        self, folder: Path, owner: str, place: str, key: LazyKey, clock: Clock, environ: Mapping[str, str]
    ) -> None:
        self._folder = folder
        self._owner = owner
        self._place = environ.get(VARIABLE) or place
        self._key = key
        self._clock = clock

    def __call__(self) -> TokenStore:
        """The store.

        Raises:
            UsageError: there is no such place on this machine.
        """
        match self._place:
            case "file":
                from reconciler.sealing import Sealer  # noqa: PLC0415 - only when a vendor is asked
                from reconciler.stores.tokens import SealedTokenStore  # noqa: PLC0415 - as above

                return SealedTokenStore(self._folder, Sealer(self._key.master()), self._clock)
            case "keyring":
                from reconciler.stores.token_keyring import KeyringTokenStore  # noqa: PLC0415 - as above

                return KeyringTokenStore(self._folder, f"tdr:{self._owner}", self._clock)
            case other:
                raise UsageError(f"{VARIABLE}={other!r} is no place for tokens", hint=f"write {' or '.join(PLACES)}")
