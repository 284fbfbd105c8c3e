"""Tokens that a vendor replaces at every use, sealed, one file for each credential."""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from pathlib import Path

import orjson

from reconciler import durable
from reconciler.errors import StateError
from reconciler.ports.clock import Clock, SystemClock
from reconciler.ports.tokens import Tokens
from reconciler.sealing import Sealer
from reconciler.stores.turns import Turns


class SealedTokenStore:
    """A `TokenStore` in *folder*. Several processes may share the folder."""

    def __init__(self, folder: Path, sealer: Sealer, clock: Clock | None = None) -> None:
        self._folder = folder
        self._sealer = sealer
        self._turns = Turns(folder, clock or SystemClock())

    def load(self, key: str) -> Tokens | None:
        """The newest tokens of *key*, or None.

        Raises:
            StateError: the file is damaged, or sealed with another key.
        """
        path = self._path(key)
        try:
            sealed = path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            return read(self._sealer.open(sealed))
        except StateError as error:
            hint = f"{error.hint}; or remove the file, and the refresh token of the manifests is used again"
            raise StateError(f"{path}: {error.message}", hint=hint) from error
        except ValueError as error:
            raise StateError(f"{path}: not written by this version", hint="remove it and authorise again") from error

    def save(self, key: str, tokens: Tokens) -> None:
        """Durable when it returns; the file is the old one or the whole new one at any moment."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        durable.replace(self._path(key), self._sealer.seal(written(tokens)))

    def exclusive(self, key: str) -> AbstractContextManager[None]:
        """Only one holder at a time, threads and processes alike. Not to be entered twice by one thread.

        Raises:
            LockHeld: another process did not let go within two minutes.
        """
        return self._turns.exclusive(name_of(key))

    def _path(self, key: str) -> Path:
        return self._folder / f"{name_of(key)}.token"


def name_of(key: str) -> str:
    """A name for what belongs to *key*, which may be anything: it tells nothing and leads nowhere else."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def written(tokens: Tokens) -> bytes:
    """*tokens* as JSON, in clear."""
    return orjson.dumps(
        {
            "access_token": tokens.access_token,
            "refresh_token": tokens.refresh_token,
            "expires_at": tokens.expires_at,
            "refresh_expires_at": tokens.refresh_expires_at,
        }
    )


def read(text: bytes | str) -> Tokens:
    """What `written` wrote.

    Raises:
        ValueError: it is something else.
    """
    try:
        data = orjson.loads(text)
        return Tokens(
            access_token=str(data["access_token"]),
            refresh_token=str(data["refresh_token"]),
            expires_at=float(data["expires_at"]),
            refresh_expires_at=None if data["refresh_expires_at"] is None else float(data["refresh_expires_at"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(type(error).__name__) from error
