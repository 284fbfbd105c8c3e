"""The state document: the whole state as JSON that a person can review, with a digest over itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import orjson

from reconciler.errors import StateError
from reconciler.model.address import Address
from reconciler.model.json import Json, digest
from reconciler.model.record import State
from reconciler.model.upgrades import SCHEMA_VERSION
from reconciler.stores.cipher import PLAIN, Cipher
from reconciler.stores.records import Records

FORMAT = "tdr.state"
FORMAT_VERSION = "1.1"
ELSEWHERE = "state_is_at"
"""Key in `Written.by`: where the state really is, as long as it is not here."""
_READABLE = ("1.0", "1.1")  # 1.0 did not name its project

# A dataclass in a record is a bug (a secret, perhaps); orjson would write its fields.
_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS


class UnusableError(ValueError):
    """Bytes that cannot be used as what they should be. *remedy*, if there is one, is better than taking an older copy."""

    def __init__(self, why: str, *, remedy: str = "") -> None:
        """Hold *why* as the end of a sentence that begins with the file's name."""
        super().__init__(why)
        self.why = why
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Written:
    """A state, and by whom it was written."""

    state: State
    by: Mapping[str, str]
    at: str


def encode(state: State, *, written_by: Mapping[str, str], written_at: str, cipher: Cipher = PLAIN) -> bytes:
    """*state* as UTF-8 JSON: keys sorted, two spaces, a newline at the end; sealed, if *cipher* seals.

    written_by: who and what wrote it, such as ``{"tdr": "0.1.0", "run": "…"}``.
    written_at: RFC 3339.

    Raises:
        TypeError: a record holds something that is not JSON.
    """
    body: dict[str, Json] = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "lineage": state.lineage,
        "serial": state.serial,
        "project": state.project,
        "environment": state.environment,
        "accounts": dict(state.accounts),
        "written_by": dict(written_by),
        "written_at": written_at,
        "resources": {str(address): record.to_json() for address, record in state.records.items()},
        "consumed_plans": list(state.consumed_plans),
    }
    # Through bytes once, so that the digest is over what a reader will see.
    seen = orjson.loads(orjson.dumps(body, option=_OPTIONS))
    text = orjson.dumps(
        {**seen, "digest": digest(seen)}, option=_OPTIONS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    )
    return cipher.seal(text)


def decode(data: bytes, cipher: Cipher = PLAIN) -> State:
    """The state that `encode` wrote.

    Raises:
        UnusableError: as `read` does.
        StateError: it is sealed with a key that *cipher* does not have.
    """
    return read(data, cipher).state


def read(data: bytes, cipher: Cipher = PLAIN) -> Written:
    """Read what `encode` wrote.

    Raises:
        UnusableError: it is torn, changed by somebody else, or of a newer tdr; says which.
        StateError: it is sealed with a key that *cipher* does not have.
    """
    body = _object(cipher.open(data))
    if body.get("format") != FORMAT:
        raise UnusableError(f"is not a state: its format is {body.get('format')!r}")
    if body.get("format_version") not in _READABLE:
        raise _newer(body, f"has format version {body.get('format_version')!r}; this tdr reads {FORMAT_VERSION!r}")
    written = body.pop("digest", None)
    if written != digest(body):
        raise UnusableError("does not match its digest; it was changed or damaged after it was written")
    newest = max(_schema_versions(body.get("resources")), default=SCHEMA_VERSION)
    if newest > SCHEMA_VERSION:
        raise _newer(body, f"has records of schema version {newest}; this tdr reads {SCHEMA_VERSION}")
    try:
        return Written(_state(body), _texts(body["written_by"]), str(body["written_at"]))
    except (KeyError, TypeError, ValueError) as error:
        raise UnusableError(f"has a part that cannot be read: {error!r}") from error


def owned(state: State, environment: str, project: str, where: str) -> State:
    """*state*, given its *project* if it was written before states named theirs; "" takes any.

    Raises:
        StateError: it is the state of another environment or project.
    """
    if state.environment != environment:
        raise StateError(
            f"{where} is the state of environment {state.environment!r}, not of {environment!r}",
            hint="give every environment a place of its own",
        )
    if project and state.project not in ("", project):
        raise StateError(
            f"{where} is the state of project {state.project!r}, not of {project!r}",
            hint="give every project a place of its own",
        )
    return replace(state, project=project) if project else state


def generation(serial: int, lock_id: str) -> str:
    """Name of the journal that goes on from the document of *serial* that was written under *lock_id*."""
    return f"{serial:012}-{lock_id[:8] or '0'}"


def _object(data: bytes) -> dict[str, object]:
    if not data:
        raise UnusableError("is empty")
    if not data.strip(b"\0"):
        raise UnusableError("holds nothing but zero bytes")
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise UnusableError(f"is torn or not JSON: {error.msg} at line {error.lineno}") from error
    if not isinstance(body, dict):
        raise UnusableError(f"holds a JSON {type(body).__name__} where an object should be")
    return body


def _state(body: Mapping[str, object]) -> State:
    resources, accounts, consumed = body["resources"], body["accounts"], body["consumed_plans"]
    if not isinstance(resources, dict) or not isinstance(accounts, dict) or not isinstance(consumed, list):
        raise TypeError("resources, accounts or consumed_plans")
    return State(
        lineage=str(body["lineage"]),
        environment=str(body["environment"]),
        serial=int(str(body["serial"])),
        accounts={vendor: str(account) for vendor, account in accounts.items()},
        records=Records({Address.parse(text): record for text, record in resources.items()}),
        consumed_plans=tuple(str(plan) for plan in consumed),
        project=str(body.get("project", "")),
    )


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise TypeError("written_by")
    return {key: str(text) for key, text in value.items()}


def _schema_versions(resources: object) -> Iterator[int]:
    if not isinstance(resources, dict):
        return
    for record in resources.values():
        version = record.get("schema_version") if isinstance(record, dict) else None
        if isinstance(version, int):
            yield version


def _newer(body: Mapping[str, object], why: str) -> UnusableError:
    written_by = body.get("written_by")
    version = written_by.get("tdr", "") if isinstance(written_by, dict) else ""
    return UnusableError(why, remedy=f"install tdr {version or 'of the version that wrote it'} or newer")
