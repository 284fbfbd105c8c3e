"""Where the state of an environment is kept: what `state` of an environment may say."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from reconciler.model.spec import SecretText, Spec, WebAddress

Prefix = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$")]


class LocalPlace(Spec):
    """The folder that `state` of tdr.yaml names, on this machine."""

    backend: Literal["local"] = "local"
    """What keeps it."""


class PostgresPlace(Spec):
    """A PostgreSQL database; needs `pip install 'tdr[postgres]'`."""

    backend: Literal["postgres"]
    """What keeps it."""
    connection: SecretText
    """Such as ${secret:env:TDR_STATE_DATABASE}, which holds postgresql://USER:PASSWORD@HOST/DATABASE."""
    schema_name: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")] = "tdr"
    """Schema of the table; both are made on first need."""


class S3Place(Spec):
    """An object store that speaks S3 and writes on conditions; needs `pip install 'tdr[s3]'`."""

    backend: Literal["s3"]
    """What keeps it."""
    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    """Bucket, which exists."""
    prefix: Prefix | None = None
    """Where in the bucket; PROJECT/ENVIRONMENT when left out."""
    region: str | None = None
    """Region of the bucket; from AWS_REGION when left out."""
    endpoint: WebAddress | None = None
    """Address of the store, where it is not AWS."""
    access_key_id: SecretText | None = None
    """Looked for as AWS's own tools do when left out."""
    secret_access_key: SecretText | None = None
    """As above."""
    session_token: SecretText | None = None
    """As above."""


class HttpPlace(Spec):
    """A server that keeps states as Terraform's `http` backend asks for, such as GitLab."""

    backend: Literal["http"]
    """What keeps it."""
    address: WebAddress
    """Address of the state."""
    lock_address: WebAddress | None = None
    """Address of its lock; that of the state when left out."""
    unlock_address: WebAddress | None = None
    """As above."""
    lock_method: Literal["LOCK", "POST", "PUT"] = "LOCK"
    """GitLab: POST."""
    unlock_method: Literal["UNLOCK", "DELETE", "POST", "PUT"] = "UNLOCK"
    """GitLab: DELETE."""
    update_method: Literal["POST", "PUT"] = "POST"
    """Method that writes the state."""
    username: str = ""
    """Name for basic authentication."""
    password: SecretText | None = None
    """Password or token for it."""


StatePlace: TypeAlias = Annotated[LocalPlace | PostgresPlace | S3Place | HttpPlace, Field(discriminator="backend")]
