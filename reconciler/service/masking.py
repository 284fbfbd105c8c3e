"""What may be read back of settings that hold credentials, and of messages that may hold personal data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, cast

import orjson

from reconciler.model.json import Json

MASK: Final = "***"

# Names of credentials in the settings of the vendor's connectors. `token` only at the end: `continuationTokenPath` is none.
_CREDENTIAL: Final = re.compile(
    r"client_?id|secret|password|passwd|passphrase|credential|api_?key|private_?key|access_?key|session_?id"
    r"|json_keyfile|^authorization$|token$",
    re.IGNORECASE,
)
# Settings that say what credentials are called and hold none: masking them would hide what a load does.
_FIELD_NAMES: Final = "requestParameterOverride"
_OF_REST: Final = frozenset({"spec", "auth_spec"})
# Greedy up to the last `@`: passwords hold slashes and at-signs, and masking too much is the safe mistake.
_PASSWORD: Final = re.compile(r"^([a-z][a-z0-9+._-]*://[^/:@]*):.*@", re.IGNORECASE | re.DOTALL)
_TD_KEY: Final = re.compile(r"^td://[^@?]+@")  # the user of td:// is an API key
_PARAMETER: Final = re.compile(r"([?&][^=&]*(?:key|token|secret|password)[^=&]*=)[^&]*", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"[^\s'\"<>(),;=]+@[^\s'\"<>(),;=]+")
_QUOTED_VALUE: Final = re.compile(r"(string |value |key \"?[^\"']*?: ?)(['\"])(?:(?!\2).)*\2", re.IGNORECASE)
_MOST_CHARACTERS: Final = 2000


def masked_result(result: str) -> str:
    """A result target as it is read back: JSON text with credentials masked, or a URL without its password."""
    if not result.lstrip().startswith("{"):
        return masked_url(result)
    try:
        settings = orjson.loads(result)
    except orjson.JSONDecodeError:
        return MASK
    return orjson.dumps(masked(settings)).decode()


def masked(value: Json) -> Json:
    """A copy in which every credential reads ``***`` and every URL has lost its password."""
    if isinstance(value, Mapping):
        is_open = _OF_REST if value.get("type") == "rest" else ()
        return {name: member if name in is_open else _masked_member(name, member) for name, member in value.items()}
    if isinstance(value, list):
        return [masked(cast("Json", member)) for member in value]
    return masked_url(value) if isinstance(value, str) else value


def _masked_member(name: str, value: Json) -> Json:
    if name == _FIELD_NAMES:
        return value
    if _CREDENTIAL.search(name) and value not in (None, ""):
        return MASK
    return masked(value)


def holds_mask(value: Json) -> bool:
    """Whether a value that was read masked is being sent back, which would overwrite the secret with asterisks."""
    if isinstance(value, Mapping):
        return any(holds_mask(member) for member in value.values())
    if isinstance(value, list):
        return any(holds_mask(cast("Json", member)) for member in value)
    return value == MASK


def masked_url(text: str) -> str:
    """*text* with userinfo passwords and credential parameters masked: ``mysql://etl:***@db.example.com/shop``."""
    masked_user = _TD_KEY.sub(f"td://{MASK}@", _PASSWORD.sub(rf"\1:{MASK}@", text))
    return _PARAMETER.sub(rf"\1{MASK}", masked_user)


def without_values(message: str) -> str:
    """An engine's message without the data it quotes, for logs that are kept; at most 2,000 characters."""
    return _ADDRESS.sub(MASK, _QUOTED_VALUE.sub(rf"\1\2{MASK}\2", message))[:_MOST_CHARACTERS]
