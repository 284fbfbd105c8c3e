"""A server that keeps a state as Terraform's `http` backend asks for: GET, POST, and a lock with an id.

Such a server keeps one text, so all objects of a place are in it, and every write sends all of them. It compares nothing: it
only refuses a write whose lock id is not the lock's.

Source: Terraform's documentation of the backend, and what GitLab answers: it tells of a lock that is held with 409 instead of
423 and repeats the asker's own words about it, so who holds the lock is written into the text as well; and it refuses a
second text of one ``serial``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from reconciler.errors import StateError
from reconciler.http.answer import Answer
from reconciler.http.body import ASKED_FOR, MIB, VARIABLE, NotAskedForError, TooLongError, most_bytes, whole
from reconciler.model.secret import Secret
from reconciler.stores.document import UnusableError

if TYPE_CHECKING:
    import httpx

FORMAT = "tdr.shelf"
FORMAT_VERSION = "1.0"
_TIMEOUT_S = 30.0
_LOCKED = (409, 423)
_NO_LOCKING = (404, 405, 501)


@dataclass(slots=True)
class Text:
    """What the server keeps. *serial* grows with every write; *holder* is who had the lock last."""

    serial: int = 0
    lineage: str = ""
    objects: dict[str, str] = field(default_factory=dict)
    holder: dict[str, Any] = field(default_factory=dict)

    def encode(self) -> bytes:
        """As it is sent. Servers made for Terraform look for *version*, *serial* and *lineage*."""
        body = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "version": 4,
            "serial": self.serial,
            "lineage": self.lineage,
            "objects": self.objects,
            "holder": self.holder,
        }
        return orjson.dumps(body, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

    @classmethod
    def decode(cls, data: bytes) -> Text:
        """Read what `encode` wrote.

        Raises:
            UnusableError: it is something else, such as a state of Terraform.
        """
        try:
            body = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise UnusableError(f"is torn or not JSON: {error.msg}") from error
        if not isinstance(body, dict) or body.get("format") != FORMAT:
            raise UnusableError("is not a state of tdr", remedy="give it an address of its own")
        if body.get("format_version") != FORMAT_VERSION:
            version = body.get("format_version")
            raise UnusableError(f"has format version {version!r}; this tdr reads {FORMAT_VERSION!r}")
        try:
            return cls(int(body["serial"]), str(body["lineage"]), dict(body["objects"]), dict(body["holder"]))
        except (KeyError, TypeError, ValueError) as error:
            raise UnusableError(f"has a part that cannot be read: {error!r}") from error


class LockedError(Exception):
    """The server says that somebody else holds the lock. *info* is what it tells of that lock."""

    def __init__(self, info: Mapping[str, Any]) -> None:
        """Hold *info*."""
        super().__init__("locked")
        self.info = info


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a server keeps the text and its lock, and by which methods. "" is the address of the text."""

    state: str
    lock: str = ""
    unlock: str = ""
    lock_method: str = "LOCK"
    unlock_method: str = "UNLOCK"
    update_method: str = "POST"


