"""From the settings of an export to a client that is logged in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from reconciler.connectors.destinations.salesforce_settings import SalesforceSettings
from reconciler.model.salesforce import SECRETS, Auth
from reconciler.model.secret import Secret
from reconciler.ports.clock import Clock
from reconciler.ports.tokens import TokenStore

if TYPE_CHECKING:
    from pydantic import SecretStr

    from reconciler.apis.salesforce import Salesforce


def connector(
    login_url: str | None, clock: Clock, tokens: Callable[[], TokenStore]
) -> Callable[[SalesforceSettings], Salesforce]:
    """What opens the API for an export.

    login_url: in the place of the connection's, for trying out. tokens: where refresh tokens are kept that rotate.
    """

    def connect(settings: SalesforceSettings) -> Salesforce:
        from reconciler.apis.salesforce_connect import Account  # noqa: PLC0415 - only a run that calls it pays
        from reconciler.apis.salesforce_connect import connect as open_api  # noqa: PLC0415 - as above
        from reconciler.http.retry import RetryPolicy  # noqa: PLC0415 - as above

        secrets = {
            name: Secret(f"result_settings:{name}", cast("SecretStr", getattr(settings, name)).get_secret_value())
            for name in sorted(SECRETS)
        }
        account = Account(settings.auth_method, settings.login_url, secrets, settings.username, settings.audience)
        return open_api(
            account,
            settings.api_version,
            tokens() if settings.auth_method is Auth.REFRESH_TOKEN else None,
            login_url=login_url,
            clock=clock,
            policy=RetryPolicy(
                attempts=settings.retry_limit + 3, first_wait_s=max(settings.retry_initial_wait_sec, 0.5)
            ),
        )

    return connect
