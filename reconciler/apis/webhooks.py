"""One POST to an address that is itself a secret: nothing that is raised or logged shows it."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from reconciler.errors import Permanent, ProviderError, TdrError
from reconciler.http.client import Client
from reconciler.http.dialect import Dialect
from reconciler.http.guarded import PrivateAddress, guarded_transport
from reconciler.http.request import Request, Safety
from reconciler.http.retry import RetryPolicy
from reconciler.http.verdict import NameUnknown, NobodyListens
from reconciler.http.wire import Timeouts
from reconciler.model.web_address import is_web_address
from reconciler.ports.clock import Clock
from reconciler.scrubbing import Scrubber

_SHORTEST_PART: Final = 8
"""Characters of a part of an address that may be what is secret about it; shorter ones are words."""
_DIALECT: Final = Dialect("notification", is_expired=lambda _answer: False)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a receiver is waited for, in seconds, and how often it is asked. *total_s*: for all attempts together."""

    attempts: int = 4
    answer_s: float = 5.0
    total_s: float = 20.0


class Undelivered(TdrError):
    """A receiver did not take what was sent. The message goes on from its name, and shows neither address nor answer."""


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """``sha256=…``: HMAC-SHA-256 with *secret* over the time, a dot and the body."""
    signed = f"{timestamp}.".encode() + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def post(
    address: str, body: bytes, headers: Mapping[str, str], *, allow_private: bool, clock: Clock, patience: Patience
) -> None:
    """Send *body*, which is JSON, to *address*. It is repeated where no answer came, so it may arrive twice.

    Raises:
        Undelivered: it was not taken.
    """
    address = check(address, allow_private=allow_private)
    # The whole address is the base, so that no message has a path to show; what stands behind it is empty.
    base = address.rstrip("/")
    request = Request("POST", address[len(base) :], {}, body, "application/json", headers, Safety.IDEMPOTENT)
    policy = RetryPolicy(
        attempts=patience.attempts,
        longest_wait_s=patience.answer_s,
        total_s=patience.total_s,
        silence_s=patience.total_s / 2,
    )
    bounds = Timeouts(patience.answer_s, patience.answer_s, patience.answer_s, patience.answer_s)
    try:
        with (
            Client(
                base,
                _DIALECT,
                timeouts=bounds,
                policy=policy,
                scrubber=Scrubber([address, base, *_telling_parts(address)]),
                clock=clock,
                transport=guarded_transport(base, allow_private=allow_private),
            ) as client,
            client.stream(request),
        ):
            pass  # of what it answers the status says all; the rest could go on for ever
    except PrivateAddress:
        message = "its address is in a private network or on this machine"
        raise Undelivered(message, hint="say `allow_private: true` where that is meant") from None
    except NobodyListens:
        raise Undelivered("nothing listens at its address on this machine") from None
    except NameUnknown:
        message = "the name in its address, or that of the proxy, cannot be looked up"
        raise Undelivered(message, hint="see that it is written right, and that there is a network") from None
    except ProviderError as error:
        raise Undelivered(_why(error), hint=_hint(error)) from None


def _telling_parts(address: str) -> Iterator[str]:
    """What of *address* lets one write there, as an answer may repeat it."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if not re.fullmatch(r"[0-9.]+|.*:.*|localhost", host):
        yield host
    yield from filter(None, (parts.path, parts.query))
    for word in re.split(r"[/?&=;]", f"{parts.path}?{parts.query}"):
        if len(word) >= _SHORTEST_PART:
            yield word


def check(address: str, *, allow_private: bool) -> str:
    """*address* without what stands around it, such as the line's end of the file that it is in. Sends nothing.

    Raises:
        Undelivered: nothing may be sent there.
    """
    address = address.strip()
    hint = "write an address such as https://hooks.example.com/… where the secret is kept"
    if not is_web_address(address) or any(sign.isspace() or not sign.isprintable() for sign in address):
        raise Undelivered("what its `url` refers to is no web address", hint=hint)
    if urlsplit(address).scheme == "http" and not allow_private:
        raise Undelivered("its address is http, which anybody on the way could read and change", hint=hint)
    return address


def _why(error: ProviderError) -> str:
    match error.status:
        case None if isinstance(error, Permanent):
            return "it cannot be sent there"
        case None:
            return "no answer came"
        case status if 300 <= status < 400:
            return f"it answered {status}, a redirect, which is not followed"
        case status:
            return f"it answered {status}"


def _hint(error: ProviderError) -> str:
    if error.status in {401, 403, 404, 410}:
        return "see that the address that its `url` refers to is still the right one"
    return ""
