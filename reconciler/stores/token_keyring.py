"""Tokens in the keyring of the operating system, for people's own machines: it opens with their login."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.errors import StateError, UsageError
from reconciler.ports.clock import Clock
from reconciler.ports.tokens import Tokens
from reconciler.stores.tokens import name_of, read, written
from reconciler.stores.turns import Turns

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

_INSTEAD = "set TDR_TOKENS=file to keep tokens in sealed files"


class KeyringTokenStore:
    """A `TokenStore` in the keyring that the machine's configuration chooses, under the name *service*.

    folder: where processes take turns; it holds no token.
    """

    def __init__(self, folder: Path, service: str, clock: Clock) -> None:
        """Look for the keyring.

        Raises:
            UsageError: the package is not installed, or the machine has no keyring.
        """
        self._service = service
        self._turns = Turns(folder, clock)
        self._backend = _backend()

    def load(self, key: str) -> Tokens | None:
        """The newest tokens of *key*, or None.

        Raises:
            StateError: the keyring cannot be used, or holds something else there.
        """
        from keyring.errors import KeyringError  # noqa: PLC0415 - an extra

        try:
            text = self._backend.get_password(self._service, name_of(key))
        except KeyringError as error:
            raise self._unusable(error) from error
        if text is None:
            return None
        try:
            return read(text)
        except ValueError as error:
            raise StateError(
                f"the entry {name_of(key)} of {self._service!r} in the keyring was not written by this version",
                hint="remove it there, and the refresh token of the manifests is used again",
            ) from error

    def save(self, key: str, tokens: Tokens) -> None:
        """Kept by the keyring when it returns.

        Raises:
            StateError: the keyring cannot be used.
        """
        from keyring.errors import KeyringError  # noqa: PLC0415 - an extra

        try:
            self._backend.set_password(self._service, name_of(key), written(tokens).decode())
        except KeyringError as error:
            raise self._unusable(error) from error

    def exclusive(self, key: str) -> AbstractContextManager[None]:
        """Only one holder at a time, threads and processes alike; raises LockHeld after two minutes."""
        return self._turns.exclusive(name_of(key))

    def _unusable(self, error: Exception) -> StateError:
        # The text of the error is the backend's; what it holds is not known.
        return StateError(
            f"the keyring {self._backend.name!r} cannot be used: {type(error).__name__}",
            hint=f"unlock it and run again; or {_INSTEAD}",
        )


def _backend() -> KeyringBackend:
    try:
        import keyring  # noqa: PLC0415 - an extra
        from keyring.backends.fail import Keyring as NoKeyring  # noqa: PLC0415 - as above
    except ImportError as error:
        raise UsageError(
            "tokens are to be kept in the keyring, but the package for it is not installed",
            hint=f"run: pip install 'tdr[keyring]'; or {_INSTEAD}",
        ) from error
    backend = keyring.get_keyring()
    if isinstance(backend, NoKeyring):
        raise UsageError("tokens are to be kept in the keyring, but this machine has none", hint=_INSTEAD)
    return backend
