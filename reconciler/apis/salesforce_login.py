"""Who is let in by Salesforce, and for which instance: ways to log in, and the token that comes of one.

None is tried twice by itself, for refused logins lock a user. A refresh token that Salesforce replaces is saved before anything is
done with what came along with it. Sources: Salesforce's help on OAuth 2.0 flows (client credentials, refresh token, JWT bearer).
"""

from __future__ import annotations

import hashlib
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

import orjson

from reconciler.errors import Denied, Permanent
from reconciler.http.client import Client
from reconciler.http.request import Safety, send_form
from reconciler.model.secret import Secret
from reconciler.model.web_address import travels_in_clear
from reconciler.ports.clock import Clock
from reconciler.ports.tokens import Tokens, TokenStore

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

TOKEN_PATH: Final = "/services/oauth2/token"  # noqa: S105 - an address
_JWT_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ASSERTION_LIVES_S: Final = 180
"""Salesforce takes none that lives longer than five minutes, and clocks differ."""


@dataclass(frozen=True, slots=True)
class LetIn:
    """What a login gives: a bearer token, and the address of the org that it is good for."""

    token: str = field(repr=False)
    instance_url: str
    refresh_token: str = field(default="", repr=False)


LogIn: TypeAlias = Callable[[], LetIn]
"""Logs in once. Raises Denied where that is refused, another ProviderError where nobody answered."""


class LoggedIn:
    """The credentials of every further request; one that is refused for its age is replaced by another login."""

    def __init__(self, client: Client, log_in: LogIn) -> None:
        """Log in by *log_in* when the first request asks; *client* hides what comes of it."""
        self._client = client
        self._log_in = log_in
        self._lock = threading.Lock()
        self._entry: LetIn | None = None

    @property
    def instance_url(self) -> str:
        """Where the org answers."""
        with self._lock:
            return self._entered().instance_url

    def headers(self) -> Mapping[str, str]:
        """The header of the next request.

        Raises:
            Denied: the login is refused.
        """
        with self._lock:
            return _bearer(self._entered())

    def renew(self, refused: Mapping[str, str]) -> bool:
        """Log in again, unless somebody did meanwhile."""
        with self._lock:
            if self._entry is not None and dict(refused) == _bearer(self._entry):
                self._entry = None
            self._entered()
            return True

    def _entered(self) -> LetIn:
        if self._entry is None:
            self._entry = self._log_in()
            self._client.scrubber.add_token(self._entry.token)
        return self._entry


def _bearer(entry: LetIn) -> dict[str, str]:
    return {"Authorization": f"Bearer {entry.token}"}


def client_credentials(client: Client, client_id: Secret, client_secret: Secret) -> LogIn:
    """An app that acts for itself, as the user that it is set to run as."""
    fields = {
        "grant_type": "client_credentials",
        "client_id": _clean(client_id),
        "client_secret": _clean(client_secret),
    }
    client.scrubber.add(client_id)
    client.scrubber.add(client_secret)
    return lambda: asked(client, fields)


def jwt_bearer(client: Client, client_id: Secret, username: str, key: Secret, audience: str, clock: Clock) -> LogIn:
    """An app that signs for a user who approved it, or whom an administrator did.

    key: RSA key in PEM. audience: whom the assertion is for, such as ``https://login.salesforce.com``.

    Raises:
        Permanent: *key* is none.
    """
    for secret in (client_id, key):
        client.scrubber.add(secret)
    client.scrubber.add(username)
    signing = _rsa_key(key)

    def log_in() -> LetIn:
        claims = {
            "iss": _clean(client_id),
            "sub": username,
            "aud": audience.rstrip("/"),
            "exp": int(clock.now()) + _ASSERTION_LIVES_S,
        }
        assertion = _signed(signing, claims)
        client.scrubber.add_token(assertion)
        return asked(client, {"grant_type": _JWT_GRANT, "assertion": assertion})

    return log_in


