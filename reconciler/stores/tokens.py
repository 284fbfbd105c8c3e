"""Tokens that a vendor replaces at every use, sealed, one file for each credential."""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from reconciler.errors import LockHeld, StateError
from reconciler.ports.clock import Clock, SystemClock
from reconciler.ports.tokens import Tokens
from reconciler.sealing import Sealer, write_private

LONGEST_WAIT_S = 120.0
"""For somebody else's refresh; one request with its repetitions takes less."""
_POLL_S = 0.05


class SealedTokenStore:
    """A `TokenStore` in *folder*. Several processes may share the folder; the system frees the lock of one that dies."""

    def __init__(self, folder: Path, sealer: Sealer, clock: Clock | None = None) -> None:
        self._folder = folder
        self._sealer = sealer
        self._clock = clock or SystemClock()
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}

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
            data = orjson.loads(self._sealer.open(sealed))
            return Tokens(
                access_token=str(data["access_token"]),
                refresh_token=str(data["refresh_token"]),
                expires_at=float(data["expires_at"]),
                refresh_expires_at=None if data["refresh_expires_at"] is None else float(data["refresh_expires_at"]),
            )
        except StateError as error:
            hint = f"{error.hint}; or remove the file, and the refresh token of the manifests is used again"
            raise StateError(f"{path}: {error.message}", hint=hint) from error
        except (ValueError, KeyError, TypeError) as error:
            raise StateError(f"{path}: not written by this version", hint="remove it and authorise again") from error

    def save(self, key: str, tokens: Tokens) -> None:
        """Durable when it returns; the file is the old one or the whole new one at any moment."""
        data = {
            "access_token": tokens.access_token,
            "refresh_token": tokens.refresh_token,
            "expires_at": tokens.expires_at,
            "refresh_expires_at": tokens.refresh_expires_at,
        }
        write_private(self._path(key), self._sealer.seal(orjson.dumps(data)))

    @contextmanager
    def exclusive(self, key: str) -> Iterator[None]:
        """Only one holder at a time, threads and processes alike. Not to be entered twice by one thread.

        Raises:
            LockHeld: another process did not let go within two minutes.
        """
        path = self._path(key).with_suffix(".lock")
        with self._thread_lock(key):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                self._wait_for(descriptor, path)
                yield
            finally:
                os.close(descriptor)

    def _wait_for(self, descriptor: int, path: Path) -> None:
        deadline = self._clock.now() + LONGEST_WAIT_S
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if self._clock.now() >= deadline:
                    raise LockHeld(
                        f"{path}: another process has been refreshing these tokens for {LONGEST_WAIT_S:.0f} s",
                        hint="see whether a `tdr` hangs on this machine, and end it",
                    ) from None
                self._clock.sleep(_POLL_S)
            else:
                return

    def _thread_lock(self, key: str) -> threading.Lock:
        with self._guard:
            return self._locks.setdefault(key, threading.Lock())

    def _path(self, key: str) -> Path:
        # Keys may be anything; the file's name tells nothing and leads nowhere else.
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.token"
