"""From a way to log in to a client of one org."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.apis.salesforce import Salesforce
from reconciler.apis.salesforce_bulk1 import SessionHeader
from reconciler.apis.salesforce_dialect import SALESFORCE
from reconciler.apis.salesforce_login import LoggedIn, LogIn, Refreshing, Session, client_credentials, jwt_bearer
from reconciler.apis.salesforce_soap import by_password
from reconciler.errors import Permanent
from reconciler.http.client import Client
from reconciler.http.credentials import Credentials
from reconciler.http.retry import RetryPolicy
from reconciler.http.trace import Trace
from reconciler.http.wire import Timeouts
from reconciler.model.salesforce import DEFAULT_VERSION, NEEDED, OLDEST_SERVED, Auth
from reconciler.model.secret import Secret
from reconciler.ports.clock import Clock, SystemClock
from reconciler.ports.tokens import TokenStore
from reconciler.scrubbing import Scrubber

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True, slots=True)
class Account:
    """Who logs in, how, and where. *secrets* are named as in manifests; *audience* is whom a JWT is for, `login_url` when ""."""

    auth: Auth
    login_url: str
    secrets: Mapping[str, Secret] = field(repr=False)
    username: str = ""
    audience: str = ""


def connect(
    account: Account,
    version: str,
    tokens: TokenStore | None = None,
    *,
    login_url: str | None = None,
    clock: Clock | None = None,
    policy: RetryPolicy | None = None,
    timeouts: Timeouts | None = None,
    transport: httpx.BaseTransport | None = None,
    trace: Trace | None = None,
) -> Salesforce:
    """A client that has logged in as *account*.

    tokens: where refresh tokens are kept that Salesforce replaces. login_url: in the place of the account's, for trying out.

    Raises:
        Permanent: the version is retired, or the account lacks what its way to log in needs; nothing was sent.
        ProviderError: the login fails.
    """
    refuse_retired(version)
    clock, scrubber = clock or SystemClock(), Scrubber()

    def client(address: str, credentials: Credentials | None) -> Client:
        return Client(
            address,
            SALESFORCE,
            credentials=credentials,
            policy=policy,
            timeouts=timeouts,
            scrubber=scrubber,
            clock=clock,
            transport=transport,
            trace=trace,
        )

    login = client(login_url or account.login_url, None)
    try:
        entered = LoggedIn(login, way_in(login, account, version, tokens, clock))
        instance = entered.instance_url
    except BaseException:
        login.close()
        raise
    by_session = client(instance, SessionHeader(entered))
    return Salesforce(client(instance, entered), version, by_session, login)


def refuse_retired(version: str) -> None:
    """Say so before anything is sent.

    Raises:
        Permanent: no org answers to *version* any more.
    """
    if int(version.partition(".")[0]) < OLDEST_SERVED:
        raise Permanent(
            f"Salesforce: version {version} of its API is retired, and nothing was sent",
            hint=f"write `api_version: {DEFAULT_VERSION}` in the connection",
        )


def way_in(login: Client, account: Account, version: str, tokens: TokenStore | None, clock: Clock) -> LogIn:
    """What logs *account* in through *login*. Sends nothing by itself.

    Raises:
        Permanent: something that it needs is missing.
    """
    secrets = account.secrets
    given = {name for name, secret in secrets.items() if secret.reveal()} | (
        {"username"} if account.username else set()
    )
    missing = [name for name in NEEDED[account.auth] if name not in given]
    if missing:
        raise Permanent(
            f"Salesforce: `auth: {account.auth}` needs {', '.join(f'`{name}`' for name in missing)}",
            hint="see docs/salesforce.md",
        )
    match account.auth:
        case Auth.CLIENT_CREDENTIALS:
            return client_credentials(login, secrets["client_id"], secrets["client_secret"])
        case Auth.REFRESH_TOKEN:
            if tokens is None:
                raise TypeError("no place for tokens that rotate")
            return Refreshing(
                login, secrets["client_id"], secrets["refresh_token"], _given(secrets, "client_secret"), tokens
            )
        case Auth.JWT:
            audience = account.audience or account.login_url
            return jwt_bearer(login, secrets["client_id"], account.username, secrets["private_key"], audience, clock)
        case Auth.CREDENTIALS:
            token = _given(secrets, "security_token")
            return by_password(login, version, account.username, secrets["password"], token)
        case Auth.SESSION_ID:
            login.scrubber.add(secrets["session_id"])
            return Session(secrets["session_id"], login.base_url)


def _given(secrets: Mapping[str, Secret], name: str) -> Secret | None:
    secret = secrets.get(name)
    return secret if secret is not None and secret.reveal() else None