class Refreshing:
    """A refresh token that a person was given, and those that Salesforce gives in its place when it rotates them.

    Logins with it are one at a time over all threads and processes that share *store*: where tokens rotate the old one dies.
    """

    def __init__(
        self, client: Client, client_id: Secret, refresh_token: Secret, client_secret: Secret | None, store: TokenStore
    ) -> None:
        """Ask through *client*, which has no credentials of its own; keep the newest refresh token in *store*."""
        self._client = client
        self._store = store
        self._given = _clean(refresh_token)
        self._fields = {"grant_type": "refresh_token", "client_id": _clean(client_id)}
        if client_secret is not None:
            self._fields["client_secret"] = _clean(client_secret)
        for secret in (client_id, refresh_token, client_secret):
            if secret is not None:
                client.scrubber.add(secret)
        # Tokens that came of another authorisation, or of another app, are none of these credentials' business.
        origin = f"{client.base_url}\0{_clean(client_id)}\0{self._given}"
        self._key = "salesforce/" + hashlib.sha256(origin.encode()).hexdigest()

    def __call__(self) -> LetIn:
        """Log in with the newest refresh token, and save the one that the answer puts in its place.

        Raises:
            Denied: neither the newest nor the one that a person put down is accepted.
        """
        with self._store.exclusive(self._key):
            saved = self._store.load(self._key)
            newest = saved.refresh_token if saved else self._given
            # Salesforce ends the old token as it answers: a place that cannot keep the new one must refuse before.
            self._store.save(self._key, saved or Tokens(access_token="", refresh_token=newest))
            entry, used = self._entered(newest)
            following = entry.refresh_token or used
            if following != newest:
                self._store.save(self._key, Tokens(access_token="", refresh_token=following))
            return entry

    def _entered(self, newest: str) -> tuple[LetIn, str]:
        """What came of it, and the refresh token that was accepted."""
        try:
            return self._asked(newest), newest
        except Denied as error:
            if newest == self._given:
                raise self._over(error) from error
        try:
            return self._asked(self._given), self._given  # an org that was made anew forgot what it gave
        except Denied as error:
            raise self._over(error) from error

    def _asked(self, refresh_token: str) -> LetIn:
        self._client.scrubber.add_token(refresh_token)
        entry = asked(self._client, self._fields | {"refresh_token": refresh_token})
        if entry.refresh_token:
            self._client.scrubber.add_token(entry.refresh_token)
        return entry

    @staticmethod
    def _over(error: Denied) -> Denied:
        return Denied(
            f"{error.message}: the refresh token is not accepted (any more)",
            hint="authorise the app again in Salesforce, and put the new refresh token in the place of the old",
            status=error.status,
            request_id=error.request_id,
        )


class Session:
    """A session of somebody who logged in elsewhere; it is used as it is, and nobody here can renew it."""

    def __init__(self, session: Secret, instance_url: str) -> None:
        """Act at the instance *instance_url*."""
        self._entry: LetIn | None = LetIn(_clean(session), instance_url.rstrip("/"))

    def __call__(self) -> LetIn:
        """The session, once.

        Raises:
            Denied: it is asked for a second time, for it was refused.
        """
        entry, self._entry = self._entry, None
        if entry is None:
            raise Denied(
                "Salesforce: the session of `session_id` is over, and a session cannot be renewed from here",
                hint="log in again and put the new session id down; or write `auth: client_credentials`, which renews itself",
            )
        return entry


def asked(client: Client, fields: Mapping[str, str]) -> LetIn:
    """What the token endpoint answers to *fields*.

    Raises:
        Denied: it refuses. Permanent: it sends tokens to an address that is not safe.
    """
    # Asked again only where no answer came: a token more does no harm, and a refusal is an answer.
    request = send_form("POST", TOKEN_PATH, fields, safety=Safety.IDEMPOTENT)
    answer = client.json(request)
    told = answer if isinstance(answer, Mapping) else {}
    token, instance = told.get("access_token"), told.get("instance_url")
    if not isinstance(token, str) or not token or not isinstance(instance, str):
        raise client.unusable(request, "no access token and instance")
    client.scrubber.add_token(token)
    refresh = told.get("refresh_token")
    return LetIn(token, safe_instance(instance), refresh if isinstance(refresh, str) else "")


def safe_instance(address: str) -> str:
    """*address*, to which a token may go.

    Raises:
        Permanent: it is none, or reached unencrypted.
    """
    if not address.startswith(("https://", "http://")) or travels_in_clear(address):
        raise Permanent(
            "Salesforce: the login names an instance that is not reached encrypted", hint="check `login_url`"
        )
    return address.rstrip("/")


def _clean(secret: Secret) -> str:
    """Without what an editor leaves at the end of a file of secrets."""
    return secret.reveal().strip()


def _rsa_key(secret: Secret) -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415 - only who signs pays
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - as above

    # Environments that hold one line only have its line breaks written out.
    text = secret.reveal().strip().replace("\\n", "\n")
    try:
        key = load_pem_private_key(text.encode(), None)
    except (ValueError, TypeError):
        raise Permanent(
            f"Salesforce: the `private_key` from {secret.reference} is no private key in PEM, or it has a passphrase",
            hint="make one with `openssl genrsa 2048`, and put its certificate into the app",
        ) from None
    if not isinstance(key, RSAPrivateKey):
        raise Permanent(
            f"Salesforce: the `private_key` from {secret.reference} is no RSA key, which alone Salesforce takes",
            hint="make one with `openssl genrsa 2048`, and put its certificate into the app",
        )
    return key


def _signed(key: RSAPrivateKey, claims: Mapping[str, object]) -> str:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415 - only who signs pays
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - as above

    told = ".".join(_base64(orjson.dumps(part)) for part in ({"alg": "RS256", "typ": "JWT"}, claims))
    return f"{told}.{_base64(key.sign(told.encode(), PKCS1v15(), SHA256()))}"


def _base64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
