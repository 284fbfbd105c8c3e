"""Text made fit to be shown: without secrets and without the data of people.

Known secrets are found in every form in which they travel; unknown ones, digests of members and e-mail addresses by how
they look, also inside base64. Scrubbing comes before cutting, so that a cut never leaves a piece of something that a
pattern would have met. `everything` knows each secret of this process: it cleans the log and the traces of crashes.
"""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from collections.abc import Iterable, Iterator
from typing import Final, Protocol
from urllib.parse import quote, quote_plus, unquote

from reconciler import known_secrets
from reconciler.known_secrets import Known

MASK = "***"
EXCERPT_CHARACTERS = 500
SHORTEST_SECRET = 4
"""Shorter values would blank parts of ordinary words, and protect nothing that could not be guessed."""

# Lengths are bounded wherever two runs meet, so that hostile text costs no more than its length.
_URL_USER = re.compile(r"(?P<start>://[^\s/:@\"'<>?#]{0,256}):[^\s\"'<>]{0,512}@")
_URL_TOKEN = re.compile(r"(?P<start>://)[^\s/:@\"'<>?#*]{1,512}@")
_SCHEME_AND_TOKEN = re.compile(
    r"\b(?P<scheme>bearer|basic|token(?=\s+\S{0,64}\d))(?P<gap>\s+)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE
)
_TELLING_NAME = re.compile(
    r"(?P<name>(?:access|refresh|id|session)_?token|client_?secret|passw(?:or)?d|api_?key)"
    r"(?P<between>\\?[\"']?\s*[:=]\s*\\?[\"']?)(?!\*)[^\s\"'&,;}\\]+",
    re.IGNORECASE,
)
_AUTHORIZATION = re.compile(
    r"(?P<start>authorization\\?[\"']?\s*[:=]\s*\\?[\"']?(?:[a-z0-9-]{1,20}\s+)?+)[^\s\"'&,;}\\*]+", re.IGNORECASE
)
_HEX_DIGEST = re.compile(r"[0-9a-f]{32,}", re.IGNORECASE)
_AT = r"(?:@|%40|\\u0040|&#64;)"
_EMAIL = re.compile(
    rf"[^\s\"'<>(),;:@\[\]\\*=&/]{{1,64}}{_AT}[^\s\"'<>(),;:@\[\]\\/&]+",
    re.IGNORECASE,
)

_PASSWORD = re.compile(r"://[^\s/:@]{0,256}:(?P<password>[^\s]{1,512})@|\bpassword\s*=\s*'?(?P<told>[^\s']+)")
"""Where it stands in an address or a connection text of a database: what fails may name it alone."""
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
_BASE64_OF_32_BYTES = re.compile(r"(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_-]{43}(?:=|%3D)", re.IGNORECASE)
"""A SHA-256 or one of our own keys."""


class Hidden(Protocol):
    """A value that shows nowhere by itself."""

    def reveal(self) -> str:
        """The value."""
        ...


