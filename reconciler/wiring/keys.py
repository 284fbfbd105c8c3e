"""The master key of this user, looked for when something must be sealed or fingerprinted."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from reconciler.model.secret import Secret
from reconciler.sealing import MasterKey, find_key


class LazyKey:
    """The key, and what is derived from it. Safe to use from several threads."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._key: MasterKey | None = None
        self._fingerprints = b""
        self._lock = threading.Lock()

    def master(self) -> MasterKey:
        """The key; made on first need."""
        with self._lock:
            if self._key is None:
                self._key = find_key(self._environ)
                self._fingerprints = self._key.derive("fingerprints")
            return self._key

    def fingerprint(self, secret: Secret, path: str) -> str:
        """``KEY_ID:HEX``, so that another master key is told from another secret; and ``#VERSION`` of one that is counted."""
        master = self.master()
        counted = f"#{secret.version}" if secret.version else ""
        return f"{master.key_id}:{secret.fingerprint(self._fingerprints, path)}{counted}"
