"""The place of a connection to files in a bucket, as an import or an export is told it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reconciler.errors import Permanent
from reconciler.model.json import Json
from reconciler.model.secret import Secret
from reconciler.ports.buckets import Bucket, BucketPlace, OpenBucket

SETTINGS: Final = ("bucket", "prefix", "region", "endpoint", "access_key_id", "secret_access_key", "session_token")


def bucket_of(settings: Mapping[str, Json], open_bucket: OpenBucket | None) -> Bucket | None:
    """The bucket that *settings* name; None when they name none.

    open_bucket: None where there are none, as in tests.

    Raises:
        Permanent: a setting is no text.
        UsageError: the client of object stores is not installed.
    """
    if not settings.get("bucket"):
        return None
    if open_bucket is None:
        raise Permanent("there are no buckets here", hint="name a connection with a `root`")
    texts: dict[str, str] = {}
    for name in SETTINGS:
        value = settings.get(name) or ""
        if not isinstance(value, str):
            raise Permanent(f"`{name}` of a connection to files is no text")
        texts[name] = value

    def secret(name: str) -> Secret | None:
        return Secret(f"connection:{name}", texts[name]) if texts[name] else None

    return open_bucket(
        BucketPlace(
            texts["bucket"],
            texts["prefix"],
            texts["region"],
            texts["endpoint"],
            secret("access_key_id"),
            secret("secret_access_key"),
            secret("session_token"),
        )
    )
