"""Encryption at rest for what must be kept: credentials, tokens, results.

The key lives outside the project, in `TDR_KEY` or in a file of the user's configuration folder. From it come the key that
seals and any number of keys for other purposes, so that none of them can be used in the place of another.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import hmac
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from reconciler import durable, known_secrets
from reconciler.errors import SecretError, StateError

VARIABLE = "TDR_KEY"
KEY_BYTES = 32
_MAGIC = b"tdr1"
_HOW_TO_MAKE = (
    "make one with: python3 -c "
    "'import base64, secrets; print(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())'"
)


@dataclass(frozen=True, slots=True)
class MasterKey:
    """The key everything is derived from. *source* says where it was found: ``TDR_KEY`` or a path."""

    source: str
    _value: bytes = field(repr=False)

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key for *purpose* alone.

        Source: RFC 5869 (HKDF) with SHA-256, salt ``tdr`` and *purpose* as info; one block is all that 32 bytes need.
        """
        extracted = hmac.digest(b"tdr", self._value, "sha256")
        return hmac.digest(extracted, purpose.encode() + b"\x01", "sha256")

    @property
    def key_id(self) -> str:
        """Eight hex digits that tell one key from another and nothing about either."""
        return self.derive("key-id")[:4].hex()


class DamagedError(StateError):
    """Sealed data is not as it was sealed."""


class Sealer:
    """Seals bytes with one key and opens what was sealed with it."""

    def __init__(self, key: MasterKey) -> None:
        self._key = key

    @property
    def key_id(self) -> str:
        """Id of the key, which stands in front of everything sealed with it."""
        return self._key.key_id

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key for *purpose* alone, such as ``fingerprints``."""
        return self._key.derive(purpose)

    def seal(self, content: bytes) -> bytes:
        """*content* encrypted and authenticated: ASCII text, ``tdr1:KEY_ID:…``."""
        from cryptography.fernet import Fernet  # noqa: PLC0415 - most plans seal nothing

        token = Fernet(base64.urlsafe_b64encode(self.derive("seal"))).encrypt(content)
        return b":".join((_MAGIC, self.key_id.encode(), token))

    def open(self, sealed: bytes) -> bytes:
        """What was sealed.

        Raises:
            DamagedError: it is not as it was sealed.
            StateError: it was sealed with another key.
        """
        from cryptography.fernet import Fernet, InvalidToken  # noqa: PLC0415 - most plans seal nothing

        magic, _, rest = sealed.partition(b":")
        key_id, _, token = rest.partition(b":")
        if magic != _MAGIC or not token:
            raise DamagedError(
                "sealed data is damaged: it does not begin as sealed data does", hint="restore it from a copy"
            )
        if key_id != self.key_id.encode():
            raise StateError(
                f"sealed with the key {key_id.decode('ascii', 'replace')!r}, but the key from {self._key.source} "
                f"is {self.key_id!r}",
                hint=f"set {VARIABLE} to the key it was sealed with",
            )
        try:
            return Fernet(base64.urlsafe_b64encode(self.derive("seal"))).decrypt(token)
        except InvalidToken:
            raise DamagedError(
                "sealed data is damaged: it was changed after sealing", hint="restore it from a copy"
            ) from None


def new_key() -> str:
    """A key as `TDR_KEY` takes it: 32 random bytes in URL-safe base64."""
    return base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def find_key(environ: Mapping[str, str], config_home: Path | None = None) -> MasterKey:
    """The key from `TDR_KEY`, else from ``tdr/key`` in *config_home*, where it is made on first need.

    config_home: ``XDG_CONFIG_HOME`` or ``~/.config`` when left out.

    Raises:
        SecretError: the key is malformed, or others may read its file.
    """
    text = environ.get(VARIABLE)
    if text is not None:
        return MasterKey(VARIABLE, _parsed(text, f"the environment variable {VARIABLE}", _HOW_TO_MAKE))
    path = (config_home or _config_home(environ)) / "tdr" / "key"
    if not path.exists():
        _make_key_file(path)
    try:
        mode, text = path.stat().st_mode & 0o777, path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise SecretError(
            f"the key file {path} cannot be read: {error.strerror}", hint=f"set {VARIABLE} instead"
        ) from error
    if mode & 0o077:
        raise SecretError(f"the key file {path} may be read by others (mode {mode:o})", hint=f"run: chmod 600 {path}")
    hint = f"restore it from a copy, or set {VARIABLE}; without the key, what was sealed with it cannot be read"
    return MasterKey(str(path), _parsed(text, f"the key file {path}", hint))


def key_from(text: str, variable: str) -> MasterKey:
    """The key that the environment variable *variable* holds as *text*.

    Raises:
        SecretError: it is malformed.
    """
    return MasterKey(variable, _parsed(text, f"the environment variable {variable}", _HOW_TO_MAKE))


def _config_home(environ: Mapping[str, str]) -> Path:
    # The base directory specification says that a relative path here is to be ignored.
    named = Path(environ.get("XDG_CONFIG_HOME", ""))
    return named if named.is_absolute() else _home(environ) / ".config"


def _home(environ: Mapping[str, str]) -> Path:
    told = environ.get("HOME")
    try:
        home = Path.home() if told is None else Path(told)
    except RuntimeError:  # a user that the system does not know, as in some containers
        home = Path()
    if home.is_absolute():
        return home
    why = (
        "HOME is not set"
        if told is None
        else f"HOME is {told!r}, which is no absolute path"
        if told
        else "HOME is empty"
    )
    raise SecretError(f"there is no place for the key file: {why}", hint=f"set {VARIABLE}, or HOME; {_HOW_TO_MAKE}")


def _parsed(text: str, where: str, hint: str) -> bytes:
    try:
        known_secrets.remember(text.strip())
        value = base64.b64decode(text.strip(), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        value = b""
    if len(value) != KEY_BYTES:
        raise SecretError(f"{where} does not hold a key: 32 bytes in URL-safe base64 (44 characters)", hint=hint)
    return value


def _make_key_file(path: Path) -> None:
    """Make the key file unless another process does so first; either way there is one afterwards."""
    try:
        with _locked(path.with_name("key.lock")):
            if not path.exists():
                durable.replace(path, new_key().encode() + b"\n")
    except OSError as error:
        raise SecretError(
            f"the key file {path} cannot be made: {error.strerror}", hint=f"set {VARIABLE} instead; {_HOW_TO_MAKE}"
        ) from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("w") as file:
        path.chmod(0o600)
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
