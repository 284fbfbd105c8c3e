"""Orgs of Salesforce that are looked at before rows leave, logged in as their connections say."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from reconciler.manifest.secrets import SecretReference
from reconciler.model.salesforce import SECRETS, Auth, SalesforceConnection
from reconciler.wiring.runtime import Runtime
from reconciler.wiring.tracing import trace_of

if TYPE_CHECKING:
    from reconciler.apis.salesforce import Salesforce

_ATTEMPTS: Final = 2
"""A look ahead does not hold up a plan for long."""
_READ_S: Final = 20.0


def knows_secrets(spec: SalesforceConnection) -> bool:
    """Whether this run has the secrets that a login needs, and not only their references."""
    return not any(isinstance(getattr(spec, name), SecretReference) for name in SECRETS)


def open_org(runtime: Runtime, spec: SalesforceConnection) -> Salesforce:
    """A client that has logged in as an export of *spec* does; to be closed.

    Raises:
        ProviderError: the login fails.
    """
    from reconciler.apis.salesforce_connect import Account, connect  # noqa: PLC0415 - only when somebody asks
    from reconciler.http.retry import RetryPolicy  # noqa: PLC0415 - as above
    from reconciler.http.wire import Timeouts  # noqa: PLC0415 - as above

    secrets = {name: secret for name in sorted(SECRETS) if (secret := getattr(spec, name)) is not None}
    return connect(
        Account(spec.auth, spec.login_url, secrets, spec.username or "", spec.audience or ""),
        spec.api_version,
        runtime.tokens() if spec.auth is Auth.REFRESH_TOKEN else None,
        login_url=runtime.loaded.environment.endpoints.get("salesforce"),
        clock=runtime.clock,
        policy=RetryPolicy(attempts=_ATTEMPTS),
        timeouts=Timeouts(connect_s=5.0, read_s=_READ_S),
        trace=trace_of(os.environ),
    )
