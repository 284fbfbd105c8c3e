"""Clients of stores that speak S3."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from reconciler.errors import UsageError
from reconciler.model.secret import Secret

_RETRIES = 4


def s3_client(
    bucket: str,
    prefix: str,
    *,
    region: str,
    endpoint: str,
    access_key_id: Secret | None,
    secret_access_key: Secret | None,
    session_token: Secret | None,
    what: str,
) -> Any:
    """A client of *bucket*, which exists. Credentials that are left out are looked for as AWS's own tools do.

    endpoint: address of the store, where it is not AWS. what: is in there, for messages.

    Raises:
        UsageError: obstore is not installed.
    """
    try:
        from obstore.store import S3Store  # noqa: PLC0415 - only where something is in an object store
    except ImportError as error:
        raise UsageError(
            f"{what} in an object store needs a client that is not installed", hint="run: pip install 'tdr[s3]'"
        ) from error
    config: Any = {}
    if region or endpoint:
        config["region"] = region or "us-east-1"
    if endpoint:
        config["endpoint"] = endpoint
    for name, secret in (
        ("access_key_id", access_key_id),
        ("secret_access_key", secret_access_key),
        ("session_token", session_token),
    ):
        if secret is not None:
            config[name] = secret.reveal()
    return S3Store(
        bucket,
        prefix=prefix or None,
        config=config,
        client_options={"allow_http": endpoint.startswith("http:")},
        # Shorter than a lease together, so that who renews one learns in time that the store is away.
        retry_config={"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=60)},
    )