class Scrubber:
    """Removes what must not be shown. One a run; secrets may be added at any time, by any thread."""

    def __init__(
        self, secrets: Iterable[Hidden | str] = (), *, known: Known | None = None, shortest: int = SHORTEST_SECRET
    ) -> None:
        """Know *secrets* and what *known* holds or will hold; values of less than *shortest* characters are left."""
        self._known = known or Known()
        self._shortest = shortest
        self._version = -1
        self._forms_of: dict[str, frozenset[str]] = {}
        self._forms: tuple[str, ...] = ()
        self._lock = threading.Lock()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: Hidden | str) -> None:
        """Never show *secret* from now on, nor one of its lines when it has several."""
        value = secret if isinstance(secret, str) else secret.reveal()
        self._known.remember(value)
        known_secrets.remember(value)

    def add_token(self, token: str) -> None:
        """Do not show *token*, which its vendor will replace; see `known_secrets` for how long."""
        self._known.remember_token(token)
        known_secrets.remember_token(token)

    def clean(self, text: str) -> str:
        """*text* with ``***`` in the place of everything secret or personal."""
        text = self.without_known(text)
        text = _URL_USER.sub(rf"\g<start>:{MASK}@", text)
        text = _URL_TOKEN.sub(rf"\g<start>{MASK}@", text)
        text = _AUTHORIZATION.sub(rf"\g<start>{MASK}", text)
        text = _SCHEME_AND_TOKEN.sub(rf"\g<scheme>\g<gap>{MASK}", text)
        text = _TELLING_NAME.sub(rf"\g<name>\g<between>{MASK}", text)
        text = _BASE64_OF_32_BYTES.sub(MASK, text)
        text = _BASE64.sub(_hidden_when_personal, text)
        text = _HEX_DIGEST.sub(MASK, text)
        return _EMAIL.sub(MASK, text)

    def without_known(self, text: str) -> str:
        """*text* without known secrets only, for messages of ours, which may name a digest or an owner."""
        forms = self._all_forms()
        # Every replacement is shorter than what it replaces, so this ends; once is enough but for secrets of stars.
        while True:
            before = text
            for form in forms:
                if form in text:
                    text = text.replace(form, MASK)
            if text == before:
                return text

    def excerpt(self, text: str) -> str:
        """*text*, cleaned and cut to 500 characters."""
        cleaned = self.clean(text)
        return cleaned if len(cleaned) <= EXCERPT_CHARACTERS else cleaned[: EXCERPT_CHARACTERS - 1] + "…"

    def _all_forms(self) -> tuple[str, ...]:
        """Each way in which a known secret may stand in text, the longest first; worked out when first needed."""
        if self._version != self._known.version:
            with self._lock:
                version = self._known.version  # read first: what is told meanwhile is found the next time
                values = [value for value in self._known.values() if len(value) >= self._shortest]
                self._forms_of = {value: self._forms_of.get(value) or _forms_of_lines(value) for value in values}
                forms = frozenset[str]().union(*self._forms_of.values())
                self._forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))
                self._version = version
        return self._forms


_SHORTEST_EVERYWHERE: Final = 8
"""Shorter ones are removed from what their own vendor says, and would blank ordinary words everywhere else."""
_EVERYTHING: Final = Scrubber(known=known_secrets.OF_PROCESS, shortest=_SHORTEST_EVERYWHERE)


def everything() -> Scrubber:
    """The scrubber that knows every secret of this process."""
    return _EVERYTHING


def _forms_of_lines(value: str) -> frozenset[str]:
    passwords = [found["password"] or found["told"] for found in _PASSWORD.finditer(value)]
    parts = {value, *value.splitlines(), *passwords, *map(unquote, passwords)}
    return frozenset(form for part in parts for form in _forms(part))


def _hidden_when_personal(match: re.Match[str]) -> str:
    """The mask for base64 of an address or a digest, and anything else as it is."""
    digits = match[0].rstrip("=").replace("-", "+").replace("_", "/")
    try:
        inside = base64.b64decode(digits + "=" * (-len(digits) % 4)).decode("ascii")
    except ValueError:
        return match[0]
    return MASK if inside.isprintable() and (_EMAIL.search(inside) or _HEX_DIGEST.search(inside)) else match[0]


def _forms(value: str) -> Iterator[str]:
    """*value* as it stands in text, addresses, JSON, HTML, Python literals, hex and base64."""
    if len(value.strip()) < SHORTEST_SECRET:
        return
    raw = value.encode("utf-8", errors="surrogatepass")
    plain = {value, value.strip()}
    escaped = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
    escaped |= {form.replace("/", r"\/") for form in escaped}
    # JSON in the text of other JSON, as vendors keep settings, and once more as a log's line shows that.
    for _ in range(2):
        escaped |= {json.dumps(form, ensure_ascii=False)[1:-1] for form in escaped}
    quoted = {quote(raw, safe=""), quote(raw, safe="/"), quote_plus(raw), html.escape(value)}
    quoted |= {re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), form) for form in quoted}
    hexadecimal = {raw.hex(), raw.hex().upper()}
    for form in plain | escaped | quoted | hexadecimal | set(_base64_forms(raw)):
        if len(form) >= SHORTEST_SECRET:
            yield form


def _base64_forms(raw: bytes) -> Iterator[str]:
    """Base64 of *raw*, also where it is the middle of something longer, such as the password of ``user:password``.

    Three bytes make four digits, so there are three ways in which digits can fall on the bytes; digits at either end that
    depend on neighbours too are left out.
    """
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        shared_with_before = -(-before * 8 // 6)
        whole = (before + len(raw)) * 8 // 6
        inner = encoded[shared_with_before:whole]
        yield from (inner, inner.replace("+", "-").replace("/", "_"))
    yield base64.b64encode(raw).decode()
    yield base64.urlsafe_b64encode(raw).decode()