class StateServer:
    """The requests. Safe to use from several threads."""

    def __init__(self, addresses: Addresses, *, username: str = "", password: Secret | None = None) -> None:
        self._addresses = addresses
        self._username = username
        self._password = password
        self._client: httpx.Client | None = None
        self.where = addresses.state

    def get(self) -> Text:
        """The text; a new one where there is none.

        Raises:
            StateError: the server does not answer, or with something else.
        """
        answer = self._ask("GET", self._addresses.state)
        if answer.status in (204, 404) or (answer.status == 200 and not answer.body):
            return Text()
        if answer.status != 200:
            raise self._refused("GET", answer)
        try:
            return Text.decode(answer.body)
        except UnusableError as error:
            raise StateError(
                f"what is at {self.where} {error.why}", hint=error.remedy or "restore it from the server's versions"
            ) from error

    def post(self, text: Text, lock_id: str) -> None:
        """Replace the text.

        Raises:
            LockedError: the lock is not *lock_id*.
            StateError: the server does not answer or refuses; the text may have been replaced.
        """
        method = self._addresses.update_method
        answer = self._ask(method, self._addresses.state, content=text.encode(), query={"ID": lock_id})
        if answer.status in _LOCKED:
            raise LockedError(_info(answer))
        if not answer.is_success:
            raise self._refused(method, answer)

    def lock(self, info: Mapping[str, str]) -> None:
        """Take the lock under ``info["ID"]``.

        Raises:
            LockedError: somebody else holds it.
            StateError: the server does not answer, or has no locks.
        """
        address = self._addresses.lock or self._addresses.state
        answer = self._ask(self._addresses.lock_method, address, content=orjson.dumps(info))
        if answer.status in _LOCKED:
            raise LockedError(_info(answer))
        if answer.status in _NO_LOCKING:
            raise StateError(
                f"{address} has no locks: it answered {answer.status} to {self._addresses.lock_method}",
                hint="name the server's `lock_address`, `unlock_address` and methods in `state`; "
                "tdr writes only where it can lock",
            )
        if not answer.is_success:
            raise self._refused(self._addresses.lock_method, answer)

    def unlock(self, info: Mapping[str, str]) -> None:
        """Give the lock ``info["ID"]`` back.

        Raises:
            LockedError: the lock is another.
            StateError: the server does not answer or refuses.
        """
        address = self._addresses.unlock or self._addresses.state
        answer = self._ask(self._addresses.unlock_method, address, content=orjson.dumps(info), query={"ID": info["ID"]})
        if answer.status in _LOCKED:
            raise LockedError(_info(answer))
        if not answer.is_success:
            raise self._refused(self._addresses.unlock_method, answer)

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()

    def _ask(
        self, method: str, address: str, *, content: bytes = b"", query: Mapping[str, str] | None = None
    ) -> Answer:
        import httpx  # noqa: PLC0415 - only where state is at a server

        from reconciler.http.network import trust_for  # noqa: PLC0415 - as above

        if self._client is None:
            auth = (self._username, self._password.reveal()) if self._password else None
            spoken_to = (self._addresses.state, self._addresses.lock, self._addresses.unlock)
            transport = httpx.HTTPTransport(verify=trust_for(*spoken_to), retries=2)
            self._client = httpx.Client(auth=auth, timeout=_TIMEOUT_S, transport=transport)
        headers = {"Accept-Encoding": ASKED_FOR} | ({"Content-Type": "application/json"} if content else {})
        bound_bytes = most_bytes()
        try:
            with self._client.stream(
                method, address, content=content, params=query or None, headers=headers
            ) as response:
                answer = Answer(response.status_code, response.headers, whole(response, bound_bytes))
        except (TooLongError, NotAskedForError) as error:
            is_long = isinstance(error, TooLongError)
            what = f"more than {bound_bytes // MIB:,} MiB" if is_long else f"a body packed by {error}"
            raise StateError(
                f"{self.where} answered {method} with {what}",
                hint=f"see whether `address` is right; {VARIABLE} says how many MiB an answer may have",
            ) from None
        except httpx.HTTPError as error:
            raise StateError(
                f"the state at {self.where} cannot be reached: {type(error).__name__}",
                hint="what was saved before is untouched; see whether the server answers, then run again",
            ) from error
        if answer.is_success and answer.headers.get("Content-Type", "").startswith("text/html"):
            # A page to log in, or a proxy's: nothing was read, written or locked, whatever the status says.
            raise StateError(
                f"{self.where} answered with a web page to {method}",
                hint="see whether `address` is right, the credentials have run out, or a proxy stands between",
            )
        return answer

    def _refused(self, method: str, answer: Answer) -> StateError:
        hint = "check `username` and `password` of `state`" if answer.status in (401, 403) else "see its log"
        return StateError(f"{self.where} answered {answer.status} to {method}", hint=hint)


def _info(answer: Answer) -> Mapping[str, Any]:
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}
